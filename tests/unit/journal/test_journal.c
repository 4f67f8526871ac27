// SPDX-License-Identifier: BSD-2-Clause
/* Data written through a journal is as a file that is changed at once would have it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/scratch.h"

#define ROOM  (96U * 4096U)
#define STEPS 1000U

/* A file, and what is to be in it. */
struct model {
    size_t size;
    uint8_t data[ROOM];
};

struct bench {
    int store;
    int spill;
    int fd;
    struct journal *journal;
    struct journal_object *object;
    struct model now;
    struct model committed;
    bool spills;
    unsigned seed;
};

static unsigned pick(struct bench *bench, unsigned below)
{
    return (unsigned)rand_r(&bench->seed) % below;
}

static struct journal_options options_of(const struct bench *bench, uint8_t session)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = bench->spill };

    options.session[0] = session;
    return options;
}

static void open_journal(struct bench *bench, uint8_t session)
{
    struct journal_options options = options_of(bench, session);
    struct complaint complaint = { "" };
    int error = journal_open(bench->store, &options, &bench->journal, &complaint);

    if (error)
        fail_msg("%s", complaint.text);
}

static void enter(struct bench *bench)
{
    struct statx stx;

    assert_int_equal(object_stat(bench->fd, &stx), 0);
    assert_int_equal(journal_enter(bench->journal, bench->fd, &stx, bench->spills, &bench->object),
                     0);
}

