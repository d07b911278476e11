/* SPDX-License-Identifier: MIT */
#include "world.h"
#include "run_suites.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "helper.h"

#define PATIENCE_MS 20000

/* What world_business() gives first, and how many of them static.so has. */
#define FIRST_BUSINESS 700001u
#define STATIC_BUSINESSES 200u

struct mps_api mps;

/* The first is the scene's own, the others some tests add. */
static struct {
    pid_t pid;
    char base_url[64];
} emulators[8];
static unsigned emulator_count;
static unsigned spoken_to;
static pid_t owner;
static int mute_socket = -1;

static _Noreturn void
die(const char *what, const char *which)
{
    fprintf(stderr, "world: %s: %s\n", what, which);
    exit(99);
}

static const char *
environment(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL || value[0] == '\0') {
        die(name, "is not set; run the test by make installcheck");
    }
    return value;
}

static void
nap(void)
{
    const struct timespec tick = {0, 5 * 1000000L};

    nanosleep(&tick, NULL);
}

int64_t
world_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
world_margin(void)
{
    const char *preload = getenv("LD_PRELOAD");

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 2500;
#endif
    return preload != NULL && strstr(preload, "vgpreload") != NULL ? 5000
                                                                   : 700;
}

void
world_nap(int64_t ms)
{
    const struct timespec while_ms = {ms / 1000, (long)(ms % 1000) * 1000000L};

    nanosleep(&while_ms, NULL);
}

unsigned
world_scale(unsigned count)
{
    const char *wrapper = getenv("MPS_TEST_WRAPPER");
    int slow = wrapper != NULL && wrapper[0] != '\0';

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    slow = 1;
#endif
    if (slow) {
        count = count >= 10 ? count / 10 : 1;
        printf("(slow here: %u times) ", count);
    }
    return count;
}

int
world_await(int (*ready)(void *arg), void *arg)
{
    int64_t end = world_ms() + PATIENCE_MS;

    while (!ready(arg)) {
        if (world_ms() > end) {
            return 0;
        }
        nap();
    }
    return 1;
}

const char *
world_path(const char *name)
{
    return desk_path(name);
}

const char *
world_base_url(void)
{
    return emulators[0].base_url;
}

const char *
world_port(void)
{
    return strrchr(emulators[0].base_url, ':') + 1;
}

const char *
world_module(void)
{
    return environment("MPS_TEST_MODULE");
}

int
world_is_static(void)
{
    return strstr(world_module(), "/static.so") != NULL;
}

void
world_write(const char *name, int mode, const char *text)
{
    const char *path = name[0] == '/' ? name : desk_path(name);
    FILE *file;

    unlink(path);
    file = fopen(path, "we");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
        chmod(path, (mode_t)mode) != 0) {
        die("can't write", path);
    }
}

int
world_shell(char *output, const char *command, ...)
{
    char line[4096];
    char ignored[256];
    va_list list;
    size_t len = 0;
    size_t got;
    FILE *pipe;
    int status;

    va_start(list, command);
    vsnprintf(line, sizeof(line), command, list);
    va_end(list);
    fflush(NULL);
    pipe = popen(line, "re");
    if (pipe == NULL) {
        die("can't run", line);
    }
    if (output != NULL) {
        while ((got = fread(output + len, 1, WORLD_OUTPUT - 1 - len, pipe)) >
               0) {
            len += got;
        }
        output[len] = '\0';
    }
    while (fread(ignored, 1, sizeof(ignored), pipe) > 0) {
        continue;
    }
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Starts the emulator that writes to the directory `name`. */
static void
start_emulator(const char *name, const char *option)
{
    unsigned which = emulator_count++;
    char program[512];
    char dir[512];
    char line[64];
    FILE *file = NULL;
    int64_t end = world_ms() + PATIENCE_MS;

    snprintf(program, sizeof(program), "%s/mps-graph-emulator",
             environment("MPS_TEST_BINDIR"));
    snprintf(dir, sizeof(dir), "--dir=%s", desk_path(name));
    emulators[which].pid = fork();
    if (emulators[which].pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, 1);
        execl(program, program, "--port=0", dir, option, NULL);
        _exit(127);
    }
    snprintf(program, sizeof(program), "%s/%s/base_url", desk_dir(), name);
    while ((file = fopen(program, "re")) == NULL) {
        if (world_ms() > end ||
            waitpid(emulators[which].pid, NULL, WNOHANG) != 0) {
            die("the emulator doesn't start", name);
        }
        nap();
    }
    if (fgets(line, sizeof(line), file) == NULL) {
        die("no base_url", name);
    }
    line[strcspn(line, "\n")] = '\0';
    snprintf(emulators[which].base_url, sizeof(emulators[which].base_url),
             "%s", line);
    fclose(file);
}

