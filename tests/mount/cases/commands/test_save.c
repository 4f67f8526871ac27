// SPDX-License-Identifier: BSD-2-Clause
// shmapctl save --to: a copy of a file that others may write meanwhile.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/cases/commands/traced_command.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/workspace/workspace.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH = 16 << 20, WRITTEN = 3 };

static struct program_result save(const char *file, const char *destination)
{
    return run_program(shmapctl(), "save", file, "--to", destination, NULL);
}

static unsigned entries_of_out(void)
{
    struct program_result result = run_program("sh", "-c", "ls -A out | wc -l", NULL);

    assert_done(&result);
    return (unsigned)strtoul(result.out, NULL, 10);
}

/* Makes a file with data at both ends and a hole between, as long as LENGTH. */
static void make_sparse(const char *path)
{
    assert_ok(close(new_file(path, LENGTH)));
    char *mapping = map_path(path, LENGTH);

    assert_non_null(mapping);

    memset(mapping, 'a', page_size());
    memset(mapping + LENGTH - page_size(), 'z', page_size());
    unmap(mapping, LENGTH);
    assert_ok(chmod(path, 0640));
}

static void assert_sparse_copy(const char *path)
{
    char *mapping = map_path(path, LENGTH);
    struct stat st = stat_of(path);

    assert_non_null(mapping);
    assert_int_equal(st.st_size, LENGTH);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(st.st_blocks * 512 < LENGTH / 2);
    assert_true(all_bytes(mapping, page_size(), 'a'));
    assert_true(all_bytes(mapping + page_size(), LENGTH - 2 * page_size(), 0));
    assert_true(all_bytes(mapping + LENGTH - page_size(), page_size(), 'z'));
    unmap(mapping, LENGTH);
}

static void a_file_at_rest(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    make_sparse("mnt/file");
    assert_ok(mkdir("out", 0755));
    struct program_result result = save("mnt/file", "out/copy");
    assert_ended(&result, 0, "out/copy: 16M, as mnt/file was at one moment\n");
    assert_sparse_copy("out/copy");
    // In a directory, and in the place of an older one.
    put_file("out/file", "older");
    result = save("mnt/file", "out");
    assert_ended(&result, 0, "out/file: 16M, as mnt/file was at one moment\n");
    assert_sparse_copy("out/file");
    // A mount is as good a destination, also for an empty file.
    put_file("empty", "");
    result = save("empty", "mnt");
    assert_ended(&result, 0, "mnt/empty: 0B, as empty was at one moment\n");
    result = run_program(shmapctl(), "--json", "save", "out/copy", "--to", "mnt/back", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "\"bytes\":16777216"));
    assert_non_null(strstr(result.out, "\"exact\":true"));
    assert_sparse_copy("mnt/back");
    assert_int_equal(entries_of_out(), 2);
    workspace_unmount(workspace);
}

static bool is_reading(uint64_t number)
{
    return number == SYS_pread64;
}

/* Saves mnt/file to out/copy, while a page of it is written through a mapping each time when the
 * command is about to read some of it, so often. Returns how the command ended. */
static int save_written(unsigned times)
{
    static const char *const words[] = { "shmapctl", "save", "--to", "out/copy", "mnt/file", NULL };
    char *mapping = map_path("mnt/file", LENGTH);
    uint64_t number;
    int status;

    assert_non_null(mapping);
    pid_t pid = start_traced(NULL, words);
    while (go_to_next(pid, is_reading, &number, &status)) {
        // No value comes twice.
        if (times > 0)
            *(uint64_t *)mapping = times--;
    }
    unmap(mapping, LENGTH);
    return status;
}

/* Its time of change does not move, where the kernel does not see the stores. */
static void a_file_that_is_written_through_a_mapping(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, false, "");
    make_sparse("mnt/file");
    assert_ok(mkdir("out", 0755));
    assert_int_equal(save_written(UINT_MAX), WRITTEN << 8);
    assert_said("mnt/file: was written during each of 10 readings; out/copy may have a part");
    assert_int_equal(stat_of("out/copy").st_size, LENGTH);
    // Some readings later it has come to rest.
    assert_int_equal(save_written(10), 0);
    result = run_program("cmp", "mnt/file", "out/copy", NULL);
    assert_done(&result);
    assert_int_equal(entries_of_out(), 1);
    workspace_unmount(workspace);
}

static bool changes_something(uint64_t number)
{
    return number == SYS_openat || number == SYS_ftruncate || number == SYS_pwrite64 ||
           number == SYS_fsync || number == SYS_linkat || number == SYS_renameat;
}

/* Kills it at that step. Returns whether it came to it. */
static bool kill_save_at(int step, int signal)
{
    static const char *const words[] = { "shmapctl", "save", "--to", "out/copy", "mnt/file", NULL };

    return kill_traced_at(words, changes_something, step, signal);
}

/* The destination is whole, and nothing is beside it. */
static void killed_at_each_step(void **state)
{
    static const int signals[] = { SIGTERM, SIGKILL };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    make_sparse("mnt/file");
    assert_ok(mkdir("out", 0755));
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        bool came = true;
        for (int step = 1; came; step++) {
            put_file("out/copy", "older");
            came = kill_save_at(step, signals[i]);
            if (stat_of("out/copy").st_size != 5)
                assert_sparse_copy("out/copy");
            // A second name, until it takes the place of the older file, outlives SIGKILL.
            if (signals[i] == SIGTERM)
                assert_int_equal(entries_of_out(), 1);
        }
    }
    workspace_unmount(workspace);
}

static void what_cannot_be_saved(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, false, "size=8m");
    put_file("mnt/file", "text");
    make_sparse("large");
    assert_ok(mkdir("out", 0755));
    assert_ok(mkfifo("out/fifo", 0600));
    assert_ok(symlink("/nowhere", "out/link"));
    static const struct {
        const char *file, *destination, *words[2];
    } cases[] = {
        { "mnt", "out/x", { "mnt", "only a regular file" } },
        { "out/fifo", "out/x", { "out/fifo", "only a regular file" } },
        { "mnt/none", "out/x", { "mnt/none", "No such file" } },
        { "mnt/file", "none/x", { "none/x", "No such file" } },
        { "mnt/file", "mnt/file", { "mnt/file", "choose another path" } },
        { "mnt/file", "mnt", { "mnt", "choose another path" } },
        { "mnt/file", "out/fifo", { "out/fifo", "no regular file" } },
        { "mnt/file", "out/link", { "out/link", "no regular file" } },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        result = save(cases[i].file, cases[i].destination);
        assert_refused(&result, 1, cases[i].words[0], cases[i].words[1], NULL);
    }
    assert_int_equal(entries_of_out(), 2);
    // There is no room for all of it.
    char *mapping = map_path("large", LENGTH);
    assert_non_null(mapping);
    memset(mapping, 'x', LENGTH);
    unmap(mapping, LENGTH);
    put_file("mnt/older", "older");
    result = save("large", "mnt/older");
    assert_refused(&result, 1, "mnt/older", "No space left", NULL);
    assert_content("mnt/older", "older");
    result = run_program("ls", "-A", "mnt", NULL);
    assert_ended(&result, 0, "file\nolder\n");
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_file_at_rest),
    cmocka_unit_test(a_file_that_is_written_through_a_mapping),
    cmocka_unit_test(killed_at_each_step),
    cmocka_unit_test(what_cannot_be_saved),
};

WORKSPACE_MAIN("save", cases)
