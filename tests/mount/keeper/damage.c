// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/damage.h"

#include "fs/nodes/node_slot.h"
#include "fs/state/state.h"

#define IN_STATE(member) .name = #member, .memory = STATE, .offset = offsetof(struct state, member)
#define IN_REQUESTS(member)                                                        \
    .name = "requests' " #member, .memory = STATE,                                 \
    .offset = offsetof(struct state, requests) + offsetof(struct request, member), \
    .stride = sizeof(struct request), .count = REQUESTS
#define IN_TABLE(member) \
    .name = "table's " #member, .memory = TABLE, .offset = offsetof(struct node_memory, member)
#define IN_LEDGERS(member)                                                                  \
    .name = "ledgers' " #member, .memory = TABLE,                                           \
    .offset = offsetof(struct node_memory, ledgers) + offsetof(struct node_ledger, member), \
    .stride = sizeof(struct node_ledger), .count = NODE_LEDGERS
#define IN_SLOTS(member)                                                       \
    .name = "slots' " #member, .memory = SLOTS,                                \
    .offset = sizeof(struct node) * SLOT_ROOT + offsetof(struct node, member), \
    .stride = sizeof(struct node), .count = 8, .noticed = true

const struct spot damage_state[] = {
    { IN_STATE(magic) },
    { IN_STATE(version) },
    { IN_STATE(node_layout) },
    { IN_STATE(info.mountpoint), .noticed = true },
    { IN_STATE(info.mount_id), .noticed = true },
    { IN_STATE(info.device), .noticed = true },
    { IN_STATE(info.areas), .noticed = true },
    { IN_STATE(info.cred), .noticed = true },
    { IN_STATE(agreed.features), .noticed = true },
    { IN_STATE(check), .noticed = true },
    { IN_STATE(life.worker) },
    { IN_STATE(life.keeper) },
    { IN_STATE(keeper_fds.go) },
    { IN_STATE(suspect) },
    { .name = NULL },
};

const struct spot damage_request[] = {
    { IN_REQUESTS(state), .noticed = true },
    { IN_REQUESTS(opcode), .noticed = true },
    { IN_REQUESTS(unique), .noticed = true },
    { IN_REQUESTS(node), .noticed = true },
    { IN_REQUESTS(check), .noticed = true },
    { IN_REQUESTS(source.key) },
    { IN_REQUESTS(target.existed) },
    { IN_REQUESTS(answers) },
    { IN_REQUESTS(repeated) },
    { IN_REQUESTS(crashes) },
    { .name = NULL },
};

const struct spot damage_result[] = {
    { IN_REQUESTS(result) },
    { IN_REQUESTS(result_check) },
    { IN_REQUESTS(executed), .bits = 1 },
    { .name = NULL },
};

const struct spot damage_table[] = {
    { IN_TABLE(layout.magic), .noticed = true },
    { IN_TABLE(layout.version), .noticed = true },
    { IN_TABLE(layout.capacity), .noticed = true },
    { IN_TABLE(header.checksum), .noticed = true },
    { IN_TABLE(header.fresh), .noticed = true },
    { IN_TABLE(header.free), .noticed = true },
    { IN_TABLE(header.mask), .noticed = true },
    { IN_TABLE(undo_log.used), .noticed = true },
    { IN_TABLE(pending_close) },
    { IN_TABLE(owners), .stride = sizeof(uint64_t), .count = 64, .noticed = true },
    { IN_LEDGERS(head) },
    { IN_LEDGERS(lookups) },
    { .name = "buckets", .memory = BUCKETS, .stride = 4, .count = FIRST_BUCKETS, .noticed = true },
    { .name = NULL },
};

const struct spot damage_slot[] = {
    { IN_SLOTS(checksum) }, { IN_SLOTS(ino) },    { IN_SLOTS(lookups) },
    { IN_SLOTS(next) },     { IN_SLOTS(held) },   { IN_SLOTS(in_use) },
    { IN_SLOTS(area) },     { IN_SLOTS(handle) }, { .name = NULL },
};

const struct spot damage_none = { .name = "reserve",
                                  .memory = TABLE,
                                  .offset = sizeof(struct node_memory) - 1 };

struct spot damage_anywhere_in(enum memory memory, size_t number)
{
    size_t bytes =
        memory == STATE ? offsetof(struct state, buffers) : offsetof(struct node_memory, owners);

    return (struct spot){ .name = memory == STATE ? "state" : "table",
                          .memory = memory,
                          .offset = number % bytes };
}

size_t damage_offset(const struct spot *spot, const uint8_t *table, size_t table_bytes)
{
    const struct node_memory *memory = (const struct node_memory *)table;

    if (spot->memory == BUCKETS)
        return (sizeof(*memory) + 4095) / 4096 * 4096 + spot->offset;
    if (spot->memory == SLOTS)
        return table_bytes - memory->layout.capacity * sizeof(struct node) + spot->offset;
    return spot->offset;
}
