// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl metrics: the text is OpenMetrics (tests/openmetrics.py), whatever names there are, and
 * the numbers are those of status. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/space/own_area.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1 };

/* Asserts that a file is a text of OpenMetrics. */
static void assert_grammar(const char *path)
{
    const char *reader = getenv("OPENMETRICS");

    assert_non_null(reader);
    struct program_result result = run_program("python3", reader, path, NULL);
    assert_string_equal(result.out, "");
    assert_done(&result);
}

/* Returns a file's contents as a text, for free(). */
static char *text_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    size_t size = (size_t)stat_of(path).st_size;
    char *text = calloc(1, size + 1);

    assert_true(fd >= 0 && text);
    assert_int_equal(read(fd, text, size), size);
    close(fd);
    return text;
}

static char *metrics_of(const char *mountpoint)
{
    struct program_result result =
        run_program(shmapctl(), "metrics", "--output", "out.prom", mountpoint, NULL);

    assert_done(&result);
    assert_string_equal(result.out, "");
    assert_grammar("out.prom");
    return text_of("out.prom");
}

static void assert_line(const char *text, const char *name, const char *labels, int64_t value)
{
    char line[2 * PATH_MAX];

    snprintf(line, sizeof(line), "\n%s{%s} %" PRId64 "\n", name, labels, value);
    if (!strstr(text, line))
        fail_msg("no%sin\n%s", line, text);
}

static void numbers_are_those_of_the_status(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char labels[PATH_MAX + 128];

    workspace_mount(workspace, true, "size=4m");
    put_file("mnt/file", "contents");
    make_limited("mnt/own", "size=1m");
    put_file("mnt/own/file", "");
    char *text = metrics_of("mnt");
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\"", workspace->mnt);
    assert_line(text, "shmapfs_up", labels, 1);
    assert_line(text, "shmapfs_upgrades_total", labels, 0);
    assert_line(text, "shmapfs_descriptors_limit", labels,
                read_status_number(workspace, "descriptors_max"));
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\",area=\"%s\",class=\"%s\",directory=\"%s\"",
             workspace->mnt, "ram", "anon", "");
    assert_line(text, "shmapfs_area_size_bytes", labels, 4 << 20);
    assert_line(text, "shmapfs_area_used_bytes", labels,
                read_status_number(workspace, "ram_area.used"));
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\",area=\"%s\",class=\"%s\",directory=\"%s\"",
             workspace->mnt, "own", "anon", "own");
    assert_line(text, "shmapfs_area_size_bytes", labels, 1 << 20);
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\",area=\"%s\",class=\"%s\",directory=\"%s\"",
             workspace->mnt, "store", "persist", "");
    assert_line(text, "shmapfs_area_passthrough", labels, workspace->passthrough);
    free(text);
    workspace_unmount(workspace);
}

/* Returns the value of a sample; 0: there is none. */
static int64_t sample(const char *text, const char *name, const char *labels)
{
    char begin[2 * PATH_MAX];

    snprintf(begin, sizeof(begin), "\n%s{%s} ", name, labels);
    const char *found = strstr(text, begin);
    return found ? strtoll(found + strlen(begin), NULL, 10) : 0;
}

/* Two runs differ by what was done between them, and by nothing else. */
static void numbers_change_by_the_work(void **state)
{
    enum { DIRECTORIES = 20, PAGES = 8, PAGE = 4096 };
    static char page[PAGE] = { 1 };
    struct workspace *workspace = workspace_of(state);
    char kind[PATH_MAX + 128], area[PATH_MAX + 128], path[64];

    workspace_mount(workspace, false, "size=4m");
    snprintf(kind, sizeof(kind), "mountpoint=\"%s\",kind=\"MKDIR\"", workspace->mnt);
    snprintf(area, sizeof(area), "mountpoint=\"%s\",area=\"ram\",class=\"anon\",directory=\"\"",
             workspace->mnt);
    char *before = metrics_of("mnt");
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        assert_ok(mkdir(path, 0755));
    }
    int fd = new_file("mnt/file", 0);
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(pwrite(fd, page, PAGE, (off_t)i * PAGE), PAGE);
    char *after = metrics_of("mnt");
    close(fd);
    assert_int_equal(sample(after, "shmapfs_requests_total", kind) -
                         sample(before, "shmapfs_requests_total", kind),
                     DIRECTORIES);
    assert_int_equal(sample(after, "shmapfs_area_inodes_used", area) -
                         sample(before, "shmapfs_area_inodes_used", area),
                     DIRECTORIES + 1);
    assert_int_equal(sample(after, "shmapfs_area_used_bytes", area) -
                         sample(before, "shmapfs_area_used_bytes", area),
                     PAGES * PAGE);
    free(before);
    free(after);
    workspace_unmount(workspace);
}

