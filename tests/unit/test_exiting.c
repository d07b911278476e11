/* SPDX-License-Identifier: MIT */
/* The door that closes at exit(3), in children that exit. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "exiting.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "fake_host.h"
#include "prefetch.h"
#include "run_suites.h"
#include "secret_json.h"

#define STATUS 42
#define HANG_S 20
#define MOMENT_MS 20
#define TICKS_MAX 500 /* of the handler */

/* How often the handler has waited for a moment. */
static atomic_uint ticks;

/* A child writes here what happens: a letter each. */
static int story[2];

static atomic_int inside;
static atomic_int trying;

static void
rest(int64_t ms)
{
    const struct timespec moment = {ms / 1000, (long)(ms % 1000) * 1000000L};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
}

/* In the place of libc's. */
int
nanosleep(const struct timespec *wanted, struct timespec *left)
{
    atomic_fetch_add(&ticks, 1);
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
    errno = EINTR;
    return -1;
}

static void
tell(char letter)
{
    if (write(story[1], &letter, 1) != 1) {
        _exit(1);
    }
}

static void
await_set(atomic_int *flag)
{
    while (!atomic_load(flag)) {
        rest(1);
    }
}

static void
start(void *(*run)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, NULL) != 0) {
        _exit(1);
    }
}

/* Runs `child` in a child, and puts down its story and status. */
static char told[64];
static int status;

static void
run_child(void (*child)(void))
{
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe(story), 0);
    (void)fflush(stdout);
    pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        alarm(HANG_S);
        child();
        _exit(1);
    }
    close(story[1]);
    while (len < sizeof(told) - 1 &&
           (got = read(story[0], told + len, sizeof(told) - 1 - len)) > 0) {
        len += (size_t)got;
    }
    told[len] = '\0';
    close(story[0]);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
}

#define IS_STATUS(wanted)                                                     \
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == (wanted))

/* Registered before ours, and so called after it. */
static void
tell_end(void)
{
    tell(errno == E2BIG ? 'e' : '?');
    tell(atomic_load(&ticks) == 0          ? '0'
         : atomic_load(&ticks) < TICKS_MAX ? '+'
                                           : 'T');
}

static void
exit_now(void)
{
    errno = E2BIG;
    exit(STATUS);
}

/* --- nobody is inside -------------------------------------------------------
 */

static void
exit_alone(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    mpsc_exiting_enter();
    mpsc_exiting_leave();
    if (mpsc_exiting() || !mpsc_exiting_try_enter()) {
        tell('!');
    }
    mpsc_exiting_leave();
    exit_now();
}

static void
test_alone(void)
{
    run_child(exit_alone);
    CU_ASSERT_STRING_EQUAL(told, "e0");
    IS_STATUS(STATUS);
}

/* --- somebody is inside -----------------------------------------------------
 */

static void *
leave_soon(void *arg)
{
    (void)arg;
    mpsc_exiting_enter();
    atomic_store(&inside, 1);
    while (!mpsc_exiting()) {
        rest(1);
    }
    rest(MOMENT_MS);
    tell('l');
    mpsc_exiting_leave();
    return NULL;
}

static void
exit_around(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    start(leave_soon);
    await_set(&inside);
    exit_now();
}

static void
test_inside(void)
{
    run_child(exit_around);
    CU_ASSERT_STRING_EQUAL(told, "le+");
    IS_STATUS(STATUS);
}

static void *
try_in_vain(void *arg)
{
    (void)arg;
    while (!mpsc_exiting()) {
        rest(1);
    }
    tell(mpsc_exiting_try_enter() ? '!' : 't');
    atomic_store(&trying, 1);
    return NULL;
}

static void *
leave_after_try(void *arg)
{
    (void)arg;
    mpsc_exiting_enter();
    atomic_store(&inside, 1);
    await_set(&trying);
    tell('l');
    mpsc_exiting_leave();
    return NULL;
}

/* One who was turned away isn't waited for. */
static void
exit_around_two(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    start(leave_after_try);
    start(try_in_vain);
    await_set(&inside);
    exit_now();
}

static void
test_turned_away(void)
{
    run_child(exit_around_two);
    CU_ASSERT_STRING_EQUAL(told, "tle+");
    IS_STATUS(STATUS);
}

static void *
try_soon(void *arg)
{
    (void)arg;
    if (!mpsc_exiting_try_enter()) {
        tell('!');
    }
    atomic_store(&inside, 1);
    while (!mpsc_exiting()) {
        rest(1);
    }
    rest(MOMENT_MS);
    tell('l');
    mpsc_exiting_leave();
    return NULL;
}

static void
exit_around_try(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    start(try_soon);
    await_set(&inside);
    exit_now();
}

static void
test_inside_by_try(void)
{
    run_child(exit_around_try);
    CU_ASSERT_STRING_EQUAL(told, "le+");
    IS_STATUS(STATUS);
}

static void *
stay(void *arg)
{
    (void)arg;
    mpsc_exiting_enter();
    atomic_store(&inside, 1);
    rest(INT64_C(1000) * HANG_S);
    return NULL;
}

