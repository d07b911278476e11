/* SPDX-License-Identifier: MIT */
/*
 * By GLib's SHA-256 and not by src/digest.c: to load and initialise libcrypto
 * for three hashes would add a sixth to the time of a load.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "place.h"

#include <glib.h>

#define BUSINESS_BIT (INT64_C(1) << 62)

/* The first 8 bytes of the text's SHA-256, big endian. */
static uint64_t
hash64(const char *text)
{
    char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    uint64_t hash;

    hex[16] = '\0';
    hash = g_ascii_strtoull(hex, NULL, 16);
    g_free(hex);
    return hash;
}

static int64_t
offset_of(char *text)
{
    int64_t offset = (int64_t)(hash64(text) >> 2);

    g_free(text);
    return offset;
}

unsigned
mpsk_place_page(const char *business_id)
{
    return (unsigned)(hash64(business_id) % MPSK_PAGES);
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
    place->page = mpsk_place_page(business_id);
    place->business_lock =
        offset_of(g_strdup_printf("%s\n%s\n%s", endpoint, solution_id,
                                  business_id)) |
        BUSINESS_BIT;
    place->page_lock =
        mpsk_place_page_lock(endpoint, solution_id, place->page);
}
