/* SPDX-License-Identifier: MIT */
/* Which calls memory answers by itself, and when the next one has to think
 * again: on fakes, with a clock that stands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "refresh.h"
#include "run_suites.h"

#define OLD "EAAold"
#define NEW "EAAnew"
#define LIFETIME_S 36000

static const struct fake_http_answer failed = {
    MPSC_HTTP_ANSWERED, 500, "{\"error\":{\"message\":\"x\",\"code\":2}}", 0,
    NULL};

/* True where the next call gets this token, and as `hot` says. */
static int
gets(const char *token, int hot)
{
    unsigned before = atomic_load(&host.hot);

    return fake_host_get(0, 0) == MPS_OK && strcmp(host.token, token) == 0 &&
           (atomic_load(&host.hot) != before) == hot;
}

/* The process holds a token, which has been handed out by a look of this
 * moment. The endpoint's calls are counted from here on. */
static void
hold_token(void)
{
    host.configuration.threads = 1;
    fake_host_give(OLD, LIFETIME_S);
    CU_ASSERT(gets(OLD, 0));
    CU_ASSERT(gets(OLD, 0));
    fake_host_give(NEW, LIFETIME_S);
}

/* The once-a-second look has been taken at this moment. */
static void
look(void)
{
    atomic_store(&host.profile.look_ms, fake_host_coarse() + 1000);
}

static void
pass_until(int64_t boot_ms)
{
    fake_host_pass_until(boot_ms);
    look();
}

static struct mpsc_credential *
held(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(host.entry->credential);
    return host.entry->credential;
}

static void
test_fresh(void)
{
    hold_token();
    CU_ASSERT(gets(OLD, 1));
    pass_until(held()->refresh_ms - 1);
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

static void
test_look(void)
{
    hold_token();
    fake_host_pass(1000);
    CU_ASSERT(gets(OLD, 0));
    CU_ASSERT(gets(OLD, 1));
}

/* One call starts the refresh, one takes up what it brought. */
static void
test_refresh(void)
{
    hold_token();
    fake_host_hold(NEW, LIFETIME_S);
    pass_until(held()->refresh_ms);
    CU_ASSERT(gets(OLD, 0));
    CU_ASSERT(gets(OLD, 1));
    fake_host_await_started(1);
    pass_until(mpsc_refresh_mandatory(held()->received_ms, held()->end_ms) -
               1);
    CU_ASSERT(gets(OLD, 1));
    fake_http_release(1);
    fake_host_await_background();
    CU_ASSERT(gets(NEW, 0));
    CU_ASSERT(gets(NEW, 1));
}

/* A failed refresh is tried again when its back-off is over, and not sooner.
 */
static void
test_backoff(void)
{
    hold_token();
    fake_host_answer(&failed);
    pass_until(held()->refresh_ms);
    CU_ASSERT(gets(OLD, 0));
    fake_host_await_background();
    CU_ASSERT(gets(OLD, 0));
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT(fake_host_not_before_ms() > fake_host_boot_ms());
    pass_until(fake_host_not_before_ms() - 1);
    CU_ASSERT(gets(OLD, 1));
    pass_until(fake_host_not_before_ms());
    CU_ASSERT(gets(OLD, 0));
    fake_host_await_background();
}

/* Nobody has asked since it was fresh. */
static void
test_mandatory(void)
{
    hold_token();
    pass_until(mpsc_refresh_mandatory(held()->received_ms, held()->end_ms));
    fake_host_give(NEW, LIFETIME_S);
    CU_ASSERT(gets(NEW, 0));
}

static void
test_expired(void)
{
    hold_token();
    pass_until(held()->end_ms);
    fake_host_give(NEW, LIFETIME_S);
    CU_ASSERT(gets(NEW, 0));
}

static void
test_invalidated(void)
{
    hold_token();
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAanother"), MPS_OK);
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT_EQUAL(fake_host_invalidate(OLD), MPS_OK);
    CU_ASSERT(gets(NEW, 0));
    CU_ASSERT(gets(NEW, 0));
    CU_ASSERT(gets(NEW, 1));
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    fake_host_give("EAAlast", LIFETIME_S);
    CU_ASSERT(gets("EAAlast", 0));
}

/* Whatever has heated it. */
static void
test_distrusted(void)
{
    hold_token();
    CU_ASSERT(gets(OLD, 1));
    host.configuration.distrust_before = held()->received_at;
    CU_ASSERT(gets(OLD, 1));
    host.configuration.distrust_before++;
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, NEW);
    host.configuration.distrust_before = 0;
}

