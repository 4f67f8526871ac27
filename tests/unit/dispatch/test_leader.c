/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/threads.h"

#include <sys/eventfd.h>

#include "fs/dispatch/leader.h"
#include "fs/util/clock.h"

#define PROCESSORS 4
#define MOST       4
#define MANY       1000 /* more than any streak */

/* A thread that waits to be the leader. */
struct taker {
    struct leader leader;
    pthread_t thread;
    atomic_int tid;
    sem_t begun;
    sem_t took; /* or was let go */
    bool result;
};

static void *take(void *argument)
{
    struct taker *taker = argument;
    taker->tid = gettid();
    sem_post(&taker->begun);
    taker->result = leader_await(&taker->leader);
    sem_post(&taker->took);
    return NULL;
}

static void start_taker(struct taker *taker)
{
    sem_init(&taker->begun, 0, 0);
    sem_init(&taker->took, 0, 0);
    assert_int_equal(pthread_create(&taker->thread, NULL, take, taker), 0);
    await_event(&taker->begun, "a thread");
}

/* The same; returns when it waits. */
static void start_waiting(struct taker *taker)
{
    start_taker(taker);
    await_sleep(taker->tid);
    assert_false(has_come(&taker->took));
}

static void assert_takes(struct taker *taker)
{
    await_event(&taker->took, "a thread that takes a turn");
    await_thread(taker->thread, "a thread that took a turn");
    assert_true(taker->result);
    assert_true(taker->leader.leads);
}

static struct leader first_turn(struct leaders *leaders)
{
    struct leader leader = leader_init(leaders, 0);
    assert_true(leader_await(&leader));
    return leader;
}

/* One request that was there already. */
static void receive_at_once(struct leader *leader)
{
    leader_receiving(leader);
    leader_received(leader);
}

/* One that was waited for: `device` has something to read. */
static void receive_later(struct leader *leader, int device)
{
    leader_receiving(leader);
    leader_poll(leader, device);
    leader_received(leader);
}

static int ready_device(void)
{
    int device = eventfd(1, EFD_CLOEXEC);
    assert_true(device >= 0);
    return device;
}

static void one_has_a_turn(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    struct taker takers[3];
    for (unsigned i = 0; i < COUNT(takers); i++) {
        takers[i].leader = leader_init(&leaders, 1 + i);
        start_waiting(&takers[i]);
    }
    assert_true(leader_await(&leader)); /* its own still */
    assert_int_equal(leaders.count, 1);
    leaders_end(&leaders);
    for (unsigned i = 0; i < COUNT(takers); i++) {
        await_thread(takers[i].thread, "a thread that is let go");
        assert_false(takers[i].result);
        assert_false(takers[i].leader.leads);
    }
}

static unsigned count_taken(struct taker takers[], unsigned count)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++) {
        int value;
        sem_getvalue(&takers[i].took, &value);
        taken += value > 0;
    }
    return taken;
}

static void a_turn_that_is_passed_is_another_ones(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    struct taker takers[2];
    for (unsigned i = 0; i < COUNT(takers); i++) {
        takers[i].leader = leader_init(&leaders, 1 + i);
        start_waiting(&takers[i]);
    }
    leader_serving(&leader);
    leaders_promote(&leaders, 0);
    time_t last = threads_deadline().tv_sec;
    while (count_taken(takers, COUNT(takers)) == 0 && time(NULL) <= last)
        sched_yield();
    unsigned winner = has_come(&takers[0].took) ? 0 : 1;
    sem_post(&takers[winner].took);
    assert_takes(&takers[winner]);
    /* The other one waits for that one's. */
    await_sleep(takers[1 - winner].tid);
    assert_false(has_come(&takers[1 - winner].took));
    leader_serving(&takers[winner].leader);
    leaders_promote(&leaders, 1 + winner);
    assert_takes(&takers[1 - winner]);
    leader_served(&leader);
    leader_served(&takers[winner].leader);
    assert_false(leader.leads);
    assert_false(takers[winner].leader.leads);
    assert_int_equal(leaders.vacant, 0);
}

static void a_thread_that_passed_waits_for_another_turn(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct taker first = { .leader = first_turn(&leaders) };
    struct leader second = leader_init(&leaders, 1);
    leader_serving(&first.leader);
    leaders_promote(&leaders, 0);
    assert_true(leader_await(&second));
    leader_served(&first.leader);
    start_waiting(&first);
    leader_serving(&second);
    leaders_promote(&leaders, 1);
    assert_takes(&first);
    leader_served(&second);
}

static void a_turn_that_nobody_took_is_taken_again(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    for (int i = 0; i < MANY; i++) {
        leader_serving(&leader);
        leaders_promote(&leaders, 0);
        leader_served(&leader);
        assert_false(leader.leads);
        assert_true(leader_await(&leader));
    }
    assert_int_equal(leaders.count, 1);
    assert_int_equal(leaders.vacant, 0);
}

