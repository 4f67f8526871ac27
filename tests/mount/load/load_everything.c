// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/load/tree/tree.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void begin_private(struct load_process *process)
{
    struct tree *tree = load_memory(sizeof(*tree));
    char directory[16];

    snprintf(directory, sizeof(directory), "p%u", process->member);
    CALL(process, directory, mkdir(directory, 0755));
    CALL(process, directory, chdir(directory));
    tree_init(tree);
    tree_make(process);
    process->own = tree_actor_new(process, tree);
}

static void prepare_shared(struct load_process *process)
{
    tree_init(process->shared);
    tree_make(process);
}

static void begin_shared(struct load_process *process)
{
    process->own = tree_actor_new(process, process->shared);
}

static void act(struct load_process *process)
{
    tree_act(process->own);
}

static void rest_private(struct load_process *process)
{
    tree_close(process->own);
    tree_clear(process->own);
}

static void rest_shared(struct load_process *process)
{
    tree_close(process->own);
    load_meet(process);
    if (process->member == 0)
        tree_clear(process->own);
}

const struct load_kind load_private = {
    .name = "private",
    .processes = 2,
    .begin = begin_private,
    .round = act,
    .rest = rest_private,
};

const struct load_kind load_shared = {
    .name = "shared",
    .processes = 4,
    .shared_size = sizeof(struct tree),
    .prepare = prepare_shared,
    .begin = begin_shared,
    .round = act,
    .rest = rest_shared,
};

const struct load_kind *const load_everything[] = {
    &load_private,     &load_shared,       &load_contest,
    &load_tokens,      &load_mutex,        &load_nest,
    &load_append,      &load_data,         &load_churn,
    &load_scan,        &load_hold_locks,   &load_hold_unlinked,
    &load_hold_stream, &load_hold_mapping, &load_hold_attributes,
    &load_hold_class,  &load_hold_limit,   NULL,
};
