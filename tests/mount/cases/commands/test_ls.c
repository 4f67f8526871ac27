// SPDX-License-Identifier: BSD-2-Clause
// The objects that shmapctl lists, against what the case did with them.
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2, PAGES = 10 };

#define PAGE  ((int64_t)page_size())
#define BYTES (PAGES * PAGE)

/* Whether an area of the mount has passthrough, which not every kernel and user namespace allows. */
static bool is_passthrough(const struct workspace *workspace, const char *area)
{
    char member[64];

    snprintf(member, sizeof(member), "%s.passthrough", area);
    return read_status_number(workspace, member) != 0;
}

/* Whether this kernel counts pages (Linux 6.5); the case ends where it does not. */
static void need_cachestat(void)
{
    uint64_t range[2] = { 0 }, counts[5];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    long result = syscall(451, fd, range, counts, 0);
    bool missing = result == -1 && errno == ENOSYS;

    close(fd);
    if (missing)
        harness_skip_case("this kernel has no cachestat(2)");
}

static struct json_object *list(const char *path)
{
    struct program_result result = run_program(shmapctl(), "ls", "--json", path, NULL);
    struct json_object *answer = json_output_of(&result);

    assert_string_equal(json_text(answer, "path"), path);
    assert_int_equal(json_number(answer, "page_size"), PAGE);
    return answer;
}

static struct json_object *objects_of(struct json_object *answer)
{
    return json_member(answer, "objects");
}

static struct json_object *object(struct json_object *answer, const char *path)
{
    struct json_object *found = json_find(objects_of(answer), "path", path);

    if (found == NULL)
        fail_msg("no %s in %s", path, json_object_to_json_string(answer));
    return found;
}

/* One number of one object of the mount, as it is now. */
static int64_t number_of(const char *path, const char *name)
{
    struct json_object *answer = list("mnt");
    int64_t number = json_number(object(answer, path), name);

    json_object_put(answer);
    return number;
}

static void write_pages(int fd)
{
    char page[65536] = "contents";

    for (int i = 0; i < PAGES; i++)
        assert_int_equal(pwrite(fd, page, page_size(), i * PAGE), PAGE);
}

static bool was_seen_dirty(void *fd)
{
    write_pages(*(int *)fd);
    return number_of("file", "dirty") > 0;
}

