// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl class --convert, killed, interrupted or disturbed at every step: nothing is lost, and
 * the next conversion goes on. */
#include "tests/mount/cases/commands/traced_command.h"
#include "tests/mount/cases/convert/convert_tree.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The system calls by which a conversion changes what others see, or leaves the work to others. */
static bool is_step(uint64_t number)
{
    return number == SYS_mkdirat || number == SYS_setxattr || number == SYS_renameat2 ||
           number == SYS_fsync || number == SYS_poll || number == SYS_wait4 ||
           number == SYS_exit_group;
}

static pid_t start_conversion_in(int (*prepare)(void), const char *path, const char *class)
{
    const char *const words[] = { "shmapctl", "class", "--convert", path, class, NULL };

    return start_traced(prepare, words);
}

static pid_t start_conversion(const char *class)
{
    return start_conversion_in(NULL, "mnt/tree", class);
}

/* Lets it run to the beginning of its next step. */
static bool go_to_step(pid_t pid, uint64_t *number, int *status)
{
    return go_to_next(pid, is_step, number, status);
}

/* Lets it run to the beginning of its next step with this system call. */
static void go_to_call(pid_t pid, uint64_t call)
{
    uint64_t number = 0;
    int status;

    while (go_to_step(pid, &number, &status) && number != call)
        ;
    assert_int_equal(number, call);
}

static void run_to_the_end(pid_t pid, int *status)
{
    uint64_t number = 0;

    while (go_to_step(pid, &number, status))
        ;
}

/* Converts as often as it takes until the programs of the one before have ended. */
static bool is_converted(void *class)
{
    struct program_result result = convert("mnt/tree", class);

    if (result.status != 0 && strstr(result.err, "under way") == NULL)
        fail_msg("%s", result.err);
    return result.status == 0;
}

static void assert_whole(const char *before)
{
    char *now = describe_tree("mnt/tree");

    assert_string_equal(now, before);
    free(now);
}

static void assert_nothing_beside(void)
{
    char *names = names_in_mount();

    assert_string_equal(names, "tree ");
    free(names);
}

/* Kills a conversion at that step. Returns whether it came to it. */
static bool kill_at(int step, const char *class)
{
    pid_t pid = start_conversion(class), children[CHILDREN_MOST];
    uint64_t number = 0;
    int status;

    for (int i = 0; i <= step; i++) {
        if (!go_to_step(pid, &number, &status)) {
            assert_int_equal(status, 0);
            return false;
        }
    }
    int count = children_of(pid, children);
    assert_ok(kill(pid, SIGKILL));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    // They die with their parent, and are ours then.
    while (count-- > 0)
        assert_int_equal(waitpid(children[count], &status, 0), children[count]);
    return true;
}

static void killed_at_each_step(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const classes[] = { "anon", "persist" };
    bool killed[2] = { true, true };
    int steps = 0;

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    for (int step = 0; killed[0] || killed[1]; step++) {
        for (int i = 0; i < 2; i++) {
            killed[i] = kill_at(step, classes[i]);
            steps += killed[i];
            assert_whole(before);
            assert_true(becomes_true(is_converted, (char *)(uintptr_t)classes[i]));
            assert_class("mnt/tree", classes[i]);
            assert_whole(before);
            assert_nothing_beside();
        }
    }
    assert_in_range(steps, 16, 40);
    free(before);
    workspace_unmount(workspace);
}

