// SPDX-License-Identifier: BSD-2-Clause
// Files of the classes atomic and checkpoint: what is left of them after a crash, a close, a rename
// and the end of a mount. The names of the cases are about both.
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COMMIT   "user.shmapfs.commit"
#define INTERVAL "user.shmapfs.interval"
#define JOURNAL  "store/.shmapfs/journal"

enum { SIZE = 1 << 20 };

static const char *const CLASSES[] = { "atomic", "checkpoint" };

static void assert_all(const char *path, off_t size, char byte)
{
    int fd = open_file(path, O_RDONLY);

    assert_int_equal(size_of(fd), size);
    char *mapping = map_fd(fd, (size_t)size, PROT_READ, MAP_SHARED);
    assert_true(all_bytes(mapping, (size_t)size, byte));
    unmap(mapping, (size_t)size);
    close(fd);
}

/* A file full of one byte, committed by a mapping, which is left open. */
static int committed_file(const char *path, char byte)
{
    int fd = new_file(path, SIZE);
    char *mapping = map_shared(fd, SIZE);

    memset(mapping, byte, SIZE);
    assert_ok(msync(mapping, SIZE, MS_SYNC));
    unmap(mapping, SIZE);
    return fd;
}

static void after_a_crash_a_file_is_as_of_its_last_commit(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < 2; i++) {
        mount_class(workspace, CLASSES[i], "");
        assert_class("mnt/dir", CLASSES[i]);
        int fd = committed_file("mnt/dir/file", 'a');
        char *mapping = map_shared(fd, SIZE);
        memset(mapping + SIZE / 2, 'b', SIZE / 2);
        push_pages(fd);
        assert_int_equal(pwrite(fd, "beyond", 6, SIZE), 6);
        assert_int_equal(pread(fd, mapping, 1, SIZE), 1);
        crash_mount(workspace);
        unmap(mapping, SIZE);
        close(fd);
        mount_class(workspace, CLASSES[i], "");
        assert_all("mnt/dir/file", SIZE, 'a');
        workspace_unmount(workspace);
        assert_all("store/dir/file", SIZE, 'a');
        assert_false(exists(JOURNAL));
        assert_true(unlink("store/dir/file") == 0 && rmdir("store/dir") == 0);
    }
}

/* The contents that another process sees before the crash are there after it, too. */
static void a_shorter_file_has_no_old_bytes(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "atomic", "");
    int fd = committed_file("mnt/dir/file", 'a');
    assert_ok(ftruncate(fd, 10));
    assert_ok(ftruncate(fd, SIZE));
    assert_ok(fsync(fd));
    assert_int_equal(pwrite(fd, "x", 1, 5), 1);
    assert_ok(ftruncate(fd, 3));
    crash_mount(workspace);
    close(fd);
    mount_class(workspace, "atomic", "");
    fd = open_file("mnt/dir/file", O_RDONLY);
    char *mapping = map_fd(fd, SIZE, PROT_READ, MAP_SHARED);
    assert_int_equal(size_of(fd), SIZE);
    assert_true(all_bytes(mapping, 10, 'a'));
    assert_true(all_bytes(mapping + 10, SIZE - 10, '\0'));
    unmap(mapping, SIZE);
    close(fd);
    workspace_unmount(workspace);
}

static void the_last_close_commits(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < 2; i++) {
        mount_class(workspace, CLASSES[i], "");
        put_file("mnt/dir/file", "contents");
        await_committed(workspace);
        crash_mount(workspace);
        mount_class(workspace, CLASSES[i], "");
        assert_content("mnt/dir/file", "contents");
        workspace_unmount(workspace);
        assert_content("store/dir/file", "contents");
        assert_true(unlink("store/dir/file") == 0 && rmdir("store/dir") == 0);
    }
}

struct size {
    const char *path;
    off_t size;
};

static bool has_size(void *argument)
{
    const struct size *wanted = argument;

    return stat_of(wanted->path).st_size == wanted->size;
}

struct contents {
    const char *mapping;
    char byte;
};

static bool has_contents(void *argument)
{
    const struct contents *wanted = argument;

    return all_bytes(wanted->mapping, SIZE, wanted->byte);
}

