/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "keyring_bus.h"
#include "keyring_protocol.h"
#include "run_suites.h"

static const struct mpsc_keyring_query query = {
    .bus = "unix:path=/run/user/0/bus",
    .runtime_dir = "/run/x \"y\"",
    .endpoint = "https://graph.facebook.com",
    .solution_id = "1",
    .business_id = "2",
    .epoch = UINT64_C(1) << 63,
    .keyring_deadline_ms = 3,
    .lock_wait_ms = 4,
    .flight_ms = 5,
};

/* Decodes a frame that is all there. */
static void
decode(const struct mpsc_secret *frame, struct mpsc_keyring_message *message)
{
    size_t need;

    CU_ASSERT_EQUAL_FATAL(
        mpsc_keyring_decode(frame->data, frame->len, &need, message),
        MPSC_KEYRING_MESSAGE);
    CU_ASSERT_EQUAL(need, frame->len);
}

static void
test_open(void)
{
    struct mpsc_keyring_message message;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    CU_ASSERT_EQUAL(mpsc_keyring_encode_open(&query, &frame), 0);
    CU_ASSERT_EQUAL(memcmp(frame.data, "MPSK\0\2\0\1\0\0", 10), 0);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_OPEN);
    CU_ASSERT_STRING_EQUAL(message.query.bus, query.bus);
    CU_ASSERT_STRING_EQUAL(message.query.runtime_dir, query.runtime_dir);
    CU_ASSERT_STRING_EQUAL(message.query.endpoint, query.endpoint);
    CU_ASSERT_STRING_EQUAL(message.query.solution_id, query.solution_id);
    CU_ASSERT_STRING_EQUAL(message.query.business_id, query.business_id);
    CU_ASSERT_EQUAL(message.query.epoch, UINT64_C(1) << 63);
    CU_ASSERT_EQUAL(message.query.keyring_deadline_ms, 3);
    CU_ASSERT_EQUAL(message.query.lock_wait_ms, 4);
    CU_ASSERT_EQUAL(message.query.flight_ms, 5);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
}

static void
test_answers(void)
{
    struct mpsc_record record = {.expires_at = 9};
    struct mpsc_keyring_message message;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    mpsc_secret_set(&record.token, "T", 1);
    mpsc_keyring_encode_store(&record, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_STORE);
    CU_ASSERT_STRING_EQUAL(message.record.token.data, "T");
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_loaded(MPSC_KEYRING_OK, &record, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_LOADED);
    CU_ASSERT(message.found && message.record.expires_at == 9);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_loaded(MPSC_KEYRING_NO_MEMORY, NULL, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.state, MPSC_KEYRING_NO_MEMORY);
    CU_ASSERT_FALSE(message.found);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_changed(MPSC_KEYRING_LOCKED, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_CHANGED);
    CU_ASSERT_EQUAL(message.state, MPSC_KEYRING_LOCKED);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_bare(MPSC_KEYRING_MSG_ERASE, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_ERASE);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    mpsc_record_free(&record);
}

