/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "collection.h"

#define SERVICE "org.freedesktop.secrets"
#define ANSWER_MS 1000

/* The answer, of that type; NULL where there is none. */
static GVariant *
ask(GDBusConnection *bus, const char *path, const char *interface,
    const char *method, GVariant *arguments, const char *type)
{
    return g_dbus_connection_call_sync(
        bus, SERVICE, path, interface, method, arguments, G_VARIANT_TYPE(type),
        G_DBUS_CALL_FLAGS_NO_AUTO_START, ANSWER_MS, NULL, NULL);
}

/* Without an answer nothing is known: on a busy machine one may be late. */
static enum mpss_collection
ask_locked(GDBusConnection *bus, const char *path)
{
    GVariant *answer = ask(
        bus, path, "org.freedesktop.DBus.Properties", "Get",
        g_variant_new("(ss)", "org.freedesktop.Secret.Collection", "Locked"),
        "(v)");
    GVariant *locked = NULL;
    enum mpss_collection state = MPSS_COLLECTION_NONE;

    if (answer == NULL) {
        return state;
    }
    g_variant_get(answer, "(v)", &locked);
    if (g_variant_is_of_type(locked, G_VARIANT_TYPE_BOOLEAN)) {
        state = g_variant_get_boolean(locked) ? MPSS_COLLECTION_LOCKED
                                              : MPSS_COLLECTION_UNLOCKED;
    }
    g_variant_unref(locked);
    g_variant_unref(answer);
    return state;
}

enum mpss_collection
mpss_collection_state(GDBusConnection *bus)
{
    GVariant *answer =
        ask(bus, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service",
            "ReadAlias", g_variant_new("(s)", "default"), "(o)");
    enum mpss_collection state = MPSS_COLLECTION_NONE;
    const char *path;

    if (answer == NULL) {
        return state;
    }
    g_variant_get(answer, "(&o)", &path);
    /* "/" says that there is none. */
    if (path[1] != '\0') {
        state = ask_locked(bus, path);
    }
    g_variant_unref(answer);
    return state;
}