static void what_is_not_synced_goes_with_the_close_where_that_is_wanted(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "atomic", "");
    assert_ok(set_control("mnt/dir", COMMIT, "sync"));
    int fd = committed_file("mnt/dir/file", 'a');
    char *mapping = map_shared(fd, SIZE);
    memset(mapping, 'b', SIZE);
    push_pages(fd);
    unmap(mapping, SIZE);
    assert_int_equal(pwrite(fd, "beyond", 6, SIZE), 6);
    // Somebody who reads sees it go.
    int reader = open_file("mnt/dir/file", O_RDONLY);
    char *seen = map_fd(reader, SIZE, PROT_READ, MAP_SHARED);
    assert_int_equal(seen[0], 'b');
    close(fd);
    assert_true(becomes_true(has_size, &(struct size){ "mnt/dir/file", SIZE }));
    // The size goes first.
    assert_true(becomes_true(has_contents, &(struct contents){ seen, 'a' }));
    unmap(seen, SIZE);
    close(reader);
    for (int i = 0; i < 50; i++) {
        fd = open_file("mnt/dir/file", O_WRONLY | O_APPEND);
        assert_int_equal(write(fd, "more", 4), 4);
        close(fd);
        // This open finds the file longer, or as it was before; then, too, it writes at its end.
        fd = open_file("mnt/dir/file", O_RDWR | O_APPEND);
        assert_int_equal(write(fd, "m", 1), 1);
        off_t size = size_of(fd);
        assert_true(size == SIZE + 1 || size == SIZE + 5);
        char bytes[8];
        assert_int_equal(pread(fd, bytes, sizeof(bytes), SIZE), size - SIZE);
        assert_memory_equal(bytes, size == SIZE + 1 ? "m" : "morem", (size_t)(size - SIZE));
        close(fd);
        // An open before that would keep what is not committed.
        assert_true(becomes_true(has_size, &(struct size){ "mnt/dir/file", SIZE }));
    }
    workspace_unmount(workspace);
    assert_all("store/dir/file", SIZE, 'a');
}

static void a_rename_over_a_name_commits(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "checkpoint", "");
    put_file("mnt/dir/file", "old");
    int fd = new_file("mnt/dir/new", 0);
    assert_int_equal(write(fd, "new", 3), 3);
    assert_ok(rename("mnt/dir/new", "mnt/dir/file"));
    crash_mount(workspace);
    close(fd);
    mount_class(workspace, "checkpoint", "");
    assert_content("mnt/dir/file", "new");
    workspace_unmount(workspace);
}

static void the_end_of_a_mount_leaves_plain_files(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct timespec times[2] = { { 1000000000, 0 }, { 1000000001, 500 } };

    mount_class(workspace, "atomic", "log=4m");
    int fd = new_file("mnt/dir/file", 8 * SIZE);
    for (int i = 0; i < 8; i += 2) {
        char *mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, i * SIZE);
        assert_true(mapping != MAP_FAILED);
        memset(mapping, 'a' + i, SIZE);
        unmap(mapping, SIZE);
    }
    assert_ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE / 2));
    assert_ok(fchmod(fd, 0640));
    assert_ok(futimens(fd, times));
    close(fd);
    struct stat before = stat_of("mnt/dir/file");
    assert_int_equal(before.st_mtim.tv_sec, 1000000001);
    workspace_unmount(workspace);
    struct stat after = stat_of("store/dir/file");
    assert_int_equal(after.st_size, 8 * SIZE);
    assert_int_equal(after.st_mode & 07777, 0640);
    assert_int_equal(compare_times(after.st_mtim, times[1]), 0);
    fd = open_file("store/dir/file", O_RDONLY);
    char *mapping = map_fd(fd, 8 * SIZE, PROT_READ, MAP_SHARED);
    for (int i = 0; i < 8; i++)
        assert_true(all_bytes(mapping + i * SIZE + (i == 0 ? SIZE / 2 : 0),
                              i == 0 ? SIZE / 2 : SIZE, i % 2 == 0 ? (char)('a' + i) : '\0'));
    assert_true(all_bytes(mapping, SIZE / 2, '\0'));
    unmap(mapping, 8 * SIZE);
    close(fd);
    assert_false(exists(JOURNAL));
}

