/* SPDX-License-Identifier: MIT */
/*
 * The installed command: mps-credential get: where the token goes and where
 * it doesn't; mps-credential prefetch: its lists, progress and interrupts; of
 * both the exit status and JSON.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

/* How wide the terminal of the tests is. */
#define COLUMNS 60

/* Runs the command with these words; its exit status. */
static int
run(char *output, const char *words)
{
    return world_shell(output, "\"$MPS_TEST_BINDIR\"/mps-credential %s",
                       words);
}

/* The text of a member of the object that was printed. */
static void
member(const char *output, const char *name, char *to, size_t size)
{
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    to[0] = '\0';
    if (json_object_object_get_ex(json, name, &value)) {
        snprintf(to, size, "%s", json_object_get_string(value));
    }
    json_object_put(json);
}

static void
test_pipe(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;

    world_configure("%s", "");
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(run(output, "get 1"), MPS_OK);
    /* The whole token, a newline, and no more. */
    CU_ASSERT_EQUAL(strncmp(output, got.token, strlen(got.token)), 0);
    CU_ASSERT_STRING_EQUAL(output + strcspn(output, "\n"), "\n");
    CU_ASSERT_EQUAL(world_requests("1"), 1);
    CU_ASSERT_EQUAL(run(output, "get -- 1 >/dev/full"), 74);
}

static void
test_terminal(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential get "
                    "1' /dev/null"),
        MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, got.token_id));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "keyring"));
    CU_ASSERT_PTR_NULL(strstr(output, got.token));
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential get "
                    "--show 1' /dev/null"),
        MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, got.token));
}

static void
test_json(void)
{
    char output[WORLD_OUTPUT];
    char text[1024];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(run(output, "get --json 1"), MPS_OK);
    member(output, "access_token", text, sizeof(text));
    CU_ASSERT_EQUAL(strncmp(text, got.token, strlen(got.token)), 0);
    member(output, "source", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "keyring");

    CU_ASSERT_EQUAL(run(output, "get --json 401 2>/dev/null"), MPS_E_AUTH);
    member(output, "code", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "MPS_E_AUTH");
    member(output, "graph_code", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "190");
    /* What was typed may be anything; JSON is UTF-8. */
    CU_ASSERT_EQUAL(run(output, "get --json $(printf '\\377') 2>/dev/null"),
                    MPS_E_INVALID);
    member(output, "business", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "?");
}

static void
test_status(void)
{
    static const struct {
        const char *words;
        int status;
        const char *text; /* on standard error */
    } rows[] = {
        {"get 401", MPS_E_AUTH, "MPS_E_AUTH"},
        {"get 404", MPS_E_NOT_FOUND, "MPS_E_NOT_FOUND"},
        {"get 422", MPS_E_UNPROCESSABLE, "MPS_E_UNPROCESSABLE"},
        {"get x", MPS_E_INVALID, "1 to 20 decimal digits"},
        {"get", MPS_E_INVALID, "BUSINESS_ID"},
        {"get 1 2", MPS_E_INVALID, "one BUSINESS_ID"},
        {"get --nonsense 1", MPS_E_INVALID, "--help"},
        {"get --profile= 1", MPS_E_INVALID, "--profile needs a name"},
        {"get --profile=none 1", MPS_E_CONFIG, "\"none\""},
        {"fetch 1", MPS_E_INVALID, "fetch"},
        {"prefetch", MPS_E_INVALID, "a FILE"},
        {"prefetch a b", MPS_E_INVALID, "one FILE"},
        {"prefetch --nonsense a", MPS_E_INVALID, "prefetch --help"},
        {"prefetch --profile= a", MPS_E_INVALID, "--profile needs a name"},
        {"prefetch --deadline=0 a", MPS_E_INVALID, "--deadline needs"},
        {"prefetch --deadline=-1 a", MPS_E_INVALID, "--deadline needs"},
        {"prefetch --deadline=1s a", MPS_E_INVALID, "--deadline needs"},
        {"prefetch --deadline=4294968 a", MPS_E_INVALID, "--deadline needs"},
        {"prefetch --profile=none /dev/null", MPS_OK, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char output[WORLD_OUTPUT];
        char words[128];

        /* What one of them told the others is no part of this. */
        world_configure("%s", "");
        snprintf(words, sizeof(words), "%s 2>&1 >/dev/null", rows[i].words);
        CU_ASSERT_EQUAL(run(output, words), rows[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].text));
    }
}

