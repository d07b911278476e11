/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "standing.h"

#include <string.h>

#include "error.h"
#include "random.h"

void
mpsc_standing_digest(struct mpsc_hub *hub, const struct mpsc_profile *profile,
                     const struct mpsc_holdings *holdings,
                     char digest[MPSC_DIGEST_HEX_SIZE])
{
    struct mps_error ignored;

    digest[0] = '\0';
    if (mpsc_profile_partner_digest(profile, digest, &ignored) != MPS_OK) {
        pthread_mutex_lock(&hub->lock);
        memcpy(digest, holdings->partner_digest, MPSC_DIGEST_HEX_SIZE);
        pthread_mutex_unlock(&hub->lock);
    }
}

static void
keep_view(const struct mpsc_standing *standing,
          const struct mpsc_shared *shared)
{
    struct mpsc_holdings *holdings = standing->holdings;

    pthread_mutex_lock(&standing->hub->lock);
    mpsc_holdings_see(holdings, standing->partner_digest, shared);
    pthread_mutex_unlock(&standing->hub->lock);
}

/* --- may we ask? --------------------------------------------------------- */

struct claim {
    const struct mpsc_time *now;
    int64_t until_ms;
    int claimed;
};

static void
claim_probe(struct mpsc_shared *shared, void *arg)
{
    struct claim *claim = arg;
    const struct mpsc_limit *why;

    /* Another process may have been faster. */
    claim->claimed = mpsc_limits_check(&shared->limits, claim->now->boot_ms,
                                       &why) == MPSC_LIMITS_PROBE;
    if (claim->claimed) {
        mpsc_limits_claim(&shared->limits, claim->until_ms);
    }
}

static int
refuse(const struct mpsc_limit *why, const struct mpsc_time *now,
       struct mps_error *error)
{
    mpsc_limits_explain(why, now, error);
    return -1;
}

int
mpsc_standing_allow(const struct mpsc_standing *standing, int advisory,
                    int64_t until_ms, int *probing, struct mps_error *error)
{
    const struct mpsc_limit *why = NULL;
    struct mpsc_shared shared;
    struct mpsc_time now;
    struct claim claim = {.now = &now, .until_ms = until_ms};
    enum mpsc_limits_verdict verdict;

    mpsc_state_look(standing->holdings->state, standing->runtime_dir,
                    standing->partner_digest, &shared);
    keep_view(standing, &shared);
    if (*probing) {
        return 0;
    }
    standing->hub->clock(&now);
    verdict = mpsc_limits_check(&shared.limits, now.boot_ms, &why);
    if (verdict != MPSC_LIMITS_CLOSED && advisory &&
        !mpsc_limits_allow_advisory(&shared.limits, now.boot_ms)) {
        mpsc_error_set(error, MPS_E_AGAIN,
                       "not refreshed yet: the app's rate limit is almost "
                       "used up");
        return -1;
    }
    if (verdict == MPSC_LIMITS_PROBE) {
        mpsc_state_change(standing->holdings->state, standing->runtime_dir,
                          standing->partner_digest, claim_probe, &claim,
                          &shared);
        keep_view(standing, &shared);
        *probing = claim.claimed;
        if (claim.claimed) {
            return 0;
        }
        verdict = mpsc_limits_check(&shared.limits, now.boot_ms, &why);
    }
    return verdict == MPSC_LIMITS_OPEN ? 0 : refuse(why, &now, error);
}

/* --- what a result means ---------------------------------------------------
 */

/* The most troubles that one result can begin or end. */
#define LINES_MAX MPSC_TROUBLE_COUNT

struct change {
    const struct mpsc_standing_result *result;
    struct mpsc_time now;
    uint32_t random;
    const char *keyring;              /* of mpsc_standing_keyring() */
    struct mpsc_trouble_view carried; /* see holdings.h; zeroed = nothing */
    struct mpsc_trouble_line lines[LINES_MAX];
    unsigned count;
};

/* The troubles of the token before go on, until they are ended. */
static void
carry(const struct change *change, struct mpsc_shared *shared)
{
    const struct mpsc_trouble_view *from = &change->carried;
    struct mpsc_trouble_view *to = &shared->trouble;

    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        if (from->since_s[i] != 0 && to->since_s[i] == 0) {
            to->since_s[i] = from->since_s[i];
            to->last_line_s[i] = from->last_line_s[i];
            to->repeats[i] = from->repeats[i];
            to->earliest_expiry_s = from->earliest_expiry_s;
        }
    }
}

static void
begin(struct change *change, struct mpsc_shared *shared,
      enum mpsc_trouble trouble, int64_t expires_at)
{
    change->count +=
        mpsc_trouble_begin(&shared->trouble, trouble, change->now.wall_s,
                           expires_at, &change->lines[change->count]) != 0;
}

