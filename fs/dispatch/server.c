// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/util/fault.h"
#include "fs/dispatch/serve.h"
#include "fs/vfs/pending_invalidation.h"

/* Enough that requests which wait for a disk do not keep the others waiting. */
#define THREADS 10

/* Room for handle.c to find its way through a deep tree, whatever the limit of the shell is. */
#define STACK_BYTES (4UL << 20)

static void tell_end(const struct threads *threads)
{
    uint64_t one = 1;

    if (write(threads->ended, &one, sizeof(one)) != sizeof(one))
        abort(); // an eventfd takes any first number
}

static struct claim *next_claim(struct threads *threads)
{
    struct claim *claim = NULL;

    pthread_mutex_lock(&threads->mutex);
    if (threads->claims_taken < threads->takeover.count) {
        claim = &threads->takeover.claims[threads->claims_taken++];
        threads->taken[state_index(threads->mount->state, claim->request)] = true;
    }
    pthread_mutex_unlock(&threads->mutex);
    return claim;
}

static void give_back(struct threads *threads, const struct request *request)
{
    pthread_mutex_lock(&threads->mutex);
    threads->taken[state_index(threads->mount->state, request)] = false;
    pthread_mutex_unlock(&threads->mutex);
}

/* A record for what a thread receives. There are more of them than threads, what was claimed is
 * taken by then, and no more than one waits for the next process. */
static struct request *take_record(struct threads *threads)
{
    const struct request *requests = threads->mount->state->requests;
    unsigned index = 0;

    pthread_mutex_lock(&threads->mutex);
    while (threads->taken[index] || request_state(&requests[index]) != REQUEST_FREE)
        index++;
    threads->taken[index] = true;
    pthread_mutex_unlock(&threads->mutex);
    return &threads->mount->state->requests[index];
}

static void begin_serving(struct threads *threads)
{
    atomic_fetch_add(&threads->busy, 1);
}

static void end_serving(struct threads *threads)
{
    unsigned others = atomic_fetch_sub(&threads->busy, 1) - 1;

    if (threads->leaving && others == 0)
        tell_end(threads);
}

static ssize_t receive(struct turn *turn, struct mount *mount, struct request *request)
{
    ssize_t length;
    int error;

    turn_receive(turn);
    while ((length = serve_receive(mount, request)) < 0 && errno == EAGAIN) {
        inode_dispose_put_off(mount, false);
        turn_wait(turn, mount->facts.device);
    }
    error = errno;
    turn_received(turn);
    errno = error;
    return length;
}

static void serve_received(struct threads *threads, struct turn *turn, struct request *request)
{
    struct mount *mount = threads->mount;

    begin_serving(threads);
    turn_begin(turn);
    ticker_wake(&mount->ticker);
    serve_take_up(mount, request);
    serve_request(mount, request);
    turn_end(turn);
    end_serving(threads);
}

/* Receives and answers requests until there are no more, or somebody else is to. */
static void serve(struct threads *threads)
{
    struct mount *mount = threads->mount;
    struct request *request = take_record(threads);
    struct turn turn = turn_init(&mount->turns, state_index(mount->state, request));
    ssize_t length;

    while (!threads->leaving && turn_take(&turn)) {
        length = receive(&turn, mount, request);
        // ENOENT: the client has given up.
        if (length < 0 && (errno == EINTR || errno == ENOENT))
            continue;
        if (length <= 0) {
            turns_end(&mount->turns);
            return;
        }
        fault_point(FAULT_AFTER_READ);
        serve_received(threads, &turn, request);
        if (request_state(request) == REQUEST_LEFT) {
            request = take_record(threads);
            turn.record = state_index(mount->state, request);
        }
    }
}

static void *serving_thread(void *argument)
{
    struct threads *threads = argument;
    struct claim *claim;
    bool last;

    while ((claim = next_claim(threads))) {
        begin_serving(threads);
        takeover_serve(threads->mount, claim);
        give_back(threads, claim->request);
        end_serving(threads);
    }
    serve(threads);
    pthread_mutex_lock(&threads->mutex);
    last = --threads->alive == 0;
    pthread_mutex_unlock(&threads->mutex);
    if (last)
        ticker_end(&threads->mount->ticker);
    return NULL;
}

/* libfuse's own loop knows how to end the threads of the io_uring transport. */
static void *uring_thread(void *argument)
{
    struct threads *threads = argument;
    struct fuse_loop_config *config = fuse_loop_cfg_create();

    fuse_session_loop_mt(threads->mount->session, config);
    fuse_loop_cfg_destroy(config);
    ticker_end(&threads->mount->ticker);
    return NULL;
}

static bool look_after(void *argument)
{
    struct mount *mount = argument;
    bool served = turns_look(&mount->turns);
    bool settled = stale_settle(mount);

    inode_dispose_put_off(mount, false);
    return served || settled;
}

/* The last thread to end: the others rely on it. */
static void *ticking_thread(void *argument)
{
    struct threads *threads = argument;

    ticker_run(&threads->mount->ticker, look_after, threads->mount);
    tell_end(threads);
    return NULL;
}

/* What the last process could not see to any more is seen to at once. */
static int start_ticker(struct threads *threads, const pthread_attr_t *attributes)
{
    pthread_t thread;

    ticker_init(&threads->mount->ticker);
    ticker_wake(&threads->mount->ticker);
    return pthread_create(&thread, attributes, ticking_thread, threads);
}

static int start(struct threads *threads)
{
    bool io_uring = threads->mount->facts.io_uring;
    unsigned wanted = io_uring ? 1 : THREADS;
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = start_ticker(threads, &attributes);
    // Held so that a thread that ends at once does not take itself for the last one.
    pthread_mutex_lock(&threads->mutex);
    while (!error && threads->alive < wanted) {
        error =
            pthread_create(&thread, &attributes, io_uring ? uring_thread : serving_thread, threads);
        threads->alive += !error;
    }
    if (threads->alive > 0)
        error = 0;
    pthread_mutex_unlock(&threads->mutex);
    pthread_attr_destroy(&attributes);
    return -error;
}

int threads_start(struct threads *threads, struct mount *mount)
{
    threads->mount = mount;
    turns_init(&mount->turns, sysconf(_SC_NPROCESSORS_ONLN), THREADS);
    threads->ended = eventfd(0, EFD_CLOEXEC);
    if (threads->ended < 0)
        return -errno;
    // libfuse's own loop, for io_uring, waits in the call.
    if (!mount->facts.io_uring && fcntl(mount->facts.device, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
        return -errno;
    pthread_mutex_init(&threads->mutex, NULL);
    // What was taken over may have been served in somebody's name, which threads would inherit.
    caller_rest(mount);
    return start(threads);
}

void threads_leave(struct threads *threads, int milliseconds)
{
    struct pollfd ended = { .fd = threads->ended, .events = POLLIN };

    threads->leaving = true;
    if (threads->busy > 0)
        poll(&ended, 1, milliseconds);
}
