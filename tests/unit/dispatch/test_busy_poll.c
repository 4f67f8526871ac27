/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include "fs/dispatch/busy_poll.h"
#include "fs/util/clock.h"

#define ROUNDS   200
#define ROUND    512 // requests
#define LONG_AGO INT64_C(1000000000000)

/* A machine on which a round takes so long with spinning, and so long without. */
struct machine {
    uint64_t spinning, sleeping;
    uint64_t now, used;
    bool crowded; // for half of a round of spinning the thread waits for a processor
    bool visited; // for a tenth of it
};

/* Requests until the next round begins; that is the last of them. */
static unsigned count_to_round(struct busy_poll *busy_poll)
{
    unsigned requests = 1;
    while (!busy_poll_count(busy_poll, false)) {
        requests++;
        assert_true(requests < 1000000);
    }
    return requests;
}

/* A try may end before the round does. */
static void serve_round(struct busy_poll *busy_poll, struct machine *machine)
{
    bool spins = busy_poll_wanted(busy_poll);
    uint64_t round = spins ? machine->spinning : machine->sleeping;
    do {
        uint64_t takes = round * count_to_round(busy_poll) / ROUND;
        machine->now += takes;
        machine->used += takes;
        if (spins && (machine->crowded || machine->visited))
            machine->used -= machine->crowded ? takes / 2 : takes / 10;
        busy_poll_round(busy_poll, machine->now, machine->used);
    } while (busy_poll->requests > 1);
}

static struct busy_poll begin(struct machine *machine, bool pays)
{
    struct busy_poll busy_poll = { .pays = pays };
    assert_true(busy_poll_count(&busy_poll, false));
    busy_poll_round(&busy_poll, machine->now, machine->used);
    return busy_poll;
}

static void serve_until_a_try(struct busy_poll *busy_poll, struct machine *machine)
{
    for (int i = 0; i < ROUNDS && !busy_poll->trying; i++)
        serve_round(busy_poll, machine);
    assert_true(busy_poll->trying);
}

static void begins_as_it_is_told(void **state)
{
    (void)state;
    assert_true(busy_poll_wanted(&(struct busy_poll){ .pays = true }));
    assert_false(busy_poll_wanted(&(struct busy_poll){ .pays = false }));
}

/* A thread that did not receive for long has not waited for a processor. */
static void a_pause_tells_nothing(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000000, .sleeping = 2000000 };
    struct busy_poll busy_poll = begin(&machine, true);
    serve_round(&busy_poll, &machine);
    assert_false(busy_poll_count(&busy_poll, false));
    uint64_t pause = machine.spinning / 2;
    machine.now += pause;
    busy_poll_pause(&busy_poll, pause, true);
    serve_round(&busy_poll, &machine);
    assert_true(busy_poll.pays);
    assert_int_equal(busy_poll.doubt, 0);
    assert_true(busy_poll.usual <= machine.spinning);
    assert_false(busy_poll_count(&busy_poll, false));
    busy_poll_pause(&busy_poll, LONG_AGO, true);
    assert_true(busy_poll_count(&busy_poll, false));
    busy_poll_round(&busy_poll, machine.now, machine.used);
    busy_poll_pause(&busy_poll, pause, false);
    assert_false(busy_poll_wanted(&busy_poll));
    assert_true(busy_poll_count(&busy_poll, false));
}

static void a_try_is_the_exception(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000, .sleeping = 1000 };
    for (int pays = 0; pays <= 1; pays++) {
        struct busy_poll busy_poll = begin(&machine, pays);
        int tries = 0;
        for (int i = 0; i < ROUNDS; i++) {
            tries += busy_poll_wanted(&busy_poll) != pays;
            serve_round(&busy_poll, &machine);
        }
        assert_in_range(tries, 2, ROUNDS / 4);
    }
}

static void what_is_quicker_stays(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 2000, .sleeping = 1000 };
    struct busy_poll busy_poll = begin(&machine, true);
    for (int i = 0; i < ROUNDS; i++)
        serve_round(&busy_poll, &machine);
    assert_false(busy_poll.pays);
    machine.spinning = 500;
    for (int i = 0; i < ROUNDS; i++)
        serve_round(&busy_poll, &machine);
    assert_true(busy_poll.pays);
}

