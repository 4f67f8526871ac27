// SPDX-License-Identifier: BSD-2-Clause
/*
 * A node table whose process is killed at any instruction of any call: who attaches it next finds
 * it as it was before that call, or as it is after it, and all of it fits together.
 *
 * A child picks random calls and makes them. The memory is put back, and another child makes the
 * same calls. It is killed: at a random time, or when it has come to one of them and was led on by
 * a random number of single steps. Then the calls are made once more on the memory as it was, up
 * to the last one that the child came to the end of, and with one more: the two states that are
 * right.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/nodes/node_calls.h"

#define KILLS        1500
#define KILLS_LEAST  20
#define SECONDS      3
#define SECONDS_MOST 60  /* where it takes long to hit a change */
#define CALLS_MAX    400 /* that a child makes */
#define STEPS_MAX    1500

struct shared {
    struct call calls[CALLS_MAX];
    uint64_t nanoseconds; /* that they took */
    _Atomic unsigned made;
};

struct crash {
    struct node_table table;
    struct calls calls;
    struct shared *shared; /* with children */
    char *image;           /* the table before the child's calls */
    bool stays;            /* for all children the same */
    struct node_state found, before, after;
    unsigned short chance[3];
    unsigned kills, halfway; /* the latter: with something to roll back */
};

static unsigned chance(struct crash *crash, unsigned below)
{
    return (unsigned)nrand48(crash->chance) % below;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Picks the calls, and makes them. */
static void pick_calls(struct crash *crash)
{
    double begun = seconds();
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        crash->shared->calls[i] = calls_next(&crash->calls);
        calls_make(&crash->calls, &crash->shared->calls[i]);
    }
    crash->shared->nanoseconds = (uint64_t)((seconds() - begun) * 1e9);
}

/* In a child. */
static void be_killed_in(uint64_t nanoseconds)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    struct itimerspec at = { .it_value = { .tv_sec = (time_t)(nanoseconds / 1000000000),
                                           .tv_nsec = (long)(nanoseconds % 1000000000 + 1) } };
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &at, NULL) != 0)
        _exit(1);
}

/* Makes so many of the calls; the child is stopped by itself before call number `stop`. */
static void make_calls(struct crash *crash, unsigned count, unsigned stop)
{
    for (unsigned i = 0; i < count; i++) {
        if (i == stop)
            raise(SIGSTOP);
        calls_make(&crash->calls, &crash->shared->calls[i]);
        atomic_store(&crash->shared->made, i + 1);
    }
}

static pid_t fork_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static void wait_for_end(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A child that is stopped before a call, to be traced. */
static pid_t fork_traced(struct crash *crash, unsigned stop, int *status)
{
    pid_t child = fork_child();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(errno == EPERM ? 1 : 2);
        make_calls(crash, CALLS_MAX, stop);
        _exit(0);
    }
    assert_int_equal(waitpid(child, status, 0), child);
    return child;
}

static void end_child(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

/* Returns whether single steps lead through a call. They may be forbidden here, or there may be too
 * many of them, where each instruction of the program is many (valgrind, sanitizers). */
static bool may_trace(struct crash *crash)
{
    int status;
    pid_t child = fork_traced(crash, 0, &status);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 1);
        return false;
    }
    unsigned steps = 0;
    while (steps < 2 * STEPS_MAX && atomic_load(&crash->shared->made) == 0) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0)
            break;
        assert_int_equal(waitpid(child, &status, 0), child);
        steps++;
    }
    end_child(child);
    return atomic_load(&crash->shared->made) > 0;
}

static void kill_by_steps(struct crash *crash)
{
    int status;
    pid_t child = fork_traced(crash, chance(crash, CALLS_MAX), &status);
    assert_true(WIFSTOPPED(status));
    for (unsigned steps = chance(crash, STEPS_MAX); steps > 0 && WIFSTOPPED(status); steps--) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    if (WIFSTOPPED(status))
        end_child(child);
}