static void a_journal_has_numbers_of_its_own(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char labels[PATH_MAX + 128];

    workspace_mount(workspace, true, "atomic=dir,log=8m");
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\"", workspace->mnt);
    char *text = metrics_of("mnt");
    assert_null(strstr(text, "shmapfs_journal"));
    free(text);
    int fd = new_file("mnt/dir/file", 0);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_ok(fsync(fd));
    assert_int_equal(write(fd, "more", 4), 4);
    text = metrics_of("mnt");
    assert_line(text, "shmapfs_journal_size_bytes", labels, 8 << 20);
    assert_line(text, "shmapfs_journal_uncommitted_bytes", labels, 4096);
    assert_line(text, "shmapfs_journal_commits_total", labels, 1);
    assert_line(text, "shmapfs_journal_waits", labels, 0);
    assert_line(text, "shmapfs_journal_failed", labels, 0);
    char line[PATH_MAX + 256];
    snprintf(line, sizeof(line), "\nshmapfs_journal_last_commit_timestamp_seconds{%s} %" PRId64 ".",
             labels, read_status_number(workspace, "journal_last_commit"));
    assert_non_null(strstr(text, line));
    free(text);
    close(fd);
    workspace_unmount(workspace);
}

/* Labels hold quotes, backslashes, line feeds, and bytes that are no UTF-8. */
static void odd_names_are_escaped(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("a\"b\\c\nd\xff", 0755));
    struct program_result result = run_program(shmapfs(), "a\"b\\c\nd\xff", NULL);
    assert_done(&result);
    workspace_mount(workspace, true, "anon=x\"y:size=1m");
    assert_int_equal(exists("mnt/x\"y"), true);
    result = run_program(shmapctl(), "metrics", "--output", "all.prom", NULL);
    assert_done(&result);
    assert_grammar("all.prom");
    char *text = text_of("all.prom");
    assert_non_null(strstr(text, "/a\\\"b\\\\134c\\\\012d\\\\377\""));
    assert_non_null(strstr(text, "directory=\"x\\\"y\""));
    free(text);
    assert_int_equal(stat_of("all.prom").st_mode & 07777, 0644);
    result = run_program(workspace->root ? "umount" : "fusermount3", workspace->root ? "-l" : "-uz",
                         "a\"b\\c\nd\xff", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
}

/* A mount that tells nothing is down, and holds up nobody. */
static void a_dead_mount_is_down(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char labels[PATH_MAX + 128];

    workspace_mount(workspace, false, "nokeeper");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    char *text = metrics_of(workspace->mnt);
    // There is no other sample, so the line is the last of the first family.
    snprintf(labels, sizeof(labels), "mountpoint=\"%s\"", workspace->mnt);
    assert_line(text, "shmapfs_up", labels, 0);
    assert_null(strstr(text, "shmapfs_nodes"));
    free(text);
    struct program_result result =
        run_program(workspace->root ? "umount" : "fusermount3", workspace->root ? "-l" : "-uz",
                    workspace->mnt, NULL);
    assert_done(&result);
}

static void answers_and_refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct program_result result = run_program(shmapctl(), "--json", "metrics", "mnt", NULL);
    struct json_object *answer = json_output_of(&result);
    struct json_object *family =
        json_find(json_member(answer, "metrics"), "name", "shmapfs_area_size_bytes");
    assert_non_null(family);
    assert_string_equal(json_text(family, "unit"), "bytes");
    assert_int_equal(json_object_array_length(json_member(family, "samples")), 1);
    json_object_put(answer);
    result = run_program(shmapctl(), "metrics", "store", NULL);
    assert_refused(&result, FAILED, "store", "not a shmapfs mount", NULL);
    put_file("out.prom", "as before");
    result = run_program(shmapctl(), "metrics", "--output", "out.prom", "store", NULL);
    assert_refused(&result, FAILED, "store", NULL);
    assert_content("out.prom", "as before");
    result = run_program(shmapctl(), "metrics", "--output", "missing/out.prom", "mnt", NULL);
    assert_refused(&result, FAILED, "missing/out.prom", "No such file", NULL);
    // A file that cannot take the name leaves nothing behind.
    result = run_program(shmapctl(), "metrics", "--output", "store", "mnt", NULL);
    assert_refused(&result, FAILED, "store", "directory", NULL);
    char *tree = workspace_tree();
    assert_null(strstr(tree, "store."));
    free(tree);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(numbers_are_those_of_the_status),
    cmocka_unit_test(numbers_change_by_the_work),
    cmocka_unit_test(a_journal_has_numbers_of_its_own),
    cmocka_unit_test(odd_names_are_escaped),
    cmocka_unit_test(a_dead_mount_is_down),
    cmocka_unit_test(answers_and_refusals),
};

WORKSPACE_MAIN("metrics", cases)
