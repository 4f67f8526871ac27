// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl list and status: every mount is found, and every option that is in force. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1 };

static struct json_object *command_json(const char *command, const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", command, path, NULL);

    return json_output_of(&result);
}

/* The mount at a path as `list` shows it, which is NULL if it does not. */
static struct json_object *listed(struct json_object *list, const char *path)
{
    return json_find(json_member(list, "mounts"), "mountpoint", path);
}

static void assert_is_null(struct json_object *object, const char *name)
{
    assert_true(json_object_is_type(json_member(object, name), json_type_null));
}

static void assert_has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return;
    }
    fail_msg("no %s in %s", word, list);
}

static void a_line_for_each_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=3m");
    struct json_object *list = command_json("list", NULL), *mount = listed(list, workspace->mnt);
    assert_non_null(mount);
    assert_is_null(mount, "pid");
    assert_is_null(mount, "problem");
    assert_string_equal(json_text(mount, "root"), "/");
    struct json_object *status = json_member(mount, "status");
    assert_string_equal(json_text(status, "store"), workspace->store);
    assert_int_equal(json_number(json_member(status, "ram_area"), "size"), 3 << 20);
    json_object_put(list);
    struct program_result words = run_program(shmapctl(), "list", NULL);
    assert_done(&words);
    assert_non_null(strstr(words.out, workspace->mnt));
    assert_non_null(strstr(words.out, workspace->store));
    assert_non_null(strstr(words.out, "3.0M"));
    struct program_result same = run_program(shmapctl(), "status", NULL);
    assert_done(&same);
    assert_non_null(strstr(same.out, workspace->mnt));
    workspace_unmount(workspace);
    words = run_program(shmapctl(), "list", NULL);
    assert_done(&words);
    assert_null(strstr(words.out, workspace->mnt));
}

static void mounts_of_run(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(workspace, false, "echo $$; read line");
    char path[64];

    pid_t command = read_pid(&background);
    // Other processes of the run have the same namespace; one of them names the mount.
    struct json_object *list = command_json("list", NULL), *mount = NULL;
    struct json_object *mounts = json_member(list, "mounts");
    for (size_t i = 0; i < json_object_array_length(mounts); i++) {
        struct json_object *other = json_object_array_get_idx(mounts, i);
        char member[64], own[64];
        ssize_t lengths[2];
        if (json_object_is_type(json_member(other, "pid"), json_type_null))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)json_number(other, "pid"));
        lengths[0] = readlink(path, member, sizeof(member));
        snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)command);
        lengths[1] = readlink(path, own, sizeof(own));
        if (lengths[0] > 0 && lengths[0] == lengths[1] &&
            memcmp(member, own, (size_t)lengths[0]) == 0)
            mount = other;
    }
    assert_non_null(mount);
    snprintf(path, sizeof(path), "/proc/%d/root/dev/shm", (int)json_number(mount, "pid"));
    assert_string_equal(json_text(mount, "mountpoint"), path);
    // The path that it shows is one that other commands take.
    struct json_object *status = command_json("status", path);
    assert_string_equal(json_text(status, "mountpoint"), "/dev/shm");
    json_object_put(status);
    json_object_put(list);
    say(&background, "line\n");
    assert_run_ends(&background, 0);
}

static void every_option_in_force(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true,
                    "size=3m,nr_inodes=2000,huge=never,mode=755,anon=one:two/three,timeout=7,"
                    "descriptors=99,user_descriptors=25%,watchdog=40,noexec,noatime,nodiratime");
    struct json_object *status = command_json("status", workspace->mnt);
    const char *options = json_text(status, "options");
    assert_has_word(options, "size=3m");
    assert_has_word(options, "nr_inodes=2000");
    assert_has_word(options, "huge=never");
    assert_has_word(options, "mode=0755");
    assert_has_word(options, "anon=one:two/three");
    assert_has_word(options, "timeout=7");
    assert_has_word(options, "descriptors=99");
    assert_has_word(options, "user_descriptors=25%");
    assert_has_word(options, "watchdog=40");
    if (workspace->nopassthrough)
        assert_has_word(options, "nopassthrough");
    const char *kernel = json_text(status, "mount_options");
    assert_has_word(kernel, "rw");
    assert_has_word(kernel, "nosuid");
    assert_has_word(kernel, "noexec");
    assert_has_word(kernel, "noatime");
    if (workspace->root)
        assert_has_word(kernel, "nodiratime");
    struct program_result words = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_done(&words);
    assert_non_null(strstr(words.out, options));
    assert_non_null(strstr(words.out, kernel));
    json_object_put(status);
    // Changed options are shown as they are now, and as another worker knows them.
    words = run_program(shmapctl(), "resize", workspace->mnt, "4m", NULL);
    assert_done(&words);
    int64_t worker = read_status_number(workspace, "pid");
    assert_ok(kill((pid_t)worker, SIGKILL));
    status = command_json("status", workspace->mnt);
    assert_has_word(json_text(status, "options"), "size=4m");
    assert_has_word(json_text(status, "options"), "anon=one:two/three");
    json_object_put(status);
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "ro,nokeeper,fsname=name,mpol=default");
    status = command_json("status", workspace->mnt);
    assert_has_word(json_text(status, "mount_options"), "ro");
    assert_has_word(json_text(status, "options"), "nokeeper");
    assert_has_word(json_text(status, "options"), "fsname=name");
    json_object_put(status);
    workspace_unmount(workspace);
}

