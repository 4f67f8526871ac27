// SPDX-License-Identifier: BSD-2-Clause
// Directories on the store's disk whose contents go with the mount, and files that leave them.
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MIB = 1 << 20, FAILED = 1, USAGE = 2, LOOKS = 50 };

#define PLACE "store/.shmapfs/scratch"

static void mount_scratch(const struct workspace *workspace)
{
    workspace_mount(workspace, true, "");
    if (!exists("mnt/scratch"))
        make_class_root("mnt/scratch", "scratch");
}

static struct program_result promote(const char *file, const char *to)
{
    return to ? run_program(shmapctl(), "class", file, "persist", "--to", to, NULL)
              : run_program(shmapctl(), "class", file, "persist", NULL);
}

/* Returns how many entries a directory has. */
static unsigned entries_of(const char *path)
{
    DIR *stream = opendir(path);
    unsigned count = 0;

    assert_non_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

/* Nothing but the lock is left of what a mount has for itself. */
static bool is_emptied(void *argument)
{
    (void)argument;
    return entries_of("store/.shmapfs") == 1;
}

/* There are the lock and the new place alone. */
static bool is_tidied(void *argument)
{
    (void)argument;
    return entries_of("store/.shmapfs") == 2;
}

static void contents_go_with_the_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    mount_scratch(workspace);
    assert_class("mnt/scratch", "scratch");
    put_file("mnt/scratch/file", "contents");
    assert_class("mnt/scratch/file", "scratch");
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "mnt/scratch/%d", i);
        assert_ok(mkdir(path, 0700));
        snprintf(path, sizeof(path), "mnt/scratch/%d/file", i);
        put_file(path, "");
        assert_class(path, "scratch");
    }
    // Without the owner's own leave.
    assert_true(chmod("mnt/scratch/0", 0) == 0 && chmod("mnt/scratch/1", 0500) == 0);
    assert_ok(symlink("/", "mnt/scratch/root"));
    assert_ok(mkfifo("mnt/scratch/fifo", 0600));
    assert_ok(rename("mnt/scratch/2", "mnt/scratch/1.5"));
    assert_false(exists("store/scratch/file"));
    assert_true(exists(PLACE));
    workspace_unmount(workspace);
    assert_true(is_emptied(NULL));
    assert_int_equal(entries_of("store/scratch"), 0);
    mount_scratch(workspace);
    assert_class("mnt/scratch", "scratch");
    assert_int_equal(entries_of("mnt/scratch"), 0);
    put_file("mnt/scratch/file", "again");
    assert_content("mnt/scratch/file", "again");
    workspace_unmount(workspace);
}

/* A tree that is deeper than a path can be. */
static void make_deep(const char *top, unsigned depth)
{
    char name[] = "directory-of-a-name";
    int dir = open(top, O_RDONLY | O_DIRECTORY);

    for (unsigned i = 0; i < depth; i++) {
        assert_ok(mkdirat(dir, name, 0700));
        int next = openat(dir, name, O_RDONLY | O_DIRECTORY);
        assert_ok(next);
        int file = openat(next, "file", O_WRONLY | O_CREAT, 0600);
        assert_ok(close(file));
        assert_ok(close(dir));
        dir = next;
    }
    assert_ok(close(dir));
}

/* Nobody has emptied it: all processes of the mount were killed at once, or the machine lost its
 * power while the directory was being removed. */
static void what_a_crash_leaves_goes_with_the_next_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    workspace_unmount(workspace);
    assert_ok(mkdir(PLACE, 0700));
    put_file(PLACE "/file", "stale");
    assert_ok(mkdir("store/.shmapfs/scratch.0badcafe", 0500));
    make_deep(PLACE, 300);
    mount_scratch(workspace);
    assert_false(exists(PLACE "/file"));
    put_file("mnt/scratch/file", "new");
    await_true(is_tidied, NULL, "the remains stay");
    assert_content("mnt/scratch/file", "new");
    make_deep("mnt/scratch", 300);
    workspace_unmount(workspace);
    assert_true(is_emptied(NULL));
}

/* A writer stores through a mapping all the time. */
struct shared_count {
    volatile uint64_t stores, ends;
};

static int count_on(struct coprocess *parent, void *argument)
{
    volatile uint64_t *page = NULL;
    struct shared_count *count = argument;
    int fd = open("mnt/scratch/file", O_RDWR);

    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(fd != -1 && page != MAP_FAILED && close(fd) == 0);
    *page = 1;
    coprocess_check(coprocess_give_turn(parent));
    while (!count->ends)
        count->stores = ++*page;
    return 0;
}

