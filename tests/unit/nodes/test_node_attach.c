// SPDX-License-Identifier: BSD-2-Clause
/* A node table that another process takes over: what it refuses, and what it finds. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "tests/unit/child.h"
#include "tests/unit/nodes/node_fixture.h"
#include "tests/unit/nodes/node_state.h"

#define CACHED_MAX 300

static int set_up(void **state)
{
    return set_up_table(state, 1000, CACHED_MAX);
}

/* Attaches as another process does: uses are gone. */
static void take_over(struct fixture *f)
{
    int memfd = f->table.memfd;
    const char *why;
    node_table_detach(&f->table);
    if (node_table_attach(&f->table, memfd, &why) != 0)
        fail_msg("not to be attached: %s", why);
    assert_null(node_state_fault(&f->table));
}

/* The result of attaching a second time, while the first one handles the damage. */
static int attach_damaged(struct fixture *f, const char **why)
{
    struct node_table table = { .corrupt = not_corrupt };
    *why = NULL;
    int error = node_table_attach(&table, f->table.memfd, why);
    if (error == 0)
        node_table_detach(&table);
    else
        assert_non_null(*why);
    return error;
}

static struct node_memory *memory_of(struct fixture *f)
{
    return (struct node_memory *)f->table.memory;
}

static void all_is_found_again(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[200];
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = lookup(f, 10 + i);
    struct node_counts before = node_table_counts(&f->table);
    take_over(f);
    struct node_counts after = node_table_counts(&f->table);
    assert_int_equal(after.nodes, before.nodes);
    assert_int_equal(after.opens, before.opens);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.orphans, before.orphans);
    for (size_t i = 0; i < COUNT(ids); i++)
        assert_true(lookup(f, 10 + i) == ids[i]);
}

static void another_version_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *why;
    struct node_layout *layout = &memory_of(f)->layout;
    layout->version++;
    assert_int_equal(attach_damaged(f, &why), -EPROTO);
    layout->version--;
    layout->slot_bytes += 8;
    assert_int_equal(attach_damaged(f, &why), -EPROTO);
    layout->slot_bytes -= 8;
    layout->magic++;
    assert_int_equal(attach_damaged(f, &why), -EPROTO);
    layout->magic--;
    layout->capacity = UINT32_MAX;
    assert_int_equal(attach_damaged(f, &why), -EPROTO);
    layout->capacity = f->table.capacity;
    assert_int_equal(attach_damaged(f, &why), 0);
}

static void memory_keeps_its_size(void **state)
{
    struct fixture *f = *state;
    const char *why;
    assert_int_equal(ftruncate(f->table.memfd, (off_t)f->table.bytes + 1), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(f->table.memfd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(attach_damaged(f, &why), 0);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    struct node_table table = { .corrupt = not_corrupt };
    const char *why = NULL;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(node_table_attach(&table, null, &why), -EPROTO);
    assert_non_null(why);
    close(null);
    assert_int_equal(node_table_attach(&table, null, &why), -EBADF);
    assert_int_equal(node_table_create(&table, NODE_CAPACITY_MAX + 1, 10), -EINVAL);
}

static void a_damaged_table_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *why;
    memory_of(f)->header.nodes++;
    assert_int_equal(attach_damaged(f, &why), -EUCLEAN);
    memory_of(f)->header.nodes--;
    atomic_fetch_add(&memory_of(f)->undo_log.used, 8);
    assert_int_equal(attach_damaged(f, &why), -EUCLEAN);
    atomic_fetch_sub(&memory_of(f)->undo_log.used, 8);
    assert_int_equal(attach_damaged(f, &why), 0);
}

static void nodes_that_only_requests_used_are_freed(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10), unlinked = seed_of(11);
    struct node_ref refs[3];
    assert_int_equal(claim(f, &seed, &refs[0]), 0);
    assert_int_equal(claim(f, &unlinked, &refs[1]), 0);
    node_open(&f->table, NULL, &refs[1], false, 0, 0, false);
    node_set_backing(&f->table, &refs[1], ledger_give_backing(f->ledger));
    node_unlinked(&f->table, &refs[1]);
    assert_true(node_use(&f->table, lookup(f, 12), &refs[2])); /* with a lookup */
    uint64_t kept = refs[2].id;
    forget(f, refs[0].id, 1);
    forget(f, refs[1].id, 1);
    take_over(f);
    assert_int_equal(nodes(f), 3); /* one of them is open */
    assert_int_equal(node_table_counts(&f->table).orphans, 1);
    assert_false(is_known(f, refs[0].id));
    assert_true(is_known(f, kept));
    assert_int_equal(node_backing_pending_close(&f->table, (int32_t[2]){ 0 }, 2), 0);
}

