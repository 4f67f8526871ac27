// SPDX-License-Identifier: BSD-2-Clause
/* any_attribute DIRECTORY MOUNTPOINT: a filesystem that shows a directory and takes an extended
 * attribute by any name from anybody, as a network filesystem may take system.nfs4_acl. To the
 * question for user.errno.N it answers with that error. */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Each attribute's name has this in front in the directory itself. */
#define PREFIX "user.any."

#define ERROR_PREFIX "user.errno."

struct own_name {
    char text[XATTR_NAME_MAX + sizeof(PREFIX)];
};

static const char *own_name(const char *name, struct own_name *own)
{
    snprintf(own->text, sizeof(own->text), PREFIX "%s", name);
    return own->text;
}

/* A path below the working directory, which is the directory that is shown. */
static const char *below(const char *path)
{
    return path[1] == '\0' ? "." : path + 1;
}

static int result_of(long result)
{
    return result < 0 ? -errno : (int)result;
}

static int any_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    return result_of(lstat(below(path), st));
}

static int any_mkdir(const char *path, mode_t mode)
{
    return result_of(mkdir(below(path), mode));
}

static int any_mknod(const char *path, mode_t mode, dev_t device)
{
    return result_of(mknod(below(path), mode, device));
}

static int any_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    (void)fi;
    return result_of(chmod(below(path), mode));
}

static int any_open(const char *path, struct fuse_file_info *fi)
{
    (void)fi;
    return result_of(access(below(path), F_OK));
}

static int any_statfs(const char *path, struct statvfs *vfs)
{
    return result_of(statvfs(below(path), vfs));
}

static int any_setxattr(const char *path, const char *name, const char *value, size_t size,
                        int flags)
{
    struct own_name own;

    return result_of(lsetxattr(below(path), own_name(name, &own), value, size, flags));
}

static int any_getxattr(const char *path, const char *name, char *value, size_t size)
{
    struct own_name own;

    if (strncmp(name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0)
        return -atoi(name + strlen(ERROR_PREFIX));
    return result_of(lgetxattr(below(path), own_name(name, &own), value, size));
}

static int any_removexattr(const char *path, const char *name)
{
    struct own_name own;

    return result_of(lremovexattr(below(path), own_name(name, &own)));
}

static int any_listxattr(const char *path, char *list, size_t size)
{
    char own[XATTR_LIST_MAX];
    int length = result_of(llistxattr(below(path), own, sizeof(own)));
    size_t used = 0;

    for (int at = 0; at < length; at += (int)strlen(own + at) + 1) {
        const char *name = own + at + strlen(PREFIX);
        if (strncmp(own + at, PREFIX, strlen(PREFIX)) != 0)
            continue;
        if (size != 0 && used + strlen(name) + 1 > size)
            return -ERANGE;
        if (size != 0)
            memcpy(list + used, name, strlen(name) + 1);
        used += strlen(name) + 1;
    }
    return length < 0 ? length : (int)used;
}

static const struct fuse_operations OPERATIONS = {
    .getattr = any_getattr,
    .mkdir = any_mkdir,
    .mknod = any_mknod,
    .chmod = any_chmod,
    .open = any_open,
    .statfs = any_statfs,
    .setxattr = any_setxattr,
    .getxattr = any_getxattr,
    .removexattr = any_removexattr,
    .listxattr = any_listxattr,
};

int main(int argc, char **argv)
{
    char *arguments[] = { argv[0],
                          (char *)"-s",
                          (char *)"-f",
                          (char *)"-o",
                          (char *)"dev,suid,allow_other",
                          argc == 3 ? argv[2] : NULL,
                          NULL };

    if (argc != 3 || chdir(argv[1]) == -1)
        return 2;
    umask(0);
    return fuse_main(6, arguments, &OPERATIONS, NULL);
}
