// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_BITS = 64 };

static int read_capability_sets(struct __user_cap_data_struct sets[2])
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capget, &header, sets) == 0 ? 0 : -errno;
}

static int write_capability_sets(const struct __user_cap_data_struct sets[2])
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capset, &header, sets) == 0 ? 0 : -errno;
}

int privileges_save(struct privileges *saved)
{
    *saved = (struct privileges){ .securebits = prctl(PR_GET_SECUREBITS) };
    // Both say -1 of a capability that the kernel does not know.
    for (int number = 0; number < CAPABILITY_BITS; number++) {
        if (prctl(PR_CAPBSET_READ, number) == 1)
            saved->bounding |= UINT64_C(1) << number;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1)
            saved->ambient |= UINT64_C(1) << number;
    }
    return read_capability_sets(saved->sets);
}

/* The order matters: each step takes a privilege that a later one gives up. */
int privileges_restore(const struct privileges *saved)
{
    struct __user_cap_data_struct sets[2];
    int error = read_capability_sets(sets);

    for (int half = 0; half < 2; half++)
        sets[half].inheritable = saved->sets[half].inheritable;
    if (!error)
        error = write_capability_sets(sets);
    for (int number = 0; !error && number < CAPABILITY_BITS; number++) {
        uint64_t bit = UINT64_C(1) << number;

        if (saved->ambient & bit && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
            error = -errno;
        if (!(saved->bounding & bit) && prctl(PR_CAPBSET_READ, number) == 1 &&
            prctl(PR_CAPBSET_DROP, number) != 0)
            error = -errno;
    }
    if (!error && prctl(PR_GET_SECUREBITS) != saved->securebits &&
        prctl(PR_SET_SECUREBITS, saved->securebits) != 0)
        error = -errno;
    return error ? error : write_capability_sets(saved->sets);
}

int privileges_pass_on_mounting(void)
{
    struct __user_cap_data_struct sets[2];
    int error = read_capability_sets(sets);

    // Root's programs have it anyway.
    if (error || geteuid() == 0)
        return error;
    sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].inheritable |= CAP_TO_MASK(CAP_SYS_ADMIN);
    error = write_capability_sets(sets);
    if (!error && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) != 0)
        error = -errno;
    return error;
}
