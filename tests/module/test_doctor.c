/* SPDX-License-Identifier: MIT */
/*
 * mps-credential doctor on set-ups that are broken in one place each: it names
 * that place and no other, with a word of what it is, and its exit status
 * tells how bad that is.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "mounts.h"
#include "world.h"

#define NOBODY 65534

/* Of the advice, for a program that has no session. */
#define SET_UP "mps-credential keyring-setup USER, as root"

/* Long enough for a machine that is busy with other tests. */
#define PATIENT                                                               \
    "deadline_ms = 60000\nconnect_timeout_ms = 20000\n"                       \
    "keyring_deadline_ms = 20000\n"

/* Below it the doctor doesn't see the processes of other tests. */
static const char *alone;

static char helper[512];

/* --- what it says ---------------------------------------------------------
 */

struct expected {
    const char *check; /* "" = all is ok */
    const char *state; /* of that check */
    const char *word;  /* in its meaning or advice */
};

/* The exit status that goes with a state. */
static int
status_of(const char *state)
{
    if (strcmp(state, "failure") == 0) {
        return 2;
    }
    return strcmp(state, "warning") == 0 ? 1 : 0;
}

static const char *
text_of(struct json_object *object, const char *key)
{
    struct json_object *member = NULL;

    json_object_object_get_ex(object, key, &member);
    return member != NULL ? json_object_get_string(member) : "";
}

/* One line. Returns 1 where it is the one that is expected. */
static int
check_line(struct json_object *line, const struct expected *expected)
{
    const char *state = text_of(line, "state");
    const char *meaning = text_of(line, "meaning");
    const char *advice = text_of(line, "advice");
    int is_it = strcmp(text_of(line, "check"), expected->check) == 0;
    int is_bad =
        strcmp(state, "failure") == 0 || strcmp(state, "warning") == 0;
    int is_right = !is_bad;

    if (is_it) {
        is_right = strcmp(state, expected->state) == 0 && advice[0] != '\0' &&
                   (strstr(meaning, expected->word) != NULL ||
                    strstr(advice, expected->word) != NULL);
    }
    CU_ASSERT_TRUE(is_right);
    if (!is_right) {
        printf("\n    not as expected (%s, %s): %s %s: %s -> %s",
               expected->check, expected->word, text_of(line, "check"), state,
               meaning, advice);
    }
    return is_it;
}

/* Runs it with these words after a command's prefix and checks all lines. */
static void
check_as(const char *prefix, const char *words,
         const struct expected *expected)
{
    char output[WORLD_OUTPUT];
    struct json_object *report;
    struct json_object *lines = NULL;
    int found = 0;
    int status = world_shell(
        output, "%s \"$MPS_TEST_BINDIR\"/mps-credential doctor --json %s",
        prefix, words);

    CU_ASSERT_EQUAL(status, status_of(expected->state));
    report = json_tokener_parse(output);
    CU_ASSERT_STRING_EQUAL(text_of(report, "state"), expected->state);
    json_object_object_get_ex(report, "checks", &lines);
    CU_ASSERT_PTR_NOT_NULL(lines);
    for (size_t i = 0; lines != NULL && i < json_object_array_length(lines);
         i++) {
        found += check_line(json_object_array_get_idx(lines, i), expected);
    }
    CU_ASSERT_EQUAL(found, expected->check[0] != '\0');
    json_object_put(report);
}

static void
check(const char *words, const char *name, const char *state, const char *word)
{
    const struct expected expected = {name, state, word};

    check_as(alone, words, &expected);
}

/* The state of one check in a report. */
static void
state_in(const char *output, const char *name, char *state, size_t size)
{
    struct json_object *report = json_tokener_parse(output);
    struct json_object *lines = NULL;

    state[0] = '\0';
    json_object_object_get_ex(report, "checks", &lines);
    CU_ASSERT_PTR_NOT_NULL(lines);
    for (size_t i = 0; lines != NULL && i < json_object_array_length(lines);
         i++) {
        struct json_object *line = json_object_array_get_idx(lines, i);

        if (strcmp(text_of(line, "check"), name) == 0) {
            snprintf(state, size, "%s", text_of(line, "state"));
        }
    }
    json_object_put(report);
}

