// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include "tools/broker/callers.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define NOW    (100 * SECOND)

/* A caller that is admitted; its other end is the child's. */
static int admit(struct callers *callers, uid_t uid, uint64_t now)
{
    int ends[2];

    assert_int_equal(callers_admit(callers, uid, now), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    callers_add(callers, ends[0], uid);
    return ends[1];
}

static void end_all(struct callers *callers)
{
    while (callers->count > 0) {
        close(callers->all[0].fd);
        callers_remove(callers, 0);
    }
}

static void so_many_at_once(void **state)
{
    struct callers callers = { .count = 0 };

    (void)state;
    for (int i = 0; i < CALLERS_OF_USER_MAX; i++)
        close(admit(&callers, 1, NOW));
    assert_int_equal(callers_admit(&callers, 1, NOW + 1000 * SECOND), -EAGAIN);
    assert_int_equal(callers_admit(&callers, 2, NOW), 0);
    close(callers.all[3].fd);
    callers_remove(&callers, 3);
    assert_int_equal(callers_admit(&callers, 1, NOW + 1000 * SECOND), 0);
    end_all(&callers);
}

static void so_many_a_second(void **state)
{
    struct callers callers = { .count = 0 };

    (void)state;
    for (int i = 0; i < CALLERS_BURST; i++)
        assert_int_equal(callers_admit(&callers, 1, NOW), 0);
    assert_int_equal(callers_admit(&callers, 1, NOW), -EAGAIN);
    assert_int_equal(callers_admit(&callers, 2, NOW), 0);
    for (int i = 0; i < CALLERS_PER_SECOND; i++)
        assert_int_equal(callers_admit(&callers, 1, NOW + SECOND), 0);
    assert_int_equal(callers_admit(&callers, 1, NOW + SECOND), -EAGAIN);
}

/* Users are forgotten whose calls are long past, and no others. */
static void more_users_than_records(void **state)
{
    struct callers callers = { .count = 0 };

    (void)state;
    for (uid_t i = 0; i < CALLERS_MAX; i++)
        assert_int_equal(callers_admit(&callers, 1000 + i, NOW), 0);
    assert_int_equal(callers_admit(&callers, 1, NOW), -EAGAIN);
    assert_int_equal(callers_admit(&callers, 1, NOW + SECOND), 0);
}

static bool is_told(int child)
{
    struct pollfd event = { .fd = child, .events = POLLIN };

    return poll(&event, 1, 0) == 1;
}

/* When there are many, it is the user with most of them who loses one. */
static void room_for_others(void **state)
{
    struct callers callers = { .count = 0 };
    int children[CALLERS_MANY + 2];
    int told = 0;

    (void)state;
    for (unsigned i = 0; i < CALLERS_MANY; i++)
        children[i] = admit(&callers, i < 3 ? 1 : 1000 + i / 2, NOW);
    callers_make_room(&callers);
    for (unsigned i = 0; i < CALLERS_MANY; i++)
        assert_false(is_told(children[i]));
    children[CALLERS_MANY] = admit(&callers, 2, NOW);
    callers_make_room(&callers);
    for (unsigned i = 0; i < 3; i++)
        told += is_told(children[i]);
    assert_int_equal(told, 1);
    // Nobody has more than two now, and two of the same user is more than one.
    children[CALLERS_MANY + 1] = admit(&callers, 3, NOW);
    callers_make_room(&callers);
    for (unsigned i = 3; i < CALLERS_MANY; i++)
        told += is_told(children[i]);
    for (unsigned i = 0; i < 3; i++)
        told += is_told(children[i]);
    assert_int_equal(told, 3);
    assert_false(is_told(children[CALLERS_MANY]));
    assert_false(is_told(children[CALLERS_MANY + 1]));
    for (unsigned i = 0; i < CALLERS_MANY + 2; i++)
        close(children[i]);
    end_all(&callers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_at_once),
        cmocka_unit_test(so_many_a_second),
        cmocka_unit_test(more_users_than_records),
        cmocka_unit_test(room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
