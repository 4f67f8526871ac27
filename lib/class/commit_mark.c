// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/commit_mark.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "lib/object/xattr.h"

#define TEXT_MAX 16

static const char CLOSE[] = "close";
static const char SYNC[] = "sync";

const char *commit_mark_word(uint16_t policy)
{
    return policy & COMMIT_SYNC_ALONE ? SYNC : CLOSE;
}

static bool is_text(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

int commit_mark_parse_word(const char *text, size_t size, bool *sync_alone)
{
    *sync_alone = is_text(text, size, SYNC);
    return *sync_alone || is_text(text, size, CLOSE) ? 0 : -EINVAL;
}

int commit_mark_parse_interval(const char *text, size_t size, unsigned *seconds)
{
    char digits[TEXT_MAX];
    const char *wrong;

    if (size == 0 || size >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (strspn(digits, "0123456789") != size)
        return -EINVAL;
    *seconds = (unsigned)strtonum(digits, 0, COMMIT_INTERVAL_MAX, &wrong);
    return wrong ? -ERANGE : 0;
}

uint16_t commit_mark_policy(int dir, uint16_t above)
{
    char text[TEXT_MAX];
    ssize_t length = xattr_get(dir, SHMAP_XATTR_COMMIT, text, sizeof(text));
    uint16_t policy = above;
    unsigned seconds;
    bool sync_alone;

    if (length > 0 && commit_mark_parse_word(text, (size_t)length, &sync_alone) == 0)
        policy = (uint16_t)((policy & COMMIT_INTERVAL) | (sync_alone ? COMMIT_SYNC_ALONE : 0));
    length = xattr_get(dir, SHMAP_XATTR_INTERVAL, text, sizeof(text));
    if (length > 0 && commit_mark_parse_interval(text, (size_t)length, &seconds) == 0)
        policy = (uint16_t)((policy & COMMIT_SYNC_ALONE) | seconds);
    return policy;
}

int commit_mark_set_word(int dir, bool sync_alone)
{
    const char *word = sync_alone ? SYNC : CLOSE;

    return xattr_set(dir, SHMAP_XATTR_COMMIT, word, strlen(word), 0);
}

int commit_mark_set_interval(int dir, unsigned seconds)
{
    char text[TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%u", seconds);

    return xattr_set(dir, SHMAP_XATTR_INTERVAL, text, (size_t)length, 0);
}