static void
test_sweep(void)
{
    static const char *const ids[] = {"1", "12345678901234567890"};
    struct mpsc_record record = {.expires_at = 9};
    const struct mpsc_keyring_change changes[] = {
        {"1", MPSC_KEYRING_STORE, &record},
        {"2", MPSC_KEYRING_ERASE, NULL},
        {"3", MPSC_KEYRING_RELEASE, NULL},
    };
    struct mpsc_keyring_query sweep = query;
    struct mpsc_keyring_message message;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    sweep.business_id = NULL;
    mpsc_keyring_encode_open(&sweep, &frame);
    decode(&frame, &message);
    CU_ASSERT_PTR_NULL(message.query.business_id);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_claim(ids, 2, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_CLAIM);
    CU_ASSERT_EQUAL_FATAL(message.count, 2);
    CU_ASSERT_STRING_EQUAL(message.ids[0], ids[0]);
    CU_ASSERT_STRING_EQUAL(message.ids[1], ids[1]);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_secret_set(&record.token, "T", 1);
    mpsc_keyring_encode_change(changes, 3, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_CHANGE);
    CU_ASSERT_EQUAL_FATAL(message.count, 3);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_STRING_EQUAL(message.changes[i].business_id,
                               changes[i].business_id);
        CU_ASSERT_EQUAL(message.changes[i].what, changes[i].what);
    }
    CU_ASSERT_STRING_EQUAL(message.changes[0].record->token.data, "T");
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    mpsc_keyring_encode_record("7", &record, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_RECORD);
    CU_ASSERT_STRING_EQUAL(message.business_id, "7");
    CU_ASSERT(message.found && message.record.expires_at == 9);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);

    for (int found = 0; found <= 1; found++) {
        mpsc_keyring_encode_claimed("7", found, &frame);
        decode(&frame, &message);
        CU_ASSERT_EQUAL(message.type, MPSC_KEYRING_MSG_CLAIMED);
        CU_ASSERT_STRING_EQUAL(message.business_id, "7");
        CU_ASSERT_EQUAL(message.found, found);
        mpsc_keyring_message_free(&message);
        mpsc_secret_free(&frame);
    }
    mpsc_record_free(&record);
}

/* A record that makes no sense costs the others nothing. */
static void
test_bad_record(void)
{
    struct mpsc_record good = {.expires_at = 9};
    struct mpsc_record bad = {.expires_at = 9};
    const struct mpsc_keyring_change changes[] = {
        {"1", MPSC_KEYRING_STORE, &bad},
        {"2", MPSC_KEYRING_STORE, &good},
    };
    struct mpsc_keyring_message message;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    mpsc_secret_set(&good.token, "T", 1);
    mpsc_secret_set(&bad.token, "T T", 3);
    mpsc_keyring_encode_change(changes, 2, &frame);
    decode(&frame, &message);
    CU_ASSERT_EQUAL_FATAL(message.count, 2);
    CU_ASSERT_EQUAL(message.changes[0].what, MPSC_KEYRING_RELEASE);
    CU_ASSERT_EQUAL(message.changes[1].what, MPSC_KEYRING_STORE);
    CU_ASSERT_STRING_EQUAL(message.changes[1].record->token.data, "T");
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    mpsc_keyring_encode_record("1", &bad, &frame);
    decode(&frame, &message);
    CU_ASSERT_FALSE(message.found);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    mpsc_record_free(&good);
    mpsc_record_free(&bad);
}

/* Every prefix of a frame wants more, and tells how much. */
static void
check_pieces(struct mpsc_secret *frame)
{
    struct mpsc_keyring_message message;
    size_t need;

    CU_ASSERT(frame->len > MPSC_KEYRING_HEADER_SIZE);
    for (size_t len = 0; len < frame->len; len++) {
        CU_ASSERT_EQUAL(mpsc_keyring_decode(frame->data, len, &need, &message),
                        MPSC_KEYRING_MORE);
        CU_ASSERT_EQUAL(need, len < MPSC_KEYRING_HEADER_SIZE
                                  ? MPSC_KEYRING_HEADER_SIZE
                                  : frame->len);
    }
    /* one more byte belongs to the next frame */
    mpsc_secret_append(frame, "M", 1);
    CU_ASSERT_EQUAL(
        mpsc_keyring_decode(frame->data, frame->len, &need, &message),
        MPSC_KEYRING_MESSAGE);
    CU_ASSERT_EQUAL(need, frame->len - 1);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(frame);
}