static void interrupted_while_it_copies(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int status;

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    pid_t pid = start_conversion("anon");
    go_to_call(pid, SYS_poll);
    assert_ok(kill(pid, SIGINT));
    run_to_the_end(pid, &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_said("interrupted; it is as it was");
    assert_whole(before);
    assert_nothing_beside();
    assert_class("mnt/tree", "persist");
    free(before);
    workspace_unmount(workspace);
}

/* Changes a file between the copying and the step by which the copy takes the name. */
static void changed_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int status;

    workspace_mount(workspace, true, "");
    make_tree();
    pid_t pid = start_conversion("anon");
    go_to_call(pid, SYS_renameat2);
    put_file("mnt/tree/directory/other", "changed");
    char *changed = describe_tree("mnt/tree");
    run_to_the_end(pid, &status);
    assert_int_equal(status, 1 << 8);
    assert_said("/mnt/.tree.shmapctl-to-anon: is what ");
    assert_said("directory/other: ");
    char *kept = describe_tree("mnt/.tree.shmapctl-to-anon");
    assert_string_equal(kept, changed);
    // It stays for as long as it differs, and goes when it is the same.
    struct program_result result = convert("mnt/tree", "anon");
    assert_refused(&result, 1, ".tree.shmapctl-to-anon", "directory/other", NULL);
    result = run_program("cp", "-p", "mnt/.tree.shmapctl-to-anon/directory/other",
                         "mnt/tree/directory/other", NULL);
    assert_done(&result);
    result = run_program("touch", "-r", "mnt/.tree.shmapctl-to-anon/directory",
                         "mnt/tree/directory", NULL);
    assert_done(&result);
    assert_true(becomes_true(is_converted, (char *)(uintptr_t) "anon"));
    assert_whole(changed);
    assert_nothing_beside();
    free(kept);
    free(changed);
    workspace_unmount(workspace);
}

/* The copy in the RAM area goes with the mount, but not what it was made of. */
static void killed_before_its_mount_ends(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int status;

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    pid_t pid = start_conversion("anon");
    go_to_call(pid, SYS_fsync);
    assert_ok(kill(pid, SIGKILL));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_class("mnt/tree", "anon");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    for (int i = 0; i < 2; i++) {
        struct program_result result = convert("mnt/tree", i == 0 ? "anon" : "persist");
        assert_refused(&result, 1, "/mnt/.tree.shmapctl-to-anon: is what", "the two differ", NULL);
    }
    char *kept = describe_tree("mnt/.tree.shmapctl-to-anon");
    assert_string_equal(kept, before);
    free(kept);
    free(before);
    workspace_unmount(workspace);
}

/* Leaves the process with no mount but one of a directory, as a container may have it. */
static int keep_a_part(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("mnt/part", "elsewhere", NULL, MS_BIND, NULL) == 0 &&
                   umount2("mnt", MNT_DETACH) == 0
               ? 0
               : -1;
}

/* Where the mount's root is out of reach, each file of the copy goes to the disk by itself. */
static void synced_one_by_one(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int synced = 0, status, files;
    uint64_t number = 0;

    workspace_mount(workspace, true, "anon=part/named");
    make_tree();
    assert_ok(mkdir("elsewhere", 0755));
    assert_ok(rename("mnt/tree", "mnt/part/tree"));
    char *before = describe_tree("mnt/part/tree");
    struct program_result result = convert("mnt/part/tree", "anon");
    assert_done(&result);
    pid_t pid = start_conversion_in(keep_a_part, "elsewhere/tree", "persist");
    while (go_to_step(pid, &number, &status) && number != SYS_renameat2)
        synced += number == SYS_fsync;
    assert_int_equal(number, SYS_renameat2);
    run_to_the_end(pid, &status);
    assert_int_equal(status, 0);
    result = run_program("sh", "-c", "find mnt/part/tree -type f -o -type d | wc -l", NULL);
    assert_int_equal(sscanf(result.out, "%d", &files), 1);
    assert_int_equal(synced, files);
    assert_class("mnt/part/tree", "persist");
    char *now = describe_tree("mnt/part/tree");
    assert_string_equal(now, before);
    free(now);
    free(before);
    // There it turns out at the end that anon= names it.
    put_file("mnt/part/named/file", "contents");
    pid = start_conversion_in(keep_a_part, "elsewhere/named", "persist");
    run_to_the_end(pid, &status);
    assert_int_equal(status, 1 << 8);
    assert_said("elsewhere/named: is as it was: anon= or scratch= keeps the class of its name");
    assert_class("mnt/part/named/file", "anon");
    assert_false(exists("mnt/part/.named.shmapctl-to-persist"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(killed_at_each_step), cmocka_unit_test(interrupted_while_it_copies),
    cmocka_unit_test(changed_meanwhile),   cmocka_unit_test(killed_before_its_mount_ends),
    cmocka_unit_test(synced_one_by_one),
};

ROOT_LAST_MAIN("convert_ends", cases, 1)