static void
test_help(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(run(output, "--help"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "get"));
    CU_ASSERT_EQUAL(run(output, "get --help"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "--profile"));
    CU_ASSERT_EQUAL(run(output, "prefetch --help"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "--deadline"));
    CU_ASSERT_EQUAL(run(output, "--version"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "mps-credential"));
}

/* A list of ids as prefetch takes it, with all that is allowed in one. */
static void
write_list(char *const ids[], int count)
{
    char text[4096] = "# the businesses\n\n";

    for (int i = 0; i < count; i++) {
        strcat(strcat(text, ids[i]), i % 2 == 0 ? "\r\n" : "  # another\n");
    }
    /* the first once more */
    strcat(text, ids[0]);
    world_write("list", 0600, text);
}

static void
take_businesses(char *ids[], int count)
{
    for (int i = 0; i < count; i++) {
        ids[i] = world_business();
    }
    write_list(ids, count);
}

/* The value at a JSON pointer in the object that was printed. */
static void
value_at(const char *output, const char *pointer, char *to, size_t size)
{
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    to[0] = '\0';
    if (json_pointer_get(json, pointer, &value) == 0) {
        snprintf(to, size, "%s", json_object_get_string(value));
    }
    json_object_put(json);
}

static void
test_prefetch(void)
{
    char output[WORLD_OUTPUT];
    char words[512];
    char *ids[20];
    struct world_got got;

    world_configure("%s", "");
    world_reset();
    take_businesses(ids, 20);
    snprintf(words, sizeof(words), "prefetch %s 2>&1", world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_OK);
    /* No terminal, no progress. */
    CU_ASSERT_STRING_EQUAL(output, "20 businesses: 20 ok, 0 failed\n");
    CU_ASSERT_EQUAL(world_requests(""), 20);
    /* What was fetched is in the keyring: for us, and for the next run. */
    CU_ASSERT_EQUAL(world_get(ids[19], &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_KEYRING);
    snprintf(words, sizeof(words), "prefetch - <%s", world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_OK);
    CU_ASSERT_STRING_EQUAL(output, "20 businesses: 20 ok, 0 failed\n");
    CU_ASSERT_EQUAL(world_requests(""), 20);
}

static void
test_prefetch_empty(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(run(output, "prefetch /dev/null"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(output, "0 businesses: 0 ok, 0 failed\n");
    CU_ASSERT_EQUAL(run(output, "prefetch --json - </dev/null"), MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"total\":0,"));
    CU_ASSERT_EQUAL(run(output, "prefetch /dev/null 2>&1 >/dev/full"), 74);
}

/* Nothing is fetched before the whole list is known to be good, and what is
 * in a bad line is not shown. */
static void
test_prefetch_bad_list(void)
{
    char output[WORLD_OUTPUT];
    char words[512];

    world_reset();
    world_write("list", 0600, "1\n2\n\nEAAsecret\n3 4\n");
    snprintf(words, sizeof(words), "prefetch %s 2>&1", world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "/list:4: not a business ID"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "/list:5: not a business ID"));
    CU_ASSERT_PTR_NULL(strstr(output, "EAAsecret"));
    snprintf(words, sizeof(words), "prefetch - <%s 2>&1", world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "(standard input):4: not"));
    CU_ASSERT_EQUAL(run(output, "prefetch /nonexistent 2>&1"), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "can't read /nonexistent: No such"));
    CU_ASSERT_EQUAL(run(output, "prefetch / 2>&1"), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "can't read /: Is a directory"));
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

