/* SPDX-License-Identifier: MIT */
/*
 * load_host: the host for the tests of many processes, threads and deaths.
 * Like host.c it knows nothing but the ABI and prints lines of KEY=VALUE.
 *
 *     load_host [--go] COMMAND [ARGUMENT...]
 *
 * --go: print ".", then begin at the next byte of standard input or its end.
 * Commands with several steps do the same before each of them.
 *
 * ssl_host is the same program, linked with OpenSSL, which it initialises
 * before it loads the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <mps/loader.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_OPENSSL
#include <openssl/ssl.h>
#endif

#include "helper.h"

#define THREADS_MAX 64
#define IDS_MAX 128
#define WORDS_MAX 8

/* What a host leaves with in the middle of its fetches. */
#define LEAVES_WITH 7

/* A token that lives longer is the last one of a storm of refreshes. */
#define LONG_S 1000

static struct mps_api mps;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
nap_us(long us)
{
    const struct timespec tick = {us / 1000000, us % 1000000 * 1000L};

    nanosleep(&tick, NULL);
}

static void
step(void)
{
    char byte;

    fflush(stdout);
    if (write(1, ".", 1) != 1) {
        _exit(99);
    }
    (void)!read(0, &byte, 1);
}

static unsigned
number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

/* --- serve: what the test asks for, one line after the other ---------------
 */

static int
split(char *line, char *words[WORDS_MAX])
{
    char *save = NULL;
    int count = 0;

    for (char *word = strtok_r(line, " \n", &save);
         word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &save)) {
        words[count++] = word;
    }
    return count;
}

static void
read_options(struct mps_request *request, char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "force") == 0) {
            request->flags |= MPS_FORCE_REFRESH;
        } else if (strcmp(words[i], "nowait") == 0) {
            request->flags |= MPS_NO_WAIT;
        } else if (strncmp(words[i], "deadline=", 9) == 0) {
            request->deadline_ms = number(words[i] + 9);
        } else if (strncmp(words[i], "min=", 4) == 0) {
            request->min_validity_s = number(words[i] + 4);
        } else if (strncmp(words[i], "profile=", 8) == 0) {
            request->profile = words[i] + 8;
        } else {
            printf("option=unknown ");
        }
    }
}

static void
tell_failure(int code)
{
    struct mps_error error = {.size = sizeof(error)};

    mps.error(&error);
    printf("code=%d http=%d retry_at=%lld ", code, error.http_status,
           (long long)error.retry_at);
}

static void
answer_get(char *const *words, int count)
{
    const struct mps_credential *credential = NULL;
    struct mps_request request = {.size = sizeof(request),
                                  .business_id = words[0]};
    int64_t begin = now_ms();
    int code;

    read_options(&request, words + 1, count - 1);
    code = mps.get_credential_with(&request, &credential);
    printf("ms=%lld ", (long long)(now_ms() - begin));
    if (code != MPS_OK) {
        struct mps_error error = {.size = sizeof(error)};

        tell_failure(code);
        mps.error(&error);
        printf("message=%s\n", error.message);
        return;
    }
    printf("code=0 source=%d token_id=%s expires=%lld token=%s\n",
           credential->source, credential->token_id,
           (long long)credential->expires_at, credential->access_token);
    mps.release_credential(credential);
}

static void
answer_invalidate(char *const *words, int count)
{
    const char *token =
        count > 1 && strcmp(words[1], "-") != 0 ? words[1] : NULL;
    int code = mps.invalidate_credential(words[0], token);

    if (code != MPS_OK) {
        tell_failure(code);
        printf("\n");
        return;
    }
    printf("code=0\n");
}

/*
 * serve: reads lines until the end, and answers each with one:
 *
 *     get BUSINESS [force] [nowait] [deadline=MS] [min=S] [profile=NAME]
 *     invalidate BUSINESS TOKEN|-
 *     seteuid UID
 */
static int
do_serve(char **argv)
{
    char line[2048];
    char *words[WORDS_MAX];

    (void)argv;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int count = split(line, words);

        if (count >= 2 && strcmp(words[0], "get") == 0) {
            answer_get(words + 1, count - 1);
        } else if (count >= 2 && strcmp(words[0], "invalidate") == 0) {
            answer_invalidate(words + 1, count - 1);
        } else if (count == 2 && strcmp(words[0], "seteuid") == 0) {
            printf("code=%d\n", seteuid(number(words[1])) == 0 ? 0 : errno);
        } else {
            printf("code=-1\n");
        }
        fflush(stdout);
    }
    return 0;
}

