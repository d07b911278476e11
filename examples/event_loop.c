/* SPDX-License-Identifier: MIT */
/*
 * A host with an event loop, here libevent's, which must never wait for
 * anything but its events.
 *
 *     cc event_loop.c -o event_loop \
 *         $(pkg-config --cflags --libs mps-credential libevent_core)
 *     ./event_loop [-m MODULE] BUSINESS_ID...
 *
 * MPS_NO_WAIT answers from memory, or with MPS_E_AGAIN while a fetch is under
 * way. When one has ended credential_event_fd() is readable: the loop asks
 * again for what it still wants. What failed it asks for after retry_at.
 */
#include <event2/event.h>
#include <mps/loader.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* One business that work waits for. */
struct job {
    const char *business;
    struct event *timer; /* of this job's next try */
    int is_done;
    int is_failed;
};

static struct {
    struct mps_api mps;
    struct event_base *base;
    struct event *fetched; /* of the module's descriptor */
    struct job *jobs;
    int count;
} host;

static void
end(struct job *job, int is_failed)
{
    job->is_done = 1;
    job->is_failed = is_failed;
    for (int i = 0; i < host.count; i++) {
        if (!host.jobs[i].is_done) {
            return;
        }
    }
    event_base_loopbreak(host.base); /* a server would go on */
}

/* For what may pass: at retry_at, or in a second where that isn't known. */
static void
try_later(struct job *job, const struct mps_error *error)
{
    struct timeval pause = {1, 0};
    time_t now = time(NULL);

    if (error->retry_at > now) {
        pause.tv_sec = (time_t)(error->retry_at - now);
    }
    fprintf(stderr, "%s: %s; again in %ld s\n", job->business, error->message,
            (long)pause.tv_sec);
    if (event_add(job->timer, &pause) != 0) {
        end(job, 1);
    }
}

static void
try_job(struct job *job)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = job->business,
                                        .flags = MPS_NO_WAIT,
                                        .error = &error};
    const struct mps_credential *credential;
    int code = host.mps.get_credential_with(&request, &credential);

    if (code == MPS_OK) {
        printf("%s: token %s\n", job->business, credential->token_id);
        host.mps.release_credential(credential);
        end(job, 0);
    } else if ((host.mps.classify(code) & MPS_CLASS_RETRY) == 0) {
        fprintf(stderr, "%s: %s\n", job->business, error.message);
        end(job, 1);
    } else if (code != MPS_E_AGAIN) { /* after that on_fetched() comes */
        try_later(job, &error);
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *job)
{
    (void)fd;
    (void)what;
    try_job(job);
}

/* Some fetch has ended: which one, the answers tell. */
static void
on_fetched(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what;
    (void)arg;
    /* First, so that no end between is missed. */
    (void)!read(fd, &count, sizeof(count));
    for (int i = 0; i < host.count; i++) {
        struct job *job = &host.jobs[i];

        if (!job->is_done && !evtimer_pending(job->timer, NULL)) {
            try_job(job);
        }
    }
}

/* The first try of each business is the loop's, as all others. */
static bool
begin(char **businesses, int count)
{
    const struct timeval at_once = {0, 0};
    int fd = host.mps.event_fd();

    host.base = event_base_new();
    host.jobs = calloc((size_t)count + 1, sizeof(*host.jobs));
    if (host.base == NULL || host.jobs == NULL || fd < 0) {
        return false;
    }
    host.count = count;
    host.fetched =
        event_new(host.base, fd, EV_READ | EV_PERSIST, on_fetched, NULL);
    if (host.fetched == NULL || event_add(host.fetched, NULL) != 0) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        struct job *job = &host.jobs[i];

        job->business = businesses[i];
        job->timer = evtimer_new(host.base, on_timer, job);
        if (job->timer == NULL || event_add(job->timer, &at_once) != 0) {
            return false;
        }
    }
    return true;
}

/* Before the module closes the descriptor. */
static void
clean_up(void)
{
    for (int i = 0; i < host.count; i++) {
        if (host.jobs[i].timer != NULL) {
            event_free(host.jobs[i].timer);
        }
    }
    if (host.fetched != NULL) {
        event_free(host.fetched);
    }
    free(host.jobs);
    if (host.base != NULL) {
        event_base_free(host.base);
    }
}

static int
run(char **businesses, int count)
{
    int failures = 0;

    if (!begin(businesses, count)) {
        fputs("the events can't be set up\n", stderr);
        clean_up();
        return 2;
    }
    event_base_dispatch(host.base);
    for (int i = 0; i < host.count; i++) {
        failures += !host.jobs[i].is_done || host.jobs[i].is_failed;
    }
    clean_up();
    return failures != 0;
}

int
main(int argc, char **argv)
{
    const char *module = NULL; /* where the administrator has it */
    struct mps_error error = {.size = sizeof(error)};
    int status;
    int option;

    while ((option = getopt(argc, argv, "m:")) != -1) {
        if (option != 'm') {
            return 2;
        }
        module = optarg;
    }
    if (optind == argc || mps_load(&host.mps, module) != 0) {
        fprintf(stderr, "%s\n",
                optind == argc ? "a business ID?" : host.mps.load_error);
        return 2;
    }
    /* The configuration's files are read now, not in the loop. */
    if (host.mps.prepare(NULL) != MPS_OK) {
        host.mps.error(&error);
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    status = run(argv + optind, argc - optind);
    host.mps.shutdown();
    libevent_global_shutdown();
    return status;
}
