// SPDX-License-Identifier: BSD-2-Clause
// Calls that are about extended attributes.
#include "tests/mount/fuzz/attr_text.h"
#include "tests/mount/fuzz/kinds.h"

#include <string.h>
#include <sys/xattr.h>

enum { LONGEST_VALUE = 1024 };

static const char *name_of(const struct fuzz_op *op)
{
    static const char *const names[] = { "user.a", "user.a",    "user.b",  "user.c",
                                         "user.",  "trusted.a", "nonsense" };

    return FUZZ_CHOOSE(names, op->choice[0]);
}

static size_t value_of(const struct fuzz_op *op, char *value)
{
    static const size_t sizes[] = { 0, 1, 10, 100, 300 };
    size_t size = FUZZ_CHOOSE(sizes, op->choice[1]);

    memset(value, op->fill, size);
    return size;
}

static int flag_of(const struct fuzz_op *op)
{
    static const int flags[] = { 0, 0, XATTR_CREATE, XATTR_REPLACE };

    return FUZZ_CHOOSE(flags, op->choice[2]);
}

void call_setxattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    char value[LONGEST_VALUE];
    size_t size = value_of(op, value);

    fuzz_says(client, "lsetxattr(\"%s\", \"%s\", %zu bytes of %02x, %d)", fuzz_name(op->name[0]),
              name_of(op), size, op->fill, flag_of(op));
    fuzz_gives(client, lsetxattr(fuzz_name(op->name[0]), name_of(op), value, size, flag_of(op)));
}

void call_fsetxattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    char value[LONGEST_VALUE];
    size_t size = value_of(op, value);

    fuzz_says(client, "fsetxattr(slot %u, \"%s\", %zu bytes of %02x, %d)", fuzz_slot(client, op, 0),
              name_of(op), size, op->fill, flag_of(op));
    fuzz_gives(client, fsetxattr(fuzz_fd(client, op, 0), name_of(op), value, size, flag_of(op)));
}

static size_t room_of(const struct fuzz_op *op)
{
    return op->choice[1] % 4 == 0 ? op->choice[1] % 200 : LONGEST_VALUE;
}

static void gives_value(struct fuzz_client *client, const char *value, size_t room, ssize_t size)
{
    fuzz_gives(client, size);
    if (size > 0 && room > 0)
        fuzz_tells_bytes(client, value, (size_t)size);
}

void call_getxattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    char value[LONGEST_VALUE];
    size_t room = room_of(op);

    fuzz_says(client, "lgetxattr(\"%s\", \"%s\", room for %zu)", fuzz_name(op->name[0]),
              name_of(op), room);
    gives_value(client, value, room, lgetxattr(fuzz_name(op->name[0]), name_of(op), value, room));
}

void call_fgetxattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    char value[LONGEST_VALUE];
    size_t room = room_of(op);

    fuzz_says(client, "fgetxattr(slot %u, \"%s\", room for %zu)", fuzz_slot(client, op, 0),
              name_of(op), room);
    gives_value(client, value, room, fgetxattr(fuzz_fd(client, op, 0), name_of(op), value, room));
}

void call_listxattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    char names[4096];

    fuzz_says(client, "llistxattr(\"%s\")", fuzz_name(op->name[0]));
    ssize_t size = llistxattr(fuzz_name(op->name[0]), names, sizeof(names));
    fuzz_gives(client, size == -1 ? -1 : 0);
    size_t left = size > 0 ? sort_xattr_names(names, (size_t)size) : 0;
    for (size_t i = 0; i < left; i += strlen(names + i) + 1)
        fuzz_tells(client, " %s", names + i);
}

void call_removexattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "lremovexattr(\"%s\", \"%s\")", fuzz_name(op->name[0]), name_of(op));
    fuzz_gives(client, lremovexattr(fuzz_name(op->name[0]), name_of(op)));
}