/* A payload that ends early is none, whatever its header says. */
static void
check_cut(struct mpsc_secret *frame)
{
    struct mpsc_keyring_message message;
    size_t need;

    for (size_t len = MPSC_KEYRING_HEADER_SIZE; len < frame->len; len++) {
        frame->data[10] = (char)((len - MPSC_KEYRING_HEADER_SIZE) >> 8);
        frame->data[11] = (char)(len - MPSC_KEYRING_HEADER_SIZE);
        CU_ASSERT_EQUAL(mpsc_keyring_decode(frame->data, len, &need, &message),
                        MPSC_KEYRING_BAD);
        mpsc_keyring_message_free(&message);
    }
    mpsc_secret_free(frame);
}

static void
check_all_frames(void (*check)(struct mpsc_secret *))
{
    static const char *const ids[] = {"1", "2"};
    struct mpsc_record record = {.expires_at = 9};
    const struct mpsc_keyring_change changes[] = {
        {"1", MPSC_KEYRING_STORE, &record},
        {"2", MPSC_KEYRING_ERASE, NULL},
    };
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    mpsc_secret_set(&record.token, "T", 1);
    mpsc_keyring_encode_open(&query, &frame);
    check(&frame);
    mpsc_keyring_encode_store(&record, &frame);
    check(&frame);
    mpsc_keyring_encode_loaded(MPSC_KEYRING_OK, &record, &frame);
    check(&frame);
    mpsc_keyring_encode_changed(MPSC_KEYRING_PURGED, &frame);
    check(&frame);
    mpsc_keyring_encode_bare(MPSC_KEYRING_MSG_ERASE, &frame);
    check(&frame);
    mpsc_keyring_encode_claim(ids, 2, &frame);
    check(&frame);
    mpsc_keyring_encode_change(changes, 2, &frame);
    check(&frame);
    mpsc_keyring_encode_record("1", &record, &frame);
    check(&frame);
    mpsc_keyring_encode_claimed("1", 1, &frame);
    check(&frame);
    mpsc_record_free(&record);
}

static void
test_pieces(void)
{
    struct mpsc_keyring_message message;
    size_t need;

    CU_ASSERT_EQUAL(mpsc_keyring_decode(NULL, 0, &need, &message),
                    MPSC_KEYRING_MORE);
    check_all_frames(check_pieces);
    check_all_frames(check_cut);
}

/* the header up to the length's last two bytes, and the payload */
static const struct {
    const char header[12];
    const char *payload;
} bad_frames[] = {
    {"MPSK\0\2\0\0\0\0", "{}"},
    {"MPSK\0\2\0\x0b\0\0", "{}"},
    {"MPSK\0\2\1\1\0\0", "{}"},
    {"MPSK\0\2\0\1\0\0", "{}"},
    {"MPSK\0\2\0\1\0\0", ""},
    {"MPSK\0\2\0\3\0\0", "[]"},
    {"MPSK\0\2\0\3\0\0", "{}x"},
    {"MPSK\0\2\0\3\0\0", "{\"a\":[[[[[]]]]]}"},
    {"MPSK\0\2\0\2\0\0", "{}"},
    {"MPSK\0\2\0\2\0\0", "{\"record\":{}}"},
    {"MPSK\0\2\0\2\0\0", "{\"record\":null}"},
    {"MPSK\0\2\0\4\0\0", "{}"},
    {"MPSK\0\2\0\4\0\0", "{\"state\":-1}"},
    {"MPSK\0\2\0\4\0\0", "{\"state\":14}"},
    {"MPSK\0\2\0\4\0\0", "{\"state\":0,\"record\":{}}"},
    {"MPSK\0\2\0\5\0\0", "{\"state\":\"0\"}"},
    {"MPSK\0\2\0\7\0\0", "{}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":{}}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[]}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[1]}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[null]}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[\"\"]}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[\"1\",\"1\\u0000\"]}"},
    {"MPSK\0\2\0\7\0\0", "{\"ids\":[\"123456789012345678901\"]}"},
    {"MPSK\0\2\0\x08\0\0", "{}"},
    {"MPSK\0\2\0\x08\0\0", "{\"changes\":[]}"},
    {"MPSK\0\2\0\x08\0\0", "{\"changes\":[null]}"},
    {"MPSK\0\2\0\x08\0\0", "{\"changes\":[{\"business_id\":\"1\"}]}"},
    {"MPSK\0\2\0\x08\0\0", "{\"changes\":[{\"what\":1}]}"},
    {"MPSK\0\2\0\x08\0\0",
     "{\"changes\":[{\"business_id\":\"1\",\"what\":3}]}"},
    {"MPSK\0\2\0\x09\0\0", "{}"},
    {"MPSK\0\2\0\x09\0\0", "{\"business_id\":\"123456789012345678901\"}"},
    {"MPSK\0\2\0\x0a\0\0", "{\"business_id\":\"1\"}"},
    {"MPSK\0\2\0\x0a\0\0", "{\"business_id\":\"1\",\"found\":2}"},
    {"MPSK\0\2\0\x0a\0\0", "{\"found\":1}"},
    {"NPSK\0\1\0\3\0\0", "{}"},
    {"MPSX\0\1\0\3\0\0", "{}"},
    {"MPSK\0\2\0\3\1\0", "{}"},
    {"MPSK\0\2\0\3\0\x40", "{}"},
};

