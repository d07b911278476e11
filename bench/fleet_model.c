/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fleet_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "refresh.h"
#include "retry.h"

#define TICK_MS 1000
#define LIFETIME_MS (FLEET_LIFETIME_MIN * INT64_C(60000))
#define START_MIN 1 /* all machines start within the first minute */

/* A wait of more ticks is looked at again when so many are over. */
#define SLOTS 4096

/* As io.c has them, and the configuration's defaults. */
#define ACTIVE_MAX 64
#define BACKGROUND_MAX 16
#define ATTEMPTS 3
#define DEADLINE_MS 10000

#define LATENCY_MS 100

/* The clocks at the start: no 0, which means "none" to the module. */
#define BOOT_MS INT64_C(1000000)
#define WALL_S INT64_C(1800000000)

#define NOBODY UINT16_MAX

/* What a machine holds of a business. Times in ms since the boot; 0 = none. */
struct token {
    uint32_t received, refresh, not_before;
    uint16_t next; /* in its slot's list */
    uint8_t failures;
    uint8_t missing; /* it has ended without another */
};

struct machine {
    struct mpsc_limits limits;
    uint64_t random;
    char boot_id[MPSC_BOOT_ID_SIZE];
    int probing; /* as in the holdings */
};

struct fleet {
    const struct fleet_plan *plan;
    struct fleet_result *result;
    struct machine *machines;
    struct token *tokens; /* of each machine in a row */
    uint16_t *heads;      /* what is due: by slot, then by machine */
    int64_t tick_ms;
};

struct flight {
    uint16_t business;
    int advisory, probing, allowed, done;
    int app_usage;
    unsigned attempt;
    int64_t begun_ms, now_ms;
    struct mps_error error;
};

