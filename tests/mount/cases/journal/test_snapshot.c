// SPDX-License-Identifier: BSD-2-Clause
// shmapctl snapshot: what is committed as of one moment, whatever happens meanwhile.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/cases/commands/traced_command.h"
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SIZE = 1 << 20, WRITTEN = 3 };

#define LEFT "out/.copy.unfinished-snapshot"

static struct program_result snapshot(void)
{
    return run_program(shmapctl(), "snapshot", "mnt", "out/copy", NULL);
}

static void remove_tree(const char *path)
{
    struct program_result result = run_program("rm", "-rf", path, NULL);

    assert_done(&result);
}

static void assert_entries(const char *directory, const char *entries)
{
    struct program_result result = run_program("ls", "-A", directory, NULL);

    assert_done(&result);
    assert_string_equal(result.out, entries);
}

/* A file that is committed. */
static void commit_file(const char *path, const char *content)
{
    int fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);

    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_ok(fsync(fd));
    close(fd);
}

static bool is_writing(uint64_t number)
{
    return number == SYS_pwrite64;
}

/* Starts a snapshot, and stops it when it has its moment and writes the first file. */
static pid_t stop_within_snapshot(void)
{
    static const char *const words[] = { "shmapctl", "snapshot", "mnt", "out/copy", NULL };
    pid_t pid = start_traced(NULL, words);
    uint64_t number;
    int status;

    assert_true(go_to_next(pid, is_writing, &number, &status));
    return pid;
}

static int go_to_end(pid_t pid)
{
    uint64_t number;
    int status;

    while (go_to_next(pid, is_writing, &number, &status))
        ;
    return status;
}

static void begin(const struct workspace *workspace, const char *class, const char *more)
{
    mount_class(workspace, class, more);
    assert_ok(mkdir("out", 0755));
}

/* Nothing that is committed, removed, replaced or made while it copies is in it. */
static void all_files_are_as_of_one_moment(void **state)
{
    static const char *const classes[] = { "atomic", "checkpoint" };
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < 2; i++) {
        begin(workspace, classes[i], "");
        commit_file("mnt/dir/a", "old a");
        commit_file("mnt/dir/b", "old b");
        commit_file("mnt/dir/removed", "old removed");
        commit_file("mnt/dir/replaced", "old replaced");
        assert_ok(mkdir("mnt/dir/sub", 0755));
        commit_file("mnt/dir/sub/c", "old c");
        int fd = open_file("mnt/dir/b", O_RDWR);
        assert_int_equal(pwrite(fd, "uncommitted", 11, 0), 11);

        next_tick();
        next_tick();
        pid_t pid = stop_within_snapshot();
        assert_ok(fsync(fd));
        close(fd);
        commit_file("mnt/dir/a", "new");
        commit_file("mnt/dir/new", "new");
        commit_file("mnt/dir/other", "new replaced");
        assert_ok(rename("mnt/dir/other", "mnt/dir/replaced"));
        assert_ok(unlink("mnt/dir/removed"));
        assert_ok(rename("mnt/dir/sub", "mnt/dir/moved"));
        commit_file("mnt/dir/moved/c", "new c");
        assert_int_equal(go_to_end(pid), 0);

        assert_content("out/copy/dir/a", "old a");
        assert_content("out/copy/dir/b", "old b");
        assert_content("out/copy/dir/removed", "old removed");
        assert_content("out/copy/dir/replaced", "old replaced");
        assert_content("out/copy/dir/sub/c", "old c");
        assert_entries("out/copy/dir", "a\nb\nremoved\nreplaced\nsub\n");
        // The files get what was held back, by time or with the mount's end.
        if (i == 0) {
            await_applied(workspace);
            assert_content("store/dir/a", "new");
        }
        workspace_unmount(workspace);
        assert_content("store/dir/moved/c", "new c");
        assert_entries("out", "copy\n");
        remove_tree("out");
        remove_tree("store/dir");
    }
}

/* Memory that a writer shares with the case. */
struct writing {
    atomic_bool over;
    atomic_uint rounds;
};

/* Writes the number of each round to all of one file, and then to all of another one. */
static int write_rounds(struct writing *writing)
{
    char *first = map_path("mnt/dir/first", SIZE);
    char *second = map_path("mnt/dir/second", SIZE);

    for (unsigned char round = 1; first && second && !writing->over; round++) {
        memset(first, round, SIZE);
        if (msync(first, SIZE, MS_SYNC) != 0)
            return 1;
        memset(second, round, SIZE);
        if (msync(second, SIZE, MS_SYNC) != 0)
            return 1;
        writing->rounds++;
    }
    return first && second ? 0 : 1;
}

static unsigned char only_byte_of(const char *path)
{
    int fd = open_file(path, O_RDONLY);
    char *mapping = map_fd(fd, SIZE, PROT_READ, MAP_SHARED);
    unsigned char byte = (unsigned char)mapping[0];

    assert_int_equal(size_of(fd), SIZE);
    assert_true(all_bytes(mapping, SIZE, mapping[0]));
    unmap(mapping, SIZE);
    close(fd);
    return byte;
}

struct progress_made {
    struct writing *writing;
    unsigned rounds;
};

static bool has_written_more(void *argument)
{
    const struct progress_made *made = argument;

    return made->writing->rounds > made->rounds;
}

