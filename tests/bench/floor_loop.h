// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_FLOOR_LOOP_H
#define BENCH_FLOOR_LOOP_H

// The most that a write may have.
enum { FLOOR_WRITE_MAX = 1 << 20 };

struct fuse_session;

// These serve a mounted session until its mount has gone, and return 0 or a negative errno.

// With libfuse's threads, as its examples do.
int floor_loop_libfuse(struct fuse_session *session, int clone_fd);

// With leaders that receive as those of shmapfs' worker do.
int floor_loop_leaders(struct fuse_session *session);

#endif