static void
test_prefetch_failures(void)
{
    char output[WORLD_OUTPUT];
    char words[512];
    char text[256];
    char *ids[30];

    world_reset();
    take_businesses(ids, 30);
    for (int i = 0; i < 22; i++) {
        world_emulate(ids[i], i == 7 ? "status=404" : "status=422");
    }
    snprintf(words, sizeof(words), "prefetch %s 2>%s", world_path("list"),
             world_path("err"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(output, "30 businesses: 8 ok, 22 failed\n"
                                   "       1  MPS_E_NOT_FOUND\n"
                                   "      21  MPS_E_UNPROCESSABLE\n");
    CU_ASSERT_EQUAL(world_shell(output, "cat %s", world_path("err")), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "... and 2 more"));
    /* the worst one in full, with what to do */
    snprintf(text, sizeof(text), "MPS_E_NOT_FOUND: business %s at", ids[7]);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, text));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "Suspend this business"));
    snprintf(words, sizeof(words), "prefetch --verbose %s 2>&1 >/dev/null",
             world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_NOT_FOUND);
    for (int i = 0; i < 22; i++) {
        snprintf(text, sizeof(text), "business %s: %s\n", ids[i],
                 i == 7 ? "MPS_E_NOT_FOUND" : "MPS_E_UNPROCESSABLE");
        CU_ASSERT_PTR_NOT_NULL(strstr(output, text));
    }
}

static void
test_prefetch_json(void)
{
    char output[WORLD_OUTPUT];
    char words[512];
    char text[256];
    char *ids[3];

    world_reset();
    take_businesses(ids, 3);
    world_emulate(ids[1], "status=422");
    snprintf(words, sizeof(words), "prefetch --json %s 2>/dev/null",
             world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_UNPROCESSABLE);
    CU_ASSERT_STRING_EQUAL(strchr(output, '\n'), "\n");
    value_at(output, "/code", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "MPS_E_UNPROCESSABLE");
    value_at(output, "/ok", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "2");
    value_at(output, "/failures/0/business", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, ids[1]);
    value_at(output, "/failed_by_code/MPS_E_UNPROCESSABLE", text,
             sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "1");
    value_at(output, "/class/0", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "business");
}

static void
test_prefetch_options(void)
{
    char output[WORLD_OUTPUT];
    char words[512];
    char *ids[2];

    world_configure("[billing]\nattempts = 1\n");
    world_reset();
    take_businesses(ids, 2);
    snprintf(words, sizeof(words), "prefetch --profile=billing %s",
             world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(""), 2);
    snprintf(words, sizeof(words), "prefetch --profile=other %s 2>&1",
             world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"other\""));
    /* A token that is younger than the back-off is no longer asked for: so
     * one that nobody has had yet tells that the deadline counts. */
    take_businesses(ids, 2);
    world_emulate("", "fault=stall");
    snprintf(words, sizeof(words), "prefetch --deadline=1 %s 2>/dev/null",
             world_path("list"));
    CU_ASSERT_EQUAL(run(output, words), MPS_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(output, "2 businesses: 0 ok, 2 failed\n"
                                   "       2  MPS_E_TIMEOUT\n");
    world_reset();
}

/* A terminal with the command on it. */
struct terminal {
    pid_t pid;
    int fd;
    size_t len;
    char output[WORLD_OUTPUT]; /* all that it was sent */
};

