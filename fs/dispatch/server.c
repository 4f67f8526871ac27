// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/dispatch/serve.h"
#include "fs/hosts/keep_alive.h"
#include "fs/inode/deferred_close.h"
#include "fs/inode/impersonate.h"
#include "fs/lifetime/last_close.h"
#include "fs/locks/file_locks.h"
#include "fs/outage/store_watch.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/fault.h"
#include "fs/vfs/hold.h"
#include "fs/vfs/pending_invalidation.h"

/* One receives while as many serve as may, and one closes what is deferred. */
#define THREADS (ADMISSION_SERVING_MAX + 2)

/* How many of them may wait for what others have to serve, which takes the rest. */
#define WAITERS_MAX 6

/* The stack of a thread that serves requests: room for reopen.c to find its way through a deep
 * tree, whatever the limit of the shell is. */
#define STACK_BYTES (4UL << 20)

/* How long threads may take to come to an end once the connection has ended. */
#define END_NANOSECONDS UINT64_C(1000000000)

/* How long what is served when the connection ends may take. */
#define LAST_MILLISECONDS 2000

static struct resent *next_resent(struct server *server)
{
    struct resent *resent = NULL;

    lock_take(&server->lock);
    if (server->resent_taken < server->recovery.count)
        resent = &server->recovery.resent[server->resent_taken++];
    lock_release(&server->lock);
    return resent;
}

static void end_request(struct server *server, const struct request *request)
{
    unsigned others = admission_end(&server->admission, server->volume, request);

    if (server->leaving && others == 0)
        event_signal(server->ended);
}

/* Closes what is deferred, as if it were a request: others are received if it takes long. Returns
 * whether the thread still leads. */
static bool close_deferred(struct leader *leader, struct volume *volume)
{
    if (deferred_close_count(volume) == 0)
        return true;
    leader_serving(leader);
    deferred_close_run(volume);
    leader_served(leader);
    return leader->leads;
}

/* Returns as read(2) does; with EINTR if the thread does not lead any more. */
static ssize_t receive_request(struct leader *leader, struct volume *volume,
                               struct request *request)
{
    ssize_t length;
    int error;

    leader_receiving(leader);
    // Otherwise that there is no request yet shows when to close it.
    if (deferred_close_count(volume) == 0)
        leader_sleep(leader, volume->info.device);
    while ((length = serve_receive(volume, request)) < 0 && errno == EAGAIN) {
        if (!close_deferred(leader, volume)) {
            errno = EINTR;
            break;
        }
        leader_poll(leader, volume->info.device);
    }
    error = errno;
    leader_received(leader);
    errno = error;
    return length;
}

static void serve_admitted(struct server *server, struct leader *leader, struct request *request)
{
    struct volume *volume = server->volume;

    leader_serving(leader);
    leader_serves(leader, serve_header(volume, request)->pid);
    ticker_wake(&server->ticker);
    serve_begin(volume, request);
    serve_request(volume, request);
    // Nobody may come to have nothing else to do.
    if (server->close_soon && atomic_exchange(&server->close_soon, false))
        deferred_close_run(volume);
    leader_served(leader);
    end_request(server, request);
}

/* Serves the request that was admitted, and then what was deferred. */
static void serve_next(struct server *server, struct leader *leader, struct request **request)
{
    struct volume *volume = server->volume;

    do {
        serve_admitted(server, leader, *request);
        if (request_state(*request) == REQUEST_HANDED_OFF) {
            *request = request_pool_acquire(&server->pool);
            leader->record = state_index(volume->state, *request);
        }
    } while (!server->leaving && !server->gone_since &&
             admission_resume(&server->admission, volume, *request));
    // The others may have nothing to do for long.
    if (!leader->leads)
        deferred_close_run(volume);
}

/* Receives and answers requests until there are no more, or the server leaves. */
static void serve_requests(struct server *server)
{
    struct volume *volume = server->volume;
    // There is one: there are more records than threads, all requests of a recovery have been taken
    // by then, and at most one waits for the next process.
    struct request *request = request_pool_acquire(&server->pool);
    struct leader leader = leader_init(&server->leaders, state_index(volume->state, request));
    ssize_t length;

    // A recovery may have deferred some.
    if (admission_resume(&server->admission, volume, request))
        serve_next(server, &leader, &request);
    while (!server->leaving && leader_await(&leader)) {
        length = receive_request(&leader, volume, request);
        if (length < 0 && serve_goes_on(errno))
            continue;
        if (length <= 0) {
            server->gone_since = clock_now();
            ticker_wake(&server->ticker);
            leaders_end(&server->leaders);
            return;
        }
        fault_point(FAULT_AFTER_READ);
        if (admission_begin(&server->admission, volume, request))
            serve_next(server, &leader, &request);
    }
}

static void *serving_thread(void *argument)
{
    struct server *server = argument;
    struct resent *resent;
    bool last;

    while ((resent = next_resent(server))) {
        admission_admit(&server->admission, server->volume, resent->request);
        recovery_serve(server->volume, resent);
        end_request(server, resent->request);
        recovery_end(&server->recovery, resent);
    }
    serve_requests(server);
    lock_take(&server->lock);
    last = --server->alive == 0;
    lock_release(&server->lock);
    if (last)
        ticker_end(&server->ticker);
    return NULL;
}

