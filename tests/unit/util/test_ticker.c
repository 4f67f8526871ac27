/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/threads.h"

#include <stdlib.h>

#include "fs/util/ticker.h"

#define TICKERS 16
#define RACES   20

/* When somebody leaves a thing that the look which decides about going to sleep has to do with. */
enum moment {
    NEVER,
    BEFORE_IT, /* while the ticker seemed awake, and so without waking it */
    AFTER_IT,  /* that look has not found it, and the ticker does not sleep yet */
};

/* The work of a ticker: things that somebody leaves there. */
struct watch {
    struct ticker ticker;
    pthread_t thread;
    atomic_uint things;
    atomic_uint calls;      /* of look() */
    atomic_bool busy;       /* there is always something */
    atomic_uint last_looks; /* looks that decide whether it goes to sleep */
    atomic_int moment;      /* once */
    sem_t looked;
    sem_t found;
    sem_t sleepy; /* a last look */
};

static void leave_thing(struct watch *watch)
{
    watch->things++;
    ticker_wake(&watch->ticker);
}

static bool look(void *argument)
{
    struct watch *watch = argument;
    bool last = !watch->ticker.awake;
    int moment = last ? atomic_exchange(&watch->moment, NEVER) : NEVER;
    unsigned things;
    watch->things += moment == BEFORE_IT;
    things = atomic_exchange(&watch->things, 0);
    if (moment == AFTER_IT)
        leave_thing(watch);
    watch->calls++;
    for (unsigned i = 0; i < things; i++)
        sem_post(&watch->found);
    if (last) {
        watch->last_looks++;
        sem_post(&watch->sleepy);
    }
    sem_post(&watch->looked);
    return things > 0 || watch->busy;
}

static void *run(void *argument)
{
    struct watch *watch = argument;
    ticker_run(&watch->ticker, look, watch);
    return NULL;
}

static void start(struct watch *watch)
{
    *watch = (struct watch){ 0 };
    ticker_init(&watch->ticker);
    sem_init(&watch->looked, 0, 0);
    sem_init(&watch->found, 0, 0);
    sem_init(&watch->sleepy, 0, 0);
    assert_int_equal(pthread_create(&watch->thread, NULL, run, watch), 0);
}

static void stop(struct watch *watch)
{
    ticker_end(&watch->ticker);
    await_thread(watch->thread, "a ticker");
}

/* Waits for that many looks of another ticker, which has work all the time. */
static void let_ticks_pass(unsigned count)
{
    struct watch other;
    start(&other);
    other.busy = true;
    ticker_wake(&other.ticker);
    for (unsigned i = 0; i < count; i++)
        await_event(&other.looked, "a tick of a busy ticker");
    stop(&other);
}

static void sleeps_before_it_is_woken(void **state)
{
    (void)state;
    struct watch watch;
    start(&watch);
    let_ticks_pass(20);
    assert_int_equal(watch.calls, 0);
    stop(&watch);
}

static void finds_what_it_is_woken_for(void **state)
{
    (void)state;
    struct watch watch;
    start(&watch);
    leave_thing(&watch);
    await_event(&watch.found, "what was left");
    stop(&watch);
}

static void sleeps_when_there_is_nothing(void **state)
{
    (void)state;
    struct watch watch;
    unsigned calls[2];
    start(&watch);
    for (int i = 0; i < 2; i++) {
        unsigned before = watch.calls;
        ticker_wake(&watch.ticker);
        await_event(&watch.sleepy, "a ticker that goes to sleep");
        calls[i] = watch.calls - before;
        let_ticks_pass(2 * calls[i]);
        assert_int_equal(watch.calls, before + calls[i]);
        assert_false(watch.ticker.awake);
    }
    /* Awake once more it looks as often, and no more. */
    assert_true(calls[0] > 1);
    assert_int_equal(calls[1], calls[0]);
    stop(&watch);
}

