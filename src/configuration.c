/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "configuration.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "configuration_lines.h"
#include "configuration_options.h"
#include "error.h"
#include "redact.h"

#define NAME "mps-credential.conf"
#define SUFFIX ".conf"

/* What of an unknown key goes into a message: it may be a token. */
#define SHOWN_SIZE 61

/* One file of the configuration. */
struct source {
    char *path;
    int is_host; /* of the host's directory, not the vendor's */
    struct mpsc_configuration_lines lines;
};

/* What a load is for. */
struct wish {
    int is_static;                    /* static.so: it needs other keys */
    mpsc_configuration_fact_fn *tell; /* is told of each option; NULL = none */
    void *arg;
};

/* All of them, in the order in which they override each other. */
struct sources {
    struct source *source;
    size_t count;
    const char *main; /* where a missing key belongs, for messages */
    const struct wish *wish;
};

static void
free_source(struct source *source)
{
    free(source->path);
    mpsc_configuration_lines_free(&source->lines);
}

static void
free_sources(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        free_source(&sources->source[i]);
    }
    free(sources->source);
}

static int
no_memory(struct mps_error *error)
{
    return mpsc_error_set(error, MPS_E_NO_MEMORY,
                          "no memory to read the configuration");
}

/* Adds a file, of which nothing is read yet; takes `path`, which may be NULL
 * where there was no memory for it. */
static int
take_path(struct sources *sources, char *path, int is_host,
          struct mps_error *error)
{
    struct source *grown = NULL;

    if (path != NULL) {
        grown =
            reallocarray(sources->source, sources->count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        free(path);
        return no_memory(error);
    }
    sources->source = grown;
    grown[sources->count++] =
        (struct source){.path = path, .is_host = is_host};
    return MPS_OK;
}

static char *
join(const char *directory, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", directory, name) >= 0 ? path : NULL;
}

/* True also where it can't be known: reading it then tells why. */
static int
exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Adds the main file: the host's, else the vendor's, else none. */
static int
add_main(struct sources *sources, const char *vendor_dir, const char *host_dir,
         struct mps_error *error)
{
    const char *const directories[] = {host_dir, vendor_dir};

    for (size_t i = 0; i < 2; i++) {
        char *path = join(directories[i], NAME);

        if (path == NULL || exists(path)) {
            return take_path(sources, path, i == 0, error);
        }
        free(path);
    }
    return MPS_OK;
}

static int
is_drop_in(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > sizeof(SUFFIX) - 1 &&
           strcmp(entry->d_name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

static int
add_drop_ins(struct sources *sources, const char *directory, int is_host,
             struct mps_error *error)
{
    char *path = join(directory, NAME ".d");
    struct dirent **entries = NULL;
    char reason[64];
    int code = MPS_OK;
    int count;

    if (path == NULL) {
        return no_memory(error);
    }
    count = scandir(path, &entries, is_drop_in, NULL);
    if (count < 0 && errno == ENOMEM) {
        code = no_memory(error);
    } else if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
        code = mpsc_error_set(
            error, MPS_E_CONFIG, "%s can't be read by user %u: %s", path,
            (unsigned)geteuid(), strerror_r(errno, reason, sizeof(reason)));
    }
    for (int i = 0; i < count; i++) {
        if (code == MPS_OK) {
            code = take_path(sources, join(path, entries[i]->d_name), is_host,
                             error);
        }
        free(entries[i]);
    }
    free(entries);
    free(path);
    return code;
}

static int
compare_base_name(const struct source *a, const struct source *b)
{
    return strcmp(strrchr(a->path, '/'), strrchr(b->path, '/'));
}

static int
compare_drop_in(const void *left, const void *right)
{
    const struct source *a = left;
    const struct source *b = right;
    int order = compare_base_name(a, b);

    return order != 0 ? order : a->is_host - b->is_host;
}

/*
 * Orders the drop-ins, which begin at index `first`, by name. Where both
 * directories have one of a name, the vendor's is dropped.
 */
static void
order_drop_ins(struct sources *sources, size_t first)
{
    struct source *source = sources->source;
    size_t kept = first;

    if (sources->count == first) {
        return;
    }
    qsort(source + first, sources->count - first, sizeof(*source),
          compare_drop_in);
    for (size_t i = first; i < sources->count; i++) {
        if (i + 1 < sources->count &&
            compare_base_name(&source[i], &source[i + 1]) == 0) {
            free_source(&source[i]);
        } else {
            source[kept++] = source[i];
        }
    }
    sources->count = kept;
}

/* Finds the host's files, ordered alike in each locale; one that can't be
 * read is found, so that reading it tells why. */
static int
find_files(struct sources *sources, const char *vendor_dir,
           const char *host_dir, struct mps_error *error)
{
    int code = add_main(sources, vendor_dir, host_dir, error);
    size_t first = sources->count;

    if (code == MPS_OK) {
        code = add_drop_ins(sources, vendor_dir, 0, error);
    }
    if (code == MPS_OK) {
        code = add_drop_ins(sources, host_dir, 1, error);
    }
    if (code != MPS_OK) {
        return code;
    }
    order_drop_ins(sources, first);
    if (sources->count == 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "there is no configuration: write %s to %s/%s, "
                              "see " NAME "(5)",
                              sources->wish->is_static
                                  ? "static_file"
                                  : "solution_id and token_file",
                              host_dir, NAME);
    }
    return MPS_OK;
}

static int
is_key(const struct mpsc_configuration_line *line, const char *key)
{
    return line->key != NULL && strcmp(line->key, key) == 0;
}

static int
is_of_group(const struct mpsc_configuration_line *line, const char *group)
{
    return group == NULL
               ? line->group == NULL
               : line->group != NULL && strcmp(line->group, group) == 0;
}

/* The value of one line, into `to`. */
static int
apply_line(const struct source *source,
           const struct mpsc_configuration_line *line,
           struct mpsc_configuration *to, struct mps_error *error)
{
    const struct mpsc_configuration_option *option =
        mpsc_configuration_option_find(line->key);
    const char *nearest;
    struct mps_error flaw;
    char shown[SHOWN_SIZE];
    int code;

