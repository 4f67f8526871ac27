// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/complaint.h"

#include <stdarg.h>
#include <stdio.h>

int complain(struct complaint *complaint, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(complaint->text, sizeof(complaint->text), format, arguments);
    va_end(arguments);
    // Names come from users, and the line is to stay one.
    for (char *c = complaint->text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return -error;
}