static void who_serves_nothing_has_nothing_to_pass(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    leaders_promote(&leaders, 0);
    leaders_promote(&leaders, 7); /* whose request came from a worker before */
    assert_int_equal(leaders.vacant, 0);
    leader_serving(&leader);
    leaders_promote(&leaders, 0);
    leaders_promote(&leaders, 0);
    assert_int_equal(leaders.vacant, 1);
    leader_served(&leader);
    leaders_promote(&leaders, 0);
    assert_int_equal(leaders.vacant, 1);
}

/* Serves a request of a client that waits for a disk. `others`: another client's comes meanwhile.
 * Returns whether a follower was promoted before the next tick. */
static bool serve_sync(struct leaders *leaders, struct leader *leader, unsigned client, bool others)
{
    struct leader follower = leader_init(leaders, 1);
    bool promoted;

    leader_serving(leader);
    leader_serves(leader, client);
    leaders_promote_eagerly(leaders, 0);
    promoted = leaders->vacant == 1;
    leaders_tick(leaders);
    leaders_tick(leaders);
    assert_true(leader_await(&follower));
    leader_serving(&follower);
    leader_serves(&follower, others ? client + 1 : client);
    leader_served(&follower);
    leader_served(leader);
    follower.leads = false;
    leader->leads = true;
    return promoted;
}

static void a_client_that_is_alone_wakes_nobody(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    assert_true(serve_sync(&leaders, &leader, 1000, false));
    for (int i = 0; i < MANY; i++)
        serve_sync(&leaders, &leader, 1000, false);
    assert_false(serve_sync(&leaders, &leader, 1000, false));
    /* The tick had promoted one, which received another client's request. */
    assert_false(serve_sync(&leaders, &leader, 1000, true));
    assert_true(serve_sync(&leaders, &leader, 1000, true));
    /* A request that waits for others wants somebody to receive them. */
    for (int i = 0; i < MANY; i++)
        serve_sync(&leaders, &leader, 1000, false);
    leader_serving(&leader);
    leaders_promote(&leaders, 0);
    assert_int_equal(leaders.vacant, 1);
}

static void a_long_request_passes_its_turn_once(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    leader_serving(&leader);
    assert_true(leaders_tick(&leaders));
    assert_int_equal(leaders.vacant, 0);
    for (int i = 0; i < 10; i++) {
        assert_true(leaders_tick(&leaders));
        assert_int_equal(leaders.vacant, 1);
    }
    leaders_promote(&leaders, 0);
    assert_int_equal(leaders.vacant, 1);
    leader_served(&leader);
    assert_false(leader.leads);
    assert_true(leaders_tick(&leaders));
    assert_false(leaders_tick(&leaders));
    assert_int_equal(leaders.vacant, 1);
}

static void who_has_passed_is_passed_over(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    leader_serving(&leader);
    leaders_promote(&leaders, 0);
    for (int i = 0; i < 10; i++)
        assert_true(leaders_tick(&leaders));
    assert_int_equal(leaders.vacant, 1);
}

static void short_requests_keep_their_turn(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    assert_false(leaders_tick(&leaders));
    for (int i = 0; i < MANY; i++) {
        leader_serving(&leader);
        assert_true(leaders_tick(&leaders));
        leader_served(&leader);
    }
    assert_true(leader.leads);
    assert_int_equal(leaders.vacant, 0);
    assert_true(leaders_tick(&leaders));
    assert_false(leaders_tick(&leaders));
    /* One that came and went between two looks counts. */
    leader_serving(&leader);
    leader_served(&leader);
    assert_true(leaders_tick(&leaders));
    assert_false(leaders_tick(&leaders));
}

static void a_streak_adds_turns(void **state)
{
    (void)state;
    static const struct {
        long processors;
        unsigned most, leaders;
    } machines[] = { { 4, 10, 4 }, { 64, 10, 10 }, { 2, 10, 2 }, { 1, 10, 2 }, { -1, 10, 2 } };
    for (size_t i = 0; i < COUNT(machines); i++) {
        struct leaders leaders = { 0 };
        leaders_init(&leaders, machines[i].processors, machines[i].most);
        struct leader leader = first_turn(&leaders);
        for (unsigned count = 2; count <= machines[i].leaders; count++) {
            for (int received = 0; received < MANY; received++)
                receive_at_once(&leader);
            /* No other before that one is taken. */
            assert_int_equal(leaders.count, count);
            assert_int_equal(leaders.vacant, 1);
            struct leader other = leader_init(&leaders, count);
            assert_true(leader_await(&other));
        }
        for (int received = 0; received < MANY; received++)
            receive_at_once(&leader);
        assert_int_equal(leaders.count, machines[i].leaders);
        assert_int_equal(leaders.vacant, 0);
    }
}

static void a_wait_ends_a_streak(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    int device = ready_device();
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    for (int i = 0; i < MANY; i++) {
        receive_at_once(&leader);
        receive_at_once(&leader);
        receive_later(&leader, device);
    }
    assert_int_equal(leaders.count, 1);
    close(device);
}

