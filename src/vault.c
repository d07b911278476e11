/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

/* A chunk begins at a multiple of this, so that a piece's address tells its
 * chunk: a power of two, and at least a page of any machine. */
#define CHUNK ((size_t)64 * 1024)

/* Pieces take up a multiple of STEP; between LEAST and MOST they share a
 * chunk, of which what is left over is then at most a sixteenth. */
#define STEP sizeof(uint64_t)
#define LEAST ((size_t)64)
#define MOST ((size_t)4096)

#define WORD_BITS 64

/* The chunks of one process. */
struct pool {
    struct pool *former; /* the parent's; so that it stays reachable */
    unsigned generation;
    pthread_mutex_t lock;
    LIST_HEAD(chunks, chunk) with_room;
};

/* A mapping: this, and slots of one size. What no piece is in is all 0. */
struct chunk {
    LIST_ENTRY(chunk) link; /* among those with room */
    struct pool *pool;      /* whose lock guards the chunk */
    size_t size;            /* bytes mapped */
    size_t slot_size;
    size_t slots;
    size_t used;
    atomic_size_t locked; /* bytes, from the chunk on; whole pages */
    uint64_t taken[CHUNK / LEAST / WORD_BITS]; /* a bit for each slot */
};
_Static_assert(sizeof(struct chunk) % STEP == 0, "slots aren't aligned");

/* A fork makes the parent's pool another's; see process.c. */
static struct {
    _Atomic(struct pool *) pool;
    atomic_uint generation; /* forks between us and the first */
} vault;

/* --- for who looks on -------------------------------------------------------
 */