static void stays_awake_while_there_is_something(void **state)
{
    (void)state;
    struct watch watch;
    start(&watch);
    watch.busy = true;
    ticker_wake(&watch.ticker);
    for (int i = 0; i < 100; i++)
        await_event(&watch.looked, "a look");
    assert_int_equal(watch.last_looks, 0);
    assert_true(watch.ticker.awake);
    stop(&watch);
}

static void nothing_is_overlooked_on_the_way_to_sleep(void **state)
{
    (void)state;
    static const enum moment moments[] = { BEFORE_IT, AFTER_IT, AFTER_IT, BEFORE_IT };
    struct watch watch;
    start(&watch);
    for (size_t i = 0; i < COUNT(moments); i++) {
        watch.moment = moments[i];
        ticker_wake(&watch.ticker);
        await_event(&watch.found, "what was left at the last look");
        await_event(&watch.sleepy, "the look that it was left at");
        await_event(&watch.sleepy, "a ticker that goes to sleep after all");
        assert_int_equal(watch.things, 0);
    }
    stop(&watch);
}

struct race {
    struct watch watch;
    pthread_t thread;
    unsigned seed;
    const char *mistake;
};

static void dawdle(struct race *race)
{
    volatile unsigned steps = (unsigned)rand_r(&race->seed) % 4096;
    while (steps > 0)
        steps--;
}

/* Leaves things at about the time when the ticker goes to sleep: a moment after it has looked for
 * the last time but one, or for the last time. */
static void *race_with_sleep(void *argument)
{
    struct race *race = argument;
    struct watch *watch = &race->watch;
    unsigned all = 0;
    ticker_wake(&watch->ticker);
    while (comes(&watch->looked)) {
        all++;
        if (has_come(&watch->sleepy))
            break;
    }
    for (int i = 0; i < RACES && race->mistake == NULL; i++) {
        unsigned until = all + (unsigned)i % 2; /* with the look that finds the first thing */
        while (has_come(&watch->looked))
            ;
        leave_thing(watch);
        if (!comes(&watch->found)) {
            race->mistake = "nobody looks after a thing";
            break;
        }
        for (unsigned looks = 0; looks < until; looks++)
            comes(&watch->looked);
        dawdle(race);
        leave_thing(watch);
        if (!comes(&watch->found))
            race->mistake = "a thing is lost while the ticker goes to sleep";
    }
    return NULL;
}

static void no_wake_is_lost(void **state)
{
    (void)state;
    struct race races[TICKERS];
    unsigned last_looks = 0;
    for (unsigned i = 0; i < TICKERS; i++) {
        start(&races[i].watch);
        races[i].seed = i;
        races[i].mistake = NULL;
        assert_int_equal(pthread_create(&races[i].thread, NULL, race_with_sleep, &races[i]), 0);
    }
    for (unsigned i = 0; i < TICKERS; i++)
        await_thread(races[i].thread, "a race with a ticker");
    for (unsigned i = 0; i < TICKERS; i++) {
        stop(&races[i].watch);
        last_looks += races[i].watch.last_looks;
        if (races[i].mistake != NULL)
            fail_msg("%s", races[i].mistake);
    }
    /* Some of them met it going to sleep. */
    assert_true(last_looks > TICKERS);
}

static void ends_awake_and_asleep(void **state)
{
    (void)state;
    struct watch watch;
    start(&watch);
    stop(&watch); /* whether it has begun or not */
    start(&watch);
    watch.busy = true;
    ticker_wake(&watch.ticker);
    await_event(&watch.looked, "a look");
    stop(&watch);
    start(&watch);
    ticker_wake(&watch.ticker);
    await_event(&watch.sleepy, "a ticker that goes to sleep");
    stop(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeps_before_it_is_woken),
        cmocka_unit_test(finds_what_it_is_woken_for),
        cmocka_unit_test(sleeps_when_there_is_nothing),
        cmocka_unit_test(stays_awake_while_there_is_something),
        cmocka_unit_test(nothing_is_overlooked_on_the_way_to_sleep),
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(ends_awake_and_asleep),
    };
    return cmocka_run_group_tests_name("ticker", tests, NULL, NULL);
}
