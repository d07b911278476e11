/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "counts.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime_dir.h"
#include "secret_json.h"
#include "utc.h"

/* All failures, with room to spare. */
#define FILE_MAX 8192

/* The file is an object with an array of objects. */
#define DEPTH 4

/* Far more per cent than any application uses of its limit. */
#define USAGE_MAX 100000

static void
drop_failure(struct mpsc_counts *counts, size_t which)
{
    counts->failure_count--;
    memmove(&counts->failures[which], &counts->failures[which + 1],
            (counts->failure_count - which) * sizeof(counts->failures[0]));
}

static void
apply(struct mpsc_counts *counts, const struct mpsc_outcome *outcome)
{
    int code = outcome->code;

    if (code < 0 || code >= MPSC_COUNTS_CODES) {
        return;
    }
    counts->ended[code] += counts->ended[code] < INT64_MAX;
    if (outcome->app_usage >= 0) {
        counts->app_usage =
            outcome->app_usage < USAGE_MAX ? outcome->app_usage : USAGE_MAX;
        counts->app_usage_s = outcome->at_s;
    }
    for (size_t i = 0; i < counts->failure_count; i++) {
        if (strcmp(counts->failures[i].business_id, outcome->business_id) ==
            0) {
            drop_failure(counts, i);
            break;
        }
    }
    if (code == MPS_OK) {
        counts->success_s = outcome->at_s;
    }
    /* A purge that came in between is nothing of the business's. */
    if (code == MPS_OK || code == MPS_E_AGAIN) {
        return;
    }
    if (counts->failure_count == MPSC_COUNTS_FAILURES) {
        drop_failure(counts, 0);
    }
    counts->failures[counts->failure_count++] = *outcome;
}

void
mpsc_counts_apply(struct mpsc_counts *counts,
                  const struct mpsc_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        apply(counts, &outcomes[i]);
    }
}

/* --- to JSON ---------------------------------------------------------------
 */

static int
add_number(struct json_object *object, const char *name, int64_t number)
{
    return mpsc_secret_json_add(object, name, json_object_new_int64(number));
}

static struct json_object *
failure_to_json(const struct mpsc_outcome *failure)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL &&
        (mpsc_secret_json_add(json, "business",
                              json_object_new_string(failure->business_id)) ||
         add_number(json, "code", failure->code) != 0 ||
         add_number(json, "at", failure->at_s) != 0)) {
        json_object_put(json);
        json = NULL;
    }
    return json;
}

static int
fill(struct json_object *json, const struct mpsc_counts *counts)
{
    struct json_object *ended = json_object_new_array();
    struct json_object *failures;

    if (mpsc_secret_json_add(json, "ended", ended) != 0) {
        return -1;
    }
    for (size_t i = 0; i < MPSC_COUNTS_CODES; i++) {
        if (mpsc_secret_json_append(
                ended, json_object_new_int64(counts->ended[i])) != 0) {
            return -1;
        }
    }
    failures = json_object_new_array();
    if (mpsc_secret_json_add(json, "failures", failures) != 0) {
        return -1;
    }
    for (size_t i = 0; i < counts->failure_count; i++) {
        if (mpsc_secret_json_append(
                failures, failure_to_json(&counts->failures[i])) != 0) {
            return -1;
        }
    }
    return add_number(json, "success", counts->success_s) != 0 ||
                   add_number(json, "app_usage", counts->app_usage) != 0 ||
                   add_number(json, "app_usage_at", counts->app_usage_s) != 0
               ? -1
               : 0;
}

/* --- from JSON, which anybody may have written ------------------------------
 */

/* 0, or -1 where it is no number from 0 to `most`. */
static int
take_number(struct json_object *json, int64_t most, int64_t *number)
{
    if (!json_object_is_type(json, json_type_int)) {
        return -1;
    }
    *number = json_object_get_int64(json);
    return *number >= 0 && *number <= most ? 0 : -1;
}

static int
get_number(struct json_object *object, const char *name, int64_t most,
           int64_t *number)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value)
               ? take_number(value, most, number)
               : -1;
}

static int
get_failure(struct json_object *json, struct mpsc_outcome *failure)
{
    struct json_object *business;
    const char *id;
    int64_t code;

    if (!json_object_object_get_ex(json, "business", &business) ||
        !json_object_is_type(business, json_type_string) ||
        get_number(json, "code", MPSC_COUNTS_CODES - 1, &code) != 0 ||
        get_number(json, "at", MPSC_UTC_MAX, &failure->at_s) != 0) {
        return -1;
    }
    id = json_object_get_string(business);
    if (strlen(id) > MPS_BUSINESS_ID_MAX ||
        id[strspn(id, "0123456789")] != '\0') {
        return -1;
    }
    memcpy(failure->business_id, id, strlen(id) + 1);
    failure->code = (int)code;
    failure->app_usage = -1;
    return 0;
}