/* Programs still use the files, and have not synced them. */
static void the_end_by_a_signal_commits(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "atomic", "checkpoint=saved");
    assert_ok(mkdir("mnt/dir/strict", 0755));
    assert_ok(set_control("mnt/dir/strict", COMMIT, "sync"));
    int fds[] = { new_file("mnt/dir/file", SIZE), new_file("mnt/saved/file", SIZE),
                  committed_file("mnt/dir/strict/file", 'x') };
    char *mappings[3];
    for (int i = 0; i < 3; i++) {
        mappings[i] = map_shared(fds[i], SIZE);
        memset(mappings[i], 'a' + i, SIZE);
    }
    assert_ok(kill(daemon_of(workspace), SIGTERM));
    assert_int_equal(workspace_await_children(), 0);
    for (int i = 0; i < 3; i++) {
        unmap(mappings[i], SIZE);
        close(fds[i]);
    }
    assert_all("store/dir/file", SIZE, 'a');
    assert_all("store/saved/file", SIZE, 'b');
    assert_all("store/dir/strict/file", SIZE, 'x');
    assert_false(exists(JOURNAL));
}

static void files_that_are_persisted_are_beside(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char answer[4096] = "";

    workspace_mount(workspace, true, "");
    make_class_root("mnt/dir", "atomic");
    int plain = new_file("mnt/file", SIZE), fd = committed_file("mnt/dir/file", 'a');
    char *one = map_shared(plain, SIZE), *other = map_shared(fd, SIZE);
    memset(one, 'p', SIZE);
    memset(other, 'b', SIZE);
    assert_ok(fsync(plain));
    assert_ok(fsync(fd));
    assert_errno(rename("mnt/file", "mnt/dir/moved"), EXDEV);
    assert_errno(link("mnt/dir/file", "mnt/linked"), EXDEV);
    assert_ok(getxattr("mnt", "user.shmapfs.status", answer, sizeof(answer) - 1));
    if (workspace->passthrough)
        assert_non_null(strstr(answer, "\"passthrough\":true"));
    memset(other, 'c', SIZE);
    push_pages(fd);
    crash_mount(workspace);
    unmap(one, SIZE);
    unmap(other, SIZE);
    close(plain);
    close(fd);
    assert_all("store/file", SIZE, 'p');
    workspace_mount(workspace, true, "");
    assert_class("mnt/dir/file", "atomic");
    assert_all("mnt/dir/file", SIZE, 'b');
    workspace_unmount(workspace);
}

struct saves {
    const struct workspace *workspace;
    int64_t before;
};

static bool is_saved(void *argument)
{
    const struct saves *saves = argument;

    return read_status_number(saves->workspace, "journal_commits") > saves->before;
}

/* Waits for the next commit. */
static void await_save(const struct workspace *workspace)
{
    struct saves saves = { workspace, read_status_number(workspace, "journal_commits") };

    assert_true(becomes_true(is_saved, &saves));
}

static void files_are_saved_at_an_interval(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "checkpoint", "");
    assert_ok(set_control("mnt/dir", INTERVAL, "1"));
    int fd = committed_file("mnt/dir/file", 'a');
    char *mapping = map_shared(fd, SIZE);
    // The first one may have begun before all was stored.
    for (int i = 0; i < 2; i++) {
        memset(mapping, 'b', SIZE);
        await_save(workspace);
    }
    crash_mount(workspace);
    // One that was saving may have been killed, too.
    assert_true(workspace_await_children() != -ETIMEDOUT);
    unmap(mapping, SIZE);
    close(fd);
    mount_class(workspace, "checkpoint", "");
    assert_all("mnt/dir/file", SIZE, 'b');
    workspace_unmount(workspace);
}

static void assert_control(const char *path, const char *name, const char *value)
{
    char found[64];
    ssize_t length = getxattr(path, name, found, sizeof(found));

    assert_int_equal(length, strlen(value));
    assert_memory_equal(found, value, strlen(value));
}

