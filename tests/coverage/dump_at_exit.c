// SPDX-License-Identifier: BSD-2-Clause
/*
 * Saves the counters of a process that ends by _exit(2), as all processes of a mount do; the
 * compiler's library does so at exit(3) alone. coverage.py links it with --wrap=_exit.
 */
#include <stdlib.h>

// Missing where a linker is only tried.
extern void __gcov_dump(void) __attribute__((weak));
extern _Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    if (__gcov_dump)
        __gcov_dump();
    __real__exit(status);
}
