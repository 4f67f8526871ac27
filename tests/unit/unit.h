// SPDX-License-Identifier: BSD-2-Clause
/* Every unit test includes this: cmocka, and the headers that must come before it. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Ends a case, and says what this machine lacks for it. */
static inline void skip_because(const char *reason)
{
    print_message("SKIPPED: %s\n", reason);
    skip();
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
