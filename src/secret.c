/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The mapping's size for `len` bytes and a NUL; 0 where that overflows. */
static size_t
mapping_size(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (len > SIZE_MAX / 2) {
        return 0;
    }
    return (len + 1 + page - 1) / page * page;
}

int
mpsc_secret_reserve(struct mpsc_secret *secret, size_t len)
{
    size_t size = mapping_size(len);
    int saved = errno;
    char *data;

    if (len < secret->cap) {
        return 0;
    }
    if (size == 0) {
        return -1;
    }
    data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        errno = saved;
        return -1;
    }
    /* Both are best effort: an old kernel or a small limit must not keep a
     * host from its tokens. */
    (void)madvise(data, size, MADV_DONTDUMP);
    (void)mlock(data, size);
    errno = saved;
    if (secret->len > 0) {
        memcpy(data, secret->data, secret->len);
    }
    size_t used = secret->len;
    mpsc_secret_free(secret);
    secret->data = data;
    secret->len = used;
    secret->cap = size;
    return 0;
}

int
mpsc_secret_append(struct mpsc_secret *secret, const void *bytes, size_t len)
{
    size_t need = secret->len + len;

    if (need < len) {
        return -1;
    }
    if (need >= secret->cap) {
        /* Doubling keeps the copies few: a body comes in many pieces. */
        size_t ask = need < secret->cap * 2 ? secret->cap * 2 - 1 : need;

        if (mpsc_secret_reserve(secret, ask) != 0) {
            return -1;
        }
    }
    if (len > 0) {
        memcpy(secret->data + secret->len, bytes, len);
    }
    secret->len = need;
    secret->data[need] = '\0';
    return 0;
}

int
mpsc_secret_set(struct mpsc_secret *secret, const void *bytes, size_t len)
{
    struct mpsc_secret fresh = MPSC_SECRET_EMPTY;

    if (mpsc_secret_append(&fresh, bytes, len) != 0) {
        return -1;
    }
    mpsc_secret_move(secret, &fresh);
    return 0;
}

void
mpsc_secret_move(struct mpsc_secret *to, struct mpsc_secret *from)
{
    mpsc_secret_free(to);
    *to = *from;
    *from = (struct mpsc_secret)MPSC_SECRET_EMPTY;
}

void
mpsc_secret_free(struct mpsc_secret *secret)
{
    int saved = errno;

    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->cap);
        (void)munmap(secret->data, secret->cap);
        errno = saved;
    }
    *secret = (struct mpsc_secret)MPSC_SECRET_EMPTY;
}
