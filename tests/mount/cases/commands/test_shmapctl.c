// SPDX-License-Identifier: BSD-2-Clause
// shmapctl: what it shows and changes of a mount, and what it refuses.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2 };

/* Wrong command lines get the message, and may get a hint in a second line. */
static void assert_usage(const struct program_result *result, const char *word)
{
    assert_int_equal(result->status, USAGE);
    assert_string_equal(result->out, "");
    assert_int_equal(strncmp(result->err, "shmapctl: ", 10), 0);
    if (strstr(result->err, word) == NULL)
        fail_msg("does not say '%s': %s", word, result->err);
}

static void help_and_version(void **state)
{
    (void)state;
    struct program_result result = run_program(shmapctl(), "--help", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "status"));
    assert_non_null(strstr(result.out, "class"));
    assert_non_null(strstr(result.out, "resize"));
    assert_non_null(strstr(result.out, "upgrade"));
    result = run_program(shmapctl(), "--version", NULL);
    assert_done(&result);
    assert_non_null(strpbrk(result.out, "0123456789"));
}

static void help_for_a_command(void **state)
{
    (void)state;
    struct program_result result = run_program(shmapctl(), "help", "ls", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "usage: shmapctl [--json] ls [OPTION...] MOUNTPOINT\n"));
    assert_non_null(strstr(result.out, "--sort KEY"));
    assert_null(strstr(result.out, "resize"));
    struct program_result same = run_program(shmapctl(), "ls", "--help", NULL);
    assert_done(&same);
    assert_string_equal(same.out, result.out);
    result = run_program(shmapctl(), "help", "run", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "--persist"));
    result = run_program(shmapctl(), "help", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "resize"));
    result = run_program(shmapctl(), "help", "bogus", NULL);
    assert_usage(&result, "bogus");
    // Options of one command are none of another.
    result = run_program(shmapctl(), "who", "--sort", "size", "/", NULL);
    assert_usage(&result, "sort");
}

static void wrong_command_lines(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), NULL);
    assert_usage(&result, "command is missing");
    result = run_program(shmapctl(), "bogus", workspace->mnt, NULL);
    assert_usage(&result, "bogus");
    result = run_program(shmapctl(), "--bogus", "status", workspace->mnt, NULL);
    assert_usage(&result, "bogus");
    result = run_program(shmapctl(), "who", NULL);
    assert_usage(&result, "too few");
    result = run_program(shmapctl(), "status", workspace->mnt, workspace->mnt, NULL);
    assert_usage(&result, "too many");
    result = run_program(shmapctl(), "class", NULL);
    assert_usage(&result, "too few");
    result = run_program(shmapctl(), "resize", workspace->mnt, NULL);
    assert_usage(&result, "too few");
    result = run_program(shmapctl(), "class", workspace->mnt, "bogus", NULL);
    assert_usage(&result, "bogus");
    result = run_program(shmapctl(), "resize", workspace->mnt, "lots", NULL);
    assert_usage(&result, "lots");
    result = run_program(shmapctl(), "resize", workspace->mnt, "99999999999999999999", NULL);
    assert_usage(&result, "range");
    result = run_program(shmapctl(), "resize", workspace->mnt, "0", NULL);
    assert_usage(&result, "range");
}

static void places_that_are_no_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_refused(&result, FAILED, workspace->mnt, "not a shmapfs mount", NULL);
    result = run_program(shmapctl(), "--json", "status", "/", NULL);
    assert_refused(&result, FAILED, "not a shmapfs mount", NULL);
    result = run_program(shmapctl(), "status", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "class", workspace->store, NULL);
    assert_refused(&result, FAILED, workspace->store, "shmapfs mount", NULL);
    result = run_program(shmapctl(), "class", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "resize", workspace->mnt, "1g", NULL);
    assert_refused(&result, FAILED, workspace->mnt, "shmapfs mount", NULL);
    // Nothing of ours is left on a directory that is none of ours.
    result = run_program(shmapctl(), "class", workspace->store, "anon", NULL);
    assert_refused(&result, FAILED, workspace->store, NULL);
    assert_int_equal(listxattr(workspace->store, NULL, 0), 0);
}

static void only_the_root_of_the_mount_has_a_status(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/directory", 0755));
    struct program_result result = run_program(shmapctl(), "status", "mnt/directory", NULL);
    assert_refused(&result, FAILED, "mnt/directory", "mount point", NULL);
    result = run_program(shmapctl(), "resize", "mnt/directory", "2m", NULL);
    assert_refused(&result, FAILED, "mnt/directory", "mount point", NULL);
    workspace_unmount(workspace);
}

static void assert_says(const struct program_result *result, const char *word)
{
    assert_done(result);
    if (strstr(result->out, word) == NULL)
        fail_msg("does not say '%s': %s", word, result->out);
}

