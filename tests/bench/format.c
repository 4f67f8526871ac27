// SPDX-License-Identifier: BSD-2-Clause
#include "format.h"

#include <math.h>
#include <stdio.h>

void format_number(double number, char text[FORMAT_SIZE])
{
    if (isnan(number))
        snprintf(text, FORMAT_SIZE, "-");
    else if (number >= 9999.5)
        snprintf(text, FORMAT_SIZE, "%.0fk", number / 1000);
    else
        snprintf(text, FORMAT_SIZE, "%.*f", number < 9.995 ? 2 : number < 99.95 ? 1 : 0, number);
}

void format_value(const struct work *work, double value, char text[FORMAT_SIZE])
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 } };
    char number[FORMAT_SIZE];
    size_t unit = 0;

    if (isnan(value)) {
        format_number(value, text);
        return;
    }
    if (work->unit != NULL) {
        snprintf(text, FORMAT_SIZE, "%.0f", value);
        return;
    }
    while (unit < 3 && value < units[unit].seconds)
        unit++;
    format_number(value / units[unit].seconds, number);
    snprintf(text, FORMAT_SIZE, "%.8s %s", number, units[unit].name);
}

static void format_parts(struct summary summary, const char *open, const char *close,
                         char text[FORMAT_SIZE])
{
    char median[FORMAT_SIZE], least[FORMAT_SIZE], most[FORMAT_SIZE];

    format_number(summary.median, median);
    format_number(summary.least, least);
    format_number(summary.most, most);
    if (isnan(summary.median))
        snprintf(text, FORMAT_SIZE, "-");
    else
        snprintf(text, FORMAT_SIZE, "%.8s %s%.8s-%.8s%s", median, open, least, most, close);
}

void format_summary(struct summary summary, char text[FORMAT_SIZE])
{
    format_parts(summary, "", "", text);
}

void format_summary_quoted(struct summary summary, char text[FORMAT_SIZE])
{
    format_parts(summary, "(", ")", text);
}

void format_label(const struct work *work, char text[FORMAT_SIZE])
{
    snprintf(text, FORMAT_SIZE, "%s%s%s", work->name, work->unit != NULL ? ", " : "",
             work->unit != NULL ? work->unit : "");
}
