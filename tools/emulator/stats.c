/* SPDX-License-Identifier: MIT */
/* What the endpoint was asked and what it answered, in numbers. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "stats.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The counters are kept as the JSON object that /__stats gives. */
struct emu_stats {
    struct json_object *root;
    int64_t open;
};

static struct json_object *
child(struct json_object *object, const char *key,
      struct json_object *make(void))
{
    struct json_object *found = NULL;

    if (json_object_object_get_ex(object, key, &found)) {
        return found;
    }
    found = make();
    if (found && json_object_object_add(object, key, found)) {
        json_object_put(found);
        found = NULL;
    }
    return found;
}

static struct json_object *
new_zero(void)
{
    return json_object_new_int64(0);
}

static int
count(struct json_object *object, const char *key)
{
    struct json_object *number = object ? child(object, key, new_zero) : NULL;

    return number && json_object_int_inc(number, 1) == 1 ? 0 : -1;
}

static struct json_object *
new_root(void)
{
    static const char *const numbers[] = {
        "requests",    "tokens_issued",   "redirect_followed",
        "connections", "appsecret_proof", "appsecret_time"};
    static const char *const objects[] = {"by_status", "faults", "businesses"};
    struct json_object *root = json_object_new_object();
    bool good = root != NULL;

    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        good = child(root, numbers[i], new_zero) != NULL;
    }
    for (size_t i = 0; good && i < sizeof objects / sizeof objects[0]; i++) {
        good = child(root, objects[i], json_object_new_object) != NULL;
    }
    if (good) {
        return root;
    }
    json_object_put(root);
    return NULL;
}

struct emu_stats *
emu_stats_new(void)
{
    struct emu_stats *stats = calloc(1, sizeof *stats);

    if (!stats) {
        return NULL;
    }
    stats->root = new_root();
    if (!stats->root) {
        free(stats);
        return NULL;
    }
    return stats;
}

void
emu_stats_free(struct emu_stats *stats)
{
    if (!stats) {
        return;
    }
    json_object_put(stats->root);
    free(stats);
}

int
emu_stats_reset(struct emu_stats *stats)
{
    struct json_object *root = new_root();

    if (!root) {
        return -1;
    }
    json_object_put(stats->root);
    stats->root = root;
    return 0;
}

bool
emu_stats_is_silent(enum emu_fault fault)
{
    return fault == EMU_FAULT_RESET || fault == EMU_FAULT_STALL;
}

static int
count_answer(struct json_object *object, const struct emu_answer *answer)
{
    char status[16] = "none";

    if (!emu_stats_is_silent(answer->fault)) {
        (void)snprintf(status, sizeof status, "%u", answer->status);
    }
    if (count(object, "requests") ||
        count(child(object, "by_status", json_object_new_object), status)) {
        return -1;
    }
    if (answer->fault == EMU_FAULT_NONE) {
        return 0;
    }
    return count(child(object, "faults", json_object_new_object),
                 emu_fault_name(answer->fault));
}

int
emu_stats_request(struct emu_stats *stats, const struct emu_request *request,
                  const struct emu_answer *answer)
{
    struct json_object *agent =
        request->user_agent ? json_object_new_string(request->user_agent)
                            : NULL;
    struct json_object *businesses;
    struct json_object *business;

    if (json_object_object_add(stats->root, "user_agent", agent)) {
        json_object_put(agent);
        return -1;
    }
    if (request->proof && count(stats->root, "appsecret_proof")) {
        return -1;
    }
    if (request->proof_time && count(stats->root, "appsecret_time")) {
        return -1;
    }
    if (count_answer(stats->root, answer)) {
        return -1;
    }
    if (request->business_ids != 1 || !emu_is_digits(request->business_id)) {
        return 0;
    }
    businesses = child(stats->root, "businesses", json_object_new_object);
    business = businesses ? child(businesses, request->business_id,
                                  json_object_new_object)
                          : NULL;
    return business ? count_answer(business, answer) : -1;
}

void
emu_stats_issued(struct emu_stats *stats)
{
    (void)count(stats->root, "tokens_issued");
}

void
emu_stats_followed(struct emu_stats *stats)
{
    (void)count(stats->root, "redirect_followed");
}

void
emu_stats_connection(struct emu_stats *stats, bool opened)
{
    stats->open += opened ? 1 : -1;
    if (opened) {
        (void)count(stats->root, "connections");
    }
}

char *
emu_stats_json(struct emu_stats *stats)
{
    struct json_object *open = json_object_new_int64(stats->open);
    const char *text;

    if (!open ||
        json_object_object_add(stats->root, "connections_open", open)) {
        json_object_put(open);
        return NULL;
    }
    text = json_object_to_json_string_ext(stats->root, JSON_C_TO_STRING_PLAIN);
    return text ? strdup(text) : NULL;
}