/* splitmix64, by Sebastiano Vigna. */
static uint32_t
random_bits(struct machine *machine)
{
    uint64_t z = machine->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static struct mpsc_time
clocks(int64_t now_ms)
{
    return (struct mpsc_time){.wall_s = WALL_S + now_ms / 1000,
                              .boot_ms = now_ms,
                              .mono_ms = now_ms};
}

static int64_t
moment_ms(double minutes)
{
    return BOOT_MS + (int64_t)(minutes * 60000);
}

static int
is_in(const struct fleet_span *span, int64_t now_ms)
{
    return now_ms >= moment_ms(span->from_min) &&
           now_ms < moment_ms(span->to_min);
}

static struct token *
token_of(const struct fleet *fleet, unsigned machine, unsigned business)
{
    return &fleet
                ->tokens[(size_t)machine * fleet->plan->businesses + business];
}

static int64_t
end_of(const struct token *token)
{
    return token->received + LIFETIME_MS;
}

static uint16_t *
head_of(const struct fleet *fleet, unsigned machine, int64_t tick)
{
    return &fleet->heads[(size_t)(tick % SLOTS) * fleet->plan->machines +
                         machine];
}

/* The business's next call that matters is the first one from then on; the
 * next one at the earliest. */
static void
wake(struct fleet *fleet, unsigned machine, uint16_t business, int64_t due_ms)
{
    int64_t now = fleet->tick_ms / TICK_MS;
    int64_t tick = (due_ms + TICK_MS - 1) / TICK_MS;
    uint16_t *head;

    tick = tick > now ? tick : now + 1;
    tick = tick < now + SLOTS ? tick : now + SLOTS - 1;
    head = head_of(fleet, machine, tick);
    token_of(fleet, machine, business)->next = *head;
    *head = business;
}

/* --- a fetch --------------------------------------------------------------
 */

/* As mpsc_standing_allow() in standing.c. */
static int
allow(struct machine *machine, struct flight *flight)
{
    const struct mpsc_time now = clocks(flight->now_ms);
    const struct mpsc_limit *why;
    enum mpsc_limits_verdict verdict;

    if (flight->probing) {
        return 1;
    }
    verdict = mpsc_limits_check(&machine->limits, now.boot_ms, &why);
    if (verdict != MPSC_LIMITS_CLOSED && flight->advisory &&
        !mpsc_limits_allow_advisory(&machine->limits, now.boot_ms)) {
        mpsc_error_set(&flight->error, MPS_E_AGAIN, "not refreshed yet");
        return 0;
    }
    if (verdict == MPSC_LIMITS_PROBE) {
        mpsc_limits_claim(&machine->limits, flight->begun_ms + DEADLINE_MS);
        flight->probing = 1;
        return 1;
    }
    if (verdict == MPSC_LIMITS_OPEN) {
        return 1;
    }
    mpsc_limits_explain(why, &now, &flight->error);
    return 0;
}

/* The endpoint's part. */
static void
ask(const struct fleet *fleet, struct flight *flight)
{
    const struct fleet_plan *plan = fleet->plan;
    int64_t minute = (flight->now_ms - BOOT_MS) / 60000;

    if (minute < fleet->result->minutes) {
        fleet->result->per_minute[minute]++;
    }
    flight->attempt++;
    mpsc_error_clear(&flight->error);
    flight->app_usage = is_in(&plan->usage, flight->now_ms) ? 96 : 10;
    if (is_in(&plan->outage, flight->now_ms)) {
        mpsc_error_set(&flight->error, MPS_E_SERVER, "down");
        flight->error.http_status = 503;
        flight->app_usage = -1;
    } else if (is_in(&plan->limit, flight->now_ms)) {
        mpsc_error_set(&flight->error, MPS_E_RATE_LIMITED, "limited");
        flight->error.http_status = 429;
        flight->error.retry_at =
            WALL_S + (moment_ms(plan->limit.to_min) + 999) / 1000;
    }
    flight->now_ms += LATENCY_MS;
}

/* As limits_rest() in standing.c: a token would change nothing. */
static int
limits_rest(const struct mpsc_limits *limits)
{
    return limits->rate.code == 0 && limits->rate.step == 0 &&
           limits->breaker.code == 0 && limits->failures == 0 &&
           limits->usage_until_ms == 0;
}

/* As report() and settle_unlocked() in flight.c. */
static void
settle(struct fleet *fleet, unsigned number, struct flight *flight)
{
    struct machine *machine = &fleet->machines[number];
    struct token *token = token_of(fleet, number, flight->business);
    const struct mpsc_time now = clocks(flight->now_ms);
    int failed = flight->error.code != MPS_OK;
    int64_t left_ms = end_of(token) - now.boot_ms;
    int64_t due_ms = 0;

    if (flight->allowed &&
        (failed || flight->app_usage >= MPSC_LIMITS_USAGE_PERCENT ||
         !limits_rest(&machine->limits))) {
        mpsc_limits_count(&machine->limits, failed ? &flight->error : NULL,
                          flight->app_usage, &now, random_bits(machine));
    }
    if (!failed) {
        *token = (struct token){
            .received = (uint32_t)now.boot_ms,
            .refresh = (uint32_t)mpsc_refresh_draw(
                now.boot_ms, now.boot_ms + LIFETIME_MS, random_bits(machine)),
        };
        due_ms = token->refresh;
    } else if (flight->error.code != MPS_E_AGAIN && token->received != 0 &&
               left_ms > 0) {
        if (token->failures < UINT8_MAX) {
            token->failures++;
        }
        due_ms = now.boot_ms + mpsc_refresh_backoff(token->failures, left_ms,
                                                    random_bits(machine));
        token->not_before = (uint32_t)due_ms;
    }
    wake(fleet, number, flight->business, due_ms);
}

/* As answered() in fetch.c: whether it is tried again, after its pause. */
static int
tries_again(struct machine *machine, struct flight *flight)
{
    int delay = -1;

    if (flight->allowed && flight->error.code != MPS_OK) {
        delay = mpsc_retry_delay(
            &flight->error, flight->attempt, ATTEMPTS, random_bits(machine),
            clocks(flight->now_ms).wall_s,
            flight->begun_ms + DEADLINE_MS - flight->now_ms);
    }
    flight->now_ms += delay > 0 ? delay : 0;
    return delay >= 0;
}

/* All of them at once: each asks before any hears. */
static void
fly(struct fleet *fleet, unsigned number, struct flight *flights,
    unsigned count)
{
    struct machine *machine = &fleet->machines[number];
    unsigned left = count;

    while (left > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (!flights[i].done) {
                flights[i].allowed = allow(machine, &flights[i]);
                if (flights[i].allowed) {
                    ask(fleet, &flights[i]);
                }
            }
        }
        for (unsigned i = 0; i < count; i++) {
            if (!flights[i].done && !tries_again(machine, &flights[i])) {
                flights[i].done = 1;
                left--;
                settle(fleet, number, &flights[i]);
            }
        }
    }
}

