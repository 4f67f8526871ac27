// SPDX-License-Identifier: BSD-2-Clause
// shmapctl save: several files are committed as one, by whoever may write to them. The last cases
// are for root alone: they have other users, or a store of their own.
#include "lib/api/shmap.h"
#include "lib/api/shmap_save.h"
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES 6
#define SAVE  "user.shmapfs.save"

enum { SIZE = 1 << 16 };

/* Files that are mapped. */
struct mapped {
    int fds[FILES];
    char *mappings[FILES];
};

/* The first half is atomic, the other one is saved from RAM; one is in a directory below. */
static const char *path_of(int i)
{
    static const char *const paths[FILES] = { "mnt/dir/0",   "mnt/dir/below/1", "mnt/dir/2",
                                              "mnt/saved/3", "mnt/saved/4",     "mnt/saved/5" };

    return paths[i];
}

static void mount_both(const struct workspace *workspace)
{
    mount_class(workspace, "atomic", "checkpoint=saved,log=4m");
}

static struct mapped make_files(void)
{
    struct mapped mapped;

    assert_ok(mkdir("mnt/dir/below", 0755));
    for (int i = 0; i < FILES; i++) {
        mapped.fds[i] = new_file(path_of(i), SIZE);
        mapped.mappings[i] = map_shared(mapped.fds[i], SIZE);
    }
    return mapped;
}

static void fill(const struct mapped *mapped, char byte)
{
    for (int i = 0; i < FILES; i++)
        memset(mapped->mappings[i], byte, SIZE);
}

static void end_use(const struct mapped *mapped)
{
    for (int i = 0; i < FILES; i++) {
        unmap(mapped->mappings[i], SIZE);
        close(mapped->fds[i]);
    }
}

static void assert_filled(int i, char byte)
{
    int fd = open_file(path_of(i), O_RDONLY);
    char *mapping = map_fd(fd, SIZE, PROT_READ, MAP_SHARED);

    assert_true(all_bytes(mapping, SIZE, byte));
    unmap(mapping, SIZE);
    close(fd);
}

/* Asserts that so many commits more than before were made. */
static void assert_commits(const struct workspace *workspace, int64_t *before, int64_t more)
{
    int64_t now = read_status_number(workspace, "journal_commits");

    assert_int_equal(now - *before, more);
    *before = now;
}

/* Not even what was stored through a mapping is left out, and nothing that came later is in it. */
static void files_and_directories_are_saved_in_one_commit(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int64_t commits = 0;

    mount_both(workspace);
    struct mapped mapped = make_files();
    fill(&mapped, 'a');
    struct program_result result = run_program(shmapctl(), "save", "mnt/dir", "mnt/saved", NULL);
    assert_ended(&result, 0, "6 files, 384K, in one commit\n");
    assert_commits(workspace, &commits, 1);
    fill(&mapped, 'b');
    result = run_program(shmapctl(), "--json", "save", path_of(0), path_of(3), path_of(0), NULL);
    assert_ended(&result, 0, "{\"files\":3,\"bytes\":196608,\"commits\":1}\n");
    assert_commits(workspace, &commits, 1);
    for (int i = 0; i < FILES; i++)
        push_pages(mapped.fds[i]);
    crash_mount(workspace);
    end_use(&mapped);
    mount_both(workspace);
    for (int i = 0; i < FILES; i++)
        assert_filled(i, i % 3 == 0 ? 'b' : 'a');
    // A second time there is nothing to do.
    result = run_program(shmapctl(), "save", "mnt", path_of(0), NULL);
    assert_ended(&result, 0, "0 files, 0B\n");
    workspace_unmount(workspace);
}