const char *
world_second_emulator(const char *name, const char *option)
{
    if (emulator_count == sizeof(emulators) / sizeof(emulators[0])) {
        die("too many emulators", name);
    }
    start_emulator(name, option);
    return emulators[emulator_count - 1].base_url;
}

static unsigned
find_emulator(const char *base_url)
{
    for (unsigned i = 0; i < emulator_count; i++) {
        if (strcmp(emulators[i].base_url, base_url) == 0) {
            return i;
        }
    }
    die("no such emulator", base_url);
}

static void
stop_emulator(unsigned which)
{
    if (emulators[which].pid > 0) {
        kill(emulators[which].pid, SIGTERM);
        waitpid(emulators[which].pid, NULL, 0);
        emulators[which].pid = 0;
    }
}

void
world_stop_emulator(const char *base_url)
{
    stop_emulator(find_emulator(base_url));
}

void
world_speak_to(const char *base_url)
{
    spoken_to = base_url != NULL ? find_emulator(base_url) : 0;
}

/* At any exit of the program, but not of its forked children. */
static void
close_world(void)
{
    if (owner != getpid()) {
        return;
    }
    for (unsigned i = 0; i < emulator_count; i++) {
        stop_emulator(i);
    }
    emulator_count = 0;
    desk_close();
}

/* static.so's tokens, for the rest of the day. */
static void
write_static_file(void)
{
    char text[32768] = "{";
    size_t used = 1;

    for (unsigned i = 0; i <= STATIC_BUSINESSES; i++) {
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "%s\"%u\": {\"access_token\": \"EAAstatic%u\", "
            "\"expires_at\": %lld}",
            i > 0 ? ",\n" : "", i > 0 ? FIRST_BUSINESS + i - 1 : 1, i,
            (long long)time(NULL) + 86400);
    }
    snprintf(text + used, sizeof(text) - used, "}\n");
    world_write("static.json", 0600, text);
}

void
world_open(const char *scenario)
{
    char option[512] = "--log=/dev/null";

    environment("MPS_TEST_PKGLIBEXECDIR");
    owner = getpid();
    atexit(close_world);
    desk_open();
    desk_start_keyring();
    if (scenario != NULL) {
        world_write("scenario", 0600, scenario);
        snprintf(option, sizeof(option), "--scenario=%s",
                 desk_path("scenario"));
    }
    start_emulator("emu", option);
    if (world_is_static()) {
        write_static_file();
    }
    setenv("MPS_CREDENTIAL_CONF", desk_path("conf"), 1);
    unsetenv("MPS_CREDENTIAL_PROFILE");
    if (mps_load(&mps, world_module()) != 0) {
        die("the module", mps.load_error);
    }
}

int
world_run(CU_SuiteInfo *suites)
{
    int failed = run_suites(suites);

    mps.shutdown();
    return failed;
}

/* Whether a line of `lines` before the first group sets `key`. */
static int
sets(const char *lines, const char *key)
{
    size_t len = strlen(key);

    while (*lines != '\0' && *lines != '[') {
        if (strncmp(lines, key, len) == 0 && lines[len] == ' ') {
            return 1;
        }
        lines += strcspn(lines, "\n");
        lines += *lines == '\n';
    }
    return 0;
}

