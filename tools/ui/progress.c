// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/ui/output.h"

void progress_begin(struct progress *progress, uint64_t total)
{
    *progress = (struct progress){ .shown = isatty(STDERR_FILENO), .total = total };
}

void progress_show(struct progress *progress, const char *what, uint64_t done)
{
    if (!progress->shown || now_ms() < progress->next)
        return;
    progress->next = now_ms() + PROGRESS_PERIOD;
    // More than there is: a file has grown, or has holes.
    if (done > progress->total)
        done = progress->total;
    fprintf(stderr, "\r%s %s of %s \033[K", what, humanize(done).text,
            humanize(progress->total).text);
}

void progress_end(const struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