static void
exit_around_for_ever(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    start(stay);
    await_set(&inside);
    exit_now();
}

/* The wait has an end. */
static void
test_stays(void)
{
    run_child(exit_around_for_ever);
    CU_ASSERT_STRING_EQUAL(told, "eT");
    IS_STATUS(STATUS);
}

/* --- before the first use ---------------------------------------------------
 */

static int looks_last;
static unsigned ticks_before;

/* After all handlers of ours. */
static void
look_last(void)
{
    if (looks_last) {
        tell(mpsc_exiting() ? 'c' : '!');
        tell(atomic_load(&ticks) == ticks_before ? '0' : '+');
    }
}

/* Before exiting.c's own constructor: so the handler comes after its. */
__attribute__((constructor(101))) static void
register_first(void)
{
    (void)atexit(look_last);
}

static void
exit_unused(void)
{
    looks_last = 1;
    exit_now();
}

/* The door closes without mpsc_exiting_init(). */
static void
test_unused(void)
{
    run_child(exit_unused);
    CU_ASSERT_STRING_EQUAL(told, "c0");
    IS_STATUS(STATUS);
}

static void
note_ticks(void)
{
    ticks_before = atomic_load(&ticks);
    tell(ticks_before > 0 ? 'n' : '!');
}

static void
exit_around_once(void)
{
    looks_last = 1;
    (void)atexit(note_ticks);
    mpsc_exiting_init();
    start(stay);
    await_set(&inside);
    exit_now();
}

/* Of two handlers one waits. */
static void
test_waits_once(void)
{
    run_child(exit_around_once);
    CU_ASSERT_STRING_EQUAL(told, "nc0");
    IS_STATUS(STATUS);
}

/* --- somebody comes later ---------------------------------------------------
 */

static void *
come_later(void *arg)
{
    (void)arg;
    while (!mpsc_exiting()) {
        rest(1);
    }
    tell(mpsc_exiting_try_enter() ? '!' : 't');
    atomic_store(&trying, 1);
    mpsc_exiting_enter();
    tell('!');
    return NULL;
}

/* After our handler: the one who came later is not inside; the one who exits
 * may use the library. */
static void
look_around(void)
{
    char digest[MPSC_DIGEST_HEX_SIZE];

    await_set(&trying);
    rest(MOMENT_MS);
    mpsc_exiting_enter();
    mpsc_exiting_leave();
    tell('x');
    tell(mpsc_exiting() ? 'c' : '!');
    tell(mpsc_digest_sha256("", 0, digest) == -1 ? 'd' : '!');
    tell(mpsc_digest_hmac_sha256("", 0, "", 0, digest) == -1 ? 'h' : '!');
}

static void
exit_before_it(void)
{
    (void)atexit(look_around);
    mpsc_exiting_init();
    start(come_later);
    exit_now();
}

static void
test_later(void)
{
    run_child(exit_before_it);
    CU_ASSERT_STRING_EQUAL(told, "txcdh");
    IS_STATUS(STATUS);
}

/* --- a forked child ---------------------------------------------------------
 */

static void
exit_in_child(void)
{
    int how = -1;
    pid_t pid;

    (void)atexit(tell_end);
    mpsc_exiting_init();
    start(stay);
    await_set(&inside);
    pid = fork();
    if (pid == 0) {
        mpsc_exiting_forked();
        exit_now();
    }
    if (waitpid(pid, &how, 0) != pid || !WIFEXITED(how)) {
        _exit(1);
    }
    _exit(WEXITSTATUS(how));
}

/* The thread that is inside isn't there. */
static void
test_forked(void)
{
    run_child(exit_in_child);
    CU_ASSERT_STRING_EQUAL(told, "e0");
    IS_STATUS(STATUS);
}

static void
leave_in_child(void)
{
    (void)atexit(tell_end);
    mpsc_exiting_init();
    mpsc_exiting_enter();
    mpsc_exiting_forked();
    mpsc_exiting_leave();
    exit_now();
}

/* A signal handler forked in the middle: who was inside leaves in the child,
 * too, and isn't waited for. */
static void
test_forked_inside(void)
{
    run_child(leave_in_child);
    CU_ASSERT_STRING_EQUAL(told, "e0");
    IS_STATUS(STATUS);
}

/* --- a fork that waits ------------------------------------------------------
 */

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static atomic_int is_in;
static atomic_int has_left;

static void *
step_by(void *arg)
{
    mpsc_exiting_enter();
    atomic_store(&is_in, 1);
    rest(20);
    atomic_store(&has_left, 1);
    mpsc_exiting_leave();
    return arg;
}

static void
test_fork_waits(void)
{
    pthread_t thread;
    int how = -1;
    pid_t pid;

    pthread_atfork(mpsc_exiting_before_fork, mpsc_exiting_after_fork,
                   mpsc_exiting_forked);
    atomic_store(&is_in, 0);
    atomic_store(&has_left, 0);
    pthread_create(&thread, NULL, step_by, NULL);
    await_set(&is_in);
    pid = fork();
    if (pid == 0) {
        mpsc_exiting_enter();
        mpsc_exiting_leave();
        _exit(atomic_load(&has_left));
    }
    CU_ASSERT_EQUAL(waitpid(pid, &how, 0), pid);
    pthread_join(thread, NULL);
    CU_ASSERT(WIFEXITED(how) && WEXITSTATUS(how) == 1);
}