/* Writes the configuration whole and renames it, as an administrator's tool
 * does. */
static void
write_configuration(const char *given)
{
    char text[8192] = "";
    const struct {
        const char *key;
        const char *value;
    } base[] = {
        {"solution_id", WORLD_SOLUTION},
        {"base_url", world_base_url()},
        {"token_file", desk_path("emu/partner_token")},
        {"ca_file", desk_path("emu/ca.pem")},
        {"runtime_dir", desk_path("mps")},
        {"static_file", desk_path("static.json")},
        {"log", "off"},
    };
    size_t used = 0;

    for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
        if (!sets(given, base[i].key)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                                     "%s = %s\n", base[i].key, base[i].value);
        }
    }
    snprintf(text + used, sizeof(text) - used, "%s", given);
    world_write("conf.new", 0644, text);
    if (rename(desk_path("conf.new"), desk_path("conf")) != 0) {
        die("can't rename", desk_path("conf.new"));
    }
}

/* What the user's processes remember of limits and failures: else a test
 * would meet those of the one before. */
static void
forget_shared_state(void)
{
    DIR *all = opendir(desk_path("mps"));
    struct dirent *entry;

    while (all != NULL && (entry = readdir(all)) != NULL) {
        if (strncmp(entry->d_name, "state-", 6) == 0) {
            (void)unlinkat(dirfd(all), entry->d_name, 0);
        }
    }
    if (all != NULL) {
        closedir(all);
    }
}

void
world_restart(void)
{
    mps.shutdown();
}

void
world_forget(void)
{
    mps.shutdown();
    forget_shared_state();
}

void
world_configure(const char *lines, ...)
{
    char given[4096];
    va_list list;

    va_start(list, lines);
    vsnprintf(given, sizeof(given), lines, list);
    va_end(list);
    write_configuration(given);
    world_forget();
}

void
world_begin(const char *lines)
{
    world_configure("%s", lines);
    CU_ASSERT_EQUAL(world_shell(NULL, "rm -f %s/counts-*", world_path("mps")),
                    0);
    CU_ASSERT_EQUAL(world_command(NULL, "forget --all"), MPS_OK);
}

void
world_reconfigure(const char *lines, ...)
{
    char given[4096];
    va_list list;

    va_start(list, lines);
    vsnprintf(given, sizeof(given), lines, list);
    va_end(list);
    write_configuration(given);
}

char *
world_business(void)
{
    static char ids[64][24];
    static unsigned next;
    char *id = ids[next % 64];

    snprintf(id, sizeof(ids[0]), "%u", FIRST_BUSINESS + next);
    next++;
    return id;
}

static void
control(const char *method, const char *path)
{
    char answer[WORLD_OUTPUT];

    if (world_shell(answer, "curl -qskf --noproxy '*' -X %s '%s/__%s'", method,
                    emulators[spoken_to].base_url, path) != 0) {
        die("the emulator refuses", path);
    }
}

void
world_emulate(const char *business_id, const char *query)
{
    char path[1024];

    if (business_id[0] != '\0') {
        snprintf(path, sizeof(path), "business/%s?%s", business_id, query);
    } else {
        snprintf(path, sizeof(path), "endpoint?%s", query);
    }
    control("PUT", path);
}

void
world_reset(void)
{
    control("POST", "reset");
}

