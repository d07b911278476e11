/* SPDX-License-Identifier: MIT */
/*
 * starve_host: a program that knows nothing but the ABI, and whose memory
 * runs out: at the first allocation that a call makes, at the second, and so
 * on until one run has met none any more. Each run is a child of its own.
 *
 *     starve_host SCENE OWNERS once|all STRIDE DEADLINE-MS FIRST-BUSINESS
 *
 * OWNERS: letters, see owners_of(). STRIDE: every how many allocations one
 * fails. It prints a line for each run that went wrong, and at the end
 *
 *     seen=N runs=N starved=N bad=N codes=CODE:COUNT,... seconds=N
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mps/loader.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "starve.h"

/* For what ends a run that hangs: nothing of it is a promise. */
#define PATIENCE_S 120
/* How long the end of background work is awaited that may not have begun. */
#define GRACE_MS 2000
/* What a deadline may be missed by on a busy machine. */
#ifdef __SANITIZE_ADDRESS__
#define SLACK_MS 10000
#else
#define SLACK_MS 3000
#endif
/* On a 32-bit machine struct timespec is of 64 bits, as all of the build. */
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SYS_clock_gettime
#endif

#define IDS 4
#define CODES 18
#define BAD_MAX 12

/* What a run leaves for the parent. */
struct result {
    unsigned seen;
    unsigned failed;
    int code;
    int next;
    int held[STARVE_OWNERS];
    int descriptors;
    int64_t ms;
    char flaw[512];    /* "" = none */
    char message[256]; /* of the last failure */
    char where[1024];
};

struct scene {
    const char *name;
    void (*before)(void); /* may be NULL; nothing fails in it */
    int (*act)(void);     /* the code */
    int (*next)(void);    /* what has to work afterwards: MPS_OK */
};

static struct mps_api mps;
static struct result *result; /* shared with the parent */
static char ids[IDS][24];
static const struct mps_credential *held;
static int event_fd = -1;
static atomic_long shift_ms;
static unsigned deadline_ms;

/* --- a clock that can be stepped ------------------------------------------
 */

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *now)
{
    int done = (int)syscall(SYS_clock_gettime64, id, now);
    int64_t ns = now->tv_nsec + (int64_t)atomic_load(&shift_ms) * 1000000;

    if (id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID) {
        now->tv_sec += ns / 1000000000;
        now->tv_nsec = (long)(ns % 1000000000);
    }
    return done;
}

static int64_t
now_ms(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime64, CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what the runs do -----------------------------------------------------
 */

__attribute__((format(printf, 1, 2))) static void
say_flaw(const char *format, ...)
{
    va_list list;

    if (result->flaw[0] == '\0') {
        va_start(list, format);
        vsnprintf(result->flaw, sizeof(result->flaw), format, list);
        va_end(list);
    }
}

/* A failure has to be told in full. */
static void
check_error(int code, const struct mps_error *error)
{
    if (code != MPS_OK && code != MPS_E_AGAIN) {
        memcpy(result->message, error->message, sizeof(error->message));
    }
    if (code < 0 || code >= CODES || code == MPS_E_INTERNAL ||
        code == MPS_E_INVALID) {
        say_flaw("code %d: %s", code, error->message);
    }
    if (code != MPS_OK && (error->code != code || error->message[0] == '\0')) {
        say_flaw("code %d, but the error has %d: %s", code, error->code,
                 error->message);
    }
}

static int
get(const char *id, unsigned flags)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = id,
                                        .deadline_ms = deadline_ms,
                                        .flags = flags,
                                        .error = &error};
    const struct mps_credential *got = NULL;
    int code = mps.get_credential_with(&request, &got);

    check_error(code, &error);
    if ((code == MPS_OK) != (got != NULL)) {
        say_flaw("code %d %s a credential", code, got ? "with" : "without");
    }
    if (got != NULL && (got->access_token[0] == '\0' ||
                        strlen(got->token_id) != 12 || got->expires_at == 0)) {
        say_flaw("a credential that is none");
    }
    mps.release_credential(got);
    return code;
}

static int
get_first(void)
{
    return get(ids[0], 0);
}

/* The emulator has a definite no for this one. */
static int
get_refused(void)
{
    return get(ids[1], 0);
}

/* Once round, so that the libraries are initialised. */
static void
use_libraries(void)
{
    if (get(ids[1], 0) != MPS_OK) {
        say_flaw("before: no credential");
    }
    mps.shutdown();
}

static void
warm_up(void)
{
    int code = get(ids[0], 0);

    if (code != MPS_OK) {
        say_flaw("before: code %d", code);
    }
}

