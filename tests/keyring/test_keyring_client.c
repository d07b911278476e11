/* SPDX-License-Identifier: MIT */
/*
 * The keyring client, the real helper, and a real gnome-keyring.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "flight.h"
#include "keyring_protocol.h"
#include "keyring_spawn.h"
#include "place.h"
#include "run_suites.h"

#define LOGIN "/org/freedesktop/secrets/collection/login"
#define SERVICE_CALL                                                          \
    "dbus-send --session --print-reply --dest=org.freedesktop.secrets "       \
    "/org/freedesktop/secrets org.freedesktop.Secret.Service."

/* How many descriptors this process has open. */
static int
open_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(all) != NULL) {
        count++;
    }
    closedir(all);
    return count;
}

static void
test_store_and_load(void)
{
    struct flight flight;
    int status = -1;
    pid_t pid;

    CU_ASSERT(flight_holds("4711", NULL));
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", "EAAB"), MPSC_KEYRING_OK);
    CU_ASSERT(flight_holds("4711", "EAAB"));
    /* in another process, and for another business */
    pid = fork();
    if (pid == 0) {
        _exit(flight_holds("4711", "EAAB") ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(flight_holds("4712", NULL));
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", "Q\"\\/~!"),
                    MPSC_KEYRING_OK);
    CU_ASSERT(flight_holds("4711", "Q\"\\/~!"));
}

