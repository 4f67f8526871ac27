// SPDX-License-Identifier: BSD-2-Clause
/* The limit of a journal: when what is committed goes to the files so that others have room. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/scratch.h"

enum { PAGE = 4096, PIECE = 1 << 20, COMMITS = 64 };

/* Applies of so little that is committed would not pay. */
_Static_assert(COMMITS * PAGE < JOURNAL_SIZE_MIN / 8, "the commits are small");

struct file {
    int fd;
    struct journal_object *object;
};

static struct world {
    int store;
    struct journal *journal;
    struct file mine, others;
    char data[PIECE];
} world;

static void enter(struct file *file, const char *name)
{
    struct statx stx;

    file->fd = openat(world.store, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file->fd >= 0);
    assert_int_equal(object_stat(file->fd, &stx), 0);
    assert_int_equal(journal_enter(world.journal, file->fd, &stx, false, &file->object), 0);
}

static void leave(struct file *file)
{
    journal_leave(file->object);
    close(file->fd);
}

static void begin(const char *path)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = -1 };
    struct complaint complaint;

    world.store = open_dir(AT_FDCWD, path);
    assert_int_equal(journal_open(world.store, &options, &world.journal, &complaint), 0);
    enter(&world.mine, "mine");
    enter(&world.others, "others");
}

static void end(void)
{
    leave(&world.mine);
    leave(&world.others);
    assert_int_equal(journal_close(world.journal), 0);
    close(world.store);
}

static void write_at(const struct file *file, size_t size, uint64_t offset)
{
    assert_int_equal(journal_write(file->object, file->fd, world.data, size, offset), size);
}

static void commit(struct file *file)
{
    assert_int_equal(journal_commit(world.journal, &file->object, &file->fd, 1), 0);
}

/* More than the limit, which nobody has committed. */
static void fill(const struct file *file)
{
    for (uint64_t offset = 0; offset < 2 * JOURNAL_SIZE_MIN; offset += PIECE)
        write_at(file, PIECE, offset);
}

/* There is little that an apply could give back. */
static void commit_a_page_and_fill(void)
{
    write_at(&world.mine, PAGE, 0);
    commit(&world.mine);
    fill(&world.others);
}

static struct journal_state state_of_journal(void)
{
    struct journal_state state;

    journal_status(world.journal, &state);
    return state;
}

static void one_who_does_not_commit_delays_nobody(void **state)
{
    begin(*state);
    fill(&world.others);
    for (uint64_t i = 0; i < COMMITS; i++) {
        write_at(&world.mine, PAGE, i * PAGE);
        commit(&world.mine);
        assert_int_equal(journal_apply_if_wanted(world.journal, UINT64_MAX), 0);
    }
    // The first one finds how little it gives back.
    assert_int_equal(state_of_journal().applies, 1);
    end();
}

static void what_is_committed_at_last_gives_room(void **state)
{
    begin(*state);
    commit_a_page_and_fill();
    uint64_t before = state_of_journal().applies;
    commit(&world.others);
    assert_true(journal_wants_apply(world.journal, UINT64_MAX));
    write_at(&world.mine, PAGE, 0);
    assert_int_equal(state_of_journal().applies, before + 1);
    assert_true(state_of_journal().used < JOURNAL_SIZE_MIN / 8);
    end();
}

static void what_is_dropped_gives_room(void **state)
{
    begin(*state);
    commit_a_page_and_fill();
    // Cut off, which makes room as a drop does.
    assert_int_equal(journal_truncate(world.others.object, world.others.fd, 0), 0);
    for (uint64_t offset = 0; offset < 2 * JOURNAL_SIZE_MIN; offset += PIECE) {
        write_at(&world.mine, PIECE, offset);
        commit(&world.mine);
        assert_true(state_of_journal().used <= JOURNAL_SIZE_MIN + PIECE);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(one_who_does_not_commit_delays_nobody),
        MEMORY_SCRATCH_TEST(what_is_committed_at_last_gives_room),
        MEMORY_SCRATCH_TEST(what_is_dropped_gives_room),
    };
    return cmocka_run_group_tests_name("journal_room", tests, NULL, NULL);
}
