// SPDX-License-Identifier: BSD-2-Clause
// Calls that are about names.
#include "tests/mount/fuzz/kinds.h"
#include "tests/mount/fuzz/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void call_rename(struct fuzz_client *client, const struct fuzz_op *op)
{
    const char *from = fuzz_name(op->name[0]), *to = fuzz_name(op->name[1]);

    fuzz_says(client, "rename(\"%s\", \"%s\")", from, to);
    fuzz_gives(client, rename(from, to));
}

void call_renameat2(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const unsigned flags[] = { RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE,
                                      RENAME_NOREPLACE | RENAME_EXCHANGE };
    const char *from = fuzz_name(op->name[0]), *to = fuzz_name(op->name[1]);
    unsigned flag = FUZZ_CHOOSE(flags, op->choice[0]);

    fuzz_says(client, "renameat2(\"%s\", \"%s\", %u)", from, to, flag);
    fuzz_gives(client, renameat2(AT_FDCWD, from, AT_FDCWD, to, flag));
}

void call_link(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { 0, 0, AT_SYMLINK_FOLLOW };
    const char *from = fuzz_name(op->name[0]), *to = fuzz_name(op->name[1]);
    int flag = FUZZ_CHOOSE(flags, op->choice[0]);

    fuzz_says(client, "linkat(\"%s\", \"%s\", %#x)", from, to, (unsigned)flag);
    fuzz_gives(client, linkat(AT_FDCWD, from, AT_FDCWD, to, flag));
}

void call_unlink(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "unlink(\"%s\")", fuzz_name(op->name[0]));
    fuzz_gives(client, unlink(fuzz_name(op->name[0])));
}

void call_rmdir(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "rmdir(\"%s\")", fuzz_name(op->name[0]));
    fuzz_gives(client, rmdir(fuzz_name(op->name[0])));
}

void call_mkdir(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const mode_t modes[] = { 0777, 0777, 0755, 0700, 01777, 02775, 0 };
    mode_t mode = FUZZ_CHOOSE(modes, op->choice[0]);

    fuzz_says(client, "mkdir(\"%s\", %#o)", fuzz_name(op->name[0]), mode);
    fuzz_gives(client, mkdir(fuzz_name(op->name[0]), mode));
}

void call_mknod(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const mode_t modes[] = { S_IFREG | 0666, S_IFREG | 0640,  S_IFREG,
                                    S_IFIFO | 0666, S_IFSOCK | 0600, S_IFCHR | 0666 };
    mode_t mode = FUZZ_CHOOSE(modes, op->choice[0]);
    dev_t device = S_ISCHR(mode) ? makedev(1, 3) : 0;

    fuzz_says(client, "mknod(\"%s\", %#o)", fuzz_name(op->name[0]), mode);
    fuzz_gives(client, mknod(fuzz_name(op->name[0]), mode, device));
}

void call_symlink(struct fuzz_client *client, const struct fuzz_op *op)
{
    const char *target = fuzz_name(op->name[0]), *name = fuzz_name(op->name[1]);

    fuzz_says(client, "symlink(\"%s\", \"%s\")", target, name);
    fuzz_gives(client, symlink(target, name));
}

void call_readlink(struct fuzz_client *client, const struct fuzz_op *op)
{
    char target[512] = "";

    fuzz_says(client, "readlink(\"%s\")", fuzz_name(op->name[0]));
    fuzz_gives(client, readlink(fuzz_name(op->name[0]), target, sizeof(target) - 1));
    fuzz_tells(client, "%s", target);
}

void call_list(struct fuzz_client *client, const struct fuzz_op *op)
{
    // Most often a directory that all others are in.
    const char *name = op->choice[0] % 3 == 0 ? "." : fuzz_name(op->name[0]);
    char names[900] = "";

    fuzz_says(client, "readdir(\"%s\")", name);
    fuzz_gives(client, list_directory(opendir(name), names, sizeof(names)));
    fuzz_tells(client, "%s", names);
}

void call_chdir(struct fuzz_client *client, const struct fuzz_op *op)
{
    if (op->choice[0] % 3 != 0) {
        fuzz_says(client, "fchdir(base)");
        fuzz_gives(client, fchdir(client->base));
        return;
    }
    fuzz_says(client, "chdir(\"%s\")", fuzz_name(op->name[0]));
    fuzz_gives(client, chdir(fuzz_name(op->name[0])));
}