static void
test_bound_to_endpoint(void)
{
    struct flight flight;

    flight_whole(&flight, "4711", "EAAB");
    flight_plan(&flight, "4711");
    flight.query.endpoint = "https://graph.facebook.com:8443";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_FALSE(flight.found);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight_plan(&flight, "4711");
    flight.query.solution_id = "1002";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_FALSE(flight.found);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

static void
test_large_token(void)
{
    struct flight flight;
    size_t len = 1024 * 1024;
    char *token = malloc(len + 1);

    memset(token, '"', len); /* each needs an escape */
    token[len] = '\0';
    CU_ASSERT_EQUAL(flight_whole(&flight, "8", token), MPSC_KEYRING_OK);
    CU_ASSERT(flight_holds("8", token));
    CU_ASSERT_EQUAL(flight_whole(&flight, "8", ""), MPSC_KEYRING_OK);
    free(token);
}

static void
test_pages(void)
{
    enum { BUSINESSES = 100 };
    struct mpsk_place place;
    struct flight flight;
    char id[16];
    int used[MPSC_KEYRING_PAGES] = {0};
    int pages = 0;

    for (int i = 0; i < BUSINESSES; i++) {
        snprintf(id, sizeof(id), "%d", 500 + i);
        CU_ASSERT_EQUAL(flight_whole(&flight, id, id), MPSC_KEYRING_OK);
        mpsk_place_find("e", "s", id, &place);
        pages += !used[place.page];
        used[place.page] = 1;
    }
    for (int i = 0; i < BUSINESSES; i++) {
        snprintf(id, sizeof(id), "%d", 500 + i);
        CU_ASSERT(flight_holds(id, id));
    }
    CU_ASSERT(pages > MPSC_KEYRING_PAGES / 2);
    /* those of earlier tests fall on pages, too */
    CU_ASSERT_EQUAL(
        desk_run("n=$(secret-tool search --all application mps-credential "
                 "2>/dev/null | grep -c '^label = '); "
                 "test \"$n\" -ge %d && test \"$n\" -le %d",
                 pages, MPSC_KEYRING_PAGES),
        0);
    /* nothing personal among the attributes, each secret on one line */
    CU_ASSERT_EQUAL(
        desk_run("test $(secret-tool search --all application "
                 "mps-credential 2>&1 | grep -v '^secret\\|^\\[/\\|^created"
                 "\\|^modified' | grep -c '51[0-9]') -eq 0"),
        0);
    CU_ASSERT_EQUAL(
        desk_run("secret-tool search --all application mps-credential "
                 "2>/dev/null | grep '^secret' | "
                 "grep -v '{\"format\":1,\"records\":{.*}}$' | grep -q .") !=
            0,
        1);
}

static void
test_erase(void)
{
    struct flight flight;

    flight_whole(&flight, "4711", "EAAB");
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", ""), MPSC_KEYRING_OK);
    CU_ASSERT(flight_holds("4711", NULL));
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", ""), MPSC_KEYRING_OK);
}

/* Puts `text` on the page of a business, past the helper. */
static int
plant_page(const char *business_id, const char *text)
{
    struct mpsk_place place;

    mpsk_place_find("e", "s", business_id, &place);
    return desk_run(
        "printf '%%s' '%s' | secret-tool store --label=planted xdg:schema "
        "io.github.mps_credential.Page application mps-credential endpoint "
        "https://graph.facebook.com solution 1001 page %u",
        text, place.page);
}

static void
test_newer_page(void)
{
    struct flight flight;

    CU_ASSERT_EQUAL(plant_page("77", "{\"format\":2,\"x\":1}"), 0);
    CU_ASSERT_EQUAL(flight_whole(&flight, "77", "EAAB"), MPSC_KEYRING_NEWER);
    CU_ASSERT_EQUAL(
        desk_run("secret-tool search --all application mps-credential "
                 "2>/dev/null | grep -q '^secret = {\"format\":2,\"x\":1}$'"),
        0);
    CU_ASSERT_EQUAL(plant_page("77", "{}"), 0);
}

static void
test_corrupt_page(void)
{
    struct flight flight;

    CU_ASSERT_EQUAL(plant_page("77", "rubbish"), 0);
    CU_ASSERT(flight_holds("77", NULL));
    CU_ASSERT_EQUAL(flight_whole(&flight, "77", "EAAB"), MPSC_KEYRING_OK);
    CU_ASSERT(flight_holds("77", "EAAB"));
}

static void
test_restart(void)
{
    struct flight flight;

    flight_whole(&flight, "4711", "EAAB");
    desk_restart_keyring();
    CU_ASSERT(flight_holds("4711", "EAAB"));
    /* between load and store of one session */
    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    desk_restart_keyring();
    CU_ASSERT_EQUAL(flight_change(&flight, "after"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT(flight_holds("4711", "after"));
}

static void
test_locked(void)
{
    struct flight flight;

    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(
        desk_run(SERVICE_CALL "Lock array:objpath:" LOGIN " >/dev/null"), 0);
    CU_ASSERT_EQUAL(flight_change(&flight, "x"), MPSC_KEYRING_LOCKED);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", "x"), MPSC_KEYRING_LOCKED);
    /* a page that isn't there yet, too: its creation would prompt */
    flight_plan(&flight, "4711");
    flight.query.solution_id = "1003";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_LOCKED);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static void
test_no_collection(void)
{
    struct flight flight;

    desk_stop_keyring();
    desk_start_bare_keyring();
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", "x"),
                    MPSC_KEYRING_NO_COLLECTION);
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static void
test_absent(void)
{
    struct flight flight;

    desk_stop_keyring();
    (void)desk_started_service();
    CU_ASSERT_EQUAL(flight_whole(&flight, "4711", "x"), MPSC_KEYRING_ABSENT);
    CU_ASSERT_FALSE(desk_started_service());
    /* the mark does work */
    (void)desk_run("dbus-send --session --type=method_call "
                   "--dest=org.freedesktop.secrets / a.b.c");
    CU_ASSERT(desk_started_service());
    desk_start_keyring();
}

static void
test_no_bus(void)
{
    static const char *const wrong[] = {
        NULL,
        "",
        "unix:path=/nonexistent/bus",
        "unix:path=/tmp",
        "tcp:host=localhost,port=1",
        "autolaunch:",
        "unixexec:path=/bin/true",
        "unix:path=/nonexistent/bus;unixexec:path=/bin/true",
    };
    struct flight flight;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        flight_plan(&flight, "4711");
        flight.query.bus = wrong[i];
        CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_BUS);
        CU_ASSERT_PTR_NULL(flight.session);
    }
    /* here only the helper can tell */
    flight_plan(&flight, "4711");
    flight.query.bus = "unix:abstract=mps-credential-no-such-bus";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_BUS);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

static void
test_mute_bus(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct flight flight;
    char address[160];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/mute", desk_dir());
    snprintf(address, sizeof(address), "unix:path=%s", name.sun_path);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    CU_ASSERT_EQUAL(listen(fd, 5), 0);
    flight_plan(&flight, "4711");
    flight.query.bus = address;
    flight.query.keyring_deadline_ms = 300;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_SILENT);
    CU_ASSERT(flight.took_ms >= 300 && flight.took_ms < 1000);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    close(fd);
}