static void directories_say_when_files_are_committed(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_class(workspace, "checkpoint", "atomic=strict");
    assert_control("mnt/dir", COMMIT, "close");
    assert_control("mnt/dir", INTERVAL, "0");
    assert_ok(set_control("mnt/dir", COMMIT, "sync"));
    assert_ok(set_control("mnt/dir", INTERVAL, "60"));
    assert_true(mkdir("mnt/dir/below", 0755) == 0 && mkdir("mnt/dir/below/own", 0755) == 0);
    assert_ok(set_control("mnt/dir/below/own", COMMIT, "close"));
    put_file("mnt/dir/below/own/file", "");
    assert_control("mnt/dir/below", COMMIT, "sync");
    for (int round = 0; round < 2; round++) {
        assert_control("mnt/dir/below/own/file", COMMIT, "close");
        assert_control("mnt/dir/below/own/file", INTERVAL, "60");
        workspace_unmount(workspace);
        workspace_mount(workspace, true, "");
    }
    assert_errno(set_control("mnt/dir", COMMIT, "never"), EINVAL);
    assert_errno(set_control("mnt/dir", INTERVAL, "-1"), EINVAL);
    assert_errno(set_control("mnt/dir", INTERVAL, "1s"), EINVAL);
    assert_errno(set_control("mnt/dir", INTERVAL, "32768"), ERANGE);
    assert_errno(set_control("mnt/dir/below/own/file", COMMIT, "sync"), ENOTDIR);
    assert_errno(set_control("mnt/strict", INTERVAL, "60"), EINVAL);
    assert_errno(set_control("mnt", COMMIT, "sync"), EINVAL);
    workspace_unmount(workspace);
}

static void assert_mount_refused(const struct workspace *workspace, bool with_store,
                                 const char *options, const char *word)
{
    struct program_result result = workspace_try_mount(workspace, with_store, options);

    assert_refused(&result, result.status, word, NULL);
    assert_true(result.status != 0);
    assert_false(workspace_is_mounted(workspace->mnt));
}

static void what_cannot_be_is_refused_in_one_line(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_mount_refused(workspace, false, "atomic=dir", "needs a STORE");
    assert_mount_refused(workspace, true, "atomic=dir,writeback", "leave writeback out");
    assert_mount_refused(workspace, true, "checkpoint=dir,ro", "with ro");
    assert_mount_refused(workspace, true, "atomic=../dir", "leave . and .. out");
    assert_mount_refused(workspace, true, "atomic=dir,checkpoint=dir", "one of them");
    assert_mount_refused(workspace, true, "atomic=dir,scratch=dir", "one of them");
    assert_mount_refused(workspace, true, "atomic=dir/below,anon=dir", "one of them");
    // Nothing is made for a mount that is refused.
    assert_false(exists("store/dir"));
    assert_mount_refused(workspace, true, "log=1m", "from 4m");
    assert_mount_refused(workspace, true, "log=nonsense", "from 4m");
    mount_class(workspace, "atomic", "");
    int fd = committed_file("mnt/dir/file", 'a');
    crash_mount(workspace);
    close(fd);
    assert_mount_refused(workspace, true, "ro", "recover");
    workspace_mount(workspace, true, "");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "ro");
    assert_all("mnt/dir/file", SIZE, 'a');
    workspace_unmount(workspace);
}

/* Committed data goes to such a file, too, as long as somebody has it open. */
static void a_file_without_a_name_keeps_what_it_has(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < 2; i++) {
        mount_class(workspace, CLASSES[i], "log=4m");
        int fd = committed_file("mnt/dir/file", 'a');
        assert_ok(unlink("mnt/dir/file"));
        int never = open_file("mnt/dir", O_TMPFILE | O_RDWR);
        assert_int_equal(pwrite(never, "contents", 8, 4096), 8);
        assert_ok(fsync(never));
        // So much that the journal is written to the files.
        for (int j = 0; j < 4; j++) {
            assert_ok(close(committed_file("mnt/dir/new", (char)('b' + j))));
            assert_ok(rename("mnt/dir/new", "mnt/dir/other"));
        }
        await_applied(workspace);
        char *mapping = map_fd(fd, SIZE, PROT_READ, MAP_SHARED);
        assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        assert_true(all_bytes(mapping, SIZE, 'a'));
        unmap(mapping, SIZE);
        char bytes[8];
        assert_ok(posix_fadvise(never, 0, 0, POSIX_FADV_DONTNEED));
        assert_int_equal(pread(never, bytes, 8, 4096), 8);
        assert_memory_equal(bytes, "contents", 8);
        close(fd);
        close(never);
        workspace_unmount(workspace);
        assert_all("store/dir/other", SIZE, 'e');
        assert_true(unlink("store/dir/other") == 0 && rmdir("store/dir") == 0);
    }
}

