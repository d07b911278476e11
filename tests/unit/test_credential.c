/* SPDX-License-Identifier: MIT */
/* The value that hosts hold: what is in it, who frees it, and that it is
 * wiped. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credential.h"
#include "run_suites.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define TOKEN "EAAsecret"
/* printf EAAsecret | sha256sum */
#define DIGEST                                                                \
    "6f9c7e567bab6e048092473f7df8248a2188ecb4955e1c0fdf5fd5a3438d649b"
#define THREADS 8
#define ROUNDS 20000

static const struct mpsc_time now = {1700000000, 5000000, 4000000};

static struct mpsc_record
new_record(void)
{
    struct mpsc_record record = {
        .expires_at = now.wall_s + 500,
        .endpoint_expires_at = now.wall_s + 600,
        .received_at = now.wall_s - 100,
        .received_boot_ms = now.boot_ms - 90000,
        .boot_id = BOOT,
        .clock_offset_s = 100,
    };

    CU_ASSERT_EQUAL_FATAL(mpsc_secret_set(&record.token, TOKEN, strlen(TOKEN)),
                          0);
    return record;
}

static struct mpsc_credential *
new_credential(void)
{
    struct mpsc_record record = new_record();
    struct mpsc_credential *credential =
        mpsc_credential_new(&record, MPS_SOURCE_KEYRING, &now, BOOT);

    CU_ASSERT_PTR_NOT_NULL_FATAL(credential);
    return credential;
}

static void
test_contents(void)
{
    struct mpsc_record record = new_record();
    struct mpsc_credential *credential =
        mpsc_credential_new(&record, MPS_SOURCE_KEYRING, &now, BOOT);
    const struct mps_credential *public;
    char digest[MPSC_DIGEST_HEX_SIZE];

    CU_ASSERT_PTR_NOT_NULL_FATAL(credential);
    if (credential == NULL) {
        return;
    }
    public = &credential->public;
    CU_ASSERT_EQUAL(public->size, sizeof(*public));
    CU_ASSERT_STRING_EQUAL(public->access_token, TOKEN);
    CU_ASSERT_EQUAL(public->expires_at, now.wall_s + 500);
    CU_ASSERT_EQUAL(public->endpoint_expires_at, now.wall_s + 600);
    CU_ASSERT_EQUAL(public->source, MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(strlen(public->token_id), 12);
    CU_ASSERT_EQUAL(strncmp(public->token_id, DIGEST, 12), 0);
    CU_ASSERT_EQUAL(mpsc_credential_digest(credential, digest), 0);
    CU_ASSERT_STRING_EQUAL(digest, DIGEST);
    CU_ASSERT_EQUAL(credential->received_at, now.wall_s - 100);
    CU_ASSERT_EQUAL(credential->received_ms, now.boot_ms - 90000);
    CU_ASSERT_EQUAL(credential->end_ms, now.boot_ms - 90000 + 600000);
    /* Nothing is left of it elsewhere. */
    CU_ASSERT_PTR_NULL(record.token.data);
    CU_ASSERT_PTR_EQUAL(mpsc_credential_of(public), credential);
    CU_ASSERT_PTR_NULL(mpsc_credential_of(NULL));
    mpsc_credential_release(credential);
    mpsc_credential_release(NULL);
}

/* True where it is still mapped. */
static int
is_mapped(const void *memory)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char in_core;

    return mincore((void *)((uintptr_t)memory / page * page), 1, &in_core) ==
           0;
}

static void
test_last_holder(void)
{
    struct mpsc_credential *credential = new_credential();
    const char *token = credential->public.access_token;

    CU_ASSERT_PTR_EQUAL(mpsc_credential_hold(credential), credential);
    mpsc_credential_release(credential);
    CU_ASSERT(is_mapped(token));
    CU_ASSERT_STRING_EQUAL(token, TOKEN);
    mpsc_credential_release(credential);
    CU_ASSERT_FALSE(is_mapped(token));
}

/* Holds and releases, then drops the reference that it was given. */
static void *
juggle(void *arg)
{
    struct mpsc_credential *credential = arg;

    for (int i = 0; i < ROUNDS; i++) {
        mpsc_credential_release(mpsc_credential_hold(credential));
    }
    mpsc_credential_release(credential);
    return NULL;
}

static void
test_threads(void)
{
    struct mpsc_credential *credential = new_credential();
    const char *token = credential->public.access_token;
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, juggle,
                                             mpsc_credential_hold(credential)),
                              0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(credential->references, 1);
    CU_ASSERT_STRING_EQUAL(token, TOKEN);
    mpsc_credential_release(credential);
    CU_ASSERT_FALSE(is_mapped(token));
}

/* What the parent held is good in the child, and may be released there. */
static void
test_fork(void)
{
    struct mpsc_credential *credential = new_credential();
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        int good = strcmp(credential->public.access_token, TOKEN) == 0;

        mpsc_credential_release(credential);
        _exit(good ? 0 : 1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(credential->public.access_token, TOKEN);
    mpsc_credential_release(credential);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"contents", test_contents}, {"last holder", test_last_holder},
        {"threads", test_threads},   {"fork", test_fork},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"credential", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
