// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/lifetime_options.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

bool lifetime_options_lack(const char *command, const char *when, const char *linger)
{
    if (!linger || when)
        return false;
    warnx("%s: --linger is for files that go with their last user; give --lifetime last-close as "
          "well",
          command);
    return true;
}

bool lifetime_options_read(const char *command, const char *when, const char *linger,
                           struct shmap_lifetime *lifetime)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    int length;

    // A comma would lead on to another option.
    if (strchr(when, ',') || shmap_lifetime_parse(when, strlen(when), lifetime) != 0) {
        warnx("%s: --lifetime %s: no such lifetime; there are last-close and mount", command, when);
        return false;
    }
    if (!linger)
        return true;
    if (!lifetime->last_close)
        return !lifetime_options_lack(command, NULL, linger);
    length = snprintf(text, sizeof(text), "last-close,linger=%s", linger);
    if (length < (int)sizeof(text) && shmap_lifetime_parse(text, (size_t)length, lifetime) == 0)
        return true;
    warnx("%s: --linger %s: not a number of seconds from 0 to %d", command, linger,
          SHMAP_LINGER_MAX);
    return false;
}
