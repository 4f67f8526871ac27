// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hosts that mount one store. The remarks that begin shmap.h are true of this header, too.
 */
#ifndef SHMAP_HOSTS_H
#define SHMAP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The hosts that mount the store, too, as a JSON array: read on a mount's root by its owner and
 * root. */
#define SHMAP_XATTR_HOSTS "user.shmapfs.hosts"

/* The words of shmap_status' mappings for when one host sees what another has stored through a
 * mapping: "after-msync", "at-once", "never", or "untried", where documentation alone promises it;
 * empty: the store is of one host. */

/* A host that mounts a store on a filesystem of several. */
struct shmap_host {
    char host[65]; // its name
    char version[32];
    char mountpoint[4096]; // there
    char options[512];     // some of those in force, as -o takes them
    uint64_t since;        // in seconds since 1970, by that host's clock
    bool here;             // it is this mount
};

/* Reads the hosts that mount the store of a mount now, this one among them; none where the store is
 * on a filesystem of this host. `hosts` is for free(). It asks the store, and so waits for it.
 * -EPERM: the caller is neither the mount's owner nor root; -EIO: the store does not answer;
 * otherwise errors as of shmap_status_get(), also of a mount that is older than this. */
int shmap_hosts_get(const char *mountpoint, struct shmap_host **hosts, size_t *count);

/* Return hosts as a JSON array, which is what the mount itself answers, for free() (NULL: out of
 * memory); and do the reverse. -EPROTO: it is no such array; -ENOMEM. */
char *shmap_hosts_to_json(const struct shmap_host *hosts, size_t count);
int shmap_hosts_from_json(const char *json, struct shmap_host **hosts, size_t *count);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