static void
start_on_terminal(struct terminal *terminal, const char *before,
                  const char *words)
{
    const struct winsize size = {.ws_row = 24, .ws_col = COLUMNS};
    char command[512];

    snprintf(command, sizeof(command), "%s exec \"%s\"/mps-credential %s",
             before, getenv("MPS_TEST_BINDIR"), words);
    terminal->len = 0;
    terminal->output[0] = '\0';
    fflush(NULL);
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
    if (terminal->pid == 0) {
        /* Whoever runs the tests in the background may ignore them. */
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    CU_ASSERT_NOT_EQUAL_FATAL(terminal->pid, -1);
}

/* Reads what there is; 0 when nobody will write any more. */
static int
read_terminal(struct terminal *terminal)
{
    size_t room = sizeof(terminal->output) - 1 - terminal->len;
    ssize_t got = read(terminal->fd, terminal->output + terminal->len, room);

    if (got <= 0) {
        return 0;
    }
    terminal->len += (size_t)got;
    terminal->output[terminal->len] = '\0';
    return 1;
}

/* The command's exit status. */
static int
end_on_terminal(struct terminal *terminal)
{
    int status;

    while (read_terminal(terminal)) {
        continue;
    }
    close(terminal->fd);
    waitpid(terminal->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/*
 * What the terminal shows after all that it was sent: copies the last full
 * line, and checks that the progress never was too long, and that nothing is
 * left of it.
 */
static void
look_at_terminal(const struct terminal *terminal, char *last, size_t size)
{
    char line[512] = "";
    size_t column = 0;

    last[0] = '\0';
    for (const char *at = terminal->output; *at != '\0'; at++) {
        if (*at == '\n') {
            CU_ASSERT_PTR_NULL(strstr(line, "/s"));
            snprintf(last, size, "%.*s", (int)size - 1, line);
            memset(line, 0, sizeof(line));
        } else if (*at == '\r') {
            column = 0;
        } else if (column < sizeof(line) - 1) {
            line[column++] = *at;
            CU_ASSERT(line[0] != '[' || column < COLUMNS);
        }
    }
    CU_ASSERT_EQUAL(column, 0);
    CU_ASSERT_EQUAL(strspn(line, " "), strlen(line));
    for (size_t len = strlen(last); len > 0 && last[len - 1] == ' ';) {
        last[--len] = '\0';
    }
}

static void
test_progress(void)
{
    char words[512];
    char last[512];
    struct terminal terminal;
    char *ids[10];

    world_configure("%s", "");
    world_reset();
    take_businesses(ids, 10);
    world_emulate("", "latency_ms=300");
    world_emulate(ids[9], "status=422");
    snprintf(words, sizeof(words), "prefetch %s", world_path("list"));
    start_on_terminal(&terminal, "", words);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), MPS_E_UNPROCESSABLE);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(terminal.output, "]  0/10    0%  0 failed  ETA -:--"));
    look_at_terminal(&terminal, last, sizeof(last));
    CU_ASSERT_STRING_EQUAL(last, "       1  MPS_E_UNPROCESSABLE");
    /* Not on a terminal: what is there is the summary alone. */
    snprintf(words, sizeof(words), "prefetch %s 2>/dev/null",
             world_path("list"));
    start_on_terminal(&terminal, "", words);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), MPS_E_UNPROCESSABLE);
    CU_ASSERT_STRING_EQUAL(terminal.output,
                           "10 businesses: 9 ok, 1 failed\r\n"
                           "       1  MPS_E_UNPROCESSABLE\r\n");
    world_reset();
}

static int
was_asked(void *arg)
{
    (void)arg;
    return world_requests("") > 0;
}

/* Starts a prefetch of ten businesses for which the endpoint behaves so, with
 * these shell commands before it, and waits until it is under way. */
static void
start_long_prefetch(struct terminal *terminal, const char *before,
                    const char *options, const char *behaviour)
{
    char words[512];
    char *ids[10];

    world_reset();
    take_businesses(ids, 10);
    world_emulate("", behaviour);
    snprintf(words, sizeof(words), "prefetch %s %s", world_path("list"),
             options);
    start_on_terminal(terminal, before, words);
    CU_ASSERT_TRUE(world_await(was_asked, NULL));
}

/* Ctrl-C is heard while the endpoint stalls, and leaves no trace of the
 * progress. */
