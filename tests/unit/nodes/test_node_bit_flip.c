// SPDX-License-Identifier: BSD-2-Clause
/*
 * A byte of a node table's memory that is not what it was: either nobody asks for it, and every
 * call answers as it would have; or the table says that it is corrupt. In no case a wrong answer
 * is given before that, and nothing is read or written beyond the memory.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "tests/unit/nodes/node_calls.h"

#define CALLS        120
#define FLIPS        20000
#define FLIPS_LEAST  200
#define SECONDS      3
#define FLIPS_OF_ONE 50 /* table */
#define PARTS        9

struct flip {
    struct node_table view;  /* where the memory is to be seen and damaged */
    struct node_table table; /* the same memory, attached for each round */
    struct calls calls;
    struct call made[CALLS];
    uint64_t answers[CALLS];
    char *image; /* the memory before these calls */
    jmp_buf back;
    unsigned flips, noticed;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void notice(void *argument, const char *what)
{
    struct flip *flip = argument;
    (void)what;
    // The call that noticed it is left for good, and may hold the lock.
    lock_try(&flip->table.lock);
    lock_release(&flip->table.lock);
    longjmp(flip->back, 1);
}

/* Returns whether the damage, if there is any, is not noticed right away. */
static bool attach(struct flip *flip)
{
    const char *why = NULL;
    memset(flip->calls.refs, 0, sizeof(flip->calls.refs));
    flip->table = (struct node_table){ .corrupt = notice, .corrupt_argument = flip };
    int error = node_table_attach(&flip->table, flip->view.memfd, &why);
    assert_true(error == 0 || ((error == -EPROTO || error == -EUCLEAN) && why != NULL));
    return error == 0;
}

/* The calls of a table that nobody has damaged: what they answer is right. */
static void make_undamaged(struct flip *flip)
{
    assert_true(attach(flip));
    free(flip->image);
    flip->image = node_image_take(&flip->view);
    if (setjmp(flip->back) != 0)
        fail_msg("corrupt without a flip");
    for (size_t i = 0; i < CALLS; i++) {
        flip->made[i] = calls_next(&flip->calls);
        flip->answers[i] = calls_make(&flip->calls, &flip->made[i]);
    }
    node_table_detach(&flip->table);
}

/* The parts of the memory that mean something. */
static void used_parts(const struct node_table *table, struct node_part parts[PARTS])
{
    const struct node_memory *memory = table->memory;
    const char *start = (const char *)memory;
    const struct node_header *header = table->header;
    const struct {
        const void *from;
        size_t bytes;
    } used[PARTS] = {
        { &memory->layout, sizeof(memory->layout) },
        { header, sizeof(*header) },
        { (const void *)&memory->undo_log.used, sizeof(memory->undo_log.used) },
        { memory->pending_close, header->pending_close * sizeof(uint64_t) },
        { &memory->ledgers[0].head, sizeof(struct ledger_head) },
        { memory->ledgers[0].lookups, memory->ledgers[0].head.lookups * sizeof(uint64_t) },
        { memory->owners + CALLS_FD, (header->fds_end - CALLS_FD) * sizeof(uint64_t) },
        { table->buckets, (header->mask + 1 + header->split) * sizeof(uint32_t) },
        { table->slots + SLOT_ROOT, (header->fresh - SLOT_ROOT) * sizeof(struct node) },
    };
    _Static_assert(COUNT(used) == PARTS, "all of them");
    for (size_t i = 0; i < PARTS; i++)
        parts[i] =
            (struct node_part){ (size_t)((const char *)used[i].from - start), used[i].bytes };
}

static void flip_byte(struct flip *flip)
{
    struct node_part parts[PARTS], part;
    used_parts(&flip->view, parts);
    do
        part = parts[calls_pick(&flip->calls, PARTS)];
    while (part.bytes == 0);
    uint8_t *byte =
        (uint8_t *)flip->view.memory + part.at + calls_pick(&flip->calls, (unsigned)part.bytes);
    *byte = (uint8_t)(*byte ^ (1 + calls_pick(&flip->calls, 255)));
}

/* Makes the calls as far as nothing is noticed. A wrong answer is a failure of the test. */
static void make_damaged(struct flip *flip)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (calls_make(&flip->calls, &flip->made[i]) != flip->answers[i])
            fail_msg("flip %u: call %zu, of kind %d, gave a wrong answer", flip->flips, i,
                     (int)flip->made[i].kind);
    }
}

