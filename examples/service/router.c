/* SPDX-License-Identifier: MIT */
/*
 * A system service; router.service is its unit.
 *
 *     cc router.c -o router $(pkg-config --cflags mps-credential)
 *     ./router [-m MODULE] [-s SECONDS] BUSINESS_ID...
 *
 * It acts for each business every SECONDS (60), and ends at SIGTERM. Its own
 * lines and the module's go to standard error, which is the journal.
 */
#include <mps/loader.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct mps_api mps;

/* The number in front is the line's priority, see sd-daemon(3). The module
 * may call this from several threads at once; stdio keeps the lines whole. */
static void
say(void *arg, int priority, const char *line)
{
    (void)arg;
    fprintf(stderr, "<%d>%s\n", priority & LOG_PRIMASK, line);
}

static void
say_error(void)
{
    struct mps_error error = {.size = sizeof(error)};
    unsigned classes;

    mps.error(&error);
    classes = mps.classify(error.code);
    say(NULL, (classes & MPS_CLASS_ALERT) != 0 ? LOG_ERR : LOG_WARNING,
        error.message);
}

/* Where a real router sends what has queued up for the business. What fails
 * stays in the queue: the next round asks again, which costs no request before
 * the error's retry_at. */
static void
act_for(const char *business)
{
    const struct mps_credential *credential;
    char line[128];

    if (mps.get_credential(business, &credential) != MPS_OK) {
        say_error();
        return;
    }
    snprintf(line, sizeof(line), "business %s: token %s", business,
             credential->token_id);
    say(NULL, LOG_INFO, line);
    mps.release_credential(credential);
}

/* True when SIGTERM or SIGINT comes within that time. */
static bool
is_told_to_stop(const sigset_t *stop, time_t seconds)
{
    const struct timespec wait = {seconds, 0};

    return sigtimedwait(stop, NULL, &wait) > 0;
}

/* A round, which a signal ends after the business that it acts for. */
static bool
act_for_all(char **businesses, const sigset_t *stop)
{
    for (; *businesses != NULL; businesses++) {
        if (is_told_to_stop(stop, 0)) {
            return false;
        }
        act_for(*businesses);
    }
    return true;
}

/* 0 where the text is no number of seconds from 1 to a day. */
static long
read_seconds(const char *text)
{
    char *end;
    long seconds = strtol(text, &end, 10);

    return *end == '\0' && seconds >= 1 && seconds <= 86400 ? seconds : 0;
}

int
main(int argc, char **argv)
{
    const char *module = NULL; /* where the administrator has it */
    long pause = 60;
    sigset_t stop;
    int option;

    while ((option = getopt(argc, argv, "m:s:")) != -1) {
        if (option == 'm') {
            module = optarg;
        } else if (option == 's') {
            pause = read_seconds(optarg);
        } else {
            return 2;
        }
    }
    if (pause == 0) {
        say(NULL, LOG_ERR, "-s takes 1 to 86400 seconds");
        return 2;
    }
    /* Taken where it suits, below; the module's thread has them blocked. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    if (mps_load(&mps, module) != 0) {
        say(NULL, LOG_ERR, mps.load_error);
        return 2;
    }
    mps.log_to(say, NULL);
    /* A wrong configuration ends the start, and systemd says so. */
    if (mps.prepare(NULL) != MPS_OK) {
        say_error();
        return 2;
    }
    while (act_for_all(argv + optind, &stop) &&
           !is_told_to_stop(&stop, pause)) {
        continue;
    }
    mps.shutdown(); /* refreshes that are under way end in order */
    return 0;
}
