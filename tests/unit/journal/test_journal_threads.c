// SPDX-License-Identifier: BSD-2-Clause
/* Several threads write, read, commit and apply at the same time. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/scratch.h"
#include "tests/unit/threads.h"

#define WRITERS 3U
#define COMMITS 150U
#define WORDS   1024U // of what is written at once: two pages

struct world {
    int store;
    int fds[WRITERS];
    struct journal *journal;
    struct journal_object *objects[WRITERS];
    atomic_uint left; // writers
};

struct writer {
    struct world *world;
    unsigned file;
    bool failed;
};

static bool put(struct world *world, unsigned file, uint64_t value)
{
    uint64_t words[WORDS];

    for (unsigned i = 0; i < WORDS; i++)
        words[i] = value;
    return journal_write(world->objects[file], world->fds[file], words, sizeof(words),
                         (off_t)(value % 7 * sizeof(words))) == sizeof(words) &&
           journal_write(world->objects[file], world->fds[file], words, sizeof(words), 0) ==
               sizeof(words);
}

/* Returns whether it is what one write has written; and what. */
static bool get(struct world *world, unsigned file, uint64_t *value)
{
    uint64_t words[WORDS];
    ssize_t size = journal_read(world->objects[file], world->fds[file], words, sizeof(words), 0);

    *value = words[0];
    for (unsigned i = 0; size > 0 && i < WORDS; i++)
        if (words[i] != words[0])
            return false;
    return size == 0 || size == sizeof(words);
}

static bool commit(struct world *world, unsigned file, bool all)
{
    return all ? journal_commit(world->journal, world->objects, world->fds, WRITERS) == 0
               : journal_commit(world->journal, &world->objects[file], &world->fds[file], 1) == 0;
}

static void *write_on(void *argument)
{
    struct writer *writer = argument;
    struct world *world = writer->world;

    for (uint64_t i = 1; i <= COMMITS && !writer->failed; i++) {
        uint64_t value;

        writer->failed = !put(world, writer->file, i) || !commit(world, writer->file, i % 5 == 0) ||
                         !get(world, (writer->file + 1) % WRITERS, &value) ||
                         !get(world, writer->file, &value) || value != i;
    }
    atomic_fetch_sub(&world->left, 1);
    return NULL;
}

static void *apply_on(void *argument)
{
    struct world *world = argument;
    intptr_t error = 0;

    while (atomic_load(&world->left) > 0 && error == 0) {
        struct journal_state state;

        error = journal_apply(world->journal);
        journal_status(world->journal, &state);
    }
    return (void *)error;
}

static void begin(struct world *world, const char *path)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = -1, .session = { 1 } };
    struct complaint complaint;

    *world = (struct world){ .store = open_dir(AT_FDCWD, path) };
    atomic_store(&world->left, WRITERS);
    assert_int_equal(journal_open(world->store, &options, &world->journal, &complaint), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        const char name[] = { (char)('a' + i), '\0' };
        struct statx stx;

        world->fds[i] = openat(world->store, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(object_stat(world->fds[i], &stx), 0);
        assert_int_equal(
            journal_enter(world->journal, world->fds[i], &stx, false, &world->objects[i]), 0);
    }
}

static void end(struct world *world)
{
    struct journal_report report;
    struct complaint complaint;

    for (unsigned i = 0; i < WRITERS; i++)
        journal_leave(world->objects[i]);
    journal_abandon(world->journal);
    assert_int_equal(journal_recover(world->store, NULL, &report, &complaint), 0);
    assert_true(report.damaged == 0 && report.torn == 0 && !report.broken);
    for (unsigned i = 0; i < WRITERS; i++) {
        uint64_t value;

        assert_int_equal(pread(world->fds[i], &value, sizeof(value), 0), sizeof(value));
        assert_int_equal(value, COMMITS);
        close(world->fds[i]);
    }
    close(world->store);
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct world world;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    pthread_t applier;

    begin(&world, *state);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .world = &world, .file = i };
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&applier, NULL, apply_on, &world), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        await_thread(threads[i], "a writer");
        assert_false(writers[i].failed);
    }
    await_thread(applier, "the one who applies");
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("journal_threads", tests, NULL, NULL);
}
