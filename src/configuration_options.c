/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "configuration_options.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "error.h"
#include "redact.h"
#include "utc.h"

struct choice {
    const char *name;
    int value;
};

struct mpsc_configuration_option {
    const char *name;
    /* Checks and stores a value; MPS_E_CONFIG where it isn't allowed. */
    int (*set)(const struct mpsc_configuration_option *option,
               const char *value, struct mpsc_configuration *to);
    size_t offset;
    /* Strings: whether the value is of the option's form. */
    int (*is_valid)(const char *value);
    unsigned least, most;         /* numbers */
    const struct choice *choices; /* names; the last has no name */
    const char *fallback;         /* the default; NULL = none */
    const char *allowed;          /* for people */
    int is_private; /* the value is not shown: it may be the secret itself */
};

/* What of a wrong value goes into a message. */
#define SHOWN_SIZE 61

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What values may be; the table below has a text on each for people. */

static int
is_digits(const char *value)
{
    size_t len = strspn(value, DIGITS);

    return len > 0 && len <= MPS_BUSINESS_ID_MAX && value[len] == '\0';
}

static int
is_version(const char *value)
{
    size_t major;
    size_t minor;

    if (value[0] != 'v') {
        return 0;
    }
    major = strspn(value + 1, DIGITS);
    if (major == 0 || value[1 + major] != '.') {
        return 0;
    }
    minor = strspn(value + 1 + major + 1, DIGITS);
    return minor > 0 && value[1 + major + 1 + minor] == '\0';
}

static int
is_graphic(const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value <= ' ' || *value > '~') {
            return 0;
        }
    }
    return 1;
}

/* ":port" and no more, or nothing. */
static int
is_port_or_end(const char *text)
{
    size_t len;
    unsigned long port;

    if (*text == '\0') {
        return 1;
    }
    if (*text != ':') {
        return 0;
    }
    len = strspn(text + 1, DIGITS);
    port = strtoul(text + 1, NULL, 10);
    return len >= 1 && len <= 5 && port >= 1 && port <= 65535 &&
           text[1 + len] == '\0';
}

/* host[:port], where host is a name, an IPv4 address or an IPv6 address in
 * brackets. */
static int
is_host_port(const char *text, size_t len)
{
    char host[300];
    size_t name;

    if (len == 0 || len >= sizeof(host)) {
        return 0;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    if (host[0] == '[') {
        name = strspn(host + 1, DIGITS "abcdefABCDEF:.");
        return name >= 2 && host[1 + name] == ']' &&
               is_port_or_end(host + 1 + name + 1);
    }
    name = strspn(host, LETTERS DIGITS "-._");
    return name > 0 && is_port_or_end(host + name);
}

static int
is_base_url(const char *value)
{
    static const char scheme[] = "https://";
    const char *host = value + sizeof(scheme) - 1;

    return is_graphic(value) &&
           strncmp(value, scheme, sizeof(scheme) - 1) == 0 &&
           strpbrk(value, "?#@\\\"<>^`{|}") == NULL &&
           is_host_port(host, strcspn(host, "/"));
}

static int
is_proxy(const char *value)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://",
                                          "socks5h://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i]);

        if (strncmp(value, schemes[i], len) == 0) {
            size_t end = strcspn(value + len, "/");

            return is_host_port(value + len, end) &&
                   (value[len + end] == '\0' || value[len + end + 1] == '\0');
        }
    }
    return 0;
}

static int
is_path(const char *value)
{
    return value[0] == '/' && value[1] != '\0';
}

static int
is_credential(const char *value)
{
    size_t len = strlen(value);

    /* systemd's own rule is that of a file name. */
    return len <= 255 && value[0] != '.' && is_graphic(value) &&
           strchr(value, '/') == NULL;
}

static int
is_bus_address(const char *value)
{
    /* One address of a socket and no list: other transports would start a
     * bus (autolaunch:) or a program (unixexec:). */
    return is_graphic(value) && strncmp(value, "unix:", 5) == 0 &&
           strchr(value, '=') != NULL && strchr(value, ';') == NULL;
}

