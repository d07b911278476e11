/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often the file may be replaced while we wait for it. */
#define TRIES 16

static const char file_name[] = "lock";

static int
set_byte(int fd, int64_t offset, short type, int wait)
{
    struct flock64 range = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    int result;

    do {
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    } while (result != 0 && errno == EINTR);
    return result;
}

static int
lock_byte(int fd, int64_t offset, int wait)
{
    return set_byte(fd, offset, F_WRLCK, wait);
}

int
mpsk_lock_file(int dir)
{
    struct stat status;
    int fd =
        openat(dir, file_name,
               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
                    status.st_uid != geteuid())) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* True while the file is the one that the next process would open. */
static int
still_there(int dir, int fd)
{
    struct stat ours;
    struct stat theirs;

    return fstat(fd, &ours) == 0 &&
           fstatat(dir, file_name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

int
mpsk_lock_open(int dir, int64_t offset, int wait)
{
    for (int i = 0; i < TRIES; i++) {
        int fd = mpsk_lock_file(dir);

        if (fd < 0) {
            return -2;
        }
        if (lock_byte(fd, offset, wait) != 0) {
            int held = errno == EAGAIN || errno == EACCES;

            close(fd);
            return held ? -1 : -2;
        }
        if (still_there(dir, fd)) {
            return fd;
        }
        close(fd);
    }
    return -2;
}

int
mpsk_lock_more(int dir, int lock, int64_t offset, int wait)
{
    return lock_byte(lock, offset, wait) == 0 && still_there(dir, lock) ? 0
                                                                        : -1;
}

int64_t
mpsk_lock_reader(void)
{
    return MPSK_LOCK_WRITER + 1 + getpid() % MPSK_LOCK_READERS;
}

void
mpsk_lock_drop(int lock, int64_t offset)
{
    (void)set_byte(lock, offset, F_UNLCK, 0);
}