/* AddressSanitizer knows of malloc() alone. */
static void
forbid(void *memory, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

static void
allow(void *memory, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

/* --- chunks -----------------------------------------------------------------
 */

static size_t
round_up(size_t size, size_t step)
{
    return (size + step - 1) / step * step;
}

/* Zeroed memory at a multiple of CHUNK, or NULL. */
static void *
map_aligned(size_t size)
{
    size_t head;
    char *data = mmap(NULL, size + CHUNK, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (data == MAP_FAILED) {
        return NULL;
    }
    head = round_up((uintptr_t)data, CHUNK) - (uintptr_t)data;
    if (head > 0) {
        (void)munmap(data, head);
    }
    data += head;
    (void)munmap(data + size, CHUNK - head);
    return data;
}

static struct chunk *
new_chunk(struct pool *pool, size_t slot_size)
{
    size_t size = CHUNK;
    struct chunk *chunk;

    if (slot_size > MOST) {
        size = round_up(sizeof(*chunk) + slot_size,
                        (size_t)sysconf(_SC_PAGESIZE));
    }
    chunk = map_aligned(size);
    if (chunk == NULL) {
        return NULL;
    }
    (void)madvise(chunk, size, MADV_DONTDUMP);
    chunk->pool = pool;
    chunk->size = size;
    chunk->slot_size = slot_size;
    chunk->slots = slot_size > MOST ? 1 : (size - sizeof(*chunk)) / slot_size;
    forbid(chunk + 1, size - sizeof(*chunk));
    return chunk;
}

static struct chunk *
chunk_of(void *piece)
{
    char *byte = piece;

    return (struct chunk *)(void *)(byte - (uintptr_t)byte % CHUNK);
}

static void
free_chunk(struct chunk *chunk)
{
    allow(chunk, chunk->size);
    (void)munmap(chunk, chunk->size);
}

/* Up to the piece's end, if it isn't locked yet. That is best effort, as all
 * of it: an old kernel or a small limit must not keep a host from its tokens.
 * Not all of a chunk at once, for it would take up RAM; and without the pool's
 * lock, since it takes its time. Two that do it at once do some of it twice.
 */
static void
lock_up_to(void *piece)
{
    struct chunk *chunk = chunk_of(piece);
    size_t end = (size_t)((char *)piece - (char *)chunk) + chunk->slot_size;
    size_t locked = atomic_load(&chunk->locked);

    if (end > locked) {
        (void)mlock((char *)chunk + locked, end - locked);
        atomic_store(&chunk->locked,
                     round_up(end, (size_t)sysconf(_SC_PAGESIZE)));
    }
}

static void *
take_slot(struct chunk *chunk)
{
    size_t slot = 0;

    while ((chunk->taken[slot / WORD_BITS] >> slot % WORD_BITS & 1) != 0) {
        slot++;
    }
    chunk->taken[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
    chunk->used++;
    return (char *)(chunk + 1) + slot * chunk->slot_size;
}

static void
leave_slot(struct chunk *chunk, const void *piece)
{
    size_t slot = (size_t)((const char *)piece - (const char *)(chunk + 1)) /
                  chunk->slot_size;

    chunk->taken[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
    chunk->used--;
}

/* --- pools ------------------------------------------------------------------
 */

/* This process's, made at first need. NULL without memory. */
static struct pool *
find_pool(void)
{
    struct pool *found;

    while ((found = atomic_load(&vault.pool)) == NULL ||
           found->generation != atomic_load(&vault.generation)) {
        struct pool *fresh = calloc(1, sizeof(*fresh));

        if (fresh == NULL) {
            return NULL;
        }
        fresh->former = found;
        fresh->generation = atomic_load(&vault.generation);
        pthread_mutex_init(&fresh->lock, NULL);
        if (!atomic_compare_exchange_strong(&vault.pool, &found, fresh)) {
            pthread_mutex_destroy(&fresh->lock);
            free(fresh);
        }
    }
    return found;
}

/* A slot of a chunk that has room, or NULL. Called with the lock. */
static void *
take_unlocked(struct pool *pool, size_t slot_size)
{
    struct chunk *chunk = LIST_FIRST(&pool->with_room);
    void *piece;

    while (chunk != NULL && chunk->slot_size != slot_size) {
        chunk = LIST_NEXT(chunk, link);
    }
    if (chunk == NULL) {
        return NULL;
    }
    piece = take_slot(chunk);
    if (chunk->used == chunk->slots) {
        LIST_REMOVE(chunk, link);
    }
    return piece;
}

/* Likewise, where need be of a new chunk. */
static void *
take(struct pool *pool, size_t slot_size)
{
    struct chunk *chunk;
    void *piece;

    pthread_mutex_lock(&pool->lock);
    piece = take_unlocked(pool, slot_size);
    pthread_mutex_unlock(&pool->lock);
    if (piece != NULL) {
        return piece;
    }
    /* Without the lock: who gives back a piece must not wait for this. */
    chunk = new_chunk(pool, slot_size);
    if (chunk == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&pool->lock);
    LIST_INSERT_HEAD(&pool->with_room, chunk, link);
    piece = take_unlocked(pool, slot_size);
    pthread_mutex_unlock(&pool->lock);
    return piece;
}

void *
mpsc_vault_new(size_t size)
{
    size_t slot_size = size > LEAST ? round_up(size, STEP) : LEAST;
    int saved = errno;
    struct pool *pool;
    void *piece = NULL;

    pool = size < SIZE_MAX / 2 ? find_pool() : NULL;
    if (pool != NULL) {
        piece = take(pool, slot_size);
    }
    if (piece != NULL) {
        lock_up_to(piece);
        allow(piece, size);
    }
    errno = saved;
    return piece;
}

void
mpsc_vault_free(void *piece)
{
    struct chunk *chunk;
    struct pool *pool;
    int saved = errno;
    int is_empty;

    if (piece == NULL) {
        return;
    }
    chunk = chunk_of(piece);
    pool = chunk->pool;
    allow(piece, chunk->slot_size);
    explicit_bzero(piece, chunk->slot_size);
    forbid(piece, chunk->slot_size);
    if (pool->generation != atomic_load(&vault.generation)) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    if (chunk->used == chunk->slots) {
        LIST_INSERT_HEAD(&pool->with_room, chunk, link);
    }
    leave_slot(chunk, piece);
    is_empty = chunk->used == 0;
    if (is_empty) {
        LIST_REMOVE(chunk, link);
    }
    pthread_mutex_unlock(&pool->lock);
    if (is_empty) {
        free_chunk(chunk);
    }
    errno = saved;
}

void
mpsc_vault_forked(void)
{
    atomic_fetch_add(&vault.generation, 1);
}