/* --- storms: many threads at once ------------------------------------------
 */

struct storm {
    pthread_barrier_t barrier;
    pthread_mutex_t lock;
    int64_t until_ms;
    unsigned first;
    unsigned count;
    unsigned ok;
    unsigned failed;
    int code;          /* the last failure's */
    char message[256]; /* likewise */
    char seen[64][16]; /* the tokens, by token_id */
    unsigned seen_count;
};

struct stormer {
    pthread_t thread;
    struct storm *storm;
    unsigned seed;
};

static void
note(struct storm *storm, int code, const struct mps_credential *credential)
{
    struct mps_error error = {.size = sizeof(error)};
    unsigned i = 0;

    mps.error(&error);
    pthread_mutex_lock(&storm->lock);
    if (code == MPS_OK) {
        storm->ok++;
        while (i < storm->seen_count &&
               strcmp(storm->seen[i], credential->token_id) != 0) {
            i++;
        }
        if (i == storm->seen_count && i < 64) {
            memcpy(storm->seen[i], credential->token_id, 16);
            storm->seen_count++;
        }
    } else {
        storm->failed++;
        storm->code = code;
        memcpy(storm->message, error.message, sizeof(storm->message));
    }
    pthread_mutex_unlock(&storm->lock);
}

/* Gets one and notes it; when its token ends. */
static int64_t
get_and_note(struct storm *storm, unsigned which)
{
    const struct mps_credential *credential = NULL;
    int64_t ends = 0;
    char id[24];
    int code;

    snprintf(id, sizeof(id), "%u", storm->first + which);
    code = mps.get_credential(id, &credential);
    note(storm, code, credential);
    ends = credential != NULL ? credential->expires_at : 0;
    mps.release_credential(credential);
    return ends;
}

static int
do_storm(char **argv, void *(*run)(void *arg), void (*between)(struct storm *))
{
    static struct storm storm = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct stormer stormers[THREADS_MAX];
    unsigned threads = number(argv[0]);

    storm.first = number(argv[1]);
    storm.count = argv[2] != NULL ? number(argv[2]) : 1;
    storm.until_ms = now_ms() + 60000;
    pthread_barrier_init(&storm.barrier, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        stormers[i].storm = &storm;
        stormers[i].seed = (unsigned)getpid() * 64 + i;
        pthread_create(&stormers[i].thread, NULL, run, &stormers[i]);
    }
    pthread_barrier_wait(&storm.barrier);
    if (between != NULL) {
        between(&storm);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(stormers[i].thread, NULL);
    }
    printf("ok=%u failed=%u code=%d tokens=", storm.ok, storm.failed,
           storm.code);
    for (unsigned i = 0; i < storm.seen_count; i++) {
        printf("%s%s", i > 0 ? "," : "", storm.seen[i]);
    }
    printf("\nmessage=%s\n", storm.message);
    return 0;
}

