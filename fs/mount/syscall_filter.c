// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/syscall_filter.h"

#ifdef SHMAPFS_SECCOMP

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "fs/util/log.h"

// The same on all architectures
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* docs/security.md has the same groups. */
static const int ALLOWED[] = {
    // Contents
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_lseek,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_splice,
    SYS_fadvise64,
    SYS_readahead,
    SYS_fsync,
    SYS_fdatasync,
    SYS_syncfs,
#ifdef SYS_sync_file_range
    SYS_sync_file_range,
#endif
    SYS_cachestat,
    // Names, attributes and handles
    SYS_openat,
    SYS_openat2,
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
    SYS_fstat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_symlinkat,
    SYS_linkat,
    SYS_unlinkat,
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_renameat2,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_umask,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_getxattr,
    SYS_lgetxattr,
    SYS_fgetxattr,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_flistxattr,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    SYS_fanotify_init,
    SYS_fanotify_mark,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_truncate,
    // Descriptors and waiting
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_flock,
    SYS_pipe2,
    SYS_ioctl,
    SYS_quotactl_fd,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_memfd_create,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_futex,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_sched_yield,
    SYS_restart_syscall,
    // Memory
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_mincore,
    SYS_msync,
    SYS_mlock,
    SYS_mlock2,
    SYS_munlock,
    SYS_brk,
    SYS_membarrier,
    SYS_rseq,
    // Processes and threads
    SYS_clone,
    SYS_clone3,
    SYS_execve,
    SYS_exit,
    SYS_exit_group,
    SYS_wait4,
    SYS_waitid,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend,
    SYS_rt_sigqueueinfo,
    SYS_sigaltstack,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getpgid,
    SYS_getsid,
    SYS_setsid,
    SYS_set_tid_address,
    SYS_prctl,
    SYS_getrlimit,
    SYS_prlimit64,
    SYS_getrusage,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_get_mempolicy,
    SYS_getrandom,
    SYS_uname,
    SYS_sysinfo,
    // Identity
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getresuid,
    SYS_getresgid,
    SYS_getgroups,
    SYS_setfsuid,
    SYS_setgroups,
    SYS_setfsgid,
    SYS_capget,
    SYS_capset,
    // Changing the areas, opening the store anew, holding and ending the mount
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fspick,
    SYS_fsconfig,
    SYS_mount_setattr,
    SYS_umount2,
    // The log, the service manager and the child that syncs
    SYS_socketpair,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_connect,
    SYS_sendto,
    SYS_sendmsg,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getsockname,
// The C library makes these calls instead on older architectures
#ifdef SYS_open
    SYS_open,
    SYS_chmod,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_unlink,
    SYS_rename,
    SYS_poll,
    SYS_select,
    SYS_pipe,
    SYS_dup2,
    SYS_fork,
    SYS_vfork,
    SYS_epoll_wait,
    SYS_time,
    SYS_alarm,
    SYS_getpgrp,
#endif
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
};

/* For libfuse's transport, which pins its threads to processors. */
static const int FOR_URING[] = {
    SYS_io_uring_setup,    SYS_io_uring_enter, SYS_io_uring_register,
    SYS_sched_setaffinity, SYS_mbind,          SYS_set_mempolicy,
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int error = 0;

    for (size_t i = 0; !error && i < count; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return error;
}

/* Allows some calls with some arguments: threads of their own umask, but no namespaces; sockets of
 * this machine. */
static int allow_partly(scmp_filter_ctx filter)
{
    int error =
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SYS_unshare, 1, SCMP_A0_64(SCMP_CMP_EQ, CLONE_FS));

    return error ? error
                 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SYS_socket, 1,
                                    SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX));
}

static int fill(scmp_filter_ctx filter, bool io_uring)
{
    int error = allow(filter, ALLOWED, sizeof(ALLOWED) / sizeof(ALLOWED[0]));

    if (!error)
        error = allow_partly(filter);
    if (!error && io_uring)
        error = allow(filter, FOR_URING, sizeof(FOR_URING) / sizeof(FOR_URING[0]));
    // Setting it takes no privilege when no_new_privs is set, which somebody else decides.
    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    // A filter must not make the processor slower than it is for other programs. Older kernels do
    // not know of this.
    if (!error)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    if (!error)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return error;
}

int syscall_filter_begin(const struct mount *mount)
{
    const struct mount_info *info = &mount->volume.info;
    scmp_filter_ctx filter;
    int error;

    // A RAM area that was made in a user namespace is resized from within it.
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || info->areas[AREA_RAM].user_namespace >= 0)
        return 0;
    filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return -ENOMEM;
    error = fill(filter, info->wants_io_uring);
    if (!error && seccomp_load(filter) != 0)
        // A sandbox may have none to give. The mount is not to be lost for that.
        log_event(LOG_WARNING, "this kernel does not take a filter of system calls");
    seccomp_release(filter);
    return error;
}

#else

int syscall_filter_begin(const struct mount *mount)
{
    (void)mount;
    return 0;
}

#endif
