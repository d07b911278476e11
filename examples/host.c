/* SPDX-License-Identifier: MIT */
/*
 * An example of a host: a program that acts for many customer businesses.
 *
 *     cc host.c -o host $(pkg-config --cflags mps-credential)
 *     ./host [-nr] [-m MODULE] BUSINESS_ID...
 *
 * It gets the credential of each business, and shows what a program does with
 * one, and with each class of failure. With -n it asks without waiting, as an
 * event loop does; with -r it acts as if Meta refused the first token of each.
 */
#include <inttypes.h>
#include <mps/loader.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *
name_of(int source)
{
    switch (source) {
    case MPS_SOURCE_ENDPOINT:
        return "endpoint";
    case MPS_SOURCE_KEYRING:
        return "keyring";
    default:
        return "administrator's file";
    }
}

/* This is where a program calls Meta's API for the business, with the header
 * "Authorization: Bearer <access_token>". No log gets the token: token_id
 * tells one from another. Returns what Meta answers: false is code 190, which
 * refuses the token. */
static bool
use(const char *business, const struct mps_credential *credential,
    bool is_refused)
{
    if (is_refused) {
        printf("%s: token %s is refused\n", business, credential->token_id);
        return false;
    }
    printf("%s: token %s from the %s, expires in %" PRId64 " s\n", business,
           credential->token_id, name_of(credential->source),
           credential->expires_at - (int64_t)time(NULL));
    return true;
}

/* The classes say what to do, for codes of later versions as well. Several
 * may be set. */
static void
react(const struct mps_api *mps, const char *business, int code)
{
    struct mps_error error = {.size = sizeof(error)};
    unsigned classes = mps->classify(code);
    int64_t wait;

    mps->error(&error); /* this thread's last failure: that one */
    wait = error.retry_at - (int64_t)time(NULL);
    printf("%s: error %d, %s: %s\n", business, code, mps->strerror(code),
           error.message);
    if ((classes & MPS_CLASS_CALLER) != 0) {
        puts("    -> a bug in this program: asking again is no use");
    }
    if ((classes & MPS_CLASS_BUSINESS) != 0) {
        puts("    -> suspend the customer, and never delete it");
    }
    if ((classes & MPS_CLASS_ALERT) != 0) {
        puts("    -> tell the administrator");
    }
    if ((classes & MPS_CLASS_RETRY) != 0 && wait > 0) {
        printf("    -> keep the work, ask again in %" PRId64 " s\n", wait);
    } else if ((classes & MPS_CLASS_RETRY) != 0) {
        puts("    -> keep the work, ask again later");
    }
}

/* Acts for one business. A token that Meta refuses is reported, once, for all
 * programs of this user, and another one asked for, once. */
static int
act_for(const struct mps_api *mps, const struct mps_request *request,
        bool is_refused)
{
    const struct mps_credential *credential;
    int code = mps->get_credential_with(request, &credential);

    if (code == MPS_OK && !use(request->business_id, credential, is_refused)) {
        mps->invalidate_credential(request->business_id,
                                   credential->access_token);
        mps->release_credential(credential);
        code = mps->get_credential_with(request, &credential);
        if (code == MPS_OK) {
            use(request->business_id, credential, false);
        }
    }
    if (code == MPS_OK) {
        mps->release_credential(credential); /* when done with it */
    } else {
        react(mps, request->business_id, code);
    }
    return code;
}

int
main(int argc, char **argv)
{
    struct mps_request request = {.size = sizeof(request)};
    const char *module = NULL; /* where the administrator has it */
    bool is_refused = false;
    struct mps_api mps;
    int failures = 0;
    int option;

    while ((option = getopt(argc, argv, "m:nr")) != -1) {
        if (option == 'm') {
            module = optarg;
        } else if (option == 'n') {
            request.flags = MPS_NO_WAIT;
        } else if (option == 'r') {
            is_refused = true;
        } else {
            fprintf(stderr, "usage: %s [-nr] [-m MODULE] BUSINESS_ID...\n",
                    argv[0]);
            return 2;
        }
    }
    if (optind == argc) {
        fprintf(stderr, "%s: which business?\n", argv[0]);
        return 2;
    }
    if (mps_load(&mps, module) != 0) {
        fprintf(stderr, "%s\n", mps.load_error);
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        request.business_id = argv[i];
        failures += act_for(&mps, &request, is_refused) != MPS_OK;
    }
    mps.shutdown(); /* before exit() it may be left out */
    return failures != 0;
}