static void classes_change_where_nothing_is(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_class_root("mnt/dir", "atomic");
    assert_ok(mkdir("mnt/dir/below", 0755));
    assert_class("mnt/dir/below", "atomic");
    assert_errno(set_class("mnt/dir", "persist"), ENOTEMPTY);
    assert_ok(set_class("mnt/dir/below", "persist"));
    assert_class("mnt/dir/below", "persist");
    put_file("mnt/dir/below/file", "contents");
    assert_class("mnt/dir/below/file", "persist");
    make_class_root("mnt/dir/ram", "anon");
    assert_ok(set_class("mnt/dir/ram", "checkpoint"));
    assert_class("mnt/dir/ram", "checkpoint");
    assert_ok(unset_class("mnt/dir/ram"));
    assert_class("mnt/dir/ram", "atomic");
    assert_errno(unset_class("mnt/dir/ram"), ENODATA);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_class("mnt/dir/ram", "atomic");
    assert_class("mnt/dir/below/file", "persist");
    assert_true(rmdir("mnt/dir/ram") == 0 && unlink("mnt/dir/below/file") == 0 &&
                rmdir("mnt/dir/below") == 0);
    assert_ok(unset_class("mnt/dir"));
    assert_class("mnt/dir", "persist");
    workspace_unmount(workspace);
}

/* Takes all room of the store's disk. */
static void fill_disk(void)
{
    static char block[64 << 10];
    int fd = open_file("store/filler", O_CREAT | O_WRONLY);

    memset(block, 'f', sizeof(block));
    for (size_t size = sizeof(block); size >= 512; size /= 2)
        while (write(fd, block, size) == (ssize_t)size)
            continue;
    assert_ok(fsync(fd) == 0 || errno == ENOSPC ? 0 : -1);
    close(fd);
}

/* A program that stores through a mapping cannot be told that there is no room: it keeps what it
 * has, and hears it from each commit until there is. */
static void a_full_store_loses_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);

    disk_make(workspace, 64, "", "");
    mount_class(workspace, "atomic", "log=4m,size=64m");
    int fd = committed_file("mnt/dir/file", 'a');
    int large = new_file("mnt/dir/large", 24 * SIZE);
    char *mapping = map_shared(fd, SIZE), *more = map_shared(large, 24 * SIZE);
    await_applied(workspace);
    fill_disk();
    memset(mapping, 'b', SIZE);
    memset(more, 'm', 24 * SIZE);
    for (int i = 0; i < 2; i++)
        assert_errno(msync(more, 24 * SIZE, MS_SYNC), ENOSPC);
    assert_ok(posix_fadvise(large, 0, 0, POSIX_FADV_DONTNEED));
    assert_true(all_bytes(more, 24 * SIZE, 'm'));
    replace_worker(workspace);
    assert_true(all_bytes(more, 24 * SIZE, 'm'));
    assert_ok(unlink("store/filler"));
    assert_ok(msync(mapping, SIZE, MS_SYNC));
    assert_ok(msync(more, 24 * SIZE, MS_SYNC));
    crash_mount(workspace);
    unmap(mapping, SIZE);
    unmap(more, 24 * SIZE);
    close(fd);
    close(large);
    mount_class(workspace, "atomic", "");
    assert_all("mnt/dir/file", SIZE, 'b');
    assert_all("mnt/dir/large", 24 * SIZE, 'm');
    workspace_unmount(workspace);
    disk_remove(workspace);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(after_a_crash_a_file_is_as_of_its_last_commit),
        cmocka_unit_test(a_shorter_file_has_no_old_bytes),
        cmocka_unit_test(the_last_close_commits),
        cmocka_unit_test(what_is_not_synced_goes_with_the_close_where_that_is_wanted),
        cmocka_unit_test(a_rename_over_a_name_commits),
        cmocka_unit_test(the_end_of_a_mount_leaves_plain_files),
        cmocka_unit_test(the_end_by_a_signal_commits),
        cmocka_unit_test(files_that_are_persisted_are_beside),
        cmocka_unit_test(files_are_saved_at_an_interval),
        cmocka_unit_test(directories_say_when_files_are_committed),
        cmocka_unit_test(what_cannot_be_is_refused_in_one_line),
        cmocka_unit_test(a_file_without_a_name_keeps_what_it_has),
        cmocka_unit_test(classes_change_where_nothing_is),
        cmocka_unit_test(a_full_store_loses_nothing), // only root has a disk
    };

    return workspace_main(argc, argv, "commits", cases, CASE_COUNT(argc, argv, cases, 1));
}