static void
test_bad(void)
{
    for (size_t i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
        struct mpsc_keyring_message message;
        char frame[MPSC_KEYRING_HEADER_SIZE + 256];
        size_t len = strlen(bad_frames[i].payload);
        size_t need;

        memcpy(frame, bad_frames[i].header, 10);
        frame[10] = 0;
        frame[11] = (char)len;
        memcpy(frame + MPSC_KEYRING_HEADER_SIZE, bad_frames[i].payload, len);
        CU_ASSERT_EQUAL(mpsc_keyring_decode(frame,
                                            MPSC_KEYRING_HEADER_SIZE + len,
                                            &need, &message),
                        MPSC_KEYRING_BAD);
        mpsc_keyring_message_free(&message);
    }
}

static void
test_version(void)
{
    static const int others[] = {0, 1, 3, 0xff};
    char other[MPSC_KEYRING_HEADER_SIZE];
    struct mpsc_keyring_message message;
    size_t need;

    memset(other, 0xff, sizeof(other));
    memcpy(other, "MPSK\0", 5);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        other[5] = (char)others[i];
        CU_ASSERT_EQUAL(
            mpsc_keyring_decode(other, sizeof(other), &need, &message),
            MPSC_KEYRING_OTHER_VERSION);
    }
}

static void
test_limit(void)
{
    struct mpsc_record record = {.expires_at = 9};
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    struct mpsc_keyring_message message;
    size_t mib = 1024 * 1024;

    mpsc_secret_reserve(&record.token, 3 * mib);
    memset(record.token.data, '\\', 3 * mib);
    record.token.len = mib;
    CU_ASSERT_EQUAL(mpsc_keyring_encode_store(&record, &frame), 0);
    decode(&frame, &message);
    CU_ASSERT_EQUAL_FATAL(message.record.token.len, record.token.len);
    CU_ASSERT_EQUAL(
        memcmp(message.record.token.data, record.token.data, record.token.len),
        0);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    record.token.len = 3 * mib;
    CU_ASSERT_EQUAL(mpsc_keyring_encode_store(&record, &frame), -1);
    CU_ASSERT_PTR_NULL(frame.data);
    mpsc_record_free(&record);
}

