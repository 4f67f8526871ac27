// SPDX-License-Identifier: BSD-2-Clause
/*
 * The node table in shared memory, damaged before a process attaches to it and, after a line that
 * begins with «-», under its hands: the input is a list of edits (edits.h) of the layout (l), the
 * header (h), the undo log (u), the list of ids to be closed (p), a ledger's head (g) and its
 * lookups (k), the owners of descriptors (o), the buckets (b) and the slots (s).
 *
 * Then the calls are made that answered well before. Nothing is read or written beyond the memory,
 * and every call returns or reports the damage. If one byte is damaged, no answer is wrong.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/fuzz/edits.h"
#include "tests/unit/nodes/node_calls.h"

#define CALLS 120

struct target {
    struct node_table view;  /* where the memory is to be seen and damaged */
    struct node_table table; /* the same memory, attached for each input */
    struct calls calls;
    struct call made[CALLS];
    uint64_t answers[CALLS];
    char *image; /* the memory without damage */
    jmp_buf back;
};

static void notice(void *argument, const char *what)
{
    struct target *target = argument;
    MUST(what != NULL && *what != '\0', "no reason");
    /* the call that noticed it is left for good, and may hold the lock */
    lock_try(&target->table.lock);
    lock_release(&target->table.lock);
    longjmp(target->back, 1);
}

static bool attach(struct target *target)
{
    const char *why = NULL;
    memset(target->calls.refs, 0, sizeof(target->calls.refs));
    target->table = (struct node_table){ .corrupt = notice, .corrupt_argument = target };
    int error = node_table_attach(&target->table, target->view.memfd, &why);
    MUST(error == 0 || error == -EPROTO || error == -EUCLEAN, "another error");
    MUST(error == 0 || (why != NULL && *why != '\0'), "no reason");
    return error == 0;
}

/* Makes calls on a whole table: what they answer is right. */
static void make_whole(struct target *target)
{
    MUST(attach(target), "a whole table is not attached");
    free(target->image);
    target->image = node_image_take(&target->view);
    MUST(setjmp(target->back) == 0, "damage in a whole table");
    for (size_t i = 0; i < CALLS; i++) {
        target->made[i] = calls_next(&target->calls);
        target->answers[i] = calls_make(&target->calls, &target->made[i]);
    }
    node_table_detach(&target->table);
}

static struct target *make_target(void)
{
    struct target *target = calloc(1, sizeof(*target));
    MUST(target != NULL, "out of memory");
    target->calls = (struct calls){ .table = &target->table, .random = { 3, 4, 5 }, .files = 40 };
    target->view.corrupt = notice;
    target->view.corrupt_argument = target;
    MUST(node_table_create(&target->view, 60, 8) == 0, "out of memory");
    struct call root = { .kind = CALL_CLAIM, .ledger = -1, .fd = CALLS_FD, .seed = seed_of(2) };
    MUST(attach(target), "a new table is not attached");
    calls_make(&target->calls, &root);
    node_table_detach(&target->table);
    make_whole(target);
    make_whole(target);
    return target;
}

static void edit(struct target *target, const char **text)
{
    struct node_memory *memory = (struct node_memory *)target->view.memory;
    const struct fuzz_part parts[] = {
        { 'l', &memory->layout, sizeof(memory->layout) },
        { 'h', &memory->header, sizeof(memory->header) },
        { 'u', &memory->undo_log, 512 },
        { 'p', memory->pending_close, sizeof(memory->pending_close) },
        { 'g', &memory->ledgers[0].head, sizeof(struct ledger_head) },
        { 'k', memory->ledgers[0].lookups, 64 * sizeof(uint64_t) },
        { 'o', memory->owners + CALLS_FD, 256 * sizeof(uint64_t) },
        { 'b', (void *)(uintptr_t)target->view.buckets, FIRST_BUCKETS * sizeof(uint32_t) },
        { 's', (void *)(uintptr_t)target->view.slots, 61 * sizeof(struct node) },
        { 0 },
    };
    *text = make_edits(parts, *text, '-');
}

/* How many bytes are not what they were in an image. */
static unsigned damage(const struct target *target, const char *image)
{
    struct node_part parts[NODE_PARTS];
    unsigned differences = 0;
    node_parts(&target->view, parts);
    for (size_t i = 0; i < NODE_PARTS; image += parts[i++].bytes) {
        const char *now = (const char *)target->view.memory + parts[i].at;
        if (memcmp(now, image, parts[i].bytes) == 0)
            continue;
        for (size_t at = 0; at < parts[i].bytes; at++)
            differences += now[at] != image[at];
    }
    return differences;
}

static void make_calls(struct target *target, bool must_be_right)
{
    for (size_t i = 0; i < CALLS; i++) {
        uint64_t answer = calls_make(&target->calls, &target->made[i]);
        MUST(!must_be_right || answer == target->answers[i], "a wrong answer");
        if (answer != target->answers[i])
            return; /* the calls that follow count on this one */
    }
}

static void try_edits(struct target *target, const char *text)
{
    unsigned damaged;
    edit(target, &text);
    damaged = damage(target, target->image);
    if (!attach(target))
        return;
    if (*text == '-') {
        char *before = node_image_take(&target->view);
        text = strchrnul(text, '\n');
        text += *text == '\n';
        edit(target, &text);
        damaged += damage(target, before);
        free(before);
    }
    if (setjmp(target->back) == 0)
        make_calls(target, damaged <= 1);
    node_table_detach(&target->table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct target *target; /* a table serves all inputs */
    char *text = fuzz_text(data, size);
    if (target == NULL)
        target = make_target();
    node_image_put_back(&target->view, target->image);
    try_edits(target, text);
    /* a forged undo log can change what is in no image */
    if (strchr(text, 'u') != NULL) {
        node_table_destroy(&target->view);
        free(target->image);
        free(target);
        target = NULL;
    }
    free(text);
    return 0;
}
