// SPDX-License-Identifier: BSD-2-Clause
#include "floor_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "fs/dispatch/leader.h"

// Leaders at most, and the room that each has for the largest request.
enum { LEADERS = 16, BUFFER_BYTES = FLOOR_WRITE_MAX + 4096 };

struct serving {
    struct fuse_session *session;
    struct leaders leaders;
};

struct server {
    pthread_t thread;
    struct serving *serving;
    unsigned index;
    char *buffer;
};

int floor_loop_libfuse(struct fuse_session *session, int clone_fd)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();

    if (config == NULL)
        return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(config, (unsigned)clone_fd);
    int result = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    return result > 0 ? 0 : result;
}

static ssize_t receive(struct fuse_session *session, struct leader *leader, char *buffer)
{
    int device = fuse_session_fd(session);
    ssize_t length;

    leader_receiving(leader);
    leader_sleep(leader, device);
    while ((length = read(device, buffer, BUFFER_BYTES)) < 0 &&
           (errno == EAGAIN || errno == EINTR || errno == ENOENT) && !fuse_session_exited(session))
        leader_poll(leader, device);
    leader_received(leader);
    return length;
}

static void *serve(void *argument)
{
    struct server *server = argument;
    struct serving *serving = server->serving;
    struct leader leader = leader_init(&serving->leaders, server->index);
    ssize_t length;

    while (leader_await(&leader) &&
           (length = receive(serving->session, &leader, server->buffer)) > 0) {
        struct fuse_buf buffer = { .size = (size_t)length, .mem = server->buffer };

        leader_serving(&leader);
        fuse_session_process_buf(serving->session, &buffer);
        leader_served(&leader);
    }
    leaders_end(&serving->leaders);
    return NULL;
}

int floor_loop_leaders(struct fuse_session *session)
{
    struct serving serving = { .session = session };
    struct server servers[LEADERS];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = processors < 2 ? 2 : processors < LEADERS ? (unsigned)processors : LEADERS;
    int device = fuse_session_fd(session);
    unsigned count = 0;

    if (fcntl(device, F_SETFL, fcntl(device, F_GETFL) | O_NONBLOCK) < 0)
        return -errno;
    leaders_init(&serving.leaders, processors, LEADERS);
    while (count < wanted) {
        struct server *server = &servers[count];

        *server = (struct server){ .serving = &serving, .index = count };
        server->buffer = malloc(BUFFER_BYTES);
        if (server->buffer == NULL || pthread_create(&server->thread, NULL, serve, server) != 0) {
            free(server->buffer);
            break;
        }
        count++;
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(servers[i].thread, NULL);
        free(servers[i].buffer);
    }
    return count > 0 ? 0 : -EAGAIN;
}