static void status_in_words(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=3m,huge=never,anon=scratch");
    struct program_result result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_says(&result, workspace->mnt);
    assert_says(&result, workspace->store);
    assert_says(&result, "huge=never");
    assert_says(&result, "3.0M");
    assert_says(&result, workspace->passthrough ? "passthrough" : "cache");
    // A relative path, and one with a slash, are the same mount.
    result = run_program(shmapctl(), "status", "mnt/", NULL);
    assert_says(&result, workspace->mnt);
    workspace_unmount(workspace);
}

/* One JSON object on one line; for json_object_put(). */
static struct json_object *parse_line(const struct program_result *result)
{
    assert_done(result);
    const char *end = strchr(result->out, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    struct json_object *object = json_tokener_parse(result->out);
    assert_non_null(object);
    assert_int_equal(json_object_get_type(object), json_type_object);
    return object;
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value))
        fail_msg("no member %s in %s", name, json_object_to_json_string(object));
    return value;
}

static void status_in_json(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=3m,nr_inodes=100,anon=scratch");
    int fd = open_file("mnt/scratch/file", O_RDWR | O_CREAT);
    assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
    struct program_result result =
        run_program(shmapctl(), "--json", "status", workspace->mnt, NULL);
    struct json_object *status = parse_line(&result);
    assert_string_equal(json_object_get_string(member(status, "mountpoint")), workspace->mnt);
    assert_string_equal(json_object_get_string(member(status, "store")), workspace->store);
    assert_int_equal(json_object_get_int64(member(status, "open_files")), 1);
    assert_true(json_object_get_int64(member(status, "nodes")) >= 2);
    assert_int_equal(kill((pid_t)json_object_get_int64(member(status, "pid")), 0), 0);
    struct json_object *ram = member(status, "ram_area");
    assert_int_equal(json_object_get_int64(member(ram, "size")), 3 << 20);
    assert_in_range(json_object_get_int64(member(ram, "used")), 1 << 20, 3 << 20);
    assert_int_equal(json_object_get_int64(member(ram, "inodes")), 100);
    bool passthrough = workspace->passthrough;
    assert_int_equal(json_object_get_boolean(member(ram, "passthrough")), passthrough);
    const char *reason = json_object_get_string(member(ram, "reason"));
    assert_int_equal(strlen(reason) == 0, passthrough);
    assert_string_equal(json_object_get_string(member(ram, "filesystem")), "tmpfs");
    const char *lacks = json_object_get_string(member(ram, "lacks"));
    assert_int_equal(strlen(lacks) == 0, has_user_attributes("mnt/scratch"));
    json_object_put(status);
    assert_ok(close(fd));
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "");
    result = run_program(shmapctl(), "status", workspace->mnt, "-j", NULL);
    status = parse_line(&result);
    assert_int_equal(json_object_get_type(member(status, "store_area")), json_type_null);
    assert_string_equal(json_object_get_string(member(status, "store")), "");
    json_object_put(status);
    workspace_unmount(workspace);
}

static void class_is_shown_and_set(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/directory", 0755));
    struct program_result result = run_program(shmapctl(), "class", "mnt/directory", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "persist\n");
    result = run_program(shmapctl(), "class", "mnt/directory", "anon", NULL);
    assert_done(&result);
    assert_class("mnt/directory", "anon");
    put_file("mnt/directory/file", "");
    result = run_program(shmapctl(), "class", "mnt/directory/file", "--json", NULL);
    struct json_object *answer = parse_line(&result);
    assert_string_equal(json_object_get_string(member(answer, "path")), "mnt/directory/file");
    assert_string_equal(json_object_get_string(member(answer, "class")), "anon");
    json_object_put(answer);
    result = run_program(shmapctl(), "class", "mnt/directory", "persist", NULL);
    assert_refused(&result, FAILED, "mnt/directory", "not empty", NULL);
    result = run_program(shmapctl(), "class", "mnt/directory/file", "anon", NULL);
    assert_refused(&result, FAILED, "mnt/directory/file", "files do not last", NULL);
    assert_ok(mkdir("mnt/other", 0755));
    result = run_program(shmapctl(), "class", "mnt/other", "atomic", NULL);
    assert_done(&result);
    assert_class("mnt/other", "atomic");
    assert_ok(mkdir("mnt/directory/below", 0755));
    result = run_program(shmapctl(), "class", "mnt/directory/below", "persist", NULL);
    assert_refused(&result, FAILED, "mnt/directory/below", "persist", NULL);
    workspace_unmount(workspace);
}