/* Who comes in the middle of a fork waits for its end. */
static void
test_waits_for_fork(void)
{
    pthread_t thread;
    int64_t begin = now_ms();

    atomic_store(&is_in, 0);
    mpsc_exiting_before_fork();
    pthread_create(&thread, NULL, step_by, NULL);
    rest(20);
    /* unless this thread was late itself */
    CU_ASSERT(!atomic_load(&is_in) || now_ms() - begin >= 1000);
    mpsc_exiting_after_fork();
    await_set(&is_in);
    pthread_join(thread, NULL);
    /* and no longer than a while, whatever the host's handlers wait for */
    atomic_store(&is_in, 0);
    mpsc_exiting_before_fork();
    pthread_create(&thread, NULL, step_by, NULL);
    await_set(&is_in);
    mpsc_exiting_after_fork();
    pthread_join(thread, NULL);
}

static int
parse(void)
{
    static const char text[] = "{\"a\":\"b\"}";
    struct json_object *json = NULL;
    int result = mpsc_secret_json_parse(text, strlen(text), 2, &json);

    mpsc_secret_json_free(json);
    return result;
}

static void *
parse_on(void *arg)
{
    while (!atomic_load(&has_left)) {
        (void)parse();
    }
    return arg;
}

/* Each document takes a lock of the C library's several times. Without the
 * door some of these children hung. */
static void
test_fork_while_parsing(void)
{
    enum { THREADS = 4, CHILDREN = 100 };
    pthread_t threads[THREADS];
    int well = 0;

    atomic_store(&has_left, 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, parse_on, NULL);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int how = -1;
        pid_t pid = fork();

        if (pid == 0) {
            alarm(20);
            /* What other threads held at the fork is no leak of the child's,
             * but valgrind says so where the child ends by itself. */
            if (parse() == 0) {
                execl("/bin/true", "true", (char *)NULL);
            }
            _exit(1);
        }
        (void)waitpid(pid, &how, 0);
#ifdef __SANITIZE_ADDRESS__
        /* Its allocator doesn't survive such a fork (before LLVM 18). */
        if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM) {
            how = 0;
        }
#endif
        well += how == 0;
        if (how != 0) {
            break;
        }
    }
    atomic_store(&has_left, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(well, CHILDREN);
}

/* --- the host's handlers ----------------------------------------------------
 */

/* What a host does in its own exit handler: what memory has is there, what
 * needs the thread ends at once. */
static void
use_module(void)
{
    const char *const ids[] = {"1", FAKE_HOST_BUSINESS};
    struct mps_error error;
    int code;

    tell(fake_host_get(0, 0) == MPS_OK ? 'm' : '!');
    tell(fake_host_get_for("1", 0) == MPS_E_TIMEOUT ? 'g' : '!');
    tell(fake_host_get_for("1", MPS_NO_WAIT) == MPS_E_TIMEOUT ? 'n' : '!');
    fake_host_keep(NULL);
    code = mpsc_prefetch(host.provider, NULL, ids, 2, NULL, NULL, &error);
    tell(code == MPS_E_TIMEOUT && fake_keyring_query().flight_ms == 0 ? 'p'
                                                                      : '!');
    host.configuration.keyring = MPSC_KEYRING_OFF;
    tell(fake_host_invalidate(NULL) == MPS_OK ? 'i' : '!');
    mpsc_provider_shutdown(host.provider);
    tell('s');
}

static void
exit_with_module(void)
{
    host.configuration.threads = 1;
    if (fake_host_get(0, 0) != MPS_OK) {
        _exit(1);
    }
    (void)atexit(use_module);
    mpsc_exiting_init();
    exit_now();
}

static void
test_host(void)
{
    run_child(exit_with_module);
    CU_ASSERT_STRING_EQUAL(told, "mgnpis");
    IS_STATUS(STATUS);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"alone", test_alone},
        {"somebody is inside", test_inside},
        {"somebody is inside by a try", test_inside_by_try},
        {"somebody is turned away", test_turned_away},
        {"somebody stays", test_stays},
        {"before the first use", test_unused},
        {"two handlers wait once", test_waits_once},
        {"somebody comes later", test_later},
        {"forked", test_forked},
        {"forked by who is inside", test_forked_inside},
        {"a fork waits for who is inside", test_fork_waits},
        {"a fork while others parse", test_fork_while_parsing},
        {"who comes waits for a fork", test_waits_for_fork},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo host_tests[] = {
        {"the host's handler", test_host},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"exiting", NULL, NULL, NULL, NULL, tests},
        {"exiting, with a host", fake_host_make_directory,
         fake_host_remove_directory, fake_host_begin, fake_host_end,
         host_tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
