/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "emulator.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 15000

/* Reads a small file; 0, or -1 where it isn't there. */
static int
read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;

    if (fd >= 0) {
        close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return got > 0 ? 0 : -1;
}

static int
write_scenario(const char *path, const char *scenario)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        return -1;
    }
    (void)fputs(scenario, file);
    return fclose(file);
}

int
emulator_start(struct emulator *emulator, const char *certificate,
               const char *scenario)
{
    const char *program = getenv("MPS_GRAPH_EMULATOR");
    const struct timespec moment = {0, 10000000};
    int waited_ms = 0;
    char option[4][128];
    char path[96];
    char *arguments[] = {option[0], option[1], option[2],
                         option[3], path,      NULL};

    program = program != NULL ? program : "./mps-graph-emulator";
    snprintf(emulator->directory, sizeof(emulator->directory),
             "/tmp/mps-test-http-XXXXXX");
    if (mkdtemp(emulator->directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/scenario", emulator->directory);
    if (write_scenario(path, scenario) != 0) {
        return -1;
    }
    snprintf(option[0], sizeof(option[0]), "mps-graph-emulator");
    snprintf(option[1], sizeof(option[1]), "--port=0");
    snprintf(option[2], sizeof(option[2]), "--dir=%s", emulator->directory);
    snprintf(option[3], sizeof(option[3]), "--certificate=%s", certificate);
    snprintf(path, sizeof(path), "--scenario=%s/scenario",
             emulator->directory);
    if (posix_spawn(&emulator->pid, program, NULL, NULL, arguments, environ) !=
        0) {
        fprintf(stderr, "can't run %s; set MPS_GRAPH_EMULATOR\n", program);
        return -1;
    }
    snprintf(path, sizeof(path), "%s/base_url", emulator->directory);
    snprintf(emulator->ca_path, sizeof(emulator->ca_path), "%s/ca.pem",
             emulator->directory);
    while (read_file(path, emulator->base_url, sizeof(emulator->base_url)) !=
           0) {
        if (waited_ms > START_MS) {
            return -1;
        }
        waited_ms += 10;
        nanosleep(&moment, NULL);
    }
    return 0;
}

void
emulator_stop(struct emulator *emulator)
{
    static const char *const names[] = {"scenario", "ca.pem", "partner_token",
                                        "base_url"};
    char path[96];

    if (emulator->pid > 0) {
        kill(emulator->pid, SIGTERM);
        waitpid(emulator->pid, NULL, 0);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", emulator->directory, names[i]);
        unlink(path);
    }
    rmdir(emulator->directory);
}
