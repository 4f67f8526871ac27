// SPDX-License-Identifier: BSD-2-Clause
// Root that lacks one of its capabilities, as in many a container: it serves all users rightly, or
// not at all.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Tries to mount without a capability, which setpriv(1) knows by its name in small letters, without
 * CAP_. */
static struct program_result mount_without(const struct workspace *workspace,
                                           const char *capability, bool with_store,
                                           const char *options)
{
    char less[64], all[128];

    snprintf(less, sizeof(less), "-%s", capability);
    snprintf(all, sizeof(all), "%s%s", workspace->nopassthrough ? "nopassthrough" : "defaults",
             options);
    // Root gets at most what the bounding set has when it executes a program. The stack is smaller
    // than usual.
    return run_program("sh", "-c", "ulimit -s 4096 && exec \"$@\"", "sh", "setpriv", "--inh-caps",
                       less, "--bounding-set", less, shmapfs(), "-o", all,
                       with_store ? workspace->store : workspace->mnt,
                       with_store ? workspace->mnt : NULL, NULL);
}

static void refused_where_users_cannot_be_told_apart(void **state)
{
    static const struct {
        const char *capability, *name;
    } needed[] = {
        { "chown", "CAP_CHOWN" },     { "dac_override", "CAP_DAC_OVERRIDE" },
        { "fowner", "CAP_FOWNER" },   { "fsetid", "CAP_FSETID" },
        { "setuid", "CAP_SETUID" },   { "setgid", "CAP_SETGID" },
        { "setpcap", "CAP_SETPCAP" },
    };
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        for (int with_store = 0; with_store < 2; with_store++) {
            struct program_result result =
                mount_without(workspace, needed[i].capability, with_store, "");
            assert_refused(&result, 1, needed[i].name, NULL);
            assert_nothing_left(workspace, tree);
        }
    }
    free(tree);
}

/* Without file handles, that is: files are found again by their names. */
static void files_belong_to_their_makers_without_handles(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int with_store = 0; with_store < 2; with_store++) {
        struct program_result result = mount_without(workspace, "dac_read_search", with_store, "");
        assert_done(&result);
        assert_true(workspace_is_mounted(workspace->mnt));
        assert_ok(chmod("mnt", 0777));
        assert_int_equal(as(ALICE, create_file, "mnt/file"), 0);
        assert_int_equal(as(BOB, make_directory, "mnt/directory"), 0);
        assert_int_equal(stat_of("mnt/file").st_uid, ALICE);
        assert_int_equal(stat_of("mnt/file").st_gid, ALICE);
        assert_int_equal(stat_of("mnt/directory").st_uid, BOB);
        assert_int_equal(as(BOB, write_file, "mnt/file"), EACCES);
        workspace_unmount(workspace);
        if (with_store)
            assert_int_equal(stat_of("store/file").st_uid, ALICE);
    }
}

// Enough to fill the stack of a thread that takes a step for each.
enum { LEVELS = 12000 };

/* Leaves the deepest directory as the working directory, and the daemon without its descriptor. */
static void descend(const struct workspace *workspace)
{
    char path[PATH_MAX + 32];

    assert_ok(chdir("mnt"));
    for (int i = 0; i < LEVELS; i++) {
        assert_ok(mkdir("d", 0755));
        assert_ok(chdir("d"));
    }
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "%s/file%d", workspace->mnt, i);
        put_file(path, "");
    }
}

static int list_directory(void *path)
{
    DIR *directory = opendir(path);

    return directory == NULL ? errno : result_of(closedir(directory));
}

static int link_here(void *path)
{
    return result_of(symlink("target", path));
}

static int remove_name(void *path)
{
    return result_of(unlink(path));
}

