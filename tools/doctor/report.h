// SPDX-License-Identifier: BSD-2-Clause
/* The contents of a report of a fault, without private names. */
#ifndef SHMAPCTL_REPORT_H
#define SHMAPCTL_REPORT_H

#include "lib/api/shmap.h"
#include "tools/doctor/findings.h"
#include "tools/doctor/machine.h"
#include "tools/doctor/redaction.h"

/* Prints the parts of a report: what the machine is, what was found, and the state of a mount. */
void report_machine(const struct machine *machine);
void report_findings(const struct findings *findings, const struct redaction *redaction);
void report_status(const struct shmap_status *status, const struct redaction *redaction);

#endif