static int
set_string(const struct mpsc_configuration_option *option, const char *value,
           struct mpsc_configuration *to)
{
    char **member = (char **)(void *)((char *)to + option->offset);
    char *copy;
    size_t len = strlen(value);

    if (!option->is_valid(value)) {
        return MPS_E_CONFIG;
    }
    if (option->is_valid == is_base_url) {
        while (value[len - 1] == '/') {
            len--;
        }
    }
    copy = strndup(value, len);
    if (copy == NULL) {
        return MPS_E_NO_MEMORY;
    }
    free(*member);
    *member = copy;
    return MPS_OK;
}

static int
set_number(const struct mpsc_configuration_option *option, const char *value,
           struct mpsc_configuration *to)
{
    unsigned *member = (unsigned *)(void *)((char *)to + option->offset);
    size_t len = strspn(value, DIGITS);
    unsigned long number;

    /* No range needs more than 9 digits, so none overflows. */
    if (len == 0 || len > 9 || value[len] != '\0') {
        return MPS_E_CONFIG;
    }
    number = strtoul(value, NULL, 10);
    if (number < option->least || number > option->most) {
        return MPS_E_CONFIG;
    }
    *member = (unsigned)number;
    return MPS_OK;
}

static int
find_choice(const struct mpsc_configuration_option *option, const char *value,
            int *found)
{
    const struct choice *choice = option->choices;

    for (; choice->name != NULL; choice++) {
        if (strcmp(choice->name, value) == 0) {
            *found = choice->value;
            return MPS_OK;
        }
    }
    return MPS_E_CONFIG;
}

static int
set_keyring(const struct mpsc_configuration_option *option, const char *value,
            struct mpsc_configuration *to)
{
    int found = (int)to->keyring;
    int code = find_choice(option, value, &found);

    to->keyring = (enum mpsc_keyring_use)found;
    return code;
}

static int
set_audit(const struct mpsc_configuration_option *option, const char *value,
          struct mpsc_configuration *to)
{
    int found = (int)to->audit;
    int code = find_choice(option, value, &found);

    to->audit = (enum mpsc_audit)found;
    return code;
}

static int
set_log(const struct mpsc_configuration_option *option, const char *value,
        struct mpsc_configuration *to)
{
    int found = (int)to->log;
    int code = find_choice(option, value, &found);

    to->log = (enum mpsc_log_target)found;
    return code;
}

static int
set_int(const struct mpsc_configuration_option *option, const char *value,
        struct mpsc_configuration *to)
{
    return find_choice(option, value,
                       (int *)(void *)((char *)to + option->offset));
}

/* YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ. */
static int
set_time(const struct mpsc_configuration_option *option, const char *value,
         struct mpsc_configuration *to)
{
    static const char form[] = "____-__-__T__:__:__Z";
    size_t len = strlen(value);
    struct mpsc_utc utc = {0, 0, 0, 0, 0, 0};
    int64_t time;

    if (len != 10 && len != sizeof(form) - 1) {
        return MPS_E_CONFIG;
    }
    for (size_t i = 0; i < len; i++) {
        if (form[i] != '_' && form[i] != value[i]) {
            return MPS_E_CONFIG;
        }
    }
    utc.year = mpsc_utc_digits(value, 4);
    utc.month = mpsc_utc_digits(value + 5, 2);
    utc.day = mpsc_utc_digits(value + 8, 2);
    if (len > 10) {
        utc.hour = mpsc_utc_digits(value + 11, 2);
        utc.minute = mpsc_utc_digits(value + 14, 2);
        utc.second = mpsc_utc_digits(value + 17, 2);
    }
    time = mpsc_utc_seconds(&utc);
    if (time < 0) {
        return MPS_E_CONFIG;
    }
    memcpy((char *)to + option->offset, &time, sizeof(time));
    return MPS_OK;
}