static void begin(struct bench *bench, const char *path, bool spills, unsigned seed)
{
    memset(bench, 0, sizeof(*bench));
    bench->store = open_dir(AT_FDCWD, path);
    bench->fd = openat(bench->store, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(bench->fd >= 0);
    assert_int_equal(ftruncate(bench->fd, 0), 0);
    bench->spill = memfd_create("spill", MFD_CLOEXEC);
    bench->spills = spills;
    bench->seed = seed;
    open_journal(bench, 1);
    enter(bench);
}

static void end(struct bench *bench)
{
    close(bench->fd);
    close(bench->spill);
    close(bench->store);
}

static void check_content(struct bench *bench)
{
    static uint8_t data[ROOM + 1];
    struct statx stx;

    assert_int_equal(object_stat(bench->fd, &stx), 0);
    journal_overlay_stat(bench->object, &stx);
    assert_int_equal(stx.stx_size, bench->now.size);
    assert_int_equal(journal_committed_size(bench->object), bench->committed.size);
    assert_int_equal(journal_read(bench->object, bench->fd, data, sizeof(data), 0),
                     bench->now.size);
    assert_memory_equal(data, bench->now.data, bench->now.size);
}

static void check_store(struct bench *bench)
{
    static uint8_t data[ROOM + 1];

    assert_int_equal(pread(bench->fd, data, sizeof(data), 0), bench->committed.size);
    assert_memory_equal(data, bench->committed.data, bench->committed.size);
}

static void set_model_size(struct model *model, size_t size)
{
    if (size < model->size)
        memset(model->data + size, 0, model->size - size);
    model->size = size;
}

static void step_write(struct bench *bench)
{
    static uint8_t data[ROOM];
    size_t offset = pick(bench, ROOM - 1);
    size_t size = 1 + pick(bench, pick(bench, 2) ? 5000 : 40000);

    if (pick(bench, 3) == 0)
        offset -= offset % 4096;
    size = size < ROOM - offset ? size : ROOM - offset;
    memset(data, 1 + (int)pick(bench, 255), size);
    assert_int_equal(journal_write(bench->object, bench->fd, data, size, (off_t)offset), size);
    memcpy(bench->now.data + offset, data, size);
    if (offset + size > bench->now.size)
        bench->now.size = offset + size;
}

static void step_truncate(struct bench *bench)
{
    size_t size = pick(bench, ROOM);

    if (pick(bench, 2))
        size -= size % 4096;
    assert_int_equal(journal_truncate(bench->object, bench->fd, (off_t)size), 0);
    set_model_size(&bench->now, size);
}

static void step_zero(struct bench *bench)
{
    size_t offset = pick(bench, ROOM - 1);
    size_t length = 1 + pick(bench, 30000);
    bool keep = pick(bench, 2);

    length = length < ROOM - offset ? length : ROOM - offset;
    assert_int_equal(journal_zero(bench->object, bench->fd, (off_t)offset, (off_t)length, keep), 0);
    memset(bench->now.data + offset, 0, length);
    if (!keep && offset + length > bench->now.size)
        bench->now.size = offset + length;
}

static void step_commit(struct bench *bench)
{
    assert_int_equal(journal_commit(bench->journal, &bench->object, &bench->fd, 1), 0);
    bench->committed = bench->now;
}

static void step_drop(struct bench *bench)
{
    assert_int_equal(journal_drop(bench->object), 0);
    bench->now = bench->committed;
}

static void step_apply(struct bench *bench)
{
    assert_int_equal(journal_apply(bench->journal), 0);
    check_store(bench);
}

/* A worker dies, and the next one attaches. */
static void step_attach(struct bench *bench)
{
    journal_leave(bench->object);
    journal_abandon(bench->journal);
    open_journal(bench, 1);
    enter(bench);
}

/* A crash, after which another mount recovers. */
static void step_recover(struct bench *bench)
{
    uint8_t session = (uint8_t)(2 + pick(bench, 100));
    struct journal_report report;
    struct complaint complaint;

    journal_leave(bench->object);
    journal_abandon(bench->journal);
    assert_int_equal(journal_verify(bench->store, NULL, &report, &complaint), 0);
    assert_true(report.damaged == 0 && report.torn == 0 && !report.broken);
    open_journal(bench, session);
    check_store(bench);
    bench->now = bench->committed;
    journal_abandon(bench->journal);
    open_journal(bench, 1);
    enter(bench);
}

static void step_close(struct bench *bench)
{
    journal_leave(bench->object);
    assert_int_equal(journal_close(bench->journal), 0);
    check_store(bench);
    assert_int_equal(faccessat(bench->store, ".shmapfs/journal", F_OK, 0), -1);
    bench->now = bench->committed;
    open_journal(bench, 1);
    enter(bench);
}

static void (*const STEPS_OF[])(struct bench *bench) = {
    step_write, step_write, step_write,  step_write,  step_write, step_write,    step_truncate,
    step_zero,  step_zero,  step_commit, step_commit, step_drop,  step_truncate, step_attach,
};

static void (*const RARE_STEPS[])(struct bench *bench) = { step_apply, step_apply, step_recover,
                                                           step_close };

static void a_journal_is_like_a_file(void **state)
{
    static struct bench bench;

    for (unsigned round = 0; round < 2; round++) {
        begin(&bench, *state, round, 4711 + round);
        for (unsigned i = 0; i < STEPS; i++) {
            if (pick(&bench, 50) == 0)
                RARE_STEPS[pick(&bench, COUNT(RARE_STEPS))](&bench);
            else
                STEPS_OF[pick(&bench, COUNT(STEPS_OF))](&bench);
            check_content(&bench);
        }
        journal_leave(bench.object);
        assert_int_equal(journal_close(bench.journal), 0);
        check_store(&bench);
        end(&bench);
    }
}

/* Leaves all that a commit has something to do for, and returns how many they are; `ino` receives the
 * inode number of the first. */
static ssize_t leave_dirty(struct journal *journal, uint64_t *ino)
{
    struct journal_object **dirty;
    ssize_t count = journal_find_dirty(journal, &dirty);
    struct statx stx;

    assert_true(count >= 0);
    if (count > 0) {
        journal_identify(dirty[0], &stx);
        *ino = stx.stx_ino;
        struct journal_object *found = journal_find(journal, &stx);
        assert_ptr_equal(found, dirty[0]);
        journal_leave(found);
    }
    for (ssize_t i = 0; i < count; i++)
        journal_leave(dirty[i]);
    free(dirty);
    return count;
}

static void what_is_uncommitted_is_found(void **state)
{
    static struct bench bench;
    struct journal_state status;
    struct statx stx;
    uint64_t bytes, ino;

    begin(&bench, *state, false, 1);
    assert_int_equal(object_stat(bench.fd, &stx), 0);
    // Nobody knows what of a new file is on the disk.
    assert_int_equal(journal_commit(bench.journal, &bench.object, NULL, 1), 0);
    assert_int_equal(leave_dirty(bench.journal, &ino), 0);
    assert_false(journal_is_uncommitted(bench.object, &bytes));
    assert_int_equal(journal_write(bench.object, bench.fd, "xy", 2, 4095), 2);
    assert_true(journal_is_uncommitted(bench.object, &bytes));
    assert_int_equal(bytes, 8192);
    assert_int_equal(leave_dirty(bench.journal, &ino), 1);
    assert_int_equal(ino, stx.stx_ino);
    assert_int_equal(journal_commit(bench.journal, &bench.object, NULL, 1), 0);
    journal_status(bench.journal, &status);
    assert_int_equal(status.commits, 1);
    assert_int_equal(status.commit_error, 0);
    assert_false(journal_is_uncommitted(bench.object, &bytes));
    assert_int_equal(leave_dirty(bench.journal, &ino), 0);
    // One that nobody can find any more is no business of a commit's.
    assert_int_equal(journal_truncate(bench.object, bench.fd, 0), 0);
    journal_forget(bench.object);
    assert_int_equal(leave_dirty(bench.journal, &ino), 0);
    journal_leave(bench.object);
    assert_int_equal(journal_close(bench.journal), 0);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(a_journal_is_like_a_file),
        MEMORY_SCRATCH_TEST(what_is_uncommitted_is_found),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
