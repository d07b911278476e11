/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

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

int
mpsk_runtime_dir_open(const char *path)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd;

    if (path[0] != '/') {
        return -1;
    }
    fd = open(path, flags);
    /* Another helper may make it first. */
    if (fd < 0 && errno == ENOENT &&
        (mkdir(path, 0700) == 0 || errno == EEXIST)) {
        fd = open(path, flags);
    }
    if (fd >= 0 && !safe(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
