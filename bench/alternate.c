/* SPDX-License-Identifier: MIT */
/*
 * alternate: how long two commands take, whole processes, run in turn: prints
 * the medians in milliseconds, that of the first command first.
 *
 *     alternate RUNS NUMBER COMMAND... -- COMMAND...
 *
 * A "{}" in an argument stands for NUMBER, which grows by one with each turn.
 * What a command leaves behind, such as a keyring's helper that still writes,
 * isn't in its time; but the next command waits for its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "times.h"

#define RUNS_MAX 101
#define ARGUMENTS_MAX 64

/* The argument with the number in place of its first "{}". */
static char *
fill_in(const char *argument, long number)
{
    const char *at = strstr(argument, "{}");
    char *filled = NULL;

    if (at == NULL) {
        filled = strdup(argument);
    } else if (asprintf(&filled, "%.*s%ld%s", (int)(at - argument), argument,
                        number, at + 2) < 0) {
        filled = NULL;
    }
    if (filled == NULL) {
        perror("alternate");
        exit(1);
    }
    return filled;
}

/* Runs it; its time in milliseconds. */
static double
run(char **command, long number)
{
    char *argv[ARGUMENTS_MAX + 1] = {NULL};
    double begin;
    double end;
    int status;
    pid_t pid;

    for (int i = 0; command[i] != NULL && i < ARGUMENTS_MAX; i++) {
        argv[i] = fill_in(command[i], number);
    }
    begin = times_now_ms();
    pid = vfork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "alternate: %s failed\n", argv[0]);
        exit(1);
    }
    end = times_now_ms();
    while (waitpid(-1, NULL, __WALL) > 0) {
    }
    for (int i = 0; argv[i] != NULL; i++) {
        free(argv[i]);
    }
    return end - begin;
}

int
main(int argc, char **argv)
{
    double times[2][RUNS_MAX];
    char **second = argv + 3;
    long number;
    int runs;

    while (argc > 3 && *second != NULL && strcmp(*second, "--") != 0) {
        second++;
    }
    if (argc < 6 || *second == NULL) {
        fputs("usage: alternate RUNS NUMBER COMMAND... -- COMMAND...\n",
              stderr);
        return 2;
    }
    *second++ = NULL;
    runs = atoi(argv[1]);
    number = atol(argv[2]);
    if (runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "alternate: 1 to %d runs\n", RUNS_MAX);
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    for (int i = 0; i < runs; i++) {
        times[0][i] = run(argv + 3, number + i);
        times[1][i] = run(second, number + i);
    }
    for (int i = 0; i < 2; i++) {
        qsort(times[i], (size_t)runs, sizeof(times[i][0]), times_compare);
    }
    printf("%.3f %.3f\n", times[0][runs / 2], times[1][runs / 2]);
    return 0;
}
