/* SPDX-License-Identifier: MIT */
/*
 * The README, as an administrator follows it: its configuration is taken, and
 * each command of "Use it from a shell" does what it is for.
 * tests/check/readme.sh runs what needs no installation.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Calls each(line) with the indented lines below a heading, the indent taken
 * off; how many there are. */
static int
with_lines_of(const char *heading, void (*each)(const char *line))
{
    FILE *file = fopen(README, "re");
    char line[256];
    int is_below = 0;
    int count = 0;

    if (file == NULL) {
        CU_FAIL_FATAL("no README");
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "## ", 3) == 0) {
            is_below = strcmp(line + 3, heading) == 0;
        } else if (is_below && strncmp(line, "    ", 4) == 0) {
            each(line + 4);
            count++;
        }
    }
    fclose(file);
    return count;
}

static char configuration[1024];

/* All but where this world's token is. */
static void
take_option(const char *line)
{
    if (strncmp(line, "token_file", strlen("token_file")) != 0) {
        size_t len = strlen(configuration);

        snprintf(configuration + len, sizeof(configuration) - len, "%s\n",
                 line);
    }
}

static void
test_configuration(void)
{
    struct world_got got;

    configuration[0] = '\0';
    CU_ASSERT(with_lines_of("Configure it", take_option) >= 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(configuration, "solution_id"));
    world_configure("%s", configuration);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
}

/* With one of the world's businesses and a file for what stands for such. The
 * doctor among them sees no processes of other tests. */
static void
run(const char *line)
{
    char output[WORLD_OUTPUT];
    int status =
        world_shell(output,
                    "echo '%s' | sed 's/#.*//; "
                    "s/BUSINESS_ID\\|FILE/\"$&\"/g' | "
                    "PATH=$MPS_TEST_BINDIR:$PATH "
                    "BUSINESS_ID=%s FILE=%s %s sh 2>&1",
                    line, world_business(), world_path("list"), world_alone());

    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(output[0] != '\0');
    if (status != 0) {
        printf("\n    %s: %d: %s\n", line, status, output);
    }
}

static void
test_commands(void)
{
    world_configure("%s", "");
    world_write("list", 0600, "100000000000001\n100000000000002\n");
    CU_ASSERT(with_lines_of("Use it from a shell", run) >= 3);
    CU_ASSERT_EQUAL(world_requests("100000000000001"), 1);
}

static CU_TestInfo tests[] = {
    {"its configuration", test_configuration},
    {"its commands", test_commands},
    CU_TEST_INFO_NULL,
};

int
main(void)
{
    CU_SuiteInfo suites[] = {
        {"readme", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    world_open(NULL);
    return world_run(suites);
}
