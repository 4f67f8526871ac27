// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_INPUT_H
#define BENCH_INPUT_H

#include "work.h"

// The programs work on these: made in the scratch directory by whoever asks first, and there until
// the end of the run. Return 0, or a negative errno with the reason said.

// In the archive, how many times the project is there, each in a directory called copy1 and so on.
enum { INPUT_COPIES = 5 };

// An archive of a real C project, the libfuse that this program was built with, along with the
// results of its configuration and a Makefile.
int input_project(struct subject *subject, char archive[PATH_MAX]);

// A bare clone, in one pack, of the Git repository that this program was built from.
int input_repository(struct subject *subject, char repository[PATH_MAX]);

#endif
