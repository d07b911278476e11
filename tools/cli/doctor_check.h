/* SPDX-License-Identifier: MIT */
/*
 * doctor_check: what the checks of `mps-credential doctor` have in common:
 * what was asked for, what is found out once for several of them, and what
 * each of them says.
 */
#ifndef CLI_DOCTOR_CHECK_H
#define CLI_DOCTOR_CHECK_H

#include <mps/credential.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/http.h"
#include "src/keyring.h"
#include "src/profile.h"

/* In the order in which they are made. */
enum cli_doctor_id {
    CLI_DOCTOR_MODULE,
    CLI_DOCTOR_CONFIGURATION,
    CLI_DOCTOR_SECRETS,
    CLI_DOCTOR_LIMIT,
    CLI_DOCTOR_NAME,
    CLI_DOCTOR_CONNECTION,
    CLI_DOCTOR_PROXY,
    CLI_DOCTOR_TLS,
    CLI_DOCTOR_CLOCK,
    CLI_DOCTOR_ANSWER,
    CLI_DOCTOR_TOKEN,
    CLI_DOCTOR_SOLUTION,
    CLI_DOCTOR_RUNTIME_DIR,
    CLI_DOCTOR_HELPER,
    CLI_DOCTOR_BUS,
    CLI_DOCTOR_KEYRING,
    CLI_DOCTOR_ROUND_TRIP,
    CLI_DOCTOR_PROCESSES,
    CLI_DOCTOR_CHECKS /* how many there are; as a check: none */
};

enum cli_doctor_state {
    CLI_DOCTOR_OK,
    CLI_DOCTOR_WARNING,
    CLI_DOCTOR_FAILURE,
    CLI_DOCTOR_NOT_TRIED
};

/* One line: what was found, what it means, and what to do ("" = nothing). */
struct cli_doctor_finding {
    enum cli_doctor_state state;
    char meaning[512];
    char advice[512];
};

/* The one request to the endpoint. */
struct cli_doctor_endpoint {
    int is_asked;
    enum cli_doctor_id blamed; /* the check that fails for it */
    enum mpsc_http_outcome outcome;
    char detail[160];       /* of the outcome */
    struct mps_error error; /* where it was answered: MPS_OK = a token */
    int64_t date;           /* the answer's, Unix seconds; 0 = none */
    int64_t before, after;  /* the local clock, likewise */
};

/* The one meeting with the keyring. */
struct cli_doctor_keyring {
    int is_met;
    enum cli_doctor_id blamed;
    enum mpsc_keyring_state state;
    const char *undone; /* "stored", "read", "erased"; NULL = not begun */
    int is_other;       /* what was read isn't what was stored */
};

/* Processes with a module that was deleted. */
struct cli_doctor_processes {
    int error; /* an errno: /proc can't be read */
    unsigned seen, stale;
    char list[256]; /* of the stale: names and numbers */
};

struct cli_doctor {
    const char *profile_name; /* NULL: as the module decides */
    const char *root;         /* NULL = the machine's */
    const char *business;     /* NULL = none that exists */

    char module_error[256];  /* "" = it can be loaded */
    struct mps_error loaded; /* the configuration */
    struct mpsc_profile *profile;
    struct mps_error prepared; /* before the change of the root */
    struct mpsc_place place;

    struct cli_doctor_endpoint endpoint;
    struct cli_doctor_keyring keyring;
    struct cli_doctor_processes processes;
};

typedef void cli_doctor_run_fn(struct cli_doctor *doctor,
                               struct cli_doctor_finding *finding);

/* Sets state and meaning, as printf(3), and no advice. Control bytes become
 * '?'. */
void cli_doctor_find(struct cli_doctor_finding *finding,
                     enum cli_doctor_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the advice, likewise. */
void cli_doctor_advise(struct cli_doctor_finding *finding, const char *format,
                       ...) __attribute__((format(printf, 2, 3)));

#endif
