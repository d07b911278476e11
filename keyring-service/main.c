/* SPDX-License-Identifier: MIT */
/*
 * keyring-service: the main process of mps-credential-keyring@USER.service,
 * as that user. It starts a D-Bus of its own at /run/mps-credential/UID/bus
 * and gnome-keyring's secrets component on it, whose standard input is the
 * unlock password, the credential "keyring-password" of the unit: no process
 * of ours ever reads that. It reports ready when the default collection is
 * unlocked, and ends when one of the two does; the unit starts it again.
 *
 * Exit status: 0 when it was told to stop; 77 where the password is not that
 * of the keyring, 78 where something isn't set up, by which the unit does not
 * try again; else 1.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "collection.h"
#include "notify.h"
#include "runtime_dir.h"

#define CREDENTIAL "keyring-password"

/* Between two looks at the collection while it is being unlocked, how long
 * all of that may take, and how long it may be there and locked. */
#define LOOK_MS 50
#define PATIENCE_US (20 * G_USEC_PER_SEC)
#define LOCKED_US (5 * G_USEC_PER_SEC)

static const char bus_config[] =
    "--config-file=" MPS_DATADIR "/mps-credential/keyring-bus.conf";

struct service {
    char *directory; /* /run/mps-credential/UID */
    char *socket;    /* the bus */
    char *address;
    char **environment;
    int password; /* descriptor */
    GSubprocess *bus;
    GSubprocess *keyring;
    GDBusConnection *connection;
    GMainLoop *loop;
    guint look;
    gint64 began;
    gint64 locked_since; /* 0: it isn't, as far as is known */
    int status;
};

/* To the journal and to systemctl status. Returns `status`. */
static int __attribute__((format(printf, 2, 3)))
fail(int status, const char *format, ...)
{
    va_list arguments;
    char *text;
    char *lines;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    lines = g_strdup_printf("STATUS=%s", text);
    fprintf(stderr, "<3>%s\n", text);
    (void)mpss_notify(lines);
    g_free(lines);
    g_free(text);
    return status;
}

/* The credential, which may not be empty: gnome-keyring would then keep all
 * in the clear. */
static int
open_password(struct service *service)
{
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    char *path = directory != NULL
                     ? g_build_filename(directory, CREDENTIAL, NULL)
                     : NULL;
    struct stat status;

    service->password =
        path != NULL ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    g_free(path);
    if (service->password < 0 || fstat(service->password, &status) != 0 ||
        status.st_size == 0) {
        return fail(EX_CONFIG,
                    "no unlock password (the unit's credential " CREDENTIAL
                    "): run mps-credential keyring-setup %s as root",
                    g_get_user_name());
    }
    return 0;
}

static int
prepare(struct service *service)
{
    const char *state = g_getenv("STATE_DIRECTORY");
    int fd;

    service->directory =
        g_strdup_printf("/run/mps-credential/%u", (unsigned)geteuid());
    service->socket = g_build_filename(service->directory, "bus", NULL);
    service->address = g_strdup_printf("unix:path=%s", service->socket);
    if (state == NULL || state[0] != '/') {
        return fail(EX_CONFIG, "no STATE_DIRECTORY: this is a part of "
                               "mps-credential-keyring@.service, and of no "
                               "use by hand");
    }
    fd = mpsc_runtime_dir_open(service->directory);
    if (fd < 0) {
        return fail(EX_CONFIG,
                    "%s: %s: run mps-credential keyring-setup %s as root",
                    service->directory, g_strerror(errno), g_get_user_name());
    }
    close(fd);
    service->environment = g_environ_setenv(
        g_get_environ(), "DBUS_SESSION_BUS_ADDRESS", service->address, TRUE);
    service->environment =
        g_environ_setenv(service->environment, "HOME", state, TRUE);
    service->environment =
        g_environ_setenv(service->environment, "XDG_DATA_HOME", state, TRUE);
    /* dbus-daemon would report itself ready in our place. */
    service->environment =
        g_environ_unsetenv(service->environment, "NOTIFY_SOCKET");
    return open_password(service);
}

/* NULL after a message. */
static GSubprocess *
start(struct service *service, GSubprocessFlags flags, int in,
      const char *const *argv)
{
    GSubprocessLauncher *launcher = g_subprocess_launcher_new(flags);
    GError *error = NULL;
    GSubprocess *process;

    g_subprocess_launcher_set_environ(launcher, service->environment);
    if (in >= 0) {
        g_subprocess_launcher_take_stdin_fd(launcher, in);
    }
    process = g_subprocess_launcher_spawnv(launcher, argv, &error);
    if (process == NULL) {
        service->status =
            fail(EX_CONFIG, "%s; install the package %s", error->message,
                 strcmp(argv[0], "dbus-daemon") == 0 ? "dbus-daemon"
                                                     : "gnome-keyring");
        g_error_free(error);
    }
    g_object_unref(launcher);
    return process;
}

