/* SPDX-License-Identifier: MIT */
/*
 * host: a program that knows nothing but the ABI, run by the module tests
 * where a test needs a process of its own. It prints lines of KEY=VALUE.
 *
 *     host [--go] [--deadline=MS] COMMAND [ARGUMENT...]
 *
 * --go: print ".", then begin at the end of standard input.
 */
#include <fcntl.h>
#include <limits.h>
#include <mps/loader.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* See world.h. */
#define CANNOT 77

static struct mps_api mps;
static unsigned deadline_ms;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
fetch(const char *business_id, const struct mps_credential **credential)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = deadline_ms};

    return mps.get_credential_with(&request, credential);
}

/* Gets one credential and prints all that is known of it. */
static int
tell(const char *business_id)
{
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    int64_t begin = now_ms();
    int code = fetch(business_id, &credential);
    long took = (long)(now_ms() - begin);

    if (code == MPS_OK) {
        printf("id=%s code=0 source=%d token_id=%s expires=%lld endpoint=%lld "
               "ms=%ld\n",
               business_id, credential->source, credential->token_id,
               (long long)credential->expires_at,
               (long long)credential->endpoint_expires_at, took);
        mps.release_credential(credential);
    } else {
        mps.error(&error);
        printf("id=%s code=%d http=%d ms=%ld message=%s\n", business_id, code,
               error.http_status, took, error.message);
    }
    fflush(stdout);
    return code;
}

static int
do_get(char **argv)
{
    int worst = 0;

    for (; *argv != NULL; argv++) {
        int code = tell(*argv);

        worst = code != 0 ? code : worst;
    }
    return worst;
}

/* get BUSINESS in this many threads at once. */
struct racer {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const char *business_id;
    int code;
    char token_id[16];
};

static void *
race(void *arg)
{
    struct racer *racer = arg;
    const struct mps_credential *credential = NULL;

    pthread_barrier_wait(racer->barrier);
    racer->code = fetch(racer->business_id, &credential);
    if (racer->code == MPS_OK) {
        snprintf(racer->token_id, sizeof(racer->token_id), "%s",
                 credential->token_id);
    }
    mps.release_credential(credential);
    return NULL;
}

static int
do_race(char **argv)
{
    struct racer racers[64];
    pthread_barrier_t barrier;
    unsigned count = (unsigned)strtoul(argv[0], NULL, 10);
    unsigned ok = 0;
    unsigned same = 0;

    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        racers[i] =
            (struct racer){.barrier = &barrier, .business_id = argv[1]};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(racers[i].thread, NULL);
        ok += racers[i].code == MPS_OK;
        same += strcmp(racers[i].token_id, racers[0].token_id) == 0;
    }
    pthread_barrier_destroy(&barrier);
    printf("ok=%u same=%u token_id=%s\n", ok, same, racers[0].token_id);
    return 0;
}

/* --- other scenes ---------------------------------------------------------
 */

static int
raise_loopback(void)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    strcpy(request.ifr_name, "lo");
    result = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

static int
write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd >= 0 && write(fd, text, strlen(text)) > 0 ? 0 : -1;

    if (fd >= 0) {
        close(fd);
    }
    return result;
}

/* A user namespace in which we are who we were, but with privileges. */
static int
gain_privileges(int spaces)
{
    char uids[64];
    char gids[64];

    snprintf(uids, sizeof(uids), "%u %u 1", (unsigned)geteuid(),
             (unsigned)geteuid());
    snprintf(gids, sizeof(gids), "%u %u 1", (unsigned)getegid(),
             (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | spaces) != 0 ||
        write_to("/proc/self/setgroups", "deny") != 0 ||
        write_to("/proc/self/uid_map", uids) != 0) {
        return -1;
    }
    return write_to("/proc/self/gid_map", gids);
}

static int
private_mounts(int more)
{
    if (unshare(CLONE_NEWNS | more) != 0 &&
        gain_privileges(CLONE_NEWNS | more) != 0) {
        return -1;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* mute-dns FILE BUSINESS: the name server of resolv.conf FILE is a socket
 * that takes questions and never answers. */
static int
do_mute_dns(char **argv)
{
    const struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_port = htons(53),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    char question[512];
    int code;
    int fd;

    if (private_mounts(CLONE_NEWNET) != 0 || raise_loopback() != 0 ||
        mount(argv[0], "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0) {
        return CANNOT;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
        return CANNOT;
    }
    code = do_get(argv + 1);
    printf("asked=%d\n",
           recv(fd, question, sizeof(question), MSG_DONTWAIT) > 0);
    return code;
}

/* A /dev of our own at `dir`, with what the helper needs of the real one. */
static int
replace_dev(const char *dir)
{
    static const char *const nodes[] = {"null", "zero", "random", "urandom"};
    char from[PATH_MAX];
    char to[PATH_MAX];

    if (private_mounts(0) != 0 || mount("tmpfs", dir, "tmpfs", 0, NULL) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        int fd;

        snprintf(from, sizeof(from), "/dev/%s", nodes[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, nodes[i]);
        fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0 || close(fd) != 0 ||
            mount(from, to, NULL, MS_BIND, NULL) != 0) {
            return -1;
        }
    }
    return mount(dir, "/dev", NULL, MS_BIND | MS_REC, NULL);
}

/* syslog DIRECTORY BUSINESS...: what came to /dev/log is printed. */
static int
do_syslog(char **argv)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char line[2048];
    ssize_t len;
    int fd;

    if (replace_dev(argv[0]) != 0) {
        return CANNOT;
    }
    strcpy(name.sun_path, "/dev/log");
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
        return CANNOT;
    }
    (void)do_get(argv + 1);
    mps.shutdown();
    while ((len = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT)) > 0) {
        printf("log %.*s\n", (int)len, line);
    }
    return 0;
}

static int
await_go(void)
{
    char byte;

    if (write(1, ".", 1) != 1) {
        return -1;
    }
    while (read(0, &byte, 1) > 0) {
        continue;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(char **argv);
    int least;
} commands[] = {
    {"get", do_get, 1},
    {"race", do_race, 2},
    {"mute-dns", do_mute_dns, 2},
    {"syslog", do_syslog, 2},
};

int
main(int argc, char **argv)
{
    const char *path = getenv("MPS_TEST_MODULE");
    int at = 1;

    /* Whatever happens, no test leaves a host behind. */
    alarm(120);
    if (path == NULL || mps_load(&mps, path) != 0) {
        printf("error=%s\n", path != NULL ? mps.load_error : "no module");
        return 99;
    }
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--go") == 0 && await_go() != 0) {
            return 99;
        }
        if (strncmp(argv[at], "--deadline=", 11) == 0) {
            deadline_ms = (unsigned)strtoul(argv[at] + 11, NULL, 10);
        }
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (at < argc && strcmp(argv[at], commands[i].name) == 0 &&
            argc - at - 1 >= commands[i].least) {
            return commands[i].run(argv + at + 1);
        }
    }
    fputs("host: wrong command line\n", stderr);
    return 98;
}
