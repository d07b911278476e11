/* SPDX-License-Identifier: MIT */
/*
 * What the keyring for system services is made of: the bus, run by its own
 * file.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

#include "run_suites.h"

/* dbus-daemon's own limit is 256 of one user. */
#define CONNECTIONS 300

static GSubprocess *daemon_process;
static char *address;

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

static CU_TestInfo tests[] = {
    {"more connections than dbus-daemon's own limit", test_connections},
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
