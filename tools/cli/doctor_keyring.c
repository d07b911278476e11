/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/epoch.h"
#include "src/keyring_bus.h"
#include "src/keyring_wait.h"
#include "src/lifetime.h"
#include "src/random.h"
#include "src/runtime_dir.h"

/* What no program's tokens are kept under. */
#define SOLUTION "doctor"
#define BUSINESS "0"

/* What helps a program without a session. */
#define FOR_A_SERVICE MPSC_KEYRING_FOR_A_SERVICE ", as root"

/* How long the made-up token may stay where it can't be erased. */
#define LIFE_S 60

static const struct mpsc_configuration *
options_of(const struct cli_doctor *doctor)
{
    return doctor->profile->configuration;
}

/* What it is to have no usable keyring. */
static enum cli_doctor_state
worth(const struct cli_doctor *doctor)
{
    return options_of(doctor)->keyring == MPSC_KEYRING_REQUIRED
               ? CLI_DOCTOR_FAILURE
               : CLI_DOCTOR_WARNING;
}

static const char *
consequence(const struct cli_doctor *doctor)
{
    return options_of(doctor)->keyring == MPSC_KEYRING_REQUIRED
               ? "programs get no token, since keyring = required"
               : "programs keep tokens in memory alone";
}

/* "" or which root it is about. */
static const char *
in_root(const struct cli_doctor *doctor)
{
    return doctor->root != NULL ? " in the root" : "";
}

/* True where it is said that there is no keyring to be looked at. */
static int
is_off(const struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    if (options_of(doctor)->keyring != MPSC_KEYRING_OFF) {
        return 0;
    }
    cli_doctor_find(finding, CLI_DOCTOR_NOT_TRIED,
                    "keyring = off: programs keep tokens in memory alone");
    return 1;
}

/* --- the runtime directory ------------------------------------------------
 */

/* Says what is wrong with a directory that can't be opened. */
static void
find_bad_dir(const struct cli_doctor *doctor,
             struct cli_doctor_finding *finding, int error)
{
    const char *path = doctor->place.runtime_dir;
    unsigned user = (unsigned)geteuid();
    struct stat status;

    cli_doctor_find(finding, worth(doctor), "%s can't be used%s: %s; %s", path,
                    in_root(doctor), strerror(error), consequence(doctor));
    cli_doctor_advise(finding,
                      "make it a local directory of user %u with "
                      "mode 0700; " FOR_A_SERVICE,
                      user);
    if (error != EPERM || lstat(path, &status) != 0 ||
        !S_ISDIR(status.st_mode)) {
        return;
    }
    if (status.st_uid != user) {
        cli_doctor_find(finding, worth(doctor),
                        "%s belongs to user %u, not to user %u; %s", path,
                        (unsigned)status.st_uid, user, consequence(doctor));
        cli_doctor_advise(finding, "chown %u %s", user, path);
    } else if ((status.st_mode & 07777) != 0700) {
        cli_doctor_find(finding, worth(doctor),
                        "%s has mode %04o, not 0700; %s", path,
                        (unsigned)status.st_mode & 07777, consequence(doctor));
        cli_doctor_advise(finding, "chmod 0700 %s", path);
    } else {
        cli_doctor_find(finding, worth(doctor),
                        "%s is on a file system that other machines or a "
                        "program serve; %s",
                        path, consequence(doctor));
        cli_doctor_advise(finding, "set runtime_dir to a local directory");
    }
}

void
cli_doctor_runtime_dir(struct cli_doctor *doctor,
                       struct cli_doctor_finding *finding)
{
    const char *path = doctor->place.runtime_dir;
    int dir;

    if (path == NULL) {
        cli_doctor_find(finding, worth(doctor),
                        "there is none%s: neither /run/mps-credential/%u nor "
                        "XDG_RUNTIME_DIR; %s",
                        in_root(doctor), (unsigned)geteuid(),
                        consequence(doctor));
        cli_doctor_advise(finding,
                          "have tmpfiles.d make /run/mps-credential/%u, or "
                          "set runtime_dir; " FOR_A_SERVICE,
                          (unsigned)geteuid());
        return;
    }
    dir = mpsc_runtime_dir_open(path);
    if (dir < 0) {
        find_bad_dir(doctor, finding, errno);
        return;
    }
    (void)close(dir);
    cli_doctor_find(finding, CLI_DOCTOR_OK, "%s can be used", path);
}

/* --- the keyring ----------------------------------------------------------
 */

/* What a session is to find. */
struct search {
    const char *token;
    int is_found;
};

static void
compare(void *arg, const char *business_id, const struct mpsc_record *record)
{
    struct search *search = arg;

    (void)business_id;
    search->is_found = strcmp(record->token.data, search->token) == 0;
}

/* One session that looks for a token, and then stores `record`, or with NULL
 * erases. */