static void
test_stopped_keyring(void)
{
    struct flight flight;

    desk_signal_keyring(SIGSTOP);
    flight_plan(&flight, "4711");
    flight.query.keyring_deadline_ms = 300;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_SILENT);
    CU_ASSERT(flight.took_ms >= 300 && flight.took_ms < 1000);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    desk_signal_keyring(SIGCONT);

    flight_plan(&flight, "4711");
    flight.query.keyring_deadline_ms = 2000;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    desk_signal_keyring(SIGSTOP);
    CU_ASSERT_EQUAL(flight_change(&flight, "x"), MPSC_KEYRING_SILENT);
    CU_ASSERT(flight.took_ms >= 2000 && flight.took_ms < 3000);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    desk_signal_keyring(SIGCONT);
}

static void
test_second_waits(void)
{
    struct flight first;
    struct flight second;
    struct flight other;

    flight_whole(&first, "4711", "old");
    flight_plan(&first, "4711");
    flight_plan(&second, "4711");
    flight_plan(&other, "4712");
    CU_ASSERT_EQUAL(flight_load(&first), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_open(&second), 0);
    CU_ASSERT_EQUAL(flight_wait(&second, 300), MPSC_KEYRING_PENDING);
    /* another business doesn't wait */
    CU_ASSERT_EQUAL(flight_load(&other), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&other), 0);
    CU_ASSERT_EQUAL(flight_change(&first, "new"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&first), 0);
    CU_ASSERT_EQUAL(flight_wait(&second, 10000), MPSC_KEYRING_LOADED);
    CU_ASSERT(second.found && strcmp(second.record.token.data, "new") == 0);
    CU_ASSERT_EQUAL(flight_end(&second), 0);
}

static void
test_busy(void)
{
    struct flight first;
    struct flight second;

    flight_plan(&first, "4711");
    CU_ASSERT_EQUAL(flight_load(&first), MPSC_KEYRING_OK);
    flight_plan(&second, "4711");
    second.query.lock_wait_ms = 200;
    CU_ASSERT_EQUAL(flight_load(&second), MPSC_KEYRING_BUSY);
    CU_ASSERT(second.took_ms >= 200 && second.took_ms < 1000);
    CU_ASSERT_EQUAL(flight_end(&second), 0);
    /* only tried */
    second.query.lock_wait_ms = 0;
    CU_ASSERT_EQUAL(flight_load(&second), MPSC_KEYRING_BUSY);
    CU_ASSERT(second.took_ms < 200);
    CU_ASSERT_EQUAL(flight_end(&second), 0);
    CU_ASSERT_EQUAL(flight_end(&first), 0);
}

static void
test_helper_killed(void)
{
    struct flight flight;
    pid_t pid;

    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    pid = flight_helper();
    CU_ASSERT(pid > 0);
    kill(pid, SIGKILL);
    CU_ASSERT_EQUAL(flight_wait(&flight, 10000), MPSC_KEYRING_ENDED);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(flight.session), -1);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT(flight_holds("4711", NULL) || flight_holds("4711", "new"));

    /* while an answer is due: behind a stopped keyring */
    desk_signal_keyring(SIGSTOP);
    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_open(&flight), 0);
    while ((pid = flight_helper()) == 0) {
        CU_ASSERT_EQUAL(flight_wait(&flight, 10), MPSC_KEYRING_PENDING);
    }
    kill(pid, SIGKILL);
    CU_ASSERT_EQUAL(flight_wait(&flight, 5000), MPSC_KEYRING_LOADED);
    CU_ASSERT_EQUAL(flight.state, MPSC_KEYRING_BAD_HELPER);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    desk_signal_keyring(SIGCONT);
}