/* What memory doesn't know is thought about, wrong or not. */
static void
test_unknown(void)
{
    static const char *const ids[] = {NULL,
                                      "",
                                      "471",
                                      "47111",
                                      "47110000",
                                      "47110000000000000000",
                                      "471100000000000000001",
                                      "47110000000000000000100000000000000"};

    hold_token();
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        CU_ASSERT_PTR_NULL(mpsc_get_hot(host.provider, ids[i], NULL, 0));
    }
    CU_ASSERT_PTR_NULL(
        mpsc_get_hot(host.provider, FAKE_HOST_BUSINESS, "other", 0));
    CU_ASSERT(gets(OLD, 1));
}

/* Calls `visit` for ids of every length that differ in one digit each, with a
 * token of their own. */
static void
each_id(void (*visit)(const char *id, const char *token))
{
    char id[MPS_BUSINESS_ID_MAX + 1];

    for (size_t len = 1; len <= MPS_BUSINESS_ID_MAX; len++) {
        for (size_t at = 0; at < len; at++) {
            char token[32];

            memset(id, '1', len);
            id[len] = '\0';
            id[at] = '2';
            snprintf(token, sizeof(token), "EAA%zu.%zu", len, at);
            visit(id, token);
        }
    }
}

static void
fetch(const char *id, const char *token)
{
    fake_host_give(token, LIFETIME_S);
    CU_ASSERT_EQUAL(fake_host_get_for(id, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get_for(id, 0), MPS_OK);
}

static void
check(const char *id, const char *token)
{
    CU_ASSERT_EQUAL(fake_host_get_for(id, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, token);
}

static void
test_ids(void)
{
    host.configuration.threads = 1;
    each_id(fetch);
    atomic_store(&host.hot, 0);
    look();
    each_id(check);
    CU_ASSERT_EQUAL(atomic_load(&host.hot),
                    MPS_BUSINESS_ID_MAX * (MPS_BUSINESS_ID_MAX + 1) / 2);
}

/* MPS_NO_WAIT gets what the others get; without threads it is refused. */
static void
test_no_wait(void)
{
    hold_token();
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_OK);
    CU_ASSERT_EQUAL(atomic_load(&host.hot), 1);
    host.configuration.threads = 0;
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_CONFIG);
    CU_ASSERT(gets(OLD, 1));
}

/* Where the endpoint's limit is near, a refresh that is due is put off. */
static void
test_put_off(void)
{
    hold_token();
    pass_until(held()->refresh_ms);
    fake_host_give_used(NEW, LIFETIME_S, "{\"call_count\":96}");
    CU_ASSERT_EQUAL(fake_host_get_for("4712", 0), MPS_OK);
    fake_host_give(NEW, LIFETIME_S);
    CU_ASSERT(gets(OLD, 0));
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT(fake_host_not_before_ms() > fake_host_boot_ms());
    pass_until(fake_host_not_before_ms() - 1);
    CU_ASSERT(gets(OLD, 1));
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    pass_until(fake_host_not_before_ms());
    CU_ASSERT(gets(OLD, 0));
    fake_host_await_background();
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"fresh", test_fresh},
        {"look", test_look},
        {"refresh", test_refresh},
        {"back-off", test_backoff},
        {"mandatory", test_mandatory},
        {"expired", test_expired},
        {"invalidated", test_invalidated},
        {"distrusted", test_distrusted},
        {"unknown", test_unknown},
        {"ids", test_ids},
        {"no wait", test_no_wait},
        {"put off", test_put_off},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"hot", fake_host_make_directory, fake_host_remove_directory,
         fake_host_begin, fake_host_end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