/* --- a call ---------------------------------------------------------------
 */

/* It has ended: could another one have been had? */
static void
count_loss(const struct fleet *fleet, struct token *token)
{
    const struct fleet_plan *plan = fleet->plan;
    int64_t ms = (token->refresh + TICK_MS - 1) / TICK_MS * INT64_C(1000);
    int could = 0;

    for (; ms < end_of(token) && !could; ms += TICK_MS) {
        could = !is_in(&plan->outage, ms) && !is_in(&plan->limit, ms);
    }
    token->missing = 1;
    fleet->result->lost += could;
    fleet->result->unavoidable += !could;
}

/* As may_refresh_unlocked() in get.c. */
static int
may_refresh(struct machine *machine, unsigned business, struct token *token,
            int64_t now_ms)
{
    const struct mpsc_refresh_token held = {token->received, token->refresh,
                                            end_of(token)};
    int64_t from_ms = mpsc_limits_advisory_from(&machine->limits, now_ms);
    char token_id[MPSC_DIGEST_HEX_SIZE];

    if (from_ms <= now_ms) {
        return 1;
    }
    snprintf(token_id, sizeof(token_id), "%u.%" PRIu32, business,
             token->received);
    token->not_before = (uint32_t)mpsc_refresh_put_off(
        token_id, machine->boot_id, &held, from_ms);
    return 0;
}

/* As go_unlocked() in get.c: whether the endpoint is asked; or else from when
 * on it may be. */
static int
may_fetch(struct machine *machine, int64_t now_ms, int64_t *due_ms)
{
    const struct mpsc_limit *why;

    switch (mpsc_limits_check(&machine->limits, now_ms, &why)) {
    case MPSC_LIMITS_OPEN:
        return 1;
    case MPSC_LIMITS_PROBE:
        if (!machine->probing) {
            machine->probing = 1;
            return 1;
        }
        break;
    case MPSC_LIMITS_CLOSED:
        *due_ms = why->until_ms;
        break;
    }
    return 0;
}

/* As serve_unlocked() in get.c: 1 where the call leads to a fetch; else it
 * wakes when that may change. */
static int
call(struct fleet *fleet, unsigned number, uint16_t business, int64_t now_ms,
     struct flight *flight)
{
    static const struct mpsc_lifetime_wish nothing;
    struct machine *machine = &fleet->machines[number];
    struct token *token = token_of(fleet, number, business);
    const struct mpsc_refresh_token held = {token->received, token->refresh,
                                            end_of(token)};
    enum mpsc_refresh_action action = MPSC_REFRESH_FETCH;
    int64_t due_ms = 0;
    int goes = 0;

    if (token->received != 0) {
        action =
            mpsc_refresh_decide(&held, &nothing, token->not_before, now_ms);
    }
    if (action == MPSC_REFRESH_FETCH && token->received != 0 &&
        !token->missing) {
        count_loss(fleet, token);
    }
    if (action == MPSC_REFRESH_SERVE_AND_START) {
        goes = may_refresh(machine, business, token, now_ms);
    } else if (action != MPSC_REFRESH_SERVE) {
        goes = may_fetch(machine, now_ms, &due_ms);
    }
    if (goes) {
        *flight = (struct flight){
            .business = business,
            .advisory = action == MPSC_REFRESH_SERVE_AND_START,
            .begun_ms = now_ms,
            .now_ms = now_ms,
        };
        return 1;
    }
    if (action == MPSC_REFRESH_SERVE ||
        action == MPSC_REFRESH_SERVE_AND_START) {
        due_ms = mpsc_refresh_served_until(&held, token->not_before, 0);
    } else if (action == MPSC_REFRESH_FETCH_ELSE_SERVE &&
               due_ms > held.end_ms) {
        due_ms = held.end_ms;
    }
    wake(fleet, number, business, due_ms);
    return 0;
}

