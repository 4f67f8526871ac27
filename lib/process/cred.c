// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/cred.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A valid id that is given to no user. Where a user namespace does not map it, the traditional
 * nobody must do, or else the last id that is mapped. */
#define NO_USER ((uid_t)0xfffffffe)
#define NOBODY  ((uid_t)65534)

static const struct {
    int number;
    const char *name;
} NEEDED[] = {
    { CAP_CHOWN, "CAP_CHOWN" },     { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
    { CAP_FOWNER, "CAP_FOWNER" },   { CAP_FSETID, "CAP_FSETID" },
    { CAP_SETUID, "CAP_SETUID" },   { CAP_SETGID, "CAP_SETGID" },
    { CAP_SETPCAP, "CAP_SETPCAP" },
};

#define BIT(capability) (UINT64_C(1) << (capability))

/* The daemon keeps these; docs/security.md says of each what for. */
#define KEPT                                                                                   \
    (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |     \
     BIT(CAP_FSETID) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_MKNOD) | \
     BIT(CAP_SETFCAP) | BIT(CAP_SYS_ADMIN) | BIT(CAP_IPC_LOCK) | BIT(CAP_LEASE) |              \
     BIT(CAP_LINUX_IMMUTABLE))

/* Of these, what a worker gives up. The keeper executes the next binary, which is to be able to
 * confine itself in turn, and one from before this was done needs it too. */
#define KEEPER_ONLY BIT(CAP_SETPCAP)

struct capabilities {
    struct __user_cap_data_struct half[2];
};

static int capabilities_get(struct capabilities *caps)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capget, &header, caps->half) == 0 ? 0 : -errno;
}

static uint64_t mask_of(__u32 low, __u32 high)
{
    return low | (uint64_t)high << 32;
}

static int capabilities_set(const struct __user_cap_data_struct half[2])
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capset, &header, half) == 0 ? 0 : -errno;
}

/* Returns the capability that root lacks to serve other users; NULL: it has all of them. */
static const char *missing_capability(const struct capabilities *caps)
{
    for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++) {
        if (!(caps->half[CAP_TO_INDEX(NEEDED[i].number)].effective & CAP_TO_MASK(NEEDED[i].number)))
            return NEEDED[i].name;
    }
    return NULL;
}

/* Returns whether this is a user namespace with one user alone, who need not be told from
 * others. */
static bool is_alone(void)
{
    FILE *map = fopen("/proc/self/uid_map", "re");
    unsigned inside, outside, count = 0, lines = 0, last = 0;

    while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
        lines++;
        last = count;
    }
    if (map)
        fclose(map);
    return lines == 1 && last == 1;
}

int cred_check(struct cred *cred, struct complaint *complaint)
{
    struct capabilities caps;
    const char *missing;
    int error = capabilities_get(&caps);

    *cred = (struct cred){ .privileged = false };
    if (error)
        return complain(complaint, -error, "the daemon's capabilities cannot be read: %s",
                        strerror(-error));
    if (geteuid() != 0 || is_alone())
        return 0;
    missing = missing_capability(&caps);
    if (missing)
        return complain(complaint, EPERM,
                        "root without %s cannot serve other users safely; give it that capability, "
                        "or start as an ordinary user",
                        missing);
    cred->privileged = true;
    return 0;
}

/* Any call of setfsuid(2) returns the identity before it, which stays where the new one is
 * refused. */
static bool try_uid(unsigned id)
{
    setfsuid(id);
    return (uid_t)setfsuid((uid_t)-1) == id;
}

static bool try_gid(unsigned id)
{
    setfsgid(id);
    return (gid_t)setfsgid((gid_t)-1) == id;
}

/* Returns the highest id of a map such as /proc/self/uid_map. */
static unsigned last_id(const char *path)
{
    FILE *map = fopen(path, "re");
    unsigned inside, outside, count, last = 0;

    while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
        if (count > 0 && inside + count - 1 > last)
            last = inside + count - 1;
    }
    if (map)
        fclose(map);
    return last;
}

/* Takes the filesystem identity of nobody. Returns false if there is none but root's. */
static bool take_idle(bool (*try)(unsigned id), const char *map, unsigned *id)
{
    const unsigned candidates[] = { NO_USER, NOBODY, last_id(map) };

    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        *id = candidates[i];
        if (*id != 0 && try(*id))
            return true;
    }
    return false;
}

