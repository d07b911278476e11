/* SPDX-License-Identifier: MIT */
/* The configuration: values, files, profiles, and what each slip is told. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "configuration.h"
#include "run_suites.h"

static char directory[] = "/tmp/mpsc-configuration-XXXXXX";
static struct mpsc_configuration *configuration;
static struct mps_error error;

#define NEEDED "solution_id = 42\ntoken_file = /etc/token\n"

static const char *
path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void
write_bytes(const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, len, file), len);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void
write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static int
load_profile(const char *profile)
{
    int code;

    mpsc_configuration_free(&configuration);
    errno = EXDEV;
    code = mpsc_configuration_load(path_of("test.conf"), profile,
                                   &configuration, &error);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(code, error.code);
    CU_ASSERT_EQUAL(configuration == NULL, code != MPS_OK);
    return code;
}

static int
load_text(const char *text)
{
    write_text("test.conf", text);
    return load_profile(NULL);
}

/* The files as on a host: vendor/ and host/ in the test's directory. */
static int
load_host(void)
{
    char vendor[200];
    char host[200];

    snprintf(vendor, sizeof(vendor), "%s", path_of("vendor"));
    snprintf(host, sizeof(host), "%s", path_of("host"));
    mpsc_configuration_free(&configuration);
    return mpsc_configuration_load_in(vendor, host, NULL, &configuration,
                                      &error);
}

static int
begin_suite(void)
{
    static const char *const names[] = {"vendor",
                                        "vendor/mps-credential.conf.d", "host",
                                        "host/mps-credential.conf.d"};

    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    for (size_t i = 0; i < 4; i++) {
        if (mkdir(path_of(names[i]), 0755) != 0) {
            return 1;
        }
    }
    return 0;
}

static int
end_suite(void)
{
    static const char *const names[] = {
        "test.conf",
        "copy",
        "target",
        "fifo",
        "vendor/mps-credential.conf.d/10-a.conf",
        "vendor/mps-credential.conf.d/20-b.conf",
        "vendor/mps-credential.conf.d",
        "vendor/mps-credential.conf",
        "vendor",
        "host/mps-credential.conf.d/10-a.conf",
        "host/mps-credential.conf.d/15-c.conf",
        "host/mps-credential.conf.d/.hidden.conf",
        "host/mps-credential.conf.d/note.txt",
        "host/mps-credential.conf.d",
        "host/mps-credential.conf",
        "host",
        "",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)remove(path_of(names[i]));
    }
    return access(directory, F_OK) == 0;
}

static void
end(void)
{
    mpsc_configuration_free(&configuration);
}

static void
test_defaults(void)
{
    CU_ASSERT_EQUAL_FATAL(load_text(NEEDED), MPS_OK);
    CU_ASSERT_PTR_NULL(configuration->profile);
    CU_ASSERT_STRING_EQUAL(configuration->solution_id, "42");
    CU_ASSERT_STRING_EQUAL(configuration->api_version, "v25.0");
    CU_ASSERT_STRING_EQUAL(configuration->base_url,
                           "https://graph.facebook.com");
    CU_ASSERT_STRING_EQUAL(configuration->token_file, "/etc/token");
    CU_ASSERT_PTR_NULL(configuration->token_credential);
    CU_ASSERT_PTR_NULL(configuration->app_secret_file);
    CU_ASSERT_PTR_NULL(configuration->app_secret_credential);
    CU_ASSERT_PTR_NULL(configuration->ca_file);
    CU_ASSERT_PTR_NULL(configuration->proxy);
    CU_ASSERT_EQUAL(configuration->deadline_ms, 10000);
    CU_ASSERT_EQUAL(configuration->connect_timeout_ms, 3000);
    CU_ASSERT_EQUAL(configuration->attempts, 3);
    CU_ASSERT_EQUAL(configuration->keyring, MPSC_KEYRING_PREFERRED);
    CU_ASSERT_PTR_NULL(configuration->keyring_bus);
    CU_ASSERT_EQUAL(configuration->keyring_deadline_ms, 2000);
    CU_ASSERT_PTR_NULL(configuration->runtime_dir);
    CU_ASSERT_EQUAL(configuration->threads, 1);
    CU_ASSERT_EQUAL(configuration->assume_lifetime_s, 3600);
    CU_ASSERT_EQUAL(configuration->max_age_s, 86400);
    CU_ASSERT_EQUAL(configuration->negative_ttl_s, 60);
    CU_ASSERT_EQUAL(configuration->distrust_before, 0);
    CU_ASSERT_EQUAL(configuration->audit, MPSC_AUDIT_FETCH);
    CU_ASSERT_EQUAL(configuration->log, MPSC_LOG_SYSLOG);
    CU_ASSERT_EQUAL(configuration->log_level, LOG_NOTICE);
}