static void all_of_a_mount_is_saved_but_what_its_programs_commit(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;
    int64_t commits = 0;

    mount_both(workspace);
    assert_ok(mkdir("mnt/dir/own", 0755));
    assert_ok(set_control("mnt/dir/own", "user.shmapfs.commit", "sync"));
    int own = new_file("mnt/dir/own/file", 0);
    struct mapped mapped = make_files();
    assert_ok(fsync(own));
    commits = read_status_number(workspace, "journal_commits");
    fill(&mapped, 'a');
    assert_int_equal(write(own, "half", 4), 4);
    result = run_program(shmapctl(), "save", "-a", "mnt", NULL);
    assert_ended(&result, 0,
                 "mnt: 6 files, in 1 commit; 1 with commit=sync left to the programs that write "
                 "it\n");
    assert_commits(workspace, &commits, 1);
    // A user who names such a file means it.
    result = run_program(shmapctl(), "save", "mnt/dir/own/file", NULL);
    assert_ended(&result, 0, "1 file, 4.0K, in one commit\n");
    result = run_program(shmapctl(), "-j", "save", "--all", "mnt", NULL);
    assert_ended(&result, 0,
                 "{\"saved\":[{\"mountpoint\":\"mnt\",\"files\":0,\"commits\":0,\"left\":0}]}\n");
    fill(&mapped, 'b');
    result = run_program(shmapctl(), "save", "-a", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "/mnt: 6 files, in 1 commit\n"));
    crash_mount(workspace);
    end_use(&mapped);
    close(own);
    mount_both(workspace);
    for (int i = 0; i < FILES; i++)
        assert_filled(i, 'b');
    assert_content("mnt/dir/own/file", "half");
    workspace_unmount(workspace);
}

/* So many at once are refused, since they could not be one. The store is in RAM: on a disk each new
 * file takes a sync of its own. */
static void more_than_one_commit_can_have(void **state)
{
    enum { COUNT = SHMAP_SAVE_MAX + 1 };
    struct workspace *workspace = workspace_of(state);
    struct rlimit limit;
    int64_t commits = 0;
    static int fds[COUNT];
    char path[64];

    assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_max < 2 * COUNT)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
    need_user_attributes("/dev/shm");
    assert_ok(mount("tmpfs", workspace->store, "tmpfs", 0, NULL));
    mount_both(workspace);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "mnt/dir/file%d", i);
        fds[i] = new_file(path, 0);
        assert_int_equal(write(fds[i], "x", 1), 1);
    }
    struct program_result result = run_program(shmapctl(), "save", "mnt/dir", NULL);
    assert_refused(&result, 1, "mnt/dir/file", "and 1024 files before it", "-a", NULL);
    assert_int_equal(shmap_save(fds, COUNT), -E2BIG);
    assert_commits(workspace, &commits, 0);
    assert_ok(shmap_save(fds, SHMAP_SAVE_MAX));
    assert_commits(workspace, &commits, 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(write(fds[i], "y", 1), 1);
    result = run_program(shmapctl(), "save", "-a", "mnt", NULL);
    assert_ended(&result, 0, "mnt: 1025 files, in 2 commits of at most 1024\n");
    assert_commits(workspace, &commits, 2);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    workspace_unmount(workspace);
    assert_ok(umount2(workspace->store, MNT_DETACH));
}

/* The writer's report. */
struct progress {
    _Atomic uint64_t saved; // its last number
    _Atomic int error;
};

/* Writes one number after the other to every file, and saves each in one of the two ways. */
static _Noreturn void write_and_save(const struct mapped *mapped, struct progress *progress)
{
    struct shmap_saved saved;

    for (uint64_t number = 1; progress->error == 0; number++) {
        for (int i = 0; i < FILES; i++)
            *(volatile uint64_t *)mapped->mappings[i] = number;
        progress->error =
            number % 2 ? shmap_save(mapped->fds, FILES) : shmap_save_all("mnt", &saved);
        if (progress->error == 0)
            progress->saved = number;
    }
    _exit(0);
}

struct awaited {
    const struct progress *progress;
    uint64_t number;
};

static bool has_saved(void *argument)
{
    const struct awaited *awaited = argument;

    return awaited->progress->saved >= awaited->number || awaited->progress->error != 0;
}

static void await_saves(const struct progress *progress)
{
    struct awaited awaited = { progress, progress->saved + 3 };

    assert_true(becomes_true(has_saved, &awaited));
    assert_int_equal(progress->error, 0);
}

static uint64_t number_in(int i)
{
    int fd = open_file(path_of(i), O_RDONLY);
    uint64_t number = 0;

    assert_int_equal(pread(fd, &number, sizeof(number), 0), sizeof(number));
    close(fd);
    return number;
}

