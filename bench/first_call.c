/* SPDX-License-Identifier: MIT */
/*
 * first_call: a host that asks for one credential and ends. It fails unless
 * the credential comes from where it is said to.
 *
 *     first_call MODULE BUSINESS endpoint|keyring
 */
#include <mps/loader.h>
#include <string.h>

int
main(int argc, char **argv)
{
    const struct mps_credential *credential;
    struct mps_api mps;
    int wanted;
    int code;

    if (argc != 4 || mps_load(&mps, argv[1]) != 0) {
        fprintf(stderr, "%s\n",
                argc != 4 ? "MODULE BUSINESS SOURCE" : mps.load_error);
        return 2;
    }
    wanted = strcmp(argv[3], "keyring") == 0 ? MPS_SOURCE_KEYRING
                                             : MPS_SOURCE_ENDPOINT;
    code = mps.get_credential(argv[2], &credential);
    if (code != MPS_OK) {
        fprintf(stderr, "first_call: %s\n", mps.strerror(code));
        return 1;
    }
    if (credential->source != wanted) {
        fprintf(stderr, "first_call: not from the %s\n", argv[3]);
        return 1;
    }
    mps.release_credential(credential);
    return 0;
}
