/* SPDX-License-Identifier: MIT */
/* The emulated endpoint: its settings, its businesses, its answers. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "endpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Without memory an addition fails instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "fault_body.h"
#include "stats.h"
#include "token.h"

#define DEFAULT_SOLUTION "1234567890123456"

/* What the usage headers of the fault 429 say where nothing else is set. */
#define LIMITED_USAGE 100
#define LIMITED_RETRY_AFTER "60"
#define LIMITED_REGAIN_MINUTES 1

/* The settings of one group, as they are and as they were at start. */
struct layer {
    struct emu_settings now;
    struct emu_settings kept;
    int64_t used; /* requests that fault, status or body was applied to */
};

struct business {
    char *id;
    struct layer layer;
    bool listed;
    bool kept_listed;
    char *token; /* of rotation = same */
    int64_t token_ends;
    UT_hash_handle hh;
};

struct emu_endpoint {
    pthread_mutex_t lock;
    struct layer layer;
    struct business *businesses;
    struct emu_stats *stats;
};

struct emu_endpoint *
emu_endpoint_new(void)
{
    struct emu_endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (!endpoint) {
        return NULL;
    }
    endpoint->stats = emu_stats_new();
    if (!endpoint->stats || pthread_mutex_init(&endpoint->lock, NULL)) {
        emu_stats_free(endpoint->stats);
        free(endpoint);
        return NULL;
    }
    return endpoint;
}

static void
drop_token(struct business *business)
{
    if (business->token) {
        explicit_bzero(business->token, strlen(business->token));
    }
    free(business->token);
    business->token = NULL;
}

static void
free_business(struct business *business)
{
    drop_token(business);
    emu_settings_clear(&business->layer.now);
    emu_settings_clear(&business->layer.kept);
    free(business->id);
    free(business);
}

/* uthash's macros count as code of ours; and the analyzer can't follow that
 * the table goes with its last item. */
/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc) */