/* Workers die, and at last all of the mount: all files are as of one save, the last one or that
 * which was under way. */
static void a_crash_leaves_all_of_a_save_or_nothing(void **state)
{
    enum { CRASHES = 2, DEATHS = 2 };
    struct workspace *workspace = workspace_of(state);
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(progress != MAP_FAILED);
    for (int crash = 0; crash < CRASHES; crash++) {
        mount_both(workspace);
        need_survival(workspace);
        struct mapped mapped = make_files();
        *progress = (struct progress){ 0 };
        fflush(NULL);
        pid_t writer = fork();
        if (writer == 0)
            write_and_save(&mapped, progress);
        for (int i = 0; i < DEATHS; i++) {
            await_saves(progress);
            replace_worker(workspace);
        }
        await_saves(progress);
        // The writer cannot see a save that the crash does not leave.
        assert_ok(kill(writer, SIGSTOP));
        assert_int_equal(waitpid(writer, NULL, WUNTRACED), writer);
        uint64_t saved = progress->saved;
        crash_mount(workspace);
        assert_ok(kill(writer, SIGKILL));
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        assert_true(workspace_await_children() != -ETIMEDOUT);
        end_use(&mapped);
        mount_both(workspace);
        uint64_t first = number_in(0);
        assert_true(first == saved || first == saved + 1);
        for (int i = 1; i < FILES; i++)
            assert_int_equal(number_in(i), first);
        for (int i = 0; i < FILES; i++)
            assert_ok(unlink(path_of(i)));
        assert_ok(rmdir("mnt/dir/below"));
        workspace_unmount(workspace);
    }
    munmap(progress, sizeof(*progress));
}

static void bytes_that_are_not_committed_are_told(void **state)
{
    struct workspace *workspace = workspace_of(state);
    uint64_t bytes;

    mount_both(workspace);
    put_file("mnt/plain", "contents");
    int fd = new_file("mnt/dir/file", 0);
    assert_ok(fsync(fd));
    assert_int_equal(shmap_uncommitted_get("mnt/dir/file", &bytes), -ENODATA);
    assert_int_equal(shmap_uncommitted_get("mnt/plain", &bytes), -ENODATA);
    assert_int_equal(shmap_uncommitted_get("mnt/dir", &bytes), -ENODATA);
    assert_int_equal(shmap_uncommitted_get("store", &bytes), -ENODATA);
    assert_ok(ftruncate(fd, 3 * (off_t)page_size()));
    assert_ok(shmap_uncommitted_get("mnt/dir/file", &bytes));
    assert_int_equal(bytes, 0);
    assert_int_equal(pwrite(fd, "xy", 2, 4095), 2);
    assert_ok(shmap_uncommitted_get("mnt/dir/file", &bytes));
    assert_int_equal(bytes, 8192);
    struct program_result result =
        run_program(shmapctl(), "ls", "--sort", "uncommitted", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "UNCOMMITTED"));
    assert_non_null(strstr(result.out, "8.0K"));
    result = run_program(shmapctl(), "ls", "--json", "mnt/dir/file", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "\"uncommitted\":8192"));
    assert_ok(fsync(fd));
    assert_int_equal(shmap_uncommitted_get("mnt/dir/file", &bytes), -ENODATA);
    close(fd);
    workspace_unmount(workspace);
}

static void assert_save_refused(const char *path, const char *other, const char *word)
{
    struct program_result result = run_program(shmapctl(), "save", path, other, NULL);

    assert_refused(&result, 1, word, NULL);
}