/* A service manager's or terminal's signals don't end a store. */
static void
test_helper_ignores(void)
{
    struct flight flight;
    pid_t pid;

    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    pid = flight_helper();
    CU_ASSERT(pid > 0);
    kill(pid, SIGTERM);
    kill(pid, SIGHUP);
    kill(pid, SIGINT);
    kill(pid, SIGPIPE);
    CU_ASSERT_NOT_EQUAL(getsid(pid), getsid(0));
    CU_ASSERT_EQUAL(flight_change(&flight, "kept"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT(flight_holds("4711", "kept"));
}

/* The host's memory, environment and descriptors don't get there. */
static void
test_helper_is_clean(void)
{
    struct flight flight;
    int leak = open("/dev/zero", O_RDONLY); /* not close-on-exec */
    pid_t pid;

    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    pid = flight_helper();
    CU_ASSERT(pid > 0);
    CU_ASSERT_EQUAL(desk_run("! ls -l /proc/%d/fd | grep -q /dev/zero", pid),
                    0);
    CU_ASSERT_EQUAL(
        desk_run("test -z \"$(tr -d '\\0' </proc/%d/environ)\"", pid), 0);
    CU_ASSERT_EQUAL(desk_run("test \"$(tr '\\0' ' ' </proc/%d/cmdline)\" = "
                             "'mps-credential-keyring-helper '",
                             pid),
                    0);
    /* nor to the intermediate, which has the helper's socket, and descriptors
     * of the two processes that it watches, if the kernel (or valgrind, whose
     * log it has as well) gives them */
    CU_ASSERT_EQUAL(
        desk_run("p=$(ps -o ppid= -p %d | tr -d ' '); test -n \"$p\" && "
                 "! ls -l /proc/$p/fd | grep -q /dev/zero && "
                 "test $(ls -l /proc/$p/fd | grep -c socket:) -le 1 && "
                 "test $(ls -l /proc/$p/fd | grep -c anon_inode) -le 2",
                 pid),
        0);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    close(leak);
}

static void
test_flight_over(void)
{
    struct flight flight;

    flight_plan(&flight, "4711");
    flight.query.flight_ms = 200;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_wait(&flight, 5000), MPSC_KEYRING_ENDED);
    CU_ASSERT(flight.took_ms >= 150 && flight.took_ms < 1000);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(flight.session), -1);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

/* A child that the host forks during a session keeps copies of everything. */
static void
test_forked_child(void)
{
    struct flight flight;
    int go[2];
    pid_t pid;

    CU_ASSERT_EQUAL(pipe(go), 0);
    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    pid = fork();
    if (pid == 0) {
        char byte;

        close(go[1]);
        _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(go[0]);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight_plan(&flight, "4711");
    flight.query.lock_wait_ms = 2000;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    close(go[1]);
    waitpid(pid, NULL, 0);
}

static void
test_finish_early(void)
{
    struct flight flight;

    /* at once after open, twice, and without a step in between */
    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_open(&flight), 0);
    mpsc_keyring_client.finish(flight.session);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    /* after a store: the helper completes it */
    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    mpsc_record_free(&flight.record);
    mpsc_secret_set(&flight.record.token, "left", 4);
    flight.record.expires_at = INT64_C(1) << 40;
    CU_ASSERT_EQUAL(mpsc_keyring_client.store(flight.session, &flight.record),
                    0);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT(flight_holds("4711", "left"));
}

static void
test_no_helper(void)
{
    struct flight flight;

    flight_plan(&flight, "4711");
    flight.query.helper = "/nonexistent/helper";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_HELPER);
    flight.query.helper = "/etc/passwd"; /* not executable */
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_HELPER);
    CU_ASSERT(flight.took_ms < 500);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight.query.helper = "/bin/true"; /* ends without a word */
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_BAD_HELPER);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

