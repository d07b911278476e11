/* SPDX-License-Identifier: MIT */
/*
 * functions: each function of the ABI as threads call it over and over, while
 * something happens to their process. Nothing of it is a cancellation point
 * but the module's own functions, if they were any.
 */
#ifndef TEST_FUNCTIONS_H
#define TEST_FUNCTIONS_H

#define FUNCTIONS_DEADLINE_MS 30000u

typedef void functions_call(void);

/* The one of that name (get_credential...), for that business; or NULL. It
 * changes what the module holds of business 4711, too. */
functions_call *functions_find(const char *name, const char *business_id);

#endif
