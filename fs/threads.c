// SPDX-License-Identifier: BSD-2-Clause
#include "threads.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fault.h"
#include "serve.h"

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

/* Receives and answers requests until there are no more, or somebody else is to. */
static void serve(struct threads *threads)
{
    struct mount *mount = threads->mount;
    struct request *request = take_record(threads);
    ssize_t length;

    while (!threads->leaving) {
        length = serve_receive(mount, request);
        // ENOENT: the client has given up.
        if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
            continue;
        if (length <= 0)
            return;
        fault_point(FAULT_AFTER_READ);
        begin_serving(threads);
        serve_take_up(mount, request);
        serve_request(mount, request);
        end_serving(threads);
        if (request_state(request) == REQUEST_LEFT)
            request = take_record(threads);
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
        tell_end(threads);
    return NULL;
}

/* libfuse's own loop knows how to end the threads of the io_uring transport. */
static void *uring_thread(void *argument)
{
    struct threads *threads = argument;
    struct fuse_loop_config *config = fuse_loop_cfg_create();

    fuse_session_loop_mt(threads->mount->session, config);
    fuse_loop_cfg_destroy(config);
    tell_end(threads);
    return NULL;
}

static int start(struct threads *threads)
{
    bool io_uring = threads->mount->facts.io_uring;
    unsigned wanted = io_uring ? 1 : THREADS;
    pthread_attr_t attributes;
    pthread_t thread;
    int error = 0;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
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
    threads->ended = eventfd(0, EFD_CLOEXEC);
    if (threads->ended < 0)
        return -errno;
    pthread_mutex_init(&threads->mutex, NULL);
    return start(threads);
}

void threads_leave(struct threads *threads, int milliseconds)
{
    struct pollfd ended = { .fd = threads->ended, .events = POLLIN };

    threads->leaving = true;
    if (threads->busy > 0)
        poll(&ended, 1, milliseconds);
}
