/* SPDX-License-Identifier: MIT */
/*
 * run_suites: what the main() of every CUnit program ends with.
 */
#ifndef TEST_RUN_SUITES_H
#define TEST_RUN_SUITES_H

#include <CUnit/Basic.h>

/* Runs all tests, each told in a line; the program's exit status: not 0 too
 * where they could not be run. */
static inline int
run_suites(CU_SuiteInfo *suites)
{
    unsigned failures = 1;

    CU_basic_set_mode(CU_BRM_VERBOSE);
    if (CU_initialize_registry() == CUE_SUCCESS &&
        CU_register_suites(suites) == CUE_SUCCESS &&
        CU_basic_run_tests() == CUE_SUCCESS) {
        failures = CU_get_number_of_failures();
    }
    CU_cleanup_registry();
    return failures != 0;
}

#endif
