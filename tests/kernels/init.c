// SPDX-License-Identifier: BSD-2-Clause
// The first process of a guest: loads modules, changes to the disk's root, and leaves the rest to /guest there.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    for (;;)
        pause();
}

static void load_modules(void)
{
    FILE *order = fopen("/modules/order", "re");
    char name[128], path[160];

    while (order != NULL && fscanf(order, "%127s", name) == 1) {
        snprintf(path, sizeof(path), "/modules/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (syscall(SYS_finit_module, fd, "", 0) != 0)
            perror(name);
        close(fd);
    }
}

// The disk is found by the kernel in its own time, and there is nothing yet to be told by.
static void await_disk(void)
{
    struct timespec tick = { .tv_nsec = 10000000 };

    for (int i = 0; i < 3000 && access("/dev/vda", F_OK) != 0; i++)
        nanosleep(&tick, NULL);
}

int main(void)
{
    if (mount("dev", "/dev", "devtmpfs", 0, NULL) != 0)
        return fail("/dev");
    load_modules();
    await_disk();
    if (mount("/dev/vda", "/root", "ext4", 0, NULL) != 0 ||
        mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) != 0)
        return fail("/root");
    // Moved, not only changed to: a process in a chroot gets no user namespace.
    if (chdir("/root") != 0 || mount("/root", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0)
        return fail("/");
    execl("/bin/bash", "bash", "/guest", NULL);
    return fail("/bin/bash");
}
