/* SPDX-License-Identifier: MIT */
/*
 * peer_oidc: asks oidc-agent for a token that it has, as programs do that use
 * liboidc-agent.
 *
 *     peer_oidc ACCOUNT COUNT
 */
#include <oidc-agent/api.h>

#include "repeat.h"

static int
ask(void *account)
{
    char *token = getAccessToken(account, 60, NULL);

    if (token == NULL) {
        fprintf(stderr, "peer_oidc: %s\n", oidcagent_serror());
        return -1;
    }
    secFree(token);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: peer_oidc ACCOUNT COUNT\n");
        return 2;
    }
    return repeat(ask, argv[1], argv[2]);
}