static void an_orphan_in_closing_does_not_outlive_its_process(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover;
    assert_int_equal(claim(f, &seed, &ref), 0);
    node_unlinked(&f->table, &ref);
    uint64_t id = ref.id;
    end(f, &ref);
    node_forget(&f->table, NULL, id, 1, &leftover);
    assert_true(leftover.orphan);
    assert_int_equal(node_table_counts(&f->table).orphans, 1); /* until it is closed */
    take_over(f);
    assert_int_equal(node_table_counts(&f->table).orphans, 0);
}

/* Takes into use, as a user's, an open file that somebody reaches by its I/O descriptor. */
static void pin(struct fixture *f, uint64_t ino, uint32_t user, struct node_ref *ref)
{
    assert_true(node_use(&f->table, lookup(f, ino), ref));
    node_set_payer(&f->table, ref, user);
    node_open(&f->table, NULL, ref, false, 0, 0, true);
    node_set_io(&f->table, ref, ledger_give(f->ledger), NODE_IO_READABLE);
}

static void unpin(struct fixture *f, struct node_ref *ref)
{
    struct node_resources leftover;

    node_close(&f->table, NULL, ref, false, true, &leftover);
    dispose(f, &leftover);
    end(f, ref);
}

static void what_users_pin_is_known_again(void **state)
{
    enum { USERS = 200, MORE = 30 };
    struct fixture *f = *state;
    struct node_ref refs[USERS + MORE];

    for (uint32_t i = 0; i < COUNT(refs); i++)
        pin(f, 10 + i, i < USERS ? i : 7, &refs[i]);
    // One descriptor is paid for once.
    node_set_payer(&f->table, &refs[0], 7);
    for (uint32_t i = 0; i < COUNT(refs); i++)
        end(f, &refs[i]);
    take_over(f);
    for (uint32_t user = 0; user < USERS; user++)
        assert_int_equal(node_pinned(&f->table, user).by_user, user == 7 ? 1 + MORE : 1);
    assert_int_equal(node_pinned(&f->table, USERS).by_user, 0);
    assert_int_equal(node_pinned(&f->table, 7).all, USERS + MORE);
    for (uint32_t i = 0; i < COUNT(refs); i++) {
        assert_true(node_use(&f->table, refs[i].id, &refs[i]));
        unpin(f, &refs[i]);
    }
    for (uint32_t user = 0; user < USERS; user++)
        assert_int_equal(node_pinned(&f->table, user).by_user, 0);
    assert_int_equal(node_pinned(&f->table, 0).all, 0);
}

static void ids_to_be_closed_are_known_until_they_are(void **state)
{
    struct fixture *f = *state;
    struct node_resources taken[20];
    int32_t ids[COUNT(taken) + 5];
    int32_t highest = 0;
    for (size_t i = 0; i < COUNT(taken); i++) {
        struct node_ref ref;
        assert_true(node_use(&f->table, lookup(f, 10 + i), &ref));
        node_open(&f->table, NULL, &ref, false, 0, 0, false);
        highest = ledger_give_backing(f->ledger);
        node_set_backing(&f->table, &ref, highest);
        node_unlinked(&f->table, &ref);
        node_close(&f->table, NULL, &ref, false, false, &taken[i]);
        assert_int_equal(taken[i].backing_id, highest);
        end(f, &ref);
    }
    assert_int_equal(node_backing_pending_close(&f->table, ids, 3), 3);
    dispose(f, &taken[0]);
    dispose(f, &taken[7]);
    take_over(f);
    assert_int_equal(node_backing_pending_close(&f->table, ids, COUNT(ids)), COUNT(taken) - 2);
    for (size_t i = 0; i < COUNT(taken) - 2; i++) {
        assert_true(ledger_is_given(f->ledger, ids[i]));
        ledger_take_back(f->ledger, ids[i]);
        node_backing_closed(&f->table, ids[i]);
    }
    node_backing_closed(&f->table, 12345); /* which was on no node */
    assert_int_equal(node_backing_pending_close(&f->table, ids, COUNT(ids)), 0);
    assert_int_equal(node_backing_highest(&f->table), highest);
}

/* A process that does not close what it takes gets no more of it, and nothing is lost. */
static void many_ids_to_be_closed_stop_the_cache_from_giving(void **state)
{
    struct fixture *f = *state;
    struct node_resources taken;
    uint32_t shed = 0;
    for (uint64_t i = 0; i < CACHED_MAX / 2; i++) {
        struct node_ref ref;
        assert_true(node_use(&f->table, lookup(f, 10 + i), &ref));
        node_open(&f->table, NULL, &ref, false, 0, 0, false);
        node_set_backing(&f->table, &ref, ledger_give_backing(f->ledger));
        node_close(&f->table, NULL, &ref, false, false, &taken);
        end(f, &ref);
    }
    while (node_shed(&f->table, &taken))
        shed++;
    assert_int_equal(shed, PENDING_CLOSE_MANY);
    node_backing_closed(&f->table, taken.backing_id); /* 0: none was taken the last time */
    assert_false(node_shed(&f->table, &taken));
    int32_t id;
    assert_int_equal(node_backing_pending_close(&f->table, &id, 1), 1);
    node_backing_closed(&f->table, id);
    assert_true(node_shed(&f->table, &taken));
    assert_null(node_state_fault(&f->table));
}