static void dirty_pages_become_clean(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    write_pages(fd);
    struct json_object *answer = list("mnt");
    struct json_object *file = object(answer, "file");
    assert_int_equal(json_number(file, "size"), BYTES);
    // Without passthrough FUSE's page cache has them, too.
    assert_int_equal(json_number(file, "resident"),
                     is_passthrough(workspace, "store_area") ? PAGES : 2 * PAGES);
    assert_int_equal(json_number(file, "swapped"), 0);
    json_object_put(answer);
    // The kernel may write pages whenever it likes.
    assert_true(becomes_true(was_seen_dirty, &fd));
    assert_ok(fsync(fd));
    assert_int_equal(number_of("file", "dirty"), 0);
    assert_int_equal(number_of("file", "allocated"), BYTES);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static bool was_stored_dirty(void *address)
{
    *(volatile char *)address = 1;
    return number_of("file", "dirty") == 1;
}

static void stores_make_pages_dirty(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    write_pages(fd);
    char *address = map_shared(fd, (size_t)BYTES);
    assert_ok(fsync(fd));
    assert_int_equal(number_of("file", "dirty"), 0);
    assert_true(becomes_true(was_stored_dirty, address + 3 * PAGE));
    assert_ok(msync(address, (size_t)BYTES, MS_SYNC));
    assert_int_equal(number_of("file", "dirty"), 0);
    unmap(address, (size_t)BYTES);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void anonymous_pages(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "anon=scratch,huge=never");
    int fd = new_file("mnt/scratch/file", 0);
    write_pages(fd);
    struct json_object *answer = list("mnt");
    struct json_object *file = object(answer, "scratch/file");
    assert_string_equal(json_text(file, "class"), "anon");
    assert_int_equal(json_number(file, "size"), BYTES);
    assert_int_equal(json_number(file, "allocated"), BYTES);
    assert_int_equal(json_number(file, "resident"),
                     is_passthrough(workspace, "ram_area") ? PAGES : 2 * PAGES);
    // They are where they belong.
    assert_int_equal(json_number(file, "dirty"), 0);
    json_object_put(answer);
    assert_ok(ftruncate(fd, PAGE));
    assert_int_equal(number_of("scratch/file", "allocated"), PAGE);
    // FUSE's page cache may have dropped all.
    assert_in_range(number_of("scratch/file", "resident"), 1,
                    is_passthrough(workspace, "ram_area") ? 1 : 2);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void holes(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, false, "huge=never");
    int fd = new_file("mnt/sparse", (off_t)1 << 30);
    struct json_object *answer = list("mnt");
    struct json_object *file = object(answer, "sparse");
    assert_int_equal(json_number(file, "size"), 1 << 30);
    assert_int_equal(json_number(file, "allocated"), 0);
    // The kernel keeps the last page, when it is told of a size.
    assert_in_range(json_number(file, "resident"), 0,
                    is_passthrough(workspace, "ram_area") ? 0 : 1);
    json_object_put(answer);
    assert_int_equal(pwrite(fd, "x", 1, 77 * PAGE), 1);
    assert_int_equal(number_of("sparse", "allocated"), PAGE);
    assert_true(number_of("sparse", "resident") >= 1);
    put_file("mnt/empty", "");
    assert_int_equal(number_of("empty", "resident"), 0);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

/* What is listed of a path, as its paths with a space after each. For free(). */
static char *paths_in(const char *path)
{
    struct json_object *answer = list(path);
    char *text = strdup(""), *longer;

    for (size_t i = 0; i < json_object_array_length(objects_of(answer)); i++) {
        struct json_object *one = json_object_array_get_idx(objects_of(answer), i);
        assert_ok(asprintf(&longer, "%s%s ", text, json_text(one, "path")));
        free(text);
        text = longer;
    }
    json_object_put(answer);
    return text;
}

static void assert_paths(const char *path, const char *wanted)
{
    char *paths = paths_in(path);

    assert_string_equal(paths, wanted);
    free(paths);
}

static void paths_are_sorted_and_relative(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    assert_paths("mnt", "");
    assert_ok(mkdir("mnt/a", 0755));
    assert_ok(mkdir("mnt/a/deep", 0755));
    put_file("mnt/b", "");
    put_file("mnt/a-b", "");
    put_file("mnt/a/deep/2", "");
    put_file("mnt/a/1", "");
    put_file("mnt/scratch/file", "");
    assert_ok(symlink("b", "mnt/link"));
    assert_ok(symlink("a", "mnt/other"));
    assert_ok(mkfifo("mnt/fifo", 0644));
    assert_paths("mnt", "a-b a/1 a/deep/2 b scratch/file ");
    assert_paths("mnt//", "a-b a/1 a/deep/2 b scratch/file ");
    assert_paths("mnt/a", "1 deep/2 ");
    assert_paths("mnt/a/1", "1 ");
    // What is named is followed, what is found is not.
    assert_paths("mnt/other", "1 deep/2 ");
    struct json_object *answer = list("mnt");
    assert_string_equal(json_text(object(answer, "a/deep/2"), "class"), "persist");
    assert_string_equal(json_text(object(answer, "scratch/file"), "class"), "anon");
    json_object_put(answer);
    answer = list("mnt/scratch/file");
    assert_string_equal(json_text(object(answer, "file"), "class"), "anon");
    json_object_put(answer);
    workspace_unmount(workspace);
}

static void odd_names_are_one_line(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/two\nlines\033[1m", "");
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "  two\\nlines\\^[[1m\n"));
    assert_null(strchr(result.out, '\033'));
    struct json_object *answer = list("mnt");
    object(answer, "two\nlines\033[1m");
    json_object_put(answer);
    workspace_unmount(workspace);
}

static void other_mounts_are_not_entered(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/below", 0755));
    put_file("mnt/file", "");
    put_file("mnt/covered", "");
    assert_ok(mount("none", "mnt/below", "tmpfs", 0, NULL));
    put_file("mnt/below/foreign", "");
    assert_ok(mount("mnt/below/foreign", "mnt/covered", NULL, MS_BIND, NULL));
    assert_paths("mnt", "file ");
    assert_ok(umount2("mnt/covered", 0));
    assert_ok(umount2("mnt/below", 0));
    workspace_unmount(workspace);
}

enum { NESTED = 300, NAME_LENGTH = 250 };

/* Makes that many directories, one in the other, and takes them away again. */
static int nests(struct coprocess *parent, void *path)
{
    char name[NAME_LENGTH + 1] = "";

    memset(name, 'd', NAME_LENGTH);
    coprocess_check(chdir(path) == 0);
    for (int i = 0; i < NESTED; i++)
        coprocess_check(mkdir(name, 0755) == 0 && chdir(name) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    for (int i = 0; i < NESTED; i++)
        coprocess_check(chdir("..") == 0 && rmdir(name) == 0);
    return 0;
}

/* Paths that no program could use are left out, and nothing else is. */
static void directories_nested_too_deeply(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/b", 0755));
    put_file("mnt/a", "");
    put_file("mnt/b/file", "");
    put_file("mnt/c", "");
    assert_int_equal(coprocess_start(&coprocess, nests, (char *)(uintptr_t) "mnt/b"), 0);
    assert_true(coprocess_await_turn(&coprocess));
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(result.status, FAILED);
    assert_non_null(strstr(result.out, "  a\n"));
    assert_non_null(strstr(result.out, "  b/file\n"));
    assert_non_null(strstr(result.out, "  c\n"));
    assert_int_equal(strncmp(result.err, "shmapctl: mnt/b/ddd", 19), 0);
    assert_non_null(strstr(result.err, "left out"));
    assert_ptr_equal(strchr(result.err, '\n'), result.err + strlen(result.err) - 1);
    workspace_unmount(workspace);
}

/* Until it is told to end. */
static int moves_to_and_fro(struct coprocess *parent, void *argument)
{
    struct pollfd turn = { .fd = parent->in, .events = POLLIN };

    (void)argument;
    coprocess_check(coprocess_give_turn(parent));
    while (poll(&turn, 1, 0) == 0) {
        coprocess_check(rename("mnt/one/moved", "mnt/other/moved") == 0);
        coprocess_check(rename("mnt/other/moved", "mnt/one/moved") == 0);
    }
    return 0;
}

static void directories_that_are_moved_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/one/moved", 0755));
    assert_ok(mkdir("mnt/other", 0755));
    for (int i = 0; i < 20; i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/one/moved/%d", i);
        put_file(path, "");
    }
    put_file("mnt/first", "");
    put_file("mnt/last", "");
    assert_int_equal(coprocess_start(&coprocess, moves_to_and_fro, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (int i = 0; i < 50; i++) {
        struct json_object *answer = list("mnt");
        object(answer, "first");
        object(answer, "last");
        json_object_put(answer);
    }
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    workspace_unmount(workspace);
}

/* As a user, of whose tree something is closed to himself. */
static int list_what_is_closed(void *argument)
{
    (void)argument;
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_int_equal(result.status, FAILED);
    assert_non_null(strstr(result.err, "mnt/closed: Permission denied\n"));
    assert_non_null(strstr(result.err, "mnt/no-entry: Permission denied\n"));
    // One line for each directory, whatever is in it.
    assert_null(strstr(result.err, "mnt/no-entry/"));
    assert_non_null(strstr(result.out, "  open/file\n"));
    assert_null(strstr(result.out, "closed"));
    return 0;
}

static void closed_directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const names[] = { "mnt/closed", "mnt/no-entry", "mnt/open" };

    workspace_mount(workspace, false, "");
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        assert_ok(mkdir(names[i], 0755));
        snprintf(path, sizeof(path), "%s/file", names[i]);
        put_file(path, "contents");
        snprintf(path, sizeof(path), "%s/more", names[i]);
        put_file(path, "contents");
    }
    assert_ok(chmod("mnt/closed", 0));
    assert_ok(chmod("mnt/no-entry", 0444));
    if (workspace->root)
        assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, list_what_is_closed, NULL), 0);
    else
        list_what_is_closed(NULL);
    workspace_unmount(workspace);
}