static void
end(struct change *change, struct mpsc_shared *shared,
    enum mpsc_trouble trouble)
{
    change->count +=
        mpsc_trouble_end(&shared->trouble, trouble, change->now.wall_s,
                         &change->lines[change->count]) != 0;
}

/* A word on one business, which the caller is told, is no trouble. */
static int
concerns_all(int code)
{
    return code != MPS_E_AGAIN && code != MPS_E_BAD_REQUEST &&
           (mpsc_error_class(code) & MPS_CLASS_BUSINESS) == 0;
}

/* For all businesses: what is remembered doesn't name the one. */
static void
count(struct change *change, struct mpsc_shared *shared)
{
    const struct mpsc_standing_result *result = change->result;
    struct mps_error bare;

    if (result->error != NULL) {
        bare = *result->error;
        mpsc_error_message(&bare, "%s", result->what);
    }
    mpsc_limits_count(&shared->limits, result->error != NULL ? &bare : NULL,
                      result->app_usage, &change->now, change->random);
}

static void
apply_result(struct mpsc_shared *shared, void *arg)
{
    struct change *change = arg;
    const struct mpsc_standing_result *result = change->result;
    int code = result->error != NULL ? result->error->code : MPS_OK;

    carry(change, shared);
    if (result->counts) {
        count(change, shared);
    }
    if (code == MPS_OK) {
        end(change, shared, MPSC_TROUBLE_AUTH_FAILED);
        end(change, shared, MPSC_TROUBLE_EXPIRED);
        end(change, shared, MPSC_TROUBLE_REFRESH_FAILING);
        end(change, shared, MPSC_TROUBLE_RATE_LIMITED);
        return;
    }
    if (code == MPS_E_AUTH) {
        begin(change, shared, MPSC_TROUBLE_AUTH_FAILED, 0);
    } else if (code == MPS_E_RATE_LIMITED) {
        begin(change, shared, MPSC_TROUBLE_RATE_LIMITED, 0);
    }
    if (concerns_all(code)) {
        begin(change, shared,
              result->expires_at != 0 ? MPSC_TROUBLE_REFRESH_FAILING
                                      : MPSC_TROUBLE_EXPIRED,
              result->expires_at);
    }
}

static void
apply_keyring(struct mpsc_shared *shared, void *arg)
{
    struct change *change = arg;

    carry(change, shared);
    if (change->keyring != NULL) {
        begin(change, shared, MPSC_TROUBLE_KEYRING_DEGRADED, 0);
    } else {
        end(change, shared, MPSC_TROUBLE_KEYRING_DEGRADED);
    }
}

static void
tell(const struct mpsc_standing *standing, const struct change *change,
     const char *message)
{
    char text[MPSC_TROUBLE_LINE_SIZE];

    for (unsigned i = 0; i < change->count; i++) {
        int priority = mpsc_trouble_priority(&change->lines[i]);

        if (mpsc_profile_logs(standing->profile, priority)) {
            mpsc_trouble_format(&change->lines[i], message, text);
            mpsc_log_line(&standing->hub->log, priority, "%s", text);
        }
    }
}

static void
make_change(const struct mpsc_standing *standing, struct change *change,
            mpsc_state_change_fn *apply, const char *message)
{
    struct mpsc_shared shared;

    pthread_mutex_lock(&standing->hub->lock);
    if (standing->holdings->carries) {
        change->carried = standing->holdings->carried;
        standing->holdings->carries = 0;
    }
    pthread_mutex_unlock(&standing->hub->lock);
    standing->hub->clock(&change->now);
    change->random = mpsc_random_bits();
    mpsc_state_change(standing->holdings->state, standing->runtime_dir,
                      standing->partner_digest, apply, change, &shared);
    keep_view(standing, &shared);
    tell(standing, change, message);
}

static int
limits_rest(const struct mpsc_limits *limits)
{
    return limits->rate.code == 0 && limits->rate.step == 0 &&
           limits->auth.code == 0 && limits->breaker.code == 0 &&
           limits->failures == 0 && limits->usage_until_ms == 0;
}

/* True where all is well and has been: a token would change nothing. */
static int
is_well(const struct mpsc_standing *standing)
{
    const struct mpsc_shared *shared = &standing->holdings->shared;
    int well;

    pthread_mutex_lock(&standing->hub->lock);
    well = limits_rest(&shared->limits) && !standing->holdings->carries;
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        well = well && (i == MPSC_TROUBLE_KEYRING_DEGRADED ||
                        shared->trouble.since_s[i] == 0);
    }
    pthread_mutex_unlock(&standing->hub->lock);
    return well;
}

