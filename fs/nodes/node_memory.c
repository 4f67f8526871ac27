// SPDX-License-Identifier: BSD-2-Clause
/* The memory of the node table: it is made, or attached after the process that used it has
 * ended. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/nodes/node_slot.h"

static uint64_t round_to_page(uint64_t bytes)
{
    return (bytes + 4095) & ~UINT64_C(4095);
}

static uint64_t buckets_at(void)
{
    return round_to_page(sizeof(struct node_memory));
}

static uint64_t slots_at(uint32_t capacity)
{
    // At most one more bucket than there are nodes is split off.
    return buckets_at() + round_to_page((uint64_t)(capacity + FIRST_BUCKETS) * sizeof(uint32_t));
}

static struct node_layout make_layout(uint32_t capacity, uint32_t cached_max)
{
    return (struct node_layout){
        .version = TABLE_VERSION,
        .magic = TABLE_MAGIC,
        .bytes = slots_at(capacity) + (uint64_t)capacity * sizeof(struct node),
        .capacity = capacity,
        .cached_max = cached_max,
        .memory_bytes = sizeof(struct node_memory),
        .slot_bytes = sizeof(struct node),
    };
}

/* Maps the shared memory, and the private memory of this process. Both are sparse: slots that no
 * node has used take no memory. */
