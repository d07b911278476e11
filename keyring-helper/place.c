/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "place.h"

#include <glib.h>

#define BUSINESS_BIT (INT64_C(1) << 62)

static int64_t
offset_of(char *text)
{
    int64_t offset = (int64_t)(mpsc_keyring_hash(text) >> 2);

    g_free(text);
    return offset;
}

int64_t
mpsk_place_page_lock(const char *endpoint, const char *solution_id,
                     unsigned page)
{
    return offset_of(
        g_strdup_printf("%s\n%s\n%u", endpoint, solution_id, page));
}

void
mpsk_place_find(const char *endpoint, const char *solution_id,
                const char *business_id, struct mpsk_place *place)
{
    place->page = mpsc_keyring_page(business_id);
    place->business_lock =
        offset_of(g_strdup_printf("%s\n%s\n%s", endpoint, solution_id,
                                  business_id)) |
        BUSINESS_BIT;
    place->page_lock =
        mpsk_place_page_lock(endpoint, solution_id, place->page);
}
