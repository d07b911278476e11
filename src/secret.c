/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "secret.h"

#include <errno.h>
#include <stdatomic.h>
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

/*
 * Mappings of one page that were given back, all 0. A fetch has half a dozen
 * secrets one after the other: to map and unmap each anew took a quarter of
 * its processor time. A forked child has copies of its own.
 */
#define SPARES 8
static _Atomic(char *) spares[SPARES];

static char *
take_spare(void)
{
    char *page = NULL;

    for (unsigned i = 0; page == NULL && i < SPARES; i++) {
        page = atomic_exchange(&spares[i], NULL);
    }
    return page;
}

/* True where there is room for it. */
static int
keep_spare(char *page)
{
    int kept = 0;

    for (unsigned i = 0; !kept && i < SPARES; i++) {
        char *none = NULL;

        kept = atomic_compare_exchange_strong(&spares[i], &none, page);
    }
    return kept;
}

/* A mapping, all 0, or NULL. */
static char *
map(size_t size)
{
    char *data = size == mapping_size(0) ? take_spare() : NULL;

    if (data == NULL) {
        data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED) {
            return NULL;
        }
        (void)madvise(data, size, MADV_DONTDUMP);
    }
    /* Both are best effort: an old kernel or a small limit must not keep a
     * host from its tokens. The lock of a spare may be a parent's. */
    (void)mlock(data, size);
    return data;
}

static void
unmap(char *data, size_t size)
{
    explicit_bzero(data, size);
    if (size != mapping_size(0) || !keep_spare(data)) {
        (void)munmap(data, size);
    }
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
    data = map(size);
    errno = saved;
    if (data == NULL) {
        return -1;
    }
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
        unmap(secret->data, secret->cap);
        errno = saved;
    }
    *secret = (struct mpsc_secret)MPSC_SECRET_EMPTY;
}
