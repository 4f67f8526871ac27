// SPDX-License-Identifier: BSD-2-Clause
/* A point: all that is committed at one moment can be read, whatever is committed later. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/scratch.h"

enum { FILES = 4, PAGES = 24, ROOM = PAGES * 4096, ROUNDS = 40, STEPS = 30 };

/* A file, what it was committed to, and what that was at the point. */
struct pointed_file {
    int fd;
    struct journal_object *object;
    size_t size;
    size_t committed_size;
    size_t point_size;
    uint8_t now[ROOM];
    uint8_t committed[ROOM];
    uint8_t at_point[ROOM];
};

struct desk {
    int store;
    int spill;
    struct journal *journal;
    struct pointed_file files[FILES];
    unsigned seed;
};

static unsigned pick(struct desk *desk, unsigned below)
{
    return (unsigned)rand_r(&desk->seed) % below;
}

static void open_file(struct desk *desk, struct pointed_file *file, unsigned number)
{
    char name[16];
    struct statx stx;

    snprintf(name, sizeof(name), "file%u", number);
    file->fd = openat(desk->store, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file->fd >= 0);
    assert_int_equal(ftruncate(file->fd, 0), 0);
    assert_int_equal(object_stat(file->fd, &stx), 0);
    assert_int_equal(journal_enter(desk->journal, file->fd, &stx, number % 2, &file->object), 0);
}

static struct desk *begin(const char *path, unsigned seed)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct journal_options options = { .size = JOURNAL_SIZE_MIN };
    struct complaint complaint = { "" };

    assert_non_null(desk);
    desk->seed = seed;
    desk->store = open_dir(AT_FDCWD, path);
    desk->spill = options.spill = memfd_create("spill", MFD_CLOEXEC);
    options.session[0] = 1;
    assert_int_equal(journal_open(desk->store, &options, &desk->journal, &complaint), 0);
    for (unsigned i = 0; i < FILES; i++)
        open_file(desk, &desk->files[i], i);
    return desk;
}

static void end(struct desk *desk)
{
    for (unsigned i = 0; i < FILES; i++) {
        journal_leave(desk->files[i].object);
        close(desk->files[i].fd);
    }
    assert_int_equal(journal_close(desk->journal), 0);
    close(desk->spill);
    close(desk->store);
    free(desk);
}

static void step_write(struct desk *desk, struct pointed_file *file)
{
    static uint8_t data[ROOM];
    size_t offset = pick(desk, ROOM - 1);
    size_t size = 1 + pick(desk, (unsigned)(ROOM - offset));

    memset(data, 1 + (int)pick(desk, 255), size);
    assert_int_equal(journal_write(file->object, file->fd, data, size, (off_t)offset), size);
    memcpy(file->now + offset, data, size);
    file->size = offset + size > file->size ? offset + size : file->size;
}

static void step_truncate(struct desk *desk, struct pointed_file *file)
{
    size_t size = pick(desk, ROOM);

    assert_int_equal(journal_truncate(file->object, file->fd, (off_t)size), 0);
    if (size < file->size)
        memset(file->now + size, 0, file->size - size);
    file->size = size;
}

static void step_drop(struct desk *desk, struct pointed_file *file)
{
    (void)desk;
    assert_int_equal(journal_drop(file->object), 0);
    memcpy(file->now, file->committed, ROOM);
    file->size = file->committed_size;
}

static void note_committed(struct pointed_file *file)
{
    memcpy(file->committed, file->now, ROOM);
    file->committed_size = file->size;
}

/* Commits some of the files as one. */
static void step_commit(struct desk *desk, struct pointed_file *first)
{
    struct journal_object *objects[FILES] = { first->object };
    int fds[FILES] = { first->fd };
    size_t count = 1;

    note_committed(first);
    for (unsigned i = 0; i < FILES; i++) {
        if (&desk->files[i] == first || pick(desk, 2))
            continue;
        objects[count] = desk->files[i].object;
        fds[count++] = -1;
        note_committed(&desk->files[i]);
    }
    assert_int_equal(journal_commit(desk->journal, objects, fds, count), 0);
}

static void make_steps(struct desk *desk)
{
    static void (*const steps[])(struct desk *, struct pointed_file *) = {
        step_write, step_write, step_truncate, step_commit, step_commit, step_drop,
    };

    for (unsigned i = 0; i < STEPS; i++)
        steps[pick(desk, sizeof(steps) / sizeof(steps[0]))](desk, &desk->files[pick(desk, FILES)]);
}

/* Reads all of a file as it was at a point. Returns its size, or a negative errno. */
static ssize_t read_at_point(const struct desk *desk, uint64_t point,
                             const struct pointed_file *file, uint8_t *data)
{
    static uint8_t some[3 * 4096 + 7];
    struct journal_piece piece = { .offset = 0 };
    struct statx stx;
    ssize_t length;

    memset(data, 0, ROOM);
    assert_int_equal(object_stat(file->fd, &stx), 0);
    do {
        length =
            journal_point_read(desk->journal, point, &stx, file->fd, some, sizeof(some), &piece);
        if (length < 0)
            return length;
        assert_true(piece.offset + (uint64_t)length <= piece.size);
        memcpy(data + piece.offset, some, (size_t)length);
        piece.offset += (uint64_t)length;
    } while (length > 0);
    return (ssize_t)piece.size;
}