static void deep_tree_without_handles(void **state)
{
    static const struct {
        user_action *action;
        const char *path;
    } attempts[] = {
        { list_directory, "." },  { make_directory, "sub" }, { create_file, "entry" },
        { read_file, "entry" },   { remove_name, "entry" },  { link_here, "entry" },
        { remove_name, "entry" }, { list_directory, "sub" },
    };
    struct workspace *workspace = workspace_of(state);

    struct program_result result =
        mount_without(workspace, "dac_read_search", false, ",descriptors=16");
    assert_done(&result);
    descend(workspace);
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        int error = attempts[i].action((char *)(uintptr_t)attempts[i].path);
        if (error != 0)
            fail_msg("attempt %zu: %s", i, strerror(error));
    }
    assert_ok(chdir(workspace->dir));
    put_file("mnt/last", "works");
    assert_content("mnt/last", "works");
    workspace_unmount(workspace);
}

enum { NAMESPACE_IDS = 1000 };

/* Root of a user namespace whose ids end before those that stand for nobody elsewhere. */
static int mount_in_small_namespace(struct coprocess *parent, void *argument)
{
    const struct workspace *workspace = argument;

    coprocess_check(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
    for (int with_store = 0; with_store < 2; with_store++) {
        struct program_result result = workspace_try_mount(workspace, with_store, "");
        if (result.status != 0)
            coprocess_complain(__FILE__, __LINE__, result.err);
        coprocess_check(result.status == 0);
        coprocess_check(chmod("mnt", 0777) == 0);
        coprocess_check(as(5, create_file, "mnt/file") == 0);
        coprocess_check(as(6, make_directory, "mnt/directory") == 0);
        coprocess_check(as(6, write_file, "mnt/file") == EACCES);
        coprocess_check(stat_of("mnt/file").st_uid == 5 && stat_of("mnt/file").st_gid == 5);
        coprocess_check(stat_of("mnt/directory").st_uid == 6);
        coprocess_check(umount2("mnt", 0) == 0);
    }
    return 0;
}

static void map_ids(pid_t pid, const char *file)
{
    char path[64], map[32];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    snprintf(map, sizeof(map), "0 0 %d\n", NAMESPACE_IDS);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_ok(fd);
    assert_int_equal(write(fd, map, strlen(map)), strlen(map));
    assert_ok(close(fd));
}

static void user_namespace_with_few_ids(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    assert_int_equal(coprocess_start(&coprocess, mount_in_small_namespace, workspace), 0);
    assert_true(coprocess_await_turn(&coprocess));
    map_ids(coprocess.pid, "uid_map");
    map_ids(coprocess.pid, "gid_map");
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(workspace_await_children(), 0);
    assert_int_equal(stat_of("store/file").st_uid, 5);
}

/* Mounts where no thread can get a umask of its own. */
static int mount_without_unshare(struct coprocess *parent, void *argument)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLONE_FS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

    (void)parent;
    coprocess_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    return workspace_try_mount(argument, true, "").status;
}

/* With another's umask files would be open to more users than their maker wants. */
static void nothing_is_made_with_another_umask(void **state)
{
    struct workspace *workspace = workspace_of(state);

    put_file("store/file", "contents");
    assert_int_equal(coprocess_run(mount_without_unshare, workspace), 0);
    assert_errno(mkdir("mnt/directory", 0777), EPERM);
    assert_errno(open("mnt/new", O_RDWR | O_CREAT, 0666), EPERM);
    assert_errno(symlink("target", "mnt/symlink"), EPERM);
    assert_false(exists("store/directory") || exists("store/new") || exists("store/symlink"));
    // All else goes on.
    int fd = open_file("mnt/file", O_RDWR);
    assert_int_equal(write(fd, "replaced", 8), 8);
    assert_ok(close(fd));
    assert_content("mnt/file", "replaced");
    assert_ok(unlink("mnt/file"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(refused_where_users_cannot_be_told_apart),
    cmocka_unit_test(files_belong_to_their_makers_without_handles),
    cmocka_unit_test(deep_tree_without_handles),
    cmocka_unit_test(user_namespace_with_few_ids),
    cmocka_unit_test(nothing_is_made_with_another_umask),
};

WORKSPACE_MAIN("capabilities", cases)