static const struct choice audits[] = {{"fetch", MPSC_AUDIT_FETCH},
                                       {"use", MPSC_AUDIT_USE},
                                       {"off", MPSC_AUDIT_OFF},
                                       {NULL, 0}};

static const struct choice keyrings[] = {{"preferred", MPSC_KEYRING_PREFERRED},
                                         {"required", MPSC_KEYRING_REQUIRED},
                                         {"off", MPSC_KEYRING_OFF},
                                         {NULL, 0}};

static const struct choice logs[] = {
    {"syslog", MPSC_LOG_SYSLOG}, {"off", MPSC_LOG_OFF}, {NULL, 0}};

static const struct choice levels[] = {
    {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
    {"info", LOG_INFO}, {"debug", LOG_DEBUG},     {NULL, 0}};

static const struct choice switches[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};

/* The rows' forms. `allowed` completes "..., expected ". */

#define MEMBER(name) #name, .offset = offsetof(struct mpsc_configuration, name)

#define STRING(name, check, value, text)                                      \
    {                                                                         \
        MEMBER(name), .set = set_string, .is_valid = check,                   \
                      .fallback = value, .allowed = text                      \
    }

#define PRIVATE(name, check, text)                                            \
    {                                                                         \
        MEMBER(name), .set = set_string, .is_valid = check, .allowed = text,  \
                      .is_private = 1                                         \
    }

#define NUMBER(name, low, high, value)                                        \
    {                                                                         \
        MEMBER(name), .set = set_number, .least = low, .most = high,          \
                      .fallback = #value,                                     \
                      .allowed = "a whole number from " #low " to " #high     \
    }

#define CHOICE(name, function, list, value, text)                             \
    {                                                                         \
        MEMBER(name), .set = function, .choices = list, .fallback = value,    \
                      .allowed = text                                         \
    }

#define SECRET_FILE "an absolute path of a file that holds the secret"
#define SECRET_NAME "the name of a systemd credential, without a slash"

/* Sorted by name: bsearch(3). A new option is a row here, a member of struct
 * mpsc_configuration and a paragraph in mps-credential.conf(5). */
static const struct mpsc_configuration_option options[] = {
    STRING(api_version, is_version, "v25.0", "a version such as v25.0"),
    PRIVATE(app_secret_credential, is_credential, SECRET_NAME),
    PRIVATE(app_secret_file, is_path, SECRET_FILE),
    NUMBER(assume_lifetime_s, 60, 31536000, 3600),
    NUMBER(attempts, 1, 10, 3),
    CHOICE(audit, set_audit, audits, "fetch", "fetch, use or off"),
    STRING(base_url, is_base_url, "https://graph.facebook.com",
           "https://HOST[:PORT][/PATH] without user, query and fragment"),
    STRING(ca_file, is_path, NULL, "an absolute path"),
    NUMBER(connect_timeout_ms, 50, 600000, 3000),
    NUMBER(deadline_ms, 100, 600000, 10000),
    {MEMBER(distrust_before), .set = set_time,
     .allowed = "a UTC time such as 2026-01-31T12:00:00Z or 2026-01-31"},
    CHOICE(keyring, set_keyring, keyrings, "preferred",
           "preferred, required or off"),
    STRING(keyring_bus, is_bus_address, NULL,
           "a D-Bus address such as unix:path=/run/user/1000/bus"),
    NUMBER(keyring_deadline_ms, 50, 60000, 2000),
    CHOICE(log, set_log, logs, "syslog", "syslog or off"),
    CHOICE(log_level, set_int, levels, "notice",
           "error, warning, notice, info or debug"),
    NUMBER(max_age_s, 60, 31536000, 86400),
    NUMBER(negative_ttl_s, 0, 86400, 60),
    {MEMBER(proxy), .set = set_string, .is_valid = is_proxy, .is_private = 1,
     .allowed = "http://HOST:PORT, or https, socks5 or socks5h in place of "
                "http; without user and password"},
    STRING(runtime_dir, is_path, NULL, "an absolute path"),
    STRING(solution_id, is_digits, NULL, "1 to 20 digits"),
    PRIVATE(static_file, is_path,
            "an absolute path of a file that holds the tokens"),
    CHOICE(threads, set_int, switches, "yes", "yes or no"),
    PRIVATE(token_credential, is_credential, SECRET_NAME),
    PRIVATE(token_file, is_path, SECRET_FILE),
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

#define PAIR(name)                                                            \
    {                                                                         \
#name "_file", #name "_credential",                                   \
            offsetof(struct mpsc_configuration, name##_file),                 \
            offsetof(struct mpsc_configuration, name##_credential)            \
    }

const struct mpsc_configuration_pair mpsc_configuration_pairs[2] = {
    PAIR(token), PAIR(app_secret)};

static int
compare_name(const void *name, const void *row)
{
    return strcmp(name, ((const struct mpsc_configuration_option *)row)->name);
}

const struct mpsc_configuration_option *
mpsc_configuration_option_find(const char *name)
{
    return bsearch(name, options, OPTIONS, sizeof(options[0]), compare_name);
}

const struct mpsc_configuration_option *
mpsc_configuration_option_at(size_t index)
{
    return index < OPTIONS ? &options[index] : NULL;
}

const char *
mpsc_configuration_option_name(const struct mpsc_configuration_option *option)
{
    return option->name;
}

const char *
mpsc_configuration_option_default(
    const struct mpsc_configuration_option *option)
{
    return option->fallback;
}

int
mpsc_configuration_option_is_private(
    const struct mpsc_configuration_option *option)
{
    return option->is_private;
}

/* How many bytes must be added, dropped or changed to make b of a
 * (Levenshtein); neither is longer than an option's name can be. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[64];
    size_t length = strlen(b);

    for (size_t j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j + 1] + 1 < best) {
                best = row[j + 1] + 1;
            }
            row[j + 1] = best;
        }
    }
    return row[length];
}

const char *
mpsc_configuration_option_nearest(const char *name)
{
    /* A third of the name may be wrong. */
    size_t nearest = strlen(name) / 3 + 1;
    const char *found = NULL;

    if (strlen(name) > 60) {
        return NULL;
    }
    for (size_t i = 0; i < OPTIONS; i++) {
        size_t far = distance(name, options[i].name);

        if (far < nearest) {
            nearest = far;
            found = options[i].name;
        }
    }
    return found;
}

int
mpsc_configuration_option_set(const struct mpsc_configuration_option *option,
                              const char *value, struct mpsc_configuration *to,
                              struct mps_error *error)
{
    char shown[SHOWN_SIZE];
    int code =
        value[0] != '\0' ? option->set(option, value, to) : MPS_E_CONFIG;

    if (code == MPS_OK) {
        return code;
    }
    if (code == MPS_E_NO_MEMORY) {
        return mpsc_error_set(error, code, "no memory");
    }
    if (value[0] == '\0') {
        return mpsc_error_set(error, code, "is empty; expected %s",
                              option->allowed);
    }
    if (option->is_private || strchr(value, '@') != NULL) {
        /* Before the "@" of a URL there may be a password. */
        return mpsc_error_set(error, code, "is wrong (not shown); expected %s",
                              option->allowed);
    }
    /* It may be the partner's token in the wrong line. */
    mpsc_redact_copy(shown, sizeof(shown), value);
    return mpsc_error_set(error, code, "is \"%s\"; expected %s", shown,
                          option->allowed);
}

int
mpsc_configuration_option_defaults(struct mpsc_configuration *to)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct mpsc_configuration_option *option = &options[i];

        if (option->fallback != NULL &&
            option->set(option, option->fallback, to) != MPS_OK) {
            return MPS_E_NO_MEMORY;
        }
    }
    return MPS_OK;
}

void
mpsc_configuration_option_free_all(struct mpsc_configuration *of)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options[i].set == set_string) {
            char **member = (char **)(void *)((char *)of + options[i].offset);

            free(*member);
            *member = NULL;
        }
    }
}