static void class_of_a_single_file(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    struct program_result result = run_program(shmapctl(), "class", "mnt/file", "anon", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "mnt/file: anon when nobody uses it any more"));
    assert_non_null(strstr(result.out, "test_shmapctl"));
    result = run_program(shmapctl(), "--json", "class", "mnt/file", NULL);
    struct json_object *answer = parse_line(&result);
    assert_string_equal(json_object_get_string(member(answer, "class")), "persist");
    assert_string_equal(json_object_get_string(member(answer, "next_class")), "anon");
    assert_int_equal(json_object_array_length(member(answer, "users")), 1);
    json_object_put(answer);
    assert_ok(close(fd));
    result = run_program(shmapctl(), "class", "mnt/file", "scratch", NULL);
    assert_refused(&result, FAILED, "mnt/file", "a single file is", NULL);
    result = run_program(shmapctl(), "class", "mnt/file", "persist", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
}

static void skeleton_is_shown_and_set(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(mkdir("mnt/plain", 0755));
    struct program_result result = run_program(shmapctl(), "skeleton", "mnt/scratch", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "off\n");
    result = run_program(shmapctl(), "skeleton", "mnt/scratch", "on", NULL);
    assert_done(&result);
    result = run_program(shmapctl(), "skeleton", "mnt/scratch", NULL);
    assert_string_equal(result.out, "on\n");
    result = run_program(shmapctl(), "--json", "skeleton", "mnt/scratch", "off", NULL);
    struct json_object *answer = parse_line(&result);
    assert_string_equal(json_object_get_string(member(answer, "path")), "mnt/scratch");
    assert_false(json_object_get_boolean(member(answer, "skeleton")));
    json_object_put(answer);
    result = run_program(shmapctl(), "skeleton", "mnt/scratch", "maybe", NULL);
    assert_usage(&result, "on or off");
    result = run_program(shmapctl(), "skeleton", "mnt/plain", "on", NULL);
    assert_refused(&result, FAILED, "mnt/plain", "anonymous", NULL);
    result = run_program(shmapctl(), "skeleton", "mnt/plain", NULL);
    assert_refused(&result, FAILED, "mnt/plain", "anonymous", NULL);
    result = run_program(shmapctl(), "skeleton", workspace->store, "on", NULL);
    assert_refused(&result, FAILED, "store", "shmapfs mount", NULL);
    workspace_unmount(workspace);
}

static void classes_of_several(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/two", 0755));
    assert_ok(mkdir("mnt/full", 0755));
    put_file("mnt/full/file", "");
    struct program_result result =
        run_program(shmapctl(), "class", "mnt/one", "mnt/two", "anom", NULL);
    assert_refused(&result, USAGE, "anom", "checkpoint and scratch", NULL);
    assert_class("mnt/one", "persist");
    result = run_program(shmapctl(), "class", "mnt/one", "mnt/two", "anon", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "");
    result = run_program(shmapctl(), "class", "mnt/one", "mnt/two", "mnt/full", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "anon        mnt/one\n"
                                    "anon        mnt/two\n"
                                    "persist     mnt/full\n");
    result = run_program(shmapctl(), "-j", "class", "mnt/one", "mnt/full", NULL);
    struct json_object *answer = parse_line(&result);
    assert_int_equal(json_object_array_length(member(answer, "classes")), 2);
    json_object_put(answer);
    // A change that fails for one path is made for the others.
    result = run_program(shmapctl(), "class", "mnt/full", "mnt/one", "persist", NULL);
    assert_done(&result);
    result = run_program(shmapctl(), "class", "mnt/full", "mnt/one", "anon", NULL);
    assert_refused(&result, FAILED, "mnt/full", "not empty", NULL);
    assert_class("mnt/one", "anon");
    workspace_unmount(workspace);
}

static void answers_of_odd_names_are_one_line(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/two\nlines", 0755));
    struct program_result result =
        run_program(shmapctl(), "--json", "class", "mnt/two\nlines", NULL);
    struct json_object *answer = parse_line(&result);
    assert_string_equal(json_object_get_string(member(answer, "path")), "mnt/two\nlines");
    json_object_put(answer);
    result = run_program(shmapctl(), "status", "mnt/two\nlines", NULL);
    assert_refused(&result, FAILED, "mount point", NULL);
    workspace_unmount(workspace);
}

static int mount_and_resize(void *argument)
{
    const struct workspace *workspace = argument;

    struct program_result result =
        run_program(shmapfs(), workspace->store, workspace->mnt, "-o", "size=4m", NULL);
    assert_done(&result);
    result = run_program(shmapctl(), "resize", workspace->mnt, "8m", NULL);
    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 << 20);
    return 0;
}

