/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads up to the end, keeps what fits. */
static void
read_output(int fd, char *output)
{
    char bytes[256];
    size_t len = 0;
    ssize_t got;

    do {
        size_t room = CLI_COMMAND_OUTPUT - 1 - len;

        got = read(fd, bytes, sizeof(bytes));
        if (got > 0) {
            size_t kept = (size_t)got < room ? (size_t)got : room;

            memcpy(output + len, bytes, kept);
            len += kept;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    while (len > 0 && output[len - 1] == '\n') {
        len--;
    }
    output[len] = '\0';
}

static int
wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return 127;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Both pipes are close-on-exec; 0 or an errno. */
static int
spawn(const char *const argv[], const int in[2], const int out[2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return error;
    }
    if ((error = posix_spawn_file_actions_adddup2(&actions, in[0], 0)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, out[1], 1)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, out[1], 2)) == 0) {
        error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv,
                             environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int
cli_command_run(const char *const argv[], const char *in, char *output)
{
    int input[2] = {-1, -1};
    int out[2] = {-1, -1};
    int result = 127;
    pid_t pid = 0;
    int error;

    output[0] = '\0';
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        error = errno;
        goto out;
    }
    /* It fits into the pipe, and a program that doesn't read it is none of
     * our business: SIGPIPE is ignored. */
    if (in != NULL && write(input[1], in, strlen(in)) < 0) {
        error = errno;
        goto out;
    }
    error = spawn(argv, input, out, &pid);
    close(input[1]);
    close(out[1]);
    input[1] = out[1] = -1;
    if (error == 0) {
        read_output(out[0], output);
        result = wait_for(pid);
    }
out:
    if (error != 0) {
        snprintf(output, CLI_COMMAND_OUTPUT, "%s: %s", argv[0],
                 strerror(error));
    }
    for (int i = 0; i < 2; i++) {
        if (input[i] >= 0) {
            close(input[i]);
        }
        if (out[i] >= 0) {
            close(out[i]);
        }
    }
    return result;
}

int
cli_command_there(const char *name)
{
    static const char *const directories[] = {
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
        "/usr/bin",        "/sbin",          "/bin"};
    char path[256];

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directories[i], name);
        if (access(path, X_OK) == 0) {
            return 1;
        }
    }
    return 0;
}
