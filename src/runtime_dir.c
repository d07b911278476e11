/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "descriptor.h"
#include "digest.h"

/* Of its own, and no other code opens it: see take_file_lock(). */
#define LOCK_FILE "files-lock"

#define NAME_DIGITS 16

/* Between two tries to get the lock; it is held for about as long. */
#define NAP_NS 100000

/* Names that a killed process may have left behind are passed over. */
#define TEMPORARY_TRIES 64
#define TEMPORARY_SIZE 128

/* Those without a name in linux/magic.h. */
#define GFS2_MAGIC 0x01161970
#define GPFS_MAGIC 0x47504653
#define LUSTRE_MAGIC 0x0bd00bd0
#define ORANGEFS_MAGIC 0x20030528
#define PANFS_MAGIC 0xaad7aaea
#define VBOXSF_MAGIC 0x786f4256
#define VMHGFS_MAGIC 0xbacbacbc

static const uint32_t foreign[] = {
    NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
    FUSE_SUPER_MAGIC, V9FS_MAGIC,       AFS_SUPER_MAGIC,  AFS_FS_MAGIC,
    CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC, NCP_SUPER_MAGIC,  OCFS2_SUPER_MAGIC,
    GFS2_MAGIC,       GPFS_MAGIC,       LUSTRE_MAGIC,     ORANGEFS_MAGIC,
    PANFS_MAGIC,      VBOXSF_MAGIC,     VMHGFS_MAGIC,
};

/* True for a file system of this machine's own. */
static int
local(int fd)
{
    struct statfs status;

    if (fstatfs(fd, &status) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        /* f_type is of another width and sign on each architecture. */
        if ((uint32_t)status.f_type == foreign[i]) {
            return 0;
        }
    }
    return 1;
}

static int
safe(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           (status.st_mode & 07777) == 0700 && local(fd);
}

/* close(2) that keeps errno. */
static void
drop(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
}

int
mpsc_runtime_dir_open(const char *path)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int saved = errno;
    int fd;

    if (path == NULL || path[0] != '/') {
        errno = EINVAL;
        return -1;
    }
    fd = mpsc_descriptor_lift(open(path, flags));
    /* Another process may make it first. */
    if (fd < 0 && errno == ENOENT &&
        (mkdir(path, 0700) == 0 || errno == EEXIST)) {
        fd = mpsc_descriptor_lift(open(path, flags));
    }
    if (fd >= 0 && !safe(fd)) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    if (fd >= 0) {
        errno = saved;
    }
    return fd;
}

int
mpsc_runtime_name(const char *kind, const char *subject, const char *more,
                  char name[MPSC_RUNTIME_NAME_SIZE])
{
    char hex[MPSC_DIGEST_HEX_SIZE];
    char *text;
    int result;

    name[0] = '\0';
    if (asprintf(&text, "%s%s", subject, more) < 0) {
        return -1;
    }
    result = mpsc_digest_sha256(text, strlen(text), hex);
    free(text);
    if (result == 0) {
        snprintf(name, MPSC_RUNTIME_NAME_SIZE, "%s-%.*s", kind, NAME_DIGITS,
                 hex);
    }
    return result;
}

/* A regular file of ours: whoever may write to it may end us, anyway. */
static int
own_file(int fd, struct stat *status)
{
    if (fstat(fd, status) != 0) {
        return 0;
    }
    if (!S_ISREG(status->st_mode) || status->st_uid != geteuid()) {
        errno = EPERM;
        return 0;
    }
    return 1;
}

/* read(2) until `size` bytes or the end are there. */
static ssize_t
read_all(int fd, char *bytes, size_t size)
{
    size_t len = 0;

    while (len < size) {
        ssize_t got = read(fd, bytes + len, size - len);

        if (got < 0 && errno != EINTR) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)len;
}

ssize_t
mpsc_runtime_read(int dir, const char *name, char *bytes, size_t size)
{
    struct stat status;
    int saved = errno;
    ssize_t len = -1;
    int fd = mpsc_descriptor_lift(openat(
        dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));

    if (fd < 0) {
        return -1;
    }
    if (own_file(fd, &status)) {
        len = read_all(fd, bytes, size);
    }
    if (len >= 0 && (size_t)len >= size) {
        errno = EFBIG;
        len = -1;
    }
    drop(fd);
    if (len >= 0) {
        bytes[len] = '\0';
        errno = saved;
    }
    return len;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno != EINTR) {
            return -1;
        }
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

/* Makes a new file under a name that nobody else uses; its descriptor or -1.
 * No name is ever taken over from another: it might still write. */
