// SPDX-License-Identifier: BSD-2-Clause
/*
 * Crashes at each moment, with any part of what was not synced lost: afterwards all files are as of
 * one commit, and that is none before the last one that was acknowledged.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/journal/lossy_disk.h"
#include "tests/unit/scratch.h"

#ifdef __SANITIZE_ADDRESS__
/* A process that dies leaves all memory behind. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

#define FILES  3U
#define PAGES  24U
#define ROOM   (PAGES * 4096U)
#define STEPS  100U
#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 1U // which takes a sanitizer as long
#else
#define ROUNDS 2U
#endif

struct content {
    size_t size;
    uint8_t data[ROOM];
};

/* All files as of a commit, and between which events it came about. */
struct version {
    struct content files[FILES];
    size_t begun;
    size_t acknowledged;
};

static struct world {
    int store;
    int fds[FILES];
    uint64_t inodes[FILES];
    struct journal *journal;
    struct journal_object *objects[FILES];
    struct content now[FILES];
    struct version *versions;
    size_t count;
    unsigned seed;
    bool busy;   // at a point
    bool mortal; // the worker may die at a point
    jmp_buf death;
} world;

static unsigned pick(unsigned below)
{
    return (unsigned)rand_r(&world.seed) % below;
}

static void open_journal(uint8_t session)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = -1 };
    struct complaint complaint;

    options.session[0] = session;
    assert_int_equal(journal_open(world.store, &options, &world.journal, &complaint), 0);
    for (unsigned i = 0; i < FILES; i++) {
        struct statx stx;

        assert_int_equal(object_stat(world.fds[i], &stx), 0);
        world.inodes[i] = stx.stx_ino;
        assert_int_equal(journal_enter(world.journal, world.fds[i], &stx, false, &world.objects[i]),
                         0);
    }
}

static void close_journal(void)
{
    for (unsigned i = 0; i < FILES; i++)
        journal_leave(world.objects[i]);
    journal_abandon(world.journal);
}

/* The worker has died, and the next one does again what it was at. */
static void revive(void)
{
    world.mortal = false;
    journal_abandon(world.journal);
    open_journal(1);
}

static void add_version(size_t begun)
{
    struct version *version;

    world.versions = reallocarray(world.versions, world.count + 1, sizeof(*world.versions));
    version = &world.versions[world.count++];
    memcpy(version->files, world.now, sizeof(version->files));
    version->begun = begun;
    version->acknowledged = SIZE_MAX;
}

/* An operation on the journal, so that it can be done again. */
struct operation {
    enum { WRITE, ZERO, TRUNCATE, COMMIT, APPLY } kind;
    unsigned file;
    size_t offset;
    size_t size;
    uint8_t fill;
};

static void carry_out(const struct operation *operation)
{
    struct journal_object *object = world.objects[operation->file];
    int fd = world.fds[operation->file];
    uint8_t data[ROOM];

    switch (operation->kind) {
    case WRITE:
        memset(data, operation->fill, operation->size);
        assert_int_equal(journal_write(object, fd, data, operation->size, (off_t)operation->offset),
                         operation->size);
        break;
    case ZERO:
        assert_int_equal(
            journal_zero(object, fd, (off_t)operation->offset, (off_t)operation->size, true), 0);
        break;
    case TRUNCATE:
        assert_int_equal(journal_truncate(object, fd, (off_t)operation->size), 0);
        break;
    case COMMIT:
        assert_int_equal(journal_commit(world.journal, world.objects, world.fds, FILES), 0);
        break;
    case APPLY:
        assert_int_equal(journal_apply(world.journal), 0);
        break;
    }
}

/* A worker that dies meanwhile leaves the same to the next one. Returns whether it was done. */
static bool survive(const struct operation *operation)
{
    if (!world.busy) {
        world.mortal = true;
        if (setjmp(world.death))
            revive();
        // The client that wanted it may have died, too.
        if (!world.mortal && pick(2))
            return false;
    }
    carry_out(operation);
    world.mortal = world.mortal && world.busy;
    return true;
}

/* A part may have been done. */
static void look_at(unsigned file)
{
    struct content *now = &world.now[file];
    ssize_t size = journal_read(world.objects[file], world.fds[file], now->data, ROOM, 0);

    assert_true(size >= 0);
    memset(now->data + size, 0, ROOM - (size_t)size);
    now->size = (size_t)size;
}

