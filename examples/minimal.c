/* SPDX-License-Identifier: MIT */
#include <mps/loader.h>

int
main(int argc, char **argv)
{
    const struct mps_credential *credential;
    struct mps_error error = {.size = sizeof(error)};
    struct mps_api api;

    if (argc != 2 || mps_load(&api, NULL) != 0) {
        fprintf(stderr, "%s\n", argc != 2 ? "a business ID?" : api.load_error);
        return 2;
    }
    if (api.get_credential(argv[1], &credential) != MPS_OK) {
        api.error(&error);
        fprintf(stderr, "%s\n", error.message);
        return error.code;
    }
    printf("token %s for business %s\n", credential->token_id, argv[1]);
    api.release_credential(credential); /* access_token is valid until here */
    return 0;
}
