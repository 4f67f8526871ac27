// SPDX-License-Identifier: BSD-2-Clause
/* The ledger, with a directory in the place of the kernel's list of connections: its entries belong
 * to whoever runs the tests, or to a user if that is root, whom the broker does not serve. */
#include "tests/unit/scratch.h"

#include "tools/broker/ledger.h"

#include <errno.h>

enum { MOST = 10, NOW = 1000, USER = 1000 };

static uid_t owner(void)
{
    return getuid() == 0 ? USER : getuid();
}

static int appear(const char *directory, const char *number)
{
    int connections = open_dir(AT_FDCWD, directory);
    assert_int_equal(mkdirat(connections, number, 0755), 0);
    assert_int_equal(fchownat(connections, number, owner(), (gid_t)-1, 0), 0);
    return connections;
}

static void take(struct ledger *ledger, uid_t uid, uint32_t connection, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(ledger_take(ledger, uid, connection), 0);
}

static void all_mounts_of_a_user_count(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_make(MOST);
    take(ledger, 1, 40, MOST - 1);
    take(ledger, 1, 41, 1);
    assert_int_equal(ledger_take(ledger, 1, 41), -EMFILE);
    assert_int_equal(ledger_take(ledger, 1, 42), -EMFILE);
    take(ledger, 2, 40, MOST);
    ledger_give(ledger, 1, 41);
    take(ledger, 1, 42, 1);
    assert_int_equal(ledger_take(ledger, 1, 42), -EMFILE);
}

/* More are given than were taken: that makes no room for what others have. */
static void giving_what_was_not_taken(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_make(MOST);
    take(ledger, 1, 40, MOST - 1);
    take(ledger, 1, 41, 1);
    for (int i = 0; i < 5; i++)
        ledger_give(ledger, 1, 41);
    ledger_give(ledger, 1, 43);
    take(ledger, 1, 42, 1);
    assert_int_equal(ledger_take(ledger, 1, 42), -EMFILE);
}

static void few_mounts_for_a_user(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_make(1000);
    for (uint32_t i = 0; i < LEDGER_ENTRIES_OF_USER; i++)
        take(ledger, 1, 40 + i, 1);
    assert_int_equal(ledger_take(ledger, 1, 1000), -EMFILE);
    take(ledger, 1, 40, 1);
    take(ledger, 2, 1000, 1);
}

static void mounts_that_have_gone(void **state)
{
    int connections = appear(*state, "40");
    uid_t uid = owner();

    struct ledger *ledger = ledger_make(MOST);
    take(ledger, uid, 40, 4);
    take(ledger, uid, 41, 6);
    ledger_sweep(ledger, connections, NOW);
    assert_int_equal(ledger_take(ledger, uid, 40), -EMFILE);
    // A tenth of an hour later, of an hour's ten
    ledger_sweep(ledger, connections, NOW + 359);
    assert_int_equal(ledger_take(ledger, uid, 40), -EMFILE);
    ledger_sweep(ledger, connections, NOW + 360);
    take(ledger, uid, 40, 1);
    assert_int_equal(ledger_take(ledger, uid, 40), -EMFILE);
    // Nobody is forgiven what is there.
    ledger_sweep(ledger, connections, NOW + 36000);
    take(ledger, uid, 40, 5);
    assert_int_equal(ledger_take(ledger, uid, 40), -EMFILE);
    close(connections);
}

/* One mount goes after the other, which is no way to more. */
static void mounts_that_go_again_and_again(void **state)
{
    int connections = appear(*state, "1");

    struct ledger *ledger = ledger_make(MOST);
    for (uint32_t i = 0; i < MOST / 2; i++) {
        take(ledger, 1, 100 + i, 2);
        ledger_sweep(ledger, connections, NOW);
    }
    assert_int_equal(ledger_take(ledger, 1, 200), -EMFILE);
    // Somebody else's connection of the same number is no mount of his.
    ledger_sweep(ledger, connections, NOW);
    assert_int_equal(ledger_take(ledger, 1, 1), -EMFILE);
    take(ledger, 2, 1, MOST);
    close(connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_mounts_of_a_user_count), cmocka_unit_test(giving_what_was_not_taken),
        cmocka_unit_test(few_mounts_for_a_user),      SCRATCH_TEST(mounts_that_have_gone),
        SCRATCH_TEST(mounts_that_go_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
