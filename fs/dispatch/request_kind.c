// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/request_kind.h"

#include <string.h>

#include "fs/inode/class.h"
#include "fs/nodes/node_search.h"
#include "fs/outage/known_root.h"
#include "fs/outage/store_watch.h"
#include "lib/api/point.h"
#include "lib/api/shmap.h"
#include "lib/api/shmap_hosts.h"

/* Returns whether a request asks for an attribute that the daemon itself has: of the whole mount,
 * or of a file, whose node may have to be opened again. */
static bool is_control(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return header->opcode == FUSE_GETXATTR &&
           strncmp(name, SHMAP_XATTR_PREFIX, strlen(SHMAP_XATTR_PREFIX)) == 0;
}

/* Returns whether a request is about what was committed at one moment, for which the daemon reads
 * and writes files of the store. */
static bool is_about_point(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return header->opcode == FUSE_GETXATTR &&
           strncmp(name, SHMAP_XATTR_POINT, strlen(SHMAP_XATTR_POINT)) == 0;
}

/* Returns whether a request is about the hosts that have the store, which the store knows. */
static bool is_about_hosts(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return header->opcode == FUSE_GETXATTR &&
           strncmp(name, SHMAP_XATTR_HOSTS, sizeof(SHMAP_XATTR_HOSTS)) == 0;
}

/* Returns whether a request may change attributes of a directory. */
static bool changes_attributes(const struct fuse_in_header *header)
{
    const struct fuse_setattr_in *attributes = (const void *)(header + 1);

    switch (header->opcode) {
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_IOCTL:
        return true;
    case FUSE_SETATTR:
        return attributes->valid & (FATTR_MODE | FATTR_UID | FATTR_GID);
    default:
        return false;
    }
}

/* Returns whether a request may change a directory in RAM, of which the store may keep a skeleton
 * (fs/class/mirror.h). */
static bool changes_skeleton(const struct volume *volume, const struct fuse_in_header *header)
{
    if (!volume_keeps_skeletons(volume))
        return false;
    switch (header->opcode) {
    case FUSE_MKDIR:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
        return true;
    default:
        return changes_attributes(header);
    }
}

/* Returns another node that a request is about; 0: there is none. */
static uint64_t other_node(const struct fuse_in_header *header)
{
    switch (header->opcode) {
    case FUSE_RENAME:
        return ((const struct fuse_rename_in *)(const void *)(header + 1))->newdir;
    case FUSE_RENAME2:
        return ((const struct fuse_rename2_in *)(const void *)(header + 1))->newdir;
    case FUSE_LINK:
        return ((const struct fuse_link_in *)(const void *)(header + 1))->oldnodeid;
    case FUSE_COPY_FILE_RANGE:
        return ((const struct fuse_copy_file_range_in *)(const void *)(header + 1))->nodeid_out;
    default:
        return 0;
    }
}

/* Returns whether a request about a node in RAM works on the store, too. A class root in RAM has
 * its attributes in both. */
static bool reaches_store(struct volume *volume, const struct fuse_in_header *header)
{
    uint64_t other = other_node(header);

    if (other)
        return node_area(&volume->nodes, other) == AREA_STORE;
    return changes_attributes(header) && node_is_class_root(&volume->nodes, header->nodeid);
}

/* Returns whether a request asks for a sync that its file's class does not wait for. */
static bool syncs_nothing(struct volume *volume, const struct fuse_in_header *header)
{
    int class = header->opcode == FUSE_FSYNC || header->opcode == FUSE_FSYNCDIR
                    ? node_class(&volume->nodes, header->nodeid)
                    : -1;

    return class >= 0 && !volume->classes[class]->sync_waits;
}

/* Returns whether a request asks for the ACL by which the kernel checks permissions. */
static bool asks_for_acl(const struct fuse_in_header *header)
{
    static const char acl[] = "system.posix_acl_access";
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return strncmp(name, acl, sizeof(acl)) == 0;
}

/* Returns whether a request about the store is answered without it while the store is silent. */
static bool needs_no_store(struct volume *volume, const struct fuse_in_header *header)
{
    if (!store_watch_is_silent(volume))
        return false;
    switch (header->opcode) {
    case FUSE_GETATTR:
        return header->nodeid == NODE_ROOT_ID;
    case FUSE_STATFS:
        return true;
    case FUSE_GETXATTR:
        return header->nodeid == NODE_ROOT_ID && store_watch_root_lacks_acl(volume) &&
               asks_for_acl(header);
    case FUSE_LOOKUP:
        return known_root_find(volume, header->nodeid, (const char *)(header + 1)) != 0;
    default:
        return false;
    }
}

enum request_kind request_kind_of(struct volume *volume, const struct fuse_in_header *header)
{
    if (!volume_has_area(volume, AREA_STORE))
        return REQUEST_RAM;
    if (node_area(&volume->nodes, header->nodeid) != AREA_STORE)
        return changes_skeleton(volume, header) || reaches_store(volume, header) ? REQUEST_CHANGE
                                                                                 : REQUEST_RAM;
    if (is_about_point(header))
        return REQUEST_CHANGE;
    if (is_about_hosts(header))
        return REQUEST_LOOK;
    if ((is_control(header) && header->nodeid == NODE_ROOT_ID) || syncs_nothing(volume, header) ||
        needs_no_store(volume, header))
        return REQUEST_RAM;
    switch (header->opcode) {
    case FUSE_ACCESS:
    case FUSE_GETATTR:
    case FUSE_GETLK:
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR:
    case FUSE_LOOKUP:
    case FUSE_LSEEK:
    case FUSE_OPENDIR:
    case FUSE_READ:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_READLINK:
    case FUSE_RELEASEDIR:
    case FUSE_STATFS:
        return REQUEST_LOOK;
    default:
        return REQUEST_CHANGE;
    }
}
