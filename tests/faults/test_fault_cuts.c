/* SPDX-License-Identifier: MIT */
/*
 * A good answer whose connection ends after each of its bytes: none of them
 * passes for a token, and the next call is fine.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "world.h"

/* Of one answer; the test checks that it is enough. */
#define OFFSETS 900

/* What the emulator gives where nothing else is set. */
#define TOKEN_LENGTH 200

#define LINES                                                                 \
    "keyring = off\nattempts = 1\ndeadline_ms = 30000\n"                      \
    "connect_timeout_ms = 30000\n"

/* From one offset to the next: all where the machine is quick. */
static unsigned step = 1;

enum kind { LENGTH, CHUNKED, UNFRAMED, KEPT, KINDS };

/* How the answer tells where it ends. */
static const char *const faults[KINDS] = {
    [LENGTH] = "cut-response",
    [CHUNKED] = "cut-chunked",
    [UNFRAMED] = "cut-unframed",
    [KEPT] = "cut-response",
};

static const char *
business(enum kind kind, unsigned offset)
{
    static char ids[4][24];
    static unsigned next;
    char *id = ids[next++ % 4];

    snprintf(id, sizeof(ids[0]), "%u", 500000000u + kind * 10000u + offset);
    return id;
}

/* A business for each offset: the first answer to it is cut there. */
static char *
scenario(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL) {
        exit(99);
    }
    for (enum kind kind = LENGTH; kind < KINDS; kind++) {
        for (unsigned offset = 0; offset < OFFSETS; offset += step) {
            fprintf(out, "[business %s]\nfault = %s=%u\nfault_count = 1\n",
                    business(kind, offset), faults[kind], offset);
        }
    }
    fclose(out);
    return text;
}

/* How much of the answer makes it whole, by a client that isn't ours; *head:
 * up to the end of its headers. */
static unsigned
measure(enum kind kind, unsigned *head)
{
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    const char *end;
    char query[64];

    snprintf(query, sizeof(query), "fault=%s=16000000", faults[kind]);
    world_emulate(id, query);
    snprintf(query, sizeof(query), "/v25.0/%s/access_token?business_id=%s",
             WORLD_SOLUTION, id);
    (void)world_shell(output,
                      "printf 'Authorization: Bearer %%s' \"$(cat '%s')\" | "
                      "curl -qski --raw --http1.1 --noproxy '*' -H @- '%s%s'",
                      world_path("emu/partner_token"), world_base_url(),
                      query);
    end = strstr(output, "\r\n\r\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(end, "EAA"));
    *head = (unsigned)(end - output) + 4;
    CU_ASSERT_FATAL(strlen(output) + 2 < OFFSETS);
    return (unsigned)strlen(output);
}

static void
check(int holds, enum kind kind, unsigned offset, const struct world_got *got)
{
    CU_ASSERT(holds);
    if (!holds) {
        printf("\n    %s=%u (%d): %d after %lld ms, %zu of token: %s\n",
               faults[kind], offset, kind, got->code, (long long)got->took_ms,
               strlen(got->token), got->error.message);
    }
}

static int
is_whole(const struct world_got *got)
{
    return got->code == MPS_OK && strlen(got->token) == TOKEN_LENGTH &&
           strncmp(got->token, "EAA", 3) == 0;
}

/* An answer that ends where nothing says that it is too early is one that
 * makes no sense. */
static int
expected(enum kind kind, unsigned offset, unsigned head)
{
    return kind == UNFRAMED && offset >= head ? MPS_E_PROTOCOL : MPS_E_NETWORK;
}

/* With all that it needs it is an answer. */
static void
check_whole(enum kind kind, unsigned size)
{
    const char *id = world_business();
    struct world_got got;
    char query[64];

    snprintf(query, sizeof(query), "fault=%s=%u", faults[kind], size);
    world_emulate(id, query);
    world_get(id, &got);
    check(is_whole(&got), kind, size, &got);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

static void
check_cuts(enum kind kind)
{
    unsigned head;
    unsigned size = measure(kind, &head);
    struct world_got got;
    long calls = 0;
    long before;

    world_configure(LINES);
    before = world_requests("");
    /* Without the LF of the empty line behind the last chunk libcurl 7.88
     * takes the answer for whole, and 8.14 doesn't. */
    for (unsigned offset = 0; offset < size - (kind == CHUNKED);
         offset += step) {
        const char *id = business(kind, offset);

        /* Else a connection that seems stale is tried once more. */
        world_restart();
        world_get(id, &got);
        check(got.code == expected(kind, offset, head), kind, offset, &got);
        check(got.took_ms < 10000, kind, offset, &got);
        world_get(id, &got);
        check(is_whole(&got), kind, offset, &got);
        calls += 2;
    }
    CU_ASSERT_EQUAL(world_requests("") - before, calls);
    check_whole(kind, size);
}

static void
test_length(void)
{
    check_cuts(LENGTH);
}

static void
test_chunked(void)
{
    check_cuts(CHUNKED);
}

static void
test_unframed(void)
{
    check_cuts(UNFRAMED);
}

/* On a connection that another call has left: where nothing of the answer
 * has come it looks stale, and the request is sent once more. */
static void
test_kept(void)
{
    unsigned head;
    unsigned size = measure(KEPT, &head);
    struct world_got got;
    unsigned again = 0;
    long before;
    long calls = 0;

    world_configure(LINES);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    before = world_requests("");
    for (unsigned offset = 0; offset < size; offset += step) {
        const char *id = business(KEPT, offset);

        world_get(id, &got);
        if (got.code == MPS_OK) {
            check(is_whole(&got), KEPT, offset, &got);
            again++;
        } else {
            check(got.code == MPS_E_NETWORK, KEPT, offset, &got);
            world_get(id, &got);
            check(is_whole(&got), KEPT, offset, &got);
        }
        calls += 2;
    }
    /* Each of them was cut once: none took the cut answer for a token. */
    CU_ASSERT_EQUAL(world_requests("") - before, calls);
    CU_ASSERT(again >= 1 && again * step < head);
}

static CU_TestInfo tests[] = {
    {"with Content-Length", test_length},
    {"in chunks", test_chunked},
    {"to the connection's end", test_unframed},
    {"on a kept connection", test_kept},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cut at each byte", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    char *text;

    step = OFFSETS / world_scale(OFFSETS);
    text = scenario();
    world_open(text);
    free(text);
    return world_run(suites);
}
