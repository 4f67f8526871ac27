// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SHMAPFS_SECCOMP
#include <seccomp.h>

#include "lib/broker/device.h"
#endif

#define BROKER_CAPABILITIES \
    (RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_SETUID) | RIGHT(CAP_SETGID) | RIGHT(CAP_SETPCAP))

static int set_capabilities(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct half[2] = {
        { .permitted = (__u32)permitted, .effective = (__u32)effective },
        { .permitted = (__u32)(permitted >> 32), .effective = (__u32)(effective >> 32) },
    };

    return syscall(SYS_capset, &header, half) == 0 ? 0 : -errno;
}

static int bound(uint64_t kept)
{
    for (int number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++) {
        if (!(kept & RIGHT(number)) && prctl(PR_CAPBSET_DROP, number) != 0)
            return -errno;
    }
    return 0;
}

int rights_keep(enum rights rights)
{
    int error;

    switch (rights) {
    case RIGHTS_OF_BROKER:
        error = bound(BROKER_CAPABILITIES);
        if (!error)
            error = set_capabilities(BROKER_CAPABILITIES, BROKER_CAPABILITIES);
        if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            error = -errno;
        break;
    case RIGHTS_BOUND:
        error = bound(RIGHT(CAP_SYS_ADMIN));
        break;
    default:
        error = set_capabilities(RIGHT(CAP_SYS_ADMIN), 0);
        break;
    }
    // Nobody traces it, although it has his ids.
    return error ? error : prctl(PR_SET_DUMPABLE, 0) == 0 ? 0 : -errno;
}

int rights_raise(bool raise)
{
    return set_capabilities(RIGHT(CAP_SYS_ADMIN), raise ? RIGHT(CAP_SYS_ADMIN) : 0);
}

#ifdef SHMAPFS_SECCOMP

/* The work of a child: receive and answer, look at descriptors, and register. */
static const int CHILD_CALLS[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(openat),
    SCMP_SYS(fcntl),
    SCMP_SYS(statx),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(capset),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(faccessat2),
    SCMP_SYS(exit),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    // free() of what the filter was made with
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
};

/* The two calls of FUSE's device, and no others. */
static int allow_device_calls(scmp_filter_ctx filter)
{
    const uint32_t calls[] = { DEVICE_BACKING_OPEN, DEVICE_BACKING_CLOSE };
    int error = 0;

    for (size_t i = 0; !error && i < sizeof(calls) / sizeof(calls[0]); i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                 SCMP_A1_32(SCMP_CMP_EQ, calls[i]));
    return error;
}

int rights_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? allow_device_calls(filter) : -ENOMEM;

    for (size_t i = 0; !error && i < sizeof(CHILD_CALLS) / sizeof(CHILD_CALLS[0]); i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CHILD_CALLS[i], 0);
    if (!error)
        error = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return error;
}

#else

int rights_filter(void)
{
    return -EOPNOTSUPP;
}

#endif