/* The mount's owner decides, not the owner of the store's root directory. */
static void resized_by_the_owner_of_the_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct sandbox sandbox = { .top = workspace->dir, .by_root = true };

    if (!workspace->root)
        return; // Two users are needed.
    assert_ok(chmod("store", 0777));
    assert_ok(chown("mnt", NOBODY, NOBODY));
    assert_int_equal(sandbox_share_fuse_device(&sandbox), 0);
    int result = harness_as(NOBODY, NOBODY, 0, NULL, mount_and_resize, workspace);
    if (exists("dev")) {
        assert_ok(umount2("/dev/fuse", MNT_DETACH));
        assert_ok(umount2("dev", MNT_DETACH));
    }
    assert_int_equal(result, 0);
    workspace_unmount(workspace);
}

/* The mount lives on without a break: what is said of it is about its processes. */
static void upgrade_in_words_and_json(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    need_survival(workspace);
    put_file("mnt/file", "contents");
    struct program_result result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_says(&result, "survival   0 restarts, 0 upgrades\n");
    assert_says(&result, ", keeper ");
    assert_says(&result, "transport fuse");
    int64_t keeper = read_status_number(workspace, "keeper");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, NULL);
    assert_says(&result, "upgraded from ");
    assert_says(&result, "requests waited for ");
    assert_int_equal(read_status_number(workspace, "upgrades"), 1);
    result = run_program(shmapctl(), "--json", "upgrade", "mnt", shmapfs(), NULL);
    struct json_object *answer = parse_line(&result);
    assert_string_equal(json_object_get_string(member(answer, "mountpoint")), "mnt");
    assert_string_equal(json_object_get_string(member(answer, "from")),
                        json_object_get_string(member(answer, "to")));
    assert_true(json_object_get_int64(member(answer, "stall_us")) > 0);
    json_object_put(answer);
    result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_says(&result, "survival   0 restarts, 2 upgrades; the last: upgrade of ");
    assert_int_equal(read_status_number(workspace, "keeper"), keeper);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void restarts_in_words(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char reason[64];

    workspace_mount(workspace, true, "");
    need_survival(workspace);
    int64_t worker = read_status_number(workspace, "pid");
    assert_ok(kill((pid_t)worker, SIGKILL));
    while (read_status_number(workspace, "pid") == worker)
        ;
    struct program_result result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    snprintf(reason, sizeof(reason), "the last: worker %d was killed by signal 9", (int)worker);
    assert_says(&result, "survival   1 restarts, 0 upgrades");
    assert_says(&result, reason);
    workspace_unmount(workspace);
}

static void refused_upgrades(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    need_survival(workspace);
    struct program_result result = run_program(shmapctl(), "upgrade", NULL);
    assert_usage(&result, "too few");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, "/bin/true", "/bin/true", NULL);
    assert_usage(&result, "too many");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, "/bin/true", NULL);
    assert_refused(&result, FAILED, workspace->mnt, "refused", "goes on serving", "is it shmapfs",
                   NULL);
    result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_says(&result, "upgrade refused: it does not know how to go on");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, "missing", NULL);
    assert_refused(&result, FAILED, "missing", "no such file", NULL);
    put_file("plain", "");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, "plain", NULL);
    assert_refused(&result, FAILED, "plain", "permission denied", NULL);
    assert_ok(chmod("plain", 0755));
    put_file("plain", "no program");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, "plain", NULL);
    assert_refused(&result, FAILED, "plain", "not a program", NULL);
    result = run_program(shmapctl(), "upgrade", workspace->dir, NULL);
    assert_refused(&result, FAILED, workspace->dir, NULL);
    assert_int_equal(read_status_number(workspace, "upgrades"), 0);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "nokeeper");
    result = run_program(shmapctl(), "upgrade", workspace->mnt, NULL);
    assert_refused(&result, FAILED, "cannot be upgraded", "without a keeper", NULL);
    result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_says(&result, "survival   no (");
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(help_and_version),
    cmocka_unit_test(help_for_a_command),
    cmocka_unit_test(wrong_command_lines),
    cmocka_unit_test(places_that_are_no_mount),
    cmocka_unit_test(only_the_root_of_the_mount_has_a_status),
    cmocka_unit_test(status_in_words),
    cmocka_unit_test(status_in_json),
    cmocka_unit_test(class_is_shown_and_set),
    cmocka_unit_test(class_of_a_single_file),
    cmocka_unit_test(skeleton_is_shown_and_set),
    cmocka_unit_test(classes_of_several),
    cmocka_unit_test(answers_of_odd_names_are_one_line),
    cmocka_unit_test(resized_by_the_owner_of_the_mount),
    cmocka_unit_test(upgrade_in_words_and_json),
    cmocka_unit_test(restarts_in_words),
    cmocka_unit_test(refused_upgrades),
};

WORKSPACE_MAIN("shmapctl", cases)
