/* SPDX-License-Identifier: MIT */
/*
 * bus_fake: what real services can't be made to do on demand.
 *
 *   bus_fake secrets LOG N    a Secret Service whose default collection isn't
 *                             there for the first N times it is asked for,
 *                             and is locked then
 *   bus_fake prompter LOG     gnome-keyring's prompters, which never answer
 *
 * Takes its names, writes "ready" to LOG, then the name of each method that
 * is called, one a line. Ends with its parent.
 */
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define COLLECTION "/org/freedesktop/secrets/collection/login"

static FILE *calls;
static unsigned without; /* answers of ReadAlias that are still to be "/" */
static int is_mute;

static const char *const secrets[] = {"org.freedesktop.secrets", NULL};
static const char *const prompters[] = {"org.gnome.keyring.SystemPrompter",
                                        "org.gnome.keyring.PrivatePrompter",
                                        NULL};

static void
note(const char *text)
{
    fprintf(calls, "%s\n", text);
    fflush(calls);
}

static GVariant *
answer_to(GDBusMessage *message)
{
    const char *member = g_dbus_message_get_member(message);

    if (strcmp(member, "ReadAlias") == 0) {
        const char *path = without > 0 ? "/" : COLLECTION;

        without -= without > 0;
        return g_variant_new("(o)", path);
    }
    if (strcmp(member, "Get") == 0) {
        return g_variant_new("(v)", g_variant_new_boolean(TRUE));
    }
    return NULL;
}

/* On the connection's own thread; nothing else uses what it uses. */
static GDBusMessage *
filter(GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
       gpointer arg)
{
    GDBusMessage *reply;
    GVariant *body;

    (void)arg;
    if (!incoming || g_dbus_message_get_message_type(message) !=
                         G_DBUS_MESSAGE_TYPE_METHOD_CALL) {
        return message;
    }
    note(g_dbus_message_get_member(message));
    body = is_mute ? NULL : answer_to(message);
    if (!is_mute) {
        reply = body != NULL
                    ? g_dbus_message_new_method_reply(message)
                    : g_dbus_message_new_method_error_literal(
                          message, "org.freedesktop.DBus.Error.Failed", "no");
        if (body != NULL) {
            g_dbus_message_set_body(reply, body);
        }
        g_dbus_connection_send_message(
            bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
        g_object_unref(reply);
    }
    g_object_unref(message);
    return NULL;
}

static void
take_name(GDBusConnection *bus, const char *name)
{
    GError *error = NULL;
    GVariant *answer = g_dbus_connection_call_sync(
        bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "RequestName", g_variant_new("(su)", name, 0u),
        G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    guint32 result = 0;

    if (answer != NULL) {
        g_variant_get(answer, "(u)", &result);
        g_variant_unref(answer);
    }
    if (result != 1) {
        fprintf(stderr, "bus_fake: %s: %s\n", name,
                error != NULL ? error->message : "is taken");
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    const char *const *names;
    GDBusConnection *bus;
    GMainLoop *loop;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc < 3 || (calls = fopen(argv[2], "we")) == NULL) {
        return 2;
    }
    is_mute = strcmp(argv[1], "prompter") == 0;
    names = is_mute ? prompters : secrets;
    without = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    if (bus == NULL) {
        return 1;
    }
    g_dbus_connection_add_filter(bus, filter, NULL, NULL);
    for (; *names != NULL; names++) {
        take_name(bus, *names);
    }
    note("ready");
    loop = g_main_loop_new(NULL, FALSE);
    g_main_loop_run(loop);
    return 0;
}
