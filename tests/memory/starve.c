/* SPDX-License-Identifier: MIT */
#include "starve.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

/* The rest of these programs is hidden, as the module is. What runs before a
 * sanitizer is ready must not be one of its own. */
#define RAW __attribute__((no_sanitize("address", "undefined")))
#define VISIBLE __attribute__((visibility("default"))) RAW

#define SEGMENTS_MAX 256
#define STACK_MAX 24
#define BUCKETS 4096
#define BLOCKS_MAX 200000

/* The C library, the loader, the program: they ask for others. */
#define TRANSPARENT (-1)

struct segment {
    uintptr_t from;
    uintptr_t to;
    int owner;
};

struct block {
    const void *at;
    int owner;
    struct block *next;
};

static struct {
    struct segment segments[SEGMENTS_MAX];
    unsigned segment_count;
    atomic_int known;
    atomic_int counts;
    unsigned owners;
    unsigned turn;
    int all;
    atomic_uint seen;
    atomic_uint failed;
    uintptr_t stack[STACK_MAX]; /* of the first that failed */
    unsigned depth;
} starve;

static struct {
    atomic_flag lock;
    struct block *buckets[BUCKETS];
    struct block blocks[BLOCKS_MAX];
    struct block *unused;
    unsigned used;
    int held[STARVE_OWNERS];
} books = {.lock = ATOMIC_FLAG_INIT};

/* The stack of a thread that has ended, and what belongs to it, is kept by the
 * C library for the next one. */
static __thread int creates __attribute__((tls_model("initial-exec")));

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    int (*pthread_create)(pthread_t *, const pthread_attr_t *,
                          void *(*)(void *), void *);
} real;

RAW static void
find(const char *name, void *slot)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL) {
        _exit(99);
    }
    __builtin_memcpy(slot, &found, sizeof(found));
}

/* The first comes from the loader, before there is any thread. */
RAW static void
find_all(void)
{
    if (real.malloc == NULL) {
        find("calloc", &real.calloc);
        find("realloc", &real.realloc);
        find("free", &real.free);
        find("posix_memalign", &real.posix_memalign);
        find("aligned_alloc", &real.aligned_alloc);
        find("mmap", &real.mmap);
        find("munmap", &real.munmap);
        find("pthread_create", &real.pthread_create);
        find("malloc", &real.malloc);
    }
}

/* --- whose it is ----------------------------------------------------------
 */

static int
owner_by_name(const char *path, const char *module)
{
    static const struct {
        const char *part;
        int owner;
    } known[] = {
        {"libcurl", STARVE_CURL},    {"libssl", STARVE_TLS},
        {"libcrypto", STARVE_TLS},   {"libjson-c", STARVE_JSON},
        {"libglib", STARVE_GLIB},    {"libgio", STARVE_GLIB},
        {"libgobject", STARVE_GLIB}, {"libsecret", STARVE_GLIB},
        {"libgcrypt", STARVE_GLIB},  {"/libc.so", TRANSPARENT},
        {"/ld-linux", TRANSPARENT},  {"/libasan", TRANSPARENT},
        {"/libubsan", TRANSPARENT},  {"/libgcc_s", TRANSPARENT},
        {"/starve", TRANSPARENT},    {"linux-vdso", TRANSPARENT},
    };

    /* The program itself has no name. */
    if (path[0] == '\0') {
        return module == NULL ? STARVE_MODULE : TRANSPARENT;
    }
    if (module != NULL && strstr(path, module) != NULL) {
        return STARVE_MODULE;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(path, known[i].part) != NULL) {
            return known[i].owner;
        }
    }
    return STARVE_OTHER;
}

static int
take_object(struct dl_phdr_info *info, size_t size, void *module)
{
    int owner = owner_by_name(info->dlpi_name, module);

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + header->p_vaddr;

        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0 &&
            starve.segment_count < SEGMENTS_MAX) {
            starve.segments[starve.segment_count++] =
                (struct segment){from, from + header->p_memsz, owner};
        }
    }
    return 0;
}