/* Leaves the process with no capability but these, for good. */
static int confine(uint64_t kept, struct capabilities *caps)
{
    bool may_unmount;
    int error = capabilities_get(caps);

    if (error)
        return error;
    for (int number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++) {
        // A user may not, and has nothing to lose.
        if (!(kept & BIT(number)) && prctl(PR_CAPBSET_DROP, number) != 0)
            break;
    }
    for (unsigned i = 0; i < 2; i++) {
        caps->half[i].permitted &= (__u32)(kept >> (32 * i));
        caps->half[i].effective &= (__u32)(kept >> (32 * i));
        caps->half[i].inheritable &= (__u32)(kept >> (32 * i));
    }
    may_unmount = mask_of(caps->half[0].effective, caps->half[1].effective) & BIT(CAP_SYS_ADMIN);
    error = capabilities_set(caps->half);
    // Otherwise it takes a program with setuid to unmount.
    if (!error && may_unmount && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        error = -errno;
    return error;
}

int cred_confine(struct cred *cred)
{
    struct capabilities caps;
    int error = confine(KEPT & ~KEEPER_ONLY, &caps);

    if (!error)
        memcpy(cred->capabilities, caps.half, sizeof(caps.half));
    return error;
}

/* Makes the steps away from root, and back, leave the capabilities as they are. */
static int keep_capabilities(void)
{
    // A keeper that was executed by another one has them set, and may have no right to set them.
    if (prctl(PR_GET_SECUREBITS) & SECBIT_NO_SETUID_FIXUP)
        return 0;
    return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0 ? 0 : -errno;
}

static bool take_nobody(struct cred *cred)
{
    return take_idle(try_uid, "/proc/self/uid_map", &cred->idle_uid) &&
           take_idle(try_gid, "/proc/self/gid_map", &cred->idle_gid);
}

int cred_init(struct cred *cred, bool servers)
{
    struct capabilities caps;
    int error;

    if (!cred->privileged)
        return confine(KEPT, &caps);
    error = keep_capabilities();
    if (error)
        return error;
    if (setgroups(0, NULL) != 0)
        return -errno;
    if (servers)
        cred->idle_uid = cred->idle_gid = 0;
    else if (!take_nobody(cred))
        return -EINVAL;
    error = confine(KEPT, &caps);
    if (error)
        return error;
    caps.half[CAP_TO_INDEX(CAP_FSETID)].effective &= ~CAP_TO_MASK(CAP_FSETID);
    caps.half[CAP_TO_INDEX(CAP_LINUX_IMMUTABLE)].effective &= ~CAP_TO_MASK(CAP_LINUX_IMMUTABLE);
    memcpy(cred->capabilities, caps.half, sizeof(caps.half));
    return capabilities_set(cred->capabilities);
}

void cred_become(const struct cred *cred, uid_t uid, gid_t gid)
{
    if (!cred->privileged)
        return;
    setfsgid(gid);
    setfsuid(uid);
}

void cred_return(const struct cred *cred)
{
    cred_become(cred, cred->idle_uid, cred->idle_gid);
}

bool cred_asks_servers(const struct cred *cred)
{
    return cred->privileged && cred->idle_uid == 0;
}

void cred_take_groups(const gid_t *groups, size_t count)
{
    // The library's function does it for all threads.
    syscall(SYS_setgroups, count, groups);
}

const struct cred *cred_keep_setid(const struct cred *cred, bool wanted)
{
    struct __user_cap_data_struct half[2];

    if (!cred->privileged || !wanted)
        return NULL;
    memcpy(half, cred->capabilities, sizeof(half));
    half[CAP_TO_INDEX(CAP_FSETID)].effective |= CAP_TO_MASK(CAP_FSETID);
    capabilities_set(half);
    return cred;
}

const struct cred *cred_set_flags(const struct cred *cred, bool root)
{
    const unsigned half = CAP_TO_INDEX(CAP_LINUX_IMMUTABLE);
    struct __user_cap_data_struct own[2];

    if (!cred->privileged)
        return NULL;
    memcpy(own, cred->capabilities, sizeof(own));
    for (unsigned i = 0; i < 2 && !root; i++)
        own[i].effective = 0;
    // A keeper that an earlier version started has none.
    if (root)
        own[half].effective |= own[half].permitted & CAP_TO_MASK(CAP_LINUX_IMMUTABLE);
    capabilities_set(own);
    return cred;
}

const struct cred *cred_copy_attributes(const struct cred *cred)
{
    struct __user_cap_data_struct half[2];

    if (!cred->privileged)
        return NULL;
    memcpy(half, cred->capabilities, sizeof(half));
    half[CAP_TO_INDEX(CAP_FSETID)].effective |= CAP_TO_MASK(CAP_FSETID);
    // A keeper that an earlier version started has none.
    half[CAP_TO_INDEX(CAP_LINUX_IMMUTABLE)].effective |=
        half[CAP_TO_INDEX(CAP_LINUX_IMMUTABLE)].permitted & CAP_TO_MASK(CAP_LINUX_IMMUTABLE);
    capabilities_set(half);
    return cred;
}

void cred_restore(const struct cred **kept)
{
    if (*kept && (*kept)->privileged)
        capabilities_set((*kept)->capabilities);
}