/* The largest batch that the port allows fits; a larger one doesn't. */
static void
test_batch_limit(void)
{
    struct mpsc_keyring_change changes[MPSC_KEYRING_BATCH_MAX + 1];
    const char *ids[MPSC_KEYRING_BATCH_MAX + 1];
    struct mpsc_record record = {.expires_at = INT64_C(1) << 53,
                                 .endpoint_expires_at = INT64_C(1) << 53,
                                 .received_at = INT64_C(1) << 53,
                                 .received_boot_ms = INT64_C(1) << 53,
                                 .boot_id =
                                     "00000000-1111-2222-3333-444444444444",
                                 .clock_offset_s = -(INT64_C(1) << 53)};
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    struct mpsc_keyring_message message;
    char token[1024];
    size_t need;

    memset(token, '"', sizeof(token)); /* each needs an escape */
    mpsc_secret_set(&record.token, token, sizeof(token));
    for (size_t i = 0; i <= MPSC_KEYRING_BATCH_MAX; i++) {
        ids[i] = "12345678901234567890";
        changes[i] =
            (struct mpsc_keyring_change){ids[i], MPSC_KEYRING_STORE, &record};
    }
    CU_ASSERT_EQUAL(
        mpsc_keyring_encode_change(changes, MPSC_KEYRING_BATCH_MAX, &frame),
        0);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.count, MPSC_KEYRING_BATCH_MAX);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    CU_ASSERT_EQUAL(
        mpsc_keyring_encode_claim(ids, MPSC_KEYRING_BATCH_MAX, &frame), 0);
    decode(&frame, &message);
    CU_ASSERT_EQUAL(message.count, MPSC_KEYRING_BATCH_MAX);
    mpsc_keyring_message_free(&message);
    mpsc_secret_free(&frame);
    CU_ASSERT_EQUAL(
        mpsc_keyring_encode_claim(ids, MPSC_KEYRING_BATCH_MAX + 1, &frame), 0);
    CU_ASSERT_EQUAL(
        mpsc_keyring_decode(frame.data, frame.len, &need, &message),
        MPSC_KEYRING_BAD);
    mpsc_secret_free(&frame);
    mpsc_record_free(&record);
}

static void
test_texts(void)
{
    for (int state = -1; state <= MPSC_KEYRING_PURGED + 1; state++) {
        CU_ASSERT(*mpsc_keyring_text((enum mpsc_keyring_state)state) != '\0');
        CU_ASSERT(*mpsc_keyring_advice((enum mpsc_keyring_state)state) !=
                  '\0');
    }
}

static void
test_bus(void)
{
    static const struct {
        const char *address;
        int local;
        int present; /* where local */
    } cases[] = {
        {"unix:path=/dev/null", 1, 0},
        {"unix:path=/none;unix:path=/none2", 1, 0},
        {"unix:path=/none;unix:abstract=x", 1, 1},
        {"unix:path=/none;", 1, 0},
        {"unix:abstract=/tmp/x", 1, 1},
        {"unix:path=/a%2", 1, 0},
        {"unix:path=/a%zz", 1, 0},
        {"unix:path=/none,guid=12", 1, 0},
        {"unix:path=", 1, 0},
        {"", 0, 0},
        {NULL, 0, 0},
        {";", 0, 0},
        {"unix:path=/x;;", 0, 0},
        {"unix:path=/x;tcp:host=a", 0, 0},
        {"unixexec:path=/bin/sh", 0, 0},
        {"autolaunch:", 0, 0},
        {"nonce-tcp:", 0, 0},
        {"launchd:env=X", 0, 0},
        {" unix:path=/x", 0, 0},
        {"UNIX:path=/x", 0, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_keyring_bus_local(cases[i].address),
                        cases[i].local);
        if (cases[i].local) {
            CU_ASSERT_EQUAL(mpsc_keyring_bus_present(cases[i].address),
                            cases[i].present);
        }
    }
}

static CU_TestInfo tests[] = {
    {"OPEN", test_open},
    {"answers", test_answers},
    {"sweep", test_sweep},
    {"bad record", test_bad_record},
    {"batch limit", test_batch_limit},
    {"pieces", test_pieces},
    {"bad frames", test_bad},
    {"version", test_version},
    {"limit", test_limit},
    {"texts", test_texts},
    {"bus addresses", test_bus},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_protocol", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