static int uses_twice(struct coprocess *parent, void *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    coprocess_check(fd >= 0 && open(path, O_RDONLY | O_CLOEXEC) >= 0);
    coprocess_check(map_path(path, page_size()) != NULL);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

static void processes_are_counted(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocesses[3];

    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(close(new_file("mnt/file", PAGE)));
    assert_ok(close(new_file("mnt/scratch/file", PAGE)));
    assert_ok(close(new_file("mnt/unused", PAGE)));
    assert_ok(prctl(PR_SET_DUMPABLE, 1));
    for (int i = 0; i < 3; i++) {
        const char *path = i < 2 ? "mnt/file" : "mnt/scratch/file";
        assert_int_equal(coprocess_start(&coprocesses[i], uses_twice, (char *)(uintptr_t)path), 0);
        assert_true(coprocess_await_turn(&coprocesses[i]));
    }
    assert_int_equal(number_of("file", "users"), 2);
    assert_int_equal(number_of("scratch/file", "users"), 1);
    assert_int_equal(number_of("unused", "users"), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(coprocess_give_turn(&coprocesses[i]));
        assert_coprocess_succeeds(&coprocesses[i]);
    }
    assert_int_equal(number_of("file", "users"), 0);
    workspace_unmount(workspace);
}

static bool nothing_is_open(void *workspace)
{
    return read_status_number(workspace, "open_files") == 0;
}

static void listing_leaves_no_trace(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,strictatime");
    put_file("mnt/file", "contents");
    put_file("mnt/scratch/file", "contents");
    struct stat before = stat_of("mnt/file"), before_anon = stat_of("mnt/scratch/file");
    next_tick();
    json_object_put(list("mnt"));
    struct stat after = stat_of("mnt/file"), after_anon = stat_of("mnt/scratch/file");
    assert_int_equal(compare_times(before.st_atim, after.st_atim), 0);
    assert_int_equal(compare_times(before.st_ctim, after.st_ctim), 0);
    assert_int_equal(compare_times(before_anon.st_atim, after_anon.st_atim), 0);
    assert_int_equal(compare_times(before_anon.st_ctim, after_anon.st_ctim), 0);
    assert_true(becomes_true(nothing_is_open, workspace));
    workspace_unmount(workspace);
}

/* As one who may read the file and no more. */
static int count_of_another(void *argument)
{
    char value[256];

    (void)argument;
    assert_errno(getxattr("mnt/file", "user.shmapfs.pages", value, sizeof(value)), EPERM);
    struct json_object *answer = list("mnt");
    struct json_object *file = object(answer, "file");
    assert_int_equal(json_number(file, "size"), 8);
    assert_null(json_member(file, "resident"));
    assert_null(json_member(file, "dirty"));
    assert_null(json_member(file, "swapped"));
    // Who may write may not know, either: an access ACL can make that another thing than it seems.
    assert_null(json_member(object(answer, "writable"), "resident"));
    assert_true(json_number(object(answer, "own"), "resident") >= 1);
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "ls", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "         -      -      0  file\n"));
    return 0;
}