static void
test_everything(void)
{
    CU_ASSERT_EQUAL_FATAL(load_text("api_version = v26.1\n"
                                    "app_secret_credential = secret\n"
                                    "assume_lifetime_s = 60\n"
                                    "attempts = 10\n"
                                    "audit = use\n"
                                    "base_url = https://[::1]:8443/a/b//\n"
                                    "ca_file = /etc/ca.pem\n"
                                    "connect_timeout_ms = 50\n"
                                    "deadline_ms = 600000\n"
                                    "distrust_before = 2026-01-31T12:30:59Z\n"
                                    "keyring = required\n"
                                    "keyring_bus = unix:path=/run/bus\n"
                                    "keyring_deadline_ms = 60000\n"
                                    "log = off\n"
                                    "log_level = debug\n"
                                    "max_age_s = 31536000\n"
                                    "negative_ttl_s = 0\n"
                                    "proxy = http://proxy.example:3128/\n"
                                    "runtime_dir = /run/x\n"
                                    "solution_id = 12345678901234567890\n"
                                    "static_file = /etc/tokens\n"
                                    "threads = no\n"
                                    "token_credential = token\n"),
                          MPS_OK);
    CU_ASSERT_STRING_EQUAL(configuration->api_version, "v26.1");
    CU_ASSERT_STRING_EQUAL(configuration->app_secret_credential, "secret");
    CU_ASSERT_EQUAL(configuration->assume_lifetime_s, 60);
    CU_ASSERT_EQUAL(configuration->attempts, 10);
    CU_ASSERT_EQUAL(configuration->audit, MPSC_AUDIT_USE);
    CU_ASSERT_STRING_EQUAL(configuration->base_url, "https://[::1]:8443/a/b");
    CU_ASSERT_STRING_EQUAL(configuration->ca_file, "/etc/ca.pem");
    CU_ASSERT_EQUAL(configuration->connect_timeout_ms, 50);
    CU_ASSERT_EQUAL(configuration->deadline_ms, 600000);
    CU_ASSERT_EQUAL(configuration->distrust_before, 1769862659);
    CU_ASSERT_EQUAL(configuration->keyring, MPSC_KEYRING_REQUIRED);
    CU_ASSERT_STRING_EQUAL(configuration->keyring_bus, "unix:path=/run/bus");
    CU_ASSERT_EQUAL(configuration->keyring_deadline_ms, 60000);
    CU_ASSERT_EQUAL(configuration->log, MPSC_LOG_OFF);
    CU_ASSERT_EQUAL(configuration->log_level, LOG_DEBUG);
    CU_ASSERT_EQUAL(configuration->max_age_s, 31536000);
    CU_ASSERT_EQUAL(configuration->negative_ttl_s, 0);
    CU_ASSERT_STRING_EQUAL(configuration->proxy, "http://proxy.example:3128/");
    CU_ASSERT_STRING_EQUAL(configuration->runtime_dir, "/run/x");
    CU_ASSERT_STRING_EQUAL(configuration->solution_id, "12345678901234567890");
    CU_ASSERT_STRING_EQUAL(configuration->static_file, "/etc/tokens");
    CU_ASSERT_EQUAL(configuration->threads, 0);
    CU_ASSERT_STRING_EQUAL(configuration->token_credential, "token");
    CU_ASSERT_PTR_NULL(configuration->token_file);
}