long
world_stat(const char *pointer, ...)
{
    static char answer[1024 * 1024];
    char path[256];
    struct json_object *json;
    struct json_object *value = NULL;
    va_list list;
    long number = 0;
    FILE *pipe;
    size_t len;

    va_start(list, pointer);
    vsnprintf(path, sizeof(path), pointer, list);
    va_end(list);
    snprintf(answer, sizeof(answer), "curl -qskf --noproxy '*' '%s/__stats'",
             emulators[spoken_to].base_url);
    pipe = popen(answer, "re");
    if (pipe == NULL) {
        die("can't run", answer);
    }
    len = fread(answer, 1, sizeof(answer) - 1, pipe);
    answer[len] = '\0';
    pclose(pipe);
    json = json_tokener_parse(answer);
    if (json == NULL) {
        die("no statistics", answer);
    }
    if (json_pointer_get(json, path, &value) == 0) {
        number = (long)json_object_get_int64(value);
    }
    json_object_put(json);
    return number;
}

long
world_requests(const char *business_id)
{
    return business_id[0] != '\0'
               ? world_stat("/businesses/%s/requests", business_id)
               : world_stat("/requests");
}

struct expected {
    const char *business_id;
    long count;
};

static int
are_there(void *arg)
{
    const struct expected *expected = arg;

    return world_requests(expected->business_id) >= expected->count;
}

int
world_await_requests(const char *business_id, long count)
{
    struct expected expected = {business_id, count};

    return world_await(are_there, &expected);
}

void
world_keyring_dump(char *text, size_t size)
{
    char output[WORLD_OUTPUT];

    (void)world_shell(output, "secret-tool search --all application "
                              "mps-credential 2>&1 </dev/null");
    snprintf(text, size, "%s", output);
}

long
world_keyring_items(void)
{
    char output[WORLD_OUTPUT];

    (void)world_shell(output, "secret-tool search --all application "
                              "mps-credential 2>/dev/null | "
                              "grep -c '^\\[/'");
    return strtol(output, NULL, 10);
}

void
world_keyring_lock(void)
{
    if (desk_run("dbus-send --session --print-reply "
                 "--dest=org.freedesktop.secrets /org/freedesktop/secrets "
                 "org.freedesktop.Secret.Service.Lock array:objpath:"
                 "/org/freedesktop/secrets/collection/login >%s 2>&1",
                 desk_path("out")) != 0) {
        die("the keyring", "can't be locked");
    }
}

const char *
world_mute_bus(void)
{
    static char address[160];
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (mute_socket < 0) {
        snprintf(name.sun_path, sizeof(name.sun_path), "%s/mute", desk_dir());
        snprintf(address, sizeof(address), "unix:path=%s", name.sun_path);
        mute_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(mute_socket, (struct sockaddr *)&name, sizeof(name)) != 0 ||
            listen(mute_socket, 128) != 0) {
            die("socket", address);
        }
    }
    return address;
}

const char *
world_program_path(const char *name)
{
    static char path[512];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
    char *end;

    if (len <= 0) {
        die("/proc/self/exe", "can't be read");
    }
    path[len] = '\0';
    end = strrchr(path, '/') + 1;
    snprintf(end, 64, "%s", name);
    if (access(path, X_OK) != 0) {
        snprintf(end, 64, "../module/%s", name);
    }
    return path;
}

int
world_command(char *output, const char *words, ...)
{
    char line[2048];
    va_list list;

    va_start(list, words);
    vsnprintf(line, sizeof(line), words, list);
    va_end(list);
    return world_shell(output, "\"$MPS_TEST_BINDIR\"/mps-credential %s", line);
}

int
world_host(char *output, const char *prefix, const char *arguments, ...)
{
    char line[2048];
    va_list list;

    va_start(list, arguments);
    vsnprintf(line, sizeof(line), arguments, list);
    va_end(list);
    return world_shell(output, "%s %s %s </dev/null", prefix,
                       world_program_path("host"), line);
}

int
world_program(char *output, const char *prefix, const char *words)
{
    char name[32];
    size_t len = strcspn(words, " ");

    snprintf(name, sizeof(name), "%.*s", (int)len, words);
    return world_shell(output, "%s %s%s </dev/null", prefix,
                       world_program_path(name), words + len);
}

