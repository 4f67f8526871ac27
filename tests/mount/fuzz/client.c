// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/client.h"

#include "tests/mount/fuzz/bytes_text.h"
#include "tests/mount/fuzz/kinds.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void append(char *text, size_t size, const char *format, va_list words)
{
    size_t length = strlen(text);

    vsnprintf(text + length, size - length, format, words);
}

void fuzz_says(struct fuzz_client *client, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    append(client->result->call, sizeof(client->result->call), format, words);
    va_end(words);
}

void fuzz_tells(struct fuzz_client *client, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    append(client->result->data, sizeof(client->result->data), format, words);
    va_end(words);
}

void fuzz_gives(struct fuzz_client *client, int64_t value)
{
    client->result->error = value == -1 ? errno : 0;
    client->result->value = value;
}

void fuzz_tells_bytes(struct fuzz_client *client, const void *bytes, size_t count)
{
    char text[800];

    bytes_text(bytes, count, text, sizeof(text));
    fuzz_tells(client, "%s", text);
}

unsigned fuzz_slot(const struct fuzz_client *client, const struct fuzz_op *op, unsigned which)
{
    unsigned slot = op->slot[which];

    for (unsigned i = 0; i < FUZZ_SLOTS && client->fds[slot] == -1; i++)
        slot = (slot + 1) % FUZZ_SLOTS;
    return slot;
}

int fuzz_fd(struct fuzz_client *client, const struct fuzz_op *op, unsigned which)
{
    return client->fds[fuzz_slot(client, op, which)];
}

int fuzz_close(struct fuzz_client *client, unsigned slot)
{
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    int fd = client->fds[slot];

    if (fuzz_limited(&client->place, LIMIT_LOCKS_OF_MAPPED)) {
        flock(fd, LOCK_UN);
        fcntl(fd, F_OFD_SETLK, &all);
    }
    client->fds[slot] = -1;
    return close(fd);
}

void fuzz_gives_fd(struct fuzz_client *client, const struct fuzz_op *op, int fd)
{
    fuzz_gives(client, fd == -1 ? -1 : 0); // The number itself differs from world to world.
    fuzz_says(client, " -> slot %u", op->slot[0]);
    if (fd == -1)
        return;
    if (client->fds[op->slot[0]] != -1)
        fuzz_close(client, op->slot[0]);
    client->fds[op->slot[0]] = fd;
}

/* The second client of root's mount is somebody else. */
static bool become_user(const struct fuzz_client *client)
{
    gid_t group = TEAM;

    if (client->place.root && client->number == 1 &&
        (setgroups(1, &group) == -1 || setresgid(ALICE, ALICE, ALICE) == -1 ||
         setresuid(ALICE, ALICE, ALICE) == -1))
        return false;
    // A change of user hides /proc/self/fd.
    return prctl(PR_SET_DUMPABLE, 1) == 0;
}

static int live(struct coprocess *parent, void *argument)
{
    struct fuzz_client *client = argument;

    signal(SIGPIPE, SIG_IGN);
    umask(0);
    for (unsigned i = 0; i < FUZZ_SLOTS; i++)
        client->fds[i] = -1;
    coprocess_check(chdir(client->directory) == 0);
    coprocess_check((client->base = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) != -1);
    coprocess_check(become_user(client));
    while (coprocess_await_turn(parent) && !client->seat->end) {
        const struct fuzz_op *op = &client->ops[client->seat->op];
        client->result = &client->results[client->seat->op];
        client->result->call[0] = client->result->data[0] = '\0';
        client->result->value = client->result->error = 0;
        fuzz_kinds[op->kind].make(client, op);
        coprocess_check(coprocess_give_turn(parent));
    }
    return 0;
}

int fuzz_client_start(struct fuzz_client *client)
{
    *client->seat = (struct fuzz_seat){ 0 };
    return coprocess_start(&client->process, live, client);
}

int fuzz_client_end(struct fuzz_client *client)
{
    // Clients that were started later have this one's pipe, too: it sees no end of it.
    client->seat->end = true;
    coprocess_give_turn(&client->process);
    return coprocess_end(&client->process);
}