/* Waits for the end of what goes on in the background: must_come where there
 * is something for sure. */
static void
await_event(int must_come)
{
    struct pollfd waits = {.fd = event_fd, .events = POLLIN};
    uint64_t count;

    if (poll(&waits, 1, must_come ? (int)deadline_ms + GRACE_MS : GRACE_MS) !=
        1) {
        if (must_come) {
            say_flaw("the background fetch doesn't end");
        }
    } else if (read(event_fd, &count, sizeof(count)) != sizeof(count)) {
        say_flaw("event_fd can't be read");
    }
}

static void
with_event_fd(void)
{
    event_fd = mps.event_fd();
}

static int
get_without_waiting(void)
{
    int code = get(ids[0], MPS_NO_WAIT);

    if (code == MPS_E_AGAIN && event_fd >= 0) {
        await_event(1);
        code = get(ids[0], MPS_NO_WAIT);
        if (code == MPS_E_AGAIN) {
            say_flaw("AGAIN though the fetch has ended");
        }
    }
    return code;
}

/* Late in the token's life. */
static void
warm_up_and_age(void)
{
    warm_up();
    with_event_fd();
    atomic_store(&shift_ms, 3400 * 1000L);
}

static int
refresh(void)
{
    int code = get(ids[0], 0);

    await_event(starve_failed() == 0);
    return code;
}

static void
warm_up_and_wait_backoff(void)
{
    warm_up();
    atomic_store(&shift_ms, 40 * 1000L);
}

static int
force(void)
{
    return get(ids[0], MPS_FORCE_REFRESH);
}

static int
invalidate(void)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = ids[0],
                                        .deadline_ms = deadline_ms,
                                        .error = &error};
    int code = mps.invalidate_credential_with(&request, NULL);

    check_error(code, &error);
    return code;
}

static unsigned told;

static void
on_item(void *arg, const char *business_id, int code)
{
    (void)arg;
    (void)business_id;
    told++;
    if (code < 0 || code >= CODES || code == MPS_E_INTERNAL) {
        say_flaw("an item's code is %d", code);
    }
}

static int
prefetch(void)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {
        .size = sizeof(request), .deadline_ms = deadline_ms, .error = &error};
    const char *all[IDS + 1];
    int code;

    for (int i = 0; i <= IDS; i++) {
        all[i] = ids[i % IDS]; /* one of them twice */
    }
    told = 0;
    code = mps.prefetch_credentials(&request, all, IDS + 1, on_item, NULL);
    check_error(code, &error);
    /* Where it can't even begin nobody is told. */
    if (told != IDS + 1 && (told != 0 || code != MPS_E_NO_MEMORY)) {
        say_flaw("%u of %d items were answered, code %d", told, IDS + 1, code);
    }
    return code;
}

static int
prepare(void)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .error = &error};
    int code = mps.prepare(&request);

    check_error(code, &error);
    return code;
}

static int
ask_event_fd(void)
{
    int fd = mps.event_fd();

    if (fd < 0 && starve_failed() == 0) {
        say_flaw("no event_fd");
    }
    return MPS_OK;
}

static int
next_event_fd(void)
{
    with_event_fd();
    return get_without_waiting();
}

static atomic_uint lines;

static void
on_line(void *arg, int priority, const char *line)
{
    (void)arg;
    (void)priority;
    (void)line;
    atomic_fetch_add(&lines, 1);
}

static int
log_to(void)
{
    mps.log_to(on_line, NULL);
    return MPS_OK;
}

/* The configuration lets all lines through. */
static int
next_logs(void)
{
    int code;

    mps.log_to(on_line, NULL);
    code = get(ids[0], 0);
    if (atomic_load(&lines) == 0) {
        say_flaw("nothing is logged");
    }
    mps.log_to(NULL, NULL);
    return code;
}

/* The thread's memory of its last failure. */
static int
fail_and_ask(void)
{
    struct mps_error error = {.size = sizeof(error)};
    int code = mps.get_credential("no digits", &held);

    if (code != MPS_E_INVALID && code != MPS_E_NO_MEMORY) {
        say_flaw("code %d", code);
    }
    if (mps.error(&error) != MPS_OK ||
        (error.code != code && (error.code != MPS_OK || !starve_failed()))) {
        say_flaw("credential_error: %d after %d", error.code, code);
    }
    return MPS_OK;
}

static int
end(void)
{
    mps.shutdown();
    return MPS_OK;
}