static void check_point(const struct desk *desk, uint64_t point)
{
    static uint8_t data[ROOM];

    for (unsigned i = 0; i < FILES; i++) {
        const struct pointed_file *file = &desk->files[i];

        assert_int_equal(read_at_point(desk, point, file, data), file->point_size);
        assert_memory_equal(data, file->at_point, ROOM);
    }
}

static void stays_as_it_was(void **state)
{
    struct desk *desk = begin(*state, 1);
    uint64_t point;

    for (unsigned round = 0; round < ROUNDS; round++) {
        make_steps(desk);
        assert_int_equal(journal_point_take(desk->journal, 0, &point), 0);
        for (unsigned i = 0; i < FILES; i++) {
            memcpy(desk->files[i].at_point, desk->files[i].committed, ROOM);
            desk->files[i].point_size = desk->files[i].committed_size;
        }
        check_point(desk, point);
        make_steps(desk);
        assert_false(journal_wants_apply(desk->journal, 0));
        check_point(desk, point);
        assert_int_equal(journal_point_leave(desk->journal, point), 0);
        assert_int_equal(journal_point_leave(desk->journal, point), -ESTALE);
    }
    end(desk);
}

static void ends_when_files_are_written(void **state)
{
    struct desk *desk = begin(*state, 2);
    static uint8_t data[ROOM];
    uint64_t point;
    uint64_t other;

    step_write(desk, &desk->files[0]);
    step_commit(desk, &desk->files[0]);
    assert_int_equal(journal_point_take(desk->journal, 0, &point), 0);
    assert_true(read_at_point(desk, point, &desk->files[0], data) > 0);
    assert_int_equal(read_at_point(desk, point + 1, &desk->files[0], data), -ESTALE);
    // One at a time, except for who has precedence.
    assert_int_equal(journal_point_take(desk->journal, 0, &other), -EBUSY);
    assert_int_equal(journal_point_take(desk->journal, 1, &other), 0);
    assert_true(other != point);
    assert_int_equal(read_at_point(desk, point, &desk->files[0], data), -ESTALE);
    assert_true(read_at_point(desk, other, &desk->files[0], data) > 0);
    assert_int_equal(journal_apply(desk->journal), 0);
    assert_int_equal(read_at_point(desk, other, &desk->files[0], data), -ESTALE);
    end(desk);
}

/* Twice its limit, and no more, is what a point has the journal take. */
static void ends_when_the_journal_is_full(void **state)
{
    struct desk *desk = begin(*state, 3);
    struct journal_state now;
    static uint8_t data[ROOM];
    uint64_t point;

    step_write(desk, &desk->files[0]);
    step_commit(desk, &desk->files[0]);
    assert_int_equal(journal_point_take(desk->journal, 0, &point), 0);
    for (unsigned written = 0; written < 4 * JOURNAL_SIZE_MIN; written += ROOM) {
        struct pointed_file *file = &desk->files[0];

        memset(data, (int)written / ROOM, ROOM);
        assert_int_equal(journal_write(file->object, file->fd, data, ROOM, 0), ROOM);
        assert_int_equal(journal_commit(desk->journal, &file->object, &file->fd, 1), 0);
        journal_status(desk->journal, &now);
        assert_true(now.used <= 2 * JOURNAL_SIZE_MIN + 2 * ROOM);
        if (written < JOURNAL_SIZE_MIN)
            assert_true(read_at_point(desk, point, file, data) > 0);
    }
    assert_int_equal(read_at_point(desk, point, &desk->files[0], data), -ESTALE);
    end(desk);
}

struct committing {
    struct desk *desk;
    atomic_bool over;
};

/* All files get the same, as one, again and again. */
static void *commit_all(void *argument)
{
    struct committing *committing = argument;
    struct desk *desk = committing->desk;
    static uint8_t data[ROOM];

    for (int value = 1; !committing->over; value++) {
        struct journal_object *objects[FILES];
        int fds[FILES];

        memset(data, value, ROOM);
        for (unsigned i = 0; i < FILES; i++) {
            objects[i] = desk->files[i].object;
            fds[i] = desk->files[i].fd;
            journal_write(objects[i], fds[i], data, ROOM, 0);
        }
        journal_commit(desk->journal, objects, fds, FILES);
    }
    return NULL;
}

static void comes_between_two_commits(void **state)
{
    struct desk *desk = begin(*state, 4);
    struct committing committing = { .desk = desk };
    static uint8_t data[FILES][ROOM];
    unsigned compared = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, commit_all, &committing), 0);
    for (unsigned round = 0; round < 400 && compared < 50; round++) {
        uint64_t point;
        bool whole = true;

        assert_int_equal(journal_point_take(desk->journal, 0, &point), 0);
        for (unsigned i = 0; i < FILES && whole; i++)
            whole = read_at_point(desk, point, &desk->files[i], data[i]) >= 0;
        // It may have ended for want of room.
        for (unsigned i = 0; i < FILES && whole; i++) {
            assert_memory_equal(data[i], data[0], ROOM);
            assert_int_equal(data[i][0], data[i][ROOM - 1]);
        }
        compared += whole;
        journal_point_leave(desk->journal, point);
    }
    committing.over = true;
    pthread_join(thread, NULL);
    assert_true(compared > 0);
    end(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(stays_as_it_was),
        MEMORY_SCRATCH_TEST(ends_when_files_are_written),
        MEMORY_SCRATCH_TEST(ends_when_the_journal_is_full),
        MEMORY_SCRATCH_TEST(comes_between_two_commits),
    };

    return cmocka_run_group_tests_name("journal_point", tests, NULL, NULL);
}