static void one_try_is_enough(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 2000, .sleeping = 1000 };
    struct busy_poll busy_poll = begin(&machine, true);
    serve_until_a_try(&busy_poll, &machine);
    assert_false(busy_poll_wanted(&busy_poll));
    serve_round(&busy_poll, &machine);
    assert_false(busy_poll.trying);
    assert_false(busy_poll_wanted(&busy_poll));
}

static void little_or_no_difference_changes_nothing(void **state)
{
    (void)state;
    static const uint64_t tried[] = { 900, 1000, 1001, 5000 };
    for (size_t i = 0; i < COUNT(tried); i++) {
        struct machine machine = { .spinning = 1000, .sleeping = tried[i] };
        struct busy_poll busy_poll = begin(&machine, true);
        for (int round = 0; round < ROUNDS; round++) {
            serve_round(&busy_poll, &machine);
            assert_true(busy_poll.pays);
        }
    }
}

/* Spinning may be quicker at the cost of others. */
static void a_crowded_machine_is_left_to_others(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000, .sleeping = 3000, .crowded = true };
    struct busy_poll busy_poll = begin(&machine, true);
    serve_round(&busy_poll, &machine);
    assert_false(busy_poll.pays);
    for (int i = 0; i < ROUNDS; i++) {
        serve_round(&busy_poll, &machine);
        assert_false(busy_poll.pays);
    }
    machine.crowded = false;
    for (int i = 0; i < ROUNDS; i++)
        serve_round(&busy_poll, &machine);
    assert_true(busy_poll.pays);
}

/* A try takes processor time from others: the longer it was in vain, the rarer it is. */
static void a_crowded_machine_is_tried_ever_more_rarely(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000, .sleeping = 3000, .crowded = true };
    struct busy_poll busy_poll = begin(&machine, true);
    int tries = 0;
    for (int i = 0; i < 10 * ROUNDS; i++) {
        tries += busy_poll_wanted(&busy_poll);
        serve_round(&busy_poll, &machine);
    }
    assert_in_range(tries, 1, 10 * ROUNDS / 64);
}

/* A try that is much slower is time lost, too. */
static void what_is_clearly_slower_is_tried_ever_more_rarely(void **state)
{
    (void)state;
    for (int pays = 0; pays <= 1; pays++) {
        struct machine machine = { .spinning = pays ? 1000 : 2000, .sleeping = pays ? 2000 : 1000 };
        struct busy_poll busy_poll = begin(&machine, pays);
        int tries = 0;
        for (int i = 0; i < 10 * ROUNDS; i++) {
            tries += busy_poll_wanted(&busy_poll) != pays;
            serve_round(&busy_poll, &machine);
        }
        assert_in_range(tries, 1, 10 * ROUNDS / 64);
    }
}

/* A try that is much slower ends at once; where others want the processor, such a short time tells
 * nothing. */
static void a_try_that_is_slower_ends_early(void **state)
{
    (void)state;
    for (int visited = 0; visited <= 1; visited++) {
        struct machine machine = { .spinning = 1000, .sleeping = 2000, .visited = visited };
        struct busy_poll busy_poll = begin(&machine, true);
        serve_until_a_try(&busy_poll, &machine);
        uint64_t before = machine.now;
        serve_round(&busy_poll, &machine);
        assert_false(busy_poll.trying);
        assert_int_equal(busy_poll.doubt, !visited);
        assert_in_range(machine.now - before, visited ? 1990 : 200, visited ? 2000 : 300);
    }
}

/* A thread that may not look has tried nothing. */
static void a_try_at_rest_is_none(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 500, .sleeping = 1000 };
    struct busy_poll busy_poll = begin(&machine, false);
    busy_poll.doubt = 1;
    serve_until_a_try(&busy_poll, &machine);
    busy_poll.rest = 2 * ROUND;
    serve_round(&busy_poll, &machine);
    assert_false(busy_poll.trying);
    assert_false(busy_poll.pays);
    assert_int_equal(busy_poll.doubt, 1);
}