static int open_null(int lowest)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    EXPECT(fd >= 0 && high >= 0 && close(fd) == 0);
    return high;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* A table with a descriptor of each kind of owner, and nobody's between them. */
static void make_owners(struct node_table *table, int owned[4], int nobodys[4])
{
    struct node_resources leftover[2];
    struct node_ref ref;
    struct node_seed seed = seed_of(2);
    EXPECT(node_table_create(table, 100, 10) == 0);
    for (int fd = 0; fd <= 2; fd++)
        node_fd_keep(table, fd);
    for (int i = 0; i < 4; i++) {
        owned[i] = open_null(50 + 20 * i);
        nobodys[i] = open_null(55 + 20 * i);
    }
    node_fd_keep(table, owned[0]);
    node_fd_keep(table, owned[0]); /* which says no more than once would */
    EXPECT(node_claim(table, NULL, &seed, owned[1], &ref, leftover) == 0);
    node_open(table, NULL, &ref, false, 0, 0, false);
    node_set_io(table, &ref, owned[2], NODE_IO_READABLE);
    EXPECT(node_dir_open(table, NULL, owned[3]) != NODE_STREAM_NONE);
}

static void corrupt_child(void *argument, const char *what)
{
    (void)argument;
    fprintf(stderr, "corrupt: %s\n", what);
    _exit(255);
}

static void check_sweep(void *argument)
{
    (void)argument;
    struct node_table table = { .corrupt = corrupt_child };
    int owned[4], nobodys[4];
    make_owners(&table, owned, nobodys);
    int taken = open_null(300);
    uint64_t fh = node_dir_open(&table, NULL, taken);
    EXPECT(node_dir_close(&table, NULL, fh) == taken);
    node_fd_sweep(&table);
    for (int i = 0; i < 4; i++)
        EXPECT(is_open(owned[i]) && !is_open(nobodys[i]));
    EXPECT(is_open(0) && is_open(1) && is_open(2) && is_open(table.memfd));
    EXPECT(!is_open(taken)); /* which had no owner any more, and lay above all that have one */
}

static void what_is_nobodys_is_swept_away(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(check_sweep, NULL), 0);
}

static void check_inherit(void *argument)
{
    (void)argument;
    struct node_table table = { .corrupt = corrupt_child };
    int owned[4], nobodys[4];
    make_owners(&table, owned, nobodys);
    EXPECT(node_fd_inherit(&table) == 0);
    for (int i = 0; i < 4; i++) {
        EXPECT(fcntl(owned[i], F_GETFD) == 0);
        EXPECT(fcntl(nobodys[i], F_GETFD) == FD_CLOEXEC);
    }
    EXPECT(fcntl(table.memfd, F_GETFD) == 0);
    close(owned[3]);
    EXPECT(node_fd_inherit(&table) == -EBADF);
}

static void what_is_somebodys_is_inherited(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(check_inherit, NULL), 0);
}

static jmp_buf noticed;

static void notice(void *argument, const char *what)
{
    const char **noted = argument;
    *noted = what;
    longjmp(noticed, 1);
}

/* A descriptor whose owner is no longer known would be closed under its node. */
static void a_lost_owner_is_noticed_before_the_sweep(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    const char *what = NULL;
    assert_int_equal(claim(f, &seed, &ref), 0);
    memory_of(f)->owners[ref.held.path_fd] = 0;
    f->table.corrupt = notice;
    f->table.corrupt_argument = &what;
    if (setjmp(noticed) == 0) {
        node_fd_sweep(&f->table);
        fail_msg("the sweep went on");
    }
    assert_non_null(what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_found_again),
        TEST(another_version_is_refused),
        TEST(memory_keeps_its_size),
        cmocka_unit_test(what_is_no_table_is_refused),
        TEST(a_damaged_table_is_refused),
        TEST(nodes_that_only_requests_used_are_freed),
        TEST(an_orphan_in_closing_does_not_outlive_its_process),
        TEST(what_users_pin_is_known_again),
        TEST(ids_to_be_closed_are_known_until_they_are),
        TEST(many_ids_to_be_closed_stop_the_cache_from_giving),
        TEST(what_is_nobodys_is_swept_away),
        TEST(what_is_somebodys_is_inherited),
        TEST(a_lost_owner_is_noticed_before_the_sweep),
    };
    return cmocka_run_group_tests_name("node_attach", tests, NULL, NULL);
}
