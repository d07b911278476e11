/* SPDX-License-Identifier: MIT */
/*
 * A configuration file, by the real loader: from memory, which looks to it
 * like any other file. What is accepted keeps to mps-credential.conf(5) and
 * says the same when it is written down plainly and read again; what isn't is
 * an error that shows no value of a key that may hold a secret.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "configuration.h"
#include "target.h"
#include "utc.h"

/* What stands for a secret in the seeds and the dictionary. */
#define MARK "fuzz-marked-secret"

/* Longer than a line may be. */
#define INPUT_MAX 20000

/* A file in memory, and the path by which it can be opened. */
static int
open_file(char path[32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    MUST(fd >= 0);
    /* Not for everybody to write: that would be an error of its own. */
    MUST(fchmod(fd, 0600) == 0);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void
fill_file(int fd, const void *data, size_t size)
{
    MUST(ftruncate(fd, 0) == 0);
    MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
}

static void
must_be_number(unsigned number, unsigned least, unsigned most)
{
    MUST(number >= least && number <= most);
}

static void
must_be_path(const char *path)
{
    MUST(path == NULL || (path[0] == '/' && path[1] != '\0'));
    MUST(path == NULL ||
         strchr(" \t\r\n\v\f", path[strlen(path) - 1]) == NULL);
}

/* The manual's word on each option; not the table of the source. */
static void
must_be_strings(const struct mpsc_configuration *of)
{
    size_t len = strlen(of->solution_id);

    MUST(len >= 1 && len <= 20);
    MUST(strspn(of->solution_id, "0123456789") == len);
    MUST(of->api_version[0] == 'v');
    MUST(strncmp(of->base_url, "https://", 8) == 0);
    MUST(of->base_url[strlen(of->base_url) - 1] != '/');
    MUST(strpbrk(of->base_url, "?#@ ") == NULL);
    MUST(of->proxy == NULL || strpbrk(of->proxy, "@ ") == NULL);
    MUST((of->token_file != NULL) != (of->token_credential != NULL));
    MUST(of->app_secret_file == NULL || of->app_secret_credential == NULL);
    MUST(of->token_credential == NULL ||
         strchr(of->token_credential, '/') == NULL);
    MUST(of->app_secret_credential == NULL ||
         strchr(of->app_secret_credential, '/') == NULL);
    must_be_path(of->token_file);
    must_be_path(of->app_secret_file);
    must_be_path(of->ca_file);
    must_be_path(of->runtime_dir);
    must_be_path(of->static_file);
    MUST(of->keyring_bus == NULL || strncmp(of->keyring_bus, "unix:", 5) == 0);
}

static void
must_be_configuration(const struct mpsc_configuration *of)
{
    MUST(of->solution_id != NULL && of->api_version != NULL &&
         of->base_url != NULL);
    must_be_strings(of);
    must_be_number(of->deadline_ms, 100, 600000);
    must_be_number(of->connect_timeout_ms, 50, 600000);
    must_be_number(of->attempts, 1, 10);
    must_be_number(of->keyring_deadline_ms, 50, 60000);
    must_be_number(of->assume_lifetime_s, 60, 31536000);
    must_be_number(of->max_age_s, 60, 31536000);
    must_be_number(of->negative_ttl_s, 0, 86400);
    MUST(of->keyring <= MPSC_KEYRING_OFF);
    MUST(of->threads == 0 || of->threads == 1);
    MUST(of->distrust_before >= 0 && of->distrust_before <= MPSC_UTC_MAX);
    MUST(of->audit <= MPSC_AUDIT_OFF);
    MUST(of->log <= MPSC_LOG_OFF);
    MUST(of->log_level >= LOG_ERR && of->log_level <= LOG_DEBUG);
}

static void
write_string(FILE *file, const char *name, const char *value)
{
    if (value != NULL) {
        fprintf(file, "%s = %s\n", name, value);
    }
}

static void
write_choices(FILE *file, const struct mpsc_configuration *of)
{
    static const char *const keyrings[] = {"preferred", "required", "off"};
    static const char *const audits[] = {"fetch", "use", "off"};
    static const char *const logs[] = {"syslog", "off"};
    static const char *const levels[] = {"",        "",       "",     "error",
                                         "warning", "notice", "info", "debug"};
    char time[MPSC_UTC_TEXT_SIZE];

    write_string(file, "keyring", keyrings[of->keyring]);
    write_string(file, "audit", audits[of->audit]);
    write_string(file, "log", logs[of->log]);
    write_string(file, "log_level", levels[of->log_level]);
    write_string(file, "threads", of->threads ? "yes" : "no");
    if (of->distrust_before != 0) {
        mpsc_utc_text(of->distrust_before, time);
        write_string(file, "distrust_before", time);
    }
}

/* Writes all options down; returns the text, which the caller frees. */
static char *
write_plainly(const struct mpsc_configuration *of, size_t *size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size);

    MUST(file != NULL);
    write_string(file, "solution_id", of->solution_id);
    write_string(file, "api_version", of->api_version);
    write_string(file, "base_url", of->base_url);
    write_string(file, "token_file", of->token_file);
    write_string(file, "token_credential", of->token_credential);
    write_string(file, "app_secret_file", of->app_secret_file);
    write_string(file, "app_secret_credential", of->app_secret_credential);
    write_string(file, "ca_file", of->ca_file);
    write_string(file, "proxy", of->proxy);
    write_string(file, "keyring_bus", of->keyring_bus);
    write_string(file, "runtime_dir", of->runtime_dir);
    write_string(file, "static_file", of->static_file);
    fprintf(file,
            "deadline_ms = %u\nconnect_timeout_ms = %u\nattempts = %u\n"
            "keyring_deadline_ms = %u\nassume_lifetime_s = %u\n"
            "max_age_s = %u\nnegative_ttl_s = %u\n",
            of->deadline_ms, of->connect_timeout_ms, of->attempts,
            of->keyring_deadline_ms, of->assume_lifetime_s, of->max_age_s,
            of->negative_ttl_s);
    write_choices(file, of);
    MUST(fclose(file) == 0);
    return text;
}

static void
must_survive(int fd, const char *path, const struct mpsc_configuration *of)
{
    struct mpsc_configuration *again = NULL;
    struct mps_error error;
    size_t size;
    size_t size2;
    char *text = write_plainly(of, &size);
    char *text2;

    fill_file(fd, text, size);
    MUST(mpsc_configuration_load(path, NULL, &again, &error) == MPS_OK);
    must_be_configuration(again);
    text2 = write_plainly(again, &size2);
    MUST(size == size2 && memcmp(text, text2, size) == 0);
    mpsc_configuration_free(&again);
    free(text);
    free(text2);
}

/* Whether the mark is in no line but those of keys that may hold a secret,
 * with the value at once behind the "=". */
static int
is_mark_private(const char *text)
{
    static const char *const keys[] = {
        "token_file=", "token_credential=", "app_secret_file=",
        "app_secret_credential=", "proxy="};
    const char *at = text;
    int found = 0;

    while ((at = strstr(at, MARK)) != NULL) {
        const char *line = at;
        int ok = 0;

        while (line > text && line[-1] != '\n') {
            line--;
        }
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            ok = ok || strncmp(line, keys[i], strlen(keys[i])) == 0;
        }
        if (!ok) {
            return 0;
        }
        found = 1;
        at += sizeof(MARK) - 1;
    }
    return found;
}

