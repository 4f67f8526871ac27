// SPDX-License-Identifier: BSD-2-Clause
/*
 * The node table under several threads that look up, use, open, unlink and forget the same few
 * files at once. At the end all is accounted for. Built with a thread sanitizer this finds races,
 * too.
 */
#include "tests/unit/unit.h"

#include <pthread.h>

#include "tests/unit/nodes/node_fixture.h"

#define THREADS    4
#define ROUNDS     150000
#define FILES      64
#define CACHED_MAX 16

struct worker {
    struct fixture *f;
    pthread_mutex_t *stripes; /* of all workers: one decides what a file's nodes lack */
    pthread_t thread;
    unsigned short seed[3];
    uint64_t ids[FILES];     /* what this thread has looked up, in the kernel's place */
    uint64_t lookups[FILES]; /* and how often since it was forgotten */
    const char *mistake;
};

static size_t pick(struct worker *worker, size_t below)
{
    return (size_t)nrand48(worker->seed) % below;
}

static void expect(struct worker *worker, bool right, const char *mistake)
{
    if (!right)
        worker->mistake = mistake;
}

/* A descriptor for the time of a use, as requests get it. */
static void use_path(struct worker *worker, struct node_ref *ref)
{
    struct fixture *f = worker->f;
    if (ref->held.path_fd < 0) {
        struct node_resources leftover[2];
        expect(worker, ref->handle.length == 8, "neither a descriptor nor a handle");
        node_lend_path(&f->table, ref, ledger_give(f->ledger), leftover);
        dispose(f, &leftover[0]);
        dispose(f, &leftover[1]);
    }
    expect(worker, ledger_is_given(f->ledger, ref->held.path_fd), "a descriptor lost while in use");
}

static void look_up(struct worker *worker, size_t file)
{
    struct fixture *f = worker->f;
    struct node_seed seed = seed_of(1000 + file);
    struct node_ref ref;
    if (claim(f, &seed, &ref) != 0) {
        worker->mistake = "the table is full";
        return;
    }
    use_path(worker, &ref);
    if (worker->lookups[file] > 0 && worker->ids[file] != ref.id) {
        /* somebody has unlinked it meanwhile: the old node is forgotten */
        forget(f, worker->ids[file], worker->lookups[file]);
        worker->lookups[file] = 0;
    }
    worker->ids[file] = ref.id;
    worker->lookups[file]++;
    use_path(worker, &ref);
    end(f, &ref);
}

static void open_handle(struct worker *worker, struct node_ref *ref, bool writer)
{
    struct fixture *f = worker->f;
    pthread_mutex_t *stripe = &worker->stripes[ref->ino % FILES];
    pthread_mutex_lock(stripe);
    node_open(&f->table, NULL, ref, writer, NODE_MAYBE_MAPPED, NODE_ATTR_CACHED, false);
    node_refresh(&f->table, ref);
    if (writer && ref->held.io_fd < 0)
        node_set_io(&f->table, ref, ledger_give(f->ledger), NODE_IO_READABLE | NODE_IO_WRITABLE);
    if (ref->held.backing_id == 0)
        node_set_backing(&f->table, ref, ledger_give_backing(f->ledger));
    node_refresh(&f->table, ref);
    pthread_mutex_unlock(stripe);
}

static void read_and_write(struct worker *worker, struct node_ref *ref)
{
    struct fixture *f = worker->f;
    struct node_resources leftover;
    bool writer = pick(worker, 2) != 0;
    open_handle(worker, ref, writer);
    int io = node_io_begin(&f->table, ref, false);
    if (io >= 0) {
        expect(worker, ledger_is_given(f->ledger, io), "an I/O descriptor lost while in use");
        node_io_end(&f->table, ref, false, &leftover);
        dispose(f, &leftover);
    }
    expect(worker, !writer || !node_flags_unless_writers(&f->table, ref, NODE_ATTR_CACHED, 0),
           "attributes cached in spite of a writer");
    expect(worker, ledger_is_given(f->ledger, ref->held.backing_id), "a backing id lost");
    node_close(&f->table, NULL, ref, writer, false, &leftover);
    dispose(f, &leftover);
}

static void use(struct worker *worker, size_t file)
{
    struct fixture *f = worker->f;
    struct node_ref ref;
    if (worker->lookups[file] == 0)
        return;
    if (!node_use(&f->table, worker->ids[file], &ref)) {
        worker->mistake = "a node that was looked up is unknown";
        return;
    }
    expect(worker, ref.ino == 1000 + file, "a node of another file");
    use_path(worker, &ref);
    switch (pick(worker, 8)) {
    case 0:
        node_unlinked(&f->table, &ref);
        break;
    case 1:
        node_flags(&f->table, &ref, 0, NODE_MAYBE_MAPPED);
        break;
    default:
        read_and_write(worker, &ref);
    }
    use_path(worker, &ref);
    end(f, &ref);
}

static void forget_some(struct worker *worker, size_t file)
{
    uint64_t lookups = worker->lookups[file];
    if (lookups == 0)
        return;
    lookups -= pick(worker, lookups); /* all of them at times */
    forget(worker->f, worker->ids[file], lookups);
    worker->lookups[file] -= lookups;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS && worker->mistake == NULL; round++) {
        size_t file = pick(worker, FILES);
        switch (pick(worker, 4)) {
        case 0:
            look_up(worker, file);
            break;
        case 1:
            forget_some(worker, file);
            break;
        default:
            use(worker, file);
        }
    }
    for (size_t file = 0; file < FILES; file++) {
        if (worker->lookups[file] > 0)
            forget(worker->f, worker->ids[file], worker->lookups[file]);
    }
    return NULL;
}

static int set_up(void **state)
{
    return set_up_table(state, 1000, CACHED_MAX);
}

static void all_is_accounted_for(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS] = { 0 };
    pthread_mutex_t stripes[FILES];
    for (size_t i = 0; i < FILES; i++)
        assert_int_equal(pthread_mutex_init(&stripes[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].f = f;
        workers[i].stripes = stripes;
        workers[i].seed[0] = (unsigned short)i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        if (workers[i].mistake != NULL)
            fail_msg("%s", workers[i].mistake);
    }

    struct node_counts counts = node_table_counts(&f->table);
    assert_int_equal(counts.nodes, 1);
    assert_int_equal(counts.opens, 0);
    assert_int_equal(counts.descriptors, 1);
    assert_int_equal(f->ledger->outstanding, 1);
    assert_int_equal(f->ledger->mistakes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_accounted_for),
    };
    return cmocka_run_group_tests_name("node_threads", tests, NULL, NULL);
}
