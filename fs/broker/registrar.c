// SPDX-License-Identifier: BSD-2-Clause
#include "fs/broker/registrar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/util/clock.h"
#include "fs/util/lock.h"
#include "fs/util/log.h"
#include "lib/broker/client.h"
#include "lib/broker/protocol.h"
#include "lib/sys/cleanup.h"

/* How long an answer is waited for: by a mount that begins, for which the broker may have to be
 * started, and by a request. */
#define BEGIN_MILLISECONDS   10000
#define REQUEST_MILLISECONDS 1000

/* A broker that did not answer is left alone for ten times as long as that took, and a second at
 * least: every open would wait for it. */
#define AWAY_TIMES 10
#define AWAY_LEAST UINT64_C(1000000000)

/* Registrations that could not be closed while the broker was away, in memory that outlives a
 * worker: the kernel keeps such a file, and the room that it takes. The mount's end closes those
 * for which there is no room here. */
#define UNCLOSED_MAX 65535
struct unclosed {
    _Atomic uint32_t count;
    int32_t ids[UNCLOSED_MAX];
};

struct registrar {
    struct lock lock; // held during a conversation; guards the rest
    struct broker broker;
    struct unclosed *unclosed; // NULL: nothing was registered by the broker
    bool forbidden;
    uint64_t began;      // the conversation
    uint64_t away_until; // 0: it is not known to be away
};

struct registrar *registrar_make(void)
{
    struct registrar *registrar = calloc(1, sizeof(*registrar));

    if (!registrar)
        return NULL;
    lock_init(&registrar->lock, LOCK_BROKER);
    registrar->broker = BROKER_NONE(REQUEST_MILLISECONDS);
    return registrar;
}

void registrar_destroy(struct registrar *registrar)
{
    if (!registrar)
        return;
    broker_disconnect(&registrar->broker);
    if (registrar->unclosed)
        munmap(registrar->unclosed, sizeof(*registrar->unclosed));
    free(registrar);
}

int registrar_make_memory(void)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-unclosed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (memfd < 0 || ftruncate(memfd, sizeof(struct unclosed)) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    return steal_fd(&memfd);
}