static const struct {
    const char *line;
    const char *says;
} refused_rows[] = {
    {"api_version = 25.0", "api_version is \"25.0\"; expected a version"},
    {"api_version = v25", "api_version is \"v25\""},
    {"api_version = v25.0x", "api_version"},
    {"api_version = v25.0/../x", "api_version"},
    {"attempts = 0", "attempts is \"0\"; expected a whole number from 1"},
    {"attempts = 11", "from 1 to 10"},
    {"attempts = 3.0", "attempts"},
    {"attempts = +3", "attempts"},
    {"attempts = -3", "attempts"},
    {"attempts = 0x3", "attempts"},
    {"attempts = 99999999999999999999", "attempts"},
    {"attempts = three", "attempts"},
    {"attempts =", "attempts is empty"},
    {"attempts = \"\"", "attempts is empty"},
    {"attempts = # 3", "attempts is empty"},
    {"attempts = \"5#6\"", "attempts is \"\"5\""},
    {"assume_lifetime_s = 59", "60"},
    {"connect_timeout_ms = 49", "50"},
    {"deadline_ms = 99", "100"},
    {"deadline_ms = 600001", "600000"},
    {"keyring_deadline_ms = 60001", "60000"},
    {"max_age_s = 31536001", "31536000"},
    {"negative_ttl_s = 86401", "86400"},
    {"audit = yes", "fetch, use or off"},
    {"keyring = Preferred", "preferred, required or off"},
    {"log = stderr", "syslog or off"},
    {"log_level = 7", "error, warning"},
    {"threads = true", "yes or no"},
    {"base_url = http://graph.facebook.com", "https://HOST"},
    {"base_url = https://", "https://HOST"},
    {"base_url = https:///x", "https://HOST"},
    {"base_url = https://u:p@h", "https://HOST"},
    {"base_url = https://h?x=1", "https://HOST"},
    {"base_url = https://h:0", "https://HOST"},
    {"base_url = https://h:65536", "https://HOST"},
    {"base_url = https://h:", "https://HOST"},
    {"base_url = https://h x", "https://HOST"},
    {"base_url = https://h\\x", "https://HOST"},
    {"base_url = HTTPS://h", "https://HOST"},
    {"ca_file = ca.pem", "an absolute path"},
    {"runtime_dir = /", "an absolute path"},
    {"keyring_bus = autolaunch:", "unix:path"},
    {"keyring_bus = unix:path=/x;unixexec:path=/y", "unix:path"},
    {"keyring_bus = unix:", "unix:path"},
    {"distrust_before = yesterday", "UTC time"},
    {"distrust_before = 2026-02-30", "UTC time"},
    {"distrust_before = 2026-01-31T12:00:00", "UTC time"},
    {"distrust_before = 2026-01-31 12:00:00Z", "UTC time"},
    {"distrust_before = 1969-12-31", "UTC time"},
    {"solution_idd = 1", "no key \"solution_idd\"; did you mean "
                         "solution_id?"},
    {"Attempts = 1", "did you mean attempts?"},
    {"access_token_value_in_here = x", "no key"},
    {"deadline = 5", "no key \"deadline\""},
    {"solution_id = 43", "a second time, after line 1"},
    {"attempts", "expected \"key = value\""},
    {"attempts 3", "expected \"key = value\""},
    {"attempts # = 5", "expected \"key = value\""},
    {"= 3", "expected \"key = value\""},
    {"attempts is = 3", "expected \"key = value\""},
    {"attempts: 3", "expected \"key = value\""},
    {"; attempts = 3", "expected \"key = value\""},
    {"[open", "a group is"},
    {"[a] b", "a group is"},
    {"[]", "letters"},
    {"[a b]", "letters"},
    {"[ a ]", "letters"},
    {"token_credential = x", "token_file and token_credential are both"},
};

/* Each in line 3 behind what is needed; the message must name file, line and
 * what is given here. */
static void
test_refused(void)
{
    for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]);
         i++) {
        char text[500];
        char where[300];
        int code;

        snprintf(text, sizeof(text), NEEDED "%s\n", refused_rows[i].line);
        snprintf(where, sizeof(where), "%s:3: ", path_of("test.conf"));
        code = load_text(text);
        if (code != MPS_E_CONFIG || strstr(error.message, where) == NULL ||
            strstr(error.message, refused_rows[i].says) == NULL) {
            printf("row %zu: %d %s\n", i, code, error.message);
        }
        CU_ASSERT_EQUAL(code, MPS_E_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, where));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, refused_rows[i].says));
    }
}

#define TOKEN "EAAtesttokenthatisnobodys0123456789"