static void what_cannot_be_is_refused_and_nothing_is_saved(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const wrong[] = { "x",    "1 ",  " 1",
                                         "1  2", "-1",  "1,2",
                                         "0x1",  "1\n", "99999999999999999999" };
    static char many[8192];
    int64_t commits = 0;

    mount_both(workspace);
    int fd = new_file("mnt/dir/file", 0), plain = new_file("mnt/plain", 0);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_ok(mkfifo("mnt/dir/fifo", 0600));
    assert_ok(symlink("nowhere", "mnt/dir/link"));
    assert_save_refused("mnt/dir/file", "mnt/none", "mnt/none: No such file");
    assert_save_refused("mnt/dir/file", "mnt/plain", "class persist");
    assert_save_refused("mnt/dir/file", "store", "not a directory of a shmapfs mount");
    assert_save_refused("mnt/dir/file", "/proc/self/status", "--to");
    assert_save_refused("mnt/dir/file", "mnt/dir/fifo", "only a regular file or a directory");
    assert_save_refused("mnt/dir/file", "mnt/dir/link", "mnt/dir/link");
    struct program_result result = run_program(shmapctl(), "save", "-a", "mnt/dir", NULL);
    assert_refused(&result, 1, "mnt/dir", "not its root", NULL);
    result = run_program(shmapctl(), "save", "-a", "store", NULL);
    assert_refused(&result, 1, "store", "not a shmapfs mount", NULL);
    assert_int_equal(shmap_save((int[]){ fd, plain }, 2), -EOPNOTSUPP);
    int elsewhere = open_file("store", O_RDONLY);
    assert_int_equal(shmap_save(&elsewhere, 1), -ENODATA);
    close(elsewhere);
    // A program may ask without the library.
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_errno(set_control("mnt/dir/file", SAVE, wrong[i]), EINVAL);
    assert_errno(setxattr("mnt/dir/file", SAVE,
                          "1\0"
                          "2",
                          3, 0),
                 EINVAL);
    for (size_t i = 0; i + 2 < sizeof(many); i += 2)
        memcpy(many + i, "1 ", 3);
    many[strlen(many) - 1] = '\0';
    assert_errno(set_control("mnt/dir/file", SAVE, many), E2BIG);
    assert_errno(set_control("mnt/plain", SAVE, ""), EOPNOTSUPP);
    assert_errno(set_control("mnt/dir", SAVE, ""), EOPNOTSUPP);
    assert_errno((int)getxattr("mnt/dir/file", SAVE, NULL, 0), ENODATA);
    assert_commits(workspace, &commits, 0);
    // Numbers that are no file's are nobody's.
    assert_ok(set_control("mnt/dir/file", SAVE, "1 18446744073709551615 1"));
    assert_commits(workspace, &commits, 1);
    close(fd);
    close(plain);
    workspace_unmount(workspace);
}

/* Has a file committed by the command. */
static int save_by_command(void *path)
{
    struct program_result result = run_program(shmapctl(), "save", path, NULL);

    return result.status == 0 ? 0 : strstr(result.err, "only who may write") ? EACCES : EIO;
}

static int save_all_of_mnt(void *path)
{
    struct shmap_saved saved;

    return -shmap_save_all(path, &saved);
}

/* Has another file committed beside his own; that one's number is in the path's place. */
static int save_beside_own(void *number)
{
    return result_of(set_control("mnt/dir/own", SAVE, number));
}

/* Returns a new file of somebody that has something to commit. */
static int uncommitted_file(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    int fd = new_file(path, 0);

    assert_true(fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0);
    assert_ok(fsync(fd));
    assert_int_equal(write(fd, "text", 4), 4);
    return fd;
}

static void assert_commit_beside_own(const char *path, int error, uid_t uid, gid_t group)
{
    uint64_t bytes;
    char number[32];
    int own = uncommitted_file("mnt/dir/own", uid, uid, 0600);

    snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)stat_of(path).st_ino);
    assert_int_equal(as_member(uid, group, save_beside_own, number), error);
    assert_int_equal(shmap_uncommitted_get("mnt/dir/own", &bytes), error ? 0 : -ENODATA);
    assert_int_equal(shmap_uncommitted_get(path, &bytes), error ? 0 : -ENODATA);
    close(own);
    assert_ok(unlink("mnt/dir/own"));
}

