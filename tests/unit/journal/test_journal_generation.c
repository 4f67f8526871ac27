// SPDX-License-Identifier: BSD-2-Clause
/* A new generation of records tells of what was committed while the one before was applied. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "tests/unit/journal/lossy_disk.h"
#include "tests/unit/scratch.h"

enum { SMALL = 4096, LARGE = 10000 };

static struct world {
    int store;
    int fd;
    struct journal *journal;
    struct journal_object *object;
    bool grown;
} world;

static void open_journal(uint8_t session)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = -1 };
    struct complaint complaint;
    struct statx stx;

    options.session[0] = session;
    assert_int_equal(journal_open(world.store, &options, &world.journal, &complaint), 0);
    assert_int_equal(object_stat(world.fd, &stx), 0);
    assert_int_equal(journal_enter(world.journal, world.fd, &stx, false, &world.object), 0);
}

static void abandon_journal(void)
{
    journal_leave(world.object);
    journal_abandon(world.journal);
}

static void commit(void)
{
    assert_int_equal(journal_commit(world.journal, &world.object, &world.fd, 1), 0);
}

/* The file grows while its first page is applied, which changes nothing but its size. */
static void grow(enum disk_point point)
{
    if (point != DISK_POINT_APPLYING || world.grown)
        return;
    world.grown = true;
    assert_int_equal(journal_truncate(world.object, world.fd, LARGE), 0);
    commit();
}

static void apply_and_grow(const char *path)
{
    char data[SMALL] = "a";

    world = (struct world){ .store = open_dir(AT_FDCWD, path) };
    world.fd = openat(world.store, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(world.fd >= 0);
    open_journal(1);
    assert_int_equal(journal_write(world.object, world.fd, data, SMALL, 0), SMALL);
    commit();
    lossy_begin(grow);
    assert_int_equal(journal_apply(world.journal), 0);
    lossy_end();
    lossy_clear();
    assert_true(world.grown);
    abandon_journal();
}

static void assert_size(off_t size)
{
    struct stat st;

    assert_int_equal(fstat(world.fd, &st), 0);
    assert_int_equal(st.st_size, size);
}

static void the_next_worker_knows_a_size_alone(void **state)
{
    apply_and_grow(*state);
    assert_size(SMALL);
    open_journal(1);
    assert_int_equal(journal_committed_size(world.object), LARGE);
    assert_int_equal(journal_apply(world.journal), 0);
    assert_size(LARGE);
    journal_leave(world.object);
    assert_int_equal(journal_close(world.journal), 0);
    close(world.fd);
    close(world.store);
}

static void a_recovery_knows_a_size_alone(void **state)
{
    struct journal_report report;
    struct complaint complaint;

    apply_and_grow(*state);
    assert_int_equal(journal_recover(world.store, NULL, &report, &complaint), 0);
    assert_size(LARGE);
    close(world.fd);
    close(world.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(the_next_worker_knows_a_size_alone),
        MEMORY_SCRATCH_TEST(a_recovery_knows_a_size_alone),
    };
    return cmocka_run_group_tests_name("journal_generation", tests, NULL, NULL);
}