/* The first of the two below which a command runs here; NULL = neither. */
static const char *
prefix_that_works(const char *const prefixes[2])
{
    for (size_t i = 0; i < 2; i++) {
        if (world_shell(NULL, "%s true 2>/dev/null", prefixes[i]) == 0) {
            return prefixes[i];
        }
    }
    return NULL;
}

const char *
world_as_init(void)
{
    static const char *const prefixes[] = {"unshare -pf", "unshare -Urpf"};

    return prefix_that_works(prefixes);
}

const char *
world_alone(void)
{
    static const char *const prefixes[] = {"unshare -pf --mount-proc",
                                           "unshare -Ucpf --mount-proc"};
    const char *prefix = prefix_that_works(prefixes);

    return prefix != NULL ? prefix : "";
}

static void
start_host(struct world_host *host, const char *program, const char *arguments)
{
    char command[4096];
    char byte;
    int in[2];
    int out[2];

    snprintf(command, sizeof(command), "exec %s --go %s",
             world_program_path(program), arguments);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        die("pipe", command);
    }
    fflush(NULL);
    host->pid = fork();
    if (host->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    host->in = in[1];
    host->out = out[0];
    /* It says when it is ready, so that several can start as one. */
    if (read(host->out, &byte, 1) != 1) {
        die("the host doesn't start", command);
    }
}

void
world_host_start(struct world_host *host, const char *arguments, ...)
{
    char line[2048];
    va_list list;

    va_start(list, arguments);
    vsnprintf(line, sizeof(line), arguments, list);
    va_end(list);
    start_host(host, "host", line);
}

void
world_load_start(struct world_host *host, const char *program,
                 const char *arguments, ...)
{
    char line[2048];
    va_list list;

    va_start(list, arguments);
    vsnprintf(line, sizeof(line), arguments, list);
    va_end(list);
    start_host(host, program, line);
}

/* Nothing that a host does may end the test by a signal: it may be dead. */
static void
write_to_host(struct world_host *host, const char *bytes, size_t len)
{
    void (*former)(int) = signal(SIGPIPE, SIG_IGN);

    if (write(host->in, bytes, len) != (ssize_t)len) {
        CU_FAIL("the host has ended");
    }
    signal(SIGPIPE, former);
}

int
world_load_step(struct world_host *host)
{
    char byte;

    write_to_host(host, "\n", 1);
    return read(host->out, &byte, 1) == 1 ? 0 : -1;
}

void
world_serve_start(struct world_host *host)
{
    start_host(host, "load_host", "serve");
    write_to_host(host, "\n", 1);
}

void
world_send(struct world_host *host, const char *question, ...)
{
    char line[2048];
    va_list list;
    int len;

    va_start(list, question);
    len = vsnprintf(line, sizeof(line) - 1, question, list);
    va_end(list);
    line[len] = '\n';
    write_to_host(host, line, (size_t)len + 1);
}

const char *
world_receive(struct world_host *host, char *answer)
{
    size_t len = 0;

    while (len < WORLD_OUTPUT - 1 && read(host->out, answer + len, 1) == 1 &&
           answer[len] != '\n') {
        len++;
    }
    answer[len] = '\0';
    return answer;
}

const char *
world_ask(struct world_host *host, char *answer, const char *question, ...)
{
    char line[2000];
    va_list list;

    va_start(list, question);
    vsnprintf(line, sizeof(line), question, list);
    va_end(list);
    world_send(host, "%s", line);
    return world_receive(host, answer);
}

void
world_serve_end(struct world_host *host)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(world_host_end(host, output), 0);
}

void
world_host_go(struct world_host *host)
{
    close(host->in);
    host->in = -1;
}