/* All businesses, each thread in an order of its own. */
static void *
ask_for_all(void *arg)
{
    struct stormer *stormer = arg;
    struct storm *storm = stormer->storm;
    unsigned order[IDS_MAX];

    for (unsigned i = 0; i < storm->count; i++) {
        order[i] = i;
    }
    for (unsigned i = storm->count - 1; i > 0; i--) {
        unsigned other = (unsigned)rand_r(&stormer->seed) % (i + 1);
        unsigned kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
    pthread_barrier_wait(&storm->barrier);
    for (unsigned i = 0; i < storm->count; i++) {
        (void)get_and_note(storm, order[i]);
    }
    return NULL;
}

/* storm THREADS FIRST COUNT: the businesses from FIRST on. */
static int
do_storm_all(char **argv)
{
    return do_storm(argv, ask_for_all, NULL);
}

/* Asks until the token that lives long has come. */
static void *
ask_on(void *arg)
{
    struct stormer *stormer = arg;
    struct storm *storm = stormer->storm;

    pthread_barrier_wait(&storm->barrier);
    while (now_ms() < storm->until_ms &&
           get_and_note(storm, 0) < time(NULL) + LONG_S) {
        nap_us(20000 + rand_r(&stormer->seed) % 5000);
    }
    return NULL;
}

/* storm-refresh THREADS BUSINESS */
static int
do_storm_refresh(char **argv)
{
    return do_storm(argv, ask_on, NULL);
}

/* All hold a token; after the step all report it dead, and ask anew. */
static void *
ask_report_ask(void *arg)
{
    struct stormer *stormer = arg;
    struct storm *storm = stormer->storm;
    const struct mps_credential *dead = NULL;
    char id[24];
    int code;

    snprintf(id, sizeof(id), "%u", storm->first);
    code = mps.get_credential(id, &dead);
    note(storm, code, dead);
    pthread_barrier_wait(&storm->barrier);
    pthread_barrier_wait(&storm->barrier);
    if (dead != NULL) {
        (void)mps.invalidate_credential(id, dead->access_token);
    }
    mps.release_credential(dead);
    (void)get_and_note(storm, 0);
    return NULL;
}

static void
step_between(struct storm *storm)
{
    step();
    pthread_barrier_wait(&storm->barrier);
}

/* storm-dead THREADS BUSINESS */
static int
do_storm_dead(char **argv)
{
    return do_storm(argv, ask_report_ask, step_between);
}

/* --- deaths ----------------------------------------------------------------
 */

static void *
get_one(void *arg)
{
    const struct mps_credential *credential = NULL;

    (void)mps.get_credential(arg, &credential);
    mps.release_credential(credential);
    return NULL;
}

/* fork-mid BUSINESS: in the middle of a fetch a child is born that lives on;
 * the parent is killed by the test. */
static int
do_fork_mid(char **argv)
{
    pthread_t thread;
    pid_t pid;

    pthread_create(&thread, NULL, get_one, argv[0]);
    step();
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd < 3; fd++) {
            dup2(null, fd);
        }
        alarm(60);
        for (;;) {
            pause();
        }
    }
    printf("child=%d\n", (int)pid);
    fflush(stdout);
    pthread_join(thread, NULL);
    return 0;
}

/* In a child: fetches are begun, and the host leaves at any moment. */
static _Noreturn void
leave(const char *mode, unsigned within_ms, unsigned first, unsigned seed)
{
    static char ids[4][24];

    alarm(30);
    for (unsigned i = 0; i < 4; i++) {
        const struct mps_credential *credential = NULL;
        struct mps_request request = {.size = sizeof(request),
                                      .business_id = ids[i],
                                      .flags = MPS_NO_WAIT};
        pthread_t thread;

        snprintf(ids[i], sizeof(ids[i]), "%u", first + i);
        if (strcmp(mode, "threads") == 0) {
            pthread_create(&thread, NULL, get_one, ids[i]);
            pthread_detach(thread);
        } else {
            (void)mps.get_credential_with(&request, &credential);
            mps.release_credential(credential);
        }
    }
    nap_us((long)((unsigned)rand_r(&seed) % (within_ms * 1000)));
    exit(LEAVES_WITH);
}

/* leave COUNT SEED MODE MS FIRST: so many hosts that leave within MS, some at
 * a time, each with businesses of its own from FIRST on. MODE: nowait, or
 * threads with calls that wait. */
static int
do_leave(char **argv)
{
    enum { AT_ONCE = 6 };
    unsigned count = number(argv[0]);
    unsigned seed = number(argv[1]);
    unsigned well = 0;
    unsigned begun = 0;
    unsigned ended = 0;
    int worst = 0;
    int output = memfd_create("output", MFD_CLOEXEC);
    struct stat said;

    while (ended < count) {
        int status = -1;

        if (begun < count && begun - ended < AT_ONCE) {
            fflush(stdout);
            if (fork() == 0) {
                dup2(output, 1);
                dup2(output, 2);
                leave(argv[2], number(argv[3]), number(argv[4]) + 4 * begun,
                      seed + begun);
            }
            begun++;
            continue;
        }
        if (waitpid(-1, &status, 0) < 0) {
            break;
        }
        ended++;
        if (WIFEXITED(status) && WEXITSTATUS(status) == LEAVES_WITH) {
            well++;
        } else {
            worst = status;
        }
    }
    fstat(output, &said);
    printf("well=%u of=%u worst=%#x output=%lld\n", well, count,
           (unsigned)worst, (long long)said.st_size);
    return 0;
}