/* Flips a byte before somebody attaches the table, or under his hands. */
static void flip_once(struct flip *flip, bool under_hands)
{
    node_image_put_back(&flip->view, flip->image);
    flip->flips++;
    if (under_hands)
        assert_true(attach(flip));
    flip_byte(flip);
    if (!under_hands && !attach(flip)) {
        flip->noticed++;
        return;
    }
    if (setjmp(flip->back) == 0)
        make_damaged(flip);
    else
        flip->noticed++;
    node_table_detach(&flip->table);
}

static void flip_often(void **state, bool under_hands)
{
    struct flip *flip = *state;
    double end = seconds() + SECONDS;
    while (flip->flips < FLIPS_LEAST || (flip->flips < FLIPS && seconds() < end)) {
        /* another table now and then; the one that went before is as damaged as it is */
        if (flip->flips % FLIPS_OF_ONE == 0) {
            if (flip->image != NULL)
                node_image_put_back(&flip->view, flip->image);
            make_undamaged(flip);
            make_undamaged(flip);
        }
        flip_once(flip, under_hands);
    }
    print_message("# %u flips, %u of them noticed\n", flip->flips, flip->noticed);
    assert_true(flip->noticed > flip->flips / 4);
}

static void a_flip_before_attaching_gives_no_wrong_answer(void **state)
{
    flip_often(state, false);
}

static void a_flip_while_attached_gives_no_wrong_answer(void **state)
{
    flip_often(state, true);
}

/* A bucket that seems to be empty would make a second node of a file. */
static void a_lost_chain_is_noticed(void **state)
{
    struct flip *flip = *state;
    struct node_key key = seed_of(2).key;
    struct node_ref ref;
    flip->image = node_image_take(&flip->view);
    for (uint32_t bucket = 0; bucket < FIRST_BUCKETS; bucket++) {
        uint32_t *word = (uint32_t *)&flip->view.buckets[bucket];
        assert_true(attach(flip));
        *word &= ~UINT32_C(0xffffff);
        if (setjmp(flip->back) == 0)
            assert_true(node_use_key(&flip->table, &key, &ref));
        else
            flip->noticed++;
        node_table_detach(&flip->table);
        node_image_put_back(&flip->view, flip->image);
    }
    assert_int_equal(flip->noticed, 1); /* there is but one chain */
}

static int set_up(void **state)
{
    struct flip *flip = calloc(1, sizeof(*flip));
    assert_non_null(flip);
    flip->calls = (struct calls){ .table = &flip->table, .random = { 3, 4, 5 }, .files = 40 };
    flip->view.corrupt = not_corrupt;
    assert_int_equal(node_table_create(&flip->view, 60, 8), 0);
    struct call root = { .kind = CALL_CLAIM, .ledger = -1, .fd = CALLS_FD, .seed = seed_of(2) };
    assert_true(attach(flip));
    calls_make(&flip->calls, &root);
    node_table_detach(&flip->table);
    *state = flip;
    return 0;
}

static int end_flips(void **state)
{
    struct flip *flip = *state;
    node_table_destroy(&flip->view);
    free(flip->image);
    free(flip);
    return 0;
}

#define FLIP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, end_flips)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLIP_TEST(a_flip_before_attaching_gives_no_wrong_answer),
        FLIP_TEST(a_flip_while_attached_gives_no_wrong_answer),
        FLIP_TEST(a_lost_chain_is_noticed),
    };
    return cmocka_run_group_tests_name("node_bit_flip", tests, NULL, NULL);
}
