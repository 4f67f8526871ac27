// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/load/load.h"

#include "tests/mount/load/event_count.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Without a single call for so long, something hangs.
enum { PROGRESS_SECONDS = 120, MOST_KINDS = 32 };

enum order { REST, RUN, END };

/* The processes of a kind have this in common. */
struct crew {
    const struct load_kind *kind;
    pthread_barrier_t barrier;
    void *shared;
    uint32_t orders; // that a kind in lockstep has heard
};

struct load {
    struct load_tally tally; // the first member: load_call.c counts there
    char directory[PATH_MAX];
    struct crew crews[MOST_KINDS];
    size_t crew_count, process_count;
    struct load_process *processes;
    struct event_count orders; // rings for each order
    enum order order[2];       // the last two
    atomic_uint resting;
};

void *load_memory(size_t size)
{
    void *memory =
        mmap(NULL, size == 0 ? 1 : size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        perror("memory for the load");
        _exit(EXIT_FAILURE);
    }
    return memory;
}

static struct crew *crew_of(const struct load_process *process)
{
    struct load *load = process->load;

    for (size_t i = 0; i < load->crew_count; i++)
        if (load->crews[i].kind == process->kind)
            return &load->crews[i];
    abort();
}

bool load_meet(struct load_process *process)
{
    return pthread_barrier_wait(&crew_of(process)->barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
}

/* The number of the order that holds now; in lockstep, the same for all. */
static uint32_t hear_orders(struct load_process *process)
{
    struct load *load = process->load;
    struct crew *crew = crew_of(process);

    if (!process->kind->lockstep)
        return event_count_read(&load->orders);
    if (load_meet(process))
        crew->orders = event_count_read(&load->orders);
    load_meet(process);
    return crew->orders;
}

/* Waits until there is another order. */
static void rest(struct load_process *process, uint32_t orders)
{
    struct load *load = process->load;

    load_meet(process);
    if (process->kind->rest != NULL)
        process->kind->rest(process);
    load_meet(process);
    atomic_fetch_add(&load->resting, 1);
    event_count_advance(&load->tally.news);
    while (event_count_read(&load->orders) == orders)
        event_count_await(&load->orders, orders);
}

static void do_orders(struct load_process *process)
{
    const struct load_kind *kind = process->kind;

    for (;;) {
        uint32_t orders = hear_orders(process);
        // An order is not overwritten before everybody has rested once more.
        switch (process->load->order[orders % 2]) {
        case RUN:
            kind->round(process);
            break;
        case REST:
            rest(process, orders);
            break;
        case END:
            if (kind->end != NULL)
                kind->end(process);
            return;
        }
    }
}

static _Noreturn void run_process(struct load_process *process)
{
    const struct load_kind *kind = process->kind;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(process->load->directory) == -1 || chdir(kind->name) == -1) {
        perror(kind->name);
        _exit(EXIT_FAILURE);
    }
    if (process->member == 0 && kind->prepare != NULL)
        kind->prepare(process);
    load_meet(process);
    if (kind->begin != NULL)
        kind->begin(process);
    do_orders(process);
    _exit(EXIT_SUCCESS);
}

static void add_crew(struct load *load, const struct load_kind *kind, uint64_t seed)
{
    struct crew *crew = &load->crews[load->crew_count++];
    pthread_barrierattr_t attributes;

    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&crew->barrier, &attributes, kind->processes);
    pthread_barrierattr_destroy(&attributes);
    crew->kind = kind;
    crew->shared = load_memory(kind->shared_size);
    for (unsigned member = 0; member < kind->processes; member++) {
        load->processes[load->process_count++] = (struct load_process){
            .load = load,
            .kind = kind,
            .member = member,
            .shared = crew->shared,
            .random = (seed + load->process_count) * 0x9e3779b97f4a7c15 | 1,
        };
    }
}

/* The directories of the kinds, and what they share. */
static int prepare_processes(struct load *load, const struct load_kind *const kinds[],
                             uint64_t seed)
{
    size_t processes = 0;

    for (size_t i = 0; kinds[i] != NULL; i++)
        processes += kinds[i]->processes;
    load->processes = load_memory(processes * sizeof(struct load_process));
    for (size_t i = 0; kinds[i] != NULL; i++) {
        char path[PATH_MAX + 64];
        snprintf(path, sizeof(path), "%s/%s", load->directory, kinds[i]->name);
        if (mkdir(path, 0755) == -1) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            return -errno;
        }
        add_crew(load, kinds[i], seed);
    }
    return 0;
}