int
world_host_end(struct world_host *host, char *output)
{
    size_t len = 0;
    ssize_t got;
    int status;

    if (host->in >= 0) {
        world_host_go(host);
    }
    while ((got = read(host->out, output + len, WORLD_OUTPUT - 1 - len)) > 0) {
        len += (size_t)got;
    }
    output[len] = '\0';
    close(host->out);
    waitpid(host->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

const char *
world_value(const char *output, const char *key)
{
    static char values[4][512];
    static unsigned next;
    char *value = values[next++ % 4];
    size_t len = strlen(key);
    const char *at = output;

    value[0] = '\0';
    while ((at = strstr(at, key)) != NULL) {
        if ((at == output || at[-1] == ' ' || at[-1] == '\n') &&
            at[len] == '=') {
            at += len + 1;
            snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, " \n"),
                     at);
            break;
        }
        at += len;
    }
    return value;
}

long long
world_number(const char *output, const char *key)
{
    const char *value = world_value(output, key);
    char *end;
    long long number = strtoll(value, &end, 10);

    /* What isn't there must not pass for 0. */
    return end != value && *end == '\0' ? number : -999;
}

void
world_untried(const char *what)
{
    /* scripts/test counts these. */
    printf("(not possible here: %s) ", what);
    CU_PASS("not possible here");
}

int
world_helper_runs(void)
{
    pid_t found = helper_below(getpid());

    if (found < 0) {
        die("/proc", "can't be read");
    }
    return found > 0;
}

/* --- the module's log -----------------------------------------------------
 */

static struct {
    pthread_mutex_t lock;
    unsigned count;
    unsigned lost;
    struct {
        int priority;
        char text[256];
    } lines[512];
} taken = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
take_line(void *arg, int priority, const char *line)
{
    (void)arg;
    pthread_mutex_lock(&taken.lock);
    if (taken.count < sizeof(taken.lines) / sizeof(taken.lines[0])) {
        taken.lines[taken.count].priority = priority;
        snprintf(taken.lines[taken.count].text, sizeof(taken.lines[0].text),
                 "%s", line);
        taken.count++;
    } else {
        taken.lost++;
    }
    pthread_mutex_unlock(&taken.lock);
}

void
world_log_take(void)
{
    mps.log_to(take_line, NULL);
    pthread_mutex_lock(&taken.lock);
    taken.count = 0;
    taken.lost = 0;
    pthread_mutex_unlock(&taken.lock);
}

unsigned
world_log_count(int priority, const char *text)
{
    unsigned count = 0;

    pthread_mutex_lock(&taken.lock);
    for (unsigned i = 0; i < taken.count; i++) {
        count += (priority == -1 || taken.lines[i].priority == priority) &&
                 strstr(taken.lines[i].text, text) != NULL;
    }
    CU_ASSERT_EQUAL(taken.lost, 0);
    pthread_mutex_unlock(&taken.lock);
    return count;
}

void
world_log_show(void)
{
    pthread_mutex_lock(&taken.lock);
    for (unsigned i = 0; i < taken.count; i++) {
        printf("\n    <%d> %s", taken.lines[i].priority, taken.lines[i].text);
    }
    printf("\n");
    pthread_mutex_unlock(&taken.lock);
}

int
world_get_with(const struct mps_request *request, struct world_got *got)
{
    const struct mps_credential *credential = NULL;
    int64_t begin = world_ms();

    memset(got, 0, sizeof(*got));
    got->error.size = sizeof(got->error);
    got->code = mps.get_credential_with(request, &credential);
    got->took_ms = world_ms() - begin;
    if (got->code == MPS_OK) {
        got->source = credential->source;
        got->expires_at = credential->expires_at;
        got->endpoint_expires_at = credential->endpoint_expires_at;
        snprintf(got->token_id, sizeof(got->token_id), "%s",
                 credential->token_id);
        snprintf(got->token, sizeof(got->token), "%s",
                 credential->access_token);
    } else {
        CU_ASSERT_PTR_NULL(credential);
        CU_ASSERT_EQUAL(mps.error(&got->error), MPS_OK);
        CU_ASSERT_EQUAL(got->error.code, got->code);
    }
    mps.release_credential(credential);
    return got->code;
}

int
world_get(const char *business_id, struct world_got *got)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id};

    return world_get_with(&request, got);
}
