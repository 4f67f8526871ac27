// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/callers.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#define SECOND UINT64_C(1000000000)

/* Lets time make good what a user began. */
static void make_good(struct caller_user *user, uint64_t now)
{
    uint64_t earned = (now - user->since) / (SECOND / CALLERS_PER_SECOND);

    user->begun = earned >= user->begun ? 0 : user->begun - (unsigned)earned;
    user->since += earned * (SECOND / CALLERS_PER_SECOND);
}

/* Finds a user's record or makes one, in the place of somebody of whom nothing is to be known any
 * more. NULL: there is no place. */
static struct caller_user *find_user(struct callers *callers, uid_t uid, uint64_t now)
{
    struct caller_user *unused = NULL;

    for (unsigned i = 0; i < callers->user_count; i++) {
        struct caller_user *user = &callers->users[i];

        make_good(user, now);
        if (user->uid == uid)
            return user;
        if (user->begun == 0)
            unused = user;
    }
    if (!unused && callers->user_count < CALLERS_MAX)
        unused = &callers->users[callers->user_count++];
    if (unused)
        *unused = (struct caller_user){ .uid = uid, .since = now };
    return unused;
}

static unsigned count_of(const struct callers *callers, uid_t uid)
{
    unsigned count = 0;

    for (unsigned i = 0; i < callers->count; i++)
        count += callers->all[i].uid == uid;
    return count;
}

int callers_admit(struct callers *callers, uid_t uid, uint64_t now)
{
    struct caller_user *user = find_user(callers, uid, now);

    if (!user || user->begun >= CALLERS_BURST || callers->count >= CALLERS_MAX ||
        count_of(callers, uid) >= CALLERS_OF_USER_MAX)
        return -EAGAIN;
    user->begun++;
    return 0;
}

void callers_add(struct callers *callers, int fd, uid_t uid)
{
    callers->all[callers->count++] = (struct caller){ .fd = fd, .uid = uid };
}

/* Returns how many of a user's callers have not been told to end. */
static unsigned staying(const struct callers *callers, uid_t uid)
{
    unsigned count = 0;

    for (unsigned i = 0; i < callers->count; i++)
        count += callers->all[i].uid == uid && !callers->all[i].told;
    return count;
}

void callers_make_room(struct callers *callers)
{
    struct caller *one = NULL;
    unsigned most = 1, count;

    if (callers->count <= CALLERS_MANY)
        return;
    // Nobody loses the only one that he has.
    for (unsigned i = 0; i < callers->count; i++) {
        count = callers->all[i].told ? 0 : staying(callers, callers->all[i].uid);
        if (count > most) {
            most = count;
            one = &callers->all[i];
        }
    }
    if (!one)
        return;
    // The child sees it when it is not at a request. Its peer connects again when it needs to.
    one->told = true;
    shutdown(one->fd, SHUT_WR);
}

void callers_remove(struct callers *callers, unsigned index)
{
    callers->all[index] = callers->all[--callers->count];
}
