/* SPDX-License-Identifier: MIT */
/*
 * world: the scene of a module test: the installed module, loaded as a host
 * loads it, the emulated endpoint, and a user's session with a keyring.
 *
 * The paths of what is under test come from the environment, which `make
 * installcheck` sets: MPS_TEST_MODULE (graph.so or static.so),
 * MPS_TEST_BINDIR, MPS_TEST_PKGLIBEXECDIR. What can't be set up ends the
 * program.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <CUnit/CUnit.h>
#include <mps/loader.h>
#include <stdint.h>
#include <sys/types.h>

/* The solution that the emulator knows. */
#define WORLD_SOLUTION "1234567890123456"

/* What a host exits with where the machine doesn't let it do its part. */
#define WORLD_CANNOT 77

#define WORLD_OUTPUT 16384

/* The module under test. */
extern struct mps_api mps;

/* Sets up everything; scenario: the emulator's, or NULL. */
void world_open(const char *scenario);

/* Runs the suite and ends; main's return value. */
int world_run(CU_SuiteInfo *suites);

/* The path `name` in the scene's directory, good for the next three calls. */
const char *world_path(const char *name);
const char *world_base_url(void);
const char *world_port(void);
const char *world_module(void);

/* True where the module is static.so: its static_file then has a token for
 * business 1 and for each of the first 200 that world_business() gives, and
 * the endpoint is never asked. */
int world_is_static(void);
void world_write(const char *name, int mode, const char *text);

/* Writes the configuration: what the emulator needs, these lines, and what
 * they don't set themselves; the module forgets all it knew, and so does the
 * state that the user's processes share. */
void world_configure(const char *lines, ...)
    __attribute__((format(printf, 1, 2)));

/* The same for a test of the command: nothing is counted and nothing is stored
 * in the keyring either. */
void world_begin(const char *lines);

/* Replaces the configuration under the running module, which forgets
 * nothing. */
void world_reconfigure(const char *lines, ...)
    __attribute__((format(printf, 1, 2)));

/* Makes the running module and its host forget, as a new process would; the
 * shared state stays. */
void world_restart(void);

/* The same, and the shared state is gone: what follows doesn't meet the
 * limits and refusals of what came before. The keyring stays. */
void world_forget(void);

/* A business_id that no test has had yet, good for the next 63 calls. */
char *world_business(void);

/* Sets keys of a business, or with "" of the endpoint. */
void world_emulate(const char *business_id, const char *query);
void world_reset(void);

/* A number of the statistics by its JSON pointer, 0 where there is none; the
 * requests for one business, with "" for all. */
long world_stat(const char *pointer, ...)
    __attribute__((format(printf, 1, 2)));
long world_requests(const char *business_id);

/* Another emulator beside the first: its base_url; it ends with the world,
 * or when it is stopped: then its port is closed. */
const char *world_second_emulator(const char *name, const char *option);
void world_stop_emulator(const char *base_url);

/* Which emulator the functions above speak to from now on; NULL = the
 * first. */
void world_speak_to(const char *base_url);

/* The keyring's items of ours; all that is known of them, as secret-tool
 * shows it. */
long world_keyring_items(void);
void world_keyring_dump(char *text, size_t size);
void world_keyring_lock(void);

/* A bus address at which a socket takes connections and never answers. */
const char *world_mute_bus(void);

int64_t world_ms(void);

/* What a deadline may be missed by on a busy machine, or under valgrind. */
int64_t world_margin(void);

void world_nap(int64_t ms);

/* Fewer where the programs run under valgrind or a sanitizer, which is said:
 * for what is mere repetition. */
unsigned world_scale(unsigned count);

/* True when ready(arg) became so within ten seconds. */
int world_await(int (*ready)(void *arg), void *arg);

/* True when the emulator has seen so many requests for the business ("" = in
 * all) within ten seconds. */
int world_await_requests(const char *business_id, long count);

/* Runs a shell command and takes its output; the exit status. */
int world_shell(char *output, const char *command, ...)
    __attribute__((format(printf, 2, 3)));

/* Runs the installed command, mps-credential, with these words. */
int world_command(char *output, const char *words, ...)
    __attribute__((format(printf, 2, 3)));

/* The path of a program that was built beside this one, or else of one of the
 * module's tests; good until the next call. */
const char *world_program_path(const char *name);

/* Runs the host program: its arguments by the shell's rules, below
 * `prefix`, which may be "". */
int world_host(char *output, const char *prefix, const char *arguments, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with another program that was built beside this one, whose name is
 * the first word. */
int world_program(char *output, const char *prefix, const char *words);

/* A prefix that makes the host PID 1 of a new namespace; NULL where this
 * machine doesn't let us. */
const char *world_as_init(void);

/* A prefix that gives a command a world of processes of its own, for those of
 * other tests may run a module that was replaced since; "" where this machine
 * doesn't let us. */
const char *world_alone(void);

/* A host that runs beside the test. It waits for world_host_go(). */
struct world_host {
    pid_t pid;
    int in;
    int out;
};
void world_host_start(struct world_host *host, const char *arguments, ...)
    __attribute__((format(printf, 2, 3)));
void world_host_go(struct world_host *host);
int world_host_end(struct world_host *host, char *output);

/* The same with the program load_host, or one of its kind. Such a host may
 * have further steps: each waits for the next world_load_step(), which returns
 * when the host is ready for the next but one (0), or has ended (-1). */
void world_load_start(struct world_host *host, const char *program,
                      const char *arguments, ...)
    __attribute__((format(printf, 3, 4)));
int world_load_step(struct world_host *host);

/* A host that does what it is asked to: see do_serve() in load_host.c. An
 * answer is a line of KEY=VALUE; what is not taken at once is waited for
 * later. */
void world_serve_start(struct world_host *host);
void world_send(struct world_host *host, const char *question, ...)
    __attribute__((format(printf, 2, 3)));
const char *world_receive(struct world_host *host, char *answer);
const char *world_ask(struct world_host *host, char *answer,
                      const char *question, ...)
    __attribute__((format(printf, 3, 4)));
void world_serve_end(struct world_host *host);

/* The value of the first KEY=VALUE in a host's output ("" = none): it ends at
 * a blank; as a number. */
const char *world_value(const char *output, const char *key);
long long world_number(const char *output, const char *key);

/* What can't be tried on this machine is said, and is no failure. */
void world_untried(const char *what);

/* True where a process of the helper is there that began under us or ours. */
int world_helper_runs(void);

/* Takes what the module logs from now on. How many of the lines have the
 * text; with a priority (-1 = any). */
void world_log_take(void);
unsigned world_log_count(int priority, const char *text);
void world_log_show(void);

/* get_credential() with a copy of what came; the code. */
struct world_got {
    int code;
    int source;
    int64_t expires_at;
    int64_t endpoint_expires_at;
    int64_t took_ms;
    char token_id[16];
    char token[512]; /* its beginning */
    struct mps_error error;
};
int world_get(const char *business_id, struct world_got *got);
int world_get_with(const struct mps_request *request, struct world_got *got);

#endif
