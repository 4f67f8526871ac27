// SPDX-License-Identifier: BSD-2-Clause
// The first process of a guest: loads modules, changes to the disk's root, and leaves the rest to /guest there.
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK_MILLISECONDS 30000

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

// The kernel finds the disk in its own time, and tells of it by an event.
static void await_disk(int events)
{
    struct pollfd event = { .fd = events, .events = POLLIN };
    char text[8192];

    while (access("/dev/vda", F_OK) != 0 && poll(&event, 1, DISK_MILLISECONDS) == 1)
        if (read(events, text, sizeof(text)) < 0)
            perror("event");
}

static int open_events(void)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
    int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

    if (bind(events, (struct sockaddr *)&address, sizeof(address)) != 0)
        perror("events");
    return events;
}

int main(void)
{
    int events = open_events();

    if (mount("dev", "/dev", "devtmpfs", 0, NULL) != 0)
        return fail("/dev");
    load_modules();
    await_disk(events);
    if (mount("/dev/vda", "/root", "ext4", 0, NULL) != 0 ||
        mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) != 0)
        return fail("/root");
    // Moved, not only changed to: a process in a chroot gets no user namespace.
    if (chdir("/root") != 0 || mount("/root", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0)
        return fail("/");
    execl("/bin/bash", "bash", "/guest", NULL);
    return fail("/bin/bash");
}