/* A fetch is under way. */
static void
begin_fetch(void)
{
    with_event_fd();
    if (get(ids[0], MPS_NO_WAIT) != MPS_E_AGAIN) {
        say_flaw("before: no AGAIN");
    }
}

static void
hold(void)
{
    if (mps.get_credential(ids[0], &held) != MPS_OK) {
        say_flaw("before: no credential");
    }
}

static int
let_go(void)
{
    mps.release_credential(held);
    held = NULL;
    return MPS_OK;
}

/* --- a configuration that changes under the module ------------------------
 */

static void
write_conf(const char *lines_of, const char *more)
{
    const char *path = getenv("MPS_CREDENTIAL_CONF");
    char draft[512];
    FILE *file;

    snprintf(draft, sizeof(draft), "%s.run", path);
    file = fopen(draft, "we");
    if (file == NULL || fputs(lines_of, file) < 0 || fputs(more, file) < 0 ||
        fclose(file) != 0 || chmod(draft, 0644) != 0 ||
        rename(draft, path) != 0) {
        say_flaw("the configuration can't be written");
    }
}

static char conf[4096];

static void
change_conf(void)
{
    FILE *file = fopen(getenv("MPS_CREDENTIAL_CONF"), "re");

    if (file == NULL || fread(conf, 1, sizeof(conf) - 1, file) == 0) {
        say_flaw("the configuration can't be read");
    }
    if (file != NULL) {
        fclose(file);
    }
    warm_up();
    write_conf(conf, "threads = no\n");
    atomic_fetch_add(&shift_ms, 1500);
}

/* It is taken up by the next look at the latest, and then MPS_NO_WAIT isn't
 * possible any more. */
static int
next_conf(void)
{
    int code;

    atomic_fetch_add(&shift_ms, 1500);
    code = get(ids[0], 0);
    if (get(ids[1], MPS_NO_WAIT) != MPS_E_CONFIG) {
        say_flaw("the changed configuration isn't taken up");
    }
    write_conf(conf, "");
    return code;
}

static const struct scene scenes[] = {
    {"get", NULL, get_first, get_first},
    {"get-again", use_libraries, get_first, get_first},
    {"refused", NULL, get_refused, get_first},
    {"hot", warm_up, get_first, get_first},
    {"no-wait", with_event_fd, get_without_waiting, get_first},
    {"refresh", warm_up_and_age, refresh, get_first},
    {"force", warm_up_and_wait_backoff, force, get_first},
    {"invalidate", warm_up, invalidate, get_first},
    {"prefetch", NULL, prefetch, prefetch},
    {"prepare", NULL, prepare, get_first},
    {"event-fd", NULL, ask_event_fd, next_event_fd},
    {"log-to", NULL, log_to, next_logs},
    {"error", NULL, fail_and_ask, get_first},
    {"shutdown", warm_up, end, get_first},
    {"shutdown-busy", begin_fetch, end, get_first},
    {"release", hold, let_go, get_first},
    {"reload", change_conf, get_first, next_conf},
};

/* --- the runs -------------------------------------------------------------
 */

static int
count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void
check_threads(void)
{
    struct stat status;

    if (stat("/proc/self/task", &status) != 0 || status.st_nlink - 2 != 1) {
        say_flaw("threads after the shutdown");
    }
}

static void
run(const struct scene *scene, unsigned owners, unsigned turn, int all)
{
    FILE *where;
    int64_t begin;

    if (scene->before != NULL) {
        scene->before();
    }
    begin = now_ms();
    starve_begin(owners, turn, all);
    result->code = scene->act();
    starve_end();
    result->ms = now_ms() - begin;
    result->seen = starve_seen();
    result->failed = starve_failed();
    if (result->ms > (int64_t)deadline_ms + SLACK_MS) {
        say_flaw("it took %" PRId64 " ms", result->ms);
    }
    result->next = scene->next();
    if (result->next != MPS_OK) {
        say_flaw("the next call: code %d", result->next);
    }
    /* The thread's error is made at its first failure. */
    (void)mps.get_credential(NULL, NULL);
    mps.shutdown();
    check_threads();
    for (int i = 0; i < STARVE_OWNERS; i++) {
        result->held[i] = starve_held((enum starve_owner)i);
    }
    result->descriptors = count_descriptors();
    where = fmemopen(result->where, sizeof(result->where), "w");
    starve_tell(where);
    fclose(where);
}