/* --- nothing is wrong -----------------------------------------------------
 */

static void
test_well(void)
{
    char output[WORLD_OUTPUT];
    char state[32];
    struct world_got got;

    world_reset();
    world_configure(PATIENT);
    /* A live token, which it leaves alone. */
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    world_reset();
    check("", "", "ok", "");
    CU_ASSERT_EQUAL(world_requests("0"), 1);
    CU_ASSERT_EQUAL(world_requests(""), 1);
    check("--business=1", "", "ok", "");
    CU_ASSERT_EQUAL(world_requests("1"), 1);
    /* What is not tried: of the solution a made-up business tells nothing. */
    CU_ASSERT_EQUAL(world_shell(output,
                                "%s \"$MPS_TEST_BINDIR\"/"
                                "mps-credential doctor --json",
                                alone),
                    0);
    CU_ASSERT_PTR_NULL(strstr(output, got.token));
    state_in(output, "solution", state, sizeof(state));
    CU_ASSERT_STRING_EQUAL(state, "not_tried");
    state_in(output, "round_trip", state, sizeof(state));
    CU_ASSERT_STRING_EQUAL(state, "ok");
    state_in(output, "keyring", state, sizeof(state));
    CU_ASSERT_STRING_EQUAL(state, "ok");
    world_restart();
    world_reset();
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_KEYRING);
}

/* --- configuration and secrets --------------------------------------------
 */

static void
test_no_configuration(void)
{
    setenv("MPS_CREDENTIAL_CONF", world_path("none.conf"), 1);
    check("", "configuration", "failure", "none.conf");
    setenv("MPS_CREDENTIAL_CONF", world_path("conf"), 1);
}

static void
test_unknown_key(void)
{
    world_configure("tokenfile = /x\n");
    check("", "configuration", "failure", "tokenfile");
    world_configure("%s", "");
    check("--profile=none", "configuration", "failure", "none");
}

static void
test_token_missing(void)
{
    world_configure("token_file = %s\n", world_path("no-token"));
    check("", "secrets", "failure", "no-token");
}

static void
test_token_open(void)
{
    world_configure("token_file = %s\n", world_path("open-token"));
    world_write("open-token", 0644, "EAAopen\n");
    check("", "secrets", "failure", "chmod");
}