/* A helper that hangs before it can bound itself. */
static void
test_alarm(void)
{
    struct flight flight;

    flight_plan(&flight, "4711");
    flight.query.helper = "/bin/cat"; /* copies OPEN to /dev/null, waits */
    flight.query.keyring_deadline_ms = 100;
    flight.query.lock_wait_ms = 100;
    flight.query.flight_ms = 100;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_BAD_HELPER);
    CU_ASSERT(flight.took_ms > 1000 && flight.took_ms < 4000);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

static void
test_runtime_dir(void)
{
    struct flight flight;

    flight_plan(&flight, "4711");
    flight.query.runtime_dir = NULL;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_RUNTIME_DIR);
    CU_ASSERT_PTR_NULL(flight.session);
    mkdir(desk_path("open"), 0755);
    flight.query.runtime_dir = desk_path("open");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_RUNTIME_DIR);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(symlink(desk_path("locks"), desk_path("link")), 0);
    flight.query.runtime_dir = desk_path("link");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_RUNTIME_DIR);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight.query.runtime_dir = "relative";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_RUNTIME_DIR);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight.query.runtime_dir = desk_path("none/none");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_NO_RUNTIME_DIR);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight.query.runtime_dir = desk_path("fresh");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(desk_run("test $(stat -c %%a %s) = 700 && "
                             "test $(stat -c %%a %s/lock) = 600",
                             desk_path("fresh"), desk_path("fresh")),
                    0);
}

/* The helper, spoken to in another version. */
static void
speak(int version)
{
    const char frame[MPSC_KEYRING_HEADER_SIZE] = {
        'M', 'P', 'S', 'K', 0, (char)version, 0, MPSC_KEYRING_MSG_OPEN};
    struct mpsc_keyring_child child;
    struct flight flight;
    struct pollfd fd;
    char answer[MPSC_KEYRING_HEADER_SIZE] = {0};
    int status = -1;

    flight_plan(&flight, "1");
    CU_ASSERT_EQUAL(mpsc_keyring_spawn(flight.query.helper, 10, &child), 0);
    CU_ASSERT_EQUAL(send(child.socket, frame, sizeof(frame), MSG_NOSIGNAL),
                    sizeof(frame));
    fd = (struct pollfd){.fd = child.socket, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&fd, 1, 5000), 1);
    CU_ASSERT_EQUAL(recv(child.socket, answer, sizeof(answer), 0),
                    sizeof(answer));
    CU_ASSERT_EQUAL(memcmp(answer, "MPSK\0\2\0\6", 8), 0);
    fd = (struct pollfd){.fd = child.pidfd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&fd, 1, 5000), 1);
    CU_ASSERT_EQUAL(mpsc_keyring_reap(&child, &status), 1);
    CU_ASSERT_EQUAL(status, 0);
    close(child.pidfd);
    close(child.socket);
}

static void
test_other_version(void)
{
    speak(MPSC_KEYRING_PROTOCOL + 1);
    speak(MPSC_KEYRING_PROTOCOL - 1);
}

/* A flight and a sweep with a helper of another version. */
static void
hear_other(const char *helper)
{
    struct flight flight;

    for (int sweep = 0; sweep < 2; sweep++) {
        flight_plan(&flight, sweep ? NULL : "4711");
        flight.query.helper = helper;
        CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OTHER_HELPER);
        CU_ASSERT(flight.took_ms < 1000);
        CU_ASSERT_EQUAL(flight_end(&flight), 0);
    }
}