/* Returns whether every process lives; says which does not. They are not reaped. */
static bool all_live(const struct load *load)
{
    bool all = true;

    for (size_t i = 0; i < load->process_count; i++) {
        const struct load_process *process = &load->processes[i];
        siginfo_t info = { 0 };
        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == 0)
            continue;
        fprintf(stderr, "%s %u has ended, with %d, at %s %s\n", process->kind->name,
                process->member, info.si_status, process->call, process->path);
        all = false;
    }
    return all;
}

static void show_processes(const struct load *load)
{
    for (size_t i = 0; i < load->process_count; i++) {
        const struct load_process *process = &load->processes[i];
        fprintf(stderr, "%s %u: %s %s %s\n", process->kind->name, process->member,
                process->busy ? "waits in" : "after",
                process->call != NULL ? process->call : "nothing", process->path);
    }
}

static bool all_rest(struct load *load)
{
    return atomic_load(&load->resting) == load->process_count;
}

static bool target_reached(struct load *load)
{
    return atomic_load(&load->tally.target) == 0;
}

/* Waits until the condition holds; `news` counts one more event when it does. */
static int await(struct load *load, bool (*condition)(struct load *))
{
    uint64_t calls = 0;
    time_t since = time(NULL);
    uint32_t seen;

    while (seen = event_count_read(&load->tally.news), !condition(load)) {
        event_count_await(&load->tally.news, seen);
        if (!all_live(load))
            return -ECHILD;
        if (atomic_load(&load->tally.calls) != calls) {
            calls = atomic_load(&load->tally.calls);
            since = time(NULL);
        } else if (time(NULL) - since > PROGRESS_SECONDS) {
            fprintf(stderr, "no call has ended for %d s\n", PROGRESS_SECONDS);
            show_processes(load);
            return -ETIMEDOUT;
        }
    }
    return 0;
}

static void give_order(struct load *load, enum order order)
{
    if (order == REST)
        atomic_store(&load->resting, 0);
    load->order[(event_count_read(&load->orders) + 1) % 2] = order;
    event_count_advance(&load->orders);
}

struct load *load_start(const char *directory, const struct load_kind *const kinds[], uint64_t seed)
{
    struct load *load = load_memory(sizeof(*load));

    snprintf(load->directory, sizeof(load->directory), "%s", directory);
    if (prepare_processes(load, kinds, seed) < 0)
        return NULL;
    fflush(NULL);
    for (size_t i = 0; i < load->process_count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            run_process(&load->processes[i]);
        if (pid == -1) {
            perror("fork");
            return NULL;
        }
        load->processes[i].pid = pid;
    }
    return await(load, all_rest) == 0 ? load : NULL;
}

int load_run(struct load *load)
{
    if (!all_live(load))
        return -ECHILD;
    give_order(load, RUN);
    return 0;
}

int load_rest(struct load *load)
{
    give_order(load, REST);
    return await(load, all_rest);
}

int load_await_calls(struct load *load, unsigned calls)
{
    uint64_t target = atomic_load(&load->tally.calls) + calls;

    atomic_store(&load->tally.target, target);
    // The calls may just have been made by processes that did not see the target.
    if (atomic_load(&load->tally.calls) >= target)
        atomic_store(&load->tally.target, 0);
    return await(load, target_reached);
}

struct load_figures load_figures(const struct load *load)
{
    return (struct load_figures){
        .calls = atomic_load(&load->tally.calls),
        .failed = atomic_load(&load->tally.failed),
        .different = atomic_load(&load->tally.different),
    };
}

struct load_figures load_stop(struct load *load)
{
    give_order(load, END);
    for (size_t i = 0; i < load->process_count; i++) {
        int status = -1;
        waitpid(load->processes[i].pid, &status, 0);
        if (status != 0) {
            fprintf(stderr, "%s %u ended with %#x\n", load->processes[i].kind->name,
                    load->processes[i].member, (unsigned)status);
            atomic_fetch_add(&load->tally.failed, 1);
        }
    }
    struct load_figures figures = load_figures(load);
    for (size_t i = 0; i < load->crew_count; i++) {
        size_t size = load->crews[i].kind->shared_size;
        pthread_barrier_destroy(&load->crews[i].barrier);
        munmap(load->crews[i].shared, size == 0 ? 1 : size);
    }
    munmap(load->processes, load->process_count * sizeof(struct load_process));
    munmap(load, sizeof(*load));
    return figures;
}