static void under_mapped_writers(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct writing *writing =
        mmap(NULL, sizeof(*writing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct progress_made made = { writing, 0 };
    int status;

    begin(workspace, "atomic", "");
    close(new_file("mnt/dir/first", SIZE));
    close(new_file("mnt/dir/second", SIZE));
    next_tick();
    next_tick();
    pid_t writer = fork();
    if (writer == 0)
        _exit(write_rounds(writing));
    for (int i = 0; i < 5; i++) {
        await_true(has_written_more, &made, "the writer does not come on");
        made.rounds = writing->rounds;
        struct program_result result = snapshot();
        assert_ended(&result, 0, "out/copy: 2 files, 2.0M\n");
        unsigned char first = only_byte_of("out/copy/dir/first");
        unsigned char second = only_byte_of("out/copy/dir/second");
        assert_true(first == second || first == (unsigned char)(second + 1));
        remove_tree("out/copy");
    }
    writing->over = true;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    munmap(writing, sizeof(*writing));
    workspace_unmount(workspace);
}

static void a_crash_of_all_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin(workspace, "atomic", "");
    commit_file("mnt/dir/a", "old a");
    commit_file("mnt/dir/b", "old b");
    pid_t pid = stop_within_snapshot();
    commit_file("mnt/dir/b", "new b");
    crash_mount(workspace);
    assert_int_equal(go_to_end(pid), 1 << 8);
    assert_entries("out", "");
    mount_class(workspace, "atomic", "");
    assert_content("mnt/dir/a", "old a");
    assert_content("mnt/dir/b", "new b");
    workspace_unmount(workspace);
}

/* The next worker does not hold back what the one before did: the snapshot begins anew. */
static void a_worker_dies_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin(workspace, "checkpoint", "");
    need_survival(workspace);
    commit_file("mnt/dir/a", "old a");
    commit_file("mnt/dir/b", "old b");
    pid_t pid = stop_within_snapshot();
    replace_worker(workspace);
    commit_file("mnt/dir/a", "new a");
    commit_file("mnt/dir/b", "new b");
    assert_int_equal(go_to_end(pid), 0);
    assert_content("out/copy/dir/a", "new a");
    assert_content("out/copy/dir/b", "new b");
    workspace_unmount(workspace);
}

/* The writer is not held up by a snapshot that does not come on, but ends what holds back. */
static void the_journal_fills_up_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin(workspace, "atomic", "log=4m");
    commit_file("mnt/dir/a", "old a");
    commit_file("mnt/dir/b", "old b");
    close(new_file("mnt/dir/large", 0));
    pid_t pid = stop_within_snapshot();
    int fd = open_file("mnt/dir/large", O_RDWR);
    char *mapping = map_shared(new_file("anonymous", SIZE), SIZE);
    memset(mapping, 'x', SIZE);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(pwrite(fd, mapping, SIZE, (off_t)i * SIZE), SIZE);
        assert_ok(fsync(fd));
    }
    assert_true(read_status_number(workspace, "journal_used") <= 12 * SIZE);
    close(fd);
    commit_file("mnt/dir/a", "new a");
    assert_int_equal(go_to_end(pid), 0);
    assert_content("out/copy/dir/a", "new a");
    assert_content("out/copy/dir/b", "old b");
    assert_int_equal(stat_of("out/copy/dir/large").st_size, 16 * SIZE);
    unmap(mapping, SIZE);
    workspace_unmount(workspace);
}

/* A file whose class has no commits any more changes at once, in the store. */
static void a_file_gets_another_class_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin(workspace, "atomic", "");
    commit_file("mnt/dir/a", "old a");
    commit_file("mnt/dir/b", "old b");
    pid_t pid = stop_within_snapshot();
    for (const char *name = "ab"; *name != '\0'; name++) {
        char path[] = { "mnt/dir/?" };
        path[sizeof(path) - 2] = *name;
        assert_ok(set_class(path, "persist"));
        put_file(path, "new");
    }
    assert_int_equal(go_to_end(pid), 0);
    assert_content("out/copy/dir/a", "new");
    assert_content("out/copy/dir/b", "new");
    workspace_unmount(workspace);
}

static bool changes_something(uint64_t number)
{
    return number == SYS_mkdirat || number == SYS_pwrite64 || number == SYS_ftruncate ||
           number == SYS_renameat || number == SYS_fchownat || number == SYS_syncfs;
}

/* Kills a snapshot at that step. Returns whether it came to it. */
static bool kill_at(int step, int signal)
{
    static const char *const words[] = { "shmapctl", "snapshot", "mnt", "out/copy", NULL };

    return kill_traced_at(words, changes_something, step, signal);
}

static void an_interrupted_one_leaves_nothing(void **state)
{
    static const int signals[] = { SIGTERM, SIGKILL };
    struct workspace *workspace = workspace_of(state);

    begin(workspace, "atomic", "");
    commit_file("mnt/dir/file", "committed");
    put_file("mnt/plain", "plain");
    for (size_t i = 0; i < 2; i++) {
        bool came = true;
        for (int step = 1; came; step++) {
            came = kill_at(step, signals[i]);
            if (exists("out/copy")) {
                assert_content("out/copy/dir/file", "committed");
                assert_content("out/copy/plain", "plain");
                assert_entries("out", "copy\n");
                remove_tree("out/copy");
            } else if (signals[i] == SIGTERM) {
                assert_entries("out", "");
            }
        }
    }
    // The leftover of SIGKILL goes with the next one.
    assert_true(kill_at(3, SIGKILL));
    assert_true(exists(LEFT));
    struct program_result result = snapshot();
    assert_ended(&result, 0, "out/copy: 2 files, 14B\n");
    assert_entries("out", "copy\n");
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(all_files_are_as_of_one_moment),
    cmocka_unit_test(under_mapped_writers),
    cmocka_unit_test(a_crash_of_all_meanwhile),
    cmocka_unit_test(a_worker_dies_meanwhile),
    cmocka_unit_test(the_journal_fills_up_meanwhile),
    cmocka_unit_test(a_file_gets_another_class_meanwhile),
    cmocka_unit_test(an_interrupted_one_leaves_nothing),
};

WORKSPACE_MAIN("snapshot", cases)