static enum mpsc_keyring_state
visit(struct cli_doctor *doctor, const struct mpsc_keyring_query *query,
      struct search *search, const struct mpsc_record *record)
{
    const struct mpsc_keyring *port = doctor->profile->means.keyring;
    struct mpsc_keyring_wait wait = {.port = port,
                                     .clock = doctor->profile->means.clock};
    int64_t answer_ms =
        (int64_t)query->lock_wait_ms + query->keyring_deadline_ms;
    enum mpsc_keyring_state state = mpsc_keyring_wait_open(&wait, query);
    int handed_over;

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    state = mpsc_keyring_wait_for(&wait, MPSC_KEYRING_LOADED, answer_ms,
                                  compare, search);
    if (state == MPSC_KEYRING_OK) {
        handed_over = record != NULL ? port->store(wait.session, record)
                                     : port->erase(wait.session);
        doctor->keyring.undone = record != NULL ? "stored" : "erased";
        state = handed_over == 0
                    ? mpsc_keyring_wait_for(&wait, MPSC_KEYRING_CHANGED,
                                            answer_ms, NULL, NULL)
                    : MPSC_KEYRING_BAD_HELPER;
    }
    mpsc_keyring_wait_end(&wait);
    return state;
}

/* 0, or -1 without memory. */
static int
make_record(const struct cli_doctor *doctor, struct mpsc_record *record)
{
    const struct mpsc_lifetime_rules rules = {LIFE_S, LIFE_S};
    char token[64];
    struct mpsc_time now;

    mpsc_clock_system(&now);
    memset(record, 0, sizeof(*record));
    snprintf(token, sizeof(token), "doctor-%" PRId64 "-%08" PRIx32,
             now.boot_ms, mpsc_random_bits());
    mpsc_lifetime_begin(record, &rules, -1, 0, &now, doctor->profile->boot_id);
    return mpsc_secret_set(&record->token, token, strlen(token));
}

/* The check that a state at the first answer is the fault of. */
static enum cli_doctor_id
blame(enum mpsc_keyring_state state)
{
    switch (state) {
    case MPSC_KEYRING_NO_RUNTIME_DIR:
        return CLI_DOCTOR_RUNTIME_DIR;
    case MPSC_KEYRING_NO_HELPER:
    case MPSC_KEYRING_BAD_HELPER:
    case MPSC_KEYRING_OTHER_HELPER:
        return CLI_DOCTOR_HELPER;
    case MPSC_KEYRING_NO_BUS:
        return CLI_DOCTOR_BUS;
    case MPSC_KEYRING_ABSENT:
    case MPSC_KEYRING_NO_COLLECTION:
    case MPSC_KEYRING_LOCKED:
    case MPSC_KEYRING_REFUSED:
    case MPSC_KEYRING_SILENT:
        return CLI_DOCTOR_KEYRING;
    default:
        return CLI_DOCTOR_ROUND_TRIP;
    }
}

/* Stores, reads and erases. */
static enum mpsc_keyring_state
go_round(struct cli_doctor *doctor)
{
    const struct mpsc_configuration *options = options_of(doctor);
    struct mpsc_keyring_query query = {
        .helper = doctor->profile->means.helper,
        .bus = doctor->place.bus,
        .runtime_dir = doctor->place.runtime_dir,
        .endpoint = options->base_url,
        .solution_id = SOLUTION,
        .business_id = BUSINESS,
        .keyring_deadline_ms = options->keyring_deadline_ms,
        .lock_wait_ms = options->keyring_deadline_ms,
        .flight_ms = options->keyring_deadline_ms,
    };
    enum mpsc_keyring_state state = MPSC_KEYRING_NO_MEMORY;
    struct mpsc_record record;
    struct mpsc_epoch epoch;
    struct search search = {.is_found = 0};

    (void)mpsc_epoch_read(doctor->place.runtime_dir, &epoch);
    query.epoch = epoch.number;
    if (make_record(doctor, &record) != 0) {
        goto out;
    }
    search.token = record.token.data;
    state = visit(doctor, &query, &search, &record);
    if (state == MPSC_KEYRING_OK) {
        doctor->keyring.undone = "read";
        state = visit(doctor, &query, &search, NULL);
        doctor->keyring.is_other =
            state == MPSC_KEYRING_OK && !search.is_found;
    }
out:
    mpsc_record_free(&record);
    return state;
}

/* Meets the keyring, unless that is done already; for those checks whose
 * grounds are there. */
static const struct cli_doctor_keyring *
meet(struct cli_doctor *doctor)
{
    struct cli_doctor_keyring *keyring = &doctor->keyring;

    if (keyring->is_met) {
        return keyring;
    }
    keyring->is_met = 1;
    keyring->state = go_round(doctor);
    if (keyring->state == MPSC_KEYRING_OK && !keyring->is_other) {
        keyring->blamed = CLI_DOCTOR_CHECKS;
    } else if (keyring->undone != NULL) {
        keyring->blamed = CLI_DOCTOR_ROUND_TRIP;
    } else {
        keyring->blamed = blame(keyring->state);
    }
    return keyring;
}