static int map_table(struct node_table *table, int memfd, const struct node_layout *layout)
{
    int protection = PROT_READ | PROT_WRITE;
    uint64_t use_bytes = layout->capacity * sizeof(struct node_use);
    void *memory = mmap(NULL, layout->bytes, protection, MAP_SHARED | MAP_NORESERVE, memfd, 0);
    void *uses;

    if (memory == MAP_FAILED)
        return -errno;
    uses = mmap(NULL, use_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (uses == MAP_FAILED) {
        munmap(memory, layout->bytes);
        return -ENOMEM;
    }
    *table = (struct node_table){
        .corrupt = table->corrupt,
        .corrupt_argument = table->corrupt_argument,
        .memory = memory,
        .header = &((struct node_memory *)memory)->header,
        .buckets = (const uint32_t *)((char *)memory + buckets_at()),
        .slots = (const struct node *)((char *)memory + slots_at(layout->capacity)),
        .bytes = layout->bytes,
        .memfd = memfd,
        .capacity = layout->capacity,
        .cached_max = layout->cached_max,
        .uses = uses,
        // So that no node seems to have been used lately.
        .promotions = layout->cached_max,
    };
    lock_init(&table->lock, LOCK_NODES);
    return 0;
}

/* Fills a new table. The undo log does not know of these changes, and of no others: nobody else has
 * the memory yet. */
static void fill(struct node_table *table, const struct node_layout *layout)
{
    struct node_memory *memory = (struct node_memory *)table->memory;
    uint32_t *buckets = (uint32_t *)table->buckets;

    memory->layout = *layout;
    memory->layout.checksum = checksum_of(table, &memory->layout, sizeof(memory->layout));
    memory->header = (struct node_header){ .fresh = SLOT_ROOT, .mask = FIRST_BUCKETS - 1 };
    memory->header.checksum = checksum_of(table, &memory->header, sizeof(memory->header));
    for (uint32_t bucket = 0; bucket < FIRST_BUCKETS; bucket++)
        buckets[bucket] = hash_empty_bucket(bucket);
    for (int i = 0; i < NODE_LEDGERS; i++) {
        struct ledger_head *head = &memory->ledgers[i].head;

        *head = (struct ledger_head){ .stream = NODE_STREAM_NONE };
        head->checksum = checksum_of(table, head, sizeof(*head));
    }
    undo_log_clear(table);
}

int node_table_create(struct node_table *table, uint32_t capacity, uint32_t cached_max)
{
    // Slot 0 means none.
    struct node_layout layout = make_layout(capacity + 1, cached_max);
    int memfd;
    int error;

    if (capacity == 0 || capacity > NODE_CAPACITY_MAX)
        return -EINVAL;
    memfd = memfd_create("shmapfs-nodes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memfd < 0)
        return -errno;
    // Sealed, so that nobody can take away memory that is mapped.
    error = ftruncate(memfd, (off_t)layout.bytes) != 0 ||
                    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0
                ? -errno
                : map_table(table, memfd, &layout);
    if (error) {
        close(memfd);
        return error;
    }
    fill(table, &layout);
    node_fd_keep(table, memfd);
    return 0;
}

/* Reads the constant layout of a table. On an error `why` says what differs from this version. */
static int read_layout(int memfd, struct node_layout *layout, const char **why)
{
    struct node_layout expected;
    struct stat st;

    *why = "its memory cannot be read";
    if (fstat(memfd, &st) != 0)
        return -errno;
    *why = "it is not a node table";
    if (pread(memfd, layout, sizeof(*layout), 0) != sizeof(*layout) || layout->magic != TABLE_MAGIC)
        return -EPROTO;
    *why = "it has the layout of another version";
    if (layout->version != TABLE_VERSION)
        return -EPROTO;
    *why = "its size contradicts its layout";
    if (layout->capacity < 2 || layout->capacity > NODE_CAPACITY_MAX + 1)
        return -EPROTO;
    expected = make_layout(layout->capacity, layout->cached_max);
    expected.checksum = layout->checksum;
    if (memcmp(&expected, layout, sizeof(expected)) != 0 || (uint64_t)st.st_size != layout->bytes)
        return -EPROTO;
    return 0;
}

/* Checks the bounds that everything is measured by afterwards. */
static void check_header(const struct node_table *table)
{
    const struct node_header *header = table->header;

    check_object(table, &table->memory->layout, sizeof(struct node_layout),
                 "the layout has a wrong checksum");
    check_object(table, header, sizeof(*header), "the header has a wrong checksum");
    if (header->fresh == SLOT_NONE || header->fresh > table->capacity ||
        header->nodes >= header->fresh || header->idle > header->nodes ||
        header->unlinked > header->nodes || header->cached > header->nodes)
        table_corrupt(table, "the header counts more nodes than there can be");
    if (header->mask < FIRST_BUCKETS - 1 || (header->mask & (header->mask + 1)) != 0 ||
        header->split > header->mask ||
        (uint64_t)header->mask + 1 + header->split > table->capacity + FIRST_BUCKETS)
        table_corrupt(table, "the header counts more buckets than there can be");
    if (header->fds_end > NODE_FD_MAX)
        table_corrupt(table, "the header counts more descriptors than there can be");
}

/* Frees the nodes that only requests of the dead process used, while there is room for what they
 * held. The remaining ones are freed when they are looked up and forgotten, or after the next
 * death. */
static void free_idle(struct node_table *table)
{
    for (uint32_t slot = SLOT_ROOT; slot < table->header->fresh; slot++) {
        struct node_resources taken = NODE_NO_RESOURCES;

        if (table->header->idle == 0 || backing_many_pending_close(table))
            break;
        free_if_unused(table, slot_at(table, slot), &taken);
        table_commit(table);
    }
    // The descriptors that the nodes held have no owner any more.
    table->closing = 0;
}

struct trap {
    jmp_buf back;
    const char *volatile what;
};

static void spring(void *argument, const char *what)
{
    struct trap *trap = argument;

    trap->what = what;
    longjmp(trap->back, 1);
}

/* Recovers a table after a death. Returns what is damaged, or NULL. */
static const char *recover(struct node_table *table)
{
    struct trap trap = { .what = NULL };
    void (*corrupt)(void *, const char *) = table->corrupt;
    void *argument = table->corrupt_argument;

    table->corrupt = spring;
    table->corrupt_argument = &trap;
    if (setjmp(trap.back) == 0) {
        undo_log_roll_back(table);
        check_header(table);
        table_begin(table);
        hash_grow(table);
        free_idle(table);
        payer_recount(table);
        table_end(table);
        node_fd_keep(table, table->memfd);
    } else {
        // The call that noticed the damage may have taken the lock; nobody else can.
        lock_try(&table->lock);
        lock_release(&table->lock);
    }
    table->corrupt = corrupt;
    table->corrupt_argument = argument;
    return trap.what;
}

int node_table_attach(struct node_table *table, int memfd, const char **why)
{
    struct node_layout layout;
    int error = read_layout(memfd, &layout, why);

    if (error)
        return error;
    *why = "its memory cannot be mapped";
    error = map_table(table, memfd, &layout);
    if (error)
        return error;
    *why = recover(table);
    if (*why) {
        node_table_detach(table);
        return -EUCLEAN;
    }
    return 0;
}

void node_table_detach(struct node_table *table)
{
    lock_destroy(&table->lock);
    free(table->payers);
    table->payers = NULL;
    munmap(table->uses, table->capacity * sizeof(struct node_use));
    munmap((void *)table->memory, table->bytes);
    table->header = NULL;
}

void node_table_destroy(struct node_table *table)
{
    node_table_detach(table);
    close(table->memfd);
}

uint32_t node_table_layout(void)
{
    return TABLE_VERSION;
}

struct node_counts node_table_counts(struct node_table *table)
{
    struct node_counts counts;

    table_begin(table);
    counts = (struct node_counts){ .nodes = table->header->nodes,
                                   .opens = table->header->opens,
                                   .descriptors = table->header->owned[OWNER_NODE],
                                   .cached_max = table->cached_max,
                                   .orphans = table->header->unlinked + table->closing,
                                   .closing = table->closing };
    table_end(table);
    return counts;
}