/* A timer of the child's own kills it while it runs, however busy the processors are. */
static void kill_by_time(struct crash *crash)
{
    double share = erand48(crash->chance);
    pid_t child = fork_child();
    if (child == 0) {
        be_killed_in((uint64_t)(share * (double)crash->shared->nanoseconds));
        make_calls(crash, CALLS_MAX, CALLS_MAX);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(status == 0 || status == SIGKILL);
}

/* Single steps go faster when nobody has to be woken on another processor. Returns where the
 * process could run before. */
static cpu_set_t stay_here(void)
{
    cpu_set_t before, here;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&here);
    CPU_SET((unsigned)sched_getcpu(), &here);
    assert_int_equal(sched_setaffinity(0, sizeof(here), &here), 0);
    return before;
}

/* The state of a table whose process is gone, once another process has taken it over. */
static void attach_and_read(struct crash *crash, struct node_state *state)
{
    struct node_table table = { .corrupt = not_corrupt };
    const char *why;
    if (node_table_attach(&table, crash->table.memfd, &why) != 0)
        fail_msg("not to be attached: %s", why);
    const char *fault = node_state_fault(&table);
    if (fault != NULL)
        fail_msg("after %u kills: %s", crash->kills, fault);
    node_state_read(&table, state);
    assert_int_equal(state->header.idle, 0); /* nobody uses what only dead requests used */
    node_table_detach(&table);
}

/* The state after so many calls that nobody has cut short. */
static void replay(struct crash *crash, unsigned count, struct node_state *state)
{
    node_image_put_back(&crash->table, crash->image);
    pid_t child = fork_child();
    if (child == 0) {
        make_calls(crash, count, count);
        _exit(0);
    }
    wait_for_end(child);
    attach_and_read(crash, state);
}

/* The process takes its own table over, as if it were the next one. */
static void take_over(struct crash *crash)
{
    int memfd = crash->table.memfd;
    const char *why;
    node_table_detach(&crash->table);
    if (node_table_attach(&crash->table, memfd, &why) != 0)
        fail_msg("not to be attached: %s", why);
    memset(crash->calls.refs, 0, sizeof(crash->calls.refs));
}

/* The found state is one of those that are right. */
static void check_found(struct crash *crash, unsigned made)
{
    replay(crash, made, &crash->before);
    if (memcmp(&crash->found, &crash->before, sizeof(crash->found)) == 0)
        return;
    assert_true(made < CALLS_MAX);
    replay(crash, made + 1, &crash->after);
    assert_memory_equal(&crash->found, &crash->after, sizeof(crash->found));
}

/* One death, of a child that is like this process. Its wreck is what the next one begins with,
 * unless the table is to stay as it is. */
static void crash_once(struct crash *crash, bool trace)
{
    crash->image = node_image_take(&crash->table);
    pid_t child = fork_child();
    if (child == 0) {
        pick_calls(crash);
        _exit(0);
    }
    wait_for_end(child);
    node_image_put_back(&crash->table, crash->image);

    atomic_store(&crash->shared->made, 0);
    if (trace)
        kill_by_steps(crash);
    else
        kill_by_time(crash);
    unsigned made = atomic_load(&crash->shared->made);
    crash->kills++;
    crash->halfway += !is_at_rest(&crash->table);
    char *wreck = node_image_take(&crash->table);
    attach_and_read(crash, &crash->found);
    check_found(crash, made);

    node_image_put_back(&crash->table, crash->stays ? crash->image : wreck);
    take_over(crash);
    crash->calls.random[0]++;
    crash->calls.backing += CALLS_MAX;
    free(wreck);
    free(crash->image);
    crash->image = NULL;
}

static bool is_enough(const struct crash *crash, double elapsed)
{
    if (crash->halfway == 0 && elapsed < SECONDS_MOST)
        return false;
    return crash->kills >= KILLS_LEAST && (crash->kills >= KILLS || elapsed >= SECONDS);
}

