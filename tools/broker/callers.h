// SPDX-License-Identifier: BSD-2-Clause
/* The callers: the users whose connections are served, by a child each, and how many they may
 * have. */
#ifndef SHMAPFS_TOOLS_CALLERS_H
#define SHMAPFS_TOOLS_CALLERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CALLERS_MAX         512
#define CALLERS_OF_USER_MAX 32

/* From this number on, each further one costs whoever has most of them one of his. */
#define CALLERS_MANY 448

/* New connections of a user: so many at once, and so many a second after that. */
#define CALLERS_BURST      256
#define CALLERS_PER_SECOND 128

struct caller {
    int fd; // to the child
    uid_t uid;
    bool told; // to end
};

struct callers {
    unsigned count;
    struct caller all[CALLERS_MAX];
    unsigned user_count;
    // Users who were served lately
    struct caller_user {
        uid_t uid;
        unsigned begun; // connections, less those that time has made good
        uint64_t since; // when `begun` was right, in nanoseconds
    } users[CALLERS_MAX];
};

/* Counts a new connection of a user. Returns 0, or -EAGAIN: he, or all users together, have too
 * many. A caller that is admitted may be added. */
int callers_admit(struct callers *callers, uid_t uid, uint64_t now);

void callers_add(struct callers *callers, int fd, uid_t uid);

/* Has a caller end where there are many, one of the user who has most. */
void callers_make_room(struct callers *callers);

/* Takes the caller of that index away; the last one takes its place. */
void callers_remove(struct callers *callers, unsigned index);

#endif
