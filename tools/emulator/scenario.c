/* SPDX-License-Identifier: MIT */
/* Scenario files. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scenario.h"

#include <inttypes.h>
#include <libeconf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

#define GROUP "business "

/* The id in "business 123" or "123"; NULL when there is none. */
static const char *
group_id(const char *group)
{
    const char *id = group;

    if (strncmp(id, GROUP, sizeof GROUP - 1) == 0) {
        id += sizeof GROUP - 1;
        id += strspn(id, " \t");
    }
    return emu_is_digits(id) ? id : NULL;
}

/* Sets the key if the group (NULL: none) has it. */
static int
set_key(econf_file *file, const char *group, const char *key,
        struct emu_endpoint *endpoint, struct emu_error *error)
{
    char *value = NULL;
    econf_err code = econf_getStringValue(file, group, key, &value);
    struct emu_pair pair = {key, ""};
    int result;

    if (code == ECONF_NOKEY) {
        return 0;
    }
    if (code != ECONF_SUCCESS) {
        return emu_fail(error, "%s: %s", key, econf_errString(code));
    }
    if (value) {
        pair.value = value;
    }
    result = emu_endpoint_set(endpoint, group ? group_id(group) : NULL, &pair,
                              1, error);
    if (value) {
        explicit_bzero(value, strlen(value));
    }
    free(value);
    return result;
}

static bool
is_key(const char *name)
{
    for (size_t i = 0; emu_settings_name(i); i++) {
        if (strcmp(emu_settings_name(i), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Refuses keys that do not exist. */
static int
check_keys(econf_file *file, const char *group, struct emu_endpoint *endpoint,
           struct emu_error *error)
{
    char **keys = NULL;
    size_t count = 0;
    econf_err code = econf_getKeys(file, group, &count, &keys);
    int result = 0;

    if (code == ECONF_NOKEY) {
        return 0;
    }
    if (code != ECONF_SUCCESS) {
        return emu_fail(error, "%s", econf_errString(code));
    }
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (!is_key(keys[i])) {
            result = set_key(file, group, keys[i], endpoint, error);
        }
    }
    econf_freeArray(keys);
    return result;
}

/* Asks for each key there is instead of setting those that are listed:
 * libeconf 0.5.1 leaves a key out of a group's list when the last key before
 * the group has the same name. */
static int
set_keys(econf_file *file, const char *group, struct emu_endpoint *endpoint,
         struct emu_error *error)
{
    if (check_keys(file, group, endpoint, error)) {
        return -1;
    }
    for (size_t i = 0; emu_settings_name(i); i++) {
        if (set_key(file, group, emu_settings_name(i), endpoint, error)) {
            return -1;
        }
    }
    return 0;
}

static int
set_group(econf_file *file, const char *group, struct emu_endpoint *endpoint,
          struct emu_error *error)
{
    char where[64];

    (void)snprintf(where, sizeof where, "[%.50s]", group);
    if (!group_id(group)) {
        (void)emu_fail(error, "no business; write [business DIGITS]");
        return emu_fail_at(error, where);
    }
    /* A group without keys lists its business all the same. */
    if (emu_endpoint_set(endpoint, group_id(group), NULL, 0, error) ||
        set_keys(file, group, endpoint, error)) {
        return emu_fail_at(error, where);
    }
    return 0;
}

static int
set_groups(econf_file *file, struct emu_endpoint *endpoint,
           struct emu_error *error)
{
    char **groups = NULL;
    size_t count = 0;
    econf_err code = econf_getGroups(file, &count, &groups);
    int result = 0;

    if (code == ECONF_NOGROUP) {
        return 0;
    }
    if (code != ECONF_SUCCESS) {
        return emu_fail(error, "%s", econf_errString(code));
    }
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = set_group(file, groups[i], endpoint, error);
    }
    econf_freeArray(groups);
    return result;
}

static int
syntax_error(econf_err code, struct emu_error *error)
{
    char *name = NULL;
    uint64_t line = 0;

    econf_errLocation(&name, &line);
    free(name);
    if (code == ECONF_NOFILE || line == 0) {
        return emu_fail(error, "cannot read it: %s", econf_errString(code));
    }
    return emu_fail(error, "line %" PRIu64 ": %s", line,
                    econf_errString(code));
}

int
emu_scenario_read(const char *path, struct emu_endpoint *endpoint,
                  struct emu_error *error)
{
    econf_file *file = NULL;
    econf_err code = econf_readFile(&file, path, "=", "#");
    int result;

    if (code != ECONF_SUCCESS) {
        (void)syntax_error(code, error);
        return emu_fail_at(error, path);
    }
    result = set_keys(file, NULL, endpoint, error);
    if (result == 0) {
        result = set_groups(file, endpoint, error);
    }
    econf_freeFile(file);
    return result ? emu_fail_at(error, path) : 0;
}
