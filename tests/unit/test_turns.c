/* SPDX-License-Identifier: BSD-2-Clause */
#include "threads.h"

#include <sys/eventfd.h>

#include "fs/dispatch/leader.h"

#define PROCESSORS 4
#define MOST 4
#define MANY 1000 /* more than any streak */

/* Somebody who waits for a turn. */
struct taker {
    struct turn turn;
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
    taker->result = turn_take(&taker->turn);
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
    assert_true(taker->turn.had);
}

static struct turn first_turn(struct turns *turns)
{
    struct turn turn = turn_init(turns, 0);
    assert_true(turn_take(&turn));
    return turn;
}

/* One request that was there already. */
static void receive_at_once(struct turn *turn)
{
    turn_receive(turn);
    turn_received(turn);
}

/* One that was waited for: `device` has something to read. */
static void receive_later(struct turn *turn, int device)
{
    turn_receive(turn);
    turn_wait(turn, device);
    turn_received(turn);
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
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    struct taker takers[3];
    for (unsigned i = 0; i < COUNT(takers); i++) {
        takers[i].turn = turn_init(&turns, 1 + i);
        start_waiting(&takers[i]);
    }
    assert_true(turn_take(&turn)); /* its own still */
    assert_int_equal(turns.count, 1);
    turns_end(&turns);
    for (unsigned i = 0; i < COUNT(takers); i++) {
        await_thread(takers[i].thread, "a thread that is let go");
        assert_false(takers[i].result);
        assert_false(takers[i].turn.had);
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
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    struct taker takers[2];
    for (unsigned i = 0; i < COUNT(takers); i++) {
        takers[i].turn = turn_init(&turns, 1 + i);
        start_waiting(&takers[i]);
    }
    turn_begin(&turn);
    turns_pass(&turns, 0);
    time_t last = threads_deadline().tv_sec;
    while (count_taken(takers, COUNT(takers)) == 0 && time(NULL) <= last)
        sched_yield();
    unsigned winner = has_come(&takers[0].took) ? 0 : 1;
    sem_post(&takers[winner].took);
    assert_takes(&takers[winner]);
    /* The other one waits for that one's. */
    await_sleep(takers[1 - winner].tid);
    assert_false(has_come(&takers[1 - winner].took));
    turn_begin(&takers[winner].turn);
    turns_pass(&turns, 1 + winner);
    assert_takes(&takers[1 - winner]);
    turn_end(&turn);
    turn_end(&takers[winner].turn);
    assert_false(turn.had);
    assert_false(takers[winner].turn.had);
    assert_int_equal(turns.free, 0);
}

static void a_thread_that_passed_waits_for_another_turn(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct taker first = { .turn = first_turn(&turns) };
    struct turn second = turn_init(&turns, 1);
    turn_begin(&first.turn);
    turns_pass(&turns, 0);
    assert_true(turn_take(&second));
    turn_end(&first.turn);
    start_waiting(&first);
    turn_begin(&second);
    turns_pass(&turns, 1);
    assert_takes(&first);
    turn_end(&second);
}

static void a_turn_that_nobody_took_is_taken_again(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    for (int i = 0; i < MANY; i++) {
        turn_begin(&turn);
        turns_pass(&turns, 0);
        turn_end(&turn);
        assert_false(turn.had);
        assert_true(turn_take(&turn));
    }
    assert_int_equal(turns.count, 1);
    assert_int_equal(turns.free, 0);
}

static void who_serves_nothing_has_nothing_to_pass(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    turns_pass(&turns, 0);
    turns_pass(&turns, 7); /* whose request came from a worker before */
    assert_int_equal(turns.free, 0);
    turn_begin(&turn);
    turns_pass(&turns, 0);
    turns_pass(&turns, 0);
    assert_int_equal(turns.free, 1);
    turn_end(&turn);
    turns_pass(&turns, 0);
    assert_int_equal(turns.free, 1);
}

static void a_long_request_passes_its_turn_once(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    turn_begin(&turn);
    assert_true(turns_look(&turns));
    assert_int_equal(turns.free, 0);
    for (int i = 0; i < 10; i++) {
        assert_true(turns_look(&turns));
        assert_int_equal(turns.free, 1);
    }
    turns_pass(&turns, 0);
    assert_int_equal(turns.free, 1);
    turn_end(&turn);
    assert_false(turn.had);
    assert_true(turns_look(&turns));
    assert_false(turns_look(&turns));
    assert_int_equal(turns.free, 1);
}

static void who_has_passed_is_passed_over(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    turn_begin(&turn);
    turns_pass(&turns, 0);
    for (int i = 0; i < 10; i++)
        assert_true(turns_look(&turns));
    assert_int_equal(turns.free, 1);
}

static void short_requests_keep_their_turn(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    assert_false(turns_look(&turns));
    for (int i = 0; i < MANY; i++) {
        turn_begin(&turn);
        assert_true(turns_look(&turns));
        turn_end(&turn);
    }
    assert_true(turn.had);
    assert_int_equal(turns.free, 0);
    assert_true(turns_look(&turns));
    assert_false(turns_look(&turns));
    /* One that came and went between two looks counts. */
    turn_begin(&turn);
    turn_end(&turn);
    assert_true(turns_look(&turns));
    assert_false(turns_look(&turns));
}

static void a_streak_adds_turns(void **state)
{
    (void)state;
    static const struct {
        long processors;
        unsigned most, turns;
    } machines[] = { { 4, 10, 4 }, { 64, 10, 10 }, { 2, 10, 2 }, { 1, 10, 2 }, { -1, 10, 2 } };
    for (size_t i = 0; i < COUNT(machines); i++) {
        struct turns turns = { 0 };
        turns_init(&turns, machines[i].processors, machines[i].most);
        struct turn turn = first_turn(&turns);
        for (unsigned count = 2; count <= machines[i].turns; count++) {
            for (int received = 0; received < MANY; received++)
                receive_at_once(&turn);
            /* No other before that one is taken. */
            assert_int_equal(turns.count, count);
            assert_int_equal(turns.free, 1);
            struct turn other = turn_init(&turns, count);
            assert_true(turn_take(&other));
        }
        for (int received = 0; received < MANY; received++)
            receive_at_once(&turn);
        assert_int_equal(turns.count, machines[i].turns);
        assert_int_equal(turns.free, 0);
    }
}

static void a_wait_ends_a_streak(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    int device = ready_device();
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    for (int i = 0; i < MANY; i++) {
        receive_at_once(&turn);
        receive_at_once(&turn);
        receive_later(&turn, device);
    }
    assert_int_equal(turns.count, 1);
    close(device);
}

/* Two turns, both of them taken. */
static void take_two(struct turns *turns, struct turn *first, struct turn *second)
{
    *first = first_turn(turns);
    while (turns->count < 2)
        receive_at_once(first);
    *second = turn_init(turns, 1);
    assert_true(turn_take(second));
    assert_int_equal(turns->free, 0);
}

static void the_second_that_waits_gives_back(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    struct turn first;
    struct taker second = { 0 };
    int device = ready_device();
    turns_init(&turns, PROCESSORS, MOST);
    take_two(&turns, &first, &second.turn);
    turn_receive(&first);
    receive_later(&second.turn, device);
    start_waiting(&second);
    lock_take(&turns.lock);
    assert_int_equal(turns.count, 1);
    assert_int_equal(turns.free, 0);
    lock_release(&turns.lock);
    turn_received(&first);
    turn_begin(&first);
    turns_pass(&turns, 0);
    assert_takes(&second);
    turn_end(&first);
    assert_int_equal(turns.count, 1);
    close(device);
}

static void who_waits_alone_keeps_its_turn(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    struct turn first, second;
    int device = ready_device();
    turns_init(&turns, PROCESSORS, MOST);
    take_two(&turns, &first, &second);
    turn_begin(&first);
    for (int i = 0; i < MANY; i++) {
        receive_later(&second, device);
        assert_true(turn_take(&second));
    }
    assert_int_equal(turns.count, 2);
    /* And so does one that finds requests waiting, whoever else waits for them. */
    turn_end(&first);
    turn_receive(&first);
    receive_at_once(&second);
    assert_true(turn_take(&second));
    assert_int_equal(turns.count, 2);
    close(device);
}

static void end_is_for_good(void **state)
{
    (void)state;
    struct turns turns = { 0 };
    turns_init(&turns, PROCESSORS, MOST);
    struct turn turn = first_turn(&turns);
    turns_end(&turns);
    struct turn late = turn_init(&turns, 1);
    assert_false(turn_take(&late));
    turn_begin(&turn);
    turns_pass(&turns, 0);
    turn_end(&turn);
    assert_false(turn_take(&turn));
    assert_false(turn_take(&late));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_has_a_turn),
        cmocka_unit_test(a_turn_that_is_passed_is_another_ones),
        cmocka_unit_test(a_thread_that_passed_waits_for_another_turn),
        cmocka_unit_test(a_turn_that_nobody_took_is_taken_again),
        cmocka_unit_test(who_serves_nothing_has_nothing_to_pass),
        cmocka_unit_test(a_long_request_passes_its_turn_once),
        cmocka_unit_test(who_has_passed_is_passed_over),
        cmocka_unit_test(short_requests_keep_their_turn),
        cmocka_unit_test(a_streak_adds_turns),
        cmocka_unit_test(a_wait_ends_a_streak),
        cmocka_unit_test(the_second_that_waits_gives_back),
        cmocka_unit_test(who_waits_alone_keeps_its_turn),
        cmocka_unit_test(end_is_for_good),
    };
    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