    if (option == NULL) {
        nearest = mpsc_configuration_option_nearest(line->key);
        mpsc_redact_copy(shown, sizeof(shown), line->key);
        return mpsc_error_set(
            error, MPS_E_CONFIG, "%s:%u: there is no key \"%s\"%s%s%s",
            source->path, line->number, shown,
            nearest != NULL ? "; did you mean " : ", see " NAME "(5)",
            nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    }
    code = mpsc_configuration_option_set(option, line->value, to, &flaw);
    if (code == MPS_OK) {
        return code;
    }
    return mpsc_error_set(error, code, "%s:%u: %s %s", source->path,
                          line->number, line->key, flaw.message);
}

/* Two keys of which a file's group may set only one. */
static int
check_pair(const struct source *source, const char *group,
           const struct mpsc_configuration_pair *pair, int *is_set,
           struct mps_error *error)
{
    const struct mpsc_configuration_line *one = NULL;

    for (size_t i = 0; i < source->lines.count; i++) {
        const struct mpsc_configuration_line *line = &source->lines.line[i];

        if (!is_of_group(line, group) ||
            (!is_key(line, pair->file) && !is_key(line, pair->credential))) {
            continue;
        }
        if (one != NULL) {
            return mpsc_error_set(error, MPS_E_CONFIG,
                                  "%s:%u: %s and %s are both set (line %u); "
                                  "remove one of the two",
                                  source->path, line->number, pair->file,
                                  pair->credential, one->number);
        }
        one = line;
    }
    *is_set = one != NULL;
    return MPS_OK;
}

static void
clear_string(struct mpsc_configuration *in, size_t offset)
{
    char **member = (char **)(void *)((char *)in + offset);

    free(*member);
    *member = NULL;
}

/* What one file says in one group (NULL = without one), into `to`. */
static int
apply_group(const struct source *source, const char *group,
            struct mpsc_configuration *to, struct mps_error *error)
{
    int code = MPS_OK;

