/* SPDX-License-Identifier: MIT */
/*
 * What the keyring for system services is made of: the bus, run by its own
 * file, and how a Secret Service's answers on it are understood.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <gio/gio.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collection.h"
#include "run_suites.h"

/* dbus-daemon's own limit is 256 of one user. */
#define CONNECTIONS 300

#define COLLECTION "/org/freedesktop/secrets/collection/login"

static GSubprocess *daemon_process;
static char *address;

/* What the Secret Service answers; read on its connection's thread. */
static _Atomic(const char *) alias;
enum answer { UNLOCKED, LOCKED, NONSENSE, MUTE };
static atomic_int locked;

static GDBusConnection *
connect_to_bus(void)
{
    GError *error = NULL;
    GDBusConnection *bus = g_dbus_connection_new_for_address_sync(
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);

    if (bus == NULL) {
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
    }
    return bus;
}

static void
start_bus(void)
{
    GDataInputStream *out;

    daemon_process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "dbus-daemon",
                         "--nofork", "--nopidfile", "--print-address=1",
                         "--config-file=" KEYRING_BUS_CONF, NULL);
    if (daemon_process == NULL) {
        exit(99);
    }
    out =
        g_data_input_stream_new(g_subprocess_get_stdout_pipe(daemon_process));
    address = g_data_input_stream_read_line(out, NULL, NULL, NULL);
    g_object_unref(out);
    if (address == NULL) {
        exit(99);
    }
}

static void
stop_bus(void)
{
    g_subprocess_force_exit(daemon_process);
    g_subprocess_wait(daemon_process, NULL, NULL);
    g_object_unref(daemon_process);
    g_free(address);
}

static void
test_connections(void)
{
    GDBusConnection *held[CONNECTIONS];
    int count = 0;

    while (count < CONNECTIONS && (held[count] = connect_to_bus()) != NULL) {
        count++;
    }
    CU_ASSERT_EQUAL(count, CONNECTIONS);
    for (int i = 0; i < count; i++) {
        g_object_unref(held[i]);
    }
}

/* NULL: there is no answer. */
static GVariant *
answer_to(GDBusMessage *message)
{
    if (strcmp(g_dbus_message_get_member(message), "ReadAlias") == 0) {
        return g_variant_new("(o)", atomic_load(&alias));
    }
    switch (atomic_load(&locked)) {
    case MUTE:
        return NULL;
    case NONSENSE:
        return g_variant_new("(v)", g_variant_new_string("perhaps"));
    default:
        return g_variant_new("(v)", g_variant_new_boolean(locked == LOCKED));
    }
}

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
    body = answer_to(message);
    if (body != NULL) {
        reply = g_dbus_message_new_method_reply(message);
        g_dbus_message_set_body(reply, body);
        g_dbus_connection_send_message(
            bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
        g_object_unref(reply);
    }
    g_object_unref(message);
    return NULL;
}

/* A connection that is the Secret Service. */
static GDBusConnection *
make_secret_service(void)
{
    GDBusConnection *bus = connect_to_bus();
    GVariant *answer;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bus);
    g_dbus_connection_add_filter(bus, filter, NULL, NULL);
    answer = g_dbus_connection_call_sync(
        bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "RequestName",
        g_variant_new("(su)", "org.freedesktop.secrets", 0u),
        G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    g_variant_unref(answer);
    return bus;
}

static void
test_collection(void)
{
    static const struct {
        const char *alias;
        enum answer locked;
        enum mpss_collection state;
    } rows[] = {
        {"/", LOCKED, MPSS_COLLECTION_NONE},
        {COLLECTION, LOCKED, MPSS_COLLECTION_LOCKED},
        {COLLECTION, UNLOCKED, MPSS_COLLECTION_UNLOCKED},
        {COLLECTION, NONSENSE, MPSS_COLLECTION_NONE},
        {COLLECTION, MUTE, MPSS_COLLECTION_NONE},
    };
    GDBusConnection *bus = connect_to_bus();
    GDBusConnection *service;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bus);
    CU_ASSERT_EQUAL(mpss_collection_state(bus), MPSS_COLLECTION_NONE);
    service = make_secret_service();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        alias = rows[i].alias;
        locked = (int)rows[i].locked;
        CU_ASSERT_EQUAL(mpss_collection_state(bus), rows[i].state);
    }
    g_object_unref(service);
    g_object_unref(bus);
}

static CU_TestInfo tests[] = {
    {"more connections than dbus-daemon's own limit", test_connections},
    {"how the collection is", test_collection},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "keyring-service", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    int status;

    start_bus();
    status = run_suites(suites);
    stop_bus();
    return status;
}