static void pages_of_other_users(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, false, "");
    put_file("mnt/file", "contents");
    put_file("mnt/writable", "contents");
    assert_ok(chmod("mnt/file", 0644));
    assert_ok(chmod("mnt/writable", 0666));
    put_file("mnt/own", "contents");
    assert_ok(chown("mnt/own", NOBODY, NOBODY));
    assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, count_of_another, NULL), 0);
    assert_true(number_of("file", "resident") >= 1);
    workspace_unmount(workspace);
}

static void the_attribute(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char value[256], names[256], wanted[64];

    need_cachestat();
    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    ssize_t length = getxattr("mnt/file", "user.shmapfs.pages", value, sizeof(value) - 1);
    assert_ok(length);
    assert_int_equal(getxattr("mnt/file", "user.shmapfs.pages", NULL, 0), length);
    value[length] = '\0';
    snprintf(wanted, sizeof(wanted), " swapped=0 passthrough=%d",
             is_passthrough(workspace, "store_area"));
    assert_int_equal(strncmp(value, "resident=1 dirty=", 17), 0);
    assert_non_null(strstr(value, wanted));
    assert_errno(setxattr("mnt/file", "user.shmapfs.pages", "x", 1, 0), EPERM);
    assert_errno(getxattr("mnt", "user.shmapfs.pages", value, sizeof(value)), ENODATA);
    assert_int_equal(listxattr("mnt/file", names, sizeof(names)), 0);
    workspace_unmount(workspace);
}

static void answers_in_words(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "anon=scratch,huge=never");
    int fd = new_file("mnt/scratch/file", 0);
    write_pages(fd);
    assert_ok(close(fd));
    put_file("mnt/empty", "");
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    if (page_size() == 4096)
        assert_string_equal(
            result.out, is_passthrough(workspace, "ram_area")
                            ? "CLASS    SIZE  ALLOCATED  RESIDENT  DIRTY  USERS  PATH\n"
                              "persist    0B         0B         0      0      0  empty\n"
                              "anon      40K        40K        10      0      0  scratch/file\n"
                            : "CLASS    SIZE  ALLOCATED  RESIDENT  DIRTY  USERS  PATH\n"
                              "persist    0B         0B         0      0      0  empty\n"
                              "anon      40K        40K        20      0      0  scratch/file\n");
    workspace_unmount(workspace);
}

static void refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), "ls", workspace->store, NULL);
    assert_refused(&result, FAILED, workspace->store, "not a file or directory of a shmapfs mount",
                   NULL);
    result = run_program(shmapctl(), "ls", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "ls", NULL);
    assert_int_equal(result.status, USAGE);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(dirty_pages_become_clean),
    cmocka_unit_test(stores_make_pages_dirty),
    cmocka_unit_test(anonymous_pages),
    cmocka_unit_test(holes),
    cmocka_unit_test(paths_are_sorted_and_relative),
    cmocka_unit_test(odd_names_are_one_line),
    cmocka_unit_test(directories_nested_too_deeply),
    cmocka_unit_test(directories_that_are_moved_meanwhile),
    cmocka_unit_test(closed_directories),
    cmocka_unit_test(processes_are_counted),
    cmocka_unit_test(listing_leaves_no_trace),
    cmocka_unit_test(the_attribute),
    cmocka_unit_test(answers_in_words),
    cmocka_unit_test(refusals),
    // These mount something in the mount, and become another user.
    cmocka_unit_test(other_mounts_are_not_entered),
    cmocka_unit_test(pages_of_other_users),
};

ROOT_LAST_MAIN("ls", cases, 2)
