/* SPDX-License-Identifier: MIT */
/*
 * Every status of the endpoint's specification and every row of the table of
 * codes, reached through the real module; retries; expiry.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <time.h>

#include "desk.h"
#include "world.h"

/* What the emulator is told, and what a host gets. */
struct row {
    const char *name;
    const char *query;
    int code;
    int http_status;
    int graph_code;
    int graph_subcode;
    int is_transient;
    const char *type;
    long requests;
};

#define OAUTH "OAuthException"
#define METHOD "GraphMethodException"
#define HTML "body=%3Chtml%3E%3Ch1%3ENot+here%3C%2Fh1%3E%3C%2Fhtml%3E"

/* With attempts = 2. */
static const struct row rows[] = {
    /* the specification's */
    {"400", "status=400", MPS_E_BAD_REQUEST, 400, 100, 0, 0, OAUTH, 1},
    {"401", "status=401", MPS_E_AUTH, 401, 190, 463, 0, OAUTH, 1},
    {"403", "status=403", MPS_E_FORBIDDEN, 403, 200, 1349174, 0, OAUTH, 1},
    {"404", "status=404", MPS_E_NOT_FOUND, 404, 803, 0, 0, METHOD, 1},
    {"422", "status=422", MPS_E_UNPROCESSABLE, 422, 100, 0, 0, METHOD, 1},
    {"429", "status=429", MPS_E_RATE_LIMITED, 429, 4, 2446079, 1, OAUTH, 1},
    {"500", "status=500", MPS_E_SERVER, 500, 2, 0, 1, METHOD, 2},
    /* proxies and outages */
    {"502 in HTML", "fault=html", MPS_E_SERVER, 502, 0, 0, 0, "", 2},
    {"503", "status=503", MPS_E_SERVER, 503, 1, 0, 0, OAUTH, 2},
    {"bare 404", "status=404&" HTML, MPS_E_PROTOCOL, 404, 0, 0, 0, "", 1},
    {"bare 403", "status=403&" HTML, MPS_E_PROTOCOL, 403, 0, 0, 0, "", 1},
    {"bare 429", "status=429&" HTML, MPS_E_RATE_LIMITED, 429, 0, 0, 0, "", 1},
    {"error of a wrong type", "fault=error-string", MPS_E_PROTOCOL, 400, 0, 0,
     0, "", 1},
    {"error in 200", "fault=error-in-200", MPS_E_BAD_REQUEST, 200, 100, 0, 0,
     OAUTH, 1},
    {"auth error in 200", "status=401&fault=error-in-200", MPS_E_AUTH, 200,
     190, 463, 0, OAUTH, 1},
    {"redirect", "fault=redirect", MPS_E_PROTOCOL, 302, 0, 0, 0, "", 1},
    {"204", "status=204&body=", MPS_E_PROTOCOL, 204, 0, 0, 0, "", 1},
    /* bodies */
    {"garbage", "fault=garbage", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"empty", "fault=empty", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"oversized", "fault=oversized", MPS_E_PROTOCOL, 0, 0, 0, 0, "", 1},
    {"endless", "fault=endless", MPS_E_PROTOCOL, 0, 0, 0, 0, "", 1},
    {"deep", "fault=deep", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"trailing", "fault=trailing", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"duplicate keys", "fault=duplicate-keys", MPS_E_PROTOCOL, 200, 0, 0, 0,
     "", 1},
    {"bad UTF-8", "fault=bad-utf8", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"no token", "fault=no-token", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"empty token", "fault=empty-token", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"control bytes in the token", "fault=control-token", MPS_E_PROTOCOL, 200,
     0, 0, 0, "", 1},
    {"two entries", "fault=two-entries", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    {"array", "body=%5B%5D", MPS_E_PROTOCOL, 200, 0, 0, 0, "", 1},
    /* expiry */
    {"expired on arrival", "lifetime_s=-10", MPS_E_PROTOCOL, 200, 0, 0, 0, "",
     1},
    {"expires_at null", "expires_at=null", MPS_E_PROTOCOL, 200, 0, 0, 0, "",
     1},
    {"expires_at negative", "expires_at=-1", MPS_E_PROTOCOL, 200, 0, 0, 0, "",
     1},
    {"expires_at string", "expires_at=tomorrow", MPS_E_PROTOCOL, 200, 0, 0, 0,
     "", 1},
    {"expires_at float", "expires_at=4102444800.5", MPS_E_PROTOCOL, 200, 0, 0,
     0, "", 1},
    {"expires_at enormous", "expires_at=99999999999999999999", MPS_E_PROTOCOL,
     200, 0, 0, 0, "", 1},
    {"expires_at 1e400", "expires_at=1e400", MPS_E_PROTOCOL, 200, 0, 0, 0, "",
     1},
    {"expires_at in ms", "expires_at=4102444800000", MPS_E_PROTOCOL, 200, 0, 0,
     0, "", 1},
    {"expires_at true", "expires_at=true", MPS_E_PROTOCOL, 200, 0, 0, 0, "",
     1},
    /* the way */
    {"reset", "fault=reset", MPS_E_NETWORK, 0, 0, 0, 0, "", 2},
    {"reset in the body", "fault=reset-body", MPS_E_NETWORK, 0, 0, 0, 0, "",
     2},
    {"cut body", "fault=cut=10", MPS_E_NETWORK, 0, 0, 0, 0, "", 2},
    {"truncated body", "fault=truncated", MPS_E_NETWORK, 0, 0, 0, 0, "", 2},
    {"cut headers", "fault=cut-response=30", MPS_E_NETWORK, 0, 0, 0, 0, "", 2},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *
partner_token(void)
{
    static char token[512];
    FILE *file = fopen(world_path("emu/partner_token"), "re");

    if (file == NULL || fgets(token, sizeof(token), file) == NULL) {
        CU_FAIL_FATAL("no partner_token");
    }
    fclose(file);
    token[strcspn(token, "\n")] = '\0';
    return token;
}

/* Says which row it is: CUnit tells only the line. */
static void
check(int holds, const char *row, const char *what)
{
    CU_ASSERT(holds);
    if (!holds) {
        printf("\n    %s: %s\n", row, what);
    }
}

static int
same_error(const struct mps_error *a, const struct mps_error *b)
{
    return a->code == b->code && a->http_status == b->http_status &&
           a->graph_code == b->graph_code &&
           a->graph_subcode == b->graph_subcode &&
           a->is_transient == b->is_transient && a->retry_at == b->retry_at &&
           strcmp(a->type, b->type) == 0 &&
           strcmp(a->fbtrace_id, b->fbtrace_id) == 0 &&
           strcmp(a->message, b->message) == 0 &&
           strcmp(a->user_title, b->user_title) == 0 &&
           strcmp(a->user_message, b->user_message) == 0;
}

static void
check_texts(const struct row *row, const char *id,
            const struct mps_error *error)
{
    check(strstr(error->message, id) != NULL, row->name,
          "the message names the business");
    check(strstr(error->message, world_base_url()) != NULL, row->name,
          "the message names the endpoint");
    check(strstr(error->message, partner_token()) == NULL, row->name,
          "the message keeps the token");
    check(strlen(mps.strerror(row->code)) > 3, row->name, "strerror");
    if (row->http_status >= 400 && row->type[0] != '\0') {
        check(error->fbtrace_id[0] != '\0', row->name, "fbtrace_id");
    }
}

static void
check_row(const struct row *row)
{
    char id[24];
    struct mps_error error = {.size = sizeof(error)};
    struct mps_request request = {.size = sizeof(request), .error = &error};
    struct world_got got;

    snprintf(id, sizeof(id), "%s", world_business());
    request.business_id = id;
    world_forget();
    world_emulate(id, row->query);
    world_get_with(&request, &got);
    check(got.code == row->code, row->name, "code");
    if (got.code != row->code) {
        printf("    got %d: %s\n", got.code, got.error.message);
    }
    check(got.error.http_status == row->http_status, row->name, "status");
    check(got.error.graph_code == row->graph_code, row->name, "Graph code");
    check(got.error.graph_subcode == row->graph_subcode, row->name, "subcode");
    check(got.error.is_transient == row->is_transient, row->name, "transient");
    check(strcmp(got.error.type, row->type) == 0, row->name, "type");
    check(same_error(&got.error, &error), row->name,
          "request.error is credential_error()");
    check(world_requests(id) == row->requests, row->name, "requests");
    check_texts(row, id, &got.error);
}

/* First of all tests: the keyring is empty, and stays so. */
static void
test_failures(void)
{
    world_configure("attempts = 2\nkeyring_deadline_ms = 5000\n");
    CU_ASSERT_EQUAL(world_keyring_items(), 0);
    for (size_t i = 0; i < ROWS; i++) {
        check_row(&rows[i]);
    }
    CU_ASSERT_EQUAL(world_keyring_items(), 0);
    CU_ASSERT_EQUAL(world_stat("/redirect_followed"), 0);
}

static void
test_user_texts(void)
{
    const char *id = world_business();
    struct world_got got;

    world_configure("keyring = off\n");
    world_emulate(id, "status=403");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_FORBIDDEN);
    CU_ASSERT_STRING_EQUAL(got.error.user_title, "Permission Denied");
    CU_ASSERT_STRING_EQUAL(
        got.error.user_message,
        "Your app doesn't have permission to access this resource");
    CU_ASSERT_STRING_EQUAL(got.error.fbtrace_id, "AXsgnV2Cm3ZMGF3dF_cfYIn");
}

/* A success leaves the thread's last error as it was. */
static void
test_success_leaves_error(void)
{
    const char *bad = world_business();
    const char *good = world_business();
    struct mps_error before = {.size = sizeof(before)};
    struct mps_error after = {.size = sizeof(after)};
    struct mps_request request = {
        .size = sizeof(request), .business_id = good, .error = &after};
    const struct mps_credential *credential = NULL;

    world_configure("keyring = off\n");
    world_emulate(bad, "status=422");
    CU_ASSERT_EQUAL(mps.get_credential(bad, &credential), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(mps.error(&before), MPS_OK);
    after.code = 4711;
    CU_ASSERT_EQUAL(mps.get_credential_with(&request, &credential), MPS_OK);
    CU_ASSERT_EQUAL(after.code, 4711);
    CU_ASSERT_EQUAL(mps.error(&after), MPS_OK);
    CU_ASSERT(same_error(&before, &after));
    mps.release_credential(credential);
}

static void
test_shapes(void)
{
    struct world_got got;
    const char *flat = world_business();
    const char *data = world_business();
    int64_t now = time(NULL);

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_get(flat, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(strlen(got.token), 200);
    CU_ASSERT_EQUAL(strlen(got.token_id), 12);
    CU_ASSERT_EQUAL(got.expires_at, got.endpoint_expires_at);
    CU_ASSERT(got.expires_at >= now + 3599 && got.expires_at <= now + 3630);
    world_emulate(data, "shape=data");
    CU_ASSERT_EQUAL(world_get(data, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, -1);
    CU_ASSERT(got.expires_at >= now + 3600 && got.expires_at <= now + 3630);
}

/* The token's id is what anybody can compute from the token. */
static void
test_token_id(void)
{
    struct world_got got;
    char output[WORLD_OUTPUT];

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    world_write("token", 0600, got.token);
    CU_ASSERT_EQUAL(world_shell(output, "sha256sum <%s", world_path("token")),
                    0);
    CU_ASSERT_EQUAL(strncmp(output, got.token_id, 12), 0);
    CU_ASSERT_EQUAL(strlen(got.token_id), 12);
}

static void
test_expiry(void)
{
    struct world_got got;
    const char *forever = world_business();
    const char *absent = world_business();
    int64_t now = time(NULL);

    world_configure("keyring = off\nmax_age_s = 500\n"
                    "assume_lifetime_s = 900\n");
    world_emulate(forever, "expires_at=0");
    CU_ASSERT_EQUAL(world_get(forever, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, 0);
    CU_ASSERT(got.expires_at >= now + 500 && got.expires_at <= now + 530);
    world_emulate(absent, "expires_at=absent");
    CU_ASSERT_EQUAL(world_get(absent, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, -1);
    CU_ASSERT(got.expires_at >= now + 900 && got.expires_at <= now + 930);
}

/* A token that has expired is fetched anew; a long one comes whole. */
static void
test_lifetime(void)
{
    const struct timespec second = {1, 300 * 1000000L};
    const struct mps_credential *credential = NULL;
    const char *brief = world_business();
    const char *large = world_business();
    struct world_got one;
    struct world_got two;

    world_configure("keyring = off\n");
    world_emulate(brief, "lifetime_s=2");
    CU_ASSERT_EQUAL(world_get(brief, &one), MPS_OK);
    nanosleep(&second, NULL);
    nanosleep(&second, NULL);
    CU_ASSERT_EQUAL(world_get(brief, &two), MPS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(one.token_id, two.token_id);
    CU_ASSERT_EQUAL(world_requests(brief), 2);
    world_emulate(large, "token_length=100000");
    CU_ASSERT_EQUAL(mps.get_credential(large, &credential), MPS_OK);
    CU_ASSERT_EQUAL(strlen(credential->access_token), 100000);
    mps.release_credential(credential);
}

static void
test_retry_at(void)
{
    static const struct {
        const char *query;
        int wait_s; /* 0 = it doesn't: half a minute, drawn at random */
    } cases[] = {
        {"fault=429&retry_after=7&regain_minutes=absent", 7},
        {"fault=429&retry_after=absent&regain_minutes=3", 180},
        {"fault=429&retry_after=absent&regain_minutes=absent", 0},
        {"fault=429&retry_after=absent&regain_minutes=absent&app_usage=100",
         0},
        {"fault=429&retry_after=soon&regain_minutes=absent", 0},
        {"fault=429", 60},
    };
    struct world_got got;

    world_configure("keyring = off\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *id = world_business();
        int64_t now = time(NULL);
        int64_t due;

        world_forget();
        world_emulate(id, cases[i].query);
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_RATE_LIMITED);
        due = got.error.retry_at;
        check(cases[i].wait_s != 0 ? due >= now + cases[i].wait_s - 1 &&
                                         due <= now + cases[i].wait_s + 20
                                   : due >= now + 15 && due <= now + 30 + 20,
              cases[i].query, "retry_at");
        CU_ASSERT_EQUAL(world_requests(id), 1);
    }
}

static void
test_retry_at_date(void)
{
    const char *id = world_business();
    time_t then = time(NULL) + 90;
    struct world_got got;
    char query[128];
    struct tm utc;

    world_configure("keyring = off\n");
    strftime(query, sizeof(query),
             "fault=429&regain_minutes=absent&"
             "retry_after=%a,+%d+%b+%Y+%H%%3A%M%%3A%S+GMT",
             gmtime_r(&then, &utc));
    world_emulate(id, query);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_RATE_LIMITED);
    /* A second's boundary may lie between Date and its arrival. */
    CU_ASSERT(got.error.retry_at >= then - 3 &&
              got.error.retry_at <= then + 1);
}

/* --- retries --------------------------------------------------------------
 */

static void
test_retry(void)
{
    static const struct {
        const char *lines;
        const char *query;
        int code;
        long requests;
    } cases[] = {
        {"", "status=500&fault_count=2", MPS_OK, 3},
        {"", "status=500", MPS_E_SERVER, 3},
        {"attempts = 1\n", "status=500&fault_count=1", MPS_E_SERVER, 1},
        {"attempts = 2\n", "status=500&fault_count=2", MPS_E_SERVER, 2},
        {"", "fault=html&fault_count=1", MPS_OK, 2},
        {"", "status=503&fault_count=1", MPS_OK, 2}, /* Graph code 1: once */
        {"", "status=503&fault_count=2", MPS_E_SERVER, 2},
        {"", "fault=reset&fault_count=1", MPS_OK, 2},
        {"", "fault=cut=5&fault_count=2", MPS_OK, 3},
        {"", "fault=429&fault_count=1", MPS_E_RATE_LIMITED, 1},
        {"", "status=401&fault_count=1", MPS_E_AUTH, 1},
        {"", "status=403&fault_count=1", MPS_E_FORBIDDEN, 1},
        {"", "status=404&fault_count=1", MPS_E_NOT_FOUND, 1},
        {"", "status=422&fault_count=1", MPS_E_UNPROCESSABLE, 1},
        {"", "fault=garbage&fault_count=1", MPS_E_PROTOCOL, 1},
    };
    struct world_got got;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *id = world_business();

        world_configure("keyring = off\n%s", cases[i].lines);
        world_emulate(id, cases[i].query);
        check(world_get(id, &got) == cases[i].code, cases[i].query, "code");
        check(world_requests(id) == cases[i].requests, cases[i].query,
              "requests");
    }
}

/* On a connection that another call has left a reset costs one more, not
 * counted: the connection looks stale. */
static void
test_reset_on_kept(void)
{
    const char *id = world_business();
    struct world_got got;

    world_configure("keyring = off\nattempts = 2\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    world_emulate(id, "fault=reset");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NETWORK);
    CU_ASSERT_EQUAL(world_requests(id), 3);
}

/* Of the words on a business a no is remembered for 403, 404 and 422 alone,
 * and for its time. */
static void
test_negative(void)
{
    const char *id = world_business();
    const char *other = world_business();
    struct world_got got;
    struct mps_request force = {
        .size = sizeof(force), .business_id = id, .flags = MPS_FORCE_REFRESH};

    world_configure("keyring = off\n");
    world_emulate(id, "status=404&fault_count=1");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "solution_id"));
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NOT_FOUND);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(world_get_with(&force, &got), MPS_OK);
    world_emulate(other, "status=400&fault_count=1");
    CU_ASSERT_EQUAL(world_get(other, &got), MPS_E_BAD_REQUEST);
    CU_ASSERT_EQUAL(world_get(other, &got), MPS_OK);
}

static void
test_deadlines(void)
{
    static const char *const slow[] = {
        "fault=stall",
        "fault=stall-body",
        "fault=drip&drip_ms=50",
        "latency_ms=5000",
        "status=500&latency_ms=300",
    };
    struct world_got got;

    world_configure("keyring = off\nattempts = 10\n");
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        const char *id = world_business();
        struct mps_request request = {
            .size = sizeof(request), .business_id = id, .deadline_ms = 800};

        world_forget();
        world_emulate(id, slow[i]);
        world_get_with(&request, &got);
        /* Between attempts the last attempt's word is the better one. */
        check(got.code == MPS_E_TIMEOUT ||
                  (i == 4 && got.code == MPS_E_SERVER),
              slow[i], "code");
        check(got.took_ms <= 800 + world_margin(), slow[i], "in time");
        check(i == 4 || got.took_ms >= 700, slow[i], "not before");
    }
}

/* --- the module's own codes -----------------------------------------------
 */

static void
test_invalid_ids(void)
{
    static const char *const ids[] = {
        NULL, "",    "12a", " 1",  "1 ",       "-1",
        "+1", "1.0", "0x1", "1\n", "\xd9\xa1", "123456789012345678901",
    };
    const struct mps_credential *credential = (const void *)&ids;
    struct mps_error error = {.size = sizeof(error)};

    world_configure("keyring = off\n");
    world_reset();
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        credential = (const void *)&ids;
        CU_ASSERT_EQUAL(mps.get_credential(ids[i], &credential),
                        MPS_E_INVALID);
        CU_ASSERT_PTR_NULL(credential);
        CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
        CU_ASSERT_EQUAL(error.code, MPS_E_INVALID);
        CU_ASSERT_EQUAL(mps.invalidate_credential(ids[i], NULL),
                        MPS_E_INVALID);
    }
    CU_ASSERT_EQUAL(mps.get_credential("1", NULL), MPS_E_INVALID);
    CU_ASSERT_EQUAL(world_requests(""), 0);
    CU_ASSERT_EQUAL(mps.get_credential("12345678901234567890", &credential),
                    MPS_OK);
    mps.release_credential(credential);
}