    for (size_t i = 0; i < 2 && code == MPS_OK; i++) {
        const struct mpsc_configuration_pair *pair =
            &mpsc_configuration_pairs[i];
        int is_set = 0;

        code = check_pair(source, group, pair, &is_set, error);
        if (is_set) {
            clear_string(to, pair->file_offset);
            clear_string(to, pair->credential_offset);
        }
    }
    for (size_t i = 0; i < source->lines.count && code == MPS_OK; i++) {
        const struct mpsc_configuration_line *line = &source->lines.line[i];

        if (line->key != NULL && is_of_group(line, group)) {
            code = apply_line(source, line, to, error);
        }
    }
    return code;
}

/* Checks every line of every group, whether it is in use or not. */
static int
check_all(const struct sources *sources, struct mps_error *error)
{
    struct mpsc_configuration scratch = {.profile = NULL};
    int code = MPS_OK;

    for (size_t i = 0; i < sources->count && code == MPS_OK; i++) {
        const struct source *source = &sources->source[i];

        code = apply_group(source, NULL, &scratch, error);
        for (size_t j = 0; j < source->lines.count && code == MPS_OK; j++) {
            const struct mpsc_configuration_line *line =
                &source->lines.line[j];

            if (line->key == NULL) {
                code = apply_group(source, line->group, &scratch, error);
            }
        }
    }
    mpsc_configuration_option_free_all(&scratch);
    return code;
}

/* The names of all groups, for a message; cut where there are many. */
static void
list_groups(const struct sources *sources, char *list, size_t size)
{
    size_t used = 0;

    list[0] = '\0';
    for (size_t i = 0; i < sources->count; i++) {
        const struct mpsc_configuration_lines *lines =
            &sources->source[i].lines;

        for (size_t j = 0; j < lines->count; j++) {
            if (lines->line[j].key == NULL && used < size) {
                used += (size_t)snprintf(list + used, size - used, "%s%s",
                                         used > 0 ? ", " : "",
                                         lines->line[j].group);
            }
        }
    }
}

static int
has_group(const struct sources *sources, const char *group)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct mpsc_configuration_lines *lines =
            &sources->source[i].lines;

        for (size_t j = 0; j < lines->count; j++) {
            if (lines->line[j].group != NULL &&
                strcmp(lines->line[j].group, group) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

static int
check_profile(const struct sources *sources, const char *profile,
              struct mps_error *error)
{
    char list[128];

    if (profile == NULL || has_group(sources, profile)) {
        return MPS_OK;
    }
    list_groups(sources, list, sizeof(list));
    if (list[0] == '\0') {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "there is no profile \"%.60s\", nor any other: "
                              "add a group [%.60s] to %s",
                              profile, profile, sources->main);
    }
    return mpsc_error_set(error, MPS_E_CONFIG,
                          "there is no profile \"%.60s\" in %s; there are: %s",
                          profile, sources->main, list);
}

/* What must be set by now. */
static int
check_complete(const struct sources *sources,
               const struct mpsc_configuration *configuration,
               struct mps_error *error)
{
    char list[96];
    const char *missing = NULL;

    if (sources->wish->is_static) {
        missing = configuration->static_file == NULL ? "static_file is" : NULL;
    } else if (configuration->solution_id == NULL) {
        missing = "solution_id is";
    } else if (configuration->token_file == NULL &&
               configuration->token_credential == NULL) {
        missing = "token_file (or token_credential) is";
    }
    if (missing == NULL) {
        return MPS_OK;
    }
    list_groups(sources, list, sizeof(list));
    if (configuration->profile == NULL && list[0] != '\0') {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s not set in %s, and no profile is chosen "
                              "(MPS_CREDENTIAL_PROFILE); there are: %s",
                              missing, sources->main, list);
    }
    return mpsc_error_set(error, MPS_E_CONFIG,
                          "%s not set: add it to %s, see " NAME "(5)", missing,
                          sources->main);
}

/* The configuration of a profile, of files that have been read. */
static int
build(const struct sources *sources, const char *profile,
      struct mpsc_configuration *to, struct mps_error *error)
{
    int code = check_all(sources, error);

    if (code == MPS_OK) {
        code = check_profile(sources, profile, error);
    }
    if (code != MPS_OK) {
        return code;
    }
    if (mpsc_configuration_option_defaults(to) != MPS_OK) {
        return no_memory(error);
    }
    for (size_t i = 0; i < sources->count && code == MPS_OK; i++) {
        code = apply_group(&sources->source[i], NULL, to, error);
    }
    if (profile != NULL) {
        to->profile = strdup(profile);
        if (to->profile == NULL) {
            return no_memory(error);
        }
        for (size_t i = 0; i < sources->count && code == MPS_OK; i++) {
            code = apply_group(&sources->source[i], profile, to, error);
        }
    }
    return code == MPS_OK ? check_complete(sources, to, error) : code;
}

static const struct mpsc_configuration_line *
find_line(const struct source *source, const char *group, const char *key)
{
    for (size_t i = 0; i < source->lines.count; i++) {
        const struct mpsc_configuration_line *line = &source->lines.line[i];

        if (is_of_group(line, group) && is_key(line, key)) {
            return line;
        }
    }
    return NULL;
}

/* The option that takes this one's place where it is set; NULL = none. */
static const char *
rival_of(const char *key)
{
    for (size_t i = 0; i < 2; i++) {
        const struct mpsc_configuration_pair *pair =
            &mpsc_configuration_pairs[i];

        if (strcmp(key, pair->file) == 0) {
            return pair->credential;
        }
        if (strcmp(key, pair->credential) == 0) {
            return pair->file;
        }
    }
    return NULL;
}

/* What one file says of an option in one group, in place of what came before.
 */
static void
follow(const struct source *source, const char *group,
       struct mpsc_configuration_fact *fact)
{
    const struct mpsc_configuration_line *line =
        find_line(source, group, fact->key);
    const char *rival = rival_of(fact->key);