/* What systemd gives to a unit the doctor has where it is told the place. */
static void
test_token_credential(void)
{
    char conf[1024];
    char output[WORLD_OUTPUT];
    char state[32];

    snprintf(conf, sizeof(conf),
             "solution_id = %s\nbase_url = %s\nca_file = %s\n"
             "runtime_dir = %s\ntoken_credential = partner_token\n" PATIENT,
             WORLD_SOLUTION, world_base_url(), world_path("emu/ca.pem"),
             world_path("mps"));
    world_write("conf", 0644, conf);
    CU_ASSERT_EQUAL(world_shell(output,
                                "%s \"$MPS_TEST_BINDIR\"/mps-credential "
                                "doctor --json",
                                alone),
                    0);
    state_in(output, "secrets", state, sizeof(state));
    CU_ASSERT_STRING_EQUAL(state, "not_tried");
    setenv("CREDENTIALS_DIRECTORY", world_path("emu"), 1);
    check("", "", "ok", "");
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* root's file, which the service's group can't read. */
static void
test_token_of_root(void)
{
    if (geteuid() != 0) {
        world_untried("another user");
        return;
    }
    world_configure("keyring = off\ntoken_file = %s\nca_file = %s\n"
                    "runtime_dir = %s\n" PATIENT,
                    world_path("open/token"), world_path("open/ca"),
                    world_path("open/run"));
    CU_ASSERT_EQUAL_FATAL(
        world_shell(NULL,
                    "cd %s && chmod 0711 . && mkdir -m 0755 open && "
                    "install -m 0640 emu/partner_token open/token && "
                    "install -m 0644 emu/ca.pem open/ca && "
                    "install -d -m 0700 -o %d open/run",
                    world_path("."), NOBODY),
        0);
    check("--user=nobody", "secrets", "failure", "user 65534");
    CU_ASSERT_EQUAL(
        world_shell(NULL, "chgrp %d %s", NOBODY, world_path("open/token")), 0);
    check("--user=nobody", "", "ok", "");
    /* Root's own runtime directory it isn't. */
    check("", "runtime_dir", "warning", "chown");
}

/* --- the endpoint ---------------------------------------------------------
 */

static void
test_token_revoked(void)
{
    world_configure(PATIENT);
    world_emulate("0", "status=401");
    check("", "token", "failure", "190");
    world_reset();
}

static void
test_no_name(void)
{
    world_configure(PATIENT "base_url = https://nobody.invalid\n");
    check("", "name", "failure", "nobody.invalid");
}

static void
test_no_listener(void)
{
    world_configure(PATIENT "base_url = https://127.0.0.1:1\n");
    check("", "connection", "failure", "127.0.0.1:1");
}

static void
test_proxy_refuses(void)
{
    world_configure(PATIENT "proxy = http://127.0.0.1:%s\n", world_port());
    check("", "proxy", "failure", "CONNECT");
    world_configure(PATIENT "proxy = http://127.0.0.1:1\n");
    check("", "connection", "failure", "correct host and port in proxy");
    world_configure(PATIENT "proxy = http://nobody.invalid:1\n");
    check("", "name", "failure", "correct proxy");
}

static void
test_untrusted(void)
{
    const char *base_url =
        world_second_emulator("wrong", "--certificate=wrong-host");

    world_configure(PATIENT "ca_file = %s\n", world_path("wrong/ca.pem"));
    check("", "tls", "failure", "ca_file");
    world_configure(PATIENT "base_url = %s\nca_file = %s\ntoken_file = %s\n",
                    base_url, world_path("wrong/ca.pem"),
                    world_path("wrong/partner_token"));
    check("", "tls", "failure", "host");
    world_configure(PATIENT "ca_file = %s\n", world_path("no-ca"));
    check("", "tls", "failure", "no-ca");
}

static void
test_wrong_solution(void)
{
    world_configure(PATIENT "solution_id = 999\n");
    check("--business=1", "solution", "failure", "999");
    check("", "", "ok", "");
    world_configure(PATIENT);
    world_emulate("1", "status=403");
    check("--business=1", "solution", "failure", "permission");
    world_emulate("1", "status=422");
    check("--business=1", "solution", "warning", "WhatsApp");
    world_reset();
}

static void
test_clock(void)
{
    world_configure(PATIENT);
    world_emulate("0", "fault=date-skew=60");
    check("", "clock", "warning", "behind");
    world_emulate("0", "fault=date-skew=-1000");
    check("", "clock", "failure", "ahead of");
    world_reset();
}

static void
test_no_graph(void)
{
    world_configure(PATIENT);
    world_emulate("0", "fault=html");
    check("", "answer", "failure", "502");
    world_emulate("0", "fault=garbage");
    check("", "answer", "failure", "JSON");
    world_emulate("0", "fault=reset");
    check("", "answer", "failure", "doesn't answer");
    world_configure("deadline_ms = 1500\n");
    world_emulate("0", "fault=stall");
    check("", "answer", "failure", "1500 ms");
    world_configure(PATIENT "api_version = v1.0\nbase_url = %s/x\n",
                    world_base_url());
    world_reset();
    check("", "answer", "failure", "no such path");
}

/* A limit that is known is not lengthened by another request. */
static void
test_limited(void)
{
    struct world_got got;

    world_configure(PATIENT);
    world_emulate("0", "fault=429");
    check("", "answer", "warning", "wait");
    world_emulate("2", "fault=429");
    CU_ASSERT_EQUAL(world_get("2", &got), MPS_E_RATE_LIMITED);
    world_reset();
    check("", "limit", "warning", "until");
    CU_ASSERT_EQUAL(world_requests(""), 0);
    world_forget();
}

static void
test_proof(void)
{
    world_configure(PATIENT);
    world_emulate("", "app_secret=topsecret");
    check("", "token", "failure", "set app_secret_file");
    world_configure(PATIENT "app_secret_file = %s\n", world_path("secret"));
    world_write("secret", 0600, "othersecret\n");
    check("", "token", "failure", "write this app's secret");
    world_write("secret", 0600, "topsecret\n");
    check("", "", "ok", "");
    world_reset();
}

/* --- where tokens are kept ------------------------------------------------
 */

/* The same with keyring = required is a failure. */
static void
check_keyring(const char *lines, const char *name, const char *word)
{
    world_configure(PATIENT "%s", lines);
    check("", name, "warning", word);
    world_configure(PATIENT "keyring = required\n%s", lines);
    check("", name, "failure", "no token");
}

static void
test_runtime_dir(void)
{
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(chmod(world_path("mps"), 0755), 0);
    check_keyring("", "runtime_dir", "chmod 0700");
    CU_ASSERT_EQUAL(chmod(world_path("mps"), 0700), 0);
    check_keyring("runtime_dir = /nonexistent/mps\n", "runtime_dir",
                  "No such file");
    check("", "runtime_dir", "failure", SET_UP);
}

static void
test_no_bus(void)
{
    char line[256];

    snprintf(line, sizeof(line), "keyring_bus = unix:path=%s\n",
             world_path("nowhere"));
    check_keyring(line, "bus", "no socket");
    setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=localhost,port=1", 1);
    check_keyring("", "bus", "none of unix:");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    check_keyring("", "bus", "no D-Bus bus is known");
    check("", "bus", "failure", SET_UP);
    setenv("DBUS_SESSION_BUS_ADDRESS", desk_bus(), 1);
    /* It isn't missed where nobody wants it. */
    world_configure(PATIENT "keyring = off\n%s", line);
    check("", "", "ok", "");
}

static void
test_locked(void)
{
    world_keyring_lock();
    check_keyring("", "keyring", "unlock it");
    check("", "keyring", "failure",
          "systemctl restart mps-credential-keyring@USER");
    check("", "keyring", "failure", SET_UP);
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static void
test_absent(void)
{
    desk_stop_keyring();
    check_keyring("", "keyring", "no Secret Service");
    CU_ASSERT_FALSE(desk_started_service());
    desk_start_bare_keyring();
    check_keyring("", "keyring", "no default collection");
    desk_restart_keyring();
}

static void
test_silent(void)
{
    char line[256];

    desk_signal_keyring(SIGSTOP);
    world_configure("keyring_deadline_ms = 1500\n");
    check("", "keyring", "warning", "does not answer");
    desk_signal_keyring(SIGCONT);
    snprintf(line, sizeof(line),
             "keyring_deadline_ms = 1500\n"
             "keyring_bus = %s\n",
             world_mute_bus());
    world_configure("%s", line);
    check("", "keyring", "warning", "does not answer");
}

/* A page that it would have to leave alone. */
static void
test_round_trip(void)
{
    static const char attributes[] =
        "xdg:schema io.github.mps_credential.Page application mps-credential "
        "endpoint %s solution doctor";
    char words[512];
    char page[WORLD_OUTPUT];

    snprintf(words, sizeof(words), attributes, world_base_url());
    world_configure(PATIENT);
    check("", "", "ok", "");
    CU_ASSERT_EQUAL(world_shell(page,
                                "secret-tool search --all %s 2>&1 | "
                                "sed -n 's/^attribute.page = //p'",
                                words),
                    0);
    page[strcspn(page, "\n")] = '\0';
    /* Nothing is left in it. */
    CU_ASSERT_EQUAL(
        world_shell(NULL, "secret-tool lookup %s | grep -q 'doctor-'", words),
        1);
    CU_ASSERT_EQUAL(world_shell(NULL,
                                "printf '{\"format\":99,\"records\":{}}' | "
                                "secret-tool store --label=planted %s page %s",
                                words, page),
                    0);
    check_keyring("", "round_trip", "newer");
    CU_ASSERT_EQUAL(world_shell(NULL, "secret-tool clear %s", words), 0);
    world_configure(PATIENT);
    check("", "", "ok", "");
}

static void
test_helper(void)
{
    world_configure(PATIENT);
    if (mounts_memory(getenv("MPS_TEST_PKGLIBEXECDIR"), "mode=0755") != 0) {
        world_untried("file systems of its own: a helper that is missing");
        return;
    }
    check_keyring("", "helper", "install");
    mounts_undo(getenv("MPS_TEST_PKGLIBEXECDIR"));
    CU_ASSERT_EQUAL(mounts_file("/bin/false", helper), 0);
    check_keyring("", "helper", "helper");
    mounts_undo(helper);
    world_configure(PATIENT);
    check("", "", "ok", "");
}

static void
test_module(void)
{
    char module[512];

    snprintf(module, sizeof(module), "%s", world_module());
    world_configure(PATIENT);
    if (mounts_file("/dev/null", module) != 0) {
        world_untried("file systems of its own: a module that is none");
        return;
    }
    check("", "module", "failure", "install");
    mounts_undo(module);
}

/* --- programs that run what was replaced ----------------------------------
 */

/* Runs what it is given beside a host whose module has been replaced. $1: the
 * host program; $2: the module. */
static const char beside_stale[] =
    "host=$1 module=$2; shift 2; cd '%s' && mkdir mps-credential && "
    "cp \"$module\" mps-credential/graph.so && mkfifo ask || exit 99\n"
    "MPS_TEST_MODULE=$PWD/mps-credential/graph.so \"$host\" serve <ask "
    ">answer &\n"
    "exec 3>ask; echo anything >&3\n"
    "until [ -s answer ]; do kill -0 $! || exit 98; sleep 0.01; done\n"
    "cp \"$module\" new && mv -f new mps-credential/graph.so || exit 97\n"
    "\"$@\"\n";

static void
test_deleted_module(void)
{
    const struct expected stale = {"processes", "warning", "load_host"};
    char prefix[2048];
    char script[1024];

    if (alone[0] == '\0') {
        world_untried("processes of its own: a module that was replaced");
        return;
    }
    world_configure(PATIENT);
    snprintf(script, sizeof(script), beside_stale, desk_dir());
    world_write("stale.sh", 0700, script);
    snprintf(prefix, sizeof(prefix), "%s sh %s %s %s", alone,
             world_path("stale.sh"), world_program_path("load_host"),
             world_module());
    check_as(prefix, "", &stale);
}

/* --- another root ---------------------------------------------------------
 */

/* As after credential_prepare(), chroot() and setuid(): tokens come, and are
 * kept in memory alone. */
static void
test_root(void)
{
    static const char *const ok[] = {"configuration", "secrets", "name",
                                     "tls",           "answer",  "token"};
    static const char *const warned[] = {"runtime_dir", "helper", "bus"};
    char output[WORLD_OUTPUT];
    char state[32];

    if (geteuid() != 0) {
        world_untried("another root directory");
        return;
    }
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(mkdir(world_path("root"), 0755), 0);
    world_reset();
    CU_ASSERT_EQUAL(world_command(output,
                                  "doctor --root=%s --user=nobody --json",
                                  world_path("root")),
                    1);
    for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
        state_in(output, ok[i], state, sizeof(state));
        CU_ASSERT_STRING_EQUAL(state, "ok");
    }
    for (size_t i = 0; i < sizeof(warned) / sizeof(warned[0]); i++) {
        state_in(output, warned[i], state, sizeof(state));
        CU_ASSERT_STRING_EQUAL(state, "warning");
    }
    state_in(output, "keyring", state, sizeof(state));
    CU_ASSERT_STRING_EQUAL(state, "not_tried");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(output, "programs keep tokens in memory alone"));
    CU_ASSERT_EQUAL(world_requests("0"), 1);
    CU_ASSERT_EQUAL(world_command(output,
                                  "doctor --root=%s --user=nobody 2>&1",
                                  world_path("no-root")),
                    MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "no-root"));
    /* Nothing of it is run as root. */
    world_reset();
    CU_ASSERT_EQUAL(
        world_command(output, "doctor --root=%s 2>&1", world_path("root")),
        MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "--root needs the --user"));
    CU_ASSERT_EQUAL(world_command(output, "doctor --root=%s --user=0 2>&1",
                                  world_path("root")),
                    MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "--root needs the --user"));
    CU_ASSERT_EQUAL(world_requests("0"), 0);
}

