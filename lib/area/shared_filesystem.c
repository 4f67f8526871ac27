// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/shared_filesystem.h"

#include <stddef.h>
#include <string.h>

#define FUSE "fuse"

static bool is_one_of(const char *type, const char *const types[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}
#define IS_ONE_OF(type, types) is_one_of(type, types, sizeof(types) / sizeof((types)[0]))

/* Returns whether what serves a FUSE filesystem is known to keep it on this host. */
static bool is_fuse_of_one_host(const char *type)
{
    static const char *const types[] = {
        "fuse.bindfs",    "fuse.cryfs",      "fuse.encfs",   "fuse.fuse-overlayfs",
        "fuse.gocryptfs", "fuse.mergerfs",   "fuse.ntfs-3g", "fuse.securefs",
        "fuse.shmapfs",   "fuse.squashfuse", "fuse.unionfs",
    };

    return IS_ONE_OF(type, types);
}

bool filesystem_is_shared(const char *type)
{
    static const char *const types[] = {
        "9p",     "afs", "beegfs", "ceph",  "cifs",     "coda", "gfs2",   "gpfs",
        "lustre", "nfs", "nfs4",   "ocfs2", "orangefs", "smb3", "vboxsf", "virtiofs",
    };
    bool is_fuse = strcmp(type, FUSE) == 0 || strncmp(type, FUSE ".", sizeof(FUSE ".") - 1) == 0;

    return is_fuse ? !is_fuse_of_one_host(type) : IS_ONE_OF(type, types);
}

enum shared_mappings filesystem_mappings(const char *type)
{
    static const struct {
        const char *type;
        enum shared_mappings mappings;
    } known[] = {
        { "fuse.glusterfs", MAPPINGS_AFTER_SYNC },
        { "ocfs2", MAPPINGS_AT_ONCE },
        { "nfs", MAPPINGS_NEVER },
        { "nfs4", MAPPINGS_NEVER },
        { "ceph", MAPPINGS_UNTRIED },
        { "gfs2", MAPPINGS_UNTRIED },
        { "lustre", MAPPINGS_UNTRIED },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].type, type) == 0)
            return known[i].mappings;
    }
    return MAPPINGS_REFUSED;
}

const char *filesystem_mappings_word(enum shared_mappings mappings)
{
    static const char *const words[] = {
        [MAPPINGS_NEVER] = "never",
        [MAPPINGS_UNTRIED] = "untried",
        [MAPPINGS_AFTER_SYNC] = "after-msync",
        [MAPPINGS_AT_ONCE] = "at-once",
    };

    return words[mappings] ? words[mappings] : "";
}