/* A machine's calls of one second that matter. */
static void
run_machine(struct fleet *fleet, unsigned number)
{
    uint16_t *head = head_of(fleet, number, fleet->tick_ms / TICK_MS);
    struct flight flights[ACTIVE_MAX];
    int64_t now_ms = fleet->tick_ms;
    uint16_t business = *head;

    *head = NOBODY;
    while (business != NOBODY) {
        unsigned most = BACKGROUND_MAX;
        unsigned count = 0;

        fleet->machines[number].probing = 0;
        while (business != NOBODY && count < most) {
            uint16_t next = token_of(fleet, number, business)->next;

            if (now_ms >= fleet->tick_ms + TICK_MS) {
                wake(fleet, number, business, 0);
            } else if (call(fleet, number, business, now_ms,
                            &flights[count])) {
                most = flights[count].advisory ? most : ACTIVE_MAX;
                count++;
            }
            business = next;
        }
        fly(fleet, number, flights, count);
        now_ms += LATENCY_MS;
    }
}

/* --- the whole ------------------------------------------------------------
 */

static int
make(struct fleet *fleet)
{
    const struct fleet_plan *plan = fleet->plan;
    size_t heads = (size_t)SLOTS * plan->machines;

    fleet->result->per_minute =
        calloc(fleet->result->minutes, sizeof(fleet->result->per_minute[0]));
    fleet->machines = calloc(plan->machines, sizeof(fleet->machines[0]));
    fleet->tokens = calloc((size_t)plan->machines * plan->businesses,
                           sizeof(fleet->tokens[0]));
    fleet->heads = malloc(heads * sizeof(fleet->heads[0]));
    if (fleet->result->per_minute == NULL || fleet->machines == NULL ||
        fleet->tokens == NULL || fleet->heads == NULL) {
        return -1;
    }
    for (size_t i = 0; i < heads; i++) {
        fleet->heads[i] = NOBODY;
    }
    for (unsigned i = 0; i < plan->machines; i++) {
        struct machine *machine = &fleet->machines[i];
        int64_t start_ms;

        machine->random = ((uint64_t)plan->seed << 32) + i;
        snprintf(machine->boot_id, sizeof(machine->boot_id), "%u.%" PRIu32, i,
                 plan->seed);
        start_ms = BOOT_MS + random_bits(machine) % (START_MIN * 60000);
        for (unsigned j = 0; j < plan->businesses; j++) {
            wake(fleet, i, (uint16_t)j, start_ms);
        }
    }
    return 0;
}

static void
add_up(struct fleet_result *result)
{
    unsigned first = 2 * FLEET_LIFETIME_MIN;
    int64_t sum = 0;

    for (unsigned i = 0; i < result->minutes; i++) {
        result->requests += result->per_minute[i];
        if (i < first) {
            continue;
        }
        sum += result->per_minute[i];
        if ((double)result->per_minute[i] > result->peak) {
            result->peak = (double)result->per_minute[i];
            result->peak_minute = i;
        }
    }
    result->mean = (double)sum / (result->minutes - first);
}

int
fleet_run(const struct fleet_plan *plan, struct fleet_result *result)
{
    struct fleet fleet = {
        .plan = plan, .result = result, .tick_ms = BOOT_MS - TICK_MS};
    int64_t end_ms = BOOT_MS + plan->lifetimes * LIFETIME_MS;
    int made;

    memset(result, 0, sizeof(*result));
    result->minutes = plan->lifetimes * FLEET_LIFETIME_MIN;
    made = make(&fleet);
    if (made == 0) {
        for (fleet.tick_ms = BOOT_MS; fleet.tick_ms < end_ms;
             fleet.tick_ms += TICK_MS) {
            for (unsigned i = 0; i < plan->machines; i++) {
                if (*head_of(&fleet, i, fleet.tick_ms / TICK_MS) != NOBODY) {
                    run_machine(&fleet, i);
                }
            }
        }
        add_up(result);
    }
    free(fleet.machines);
    free(fleet.tokens);
    free(fleet.heads);
    return made;
}