static int
make_temporary(int dir, const char *name, char temporary[TEMPORARY_SIZE])
{
    static atomic_uint last;
    int fd = -1;

    errno = EEXIST;
    for (int i = 0; fd < 0 && errno == EEXIST && i < TEMPORARY_TRIES; i++) {
        snprintf(temporary, TEMPORARY_SIZE, ".%s.%lx-%x", name,
                 (unsigned long)getpid(), atomic_fetch_add(&last, 1));
        fd = mpsc_descriptor_lift(openat(
            dir, temporary,
            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    }
    return fd;
}

/* A write beyond the host's own RLIMIT_FSIZE (systemd's LimitFSIZE=) would
 * end the host with SIGXFSZ. */
static int
allowed_size(size_t len)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < len) {
        errno = EFBIG;
        return 0;
    }
    return 1;
}

int
mpsc_runtime_replace(int dir, const char *name, const char *bytes, size_t len)
{
    char temporary[TEMPORARY_SIZE];
    int saved = errno;
    int result = -1;
    int fd;

    if (!allowed_size(len)) {
        return -1;
    }
    fd = make_temporary(dir, name, temporary);
    if (fd < 0) {
        return -1;
    }
    if (fchmod(fd, 0600) == 0 && write_all(fd, bytes, len) == 0 &&
        renameat(dir, temporary, dir, name) == 0) {
        result = 0;
    }
    drop(fd);
    if (result == 0) {
        errno = saved;
    } else {
        saved = errno;
        (void)unlinkat(dir, temporary, 0);
        errno = saved;
    }
    return result;
}

/*
 * The lock among the threads of this process. Not a mutex: a child that is
 * forked while another thread holds it would find it locked for ever, and may
 * not make it anew. A flag may be cleared by the child's handler; where fork()
 * was passed by (a bare clone(2)) the bound of the wait is what is left.
 */
static atomic_int held;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;

/* The child has neither the thread that held it nor its file lock. */
static void
release_in_child(void)
{
    atomic_store(&held, 0);
}

static void
register_handler(void)
{
    (void)pthread_atfork(NULL, NULL, release_in_child);
}

/* A short sleep; 0 where the time is over (CLOCK_MONOTONIC ms). */
static int
nap_until(int64_t until_ms)
{
    const struct timespec nap = {0, NAP_NS};
    struct mpsc_time now;

    mpsc_clock_system(&now);
    if (now.mono_ms >= until_ms) {
        errno = EAGAIN;
        return 0;
    }
    (void)nanosleep(&nap, NULL);
    return 1;
}

static int
open_lock_file(int dir)
{
    struct stat status;
    int fd = mpsc_descriptor_lift(
        openat(dir, LOCK_FILE,
               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));

    if (fd >= 0 && !own_file(fd, &status)) {
        drop(fd);
        return -1;
    }
    /* Under a strict umask the next process couldn't open it. */
    if (fd >= 0 && (status.st_mode & 0600) != 0600) {
        (void)fchmod(fd, 0600);
    }
    return fd;
}

/*
 * The lock among processes. A record lock of the process, not of the open
 * file, since a forked child inherits that one's file and would keep it
 * locked for life. The other side of it: the process loses its lock when it
 * closes any descriptor of the file. So the file is opened here alone, under
 * `held`. Tried again and again, because only a signal could end a wait; and
 * opened each time, in case the file was taken away.
 */
static int
take_file_lock(int dir, int64_t until_ms)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    do {
        int fd = open_lock_file(dir);

        if (fd < 0) {
            return -1;
        }
        if (fcntl(fd, F_SETLK, &whole) == 0) {
            return fd;
        }
        drop(fd);
        if (errno != EAGAIN && errno != EACCES) {
            return -1;
        }
    } while (nap_until(until_ms));
    return -1;
}

int
mpsc_runtime_lock(int dir, unsigned wait_ms)
{
    struct mpsc_time now;
    int saved = errno;
    int64_t until_ms;
    int fd;

    mpsc_clock_system(&now);
    until_ms = now.mono_ms + wait_ms;
    (void)pthread_once(&handler_once, register_handler);
    while (atomic_exchange(&held, 1) != 0) {
        if (!nap_until(until_ms)) {
            return -1;
        }
    }
    fd = take_file_lock(dir, until_ms);
    if (fd < 0) {
        atomic_store(&held, 0);
    } else {
        errno = saved;
    }
    return fd;
}

void
mpsc_runtime_unlock(int lock)
{
    if (lock >= 0) {
        drop(lock);
        atomic_store(&held, 0);
    }
}