static bool is_counting(void *argument)
{
    return ((struct shared_count *)argument)->stores > 1000;
}

static void a_mapped_file_is_promoted(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct shared_count *count =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct coprocess writer;
    uint64_t last, found = 0;

    mount_scratch(workspace);
    put_file("mnt/scratch/other", "not promoted");
    assert_ok(close(new_file("mnt/scratch/file", 4096)));
    assert_int_equal(coprocess_start(&writer, count_on, count), 0);
    assert_true(coprocess_await_turn(&writer));
    await_true(is_counting, count, "nothing is stored");
    struct program_result result = promote("mnt/scratch/file", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "/mnt/file\n"));
    last = count->stores;
    while (count->stores < last + 1000)
        continue;
    count->ends = 1;
    assert_coprocess_succeeds(&writer);
    assert_class("mnt/file", "persist");
    assert_false(exists("mnt/scratch/file"));
    last = count->stores;
    int fd = open_file("mnt/file", O_RDWR);
    assert_int_equal(pread(fd, &found, sizeof(found), 0), sizeof(found));
    assert_int_equal(found, last);
    assert_ok(fsync(fd));
    assert_ok(close(fd));
    workspace_unmount(workspace);
    mount_scratch(workspace);
    assert_false(exists("mnt/scratch/other"));
    fd = open_file("mnt/file", O_RDONLY);
    assert_int_equal(pread(fd, &found, sizeof(found), 0), sizeof(found));
    assert_int_equal(found, last);
    assert_ok(close(fd));
    workspace_unmount(workspace);
    munmap(count, 4096);
}

static void plain_renames_cross(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char bytes[8];

    mount_scratch(workspace);
    assert_ok(mkdir("mnt/directory", 0755));
    put_file("mnt/directory/file", "old");
    put_file("mnt/scratch/file", "new");
    ino_t ino = stat_of("mnt/scratch/file").st_ino;
    int fd = open_file("mnt/scratch/file", O_RDWR);
    assert_ok(rename("mnt/scratch/file", "mnt/directory/file"));
    assert_int_equal(stat_of("mnt/directory/file").st_ino, ino);
    assert_class("mnt/directory/file", "persist");
    assert_int_equal(pwrite(fd, "N", 1, 0), 1);
    assert_ok(fsync(fd));
    assert_content("mnt/directory/file", "New");
    assert_content("store/directory/file", "New");
    // And back.
    assert_errno(
        renameat2(AT_FDCWD, "mnt/directory/file", AT_FDCWD, "mnt/scratch", RENAME_NOREPLACE),
        EEXIST);
    assert_ok(
        renameat2(AT_FDCWD, "mnt/directory/file", AT_FDCWD, "mnt/scratch/back", RENAME_NOREPLACE));
    assert_class("mnt/scratch/back", "scratch");
    assert_int_equal(pread(fd, bytes, 8, 0), 3);
    assert_int_equal(fstat_of(fd).st_nlink, 1);
    assert_ok(close(fd));
    assert_false(exists("store/directory/file"));
    assert_ok(symlink("somewhere", "mnt/scratch/link"));
    assert_ok(rename("mnt/scratch/link", "mnt/link"));
    workspace_unmount(workspace);
    assert_true(exists("store/link"));
    workspace_mount(workspace, true, "");
    assert_int_equal(entries_of("mnt/scratch"), 0);
    workspace_unmount(workspace);
}

static void some_things_cannot_cross(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_scratch(workspace);
    make_class_root("mnt/anon", "anon");
    make_class_root("mnt/second", "scratch");
    assert_ok(mkdir("mnt/scratch/directory", 0755));
    put_file("mnt/scratch/file", "a");
    put_file("mnt/file", "b");
    assert_errno(rename("mnt/scratch/directory", "mnt/directory"), EXDEV);
    assert_errno(rename("mnt/anon", "mnt/scratch/anon"), EXDEV);
    assert_errno(rename("mnt/second", "mnt/scratch/second"), EXDEV);
    assert_errno(rename("mnt/scratch/file", "mnt/anon/file"), EXDEV);
    assert_errno(renameat2(AT_FDCWD, "mnt/scratch/file", AT_FDCWD, "mnt/file", RENAME_EXCHANGE),
                 EXDEV);
    assert_errno(link("mnt/scratch/file", "mnt/link"), EXDEV);
    assert_errno(link("mnt/file", "mnt/scratch/link"), EXDEV);
    // From one scratch directory to another it is a rename as any other.
    assert_ok(rename("mnt/scratch/directory", "mnt/second/directory"));
    assert_ok(link("mnt/scratch/file", "mnt/scratch/link"));
    assert_errno(rename("mnt/scratch/link", "mnt/link"), EXDEV);
    assert_ok(unlink("mnt/scratch/link"));
    assert_ok(rename("mnt/scratch/file", "mnt/promoted"));
    assert_ok(rename("mnt/scratch", "mnt/renamed"));
    put_file("mnt/renamed/file", "");
    assert_class("mnt/renamed/file", "scratch");
    assert_errno(rmdir("mnt/renamed"), ENOTEMPTY);
    assert_ok(unlink("mnt/renamed/file"));
    assert_ok(rmdir("mnt/renamed"));
    // A tag for backups, and the contents of the second one.
    assert_int_equal(entries_of(PLACE), 2);
    workspace_unmount(workspace);
}

