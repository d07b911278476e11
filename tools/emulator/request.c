/* SPDX-License-Identifier: MIT */
/* A request for a token, and the rules that it must keep. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "request.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "proof.h"

static const char *const versions[] = {"v19.0", "v20.0",           "v21.0",
                                       "v22.0", "v23.0",           "v24.0",
                                       "v25.0", EMU_NEWEST_VERSION};

/* The known version that the path begins with, NULL if there is none. */
static const char *
find_version(const char *path)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        size_t length = strlen(versions[i]);

        if (path[0] == '/' && strncmp(path + 1, versions[i], length) == 0 &&
            path[1 + length] == '/') {
            return versions[i];
        }
    }
    return NULL;
}

const char *
emu_request_version(const char *path)
{
    const char *version = find_version(path);

    return version ? version : EMU_NEWEST_VERSION;
}

int
emu_is_digits(const char *text)
{
    return text && *text && text[strspn(text, "0123456789")] == '\0';
}

/* Finds the solution's place in "/{Version}/{Solution-ID}/access_token". */
static bool
split_path(const char *path, const char **solution, size_t *length,
           bool *followed)
{
    static const char tail[] = "/access_token";
    const char *version = find_version(path);
    const char *rest;

    if (!version) {
        return false;
    }
    *solution = path + 1 + strlen(version) + 1;
    *length = strcspn(*solution, "/");
    rest = *solution + *length;
    if (*length == 0 || strncmp(rest, tail, sizeof tail - 1) != 0) {
        return false;
    }
    rest += sizeof tail - 1;
    *followed = strcmp(rest, EMU_REDIRECTED) == 0;
    return *rest == '\0' || *followed;
}

/* "Bearer", white space, a token; NULL when it is none. */
static const char *
bearer(const char *authorization)
{
    static const char scheme[] = "Bearer";
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz"
                                "0123456789-_.";
    size_t blanks;

    if (!authorization ||
        strncmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return NULL;
    }
    authorization += sizeof scheme - 1;
    blanks = strspn(authorization, " \t");
    authorization += blanks;
    if (blanks == 0 || *authorization == '\0' ||
        !strchr(first, *authorization)) {
        return NULL;
    }
    return authorization;
}

static bool
token_good(const char *token, const char *expected)
{
    size_t size = strlen(expected);

    return strlen(token) == size && CRYPTO_memcmp(token, expected, size) == 0;
}

static bool
solution_digits(const char *solution, size_t length)
{
    return strspn(solution, "0123456789") >= length;
}

enum emu_verdict
emu_request_check(const struct emu_request *request,
                  const struct emu_demand *demand)
{
    const char *solution = NULL;
    const char *token;
    size_t length = 0;
    bool followed = false;

    if (!split_path(request->path, &solution, &length, &followed)) {
        return EMU_BAD_PATH;
    }
    if (strcmp(request->method, "GET") != 0) {
        return EMU_BAD_METHOD;
    }
    /* Who followed a redirect is told of it whatever headers were kept. */
    if (followed) {
        return EMU_FOLLOWED;
    }
    token = bearer(request->authorization);
    if (!token) {
        return EMU_NO_TOKEN;
    }
    if (!token_good(token, demand->partner_token)) {
        return EMU_WRONG_TOKEN;
    }
    if (demand->app_secret &&
        !emu_proof_good(demand->app_secret, token, request->proof,
                        request->proof_time, demand->now)) {
        return EMU_BAD_PROOF;
    }
    if (!solution_digits(solution, length)) {
        return EMU_BAD_SOLUTION;
    }
    if (request->business_ids != 1 || !emu_is_digits(request->business_id)) {
        return EMU_BAD_BUSINESS;
    }
    if (strlen(demand->solution_id) != length ||
        strncmp(solution, demand->solution_id, length) != 0) {
        return EMU_UNKNOWN_SOLUTION;
    }
    return EMU_GOOD;
}