/* A token in the wrong place doesn't get into a message. */
static void
test_no_secret(void)
{
    static const char *const rows[] = {
        "token_file = hunter2",
        "token_credential = hun/ter2",
        "app_secret_file = hunter2",
        "app_secret_credential = hun/ter2",
        "proxy = http://user:hunter2@proxy",
        "access_token = hunter2",
        "hunter2",
        "base_url = https://user:hunter2@graph.example",
        "base_url = https://hunter2@graph.example",
        "solution_id = " TOKEN,
        "ca_file = " TOKEN,
        "log_level = \"" TOKEN "\"",
        TOKEN " = 1",
        TOKEN "=",
        TOKEN " = 1\n" TOKEN " = 2",
        TOKEN,
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(load_text(rows[i]), MPS_E_CONFIG);
        CU_ASSERT_PTR_NULL(strstr(error.message, "ter2"));
        CU_ASSERT_PTR_NULL(strstr(error.message, "EAA"));
        CU_ASSERT_NOT_EQUAL(error.message[0], '\0');
    }
}

/* How a line may look. */
static void
test_lines(void)
{
    static const struct {
        const char *line;
        unsigned attempts;
    } rows[] = {
        {"attempts=5\n", 5},
        {"attempts = 5\n", 5},
        {"  attempts\t=\t5  \n", 5},
        {"attempts = 5", 5},
        {"attempts = 5\r\n", 5},
        {"attempts = \"5\"\n", 5},
        {"attempts = 5 # five\n", 5},
        {"attempts = 5#five\n", 5},
        {"# attempts = 5\n", 3},
        {"  # attempts = 5\n", 3},
        {"attempts = 5\n\n", 5},
        {"attempts = 5\n   \n\t\n", 5},
        {"attempts = 5\r\n\r\n", 5},
        {"attempts = 5\n   # a comment\n", 5},
        {"attempts = 5\n# [group]\n", 5},
        {"#attempts = 5\n", 3},
        {"# a # b\n", 3},
        {"# stands behind \"#\" in a line\n", 3},
        {"attempts = 5 # \"six\" # seven\n", 5},
        {"attempts = \"5\" # six\n", 5},
        {"attempts = 5#6\n", 5},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];

        /* In front, so that what is behind a value matters. */
        snprintf(text, sizeof(text), "%s\n" NEEDED, rows[i].line);
        if (load_text(text) != MPS_OK ||
            configuration->attempts != rows[i].attempts) {
            printf("row %zu: %s\n", i, error.message);
            CU_FAIL("a line that is fine");
            continue;
        }
        CU_PASS("as expected");
    }
}

static void
test_bad_bytes(void)
{
    static const char nul[] = NEEDED "attempts = 5\0 6\n";
    char line[9000];

    CU_ASSERT_EQUAL(load_text("\xef\xbb\xbf" NEEDED), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "byte order mark"));
    write_bytes("test.conf", nul, sizeof(nul) - 1);
    CU_ASSERT_EQUAL(load_profile(NULL), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "NUL"));
    memset(line, 'x', sizeof(line));
    memcpy(line, "ca_file = /", 11);
    line[sizeof(line) - 1] = '\0';
    CU_ASSERT_EQUAL(load_text(line), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "longer"));
}

static void
test_incomplete(void)
{
    CU_ASSERT_EQUAL(load_text(""), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "solution_id is not set"));
    CU_ASSERT_EQUAL(load_text("# nothing\n\n"), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(load_text("token_file = /x\n"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "solution_id is not set"));
    CU_ASSERT_EQUAL(load_text("solution_id = 1\n"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "token_file"));
    CU_ASSERT_EQUAL(load_text("[a]\n" NEEDED "[b]\n" NEEDED), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "there are: a, b"));
}

