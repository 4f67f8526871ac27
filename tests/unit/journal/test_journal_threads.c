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
#define PLACES  16U   // that a thread has in a file of all of them

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

static void recover(struct world *world)
{
    struct journal_report report;
    struct complaint complaint;

    for (unsigned i = 0; i < WRITERS; i++)
        journal_leave(world->objects[i]);
    journal_abandon(world->journal);
    assert_int_equal(journal_recover(world->store, NULL, &report, &complaint), 0);
    assert_true(report.damaged == 0 && report.torn == 0 && !report.broken);
}

static void end(struct world *world)
{
    for (unsigned i = 0; i < WRITERS; i++)
        close(world->fds[i]);
    close(world->store);
}

static void run(struct world *world, void *(*work)(void *writer))
{
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    pthread_t applier;

    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .world = world, .file = i };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&applier, NULL, apply_on, world), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        await_thread(threads[i], "a writer");
        assert_false(writers[i].failed);
    }
    await_thread(applier, "the one who applies");
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct world world;

    begin(&world, *state);
    run(&world, write_on);
    recover(&world);
    for (unsigned i = 0; i < WRITERS; i++) {
        uint64_t value;

        assert_int_equal(pread(world.fds[i], &value, sizeof(value), 0), sizeof(value));
        assert_int_equal(value, COMMITS);
    }
    end(&world);
}

/* The first place is everybody's, and the others each thread's own in turn. */
static off_t place_of(unsigned writer, uint64_t value)
{
    return (off_t)((1 + writer + value % PLACES * WRITERS) * WORDS * sizeof(uint64_t));
}

static bool put_at(struct world *world, off_t offset, uint64_t value)
{
    uint64_t words[WORDS];

    for (unsigned i = 0; i < WORDS; i++)
        words[i] = value;
    return journal_write(world->objects[0], world->fds[0], words, sizeof(words), offset) ==
           sizeof(words);
}

static void *write_together(void *argument)
{
    struct writer *writer = argument;
    struct world *world = writer->world;

    for (uint64_t i = 1; i <= COMMITS && !writer->failed; i++) {
        uint64_t value;

        writer->failed = !put_at(world, 0, i) || !put_at(world, place_of(writer->file, i), i) ||
                         !put_at(world, place_of(writer->file, i + 1), i) ||
                         !get(world, 0, &value) || (i % 3 == 0 && !commit(world, 0, false));
    }
    atomic_fetch_sub(&world->left, 1);
    return NULL;
}

static void threads_share_a_file(void **state)
{
    struct world world;

    begin(&world, *state);
    run(&world, write_together);
    assert_true(commit(&world, 0, false));
    recover(&world);
    for (unsigned i = 0; i < WRITERS * PLACES; i++) {
        unsigned writer = i % WRITERS, place = i / WRITERS;
        uint64_t words[WORDS], last = COMMITS - (COMMITS + PLACES - place) % PLACES;

        assert_int_equal(pread(world.fds[0], words, sizeof(words), place_of(writer, place)),
                         sizeof(words));
        // The last round was the last to come to the place after its own, too.
        last = place == (COMMITS + 1) % PLACES ? COMMITS : last;
        assert_int_equal(words[0], last);
        assert_memory_equal(words, words + 1, sizeof(words) - sizeof(words[0]));
    }
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(threads_do_not_disturb_each_other),
        MEMORY_SCRATCH_TEST(threads_share_a_file),
    };
    return cmocka_run_group_tests_name("journal_threads", tests, NULL, NULL);
}
