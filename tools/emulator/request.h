/* SPDX-License-Identifier: MIT */
/* A request for a token, and the rules that it must keep. */

#ifndef EMU_REQUEST_H
#define EMU_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* What came, decoded.  The texts are borrowed; NULL: it did not come. */
struct emu_request {
    const char *method;
    const char *path;
    const char *authorization;
    const char *user_agent;
    const char *business_id;
    size_t business_ids; /* how many times business_id came */
    const char *proof;
    const char *proof_time;
};

/* What the endpoint demands; the texts are borrowed. */
struct emu_demand {
    const char *solution_id;
    const char *partner_token;
    const char *app_secret; /* NULL: no proof is demanded */
    int64_t now;            /* Unix seconds */
};

enum emu_verdict {
    EMU_GOOD,
    EMU_FOLLOWED, /* good, and to the path that the fault redirect names */
    EMU_BAD_PATH,
    EMU_BAD_METHOD,
    EMU_NO_TOKEN,
    EMU_WRONG_TOKEN,
    EMU_BAD_PROOF,
    EMU_BAD_SOLUTION,
    EMU_BAD_BUSINESS,
    EMU_UNKNOWN_SOLUTION
};

/* The last path component that the fault redirect adds. */
#define EMU_REDIRECTED "/redirected"

/* The Graph version served to a request that names none that is known. */
#define EMU_NEWEST_VERSION "v26.0"

/* Judges a request by the endpoint's specification.  Pure. */
enum emu_verdict emu_request_check(const struct emu_request *request,
                                   const struct emu_demand *demand);

/* The known version that the path begins with, else the newest; static. */
const char *emu_request_version(const char *path);

/* Whether text (may be NULL) is one or more digits. */
int emu_is_digits(const char *text);

#endif
