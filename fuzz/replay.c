/* SPDX-License-Identifier: MIT */
/*
 * Runs a target over the files that are named, without libFuzzer: the seed
 * corpus as a test, with any compiler. With MPS_LIBFUZZER main() is
 * libFuzzer's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>
#include <stdlib.h>

#include "target.h"

int fuzz_replay(const char *path);

/* 0, or -1 where the file can't be read. */
int
fuzz_replay(const char *path)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *data = NULL;
    size_t size = 0;
    size_t got;
    int result = -1;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    do {
        uint8_t *grown = realloc(data, size + BUFSIZ);

        if (grown == NULL) {
            goto out;
        }
        data = grown;
        got = fread(data + size, 1, BUFSIZ, file);
        size += got;
    } while (got > 0);
    if (ferror(file) == 0) {
        /* A copy of the exact size: a look behind its end is then seen. */
        uint8_t *exact = realloc(data, size > 0 ? size : 1);

        data = exact != NULL ? exact : data;
        LLVMFuzzerTestOneInput(data, size);
        result = 0;
    }
out:
    free(data);
    (void)fclose(file);
    return result;
}

#ifndef MPS_LIBFUZZER
int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        /* Whoever falls is named. */
        fprintf(stderr, "%s\n", argv[i]);
        if (fuzz_replay(argv[i]) != 0) {
            return 1;
        }
    }
    return argc > 1 ? 0 : 2;
}
#endif