static void
test_interrupt(void)
{
    char last[512];
    struct terminal terminal;

    world_configure("deadline_ms = 60000\n");
    start_long_prefetch(&terminal, "", "", "fault=stall");
    CU_ASSERT_EQUAL(write(terminal.fd, "\003", 1), 1);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), 128 + SIGINT);
    look_at_terminal(&terminal, last, sizeof(last));
    CU_ASSERT_STRING_EQUAL(last, "10 businesses: 0 ok, 0 failed, 10 not done");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(terminal.output, "interrupted (Interrupt): 10 of 10"));
    /* for programs */
    start_long_prefetch(&terminal, "", "--json 2>/dev/null", "fault=stall");
    kill(terminal.pid, SIGTERM);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), 128 + SIGTERM);
    value_at(terminal.output, "/not_done", last, sizeof(last));
    CU_ASSERT_STRING_EQUAL(last, "10");
    value_at(terminal.output, "/code", last, sizeof(last));
    CU_ASSERT_STRING_EQUAL(last, "MPS_E_TIMEOUT");
    world_reset();
}

/* What has been fetched until then counts, and is in the keyring. */
static void
test_interrupt_keeps(void)
{
    char words[512];
    char last[512];
    struct terminal terminal;
    struct world_got got;
    char *ids[10];

    world_configure("%s", "");
    world_reset();
    take_businesses(ids, 10);
    world_emulate(ids[9], "fault=stall");
    snprintf(words, sizeof(words), "prefetch %s", world_path("list"));
    start_on_terminal(&terminal, "", words);
    while (strstr(terminal.output, " 9/10 ") == NULL &&
           read_terminal(&terminal)) {
        continue;
    }
    CU_ASSERT_EQUAL(write(terminal.fd, "\003", 1), 1);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), 128 + SIGINT);
    look_at_terminal(&terminal, last, sizeof(last));
    CU_ASSERT_STRING_EQUAL(last, "10 businesses: 9 ok, 0 failed, 1 not done");
    for (int i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_KEYRING);
    }
    world_reset();
}

/* Where the module's shutdown waits for a fetch the command does not. */
static void
test_interrupt_insists(void)
{
    struct terminal terminal;
    int64_t begun;

    world_configure("deadline_ms = 60000\nthreads = no\n");
    start_long_prefetch(&terminal, "", "", "fault=stall");
    begun = world_ms();
    kill(terminal.pid, SIGTERM);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), 128 + SIGTERM);
    CU_ASSERT(world_ms() - begun < 15000);
    world_reset();
}

/* nohup(1) and a shell's jobs in the background ignore signals from the
 * start. */
static void
test_interrupt_ignored(void)
{
    struct terminal terminal;

    world_configure("%s", "");
    start_long_prefetch(&terminal, "trap '' INT;", "", "latency_ms=100");
    kill(terminal.pid, SIGINT);
    CU_ASSERT_EQUAL(end_on_terminal(&terminal), MPS_OK);
    world_reset();
}

static CU_TestInfo tests[] = {
    {"to a pipe", test_pipe},
    {"on a terminal", test_terminal},
    {"--json", test_json},
    {"exit status and message", test_status},
    {"help", test_help},
    {"prefetch", test_prefetch},
    {"prefetch: nothing", test_prefetch_empty},
    {"prefetch: a bad list", test_prefetch_bad_list},
    {"prefetch: failures", test_prefetch_failures},
    {"prefetch --json", test_prefetch_json},
    {"prefetch: options", test_prefetch_options},
    {"prefetch: progress", test_progress},
    {"prefetch: interrupted", test_interrupt},
    {"prefetch: an interrupt keeps what is done", test_interrupt_keeps},
    {"prefetch: an interrupt insists", test_interrupt_insists},
    {"prefetch: interrupts are ignored", test_interrupt_ignored},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"command", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open("[401]\nstatus = 401\n[404]\nstatus = 404\n"
               "[422]\nstatus = 422\n");
    return world_run(suites);
}