    if (line != NULL) {
        fact->value = line->value;
        fact->path = source->path;
        fact->line = line->number;
    } else if (rival != NULL && find_line(source, group, rival) != NULL) {
        fact->value = NULL;
        fact->path = NULL;
    }
}

static void
explain(const struct sources *sources, const char *profile)
{
    const struct mpsc_configuration_option *option;

    for (size_t i = 0; (option = mpsc_configuration_option_at(i)) != NULL;
         i++) {
        struct mpsc_configuration_fact fact = {
            .key = mpsc_configuration_option_name(option),
            .value = mpsc_configuration_option_default(option),
            .may_be_secret = mpsc_configuration_option_is_private(option),
        };

        for (size_t n = 0; n < sources->count; n++) {
            follow(&sources->source[n], NULL, &fact);
        }
        for (size_t n = 0; profile != NULL && n < sources->count; n++) {
            follow(&sources->source[n], profile, &fact);
        }
        sources->wish->tell(sources->wish->arg, &fact);
    }
}

/* Reads the files that were found and builds the result. */
static int
load(struct sources *sources, const char *profile,
     struct mpsc_configuration **configuration, struct mps_error *error)
{
    int code = MPS_OK;

    for (size_t i = 0; i < sources->count && code == MPS_OK; i++) {
        code = mpsc_configuration_lines_read(sources->source[i].path,
                                             &sources->source[i].lines, error);
    }
    if (code != MPS_OK) {
        return code;
    }
    *configuration = calloc(1, sizeof(**configuration));
    if (*configuration == NULL) {
        return no_memory(error);
    }
    code = build(sources, profile, *configuration, error);
    if (code != MPS_OK) {
        mpsc_configuration_free(configuration);
    } else if (sources->wish->tell != NULL) {
        explain(sources, profile);
    }
    return code;
}

static int
load_in(const struct wish *wish, const char *vendor_dir, const char *host_dir,
        const char *profile, struct mpsc_configuration **configuration,
        struct mps_error *error)
{
    struct sources sources = {.wish = wish};
    int saved = errno;
    char *main_file = join(host_dir, NAME);
    int code;

    *configuration = NULL;
    mpsc_error_clear(error);
    if (main_file == NULL) {
        code = no_memory(error);
        goto out;
    }
    sources.main = main_file;
    code = find_files(&sources, vendor_dir, host_dir, error);
    if (code == MPS_OK) {
        code = load(&sources, profile, configuration, error);
    }
out:
    free_sources(&sources);
    free(main_file);
    errno = saved;
    return code;
}

static int
load_file(const struct wish *wish, const char *file, const char *profile,
          struct mpsc_configuration **configuration, struct mps_error *error)
{
    struct sources sources = {.main = file, .wish = wish};
    int saved = errno;
    int code;

    if (file == NULL) {
        return load_in(wish, MPS_DATADIR, MPS_SYSCONFDIR, profile,
                       configuration, error);
    }
    *configuration = NULL;
    mpsc_error_clear(error);
    code = take_path(&sources, strdup(file), 1, error);
    if (code == MPS_OK) {
        code = load(&sources, profile, configuration, error);
    }
    free_sources(&sources);
    errno = saved;
    return code;
}

int
mpsc_configuration_load(const char *file, const char *profile,
                        struct mpsc_configuration **configuration,
                        struct mps_error *error)
{
    const struct wish wish = {.is_static = 0};

    return load_file(&wish, file, profile, configuration, error);
}

int
mpsc_configuration_load_static(const char *file, const char *profile,
                               struct mpsc_configuration **configuration,
                               struct mps_error *error)
{
    const struct wish wish = {.is_static = 1};

    return load_file(&wish, file, profile, configuration, error);
}

int
mpsc_configuration_explain(const char *file, const char *profile,
                           mpsc_configuration_fact_fn *tell, void *arg,
                           struct mps_error *error)
{
    const struct wish wish = {.tell = tell, .arg = arg};
    struct mpsc_configuration *configuration;
    int code = load_file(&wish, file, profile, &configuration, error);