static void all_names_are_shown(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char options[2000] = "anon=";

    for (int i = 0; i < 150; i++)
        snprintf(options + strlen(options), sizeof(options) - strlen(options), "%sname-%03d",
                 i ? ":" : "", i);
    workspace_mount(workspace, true, options);
    struct json_object *status = command_json("status", workspace->mnt);
    assert_non_null(strstr(json_text(status, "options"), options));
    json_object_put(status);
    workspace_unmount(workspace);
}

static void mounts_without_a_daemon(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "nokeeper");
    assert_ok(kill((pid_t)read_status_number(workspace, "pid"), SIGKILL));
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
    struct json_object *list = command_json("list", NULL), *mount = listed(list, workspace->mnt);
    assert_non_null(mount);
    assert_non_null(strstr(json_text(mount, "problem"), "dead"));
    assert_is_null(mount, "status");
    json_object_put(list);
    struct program_result result = run_program(workspace->root ? "umount" : "fusermount3",
                                               workspace->root ? "-i" : "-u", workspace->mnt, NULL);
    assert_done(&result);
}

static void strictatime_is_in_the_mount_table(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "strictatime");
    struct json_object *status = command_json("status", workspace->mnt);
    assert_null(strstr(json_text(status, "mount_options"), "atime"));
    json_object_put(status);
    workspace_unmount(workspace);
}

static void bind_mounts(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char bind[PATH_MAX], name[PATH_MAX];

    snprintf(bind, sizeof(bind), "%s/bind", workspace->dir);
    snprintf(name, sizeof(name), "%s/mnt/one", workspace->dir);
    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/one/two", 0755));
    assert_ok(mkdir(bind, 0755));
    struct program_result result = run_program(shmapctl(), "status", name, NULL);
    assert_refused(&result, FAILED, name, "mount point", workspace->mnt, NULL);
    assert_ok(mount("mnt/one", bind, NULL, MS_BIND, NULL));
    struct json_object *status = command_json("status", bind);
    assert_string_equal(json_text(status, "mountpoint"), workspace->mnt);
    json_object_put(status);
    result = run_program(shmapctl(), "status", "bind", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "is /one of"));
    assert_non_null(strstr(result.out, workspace->mnt));
    // A directory in it is none that is mounted.
    result = run_program(shmapctl(), "status", "bind/two", NULL);
    assert_refused(&result, FAILED, "bind/two", "not its root", NULL);
    struct json_object *list = command_json("list", NULL), *mount = listed(list, bind);
    assert_non_null(mount);
    assert_string_equal(json_text(mount, "root"), "/one");
    assert_non_null(strstr(json_text(mount, "problem"), "bind"));
    json_object_put(list);
    assert_ok(umount(bind));
    workspace_unmount(workspace);
}

static bool is_unmounted(void *mountpoint)
{
    return umount2(mountpoint, 0) == 0;
}

/* Its user may stop a daemon, which nobody else waits for. */
static void a_daemon_that_was_stopped(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "watchdog=0");
    pid_t worker = (pid_t)read_status_number(workspace, "pid");
    stop_process(worker);
    struct json_object *list = command_json("list", NULL), *mount = listed(list, workspace->mnt);
    assert_ok(kill(worker, SIGCONT));
    assert_non_null(mount);
    assert_is_null(mount, "status");
    assert_string_equal(json_text(mount, "problem"), "does not answer");
    json_object_put(list);
    // The call that was left behind comes to its end first.
    await_true(is_unmounted, workspace->mnt, "an umount");
    assert_int_equal(workspace_await_children(), 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_line_for_each_mount),
    cmocka_unit_test(mounts_of_run),
    cmocka_unit_test(every_option_in_force),
    cmocka_unit_test(all_names_are_shown),
    cmocka_unit_test(mounts_without_a_daemon),
    cmocka_unit_test(strictatime_is_in_the_mount_table),
    cmocka_unit_test(bind_mounts),
    cmocka_unit_test(a_daemon_that_was_stopped),
};

RUN_MAIN("list", cases, 3)
