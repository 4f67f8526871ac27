// SPDX-License-Identifier: BSD-2-Clause
#ifndef COMMON_H
#define COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int answer(void);
int product(int one, int other);
int sum(int one, int other);

#endif
