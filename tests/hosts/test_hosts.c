/* SPDX-License-Identifier: MIT */
/* Hosts of every kind, as far as one call tells all: see house.h. */
#include <CUnit/Basic.h>

#include "reception.h"

static void
test_plain(void)
{
    reception_configure("");
    reception_host("", "plain %s", world_business());
}

static void
test_plain_without_threads(void)
{
    reception_configure("threads = no\n");
    reception_host("", "plain %s", world_business());
}

static CU_TestInfo tests[] = {
    {"plain host", test_plain},
    {"plain host, threads = no", test_plain_without_threads},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"hosts", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
