/* SPDX-License-Identifier: MIT */
/* One line per request. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "access_log.h"

#include <time.h>

#include "stats.h"

void
emu_access_log(FILE *log, const struct emu_request *request,
               const struct emu_answer *answer)
{
    const time_t now = time(NULL);
    struct tm utc;
    char when[32] = "-";
    char status[16] = "none";

    if (!log) {
        return;
    }
    if (gmtime_r(&now, &utc)) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    if (!emu_stats_is_silent(answer->fault)) {
        (void)snprintf(status, sizeof status, "%u", answer->status);
    }
    /* A business_id that is none may be anything, a misplaced token too. */
    (void)fprintf(
        log, "%s method=%.16s business_id=%.40s status=%s fault=%s\n", when,
        request->method,
        emu_is_digits(request->business_id) ? request->business_id : "-",
        status, emu_fault_name(answer->fault));
    (void)fflush(log);
}