/* --- kills ------------------------------------------------------------------
 */

/* In a child: the businesses' tokens are dropped and fetched, without end. A
 * byte is written to `begun` when the first one is there. */
static _Noreturn void
fetch_for_ever(char **ids, unsigned seed, int begun)
{
    unsigned count = 0;

    alarm(30);
    signal(SIGPIPE, SIG_IGN); /* nobody may wait for the byte */
    while (ids[count] != NULL) {
        count++;
    }
    for (;;) {
        const struct mps_credential *credential = NULL;
        const char *id = ids[(unsigned)rand_r(&seed) % count];

        (void)mps.invalidate_credential(id, NULL);
        (void)mps.get_credential(id, &credential);
        mps.release_credential(credential);
        if (begun >= 0) {
            (void)!write(begun, ".", 1);
            close(begun);
            begun = -1;
        }
    }
}

/* A victim; `patient`: when it has a token already, within ten seconds. */
static pid_t
start_victim(char **ids, unsigned seed, int patient)
{
    struct pollfd begun = {.events = POLLIN};
    int pipes[2];
    pid_t pid;

    if (pipe2(pipes, O_CLOEXEC) != 0) {
        exit(99);
    }
    pid = fork();
    if (pid == 0) {
        fetch_for_ever(ids, seed, pipes[1]);
    }
    close(pipes[1]);
    begun.fd = pipes[0];
    if (patient) {
        (void)poll(&begun, 1, 10000);
    }
    close(pipes[0]);
    return pid;
}

/* A new process gets a token; how long that took, or -1. */
static long
look_whether_it_works(const char *id)
{
    int64_t begin = now_ms();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        const struct mps_credential *credential = NULL;

        alarm(60);
        _exit(mps.get_credential(id, &credential));
    }
    waitpid(pid, &status, 0);
    return status == 0 ? (long)(now_ms() - begin) : -1;
}

/* kills COUNT SEED BUSINESS...: victims that die at a random moment, or whose
 * helper does; between them, whether all works. */
static int
do_kills(char **argv)
{
    unsigned count = number(argv[0]);
    unsigned seed = number(argv[1]);
    unsigned helpers = 0;
    unsigned looks = 0;
    unsigned failed = 0;
    long slowest = 0;

    for (unsigned i = 0; i < count; i++) {
        pid_t helper = 0;
        pid_t pid = start_victim(argv + 2, seed + i, i % 4 >= 2);

        nap_us(rand_r(&seed) % 40000);
        if (i % 2 == 0 && (helper = helper_below(pid)) > 0) {
            helpers += kill(helper, SIGKILL) == 0;
            nap_us(rand_r(&seed) % 10000);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        if (i % 25 == 24 || i == count - 1) {
            long took = look_whether_it_works(argv[2 + i / 25 % 2]);

            looks++;
            failed += took < 0;
            slowest = took > slowest ? took : slowest;
        }
    }
    printf("kills=%u helpers=%u looks=%u failed=%u slowest=%ld\n", count,
           helpers, looks, failed, slowest);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(char **argv);
    int least;
} commands[] = {
    {"serve", do_serve, 0},
    {"storm", do_storm_all, 3},
    {"storm-refresh", do_storm_refresh, 2},
    {"storm-dead", do_storm_dead, 2},
    {"fork-mid", do_fork_mid, 1},
    {"leave", do_leave, 5},
    {"kills", do_kills, 3},
};

int
main(int argc, char **argv)
{
    const char *path = getenv("MPS_TEST_MODULE");
    int at = 1;

    /* Whatever happens, no test leaves a host behind. */
    alarm(240);
#ifdef WITH_OPENSSL
    OPENSSL_init_ssl(0, NULL);
#endif
    if (path == NULL || mps_load(&mps, path) != 0) {
        printf("error=%s\n", path != NULL ? mps.load_error : "no module");
        return 99;
    }
    if (at < argc && strcmp(argv[at], "--go") == 0) {
        step();
        at++;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (at < argc && strcmp(argv[at], commands[i].name) == 0 &&
            argc - at - 1 >= commands[i].least) {
            return commands[i].run(argv + at + 1);
        }
    }
    fputs("load_host: wrong command line\n", stderr);
    return 98;
}