static void write_some(void)
{
    struct operation operation = { .kind = WRITE,
                                   .file = pick(FILES),
                                   .offset = pick(ROOM - 1),
                                   .size = 1 + pick(pick(3) ? 9000 : 60000),
                                   .fill = (uint8_t)(1 + pick(255)) };
    struct content *now = &world.now[operation.file];

    if (operation.size > ROOM - operation.offset)
        operation.size = ROOM - operation.offset;
    if (!survive(&operation)) {
        look_at(operation.file);
        return;
    }
    memset(now->data + operation.offset, operation.fill, operation.size);
    if (operation.offset + operation.size > now->size)
        now->size = operation.offset + operation.size;
}

static void zero_some(void)
{
    struct operation operation = { .kind = ZERO, .file = pick(FILES), .size = 1 + pick(20000) };
    struct content *now = &world.now[operation.file];

    if (now->size == 0)
        return;
    operation.offset = pick((unsigned)now->size);
    if (operation.size > now->size - operation.offset)
        operation.size = now->size - operation.offset;
    if (!survive(&operation)) {
        look_at(operation.file);
        return;
    }
    memset(now->data + operation.offset, 0, operation.size);
}

static void cut_some(void)
{
    struct operation operation = { .kind = TRUNCATE, .file = pick(FILES), .size = pick(ROOM) };
    struct content *now = &world.now[operation.file];

    if (!survive(&operation)) {
        look_at(operation.file);
        return;
    }
    if (operation.size < now->size)
        memset(now->data + operation.size, 0, now->size - operation.size);
    now->size = operation.size;
}

/* All files, so that each version has all of what was written until then. */
static void commit_all(void)
{
    add_version(lossy_events());
    if (survive(&(struct operation){ .kind = COMMIT }))
        world.versions[world.count - 1].acknowledged = lossy_events();
}

static void drop_all(void)
{
    const struct version *last = &world.versions[world.count - 1];

    for (unsigned i = 0; i < FILES; i++)
        assert_int_equal(journal_drop(world.objects[i]), 0);
    memcpy(world.now, last->files, sizeof(world.now));
}

/* While the journal is applied and its next half is written, others go on. */
static void at_point(enum disk_point point)
{
    // How seldom a worker dies there: each point is passed about as often as another.
    static const unsigned odds[] = {
        [DISK_POINT_WRITTEN] = 20, [DISK_POINT_RECORDED] = 20, [DISK_POINT_COMMITTED] = 5,
        [DISK_POINT_SYNCED] = 10,  [DISK_POINT_APPLYING] = 60, [DISK_POINT_APPLIED] = 5,
        [DISK_POINT_TURNING] = 10, [DISK_POINT_FLIPPED] = 3,   [DISK_POINT_TURNED] = 5,
    };
    bool applies = point >= DISK_POINT_APPLYING;

    if (world.busy)
        return;
    if (world.mortal && pick(odds[point]) == 0)
        longjmp(world.death, 1);
    if ((!applies && point != DISK_POINT_COMMITTED) || pick(applies ? 2 : 8))
        return;
    world.busy = true;
    if (!applies) {
        survive(&(struct operation){ .kind = APPLY });
    } else {
        write_some();
        if (pick(2))
            cut_some();
        if (pick(2))
            commit_all();
    }
    world.busy = false;
}

static void live_a_life(void)
{
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned step = pick(100);

        if (step < 60)
            write_some();
        else if (step < 66)
            zero_some();
        else if (step < 72)
            cut_some();
        else if (step < 92)
            commit_all();
        else if (step < 94)
            drop_all();
        else if (step < 99)
            survive(&(struct operation){ .kind = APPLY });
        else {
            close_journal();
            open_journal(1);
        }
    }
}

static bool is_version(const struct version *version)
{
    static uint8_t data[ROOM + 1];

    for (unsigned i = 0; i < FILES; i++) {
        const struct content *content = &version->files[i];

        if (pread(world.fds[i], data, sizeof(data), 0) != (ssize_t)content->size ||
            memcmp(data, content->data, content->size) != 0)
            return false;
    }
    return true;
}