/* Members that a later version of the header may have. */
struct later_request {
    struct mps_request request;
    long unknown[2];
};

static void
test_invalid_requests(void)
{
    const struct mps_credential *credential = NULL;
    struct mps_error wrong = {.size = 3};
    struct later_request later = {.request = {.business_id = "1"}};
    struct mps_request *request = &later.request;
    static const size_t sizes[] = {0, 1, sizeof(struct mps_request) - 1, 5000,
                                   SIZE_MAX};

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(mps.get_credential_with(NULL, &credential), MPS_E_INVALID);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        request->size = sizes[i];
        CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential),
                        MPS_E_INVALID);
    }
    request->size = sizeof(later);
    CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential), MPS_OK);
    mps.release_credential(credential);
    later.unknown[1] = 1;
    CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential),
                    MPS_E_INVALID);
    request->size = sizeof(*request);
    for (unsigned flag = 4; flag != 0; flag <<= 1) {
        request->flags = flag;
        CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential),
                        MPS_E_INVALID);
    }
    request->flags = 0;
    request->error = &wrong;
    CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(wrong.code, 0);
    request->error = NULL;
    request->profile = "";
    CU_ASSERT_EQUAL(mps.get_credential_with(request, &credential),
                    MPS_E_INVALID);
    request->profile = NULL;
    request->min_validity_s = 1;
    CU_ASSERT_EQUAL(mps.invalidate_credential_with(request, NULL),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.error(NULL), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.error(&wrong), MPS_E_INVALID);
    mps.release_credential(NULL);
}