    mpsc_configuration_free(&configuration);
    return code;
}

int
mpsc_configuration_load_in(const char *vendor_dir, const char *host_dir,
                           const char *profile,
                           struct mpsc_configuration **configuration,
                           struct mps_error *error)
{
    const struct wish wish = {.is_static = 0};

    return load_in(&wish, vendor_dir, host_dir, profile, configuration, error);
}

/* What is there to be read, as a text of which the stamp is the digest. */
struct survey {
    FILE *text;
    int64_t now_s;
    int is_unsettled;
};

/* In either direction, since a clock that went back comes by here again. */
static int
is_recent(const struct survey *survey, const struct timespec *when)
{
    return when->tv_sec >= survey->now_s - MPSC_CONFIGURATION_SETTLED_S &&
           when->tv_sec <= survey->now_s + MPSC_CONFIGURATION_SETTLED_S;
}

static void
survey_path(struct survey *survey, const char *path)
{
    struct stat status;
    int failure = stat(path, &status) == 0 ? 0 : errno;

    /* A NUL is the one byte that no name has. */
    (void)fprintf(survey->text, "%s%c%d", path, '\0', failure);
    /* A link to nowhere isn't the same as nothing. */
    if (failure != 0 && lstat(path, &status) != 0) {
        return;
    }
    (void)fprintf(survey->text, " %ju %ju %jd %jd.%ld %jd.%ld %o %u",
                  (uintmax_t)status.st_dev, (uintmax_t)status.st_ino,
                  (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec,
                  status.st_mtim.tv_nsec, (intmax_t)status.st_ctim.tv_sec,
                  status.st_ctim.tv_nsec, (unsigned)status.st_mode,
                  (unsigned)status.st_uid);
    if (is_recent(survey, &status.st_mtim) ||
        is_recent(survey, &status.st_ctim)) {
        survey->is_unsettled = 1;
    }
}

static int
compare_entry(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* 0, or -1 where it could not be listed for want of resources. */
static int
survey_drop_ins(struct survey *survey, const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_drop_in, compare_entry);
    int result = 0;

    if (count < 0) {
        return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -1 : 0;
    }
    for (int i = 0; i < count; i++) {
        char *path = join(directory, entries[i]->d_name);

        if (path != NULL) {
            survey_path(survey, path);
        } else {
            result = -1;
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int
survey_directory(struct survey *survey, const char *directory)
{
    char *main_file = join(directory, NAME);
    char *drop_ins = join(directory, NAME ".d");
    int result = -1;

    if (main_file != NULL && drop_ins != NULL) {
        survey_path(survey, main_file);
        survey_path(survey, drop_ins);
        result = survey_drop_ins(survey, drop_ins);
    }
    free(main_file);
    free(drop_ins);
    return result;
}

int
mpsc_configuration_stamp_in(const char *file, const char *vendor_dir,
                            const char *host_dir, int64_t now_s,
                            char stamp[MPSC_DIGEST_HEX_SIZE])
{
    int saved = errno;
    char *text = NULL;
    size_t size = 0;
    struct survey survey = {open_memstream(&text, &size), now_s, 0};
    int result = 0;

    if (survey.text == NULL) {
        errno = saved;
        return -1;
    }
    if (file != NULL) {
        survey_path(&survey, file);
    } else if (survey_directory(&survey, vendor_dir) != 0 ||
               survey_directory(&survey, host_dir) != 0) {
        result = -1;
    }
    (void)fputs(survey.is_unsettled ? " unsettled" : "", survey.text);
    if (ferror(survey.text)) {
        result = -1;
    }
    if (fclose(survey.text) != 0 || result != 0 ||
        mpsc_digest_sha256(text, size, stamp) != 0) {
        result = -1;
    }
    free(text);
    errno = saved;
    return result == 0 ? survey.is_unsettled : -1;
}

int
mpsc_configuration_stamp(const char *file, char stamp[MPSC_DIGEST_HEX_SIZE])
{
    return mpsc_configuration_stamp_in(file, MPS_DATADIR, MPS_SYSCONFDIR,
                                       time(NULL), stamp);
}

void
mpsc_configuration_free(struct mpsc_configuration **configuration)
{
    if (*configuration != NULL) {
        free((*configuration)->profile);
        mpsc_configuration_option_free_all(*configuration);
        free(*configuration);
        *configuration = NULL;
    }
}