static void classes_are_refused_where_they_cannot_be(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    mount_scratch(workspace);
    make_class_root("mnt/anon", "anon");
    assert_ok(mkdir("mnt/scratch/below", 0755));
    assert_errno(set_class("mnt/scratch/below", "anon"), EINVAL);
    assert_errno(set_class("mnt/scratch/below", "persist"), EINVAL);
    assert_ok(set_class("mnt/scratch/below", "scratch"));
    assert_errno(set_class("mnt/anon", "scratch"), EINVAL);
    assert_errno(set_class("mnt/scratch", "scratch,noswap"), EINVAL);
    assert_errno(set_class("mnt/scratch", "persist"), ENOTEMPTY);
    result = run_program(shmapctl(), "class", "mnt/scratch/below", "anon", NULL);
    assert_refused(&result, FAILED, "mnt/scratch/below", "it is scratch", "persist first", NULL);
    result = run_program(shmapctl(), "class", "mnt/anon", "scratch", NULL);
    assert_refused(&result, FAILED, "mnt/anon", "it is anon", "persist first", NULL);
    result = run_program(shmapctl(), "class", "--lifetime", "last-close", "mnt/scratch", NULL);
    assert_refused(&result, FAILED, "mnt/scratch", "anonymous", NULL);
    result = run_program(shmapctl(), "skeleton", "mnt/scratch", "on", NULL);
    assert_refused(&result, FAILED, "mnt/scratch", NULL);
    assert_ok(rmdir("mnt/scratch/below"));
    assert_ok(set_class("mnt/scratch", "persist"));
    assert_int_equal(entries_of(PLACE), 1);
    assert_ok(set_class("mnt/scratch", "scratch"));
    assert_ok(unset_class("mnt/scratch"));
    assert_class("mnt/scratch", "persist");
    workspace_unmount(workspace);
}

/* One line says why there is no limit, and nothing changes. */
static void a_store_without_quotas_limits_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/limited", 0755));
    result = run_program(shmapctl(), "class", "--size", "4m", "mnt/limited", "scratch", NULL);
    assert_refused(&result, FAILED, "mnt/limited", "project quotas", NULL);
    assert_class("mnt/limited", "persist");
    assert_ok(set_class("mnt/limited", "scratch"));
    result = run_program(shmapctl(), "resize", "mnt/limited", "4m", NULL);
    assert_refused(&result, FAILED, "mnt/limited", "project quotas", NULL);
    result = run_program(shmapctl(), "class", "--size", "4m", "--huge", "always", "mnt/limited",
                         "scratch", NULL);
    assert_refused(&result, FAILED, "mnt/limited", "--size", NULL);
    workspace_unmount(workspace);
}

static void promotions_are_refused_in_one_line(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    mount_scratch(workspace);
    assert_ok(mkdir("mnt/scratch/below", 0755));
    put_file("mnt/scratch/below/file", "contents");
    put_file("mnt/file", "in the way");
    result = promote("mnt/scratch/below/file", NULL);
    assert_refused(&result, FAILED, "mnt/file", "already", "--to", NULL);
    result = promote("mnt/scratch/below/file", "mnt/nowhere/file");
    assert_refused(&result, FAILED, "mnt/nowhere/file", "not there", NULL);
    result = promote("mnt/scratch/below/file", "elsewhere");
    assert_refused(&result, FAILED, "elsewhere", "same mount", NULL);
    result = promote("mnt/scratch/below/file", "mnt/scratch/file");
    assert_refused(&result, FAILED, "mnt/scratch/file", "same mount", NULL);
    result = promote("mnt/file", "mnt/file2");
    assert_refused(&result, FAILED, "mnt/file", "scratch", NULL);
    result =
        run_program(shmapctl(), "class", "mnt/scratch/below/file", "anon", "--to", "mnt", NULL);
    assert_refused(&result, USAGE, "--to", NULL);
    assert_ok(link("mnt/scratch/below/file", "mnt/scratch/link"));
    result = promote("mnt/scratch/below/file", "mnt/promoted");
    assert_refused(&result, FAILED, "other names", NULL);
    assert_ok(unlink("mnt/scratch/link"));
    assert_content("mnt/scratch/below/file", "contents");
    assert_content("mnt/file", "in the way");
    // Into a directory it goes by its own name.
    assert_ok(mkdir("mnt/results", 0755));
    result = run_program(shmapctl(), "--json", "class", "mnt/scratch/below/file", "persist", "--to",
                         "mnt/results", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "persist"));
    workspace_unmount(workspace);
    assert_content("store/results/file", "contents");
}