static void
test_network(void)
{
    const char *id = world_business();
    struct world_got got;

    /* The discard port; nobody listens there. */
    world_configure("keyring = off\nbase_url = https://127.0.0.1:9\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NETWORK);
    CU_ASSERT_EQUAL(got.error.http_status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, id));
    world_configure("keyring = off\nattempts = 1\ndeadline_ms = 3000\n"
                    "base_url = https://no-such-host.invalid\n");
    world_get(id, &got);
    /* Without a network the resolver may not even be told no in time. */
    CU_ASSERT(got.code == MPS_E_NETWORK || got.code == MPS_E_TIMEOUT);
    CU_ASSERT(got.took_ms < 3000 + world_margin());
    /* In the resolver's own table, at least: no name, told at once. */
    world_configure("keyring = off\nattempts = 1\ndeadline_ms = 3000\n"
                    "base_url = https://x..invalid\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NETWORK);
}

static void
test_tls(void)
{
    static const struct {
        const char *emulator;
        const char *option;
        const char *ca;
    } cases[] = {
        {"expired", "--certificate=expired", "expired/ca.pem"},
        {"wrong-host", "--certificate=wrong-host", "wrong-host/ca.pem"},
        {"old", "--tls=1.0-1.1", "old/ca.pem"},
        {NULL, NULL, "expired/ca.pem"}, /* an unknown CA */
    };
    struct world_got got;
    long before;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *url =
            cases[i].option != NULL
                ? world_second_emulator(cases[i].emulator, cases[i].option)
                : world_base_url();
        const char *id = world_business();

        world_configure("keyring = off\nbase_url = %s\nca_file = %s\n", url,
                        world_path(cases[i].ca));
        before = world_stat("/connections");
        world_get(id, &got);
        check(got.code == MPS_E_TLS, cases[i].ca, "code");
        check(strstr(got.error.message, id) != NULL, cases[i].ca, "message");
        if (cases[i].option == NULL) {
            /* one of ours, and the question itself */
            CU_ASSERT_EQUAL(world_stat("/connections") - before, 2);
        }
    }
}

