// SPDX-License-Identifier: BSD-2-Clause
/* The state of a mount as JSON: the input is what a mount answers. */
#include <errno.h>

#include "lib/api/shmap.h"
#include "tests/fuzz/fuzz.h"

/* Each text has an end within its field. */
static void check_texts(const struct shmap_status *status)
{
    const struct {
        const char *text;
        size_t size;
    } fields[] = {
        { status->version, sizeof(status->version) },
        { status->last_reason, sizeof(status->last_reason) },
        { status->survival, sizeof(status->survival) },
        { status->upgrade_error, sizeof(status->upgrade_error) },
        { status->mountpoint, sizeof(status->mountpoint) },
        { status->store, sizeof(status->store) },
        { status->huge, sizeof(status->huge) },
        { status->transport, sizeof(status->transport) },
        { status->store_area.filesystem, sizeof(status->store_area.filesystem) },
        { status->store_area.reason, sizeof(status->store_area.reason) },
        { status->ram_area.filesystem, sizeof(status->ram_area.filesystem) },
        { status->ram_area.reason, sizeof(status->ram_area.reason) },
        { status->ram_area.lacks, sizeof(status->ram_area.lacks) },
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        MUST(strnlen(fields[i].text, fields[i].size) < fields[i].size, "a text without an end");
}

/* A text with anything behind it is not understood. */
static void try_with_more(const char *text)
{
    struct shmap_status status;
    char *more;
    MUST(asprintf(&more, "%s x", text) > 0, "out of memory");
    MUST(shmap_status_from_json(more, &status) == -EPROTO, more);
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct shmap_status status, again;
    int error = shmap_status_from_json(text, &status);
    MUST(error == 0 || error == -EPROTO, text);
    if (error == 0) {
        check_texts(&status);
        try_with_more(text);
        char *printed = shmap_status_to_json(&status);
        MUST(printed != NULL, text);
        MUST(strchr(printed, '\n') == NULL, printed);
        MUST(shmap_status_from_json(printed, &again) == 0, printed);
        MUST(memcmp(&status, &again, sizeof(status)) == 0, printed);
        free(printed);
    }
    free(text);
    return 0;
}