static void
must_be_clean(const struct mps_error *error, const char *text)
{
    for (const char *at = error->message; *at != '\0'; at++) {
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
    MUST(strlen(error->message) < sizeof(error->message));
    /* The names of groups are told, since one of them is asked for. */
    if (strchr(text, '[') == NULL) {
        fuzz_must_hide_tokens(error->message);
    }
    if (is_mark_private(text)) {
        MUST(strstr(error->message, MARK) == NULL);
    }
}

static void
read_profile(int fd, const char *path, const char *text, size_t size,
             const char *profile)
{
    struct mpsc_configuration *configuration = NULL;
    struct mps_error error;
    int code;

    fill_file(fd, text, size);
    code = mpsc_configuration_load(path, profile, &configuration, &error);
    if (code == MPS_OK) {
        MUST(configuration != NULL);
        MUST(strlen(text) == size);
        MUST((configuration->profile == NULL) == (profile == NULL));
        must_be_configuration(configuration);
        must_survive(fd, path, configuration);
        mpsc_configuration_free(&configuration);
        return;
    }
    MUST(code == MPS_E_CONFIG);
    MUST(configuration == NULL);
    MUST(error.code == code && error.message[0] != '\0');
    must_be_clean(&error, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd = open_file(path);
    char *text;

    size = size < INPUT_MAX ? size : INPUT_MAX;
    text = fuzz_string(data, size);
    read_profile(fd, path, text, size, NULL);
    if (strstr(text, "[a]") != NULL) {
        read_profile(fd, path, text, size, "a");
    }
    free(text);
    MUST(close(fd) == 0);
    return 0;
}