/* Rounds come to no end where each call is followed by a pause. */
static void looks_in_vain_end(void **state)
{
    (void)state;
    struct busy_poll busy_poll = { .pays = true };
    int vain = 0;
    for (int i = 0; i < 100 * ROUNDS; i++) {
        bool wanted = busy_poll_wanted(&busy_poll);
        if (wanted)
            busy_poll_looked(&busy_poll, i % 2 == 0);
        vain += wanted && i % 2 == 0;
        busy_poll_count(&busy_poll, i % 2 == 0);
    }
    assert_in_range(vain, 1, ROUNDS / 4);
    /* One now and then is worth the others. */
    busy_poll = (struct busy_poll){ .pays = true };
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(busy_poll_wanted(&busy_poll));
        busy_poll_looked(&busy_poll, i % 8 == 0);
        busy_poll_count(&busy_poll, i % 8 == 0);
    }
}

/* Compared is with what is usual now, not with what was at some time. */
static void a_machine_that_got_slower_is_no_reason(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000, .sleeping = 1500 };
    struct busy_poll busy_poll = begin(&machine, true);
    serve_until_a_try(&busy_poll, &machine);
    serve_round(&busy_poll, &machine);
    machine = (struct machine){ .spinning = 2000, .sleeping = 3000, .now = machine.now };
    serve_until_a_try(&busy_poll, &machine);
    serve_round(&busy_poll, &machine);
    assert_true(busy_poll.pays);
}

static void a_gap_begins_the_round_anew(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 1000, .sleeping = 1000 };
    struct busy_poll busy_poll = begin(&machine, true);
    unsigned whole = count_to_round(&busy_poll);
    machine.now += 1000;
    machine.used = machine.now;
    busy_poll_round(&busy_poll, machine.now, machine.used);
    for (unsigned i = 0; i < whole - 1; i++)
        assert_false(busy_poll_count(&busy_poll, false));
    assert_true(busy_poll_count(&busy_poll, true));
    machine.now += LONG_AGO;
    machine.used = machine.now;
    busy_poll_round(&busy_poll, machine.now, machine.used);
    assert_int_equal(count_to_round(&busy_poll), whole);
    machine.now += 1000;
    machine.used = machine.now;
    busy_poll_round(&busy_poll, machine.now, machine.used);
    assert_int_equal(busy_poll.usual, 1000);
}

/* The time in which nobody asked for anything speaks for neither way. */
static void a_gap_does_not_decide_a_try(void **state)
{
    (void)state;
    struct machine machine = { .spinning = 2000, .sleeping = 1000 };
    struct busy_poll busy_poll = begin(&machine, true);
    serve_until_a_try(&busy_poll, &machine);
    for (int gaps = 0; gaps < 10; gaps++) {
        assert_false(busy_poll_count(&busy_poll, false));
        assert_true(busy_poll_count(&busy_poll, true));
        machine.now += LONG_AGO;
        machine.used = machine.now;
        busy_poll_round(&busy_poll, machine.now, machine.used);
        assert_true(busy_poll.trying);
        assert_true(busy_poll.pays);
    }
    serve_round(&busy_poll, &machine);
    assert_false(busy_poll.pays);
}

static void clock_goes_forward(void **state)
{
    (void)state;
    uint64_t before = clock_now();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now();
        assert_true(now >= before);
        before = now;
    }
    assert_true(before > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_as_it_is_told),
        cmocka_unit_test(a_pause_tells_nothing),
        cmocka_unit_test(a_try_is_the_exception),
        cmocka_unit_test(what_is_quicker_stays),
        cmocka_unit_test(one_try_is_enough),
        cmocka_unit_test(little_or_no_difference_changes_nothing),
        cmocka_unit_test(a_crowded_machine_is_left_to_others),
        cmocka_unit_test(a_crowded_machine_is_tried_ever_more_rarely),
        cmocka_unit_test(what_is_clearly_slower_is_tried_ever_more_rarely),
        cmocka_unit_test(a_try_that_is_slower_ends_early),
        cmocka_unit_test(a_try_at_rest_is_none),
        cmocka_unit_test(looks_in_vain_end),
        cmocka_unit_test(a_machine_that_got_slower_is_no_reason),
        cmocka_unit_test(a_gap_begins_the_round_anew),
        cmocka_unit_test(a_gap_does_not_decide_a_try),
        cmocka_unit_test(clock_goes_forward),
    };
    return cmocka_run_group_tests_name("busy_poll", tests, NULL, NULL);
}
