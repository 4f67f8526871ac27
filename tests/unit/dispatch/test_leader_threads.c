/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads that take turns at receiving, as those of a mount do, from a pipe. Built with a
 * thread sanitizer this finds races, too.
 */
#include "tests/unit/threads.h"

#include <fcntl.h>
#include <stdlib.h>

#include "fs/dispatch/leader.h"

enum { SERVERS = 6, SERVED = 30000, BURST = 40 };
enum kind { SHORT, PASSES, LONG, KINDS };

struct service {
    struct leaders leaders;
    int device;
    atomic_uint receivers; /* threads that have a turn, and serve nothing */
    atomic_uint looks;     /* at who takes long */
    atomic_uint served[KINDS];
    atomic_bool over;
    sem_t answered;
    _Atomic(const char *) mistake;
};

struct server {
    struct service *service;
    struct leader leader;
    pthread_t thread;
};

static void check_leaders(struct service *service)
{
    struct leaders *leaders = &service->leaders;
    lock_take(&leaders->lock);
    if (leaders->count < 1 || leaders->count > leaders->most || leaders->vacant > leaders->count)
        service->mistake = "there are too many turns, or too few";
    if (service->receivers > leaders->count - leaders->vacant)
        service->mistake = "a thread receives that has no turn";
    lock_release(&leaders->lock);
}

static void answer(struct service *service, enum kind kind, unsigned record)
{
    unsigned looks = service->looks;
    time_t last = threads_deadline().tv_sec;
    if (kind == PASSES)
        leaders_promote(&service->leaders, record);
    while (kind == LONG && service->looks - looks < 3 && service->mistake == NULL) {
        if (time(NULL) > last)
            service->mistake = "nobody looks";
        sched_yield();
    }
    service->served[kind]++;
    sem_post(&service->answered);
}

static void *serve(void *argument)
{
    struct server *server = argument;
    struct service *service = server->service;
    struct leader *leader = &server->leader;
    while (leader_await(leader)) {
        unsigned char kind;
        ssize_t length;
        service->receivers++;
        check_leaders(service);
        leader_receiving(leader);
        while ((length = read(service->device, &kind, 1)) < 0 && errno == EAGAIN)
            leader_poll(leader, service->device);
        leader_received(leader);
        service->receivers--;
        if (length <= 0) {
            leaders_end(&service->leaders);
            break;
        }
        leader_serving(leader);
        answer(service, kind, leader->record);
        leader_served(leader);
    }
    return NULL;
}

static void *look_on(void *argument)
{
    struct service *service = argument;
    while (!service->over) {
        leaders_tick(&service->leaders);
        service->looks++;
        sched_yield();
    }
    return NULL;
}

/* In bursts, so that threads find requests waiting, and wait for them. */
static void send_requests(struct service *service, int out)
{
    unsigned short seed[3] = { 0 };
    for (unsigned sent = 0; sent < SERVED && service->mistake == NULL;) {
        unsigned char kinds[BURST];
        unsigned count = 1 + (unsigned)nrand48(seed) % BURST;
        for (unsigned i = 0; i < count; i++) {
            long number = nrand48(seed) % 16;
            kinds[i] = number == 0 ? LONG : number == 1 ? PASSES : SHORT;
        }
        assert_int_equal(write(out, kinds, count), count);
        for (unsigned i = 0; i < count; i++)
            await_event(&service->answered, "an answer");
        sent += count;
    }
}

static void nobody_is_lost(void **state)
{
    (void)state;
    struct service service = { 0 };
    struct server servers[SERVERS];
    pthread_t looker;
    int ends[2];
    unsigned have = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    service.device = ends[0];
    assert_int_equal(fcntl(service.device, F_SETFL, O_NONBLOCK), 0);
    sem_init(&service.answered, 0, 0);
    leaders_init(&service.leaders, 3, SERVERS);
    assert_int_equal(pthread_create(&looker, NULL, look_on, &service), 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i] = (struct server){ &service, leader_init(&service.leaders, i), 0 };
        assert_int_equal(pthread_create(&servers[i].thread, NULL, serve, &servers[i]), 0);
    }
    send_requests(&service, ends[1]);
    close(ends[1]);
    for (unsigned i = 0; i < SERVERS; i++)
        await_thread(servers[i].thread, "a server");
    service.over = true;
    await_thread(looker, "who looks");
    close(ends[0]);
    if (service.mistake != NULL)
        fail_msg("%s", service.mistake);
    for (unsigned i = 0; i < SERVERS; i++)
        have += servers[i].leader.leads;
    assert_int_equal(have + service.leaders.vacant, service.leaders.count);
    assert_int_equal(service.receivers, 0);
    assert_int_equal(service.leaders.receiving, 0);
    for (int kind = 0; kind < KINDS; kind++)
        assert_true(service.served[kind] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_lost),
    };
    return cmocka_run_group_tests_name("leader_threads", tests, NULL, NULL);
}