/* Tries it with a call that changes something. */
static bool may_trace_a_call(struct crash *crash)
{
    crash->image = node_image_take(&crash->table);
    crash->shared->calls[0] = (struct call){ .kind = CALL_KEEP, .fd = calls_fd(&crash->calls) };
    atomic_store(&crash->shared->made, 0);
    bool may = may_trace(crash);
    if (!may)
        print_message("# no single steps here: killing at random times\n");
    node_image_put_back(&crash->table, crash->image);
    free(crash->image);
    crash->image = NULL;
    return may;
}

static void crash_often(void **state, bool trace)
{
    struct crash *crash = *state;
    double start = seconds();
    cpu_set_t anywhere = stay_here();
    if (trace)
        trace = may_trace_a_call(crash);
    if (!trace)
        assert_int_equal(sched_setaffinity(0, sizeof(anywhere), &anywhere), 0);
    while (!is_enough(crash, seconds() - start))
        crash_once(crash, trace);
    if (trace)
        assert_int_equal(sched_setaffinity(0, sizeof(anywhere), &anywhere), 0);
    print_message("# %u kills, %u of them in the middle of a change\n", crash->kills,
                  crash->halfway);
    assert_true(crash->halfway > 0);
}

static int begin_crash(void **state, uint32_t capacity, unsigned files, unsigned grow)
{
    struct crash *crash = calloc(1, sizeof(*crash));
    assert_non_null(crash);
    crash->table.corrupt = not_corrupt;
    crash->calls = (struct calls){
        .table = &crash->table, .random = { 1, 2, 3 }, .files = files, .grow = grow
    };
    crash->shared = mmap(NULL, sizeof(*crash->shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(crash->shared != MAP_FAILED);
    assert_int_equal(node_table_create(&crash->table, capacity, 8), 0);
    *state = crash;
    return 0;
}

/* Few files and descriptors: what is given up, freed and used again. */
static int set_up_few(void **state)
{
    begin_crash(state, 60, 40, 0);
    struct crash *crash = *state;
    struct call root = { .kind = CALL_CLAIM, .ledger = -1, .fd = CALLS_FD, .seed = seed_of(2) };
    calls_make(&crash->calls, &root);
    take_over(crash);
    return 0;
}

/* More than there are buckets: the table grows with each that comes. */
static int set_up_many(void **state)
{
    begin_crash(state, STATE_SLOTS - 2, 100000, 2);
    struct crash *crash = *state;
    crash->stays = true;
    for (unsigned i = 0; i < FIRST_BUCKETS; i++) {
        struct call call = { .kind = CALL_CLAIM,
                             .ledger = -1,
                             .fd = calls_fd(&crash->calls),
                             .seed = seed_of(200000 + i) };
        struct call done = { .kind = CALL_END, .ledger = -1 };
        calls_make(&crash->calls, &call);
        calls_make(&crash->calls, &done);
    }
    return 0;
}

static int end_crash(void **state)
{
    struct crash *crash = *state;
    node_table_destroy(&crash->table);
    munmap(crash->shared, sizeof(*crash->shared));
    free(crash->image);
    free(crash);
    return 0;
}

static void killed_at_any_instruction(void **state)
{
    crash_often(state, true);
}

static void killed_at_any_time(void **state)
{
    crash_often(state, false);
}

#define CRASH_TEST(function, set_up_function)                                      \
    {                                                                              \
#function " " #set_up_function, function, set_up_function, end_crash, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CRASH_TEST(killed_at_any_instruction, set_up_few),
        CRASH_TEST(killed_at_any_instruction, set_up_many),
        CRASH_TEST(killed_at_any_time, set_up_few),
        CRASH_TEST(killed_at_any_time, set_up_many),
    };
    return cmocka_run_group_tests_name("node_crash", tests, NULL, NULL);
}
