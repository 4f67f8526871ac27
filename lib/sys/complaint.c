// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/complaint.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/sys/escape.h"

int complain(struct complaint *complaint, int error, const char *format, ...)
{
    char text[sizeof(complaint->text)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    escape_text(text, true, complaint->text, sizeof(complaint->text));
    return -error;
}