void
emu_endpoint_free(struct emu_endpoint *endpoint)
{
    struct business *business;
    struct business *next;

    if (!endpoint) {
        return;
    }
    HASH_ITER (hh, endpoint->businesses, business, next) {
        HASH_DEL(endpoint->businesses, business);
        free_business(business);
    }
    emu_settings_clear(&endpoint->layer.now);
    emu_settings_clear(&endpoint->layer.kept);
    emu_stats_free(endpoint->stats);
    (void)pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, here and below
 */
static struct business *
find_business(struct emu_endpoint *endpoint, const char *id)
{
    struct business *business = NULL;

    HASH_FIND_STR(endpoint->businesses, id, business);
    return business;
}

/* Finds the business of that id, or adds one that is not listed. */
static struct business *
need_business(struct emu_endpoint *endpoint, const char *id)
{
    struct business *business = find_business(endpoint, id);

    if (business) {
        return business;
    }
    business = calloc(1, sizeof *business);
    if (!business) {
        return NULL;
    }
    business->id = strdup(id);
    if (!business->id) {
        free(business);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, endpoint->businesses, business->id,
                    strlen(business->id), business);
    if (!business->hh.tbl) {
        free_business(business);
        return NULL;
    }
    return business;
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

static int
set_layer(struct layer *layer, enum emu_scope scope,
          const struct emu_pair *pairs, size_t count, struct emu_error *error)
{
    struct emu_settings changed;

    if (emu_settings_copy(&changed, &layer->now)) {
        return emu_fail(error, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (emu_settings_set(&changed, scope, pairs[i].key, pairs[i].value,
                             error)) {
            emu_settings_clear(&changed);
            return -1;
        }
    }
    emu_settings_clear(&layer->now);
    layer->now = changed;
    layer->used = 0;
    return 0;
}

int
emu_endpoint_set(struct emu_endpoint *endpoint, const char *business_id,
                 const struct emu_pair *pairs, size_t count,
                 struct emu_error *error)
{
    struct business *business;
    int result = -1;

    (void)pthread_mutex_lock(&endpoint->lock);
    if (!business_id) {
        result = set_layer(&endpoint->layer, EMU_SCOPE_ENDPOINT, pairs, count,
                           error);
        goto out;
    }
    business = need_business(endpoint, business_id);
    if (!business) {
        (void)emu_fail(error, "out of memory");
        goto out;
    }
    result =
        set_layer(&business->layer, EMU_SCOPE_BUSINESS, pairs, count, error);
    if (result == 0) {
        business->listed = true;
    }
out:
    (void)pthread_mutex_unlock(&endpoint->lock);
    return result;
}

bool
emu_endpoint_has_token(struct emu_endpoint *endpoint)
{
    bool has;

    (void)pthread_mutex_lock(&endpoint->lock);
    has = endpoint->layer.now.value[EMU_PARTNER_TOKEN].set;
    (void)pthread_mutex_unlock(&endpoint->lock);
    return has;
}

void
emu_endpoint_solution(struct emu_endpoint *endpoint,
                      char to[EMU_SOLUTION_SIZE])
{
    const char *set;

    (void)pthread_mutex_lock(&endpoint->lock);
    set = endpoint->layer.now.value[EMU_SOLUTION_ID].text;
    (void)snprintf(to, EMU_SOLUTION_SIZE, "%s", set ? set : DEFAULT_SOLUTION);
    (void)pthread_mutex_unlock(&endpoint->lock);
}

static int
replace(struct emu_settings *to, const struct emu_settings *from)
{
    struct emu_settings copy;

    if (emu_settings_copy(&copy, from)) {
        return -1;
    }
    emu_settings_clear(to);
    *to = copy;
    return 0;
}

int
emu_endpoint_keep(struct emu_endpoint *endpoint)
{
    struct business *business;
    struct business *next;
    int result;

    (void)pthread_mutex_lock(&endpoint->lock);
    result = replace(&endpoint->layer.kept, &endpoint->layer.now);
    HASH_ITER (hh, endpoint->businesses, business, next) {
        business->kept_listed = business->listed;
        if (replace(&business->layer.kept, &business->layer.now)) {
            result = -1;
        }
    }
    (void)pthread_mutex_unlock(&endpoint->lock);
    return result;
}

static int
undo_layer(struct layer *layer)
{
    layer->used = 0;
    return replace(&layer->now, &layer->kept);
}

static int
undo_business(struct business *business)
{
    business->listed = business->kept_listed;
    drop_token(business);
    return undo_layer(&business->layer);
}

int
emu_endpoint_undo(struct emu_endpoint *endpoint, const char *business_id)
{
    struct business *business;
    int result = 0;

    (void)pthread_mutex_lock(&endpoint->lock);
    if (!business_id) {
        result = undo_layer(&endpoint->layer);
    } else {
        business = find_business(endpoint, business_id);
        if (business) {
            result = undo_business(business);
        }
    }
    (void)pthread_mutex_unlock(&endpoint->lock);
    return result;
}

int
emu_endpoint_reset(struct emu_endpoint *endpoint)
{
    struct business *business;
    struct business *next;
    int result;

    (void)pthread_mutex_lock(&endpoint->lock);
    result = undo_layer(&endpoint->layer);
    HASH_ITER (hh, endpoint->businesses, business, next)
        if (undo_business(business)) {
            result = -1;
        }
    if (emu_stats_reset(endpoint->stats)) {
        result = -1;
    }
    (void)pthread_mutex_unlock(&endpoint->lock);
    return result;
}

/* Whether the layer makes its answers other than a token, and still does. */
static bool
misbehaves(const struct layer *layer)
{
    const struct emu_value *value = layer->now.value;

    if (!value[EMU_FAULT].set && !value[EMU_STATUS].set &&
        !value[EMU_BODY].set) {
        return false;
    }
    return !value[EMU_FAULT_COUNT].set ||
           layer->used < value[EMU_FAULT_COUNT].number;
}

/* The values that apply to one answer, whoever set them. */
struct choice {
    const struct emu_settings *business; /* NULL: not known */
    const struct emu_settings *endpoint;
    const struct emu_settings *misbehaviour; /* NULL: there is none */
};

static const struct emu_value *
get(const struct choice *choice, enum emu_key key)
{
    return emu_settings_get(choice->business, choice->endpoint, key);
}

/* Gives the token to hand out; a new one is made where that is due.  It stays
 * the business's. */
static const char *
issue(struct emu_endpoint *endpoint, struct business *business,
      const struct choice *choice, int64_t now)
{
    bool same = get(choice, EMU_ROTATION)->number == EMU_ROTATION_SAME;

    if (same && business->token && business->token_ends > now) {
        return business->token;
    }
    drop_token(business);
    business->token =
        emu_token_new((size_t)get(choice, EMU_TOKEN_LENGTH)->number);
    business->token_ends = now + get(choice, EMU_LIFETIME_S)->number;
    emu_stats_issued(endpoint->stats);
    return business->token;
}

/* Retry-After and the two usage headers, where they are to be had. */
static int
usage_headers(struct emu_answer *answer, const struct choice *choice,
              const char *business_id)
{
    bool limited = answer->fault == EMU_FAULT_429;
    const struct emu_value *usage = get(choice, EMU_APP_USAGE);
    const struct emu_value *regain = get(choice, EMU_REGAIN_MINUTES);
    const struct emu_value *after = get(choice, EMU_RETRY_AFTER);
    const char *retry = limited ? LIMITED_RETRY_AFTER : NULL;
    int64_t calls = limited && !usage->set ? LIMITED_USAGE : usage->number;
    int64_t minutes =
        limited && !regain->set ? LIMITED_REGAIN_MINUTES : regain->number;

    if (after->set) {
        retry = strcmp(after->text, "absent") == 0 ? NULL : after->text;
    }
    if (retry && emu_answer_header(answer, "Retry-After", "%s", retry)) {
        return -1;
    }
    if (calls != EMU_ABSENT &&
        emu_answer_header(answer, "X-App-Usage",
                          "{\"call_count\":%lld,\"total_time\":25,"
                          "\"total_cputime\":25}",
                          (long long)calls)) {
        return -1;
    }
    if (minutes == EMU_ABSENT) {
        return 0;
    }
    return emu_answer_header(
        answer, "X-Business-Use-Case-Usage",
        "{\"%.40s\":[{\"type\":\"whatsapp\",\"call_count\":%lld,"
        "\"total_cputime\":25,\"total_time\":25,"
        "\"estimated_time_to_regain_access\":%lld}]}",
        business_id, (long long)(calls == EMU_ABSENT ? 0 : calls),
        (long long)minutes);
}

static int
literal_body(struct emu_answer *answer, const struct emu_value *value)
{
    char *body = malloc(value->size + 1);

    if (body) {
        memcpy(body, value->text, value->size + 1);
    }
    return emu_answer_body(answer, body, value->size);
}

/* Status and body, before a fault is put into them. */
static int
basic_answer(struct emu_answer *answer, const struct choice *choice,
             const struct emu_grant *grant)
{
    const struct emu_settings *special = choice->misbehaviour;
    unsigned status = 200;
    int result;

    if (special && special->value[EMU_STATUS].set) {
        status = (unsigned)special->value[EMU_STATUS].number;
    }
    if (status == 200) {
        result = emu_answer_token(answer, grant);
    } else {
        result =
            emu_answer_error(answer, emu_graph_error_of_status(status), NULL);
    }
    answer->status = status;
    if (result == 0 && special && special->value[EMU_BODY].set) {
        result = literal_body(answer, &special->value[EMU_BODY]);
    }
    return result;
}

static void
choose(struct emu_endpoint *endpoint, struct business *business,
       struct choice *choice)
{
    struct layer *layer = NULL;

    choice->business = &business->layer.now;
    if (misbehaves(&business->layer)) {
        layer = &business->layer;
    } else if (misbehaves(&endpoint->layer)) {
        layer = &endpoint->layer;
    }
    if (layer) {
        layer->used++;
        choice->misbehaviour = &layer->now;
    }
}

static int
answer_business(struct emu_endpoint *endpoint,
                const struct emu_request *request, int64_t now,
                struct emu_answer *answer)
{
    struct choice choice = {.endpoint = &endpoint->layer.now};
    struct business *business = need_business(endpoint, request->business_id);
    struct emu_grant grant = {0};
    const struct emu_fault_context context = {&grant, request->path,
                                              request->business_id, now};

    if (!business) {
        return -1;
    }
    if (!business->listed &&
        get(&choice, EMU_UNKNOWN_BUSINESS)->number == EMU_UNKNOWN_404) {
        return emu_answer_error(answer, emu_graph_error_of_status(404), NULL);
    }
    choose(endpoint, business, &choice);
    if (choice.misbehaviour) {
        const struct emu_value *fault = &choice.misbehaviour->value[EMU_FAULT];
        answer->fault = (enum emu_fault)fault->number;
        answer->parameter = fault->parameter;
    }
    answer->latency_ms = get(&choice, EMU_LATENCY_MS)->number;
    answer->drip_ms = get(&choice, EMU_DRIP_MS)->number;
    grant.token = issue(endpoint, business, &choice, now);
    if (!grant.token) {
        return -1;
    }
    grant.shape = (enum emu_shape)get(&choice, EMU_SHAPE)->number;
    grant.expires_at = business->token_ends;
    grant.expires_as = get(&choice, EMU_EXPIRES_AT)->text;
    if (usage_headers(answer, &choice, request->business_id) ||
        basic_answer(answer, &choice, &grant)) {
        return -1;
    }
    return emu_fault_body(answer, &context);
}

/* Whoever followed a redirect gets a token that works nowhere. */
static int
answer_followed(struct emu_endpoint *endpoint, int64_t now,
                struct emu_answer *answer)
{
    char *token = emu_token_new(200);
    const struct emu_grant grant = {.token = token, .expires_at = now + 3600};
    int result = token ? emu_answer_token(answer, &grant) : -1;

    free(token);
    emu_stats_followed(endpoint->stats);
    return result;
}

static int
refuse(const struct emu_request *request, enum emu_verdict verdict,
       struct emu_answer *answer)
{
    const struct emu_graph_error *error = emu_graph_error_of(verdict);
    const char *method = request->method;

    if (verdict == EMU_BAD_PATH) {
        return emu_answer_error(answer, error, request->path);
    }
    if (verdict != EMU_BAD_METHOD) {
        return emu_answer_error(answer, error, NULL);
    }
    if (emu_answer_error(answer, error, method)) {
        return -1;
    }
    /* The Graph API knows POST and DELETE, though not here. */
    if (strcmp(method, "POST") == 0 || strcmp(method, "DELETE") == 0) {
        return 0;
    }
    answer->status = 405;
    return emu_answer_header(answer, "Allow", "GET");
}

static int
answer_locked(struct emu_endpoint *endpoint, const struct emu_request *request,
              struct emu_answer *answer)
{
    const struct emu_settings *settings = &endpoint->layer.now;
    const char *solution = settings->value[EMU_SOLUTION_ID].text;
    const struct emu_demand demand = {
        .solution_id = solution ? solution : DEFAULT_SOLUTION,
        .partner_token = settings->value[EMU_PARTNER_TOKEN].text,
        .app_secret = settings->value[EMU_APP_SECRET].text,
        .now = (int64_t)time(NULL),
    };
    enum emu_verdict verdict = emu_request_check(request, &demand);

    if (emu_answer_graph_headers(answer, emu_request_version(request->path),
                                 demand.now)) {
        return -1;
    }
    if (verdict == EMU_GOOD) {
        return answer_business(endpoint, request, demand.now, answer);
    }
    if (verdict == EMU_FOLLOWED) {
        return answer_followed(endpoint, demand.now, answer);
    }
    return refuse(request, verdict, answer);
}

int
emu_endpoint_answer(struct emu_endpoint *endpoint,
                    const struct emu_request *request,
                    struct emu_answer *answer)
{
    int result;

    (void)pthread_mutex_lock(&endpoint->lock);
    result = answer_locked(endpoint, request, answer);
    if (result == 0) {
        result = emu_stats_request(endpoint->stats, request, answer);
    }
    (void)pthread_mutex_unlock(&endpoint->lock);
    return result;
}

char *
emu_endpoint_stats(struct emu_endpoint *endpoint)
{
    char *text;

    (void)pthread_mutex_lock(&endpoint->lock);
    text = emu_stats_json(endpoint->stats);
    (void)pthread_mutex_unlock(&endpoint->lock);
    return text;
}

void
emu_endpoint_connection(struct emu_endpoint *endpoint, bool opened)
{
    (void)pthread_mutex_lock(&endpoint->lock);
    emu_stats_connection(endpoint->stats, opened);
    (void)pthread_mutex_unlock(&endpoint->lock);
}