/* --- the output -----------------------------------------------------------
 */

static void
test_text(void)
{
    static const char command[] =
        "%s script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential doctor' "
        "/dev/null";
    char output[WORLD_OUTPUT];

    world_configure(PATIENT);
    world_emulate("0", "status=401");
    CU_ASSERT_EQUAL(world_command(output, "doctor"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "failure    token "));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "-> make a new system-user token"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(output, "not tried  solution       it needs token\n"));
    CU_ASSERT_PTR_NULL(strchr(output, '\033'));
    CU_ASSERT_EQUAL(world_shell(output, command, "NO_COLOR= TERM=xterm"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\033[31mfailure\033[0m"));
    CU_ASSERT_EQUAL(world_shell(output, command, "TERM=xterm NO_COLOR=1"), 2);
    CU_ASSERT_PTR_NULL(strchr(output, '\033'));
    CU_ASSERT_EQUAL(world_shell(output, command, "env -u TERM"), 2);
    CU_ASSERT_PTR_NULL(strchr(output, '\033'));
    CU_ASSERT_EQUAL(world_command(output, "doctor >/dev/full 2>&1"), 74);
    CU_ASSERT_EQUAL(world_command(output, "doctor --json >/dev/full 2>&1"),
                    74);
    world_reset();
}

static void
test_usage(void)
{
    static const struct {
        const char *words;
        int status;
        const char *text;
    } rows[] = {
        {"--help", 0, "--business=ID"},
        {"x", MPS_E_INVALID, "options alone"},
        {"--business=x", MPS_E_INVALID, "1 to 20 digits"},
        {"--user=no-such-user", MPS_E_INVALID, "no such user"},
        {"--nonsense", MPS_E_INVALID, "doctor --help"},
    };
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(world_command(output, "doctor %s 2>&1", rows[i].words),
                        rows[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].text));
    }
}

static CU_TestInfo tests[] = {
    {"nothing is wrong", test_well},
    {"no configuration", test_no_configuration},
    {"unknown key", test_unknown_key},
    {"no token file", test_token_missing},
    {"token file for all to read", test_token_open},
    {"token file that the user can't read", test_token_of_root},
    {"token in a credential", test_token_credential},
    {"token revoked", test_token_revoked},
    {"unknown host name", test_no_name},
    {"nothing listens", test_no_listener},
    {"proxy that refuses", test_proxy_refuses},
    {"certificate not trusted", test_untrusted},
    {"wrong solution", test_wrong_solution},
    {"clock off", test_clock},
    {"no answer of Graph's", test_no_graph},
    {"limited", test_limited},
    {"proof of the app secret", test_proof},
    {"runtime directory", test_runtime_dir},
    {"no bus", test_no_bus},
    {"keyring locked", test_locked},
    {"no keyring", test_absent},
    {"keyring silent", test_silent},
    {"round trip", test_round_trip},
    {"helper", test_helper},
    {"module", test_module},
    {"deleted module", test_deleted_module},
    {"another root", test_root},
    {"text", test_text},
    {"usage", test_usage},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"doctor", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    mounts_open();
    alone = world_alone();
    snprintf(helper, sizeof(helper), "%s/keyring-helper",
             getenv("MPS_TEST_PKGLIBEXECDIR"));
    world_open("[0]\nstatus = 404\n");
    return world_run(suites);
}