/* Each has the rights to write that the kernel gives. */
static void others_save_what_they_may_write_to(void **state)
{
    static const struct {
        uid_t uid;
        gid_t gid;
        mode_t mode;
        int alice, in_team; // what becomes of it for Alice, and for her in a group
    } files[] = {
        { BOB, BOB, 0644, EACCES, EACCES }, { ALICE, BOB, 0600, 0, 0 },
        { BOB, TEAM, 0664, EACCES, 0 },     { BOB, BOB, 0666, 0, 0 },
        { BOB, TEAM, 0646, 0, EACCES },     { ALICE, TEAM, 0464, EACCES, EACCES },
    };
    struct workspace *workspace = workspace_of(state);

    mount_both(workspace);
    assert_ok(chmod("mnt/dir", 0755));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (int in_team = 0; in_team < 2; in_team++) {
            int fd = uncommitted_file("mnt/dir/file", files[i].uid, files[i].gid, files[i].mode);

            assert_commit_beside_own("mnt/dir/file", in_team ? files[i].in_team : files[i].alice,
                                     ALICE, in_team ? TEAM : STAFF);
            close(fd);
            assert_ok(unlink("mnt/dir/file"));
        }
    }
    // An ACL may give the group less than its bits say.
    int fd = uncommitted_file("mnt/dir/file", BOB, TEAM, 0664);
    if (run_program("setfacl", "-m", "g::r,u:1002:rw", "mnt/dir/file", NULL).status == 0) {
        assert_commit_beside_own("mnt/dir/file", EACCES, ALICE, TEAM);
        assert_int_equal(as(CAROL, save_by_command, "mnt/dir/file"), 0);
    }
    close(fd);
    assert_ok(unlink("mnt/dir/file"));
    fd = uncommitted_file("mnt/dir/file", BOB, BOB, 0644);
    assert_int_equal(as(ALICE, save_by_command, "mnt/dir/file"), EACCES);
    assert_int_equal(as(ALICE, save_all_of_mnt, "mnt"), EPERM);
    assert_int_equal(as(BOB, save_by_command, "mnt/dir/file"), 0);
    close(fd);
    workspace_unmount(workspace);
}

/* Takes all room of the store's disk. */
static void take_all_room(void)
{
    static char block[64 << 10];
    int fd = open_file("store/filler", O_CREAT | O_WRONLY);

    for (size_t size = sizeof(block); size >= 512; size /= 2)
        while (write(fd, block, size) == (ssize_t)size)
            continue;
    close(fd);
}

static void a_full_store_is_told_of_and_saved_to_later(void **state)
{
    struct workspace *workspace = workspace_of(state);
    enum { LARGE = 24 << 20 };

    disk_make(workspace, 64, "", "");
    mount_class(workspace, "atomic", "log=4m,size=64m");
    int large = new_file("mnt/dir/large", LARGE), small = new_file("mnt/dir/small", SIZE);
    char *mapping = map_shared(large, LARGE), *other = map_shared(small, SIZE);
    take_all_room();
    memset(mapping, 'l', LARGE);
    memset(other, 's', SIZE);
    assert_save_refused("mnt/dir/large", "mnt/dir/small", "no room");
    struct program_result result = run_program(shmapctl(), "save", "-a", "mnt", NULL);
    assert_refused(&result, 1, "mnt", "no room", NULL);
    result = run_program(shmapctl(), "status", "mnt", NULL);
    assert_non_null(strstr(result.out, "waits: the store is full"));
    assert_ok(unlink("store/filler"));
    result = run_program(shmapctl(), "save", "-a", "mnt", NULL);
    assert_ended(&result, 0, "mnt: 2 files, in 1 commit\n");
    result = run_program(shmapctl(), "status", "mnt", NULL);
    assert_null(strstr(result.out, "waits: the store"));
    unmap(mapping, LARGE);
    unmap(other, SIZE);
    close(large);
    close(small);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(files_and_directories_are_saved_in_one_commit),
    cmocka_unit_test(all_of_a_mount_is_saved_but_what_its_programs_commit),
    cmocka_unit_test(a_crash_leaves_all_of_a_save_or_nothing),
    cmocka_unit_test(bytes_that_are_not_committed_are_told),
    cmocka_unit_test(what_cannot_be_is_refused_and_nothing_is_saved),
    cmocka_unit_test(more_than_one_commit_can_have),
    cmocka_unit_test(others_save_what_they_may_write_to),
    cmocka_unit_test(a_full_store_is_told_of_and_saved_to_later),
};

ROOT_LAST_MAIN("save files", cases, 3)