static void
test_profiles(void)
{
    static const char text[] = NEEDED "app_secret_file = /etc/secret\n"
                                      "attempts = 4\n"
                                      "[b]\n"
                                      "attempts = 5\n"
                                      "[a]\n"
                                      "attempts = 6\n"
                                      "solution_id = 43\n"
                                      "token_credential = cred\n"
                                      "[b]\n"
                                      "threads = no\n"
                                      "[empty]\n";

    CU_ASSERT_EQUAL_FATAL(load_text(text), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 4);
    CU_ASSERT_EQUAL_FATAL(load_profile("a"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(configuration->profile, "a");
    CU_ASSERT_EQUAL(configuration->attempts, 6);
    CU_ASSERT_STRING_EQUAL(configuration->solution_id, "43");
    /* The two sources are replaced together. */
    CU_ASSERT_STRING_EQUAL(configuration->token_credential, "cred");
    CU_ASSERT_PTR_NULL(configuration->token_file);
    CU_ASSERT_STRING_EQUAL(configuration->app_secret_file, "/etc/secret");
    CU_ASSERT_EQUAL_FATAL(load_profile("b"), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 5);
    CU_ASSERT_EQUAL(configuration->threads, 0);
    CU_ASSERT_STRING_EQUAL(configuration->token_file, "/etc/token");
    CU_ASSERT_EQUAL_FATAL(load_profile("empty"), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 4);
    CU_ASSERT_EQUAL(load_profile("c"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "no profile \"c\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "b, a"));
    CU_ASSERT_EQUAL(load_profile(""), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(load_text(NEEDED), MPS_OK);
    CU_ASSERT_EQUAL(load_profile("c"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "add a group [c]"));
}

/* A slip in a group that nobody uses shows all the same. */
static void
test_other_group(void)
{
    CU_ASSERT_EQUAL(load_text(NEEDED "[a]\nattempts = 1\n[b]\nattempts = 0\n"),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ":6: attempts"));
    CU_ASSERT_EQUAL(load_text(NEEDED "[a]\natempts = 1\n"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ":4: "));
    CU_ASSERT_EQUAL(load_text(NEEDED "[a]\nattempts = 1\n[b]\nlog = off\n"
                                     "[a]\nattempts = 1\n"),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(error.message, ":8: attempts is set a second time, after line "
                              "4"));
    CU_ASSERT_EQUAL(load_text(NEEDED "[a]\napp_secret_file = /x\n"
                                     "app_secret_credential = y\n"),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "are both set (line 4)"));
}

static void
test_many_groups(void)
{
    FILE *file = fopen(path_of("test.conf"), "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(NEEDED, file);
    for (int i = 0; i < 500; i++) {
        fprintf(file, "[p%d]\nsolution_id = %d\n", i, i);
    }
    fclose(file);
    CU_ASSERT_EQUAL_FATAL(load_profile("p499"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(configuration->solution_id, "499");
    CU_ASSERT_EQUAL(load_profile("p500"), MPS_E_CONFIG);
}

static void
test_unreadable(void)
{
    int code;

    /* Missing, a directory, a FIFO, writable for everybody. */
    (void)remove(path_of("test.conf"));
    CU_ASSERT_EQUAL(load_profile(NULL), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "No such file"));
    CU_ASSERT_EQUAL(
        mpsc_configuration_load(directory, NULL, &configuration, &error),
        MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not a regular file"));
    CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("fifo"), 0600), 0);
    CU_ASSERT_EQUAL(
        mpsc_configuration_load(path_of("fifo"), NULL, &configuration, &error),
        MPS_E_CONFIG);
    write_text("test.conf", NEEDED);
    CU_ASSERT_EQUAL(chmod(path_of("test.conf"), 0666), 0);
    CU_ASSERT_EQUAL(load_profile(NULL), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "run 'chmod o-w "));
    /* Root reads it whatever its mode says. */
    CU_ASSERT_EQUAL(chmod(path_of("test.conf"), 0), 0);
    code = load_profile(NULL);
    CU_ASSERT_EQUAL(code, geteuid() == 0 ? MPS_OK : MPS_E_CONFIG);
    CU_ASSERT_EQUAL(chmod(path_of("test.conf"), 0644), 0);
}

static void
test_files(void)
{
    CU_ASSERT_EQUAL(load_host(), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/host/mps-credential.conf"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "there is no configuration"));

    write_text("vendor/mps-credential.conf",
               NEEDED "attempts = 1\ndeadline_ms = 1001\n");
    CU_ASSERT_EQUAL_FATAL(load_host(), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 1);

    /* The host's main file stands in place of the vendor's. */
    write_text("host/mps-credential.conf", NEEDED "attempts = 2\n");
    CU_ASSERT_EQUAL_FATAL(load_host(), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 2);
    CU_ASSERT_EQUAL(configuration->deadline_ms, 10000);

    /* Drop-ins override, those of both directories in one order of names. */
    write_text("vendor/mps-credential.conf.d/10-a.conf",
               "attempts = 3\nmax_age_s = 61\n");
    write_text("vendor/mps-credential.conf.d/20-b.conf", "log = off\n");
    CU_ASSERT_EQUAL_FATAL(load_host(), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 3);
    CU_ASSERT_EQUAL(configuration->max_age_s, 61);
    write_text("host/mps-credential.conf.d/15-c.conf",
               "attempts = 4\nlog = syslog\ntoken_credential = t\n");
    CU_ASSERT_EQUAL_FATAL(load_host(), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 4);
    CU_ASSERT_EQUAL(configuration->log, MPSC_LOG_OFF);
    CU_ASSERT_PTR_NULL(configuration->token_file);

    /* One of the same name hides the vendor's as a whole. */
    write_text("host/mps-credential.conf.d/10-a.conf", "attempts = 9\n");
    CU_ASSERT_EQUAL_FATAL(load_host(), MPS_OK);
    CU_ASSERT_EQUAL(configuration->attempts, 4);
    CU_ASSERT_EQUAL(configuration->max_age_s, 86400);

    /* What is no drop-in. */
    write_text("host/mps-credential.conf.d/.hidden.conf", "nonsense\n");
    write_text("host/mps-credential.conf.d/note.txt", "nonsense\n");
    CU_ASSERT_EQUAL(load_host(), MPS_OK);
    write_text("host/mps-credential.conf.d/10-a.conf", "nonsense = 9\n");
    CU_ASSERT_EQUAL(load_host(), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "10-a.conf:1: "));
    write_text("host/mps-credential.conf.d/10-a.conf", "attempts = 9\n");
}

/* What can't be read is not taken for what isn't there. */
static void
test_unreadable_files(void)
{
    int expected = geteuid() == 0 ? MPS_OK : MPS_E_CONFIG;

    CU_ASSERT_EQUAL(chmod(path_of("host/mps-credential.conf.d"), 0), 0);
    CU_ASSERT_EQUAL(load_host(), expected);
    CU_ASSERT_EQUAL(chmod(path_of("host/mps-credential.conf.d"), 0755), 0);
    CU_ASSERT_EQUAL(chmod(path_of("host/mps-credential.conf"), 0), 0);
    CU_ASSERT_EQUAL(load_host(), expected);
    /* A link to nowhere is unreadable for root, too. */
    CU_ASSERT_EQUAL(remove(path_of("host/mps-credential.conf")), 0);
    CU_ASSERT_EQUAL(
        symlink("/nonexistent", path_of("host/mps-credential.conf")), 0);
    CU_ASSERT_EQUAL(load_host(), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "can't be read by user"));
}

/* --- stamps ---------------------------------------------------------------
 */

/* Long after anything that a test does. */
#define LATER (time(NULL) + 1000)

static char stamp[MPSC_DIGEST_HEX_SIZE];
static char former_stamp[MPSC_DIGEST_HEX_SIZE];

/* Stamps the host's files, or the one of that name in the directory. */
static int
stamp_at(const char *name, int64_t now_s)
{
    char vendor[200];
    char host[200];
    int result;

    snprintf(vendor, sizeof(vendor), "%s", path_of("vendor"));
    snprintf(host, sizeof(host), "%s", path_of("host"));
    memcpy(former_stamp, stamp, sizeof(stamp));
    errno = EXDEV;
    result = mpsc_configuration_stamp_in(name != NULL ? path_of(name) : NULL,
                                         vendor, host, now_s, stamp);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return result;
}

/* True where the settled stamp isn't that of the last time. */
static int
changed(const char *name)
{
    CU_ASSERT_EQUAL(stamp_at(name, LATER), 0);
    CU_ASSERT_EQUAL(strlen(stamp), MPSC_DIGEST_HEX_SIZE - 1);
    return strcmp(stamp, former_stamp) != 0;
}

static void
set_time(const char *name, time_t when)
{
    const struct timespec times[2] = {{when, 0}, {when, 0}};

    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void
rename_to(const char *from, const char *to)
{
    char source[200];

    snprintf(source, sizeof(source), "%s", path_of(from));
    CU_ASSERT_EQUAL(rename(source, path_of(to)), 0);
}

#define MAIN "/mps-credential.conf"

/* Whatever happens to one file: `name` as for changed(), `path` where it is.
 */
static void
check_stamped(const char *name, const char *path)
{
    struct stat status;

    (void)remove(path_of(path));
    (void)changed(name);
    CU_ASSERT(!changed(name));
    write_text(path, "attempts = 1\n");
    CU_ASSERT(changed(name));
    CU_ASSERT(!changed(name));
    write_text(path, "attempts = 10\n");
    CU_ASSERT(changed(name));
    CU_ASSERT_EQUAL(chmod(path_of(path), 0604), 0);
    CU_ASSERT(changed(name));
    set_time(path, 1000000000);
    CU_ASSERT(changed(name));
    /* A copy of the same size and time in its place. */
    write_text("copy", "attempts = 20\n");
    CU_ASSERT_EQUAL(chmod(path_of("copy"), 0604), 0);
    set_time("copy", 1000000000);
    rename_to("copy", path);
    CU_ASSERT(changed(name));
    CU_ASSERT_EQUAL(stat(path_of(path), &status), 0);
    CU_ASSERT_EQUAL(status.st_mtim.tv_sec, 1000000000);
    CU_ASSERT_EQUAL(remove(path_of(path)), 0);
    CU_ASSERT(changed(name));
    /* Nothing there is not a link to nowhere. */
    CU_ASSERT_EQUAL(symlink("/nonexistent", path_of(path)), 0);
    CU_ASSERT(changed(name));
    CU_ASSERT(!changed(name));
    CU_ASSERT_EQUAL(remove(path_of(path)), 0);
    CU_ASSERT(changed(name));
    CU_ASSERT(!changed(name));
}

static void
test_stamp(void)
{
    check_stamped("test.conf", "test.conf");
    check_stamped(NULL, "vendor" MAIN);
    check_stamped(NULL, "vendor" MAIN ".d/10-a.conf");
    check_stamped(NULL, "host" MAIN);
    check_stamped(NULL, "host" MAIN ".d/15-c.conf");
    /* The one file is all that counts. */
    write_text("test.conf", NEEDED);
    (void)changed("test.conf");
    write_text("host" MAIN, NEEDED);
    CU_ASSERT(!changed("test.conf"));
    (void)changed(NULL);
    write_text("test.conf", "");
    CU_ASSERT(!changed(NULL));
    CU_ASSERT_EQUAL(remove(path_of("test.conf")), 0);
}

/* Behind a link only the file itself changes. */
static void
test_stamp_link(void)
{
    write_text("target", "attempts = 1\n");
    CU_ASSERT_EQUAL(symlink("target", path_of("test.conf")), 0);
    (void)changed("test.conf");
    write_text("target", "attempts = 20\n");
    CU_ASSERT(changed("test.conf"));
    CU_ASSERT(!changed("test.conf"));
    CU_ASSERT_EQUAL(remove(path_of("target")), 0);
    CU_ASSERT(changed("test.conf"));
    CU_ASSERT_EQUAL(remove(path_of("test.conf")), 0);
    CU_ASSERT(changed("test.conf"));
}

static void
test_stamp_drop_ins(void)
{
    write_text("host" MAIN ".d/10-a.conf", "attempts = 1\n");
    write_text("host" MAIN ".d/15-c.conf", "attempts = 2\n");
    (void)changed(NULL);
    CU_ASSERT(!changed(NULL));
    /* Their order changes, and nothing of the directory but its times. */
    rename_to("host" MAIN ".d/10-a.conf", "copy");
    rename_to("host" MAIN ".d/15-c.conf", "host" MAIN ".d/10-a.conf");
    rename_to("copy", "host" MAIN ".d/15-c.conf");
    CU_ASSERT(changed(NULL));
    CU_ASSERT_EQUAL(chmod(path_of("host" MAIN ".d"), 0700), 0);
    CU_ASSERT(changed(NULL));
    CU_ASSERT_EQUAL(chmod(path_of("host" MAIN ".d"), 0755), 0);
    (void)changed(NULL);
    /* The whole directory goes, and comes back. */
    rename_to("host" MAIN ".d", "away");
    CU_ASSERT(changed(NULL));
    CU_ASSERT(!changed(NULL));
    rename_to("away", "host" MAIN ".d");
    CU_ASSERT(changed(NULL));
}

/* Two changes within one tick of the clock may leave the same times. So what
 * is stamped between them is stamped otherwise once the tick is over, though
 * nothing that can be seen has changed. */
static void
test_stamp_unsettled(void)
{
    char settled[MPSC_DIGEST_HEX_SIZE];
    struct stat status;
    int64_t changed_s;

    write_text("test.conf", "attempts = 1\n");
    CU_ASSERT_EQUAL(stat(path_of("test.conf"), &status), 0);
    changed_s = status.st_ctim.tv_sec;
    CU_ASSERT_EQUAL(stamp_at("test.conf", changed_s + 3), 0);
    memcpy(settled, stamp, sizeof(stamp));
    for (int64_t after = -2; after <= 2; after++) {
        CU_ASSERT_EQUAL(stamp_at("test.conf", changed_s + after), 1);
        /* Who loaded then loads again later. */
        CU_ASSERT_STRING_NOT_EQUAL(stamp, settled);
    }
    CU_ASSERT_STRING_EQUAL(stamp, former_stamp);
    CU_ASSERT_EQUAL(stamp_at("test.conf", changed_s - 3), 0);
    CU_ASSERT_STRING_EQUAL(stamp, settled);
    CU_ASSERT_EQUAL(stamp_at("test.conf", changed_s + 1000000), 0);
    CU_ASSERT_STRING_EQUAL(stamp, settled);
    /* A time that was set doesn't hide the change, and isn't settled itself.
     */
    set_time("test.conf", 1000000000);
    CU_ASSERT_EQUAL(stamp_at("test.conf", time(NULL)), 1);
    CU_ASSERT_EQUAL(stamp_at("test.conf", 1000000001), 1);
    CU_ASSERT_EQUAL(stamp_at("test.conf", 1000001000), 0);
    /* One recent file of many is enough, or a directory. */
    write_text("host" MAIN, NEEDED);
    CU_ASSERT_EQUAL(stamp_at(NULL, time(NULL)), 1);
    CU_ASSERT_EQUAL(stamp_at(NULL, LATER), 0);
}

/* As a process takes it: by the build's directories and the present time. */
static void
test_stamp_now(void)
{
    write_text("test.conf", NEEDED);
    CU_ASSERT_EQUAL(mpsc_configuration_stamp(path_of("test.conf"), stamp), 1);
    memcpy(former_stamp, stamp, sizeof(stamp));
    CU_ASSERT(mpsc_configuration_stamp(NULL, stamp) >= 0);
    CU_ASSERT_STRING_NOT_EQUAL(stamp, former_stamp);
    CU_ASSERT_EQUAL(mpsc_configuration_stamp("/proc/self/nothing", stamp), 0);
}

/* Without descriptors nothing is known, and nothing is claimed. */
static void
test_stamp_without_descriptors(void)
{
    struct rlimit former;
    struct rlimit none;

    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &former), 0);
    none = former;
    none.rlim_cur = 0;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    CU_ASSERT_EQUAL(stamp_at(NULL, LATER), -1);
    CU_ASSERT_EQUAL(stamp_at("test.conf", LATER), 0);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &former), 0);
    CU_ASSERT_EQUAL(stamp_at(NULL, LATER), 0);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"defaults", test_defaults},
        {"everything set", test_everything},
        {"refused", test_refused},
        {"no secret in a message", test_no_secret},
        {"lines", test_lines},
        {"bad bytes", test_bad_bytes},
        {"incomplete", test_incomplete},
        {"profiles", test_profiles},
        {"a slip in another group", test_other_group},
        {"many groups", test_many_groups},
        {"an unreadable file", test_unreadable},
        {"files and their order", test_files},
        {"unreadable among them", test_unreadable_files},
        {"stamp", test_stamp},
        {"stamp: a link", test_stamp_link},
        {"stamp: drop-ins", test_stamp_drop_ins},
        {"stamp: just changed", test_stamp_unsettled},
        {"stamp: now", test_stamp_now},
        {"stamp: no descriptors", test_stamp_without_descriptors},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"configuration", begin_suite, end_suite, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
