/* SPDX-License-Identifier: MIT */
/*
 * The installed command, mps-credential metrics: what it counts, that no
 * business is named, and how the file is written.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

static char output[WORLD_OUTPUT];

static int
is(const char *part)
{
    return strstr(output, part) != NULL;
}

static int
metrics(const char *words)
{
    return world_command(output, "metrics %s 2>&1", words);
}

/* The value of the sample of that name and last label; -1 = none. */
static double
sample(const char *name, const char *label)
{
    char copy[WORLD_OUTPUT];
    char *rest = NULL;

    strcpy(copy, output);
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        size_t len = strlen("mps_credential_") + strlen(name);
        char *end = strrchr(line, '}');

        if (strncmp(line, "mps_credential_", 15) == 0 && end != NULL &&
            line[len] == '{' && strncmp(line + 15, name, len - 15) == 0 &&
            strncmp(end - strlen(label), label, strlen(label)) == 0) {
            return strtod(end + 1, NULL);
        }
    }
    return -1;
}

static void
test_values(void)
{
    char good[24];
    char bad[24];

    world_begin("");
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT_EQUAL(sample("requests_total", "code=\"MPS_OK\""), 0);
    CU_ASSERT_EQUAL(sample("earliest_expiry_timestamp_seconds", ""), -1);
    strcpy(good, world_business());
    strcpy(bad, world_business());
    world_emulate("", "app_usage=42");
    world_emulate(good, "lifetime_s=3600");
    CU_ASSERT_EQUAL(world_command(NULL, "get %s", good), MPS_OK);
    CU_ASSERT_EQUAL(world_command(NULL, "get --refresh %s", bad), MPS_OK);
    world_emulate(bad, "status=422");
    CU_ASSERT_EQUAL(world_command(NULL, "forget %s", bad), MPS_OK);
    CU_ASSERT_EQUAL(world_command(NULL, "get %s 2>/dev/null", bad),
                    MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT_EQUAL(sample("requests_total", "code=\"MPS_OK\""), 2);
    CU_ASSERT_EQUAL(sample("requests_total", "code=\"MPS_E_UNPROCESSABLE\""),
                    1);
    CU_ASSERT_EQUAL(sample("tokens", "state=\"fresh\""), 1);
    CU_ASSERT_EQUAL(sample("tokens", "state=\"expired\""), 0);
    CU_ASSERT_EQUAL(sample("keyring_up", ""), 1);
    CU_ASSERT_EQUAL(sample("app_usage_ratio", ""), 0.42);
    CU_ASSERT_EQUAL(
        sample("limited_until_timestamp_seconds", "reason=\"rate\""), 0);
    CU_ASSERT(sample("earliest_expiry_timestamp_seconds", "") >
              (double)time(NULL) + 3000);
    CU_ASSERT(sample("earliest_expiry_timestamp_seconds", "") <
              (double)time(NULL) + 3700);
    CU_ASSERT(sample("last_success_timestamp_seconds", "") >
              (double)time(NULL) - 600);
    CU_ASSERT_TRUE(is("profile=\"\",solution=\"" WORLD_SOLUTION "\""));
    CU_ASSERT_STRING_EQUAL(output + strlen(output) - 6, "# EOF\n");
    CU_ASSERT_FALSE(is(good));
    CU_ASSERT_FALSE(is(bad));
    world_reset();
}

/* A process that ends as soon as it has its token has counted it, and leaves
 * nothing half-written. */
static void
test_short_lived(void)
{
    enum { RUNS = 20 };

    world_begin("");
    for (int i = 0; i < RUNS; i++) {
        const char *business = world_business();
        struct world_got got;
        int status = -1;
        pid_t child = fork();

        if (child == 0) {
            _exit(world_get(business, &got));
        }
        CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
        CU_ASSERT_EQUAL(status, 0);
    }
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT_EQUAL(sample("requests_total", "code=\"MPS_OK\""), RUNS);
    CU_ASSERT_EQUAL(world_shell(output, "ls -A %s", world_path("mps")), 0);
    CU_ASSERT_TRUE(is("counts-"));
    CU_ASSERT_FALSE(is(".counts-"));
    world_reset();
}

static void
test_limits(void)
{
    world_begin("");
    world_emulate("", "status=401");
    CU_ASSERT_EQUAL(world_command(NULL, "get 1 2>/dev/null"), MPS_E_AUTH);
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT(sample("limited_until_timestamp_seconds", "reason=\"auth\"") >
              (double)time(NULL));
    CU_ASSERT_EQUAL(sample("trouble", "name=\"auth_failed\""), 1);
    CU_ASSERT_EQUAL(sample("trouble", "name=\"rate_limited\""), 0);
    world_reset();
}

/* Each family begins once, and its samples stand together. */
static void
test_form(void)
{
    world_begin("[other]\nsolution_id = 7\n");
    CU_ASSERT_EQUAL(metrics("--profile=other >/dev/null"), MPS_OK);
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "\"$MPS_TEST_BINDIR\"/mps-credential metrics "
                    "--profile=other | awk '"
                    "/^# TYPE / { if ($3 in seen) exit 1; seen[$3] = 1; "
                    "name = $3; next } "
                    "/^# (HELP|UNIT) / { if ($3 != name) exit 1; next } "
                    "/^# EOF$/ { eof = NR; next } "
                    "{ sub(/\\{.*/, \"\"); sub(/_total$/, \"\"); "
                    "if ($0 != name) exit 1; n++ } "
                    "END { if (eof != NR || n < 20) exit 1; print n }'"),
        0);
    CU_ASSERT(strtol(output, NULL, 10) >= 20);
    CU_ASSERT_EQUAL(metrics("--profile=other"), MPS_OK);
    CU_ASSERT_TRUE(is("profile=\"other\",solution=\"7\""));
    CU_ASSERT_EQUAL(metrics("--json"), MPS_OK);
    CU_ASSERT_TRUE(is("\"keyring\":{"));
}

