/* SPDX-License-Identifier: MIT */
#include "mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int usable;

static void
write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, text, strlen(text));
        close(fd);
    }
}

/* Who isn't root may where there are user namespaces; as what he is. */
static int
become_able(void)
{
    unsigned user = geteuid();
    unsigned group = getegid();
    char map[64];

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return -1;
    }
    write_map("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "%u %u 1\n", user, user);
    write_map("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "%u %u 1\n", group, group);
    write_map("/proc/self/gid_map", map);
    return 0;
}

void
mounts_open(void)
{
    usable = (unshare(CLONE_NEWNS) == 0 || become_able() == 0) &&
             mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
}

int
mounts_memory(const char *path, const char *options)
{
    return usable ? mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
                  : -1;
}

int
mounts_file(const char *file, const char *in_place_of)
{
    return usable ? mount(file, in_place_of, "none", MS_BIND, NULL) : -1;
}

int
mounts_read_only(const char *path)
{
    if (!usable || mount(path, path, "none", MS_BIND, NULL) != 0) {
        return -1;
    }
    if (mount("none", path, "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) !=
        0) {
        mounts_undo(path);
        return -1;
    }
    return 0;
}

void
mounts_undo(const char *path)
{
    (void)umount2(path, MNT_DETACH);
}