/* What a failed attempt costs is visible at the peer alone: here it is a
 * socket of the test's that counts who comes. */
static void
test_tls_is_never_retried(void)
{
    char output[WORLD_OUTPUT];
    char url[64];
    struct world_got got;

    snprintf(url, sizeof(url), "%s",
             world_second_emulator("other", "--certificate=expired"));
    world_configure("keyring = off\nattempts = 5\nbase_url = %s\n"
                    "ca_file = %s\n",
                    url, world_path("other/ca.pem"));
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_TLS);
    CU_ASSERT_EQUAL(
        world_shell(output, "curl -qsk --noproxy '*' %s/__stats", url), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"connections\":2,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"requests\":0,"));
}

/* The administrator's bus is off in each of these; keyring = required. */
static void
test_keyring_required(void)
{
    struct world_got got;
    const char *id = world_business();
    char output[WORLD_OUTPUT];

    world_configure("keyring = required\n"
                    "keyring_bus = unix:path=/nonexistent/bus\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "D-Bus"));
    world_configure("keyring = required\nkeyring_deadline_ms = 400\n"
                    "keyring_bus = %s\n",
                    world_mute_bus());
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_KEYRING);
    CU_ASSERT(got.took_ms <= 400 + world_margin());
    /* with one that works it is as any other */
    world_configure("keyring = required\nkeyring_deadline_ms = 10000\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
}

static void
test_classes(void)
{
    static const unsigned classes[] = {
        [MPS_OK] = 0,
        [MPS_E_INVALID] = MPS_CLASS_CALLER,
        [MPS_E_CONFIG] = MPS_CLASS_RETRY | MPS_CLASS_ALERT,
        [MPS_E_BAD_REQUEST] = MPS_CLASS_CALLER,
        [MPS_E_AUTH] = MPS_CLASS_RETRY | MPS_CLASS_ALERT,
        [MPS_E_FORBIDDEN] = MPS_CLASS_BUSINESS | MPS_CLASS_ALERT,
        [MPS_E_NOT_FOUND] = MPS_CLASS_BUSINESS | MPS_CLASS_ALERT,
        [MPS_E_UNPROCESSABLE] = MPS_CLASS_BUSINESS,
        [MPS_E_RATE_LIMITED] = MPS_CLASS_RETRY,
        [MPS_E_SERVER] = MPS_CLASS_RETRY,
        [MPS_E_NETWORK] = MPS_CLASS_RETRY,
        [MPS_E_TLS] = MPS_CLASS_RETRY | MPS_CLASS_ALERT,
        [MPS_E_TIMEOUT] = MPS_CLASS_RETRY,
        [MPS_E_PROTOCOL] = MPS_CLASS_RETRY | MPS_CLASS_ALERT,
        [MPS_E_KEYRING] = MPS_CLASS_RETRY | MPS_CLASS_ALERT,
        [MPS_E_NO_MEMORY] = MPS_CLASS_RETRY,
        [MPS_E_AGAIN] = MPS_CLASS_RETRY,
        [MPS_E_INTERNAL] = MPS_CLASS_ALERT,
    };

    for (int code = 0; code <= MPS_E_INTERNAL; code++) {
        CU_ASSERT_EQUAL(mps.classify(code), classes[code]);
        CU_ASSERT(strlen(mps.strerror(code)) > 3);
        for (int other = 0; other < code; other++) {
            CU_ASSERT_STRING_NOT_EQUAL(mps.strerror(code),
                                       mps.strerror(other));
        }
    }
    CU_ASSERT_EQUAL(mps.classify(-1), MPS_CLASS_ALERT);
    CU_ASSERT_EQUAL(mps.classify(4711), MPS_CLASS_ALERT);
    CU_ASSERT_PTR_NOT_NULL(mps.strerror(-1));
    CU_ASSERT_PTR_NOT_NULL(mps.strerror(4711));
}

static CU_TestInfo tests[] = {
    {"failures: every code of the endpoint, nothing stored", test_failures},
    {"user texts of Meta", test_user_texts},
    {"success leaves the last error", test_success_leaves_error},
    {"200: flat and data", test_shapes},
    {"token_id", test_token_id},
    {"expires_at 0 and absent", test_expiry},
    {"expired token, long token", test_lifetime},
    {"429: retry_at by each header", test_retry_at},
    {"429: retry_at by a date", test_retry_at_date},
    {"retry inside the call", test_retry},
    {"a reset on a kept connection", test_reset_on_kept},
    {"remembered no", test_negative},
    {"12 TIMEOUT: the deadline holds over all", test_deadlines},
    {"1 INVALID: business_id", test_invalid_ids},
    {"1 INVALID: request", test_invalid_requests},
    {"10 NETWORK", test_network},
    {"11 TLS", test_tls},
    {"11 TLS is never retried", test_tls_is_never_retried},
    {"14 KEYRING", test_keyring_required},
    {"classes and texts", test_classes},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"codes", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