static void
test_output(void)
{
    char path[256];

    snprintf(path, sizeof(path), "%s", world_path("node/m.prom"));
    world_begin("");
    CU_ASSERT_EQUAL(world_shell(NULL, "mkdir -p %s", world_path("node")), 0);
    CU_ASSERT_EQUAL(world_command(output, "metrics --output=%s", path),
                    MPS_OK);
    CU_ASSERT_STRING_EQUAL(output, "");
    CU_ASSERT_EQUAL(world_shell(output, "stat -c %%a %s; cat %s; ls %s", path,
                                path, world_path("node")),
                    0);
    CU_ASSERT_TRUE(is("644\n# TYPE"));
    CU_ASSERT_TRUE(is("# EOF\nm.prom\n"));
    /* What fails leaves the old one alone, and nothing beside it. */
    CU_ASSERT_EQUAL(world_command(NULL,
                                  "metrics --profile=none --output=%s "
                                  "2>/dev/null",
                                  path),
                    MPS_E_CONFIG);
    CU_ASSERT_EQUAL(
        world_shell(output, "tail -n 1 %s; ls %s", path, world_path("node")),
        0);
    CU_ASSERT_STRING_EQUAL(output, "# EOF\nm.prom\n");
    CU_ASSERT_EQUAL(metrics("--output=/nowhere/m.prom"), 74);
    CU_ASSERT_TRUE(is("/nowhere/m.prom"));
    CU_ASSERT_EQUAL(metrics(">/dev/full"), 74);
}

static void
test_no_keyring(void)
{
    world_configure("keyring_bus = unix:path=/nowhere\n");
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT_EQUAL(sample("keyring_up", ""), 0);
    CU_ASSERT_EQUAL(sample("tokens", "state=\"fresh\""), -1);
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(metrics(""), MPS_OK);
    CU_ASSERT_EQUAL(sample("keyring_up", ""), -1);
}

/* Root writes where the user can't. */
static void
test_user(void)
{
    if (geteuid() != 0) {
        world_untried("--user, which is for root");
        return;
    }
    world_configure("keyring = off\nruntime_dir = /nowhere\n");
    CU_ASSERT_EQUAL(world_shell(NULL, "chmod 0711 %s; chmod 0700 %s",
                                world_path("."), world_path("node")),
                    0);
    CU_ASSERT_EQUAL(world_command(output,
                                  "metrics --user=nobody --output=%s 2>&1",
                                  world_path("node/nobody.prom")),
                    MPS_OK);
    CU_ASSERT_EQUAL(
        world_shell(output, "cat %s", world_path("node/nobody.prom")), 0);
    CU_ASSERT_TRUE(is("{user=\"nobody\""));
}

static CU_TestInfo tests[] = {
    {"values", test_values},   {"short-lived processes", test_short_lived},
    {"limits", test_limits},   {"form", test_form},
    {"--output", test_output}, {"no keyring", test_no_keyring},
    {"--user", test_user},     CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential metrics", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