/* Runs libfuse's own loop, which knows how to end the threads of the io_uring transport. */
static void *uring_thread(void *argument)
{
    struct server *server = argument;
    struct fuse_loop_config *config = fuse_loop_cfg_create();

    fuse_session_loop_mt(server->volume->session, config);
    fuse_loop_cfg_destroy(config);
    ticker_end(&server->ticker);
    return NULL;
}

/* Gives threads up that do not come to an end: the store may not answer them. */
static bool look_after_end(struct server *server)
{
    uint64_t since = server->gone_since;

    if (since && !server->stuck && clock_now() - since > END_NANOSECONDS) {
        server->stuck = true;
        event_signal(server->ended);
    }
    return since != 0;
}

static bool tick(void *argument)
{
    struct server *server = argument;
    struct volume *volume = server->volume;
    bool gone = look_after_end(server);
    bool served = leaders_tick(&server->leaders);
    bool settled = pending_invalidation_settle(volume);
    bool held = hold_tick(volume);
    bool waits = store_waits_tick(&server->waits, &server->admission, volume);

    server->close_soon = deferred_close_count(volume) > 0;
    memory_guard_tick(volume->memory);
    return served || settled || held || waits || gone;
}

/* The result is an errno as a pointer. */
static void *recovering_thread(void *argument)
{
    struct server *server = argument;

    return (void *)(intptr_t)recovery_run(server->volume, &server->recovery);
}

int server_recover(struct server *server)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *result;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(&thread, &attributes, recovering_thread, server);
    pthread_attr_destroy(&attributes);
    if (error)
        result = recovering_thread(server);
    else
        pthread_join(thread, &result);
    return (int)(intptr_t)result;
}

/* Runs the ticker. This thread is the last to end: the others rely on it. */
static void *ticking_thread(void *argument)
{
    struct server *server = argument;

    ticker_run(&server->ticker, tick, server);
    last_close_end(server->volume);
    if (!keep_alive_end(server->volume))
        server->stuck = true;
    event_signal(server->ended);
    return NULL;
}

/* Starts the ticker, awake: it looks at once after what the last process left. */
static int start_ticker(struct server *server, const pthread_attr_t *attributes)
{
    pthread_t thread;

    ticker_wake(&server->ticker);
    return pthread_create(&thread, attributes, ticking_thread, server);
}

static int start_threads(struct server *server)
{
    bool io_uring = server->volume->info.io_uring;
    unsigned wanted = io_uring ? 1 : THREADS;
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = -last_close_start(server->volume, STACK_BYTES);
    if (!error)
        error = -store_watch_start(server->volume, STACK_BYTES);
    if (!error)
        error = -keep_alive_start(server->volume);
    if (!error)
        error = start_ticker(server, &attributes);
    if (!error)
        error = file_locks_start(server->volume, STACK_BYTES);
    // Held so that a thread that ends at once does not take itself for the last one.
    lock_take(&server->lock);
    while (!error && server->alive < wanted) {
        error =
            pthread_create(&thread, &attributes, io_uring ? uring_thread : serving_thread, server);
        server->alive += !error;
    }
    if (server->alive > 0)
        error = 0;
    lock_release(&server->lock);
    pthread_attr_destroy(&attributes);
    return -error;
}

static void on_will_wait(void *server, unsigned record, bool for_others)
{
    struct leaders *leaders = &((struct server *)server)->leaders;

    if (for_others)
        leaders_promote(leaders, record);
    else
        leaders_promote_eagerly(leaders, record);
}

void server_init(struct server *server, struct volume *volume)
{
    server->volume = volume;
    server->ended = -1;
    lock_init(&server->lock, LOCK_SERVER);
    request_pool_init(&server->pool, volume->state);
    admission_init(&server->admission);
    server->recovery.pool = &server->pool;
    server->recovery.admission = &server->admission;
    leaders_init(&server->leaders, sysconf(_SC_NPROCESSORS_ONLN), THREADS);
    ticker_init(&server->ticker);
    volume->ticker = &server->ticker;
    volume->will_wait = on_will_wait;
    volume->server = server;
}

int server_start(struct server *server)
{
    struct volume *volume = server->volume;

    server->ended = eventfd(0, EFD_CLOEXEC);
    if (server->ended < 0)
        return -errno;
    // libfuse's own loop, for io_uring, waits in the call.
    if (!volume->info.io_uring && fcntl(volume->info.device, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
        return -errno;
    // Recovery may have served requests in somebody's name, which threads would inherit.
    impersonate_none(volume);
    // Over io_uring each processor has a thread for its own queue; FORGETs come another way.
    volume->waiters_max =
        volume->info.io_uring ? (unsigned)sysconf(_SC_NPROCESSORS_ONLN) : WAITERS_MAX;
    return start_threads(server);
}

void server_leave(struct server *server, int milliseconds)
{
    struct pollfd ended = { .fd = server->ended, .events = POLLIN };

    server->leaving = true;
    if (server->admission.serving > 0)
        poll(&ended, 1, milliseconds);
}

bool server_serves_nothing(struct server *server)
{
    // There it is not known what is served.
    if (server->volume->info.io_uring)
        return !server->stuck && server->alive == 0;
    server_leave(server, LAST_MILLISECONDS);
    return server->admission.serving == 0 && server->volume->reading == 0;
}