RAW static int
owner_of(uintptr_t address)
{
    for (unsigned i = 0; i < starve.segment_count; i++) {
        if (address >= starve.segments[i].from &&
            address < starve.segments[i].to) {
            return starve.segments[i].owner;
        }
    }
    return STARVE_OTHER;
}

RAW static _Unwind_Reason_Code
see_caller(struct _Unwind_Context *context, void *arg)
{
    int *owner = arg;

    *owner = owner_of((uintptr_t)_Unwind_GetIP(context));
    return *owner == TRANSPARENT ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

RAW static _Unwind_Reason_Code
note_caller(struct _Unwind_Context *context, void *arg)
{
    (void)arg;
    starve.stack[starve.depth++] = (uintptr_t)_Unwind_GetIP(context);
    return starve.depth < STACK_MAX ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

/* The owner of an allocation that `caller` asked for, or TRANSPARENT where it
 * is the program's own. */
RAW static int
find_owner(void *caller)
{
    int owner = owner_of((uintptr_t)caller);

    if (owner == TRANSPARENT) {
        (void)_Unwind_Backtrace(see_caller, &owner);
    }
    return owner;
}

/* True where this one is to fail. */
RAW static int
fails(int owner)
{
    unsigned number;

    if (owner == TRANSPARENT || !atomic_load(&starve.counts) ||
        (starve.owners & (1U << (unsigned)owner)) == 0) {
        return 0;
    }
    number = atomic_fetch_add(&starve.seen, 1) + 1;
    if (starve.turn == 0 || number < starve.turn ||
        (number > starve.turn && !starve.all)) {
        return 0;
    }
    if (atomic_fetch_add(&starve.failed, 1) == 0) {
        (void)_Unwind_Backtrace(note_caller, NULL);
    }
    errno = ENOMEM;
    return 1;
}

/* --- the books ------------------------------------------------------------
 */

RAW static struct block **
bucket_of(const void *at)
{
    return &books.buckets[((uintptr_t)at >> 4) % BUCKETS];
}

RAW static void
lock_books(void)
{
    while (atomic_flag_test_and_set(&books.lock)) {
    }
}

RAW static void
enter(const void *at, int owner)
{
    struct block *block;

    if (at == NULL || owner == TRANSPARENT || creates) {
        return;
    }
    lock_books();
    block = books.unused;
    if (block != NULL) {
        books.unused = block->next;
    } else if (books.used < BLOCKS_MAX) {
        block = &books.blocks[books.used++];
    } else {
        _exit(98);
    }
    block->at = at;
    block->owner = owner;
    block->next = *bucket_of(at);
    *bucket_of(at) = block;
    books.held[owner]++;
    atomic_flag_clear(&books.lock);
}

/* Strikes it out; its owner, or TRANSPARENT. */
RAW static int
strike(const void *at)
{
    struct block **link = bucket_of(at);
    struct block *block;
    int owner = TRANSPARENT;

    if (at == NULL || !atomic_load(&starve.known)) {
        return owner;
    }
    lock_books();
    while (*link != NULL && (*link)->at != at) {
        link = &(*link)->next;
    }
    block = *link;
    if (block != NULL) {
        *link = block->next;
        owner = block->owner;
        books.held[owner]--;
        block->next = books.unused;
        books.unused = block;
    }
    atomic_flag_clear(&books.lock);
    return owner;
}

/* --- in the place of the real ones ----------------------------------------
 */

/* The owner; *fail tells whether it gets nothing. */
RAW static int
begin(void *caller, int *fail)
{
    int owner = TRANSPARENT;

    find_all();
    *fail = 0;
    if (atomic_load(&starve.known)) {
        owner = find_owner(caller);
        *fail = fails(owner);
    }
    return owner;
}

VISIBLE void *
malloc(size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    void *at = fail ? NULL : real.malloc(size);

    enter(at, owner);
    return at;
}

VISIBLE void *
calloc(size_t count, size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    void *at = fail ? NULL : real.calloc(count, size);

    enter(at, owner);
    return at;
}

VISIBLE void *
realloc(void *old, size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    int former;
    void *at;

    if (fail) {
        return NULL;
    }
    /* Before, since another thread may get the place right afterwards. */
    former = strike(old);
    at = real.realloc(old, size);
    if (at == NULL && size > 0) {
        enter(old, former);
    }
    enter(at, owner);
    return at;
}

VISIBLE void *
reallocarray(void *old, size_t count, size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    size_t all;
    void *at;

    if (fail || __builtin_mul_overflow(count, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    (void)strike(old);
    at = real.realloc(old, all);
    enter(at, owner);
    return at;
}

VISIBLE int
posix_memalign(void **to, size_t alignment, size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    int result = fail ? ENOMEM : real.posix_memalign(to, alignment, size);

    if (result == 0) {
        enter(*to, owner);
    }
    return result;
}

VISIBLE void *
aligned_alloc(size_t alignment, size_t size)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    void *at = fail ? NULL : real.aligned_alloc(alignment, size);

    enter(at, owner);
    return at;
}

VISIBLE void
free(void *at)
{
    find_all();
    (void)strike(at);
    real.free(at);
}

VISIBLE void *
mmap(void *where, size_t size, int rights, int flags, int fd, off_t offset)
{
    int fail;
    int owner = begin(__builtin_return_address(0), &fail);
    void *at =
        fail ? MAP_FAILED : real.mmap(where, size, rights, flags, fd, offset);

    enter(at == MAP_FAILED ? NULL : at, owner);
    return at;
}

VISIBLE int
munmap(void *at, size_t size)
{
    find_all();
    (void)strike(at);
    return real.munmap(at, size);
}

VISIBLE int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
               void *(*start)(void *), void *arg)
{
    int result = EAGAIN;
    int fail;

    (void)begin(__builtin_return_address(0), &fail);
    if (!fail) {
        creates = 1;
        result = real.pthread_create(thread, attributes, start, arg);
        creates = 0;
    }
    return result;
}

/* --- the interface --------------------------------------------------------
 */

void
starve_know(const char *module)
{
    int ignored;

    (void)dl_iterate_phdr(take_object, (void *)module);
    /* What the unwinder sets up at its first use isn't counted. */
    (void)_Unwind_Backtrace(see_caller, &ignored);
    atomic_store(&starve.known, 1);
}

void
starve_begin(unsigned owners, unsigned turn, int all)
{
    starve.owners = owners;
    starve.turn = turn;
    starve.all = all;
    starve.depth = 0;
    atomic_store(&starve.seen, 0);
    atomic_store(&starve.failed, 0);
    atomic_store(&starve.counts, 1);
}

void
starve_end(void)
{
    atomic_store(&starve.counts, 0);
}

unsigned
starve_seen(void)
{
    return atomic_load(&starve.seen);
}

unsigned
starve_failed(void)
{
    return atomic_load(&starve.failed);
}

int
starve_held(enum starve_owner owner)
{
    int held;

    lock_books();
    held = books.held[owner];
    atomic_flag_clear(&books.lock);
    return held;
}

void
starve_tell(FILE *to)
{
    for (unsigned i = 0; i < starve.depth; i++) {
        Dl_info info;

        if (owner_of(starve.stack[i]) != TRANSPARENT &&
            dladdr((void *)starve.stack[i], &info) != 0) {
            const char *name = strrchr(info.dli_fname, '/');

            fprintf(
                to, " %s+0x%lx", name != NULL ? name + 1 : info.dli_fname,
                (unsigned long)(starve.stack[i] - (uintptr_t)info.dli_fbase));
        }
    }
}