static void check_versions(size_t event)
{
    size_t last = 0;
    size_t until = 0;

    for (size_t i = 0; i < world.count; i++) {
        if (world.versions[i].acknowledged <= event)
            last = i;
        if (world.versions[i].begun < event)
            until = i;
    }
    for (size_t i = last; i <= until || i == last; i++)
        if (is_version(&world.versions[i]))
            return;
    for (size_t i = 0; i < world.count; i++)
        if (is_version(&world.versions[i]))
            fail_msg("after event %zu there is version %zu, and not one of %zu to %zu", event, i,
                     last, until);
    fail_msg("after event %zu there is no whole version", event);
}

static void recover(void)
{
    struct journal_report report;
    struct complaint complaint;
    int writes = (int)pick(40);

    // The recovery itself may be interrupted, too.
    if (pick(4) == 0) {
        lossy_fail_store_after(writes);
        journal_recover(world.store, NULL, &report, &complaint);
        lossy_fail_store_after(-1);
    }
    assert_int_equal(journal_recover(world.store, NULL, &report, &complaint), 0);
    assert_true(report.damaged == 0 && !report.broken);
    assert_int_equal(faccessat(world.store, ".shmapfs/journal", F_OK, 0), -1);
}

static void crash(struct lossy_file *log, struct lossy_file *const files[], enum loss loss)
{
    int fd = openat(world.store, ".shmapfs/journal", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    lossy_file_crash(log, loss, &world.seed, fd);
    close(fd);
    for (unsigned i = 0; i < FILES; i++)
        lossy_file_crash(files[i], loss, &world.seed, world.fds[i]);
}

static void crash_everywhere(uint64_t journal)
{
    struct lossy_file *log = lossy_file_new(journal, NULL, 0);
    struct lossy_file *files[FILES];

    for (unsigned i = 0; i < FILES; i++)
        files[i] = lossy_file_new(world.inodes[i], world.versions[0].files[i].data,
                                  world.versions[0].files[i].size);
    for (size_t event = 0; event <= lossy_events(); event++) {
        lossy_file_advance(log, event);
        for (unsigned i = 0; i < FILES; i++)
            lossy_file_advance(files[i], event);
        crash(log, files, (enum loss)pick(LOSS_KINDS));
        recover();
        check_versions(event);
    }
    for (unsigned i = 0; i < FILES; i++)
        lossy_file_free(files[i]);
    lossy_file_free(log);
}

static void begin(const char *path, unsigned seed)
{
    memset(&world, 0, sizeof(world));
    world.seed = seed;
    world.store = open_dir(AT_FDCWD, path);
    for (unsigned i = 0; i < FILES; i++) {
        const char name[] = { (char)('a' + i), '\0' };

        world.fds[i] = openat(world.store, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(world.fds[i] >= 0);
        world.now[i].size = i * 6000;
        memset(world.now[i].data, (int)(200 + i), world.now[i].size);
        assert_int_equal(pwrite(world.fds[i], world.now[i].data, world.now[i].size, 0),
                         world.now[i].size);
    }
    add_version(0);
    world.versions[0].acknowledged = 0;
    lossy_begin(at_point);
    open_journal(1);
}

static void end(void)
{
    for (unsigned i = 0; i < FILES; i++)
        close(world.fds[i]);
    close(world.store);
    free(world.versions);
    lossy_clear();
}

/* A number of the environment. */
static unsigned number_of(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* SHMAPFS_ROUNDS says how many lives there are, SHMAPFS_SEED the seed of the first one. */
static void a_crash_leaves_whole_commits(void **state)
{
    unsigned first = number_of("SHMAPFS_SEED", 1);
    unsigned rounds = number_of("SHMAPFS_ROUNDS", ROUNDS);
    size_t crashes = 0;
    struct stat st;

    for (unsigned round = 0; round < rounds; round++) {
        begin(*state, first + round);
        live_a_life();
        close_journal();
        lossy_end();
        assert_int_equal(fstatat(world.store, ".shmapfs/journal", &st, 0), 0);
        crash_everywhere(st.st_ino);
        crashes += lossy_events() + 1;
        print_message("# seed %u: %zu commits; %zu crashes until now\n", first + round, world.count,
                      crashes);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(a_crash_leaves_whole_commits),
    };
    return cmocka_run_group_tests_name("journal_crash", tests, NULL, NULL);
}