/* Whether the helper is there for this user; no more is known before it is
 * run. */
static int
is_helper_there(const struct cli_doctor *doctor)
{
    return faccessat(AT_FDCWD, doctor->profile->means.helper, X_OK,
                     AT_EACCESS) == 0;
}

static int
is_bus_there(const struct cli_doctor *doctor)
{
    return doctor->place.bus != NULL &&
           mpsc_keyring_bus_local(doctor->place.bus) &&
           mpsc_keyring_bus_present(doctor->place.bus);
}

static int
is_dir_there(const struct cli_doctor *doctor)
{
    int dir = mpsc_runtime_dir_open(doctor->place.runtime_dir);

    if (dir >= 0) {
        (void)close(dir);
    }
    return dir >= 0;
}

/* True where `id` failed in the meeting, if one is possible: said then. */
static int
is_blamed(struct cli_doctor *doctor, enum cli_doctor_id id,
          struct cli_doctor_finding *finding)
{
    const struct cli_doctor_keyring *keyring;

    if (!is_helper_there(doctor) || !is_bus_there(doctor) ||
        !is_dir_there(doctor)) {
        return 0;
    }
    keyring = meet(doctor);
    if (keyring->blamed != id) {
        return 0;
    }
    cli_doctor_find(finding, worth(doctor), "%s; %s",
                    mpsc_keyring_text(keyring->state), consequence(doctor));
    cli_doctor_advise(
        finding, "%s%s", mpsc_keyring_advice(keyring->state),
        keyring->state == MPSC_KEYRING_LOCKED ? "; " FOR_A_SERVICE : "");
    return 1;
}

void
cli_doctor_helper(struct cli_doctor *doctor,
                  struct cli_doctor_finding *finding)
{
    const char *helper = doctor->profile->means.helper;

    if (is_off(doctor, finding)) {
        return;
    }
    if (!is_helper_there(doctor)) {
        cli_doctor_find(finding, worth(doctor), "%s can't be run%s: %s; %s",
                        helper, in_root(doctor), strerror(errno),
                        consequence(doctor));
        cli_doctor_advise(finding,
                          doctor->root != NULL
                              ? "nothing, if that is as you want it; else "
                                "install it in the root, with what it needs"
                              : "install mps-credential again");
    } else if (!is_blamed(doctor, CLI_DOCTOR_HELPER, finding)) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s can be run", helper);
    }
}

void
cli_doctor_bus(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const char *bus = doctor->place.bus;

    if (is_off(doctor, finding) ||
        (bus != NULL && is_blamed(doctor, CLI_DOCTOR_BUS, finding))) {
        return;
    }
    if (is_bus_there(doctor)) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s is there", bus);
        return;
    }
    if (bus == NULL) {
        cli_doctor_find(finding, worth(doctor),
                        "no D-Bus bus is known%s: neither "
                        "/run/mps-credential/%u/bus nor a session's; %s",
                        in_root(doctor), (unsigned)geteuid(),
                        consequence(doctor));
    } else {
        cli_doctor_find(finding, worth(doctor), "%s %s%s; %s", bus,
                        mpsc_keyring_bus_local(bus)
                            ? "has no socket"
                            : "is none of unix:, so it isn't used",
                        in_root(doctor), consequence(doctor));
    }
    cli_doctor_advise(finding,
                      "start the user's bus, set keyring_bus to its "
                      "address, or set keyring = off; " FOR_A_SERVICE);
}

void
cli_doctor_keyring(struct cli_doctor *doctor,
                   struct cli_doctor_finding *finding)
{
    if (!is_blamed(doctor, CLI_DOCTOR_KEYRING, finding)) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "the Secret Service answers, and its default "
                        "collection is unlocked");
    }
}

void
cli_doctor_round_trip(struct cli_doctor *doctor,
                      struct cli_doctor_finding *finding)
{
    const struct cli_doctor_keyring *keyring = meet(doctor);

    if (keyring->blamed != CLI_DOCTOR_ROUND_TRIP) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "a made-up token was stored, read and erased");
        return;
    }
    if (keyring->is_other) {
        cli_doctor_find(finding, worth(doctor),
                        "a made-up token is not read as it was stored; %s",
                        consequence(doctor));
        cli_doctor_advise(finding, "see whether another program changes what "
                                   "the Secret Service keeps");
        return;
    }
    cli_doctor_find(finding, worth(doctor),
                    "a made-up token can't be %s: %s; %s",
                    keyring->undone != NULL ? keyring->undone : "read",
                    mpsc_keyring_text(keyring->state), consequence(doctor));
    cli_doctor_advise(finding, "%s", mpsc_keyring_advice(keyring->state));
}
