/* SPDX-License-Identifier: MIT */
/*
 * A host for packaging/lifecycle, compiled against the installed headers. It
 * knows nothing but the ABI and outlives the packages that it has loaded.
 *
 *     lifecycle_host LOG
 *
 * The module's log goes to the end of LOG. Each line of standard input is
 * answered with one:
 *
 *     get BUSINESS    code=0 source=S token=ID ms=N, or code=N ms=N MESSAGE
 *     module          the module's file, as /proc/self/maps has it
 *     quit            (no answer)
 */
#include <mps/loader.h>
#include <time.h>

static struct mps_api mps;

static void
keep_line(void *arg, int priority, const char *line)
{
    fprintf(arg, "<%d> %s\n", priority, line);
    fflush(arg);
}

static long
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
get(const char *business)
{
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    long begin = now_ms();
    int code = mps.get_credential(business, &credential);

    if (code == MPS_OK) {
        printf("code=0 source=%s token=%s ms=%ld\n",
               credential->source == MPS_SOURCE_KEYRING ? "keyring"
                                                        : "endpoint",
               credential->token_id, now_ms() - begin);
        mps.release_credential(credential);
    } else {
        mps.error(&error);
        printf("code=%d ms=%ld %s\n", code, now_ms() - begin, error.message);
    }
}

static void
tell_module(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    const char *path = "none\n";

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        if (strstr(line, "/mps-credential/") != NULL) {
            path = strchr(line, '/');
            break;
        }
    }
    fputs(path, stdout);
    if (maps != NULL) {
        fclose(maps);
    }
}

int
main(int argc, char **argv)
{
    char line[128];
    FILE *log;

    if (argc != 2 || (log = fopen(argv[1], "ae")) == NULL) {
        fputs("usage: lifecycle_host LOG\n", stderr);
        return 2;
    }
    if (mps_load(&mps, NULL) != 0) {
        puts(mps.load_error);
        return 1;
    }
    mps.log_to(keep_line, log);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "quit") == 0) {
            break;
        }
        if (strncmp(line, "get ", 4) == 0) {
            get(line + 4);
        } else if (strcmp(line, "module") == 0) {
            tell_module();
        } else {
            puts("unknown command");
        }
        fflush(stdout);
    }
    mps.shutdown();
    mps.log_to(NULL, NULL);
    fclose(log);
    return 0;
}
