// SPDX-License-Identifier: BSD-2-Clause
// Workers die, and at last the whole mount, while a program commits what it stores through a
// mapping: each of its commits is there as a whole or not at all.
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64, DEATHS = 6 };

/* The writer's report. */
struct progress {
    _Atomic uint64_t committed; // the number of its last commit
    _Atomic int error;
};

/* Writes one number after the other to every page, and commits each. */
static _Noreturn void write_numbers(struct progress *progress)
{
    size_t page = page_size();
    int fd = open("mnt/dir/file", O_RDWR);
    char *mapping = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    close(fd);
    for (uint64_t number = 1; mapping != MAP_FAILED; number++) {
        for (size_t i = 0; i < PAGES; i++)
            *(volatile uint64_t *)(mapping + i * page + 8 * (number % 7)) = number;
        if (msync(mapping, PAGES * page, MS_SYNC) != 0) {
            progress->error = errno;
            break;
        }
        progress->committed = number;
    }
    _exit(0);
}

struct awaited {
    const struct progress *progress;
    uint64_t number;
};

static bool has_committed(void *argument)
{
    const struct awaited *awaited = argument;

    return awaited->progress->committed >= awaited->number || awaited->progress->error != 0;
}

/* Waits for the next commits, so that each worker has something to do. */
static void await_commits(const struct workspace *workspace, const struct progress *progress)
{
    struct awaited awaited = { progress, progress->committed + 3 };

    (void)workspace;
    while (!has_committed(&awaited))
        assert_true(becomes_true(has_committed, &awaited));
    assert_int_equal(progress->error, 0);
}

/* Every page has the same numbers, the last of which is that of the last commit, or of the one
 * under way. */
static void assert_whole(uint64_t committed)
{
    size_t page = page_size();
    int fd = open_file("mnt/dir/file", O_RDONLY);
    char *mapping = map_fd(fd, PAGES * page, PROT_READ, MAP_SHARED);
    uint64_t last = 0;

    for (int i = 0; i < 7; i++)
        last = ((uint64_t *)mapping)[i] > last ? ((uint64_t *)mapping)[i] : last;
    for (size_t i = 1; i < PAGES; i++)
        assert_memory_equal(mapping, mapping + i * page, page);
    assert_true(last == committed || last == committed + 1);
    unmap(mapping, PAGES * page);
    close(fd);
}

static void run_deaths(struct workspace *workspace, const char *class)
{
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(progress != MAP_FAILED);
    mount_class(workspace, class, "log=4m");
    need_survival(workspace);
    assert_ok(close(new_file("mnt/dir/file", (off_t)(PAGES * page_size()))));
    fflush(NULL);
    pid_t writer = fork();
    if (writer == 0)
        write_numbers(progress);
    for (int i = 0; i < DEATHS; i++) {
        await_commits(workspace, progress);
        replace_worker(workspace);
    }
    await_commits(workspace, progress);
    // The writer cannot see a commit that the crash does not leave.
    assert_ok(kill(writer, SIGSTOP));
    assert_int_equal(waitpid(writer, NULL, WUNTRACED), writer);
    uint64_t committed = progress->committed;
    crash_mount(workspace);
    assert_ok(kill(writer, SIGKILL));
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    mount_class(workspace, class, "log=4m");
    assert_whole(committed);
    workspace_unmount(workspace);
    munmap(progress, sizeof(*progress));
}

static void atomic_commits_are_whole(void **state)
{
    run_deaths(workspace_of(state), "atomic");
}

static void checkpoint_commits_are_whole(void **state)
{
    run_deaths(workspace_of(state), "checkpoint");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(atomic_commits_are_whole),
        cmocka_unit_test(checkpoint_commits_are_whole),
    };

    return workspace_main(argc, argv, "commit deaths", cases, sizeof(cases) / sizeof(cases[0]));
}