/* Runs it in a child; its wait status. */
static int
run_apart(const struct scene *scene, unsigned owners, unsigned turn, int all)
{
    int64_t until = now_ms() + PATIENCE_S * 1000;
    int status = 0;
    pid_t pid;

    memset(result, 0, sizeof(*result));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        run(scene, owners, turn, all);
        exit(0); /* with the handlers: a leak checker has one */
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        const struct timespec tick = {0, 2 * 1000000L};

        nanosleep(&tick, NULL);
        if (now_ms() > until) {
            snprintf(result->flaw, sizeof(result->flaw), "it hangs");
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
    }
    return status;
}

/* What is to be left of the user's shared state: nothing. */
static void
forget_state(void)
{
    (void)!system("rm -f \"$MPS_TEST_RUNTIME_DIR\"/state-*");
}

static void
check_run(int status, const struct result *undisturbed, unsigned owners)
{
    if (status != 0) {
        say_flaw("the program ended with status 0x%x", (unsigned)status);
    }
    for (int i = 0; i < STARVE_OWNERS; i++) {
        /* Other libraries keep what they like: they are looked at by a leak
         * checker. */
        int ours = i == STARVE_MODULE || i == STARVE_JSON;

        if (ours && result->held[i] != undisturbed->held[i]) {
            say_flaw("owner %d holds %d blocks, undisturbed %d", i,
                     result->held[i], undisturbed->held[i]);
        }
    }
    if (result->descriptors != undisturbed->descriptors) {
        say_flaw("%d descriptors, undisturbed %d", result->descriptors,
                 undisturbed->descriptors);
    }
    (void)owners;
}

static void
report(unsigned turn)
{
    printf("turn=%u seen=%u code=%d next=%d ms=%" PRId64
           " flaw: %s; message: %s; at%s\n",
           turn, result->seen, result->code, result->next, result->ms,
           result->flaw, result->message, result->where);
}

static unsigned
owners_of(const char *letters)
{
    static const char known[] = "mctjgo"; /* in the order of the enum */
    unsigned owners = 0;

    for (; *letters != '\0'; letters++) {
        const char *at = strchr(known, *letters);

        if (at == NULL) {
            exit(99);
        }
        owners |= 1U << (unsigned)(at - known);
    }
    return owners;
}

static const struct scene *
find_scene(const char *name)
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        if (strcmp(scenes[i].name, name) == 0) {
            return &scenes[i];
        }
    }
    exit(99);
}

static void
name_businesses(long first, unsigned turn, int fresh)
{
    for (int i = 0; i < IDS; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%ld",
                 first + i + (fresh ? (long)turn * IDS : 0));
    }
}

int
main(int argc, char **argv)
{
    unsigned codes[CODES] = {0};
    unsigned runs = 0;
    unsigned starved = 0;
    unsigned bad = 0;
    int64_t begin = now_ms();
    const struct scene *scene;
    struct result undisturbed = {0};
    unsigned owners;
    unsigned stride;
    int trace = getenv("MPS_TEST_TRACE") != NULL;

    if (argc != 7 || mps_load(&mps, getenv("MPS_TEST_MODULE")) != 0) {
        fprintf(stderr, "starve_host: %s\n", mps.load_error);
        return 99;
    }
    scene = find_scene(argv[1]);
    owners = owners_of(argv[2]);
    stride = (unsigned)strtoul(argv[4], NULL, 10);
    deadline_ms = (unsigned)strtoul(argv[5], NULL, 10);
    result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    starve_know("/graph.so");
    for (unsigned turn = 0; bad < BAD_MAX; turn += turn == 0 ? 1 : stride) {
        int status;

        forget_state();
        name_businesses(strtol(argv[6], NULL, 10), turn,
                        getenv("MPS_TEST_SAME_BUSINESS") == NULL);
        status = run_apart(scene, owners, turn, strcmp(argv[3], "all") == 0);
        if (turn == 0) {
            undisturbed = *result;
        }
        check_run(status, &undisturbed, owners);
        runs++;
        starved += result->failed > 0;
        codes[result->code >= 0 && result->code < CODES ? result->code
                                                        : CODES - 1] +=
            result->failed > 0;
        if (result->flaw[0] != '\0' || trace) {
            bad += result->flaw[0] != '\0';
            report(turn);
        }
        if (turn > 0 && result->failed == 0 && status == 0) {
            break;
        }
    }
    printf(
        "seen=%u runs=%u starved=%u bad=%u held=%d codes=", undisturbed.seen,
        runs, starved, bad, undisturbed.held[STARVE_MODULE]);
    for (int i = 0; i < CODES; i++) {
        if (codes[i] > 0) {
            printf("%d:%u,", i, codes[i]);
        }
    }
    printf(" seconds=%" PRId64 "\n", (now_ms() - begin) / 1000);
    return 0;
}
