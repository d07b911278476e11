/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* Each can be asked for once: what never takes its name stays "starting". */
static const char *const sentinels[] = {
    "org.example.Sentinel1", "org.example.Sentinel2", "org.example.Sentinel3",
    "org.example.Sentinel4", "org.example.Sentinel5", "org.example.Sentinel6"};
static size_t sentinels_used;

static char dir[64];
static char address[128];
static pid_t bus_pid;
static pid_t keyring_pid;

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "desk: %s: %s\n", what, strerror(errno));
    desk_close();
    exit(99);
}

static void
nap(void)
{
    const struct timespec tick = {0, 5 * 1000000L};

    nanosleep(&tick, NULL);
}

const char *
desk_dir(void)
{
    return dir;
}

const char *
desk_bus(void)
{
    return address;
}

const char *
desk_path(const char *name)
{
    static _Thread_local char paths[4][256];
    static _Thread_local unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void
write_file(const char *name, const char *text)
{
    FILE *file = fopen(desk_path(name), "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        die(name);
    }
}

static void
write_service(const char *name)
{
    char file[128];
    char text[512];

    snprintf(file, sizeof(file), "services/%s.service", name);
    snprintf(text, sizeof(text),
             "[D-BUS Service]\nName=%s\nExec=/bin/touch %s/started-%s\n", name,
             dir, name);
    write_file(file, text);
}

static int
take_mark(const char *name)
{
    char file[128];

    snprintf(file, sizeof(file), "started-%s", name);
    return unlink(desk_path(file)) == 0;
}

/*
 * Waits until what the bus was asked for so far has come to its end: it starts
 * one after the other, this one last, and has a child beside each until then.
 */
static void
await_starts(void)
{
    const char *sentinel = sentinels[sentinels_used++];

    (void)desk_run("dbus-send --session --type=method_call --dest=%s / a.b.c",
                   sentinel);
    for (int ms = 0; !take_mark(sentinel); ms += 5) {
        if (ms > PATIENCE_MS) {
            die("the bus starts nothing");
        }
        nap();
    }
    for (int ms = 0;
         desk_run("ps -o stat= --ppid %d | grep -qv '^Z'", (int)bus_pid) == 0;
         ms += 5) {
        if (ms > PATIENCE_MS) {
            die("what the bus has started doesn't end");
        }
        nap();
    }
}

int
desk_started_service(void)
{
    await_starts();
    return take_mark("org.freedesktop.secrets");
}

int
desk_started_prompter(void)
{
    int system;

    await_starts();
    system = take_mark("org.gnome.keyring.SystemPrompter");
    return take_mark("org.gnome.keyring.PrivatePrompter") || system;
}

/* Starts a program that ends with us; `text` is on its standard input. */
static pid_t
start(const char *const argv[], const char *text)
{
    int in[2];
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        die(argv[0]);
    }
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(in[0]);
    if (write(in[1], text, strlen(text)) < 0) {
        die(argv[0]);
    }
    close(in[1]);
    return pid;
}

static void
stop(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

static int
bus_answers(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok;

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/bus", dir);
    ok = connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
    close(fd);
    return ok;
}

void
desk_open(void)
{
    char config[1024];
    char option[160];
    const char *const argv[] = {"dbus-daemon", "--nofork", option, NULL};
    const char *names[] = {"org.freedesktop.secrets",
                           "org.gnome.keyring.SystemPrompter",
                           "org.gnome.keyring.PrivatePrompter"};

    strcpy(dir, "/tmp/mps-keyring-XXXXXX");
    if (mkdtemp(dir) == NULL || mkdir(desk_path("services"), 0700) != 0 ||
        mkdir(desk_path("data"), 0700) != 0 ||
        mkdir(desk_path("run"), 0700) != 0) {
        die("directory");
    }
    snprintf(address, sizeof(address), "unix:path=%s/bus", dir);
    snprintf(config, sizeof(config),
             "<busconfig><type>session</type><listen>%s</listen>"
             "<auth>EXTERNAL</auth><servicedir>%s/services</servicedir>"
             "<policy context=\"default\"><allow send_destination=\"*\"/>"
             "<allow receive_sender=\"*\"/><allow own=\"*\"/></policy>"
             "</busconfig>",
             address, dir);
    write_file("bus.conf", config);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        write_service(names[i]);
    }
    for (size_t i = 0; i < sizeof(sentinels) / sizeof(sentinels[0]); i++) {
        write_service(sentinels[i]);
    }
    setenv("HOME", dir, 1);
    setenv("XDG_DATA_HOME", desk_path("data"), 1);
    setenv("XDG_RUNTIME_DIR", desk_path("run"), 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
    snprintf(option, sizeof(option), "--config-file=%s/bus.conf", dir);
    bus_pid = start(argv, "");
    for (int ms = 0; !bus_answers(); ms += 5) {
        if (ms > PATIENCE_MS) {
            die("no bus");
        }
        nap();
    }
}

void
desk_close(void)
{
    stop(&keyring_pid);
    stop(&bus_pid);
    if (dir[0] != '\0') {
        (void)desk_run("rm -rf '%s'", dir);
    }
    dir[0] = '\0';
}

int
desk_run(const char *format, ...)
{
    char command[2048];
    va_list list;
    int status;

    va_start(list, format);
    vsnprintf(command, sizeof(command), format, list);
    va_end(list);
    fflush(NULL);
    status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Waits until the service answers with such a default collection. */
static void
await_keyring(const char *pattern)
{
    for (int ms = 0;
         desk_run("dbus-send --session --print-reply "
                  "--dest=org.freedesktop.DBus / "
                  "org.freedesktop.DBus.GetNameOwner "
                  "string:org.freedesktop.secrets >%s/out 2>&1 && "
                  "dbus-send --session --print-reply "
                  "--dest=org.freedesktop.secrets /org/freedesktop/secrets "
                  "org.freedesktop.Secret.Service.ReadAlias string:default "
                  "2>&1 | grep -q '%s'",
                  dir, pattern) != 0;
         ms += 20) {
        if (ms > PATIENCE_MS) {
            die("no keyring");
        }
        nap();
    }
}

void
desk_start_keyring(void)
{
    static const char *const argv[] = {"gnome-keyring-daemon", "--foreground",
                                       "--unlock", "--components=secrets",
                                       NULL};

    keyring_pid = start(argv, "password");
    await_keyring("collection/login");
}

void
desk_start_bare_keyring(void)
{
    static const char *const argv[] = {"gnome-keyring-daemon", "--foreground",
                                       "--components=secrets", NULL};

    setenv("XDG_DATA_HOME", desk_path("bare"), 1);
    keyring_pid = start(argv, "");
    setenv("XDG_DATA_HOME", desk_path("data"), 1);
    await_keyring("\"/\"");
}

void
desk_stop_keyring(void)
{
    stop(&keyring_pid);
    for (int ms = 0; desk_run("dbus-send --session --print-reply "
                              "--dest=org.freedesktop.DBus / "
                              "org.freedesktop.DBus.GetNameOwner "
                              "string:org.freedesktop.secrets >%s/out 2>&1",
                              dir) == 0;
         ms += 20) {
        if (ms > PATIENCE_MS) {
            die("keyring stays");
        }
        nap();
    }
}

void
desk_restart_keyring(void)
{
    desk_stop_keyring();
    desk_start_keyring();
}

void
desk_signal_keyring(int number)
{
    /* 0 would be our own process group. */
    if (keyring_pid > 0) {
        kill(keyring_pid, number);
    }
}
