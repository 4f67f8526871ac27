// SPDX-License-Identifier: BSD-2-Clause
/* A store whose disk does not answer for a while. */
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOW_CLIENTS = 20 };

static int make_slowly(struct coprocess *parent, void *argument)
{
    char path[64];

    snprintf(path, sizeof(path), "mnt/directory%d/new", *(int *)argument);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(mkdir(path, 0755) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

/* Asks for what the kernel cannot know, and so the daemon must answer. */
static int ask_for_names(struct coprocess *parent, void *argument)
{
    char path[64];
    struct stat attr;

    (void)parent;
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof(path), "mnt/known/%d-%d", *(int *)argument, i);
        coprocess_check(stat(path, &attr) == -1 && errno == ENOENT);
        snprintf(path, sizeof(path), "mnt/known/of-the-store%d-%d", *(int *)argument, i);
        coprocess_check(stat(path, &attr) == 0);
    }
    return 0;
}

static void prepare_questions(void)
{
    char path[64];

    assert_ok(mkdir("store/known", 0755));
    for (int round = 0; round < SLOW_CLIENTS; round++) {
        snprintf(path, sizeof(path), "store/directory%d", round);
        assert_ok(mkdir(path, 0755));
        for (int i = 0; i < 10; i++) {
            snprintf(path, sizeof(path), "store/known/of-the-store%d-%d", round, i);
            put_file(path, "");
        }
    }
}

/* While the disk is frozen, whoever changes something waits, and with him the thread that serves
 * him. */
static void slow_disk_keeps_nobody_else_waiting(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess thawer, slow[SLOW_CLIENTS];
    int started, begun = 0, answered = 0, early = 0;

    disk_make(workspace, 16, "", "");
    prepare_questions();
    workspace_mount(workspace, true, "");
    disk_freeze(&thawer);
    for (started = 0; started < SLOW_CLIENTS && answered == started; started++) {
        begun += coprocess_start(&slow[started], make_slowly, &started) == 0 &&
                 coprocess_await_turn(&slow[started]);
        answered += coprocess_run(ask_for_names, &started) == 0;
    }
    for (int i = 0; i < started; i++) {
        struct pollfd event = { .fd = slow[i].in, .events = POLLIN };
        early += poll(&event, 1, 0) == 1;
    }
    disk_thaw(&thawer);
    assert_int_equal(begun, started);
    for (int i = 0; i < started; i++) {
        assert_true(coprocess_await_turn(&slow[i]));
        assert_coprocess_succeeds(&slow[i]);
    }
    assert_int_equal(answered, SLOW_CLIENTS);
    assert_int_equal(early, 0);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(slow_disk_keeps_nobody_else_waiting),
};

WORKSPACE_MAIN("disk_slow", cases)