int registrar_attach(struct registrar *registrar, int memfd)
{
    struct stat st;
    void *memory;

    if (fstat(memfd, &st) != 0 || st.st_size != sizeof(struct unclosed))
        return -EPROTO;
    memory = mmap(NULL, sizeof(struct unclosed), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    registrar->unclosed = memory;
    return 0;
}

/* Takes the registrar for a conversation. Returns 0, or -EHOSTDOWN: the broker is known to be
 * away. */
static int begin(struct registrar *registrar)
{
    lock_take(&registrar->lock);
    registrar->began = clock_now();
    return registrar->away_until > registrar->began ? -EHOSTDOWN : 0;
}

/* Notes whether the broker is away. Returns whether that is news. */
static bool note_error(struct registrar *registrar, int error)
{
    bool was_away = registrar->away_until != 0;
    uint64_t now = clock_now(), pause = AWAY_TIMES * (now - registrar->began);

    if (error == -EHOSTDOWN)
        return false;
    registrar->away_until = error ? now + (pause > AWAY_LEAST ? pause : AWAY_LEAST) : 0;
    return was_away != (error != 0);
}

/* Ends a conversation that had an answer (error is 0) or none. */
static void end(struct registrar *registrar, int error)
{
    bool news = note_error(registrar, error);

    lock_release(&registrar->lock);
    if (news && error)
        log_event(LOG_WARNING,
                  "the broker (%s) does not answer: %s; files are opened without passthrough until "
                  "it does",
                  BROKER_SOCKET, strerror(-error));
    else if (news)
        log_event(LOG_NOTICE, "the broker answers again");
}

static void note_unclosed(struct registrar *registrar, int id)
{
    struct unclosed *unclosed = registrar->unclosed;

    if (!unclosed || unclosed->count >= UNCLOSED_MAX)
        return;
    unclosed->ids[unclosed->count] = id;
    unclosed->count++;
}

static void close_unclosed(struct registrar *registrar, int device)
{
    struct unclosed *unclosed = registrar->unclosed;
    uint32_t count = unclosed ? unclosed->count : 0;
    int result;

    // The memory of a process that went wild may say anything. Closing what is not there does no
    // harm, and neither does closing twice: the kernel's ids go up.
    if (count > UNCLOSED_MAX)
        unclosed->count = count = 0;
    for (; count > 0; unclosed->count = --count) {
        if (unclosed->ids[count - 1] > 0 &&
            broker_close(&registrar->broker, device, unclosed->ids[count - 1], &result) != 0)
            return;
    }
}

static void explain_refusal(int error, char *why, size_t size)
{
    if (error == -ENOTCONN)
        strlcpy(why, "the kernel does not tell the broker whose a mount is (Linux 6.16 does)",
                size);
    else if (error == -EMFILE)
        strlcpy(why, "the broker has registered as many files of this user as it may", size);
    else if (error == -EOPNOTSUPP)
        strlcpy(why, "the broker passes no files of this filesystem through", size);
    else
        snprintf(why, size, "the broker refuses: %s", strerror(-error));
}

static void explain_silence(int error, char *why, size_t size)
{
    if (error == -ENOENT || error == -ECONNREFUSED)
        strlcpy(why, "passthrough takes root, or the broker, which is not there", size);
    else if (error == -EACCES)
        strlcpy(why, "passthrough takes root, or the broker, which is not for this user", size);
    else if (error == -EAGAIN)
        strlcpy(why, "passthrough takes root, or the broker, which has too much to do", size);
    else
        snprintf(why, size, "passthrough takes root, or the broker, which does not answer: %s",
                 strerror(-error));
}

int registrar_probe(struct registrar *registrar, int device, int file, bool *answered, char *why,
                    size_t size)
{
    int result, error;

    lock_take(&registrar->lock);
    registrar->broker.limit = BEGIN_MILLISECONDS;
    error = broker_probe(&registrar->broker, device, file, &result);
    registrar->broker.limit = REQUEST_MILLISECONDS;
    lock_release(&registrar->lock);
    *answered = error == 0;
    if (error)
        explain_silence(error, why, size);
    else if (result)
        explain_refusal(result, why, size);
    return error ? error : result;
}

/* Closes the registrations that may have come about without an answer. */
static int close_unheard(struct registrar *registrar, int device, int32_t highest)
{
    int error = 0, result;

    for (int i = 1; !error && i <= BACKING_IDS_AHEAD; i++)
        error = broker_close(&registrar->broker, device, highest + i, &result);
    return error;
}

void registrar_doubt(struct registrar *registrar, int device, int32_t highest)
{
    int error = begin(registrar);

    registrar->broker.unsure = true;
    if (!error)
        error = close_unheard(registrar, device, highest);
    if (!error)
        registrar->broker.unsure = false;
    if (!error)
        close_unclosed(registrar, device);
    end(registrar, error == -EMFILE ? -EHOSTDOWN : error);
}

/* Asks for a registration. Where the broker's process for us was killed, another one tells what
 * that has done. */
static int ask(struct registrar *registrar, int device, int file, int32_t highest, int *result)
{
    struct broker *broker = &registrar->broker;
    bool again = true;
    int error = 0;

    for (int tries = 0; again && tries < 2; tries++) {
        if (broker->unsure)
            error = close_unheard(registrar, device, highest);
        if (error)
            return error;
        error = broker_register(broker, device, file, result);
        again = error == -EPIPE && broker->unsure;
    }
    return error;
}

int registrar_register(struct registrar *registrar, int device, int file, int32_t highest)
{
    int result = 0;
    int error = begin(registrar);

    if (!error)
        error = ask(registrar, device, file, highest, &result);
    if (!error)
        close_unclosed(registrar, device);
    // There may be a descriptor for a connection when the caller has made room.
    if (error == -EMFILE) {
        lock_release(&registrar->lock);
        return error;
    }
    end(registrar, error);
    // Here it is the user who has too many.
    if (!error && result == -EMFILE)
        return -EDQUOT;
    return error ? error : result ? result : -EPROTO;
}

void registrar_close(struct registrar *registrar, int device, int id)
{
    int result;
    int error = begin(registrar);

    if (!error)
        error = broker_close(&registrar->broker, device, id, &result);
    if (error)
        note_unclosed(registrar, id);
    else
        close_unclosed(registrar, device);
    // A lack of descriptors is not the broker's.
    end(registrar, error == -EMFILE ? -EHOSTDOWN : error);
}

int registrar_raise_limits(struct registrar *registrar, int device)
{
    int result = 0;
    int error;

    lock_take(&registrar->lock);
    error =
        registrar->forbidden ? -EPERM : broker_raise_limits(&registrar->broker, device, &result);
    lock_release(&registrar->lock);
    return error ? error : result;
}

void registrar_forbid(struct registrar *registrar)
{
    registrar->forbidden = true;
}

bool registrar_is_forbidden(const struct registrar *registrar)
{
    return registrar->forbidden;
}

void registrar_disconnect(struct registrar *registrar)
{
    lock_take(&registrar->lock);
    broker_disconnect(&registrar->broker);
    lock_release(&registrar->lock);
}