void
mpsc_standing_result(const struct mpsc_standing *standing,
                     const struct mpsc_standing_result *result)
{
    struct change change = {.result = result};

    /* The common case costs no write. */
    if (result->error == NULL &&
        result->app_usage < MPSC_LIMITS_USAGE_PERCENT && is_well(standing)) {
        return;
    }
    make_change(standing, &change, apply_result,
                result->error != NULL ? result->error->message : "");
}

int
mpsc_standing_keyring_is_news(struct mpsc_hub *hub,
                              const struct mpsc_holdings *holdings,
                              enum mpsc_keyring_state state)
{
    int degraded;

    pthread_mutex_lock(&hub->lock);
    degraded =
        holdings->shared.trouble.since_s[MPSC_TROUBLE_KEYRING_DEGRADED] != 0;
    pthread_mutex_unlock(&hub->lock);
    return state != MPSC_KEYRING_OK || degraded;
}

void
mpsc_standing_keyring(const struct mpsc_standing *standing,
                      const char *message)
{
    struct change change = {.keyring = message};

    if (message != NULL ||
        mpsc_standing_keyring_is_news(standing->hub, standing->holdings,
                                      MPSC_KEYRING_OK)) {
        make_change(standing, &change, apply_keyring, message);
    }
}

/* --- counts ----------------------------------------------------------------
 */

#define COUNT_MS 1000

void
mpsc_standing_ask(const struct mpsc_standing *standing)
{
    pthread_mutex_lock(&standing->hub->lock);
    standing->holdings->asking++;
    pthread_mutex_unlock(&standing->hub->lock);
}

/* Called with the lock. Where there is no room the oldest goes. */
static void
note_outcome_unlocked(struct mpsc_holdings *holdings, const char *business_id,
                      int code, int app_usage, const struct mpsc_time *now)
{
    struct mpsc_outcome *outcomes = holdings->outcomes;
    struct mpsc_outcome *outcome;

    if (holdings->outcome_count == 0) {
        holdings->outcomes_since_ms = now->mono_ms;
    }
    if (holdings->outcome_count == MPSC_HOLDINGS_OUTCOMES) {
        holdings->outcome_count--;
        memmove(outcomes, outcomes + 1,
                holdings->outcome_count * sizeof(outcomes[0]));
    }
    outcome = &outcomes[holdings->outcome_count++];
    memset(outcome, 0, sizeof(*outcome));
    strncpy(outcome->business_id, business_id,
            sizeof(outcome->business_id) - 1);
    outcome->code = code;
    outcome->app_usage = app_usage;
    outcome->at_s = now->wall_s;
}

/* Called with the lock: puts back, before those that have come since, the
 * latest that there is room for. They are tried again a while later. */
static void
keep_outcomes_unlocked(struct mpsc_holdings *holdings,
                       const struct mpsc_outcome *outcomes, size_t count,
                       const struct mpsc_time *now)
{
    size_t room = MPSC_HOLDINGS_OUTCOMES - holdings->outcome_count;
    size_t kept = count < room ? count : room;

    memmove(holdings->outcomes + kept, holdings->outcomes,
            holdings->outcome_count * sizeof(outcomes[0]));
    memcpy(holdings->outcomes, outcomes + (count - kept),
           kept * sizeof(outcomes[0]));
    holdings->outcome_count += kept;
    holdings->outcomes_since_ms = now->mono_ms;
}

void
mpsc_standing_count(const struct mpsc_standing *standing,
                    const char *business_id, int code, int app_usage)
{
    const struct mpsc_configuration *options =
        standing->profile->configuration;
    struct mpsc_holdings *holdings = standing->holdings;
    struct mpsc_outcome outcomes[MPSC_HOLDINGS_OUTCOMES];
    struct mpsc_time now;
    size_t count = 0;
    int was_full;

    standing->hub->clock(&now);
    pthread_mutex_lock(&standing->hub->lock);
    holdings->asking--;
    was_full = holdings->outcome_count == MPSC_HOLDINGS_OUTCOMES;
    if (code != MPSC_STANDING_NO_OUTCOME) {
        note_outcome_unlocked(holdings, business_id, code, app_usage, &now);
    }
    if (holdings->asking == 0 ||
        (holdings->outcome_count == MPSC_HOLDINGS_OUTCOMES && !was_full) ||
        now.mono_ms - holdings->outcomes_since_ms >= COUNT_MS) {
        count = holdings->outcome_count;
        memcpy(outcomes, holdings->outcomes, count * sizeof(outcomes[0]));
        holdings->outcome_count = 0;
    }
    pthread_mutex_unlock(&standing->hub->lock);
    if (count > 0 &&
        mpsc_counts_add(standing->runtime_dir, options->base_url,
                        options->solution_id, outcomes, count) != 0) {
        pthread_mutex_lock(&standing->hub->lock);
        keep_outcomes_unlocked(holdings, outcomes, count, &now);
        pthread_mutex_unlock(&standing->hub->lock);
    }
}