/* Two turns, both of them taken. */
static void take_two(struct leaders *leaders, struct leader *first, struct leader *second)
{
    *first = first_turn(leaders);
    while (leaders->count < 2)
        receive_at_once(first);
    *second = leader_init(leaders, 1);
    assert_true(leader_await(second));
    assert_int_equal(leaders->vacant, 0);
}

static void the_second_that_waits_gives_back(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    struct leader first;
    struct taker second = { 0 };
    int device = ready_device();
    leaders_init(&leaders, PROCESSORS, MOST);
    take_two(&leaders, &first, &second.leader);
    leader_receiving(&first);
    receive_later(&second.leader, device);
    start_waiting(&second);
    lock_take(&leaders.lock);
    assert_int_equal(leaders.count, 1);
    assert_int_equal(leaders.vacant, 0);
    lock_release(&leaders.lock);
    leader_received(&first);
    leader_serving(&first);
    leaders_promote(&leaders, 0);
    assert_takes(&second);
    leader_served(&first);
    assert_int_equal(leaders.count, 1);
    close(device);
}

static void who_waits_alone_keeps_its_turn(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    struct leader first, second;
    int device = ready_device();
    leaders_init(&leaders, PROCESSORS, MOST);
    take_two(&leaders, &first, &second);
    leader_serving(&first);
    for (int i = 0; i < MANY; i++) {
        receive_later(&second, device);
        assert_true(leader_await(&second));
    }
    assert_int_equal(leaders.count, 2);
    /* And so does one that finds requests waiting, whoever else waits for them. */
    leader_served(&first);
    leader_receiving(&first);
    receive_at_once(&second);
    assert_true(leader_await(&second));
    assert_int_equal(leaders.count, 2);
    close(device);
}

/* The next one need not find out about busy polling once more. The time in which it did not lead is
 * in no round. */
static void the_next_goes_on_as_the_last(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    int device = ready_device();
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader first = first_turn(&leaders);
    struct leader second = leader_init(&leaders, 1);
    assert_true(second.busy_poll.pays);
    receive_later(&first, device);
    leaders.pays = false;
    leader_serving(&first);
    leaders_promote(&leaders, 0);
    assert_true(leader_await(&second));
    assert_false(second.busy_poll.pays);
    leader_served(&first);
    /* One that receives, does not serve, and leads again. */
    receive_later(&second, device);
    leader_receiving(&first);
    leader_received(&first);
    second.leads = false;
    leaders.vacant++;
    uint64_t begin = second.busy_poll.begin;
    assert_true(leader_await(&second));
    assert_true(second.busy_poll.begin >= begin);
    assert_true(second.busy_poll.begin <= clock_now());
    close(device);
}

/* Looking first is in vain where the last request was slept for; but nobody sleeps who finds
 * requests waiting. */
static void a_sleeper_sleeps_before_it_looks(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    int device = ready_device();
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    leader.busy_poll.pays = false;
    leader_receiving(&leader);
    leader_sleep(&leader, -1); /* would never end if it slept */
    leader_received(&leader);
    receive_later(&leader, device);
    assert_true(leader.sleeps);
    leader_receiving(&leader);
    uint64_t slept = leader.slept;
    leader_sleep(&leader, device);
    assert_true(leader.slept > slept);
    leader_received(&leader);
    receive_at_once(&leader);
    assert_false(leader.sleeps);
    close(device);
}

static void end_is_for_good(void **state)
{
    (void)state;
    struct leaders leaders = { 0 };
    leaders_init(&leaders, PROCESSORS, MOST);
    struct leader leader = first_turn(&leaders);
    leaders_end(&leaders);
    struct leader late = leader_init(&leaders, 1);
    assert_false(leader_await(&late));
    leader_serving(&leader);
    leaders_promote(&leaders, 0);
    leader_served(&leader);
    assert_false(leader_await(&leader));
    assert_false(leader_await(&late));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_has_a_turn),
        cmocka_unit_test(a_turn_that_is_passed_is_another_ones),
        cmocka_unit_test(a_thread_that_passed_waits_for_another_turn),
        cmocka_unit_test(a_turn_that_nobody_took_is_taken_again),
        cmocka_unit_test(who_serves_nothing_has_nothing_to_pass),
        cmocka_unit_test(a_client_that_is_alone_wakes_nobody),
        cmocka_unit_test(a_long_request_passes_its_turn_once),
        cmocka_unit_test(who_has_passed_is_passed_over),
        cmocka_unit_test(short_requests_keep_their_turn),
        cmocka_unit_test(a_streak_adds_turns),
        cmocka_unit_test(a_wait_ends_a_streak),
        cmocka_unit_test(the_second_that_waits_gives_back),
        cmocka_unit_test(who_waits_alone_keeps_its_turn),
        cmocka_unit_test(the_next_goes_on_as_the_last),
        cmocka_unit_test(a_sleeper_sleeps_before_it_looks),
        cmocka_unit_test(end_is_for_good),
    };
    return cmocka_run_group_tests_name("leader", tests, NULL, NULL);
}