static void
test_other_helper(void)
{
    char program[512];
    char older[512];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    CU_ASSERT_FATAL(len > 0);
    program[len] = '\0';
    snprintf(older, sizeof(older), "%s", desk_path("older"));
    CU_ASSERT_EQUAL(symlink(program, older), 0);
    hear_other(program);
    hear_other(older);
}

/* This program as a helper of the next version, or by the name "older" of the
 * one before. */
static int
be_other_helper(void)
{
    const char *run_as = (const char *)getauxval(AT_EXECFN);
    size_t len = strlen(run_as);
    int is_older = len > 6 && strcmp(run_as + len - 6, "/older") == 0;
    char frame[] = "MPSK\0\0\0\6\0\0\0\2{}";

    frame[5] = (char)(MPSC_KEYRING_PROTOCOL + (is_older ? -1 : 1));
    return send(0, frame, sizeof(frame) - 1, 0) > 0 ? 0 : 1;
}

static void
test_leaves_nothing(void)
{
    struct flight flight;
    int before = open_descriptors();

    for (int i = 0; i < 20; i++) {
        flight_whole(&flight, "4711", i % 2 ? "x" : NULL);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
    CU_ASSERT_EQUAL(waitpid(-1, NULL, (int)(WNOHANG | __WCLONE)), -1);
    CU_ASSERT_EQUAL(errno, ECHILD);
}

/* A host that closes descriptors it doesn't know and opens its own. */
static void
test_descriptors_taken(void)
{
    struct flight flight;
    int before = open_descriptors();
    int pair[2];
    char byte;

    flight_plan(&flight, "4711");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    for (int fd = 3; fd < 64; fd++) {
        struct stat status;

        /* the session's socket is the only one here */
        if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) {
            CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
            dup2(pair[0], fd);
            close(pair[0]);
            pair[0] = fd;
            break;
        }
    }
    mpsc_record_free(&flight.record);
    mpsc_secret_set(&flight.record.token, "mine", 4);
    flight.record.expires_at = INT64_C(1) << 40;
    CU_ASSERT_EQUAL(mpsc_keyring_client.store(flight.session, &flight.record),
                    -1);
    CU_ASSERT_EQUAL(flight_wait(&flight, 0), MPSC_KEYRING_ENDED);
    mpsc_keyring_client.close(&flight.session);
    mpsc_record_free(&flight.record);
    CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
    CU_ASSERT_EQUAL(errno, EAGAIN);
    close(pair[0]);
    close(pair[1]);
    CU_ASSERT(open_descriptors() >= before);
}

static CU_TestInfo tests[] = {
    {"store and load", test_store_and_load},
    {"bound to endpoint and solution", test_bound_to_endpoint},
    {"large token", test_large_token},
    {"pages", test_pages},
    {"erase", test_erase},
    {"newer page", test_newer_page},
    {"corrupt page", test_corrupt_page},
    {"restart of the keyring", test_restart},
    {"second session waits", test_second_waits},
    {"busy", test_busy},
    {"helper killed", test_helper_killed},
    {"helper ignores signals", test_helper_ignores},
    {"helper is clean", test_helper_is_clean},
    {"flight over", test_flight_over},
    {"forked child", test_forked_child},
    {"finish early", test_finish_early},
    {"no helper", test_no_helper},
    {"alarm", test_alarm},
    {"other version", test_other_version},
    {"helper of another version", test_other_helper},
    {"runtime_dir", test_runtime_dir},
    {"leaves nothing", test_leaves_nothing},
    {"no collection", test_no_collection},
    {"stopped keyring", test_stopped_keyring},
    {"locked", test_locked},
    {"absent", test_absent},
    {"no bus", test_no_bus},
    {"mute bus", test_mute_bus},
    {"descriptors taken", test_descriptors_taken},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_client", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(int argc, char **argv)
{
    int failed;

    if (argc == 1 && strcmp(argv[0], "mps-credential-keyring-helper") == 0) {
        return be_other_helper();
    }
    desk_open();
    desk_start_keyring();
    failed = run_suites(suites);
    desk_close();
    return failed;
}
