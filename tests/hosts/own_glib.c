/* SPDX-License-Identifier: MIT */
/*
 * own_glib BUSINESS SLOW: a desktop program or D-Bus service: a GLib main
 * loop, its own connection to the session bus with a name and a signal that
 * it waits for, children that GLib watches, and libsecret.
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <libsecret/secret.h>
#include <string.h>

#include "house.h"

#define NAME "org.example.OwnGlib"
#define PATH "/org/example/OwnGlib"
#define TICKS 20

static const SecretSchema schema = {
    .name = "org.example.OwnGlib",
    .attributes = {{"of", SECRET_SCHEMA_ATTRIBUTE_STRING}},
};

static struct {
    GMainLoop *loop;
    GDBusConnection *bus;
    const char *business_id;
    const char *slow_id;
    int owned;
    int heard;
    int sent;
    int reaped;
    int is_over; /* the thread's call */
} own;

static void
on_name(GDBusConnection *bus, const char *name, gpointer arg)
{
    (void)bus;
    (void)name;
    (void)arg;
    own.owned++;
    g_main_loop_quit(own.loop);
}

static void
on_name_lost(GDBusConnection *bus, const char *name, gpointer arg)
{
    (void)bus;
    (void)name;
    (void)arg;
    own.owned = -100;
    g_main_loop_quit(own.loop);
}

static void
on_signal(GDBusConnection *bus, const char *sender, const char *path,
          const char *interface, const char *signal, GVariant *values,
          gpointer arg)
{
    (void)bus;
    (void)sender;
    (void)path;
    (void)interface;
    (void)signal;
    (void)values;
    (void)arg;
    own.heard++;
}

static void
on_child(GPid pid, int status, gpointer arg)
{
    (void)arg;
    house_expect(status == 3 << 8, "the host's child ended with %d", status);
    g_spawn_close_pid(pid);
    own.reaped++;
}

static void
start_child(void)
{
    static char shell[] = "/bin/sh";
    static char option[] = "-c";
    static char command[] = "exit 3";
    char *argv[] = {shell, option, command, NULL};
    GPid pid = 0;

    house_expect(g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                               NULL, NULL, &pid, NULL),
                 "no child");
    (void)g_child_watch_add(pid, on_child, NULL);
}

/* While the thread is inside a call the loop goes round. */
static gboolean
on_tick(gpointer arg)
{
    (void)arg;
    if (own.sent < TICKS) {
        own.sent++;
        house_expect(g_dbus_connection_emit_signal(own.bus, NULL, PATH, NAME,
                                                   "Tick", NULL, NULL),
                     "the signal isn't sent");
    }
    if (own.heard == TICKS && own.reaped == 1 &&
        g_atomic_int_get(&own.is_over)) {
        g_main_loop_quit(own.loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static gpointer
call_slowly(gpointer arg)
{
    (void)house_get(own.slow_id, MPS_OK, 0);
    g_atomic_int_set(&own.is_over, 1);
    return arg;
}

static void
expect_secret(void)
{
    GError *error = NULL;
    char *secret = secret_password_lookup_sync(&schema, NULL, &error, "of",
                                               own.business_id, NULL);

    house_expect(secret != NULL && strcmp(secret, "the host's") == 0,
                 "the host's secret is lost: %s",
                 error != NULL ? error->message : "not found");
    g_clear_error(&error);
    secret_password_free(secret);
}

static int
own_name(void)
{
    GError *error = NULL;
    GVariant *reply = g_dbus_connection_call_sync(
        own.bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus",
        "GetNameOwner", g_variant_new("(s)", NAME), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    const char *owner = "";
    int same;

    if (reply != NULL) {
        g_variant_get(reply, "(&s)", &owner);
    }
    same = strcmp(owner, g_dbus_connection_get_unique_name(own.bus)) == 0;
    g_clear_error(&error);
    g_clear_pointer(&reply, g_variant_unref);
    return same;
}

static unsigned
count_descriptors(void)
{
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned count = 0;

    while (dir != NULL && g_dir_read_name(dir) != NULL) {
        count++;
    }
    g_clear_pointer(&dir, g_dir_close);
    return count;
}

/* libsecret makes a context, with a descriptor, for each synchronous call;
 * GDBus' thread has the last reference and drops it a moment later. */
static void
await_descriptors(unsigned count)
{
    for (int i = 0; i < 500 && count_descriptors() != count; i++) {
        g_usleep(10000);
    }
}

/* All that GLib brings along is there before the module comes: threads,
 * descriptors, SIGPIPE ignored, SIGCHLD handled. */
static int
settle(void)
{
    unsigned descriptors;

    own.loop = g_main_loop_new(NULL, FALSE);
    own.bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    if (own.bus == NULL) {
        return -1;
    }
    (void)g_bus_own_name_on_connection(own.bus, NAME,
                                       G_BUS_NAME_OWNER_FLAGS_NONE, on_name,
                                       on_name_lost, NULL, NULL);
    g_main_loop_run(own.loop);
    (void)g_dbus_connection_signal_subscribe(own.bus, NULL, NAME, "Tick", PATH,
                                             NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                             on_signal, NULL, NULL);
    start_child();
    while (own.reaped == 0) {
        (void)g_main_context_iteration(NULL, TRUE);
    }
    own.reaped = 0;
    descriptors = count_descriptors();
    if (own.owned != 1 ||
        !secret_password_store_sync(&schema, SECRET_COLLECTION_DEFAULT,
                                    "own_glib", "the host's", NULL, NULL, "of",
                                    own.business_id, NULL)) {
        return -1;
    }
    await_descriptors(descriptors);
    return 0;
}

int
main(int argc, char **argv)
{
    unsigned descriptors;
    GThread *thread;

    if (argc != 3) {
        return 98;
    }
    own.business_id = argv[1];
    own.slow_id = argv[2];
    house_open();
    if (settle() != 0) {
        return 98;
    }
    house_before();
    descriptors = count_descriptors();
    house_live(own.business_id);
    expect_secret();
    thread = g_thread_new("slow", call_slowly, NULL);
    start_child();
    (void)g_timeout_add(5, on_tick, NULL);
    g_main_loop_run(own.loop);
    (void)g_thread_join(thread);
    expect_secret();
    house_expect(own.owned == 1 && own_name(), "the name is lost");
    house_expect(own.heard == TICKS, "%d signals came", own.heard);
    mps.shutdown();
    await_descriptors(descriptors);
    house_after();
    (void)secret_password_clear_sync(&schema, NULL, NULL, "of",
                                     own.business_id, NULL);
    return house_end();
}