static int
get_array(struct json_object *json, const char *name, size_t most,
          struct json_object **array)
{
    return json_object_object_get_ex(json, name, array) &&
                   json_object_is_type(*array, json_type_array) &&
                   json_object_array_length(*array) <= most
               ? 0
               : -1;
}

static int
read_tree(struct json_object *json, struct mpsc_counts *counts)
{
    struct json_object *array;
    int64_t usage;

    if (get_array(json, "ended", MPSC_COUNTS_CODES, &array) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (take_number(json_object_array_get_idx(array, i), INT64_MAX,
                        &counts->ended[i]) != 0) {
            return -1;
        }
    }
    if (get_array(json, "failures", MPSC_COUNTS_FAILURES, &array) != 0) {
        return -1;
    }
    counts->failure_count = json_object_array_length(array);
    for (size_t i = 0; i < counts->failure_count; i++) {
        if (get_failure(json_object_array_get_idx(array, i),
                        &counts->failures[i]) != 0) {
            return -1;
        }
    }
    if (get_number(json, "success", MPSC_UTC_MAX, &counts->success_s) != 0 ||
        get_number(json, "app_usage", USAGE_MAX, &usage) != 0) {
        return -1;
    }
    counts->app_usage = (int)usage;
    return get_number(json, "app_usage_at", MPSC_UTC_MAX,
                      &counts->app_usage_s);
}

int
mpsc_counts_from_json(const char *bytes, size_t len,
                      struct mpsc_counts *counts)
{
    struct json_object *json = NULL;
    int result = -1;

    memset(counts, 0, sizeof(*counts));
    if (mpsc_secret_json_parse(bytes, len, DEPTH, &json) == 0) {
        result = read_tree(json, counts);
        json_object_put(json);
    }
    if (result != 0) {
        memset(counts, 0, sizeof(*counts));
    }
    return result;
}

/* --- the file --------------------------------------------------------------
 */

static int
name_file(const char *endpoint, const char *solution_id,
          char name[MPSC_RUNTIME_NAME_SIZE])
{
    char *subject;
    int result;

    if (asprintf(&subject, "%s\n%s\n", endpoint, solution_id) < 0) {
        return -1;
    }
    result = mpsc_runtime_name("counts", subject, "", name);
    free(subject);
    return result;
}

static void
load(int dir, const char *name, struct mpsc_counts *counts)
{
    char bytes[FILE_MAX];
    ssize_t len = mpsc_runtime_read(dir, name, bytes, sizeof(bytes));

    (void)mpsc_counts_from_json(bytes, len > 0 ? (size_t)len : 0, counts);
}

static int
store(int dir, const char *name, const struct mpsc_counts *counts)
{
    struct json_object *json = json_object_new_object();
    const char *text = NULL;
    int result = -1;
    size_t len;

    if (json != NULL && fill(json, counts) == 0) {
        text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN,
                                                 &len);
    }
    if (text != NULL) {
        result = mpsc_runtime_replace(dir, name, text, len);
    }
    json_object_put(json);
    return result;
}

/* Without the lock the file is left alone: an older one would replace it. */
static int
change(int dir, const char *name, const struct mpsc_outcome *outcomes,
       size_t count)
{
    int lock = mpsc_runtime_lock(dir, MPSC_RUNTIME_LOCK_MS);
    struct mpsc_counts counts;
    int result;

    if (lock < 0) {
        return -1;
    }
    load(dir, name, &counts);
    mpsc_counts_apply(&counts, outcomes, count);
    result = store(dir, name, &counts);
    mpsc_runtime_unlock(lock);
    return result;
}

void
mpsc_counts_read(const char *runtime_dir, const char *endpoint,
                 const char *solution_id, struct mpsc_counts *counts)
{
    char name[MPSC_RUNTIME_NAME_SIZE];
    int saved = errno;
    int dir = mpsc_runtime_dir_open(runtime_dir);

    memset(counts, 0, sizeof(*counts));
    if (dir >= 0) {
        if (name_file(endpoint, solution_id, name) == 0) {
            load(dir, name, counts);
        }
        close(dir);
    }
    errno = saved;
}

int
mpsc_counts_add(const char *runtime_dir, const char *endpoint,
                const char *solution_id, const struct mpsc_outcome *outcomes,
                size_t count)
{
    char name[MPSC_RUNTIME_NAME_SIZE];
    int saved = errno;
    int dir = mpsc_runtime_dir_open(runtime_dir);
    int result = -1;

    if (dir >= 0) {
        if (name_file(endpoint, solution_id, name) == 0) {
            result = change(dir, name, outcomes, count);
        }
        close(dir);
    }
    errno = saved;
    return result;
}
