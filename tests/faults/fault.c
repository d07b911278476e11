/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <syslog.h>

#include "world.h"

void
fault_check_used(void)
{
    const char *id = world_business();
    char output[WORLD_OUTPUT];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_STRING_EQUAL(world_value(output, "token_id"), got.token_id);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

int
fault_is_told_over(void *arg)
{
    struct world_got got;

    (void)arg;
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    return world_log_count(LOG_NOTICE, "recovered: keyring_degraded") == 1;
}