/* Waits until the bus listens, which it says by a line with its address. */
static int
start_bus(struct service *service)
{
    char *option = g_strdup_printf("--address=%s", service->address);
    const char *argv[] = {
        "dbus-daemon", "--nofork", "--nopidfile", "--print-address=1",
        bus_config,    option,     NULL};
    GDataInputStream *out;
    GError *error = NULL;
    char *line;

    service->bus = start(service, G_SUBPROCESS_FLAGS_STDOUT_PIPE, -1, argv);
    g_free(option);
    if (service->bus == NULL) {
        return -1;
    }
    out = g_data_input_stream_new(g_subprocess_get_stdout_pipe(service->bus));
    line = g_data_input_stream_read_line(out, NULL, NULL, NULL);
    if (line != NULL) {
        service->connection = g_dbus_connection_new_for_address_sync(
            service->address,
            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
            NULL, NULL, &error);
    }
    if (service->connection == NULL) {
        service->status =
            fail(EXIT_FAILURE, "dbus-daemon at %s: %s", service->address,
                 error != NULL ? error->message : "it ended");
    }
    g_clear_error(&error);
    g_free(line);
    g_object_unref(out);
    return service->connection != NULL ? 0 : -1;
}

static void
finish(struct service *service, int status)
{
    service->status = status;
    g_main_loop_quit(service->loop);
}

static void
ended(GObject *source, GAsyncResult *result, gpointer data)
{
    struct service *service = data;
    GError *error = NULL;

    if (!g_subprocess_wait_finish(G_SUBPROCESS(source), result, &error)) {
        finish(service, fail(EXIT_FAILURE, "%s", error->message));
        g_error_free(error);
        return;
    }
    finish(service, fail(EXIT_FAILURE, "%s has ended",
                         G_SUBPROCESS(source) == service->bus
                             ? "dbus-daemon"
                             : "gnome-keyring-daemon"));
}

static gboolean
stop(gpointer data)
{
    finish(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

/* gnome-keyring has its name a moment before its collections. */
static gboolean
look(gpointer data)
{
    struct service *service = data;
    enum mpss_collection state = mpss_collection_state(service->connection);
    gint64 now = g_get_monotonic_time();

    if (state == MPSS_COLLECTION_UNLOCKED) {
        (void)mpss_notify("READY=1\nSTATUS=The keyring is unlocked.");
        return G_SOURCE_REMOVE;
    }
    if (state != MPSS_COLLECTION_LOCKED) {
        service->locked_since = 0;
    } else if (service->locked_since == 0) {
        service->locked_since = now;
    }
    if (service->locked_since != 0 &&
        now - service->locked_since > LOCKED_US) {
        finish(service,
               fail(EX_NOPERM,
                    "wrong password: the credential " CREDENTIAL
                    " does not unlock the keyring in %s; restore the one that "
                    "does, or begin with an empty keyring: mps-credential "
                    "keyring-setup --undo %s, then without --undo",
                    g_getenv("STATE_DIRECTORY"), g_get_user_name()));
    } else if (now - service->began > PATIENCE_US) {
        finish(service, fail(EXIT_FAILURE,
                             "gnome-keyring-daemon has no default collection "
                             "after 20 s"));
    }
    return G_SOURCE_CONTINUE;
}

static void
end(GSubprocess *process)
{
    if (process != NULL) {
        g_subprocess_send_signal(process, SIGTERM);
        (void)g_subprocess_wait(process, NULL, NULL);
        g_object_unref(process);
    }
}

static void
run(struct service *service)
{
    const char *const argv[] = {"gnome-keyring-daemon", "--foreground",
                                "--unlock", "--components=secrets", NULL};

    if (start_bus(service) != 0) {
        return;
    }
    service->keyring = start(service, G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                             service->password, argv);
    service->password = -1;
    if (service->keyring == NULL) {
        return;
    }
    service->loop = g_main_loop_new(NULL, FALSE);
    service->began = g_get_monotonic_time();
    g_unix_signal_add(SIGTERM, stop, service);
    g_unix_signal_add(SIGINT, stop, service);
    g_subprocess_wait_async(service->bus, NULL, ended, service);
    g_subprocess_wait_async(service->keyring, NULL, ended, service);
    g_timeout_add(LOOK_MS, look, service);
    g_main_loop_run(service->loop);
}

int
main(void)
{
    struct service service = {.password = -1};

    umask(077);
    service.status = prepare(&service);
    if (service.status == 0) {
        run(&service);
        /* Nobody connects to what is on its way out. */
        (void)unlink(service.socket);
    }
    /* The keyring first: without its bus it would end in an error. */
    end(service.keyring);
    end(service.bus);
    return service.status;
}
