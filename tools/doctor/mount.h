// SPDX-License-Identifier: BSD-2-Clause
/* The judgement of a mount. */
#ifndef SHMAPCTL_DOCTOR_MOUNT_H
#define SHMAPCTL_DOCTOR_MOUNT_H

#include "lib/api/shmap.h"
#include "tools/doctor/findings.h"
#include "tools/doctor/machine.h"

/* Judges a mount that has told its state. `group` is the limit of the control groups that its
 * daemon is in, in bytes, or UNTOLD. */
void mount_judge(const char *path, const struct shmap_status *status, int64_t group,
                 const struct machine *machine, struct findings *findings);

/* Judges a mount that has not: `error` is as in mount_states.h. */
void mount_judge_silent(const char *path, int error, struct findings *findings);

/* Returns the limit of the control groups that the daemon of a mount is in; UNTOLD: there is none,
 * or its process is not to be seen from here. */
int64_t mount_group_limit(const struct shmap_status *status);

#endif