static void the_place_is_hidden(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_scratch(workspace);
    put_file("mnt/scratch/file", "");
    assert_int_equal(entries_of("mnt"), 1);
    assert_false(exists("mnt/.shmapfs"));
    assert_errno(open("mnt/.shmapfs/scratch", O_RDONLY), ENOENT);
    assert_errno(rename("mnt/scratch/file", "mnt/.shmapfs"), EACCES);
    struct program_result result = run_program(shmapctl(), "status", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "/store/.shmapfs/scratch"));
    // The space is the disk's.
    struct statvfs here, there;
    assert_true(statvfs("mnt/scratch", &here) == 0 && statvfs("store", &there) == 0);
    assert_true(here.f_blocks == there.f_blocks);
    workspace_unmount(workspace);
}

/* Files in use go like all others, and a mapping that passes through keeps what it has. */
static void a_file_in_use_does_not_keep_the_place(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_scratch(workspace);
    int fd = new_file("mnt/scratch/file", 4096);
    char *bytes = map_shared(fd, 4096);
    memset(bytes, 'x', 4096);
    int unnamed = open("mnt/scratch", O_RDWR | O_TMPFILE, 0600);
    assert_true(unnamed != -1 && close(unnamed) == 0 && close(fd) == 0);
    assert_ok(kill(daemon_of(workspace), SIGTERM));
    assert_int_equal(workspace_await_children(), 0);
    assert_true(is_emptied(NULL));
    if (workspace->passthrough)
        assert_true(all_bytes(bytes, 4096, 'x'));
    unmap(bytes, 4096);
}

static void a_read_only_mount_shows_nothing_old(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_scratch(workspace);
    workspace_unmount(workspace);
    assert_ok(mkdir(PLACE, 0700));
    workspace_mount(workspace, true, "ro");
    assert_class("mnt/scratch", "scratch");
    assert_int_equal(entries_of("mnt/scratch"), 0);
    struct program_result result = run_program("mount", "-o", "remount,rw", "mnt", NULL);
    if (result.status == 0) {
        put_file("mnt/scratch/file", "in RAM");
        assert_errno(rename("mnt/scratch/file", "mnt/file"), EXDEV);
        assert_ok(mkdir("mnt/more", 0755));
        result = run_program(shmapctl(), "class", "mnt/more", "scratch", NULL);
        assert_refused(&result, FAILED, "mnt/more", "read-only", NULL);
    }
    assert_int_equal(entries_of(PLACE), 0);
    workspace_unmount(workspace);
}

static void an_option_names_directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, true, "scratch=a:b/c,anon=d");
    assert_class("mnt/a", "scratch");
    assert_class("mnt/b", "persist");
    assert_class("mnt/b/c", "scratch");
    assert_class("mnt/d", "anon");
    put_file("mnt/b/c/file", "contents");
    result = run_program(shmapctl(), "status", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, ",scratch=a:b/c,anon=d"));
    // The names keep the class.
    assert_true(rmdir("mnt/a") == 0 && mkdir("mnt/a", 0700) == 0);
    assert_class("mnt/a", "scratch");
    assert_ok(mkdir("mnt/other", 0700));
    assert_errno(rename("mnt/other", "mnt/a"), EXDEV);
    if (workspace->root) {
        result = run_program(shmapfs(), "store", "mnt", "-o", "remount,scratch=b/c", NULL);
        assert_done(&result);
        result = run_program(shmapfs(), "store", "mnt", "-o", "remount,scratch=other", NULL);
        assert_refused(&result, FAILED, "scratch=other", "shmapctl class", NULL);
    }
    workspace_unmount(workspace);
    // The directory that was made stays what it is.
    workspace_mount(workspace, true, "");
    assert_class("mnt/b/c", "scratch");
    assert_int_equal(entries_of("mnt/b/c"), 0);
    workspace_unmount(workspace);
}

static void some_names_are_refused(void **state)
{
    static const char *const refused[][2] = {
        { "scratch=a:size=1m", "project quotas" }, { "scratch=a,anon=a", "leave one out" },
        { "scratch=a,anon=a/b", "below" },         { "scratch=a/b:a", "below" },
        { "scratch=.shmapfs", ".shmapfs" },        { "scratch=full", "not empty" },
        { "scratch=size=1m", "behind" },           { "scratch=../a", "below the store" },
    };
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    assert_ok(mkdir("store/full", 0755));
    put_file("store/full/file", "contents");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        result = workspace_try_mount(workspace, true, refused[i][0]);
        assert_refused(&result, FAILED, "scratch", refused[i][1], NULL);
        assert_false(exists("store/a"));
    }
    result = workspace_try_mount(workspace, false, "scratch=a");
    assert_refused(&result, USAGE, "scratch", "STORE", NULL);
    assert_content("store/full/file", "contents");
}

/* The disk is frozen: an fsync would wait for it. */
static void fsync_waits_for_no_disk(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess thawer;

    disk_make(workspace, 32, "", "");
    mount_scratch(workspace);
    int fd = new_file("mnt/scratch/file", 0);
    int directory = open("mnt/scratch", O_RDONLY | O_DIRECTORY);
    assert_int_equal(write(fd, "contents", 8), 8);
    disk_freeze(&thawer);
    assert_true(fsync(fd) == 0 && fdatasync(fd) == 0 && fsync(directory) == 0);
    disk_thaw(&thawer);
    assert_true(close(fd) == 0 && close(directory) == 0);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static int look_at_scratch(struct coprocess *parent, void *argument)
{
    struct stat st;

    (void)argument;
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(stat("mnt/scratch", &st) == 0);
    return 0;
}

/* The first look at a scratch directory makes its contents, which waits for the disk. */
static void a_first_look_holds_up_nobody(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess thawer, looker;
    char path[32];

    disk_make(workspace, 32, "", "");
    mount_scratch(workspace);
    for (int i = 0; i < LOOKS; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        make_class_root(path, "anon");
    }
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    disk_freeze(&thawer);
    assert_int_equal(coprocess_start(&looker, look_at_scratch, NULL), 0);
    assert_true(coprocess_await_turn(&looker));
    // Whichever of these come after it go on.
    for (int i = 0; i < LOOKS; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        assert_class(path, "anon");
    }
    disk_thaw(&thawer);
    assert_coprocess_succeeds(&looker);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static uint64_t free_blocks(const char *path)
{
    struct statvfs vfs;

    assert_ok(statvfs(path, &vfs));
    return (uint64_t)vfs.f_bfree * vfs.f_frsize;
}

static void the_space_comes_back(void **state)
{
    struct workspace *workspace = workspace_of(state);

    disk_make(workspace, 64, "", "");
    mount_scratch(workspace);
    uint64_t before = free_blocks(workspace->store);
    int fd = new_file("mnt/scratch/large", 0);
    assert_int_equal(posix_fallocate(fd, 0, 32 * MIB), 0);
    assert_true(free_blocks(workspace->store) + 32 * MIB <= before);
    assert_ok(close(fd));
    // Root alone can make a file immutable, and the mount removes it all the same.
    put_file("mnt/scratch/immutable", "");
    struct program_result result = run_program("chattr", "+i", "mnt/scratch/immutable", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
    assert_true(free_blocks(workspace->store) + MIB > before);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(contents_go_with_the_mount),
    cmocka_unit_test(what_a_crash_leaves_goes_with_the_next_mount),
    cmocka_unit_test(a_mapped_file_is_promoted),
    cmocka_unit_test(plain_renames_cross),
    cmocka_unit_test(some_things_cannot_cross),
    cmocka_unit_test(classes_are_refused_where_they_cannot_be),
    cmocka_unit_test(a_store_without_quotas_limits_nothing),
    cmocka_unit_test(promotions_are_refused_in_one_line),
    cmocka_unit_test(the_place_is_hidden),
    cmocka_unit_test(a_file_in_use_does_not_keep_the_place),
    cmocka_unit_test(a_read_only_mount_shows_nothing_old),
    cmocka_unit_test(an_option_names_directories),
    cmocka_unit_test(some_names_are_refused),
    // A disk of its own is root's.
    cmocka_unit_test(fsync_waits_for_no_disk),
    cmocka_unit_test(the_space_comes_back),
    cmocka_unit_test(a_first_look_holds_up_nobody),
};

ROOT_LAST_MAIN("scratch", cases, 3)
