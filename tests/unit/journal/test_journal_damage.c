// SPDX-License-Identifier: BSD-2-Clause
/* Journals that are damaged, full, or on a disk that fails. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "lib/redo/format.h"
#include "tests/unit/journal/lossy_disk.h"
#include "tests/unit/scratch.h"

#define FILES 2U
#define PAGE  4096U

struct bench {
    int store;
    int spill;
    int fds[FILES];
    struct journal *journal;
    struct journal_object *objects[FILES];
};

static struct journal_options options_of(const struct bench *bench, uint8_t session)
{
    struct journal_options options = { .size = JOURNAL_SIZE_MIN, .spill = bench->spill };

    options.session[0] = session;
    return options;
}

static void attach_bench(struct bench *bench, uint8_t session)
{
    struct journal_options options = options_of(bench, session);
    struct complaint complaint;

    assert_int_equal(journal_open(bench->store, &options, &bench->journal, &complaint), 0);
    for (unsigned i = 0; i < FILES; i++) {
        struct statx stx;

        assert_int_equal(object_stat(bench->fds[i], &stx), 0);
        assert_int_equal(
            journal_enter(bench->journal, bench->fds[i], &stx, false, &bench->objects[i]), 0);
    }
}

static struct bench begin(const char *path, bool spills)
{
    struct bench bench = { .spill = spills ? memfd_create("spill", MFD_CLOEXEC) : -1 };

    bench.store = open_dir(AT_FDCWD, path);
    for (unsigned i = 0; i < FILES; i++) {
        const char name[] = { (char)('a' + i), '\0' };

        bench.fds[i] = openat(bench.store, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(bench.fds[i] >= 0);
    }
    attach_bench(&bench, 1);
    return bench;
}

static void abandon(struct bench *bench)
{
    for (unsigned i = 0; i < FILES; i++)
        journal_leave(bench->objects[i]);
    journal_abandon(bench->journal);
}

static void end(struct bench *bench)
{
    for (unsigned i = 0; i < FILES; i++)
        close(bench->fds[i]);
    if (bench->spill >= 0)
        close(bench->spill);
    close(bench->store);
}

static ssize_t write_pages(struct bench *bench, unsigned file, uint64_t page, size_t pages,
                           char fill)
{
    char *data = malloc(pages * PAGE);
    ssize_t result;

    memset(data, fill, pages * PAGE);
    result = journal_write(bench->objects[file], bench->fds[file], data, pages * PAGE,
                           (off_t)(page * PAGE));
    free(data);
    return result;
}

static int commit(struct bench *bench, unsigned file)
{
    return journal_commit(bench->journal, &bench->objects[file], &bench->fds[file], 1);
}

static void write_and_commit(struct bench *bench, unsigned file, char fill)
{
    assert_int_equal(write_pages(bench, file, 0, 1, fill), PAGE);
    assert_int_equal(commit(bench, file), 0);
}

static char first_byte(const struct bench *bench, unsigned file)
{
    char byte = 0;

    return pread(bench->fds[file], &byte, 1, 0) == 1 ? byte : '\0';
}

static void flip(struct bench *bench, uint64_t offset)
{
    int fd = openat(bench->store, ".shmapfs/journal", O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static void count_line(void *context, const char *line)
{
    assert_non_null(strstr(line, "/a: "));
    ++*(unsigned *)context;
}

static struct journal_report recover(struct bench *bench, unsigned lines)
{
    unsigned told = 0;
    const struct journal_listener listener = { .tell = count_line, .context = &told };
    struct journal_report verified;
    struct journal_report report;
    struct complaint complaint;

    assert_int_equal(journal_verify(bench->store, NULL, &verified, &complaint), 0);
    assert_int_equal(journal_recover(bench->store, &listener, &report, &complaint), 0);
    assert_memory_equal(&verified, &report, sizeof(report));
    assert_int_equal(told, lines);
    assert_int_equal(faccessat(bench->store, ".shmapfs/journal", F_OK, 0), -1);
    assert_int_equal(faccessat(bench->store, ".shmapfs/journal.damaged", F_OK, 0),
                     report.damaged || report.broken ? 0 : -1);
    return report;
}

static void a_damaged_commit_is_not_taken(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_report report;

    write_and_commit(&bench, 0, '1');
    write_and_commit(&bench, 0, '2');
    write_and_commit(&bench, 1, '3');
    write_and_commit(&bench, 0, '4');
    abandon(&bench);
    flip(&bench, REDO_DATA_AT + PAGE + 100);
    report = recover(&bench, 1);
    assert_int_equal(report.damaged, 1);
    assert_false(report.broken);
    assert_int_equal(first_byte(&bench, 0), '1');
    assert_int_equal(first_byte(&bench, 1), '3');
    end(&bench);
}

static void the_last_commit_may_be_torn(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_report report;

    write_and_commit(&bench, 0, '1');
    write_and_commit(&bench, 0, '2');
    abandon(&bench);
    flip(&bench, REDO_DATA_AT + PAGE + 100);
    report = recover(&bench, 0);
    assert_true(report.torn == 1 && report.damaged == 0 && !report.broken);
    assert_int_equal(first_byte(&bench, 0), '1');
    end(&bench);
}

static void lost_records_are_noticed(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_report report;
    struct journal_state before;

    write_and_commit(&bench, 0, '1');
    journal_status(bench.journal, &before);
    write_and_commit(&bench, 0, '2');
    write_and_commit(&bench, 1, '3');
    abandon(&bench);
    flip(&bench, REDO_HALF_AT(0) + before.records + 50);
    report = recover(&bench, 0);
    assert_true(report.damaged == 0 && report.broken);
    assert_int_equal(first_byte(&bench, 0), '1');
    end(&bench);
}

static int try_to_recover(struct bench *bench)
{
    struct journal_report report;
    struct complaint complaint = { "" };
    int error = journal_recover(bench->store, NULL, &report, &complaint);

    assert_true(error == 0 || strlen(complaint.text) > 20);
    assert_int_equal(faccessat(bench->store, ".shmapfs/journal", F_OK, 0), error == 0 ? -1 : 0);
    return error;
}

static void what_cannot_be_believed_is_refused(void **state)
{
    struct bench bench = begin(*state, false);

    write_and_commit(&bench, 0, '1');
    abandon(&bench);
    assert_int_equal(fchmodat(bench.store, ".shmapfs/journal", 0622, 0), 0);
    assert_int_equal(try_to_recover(&bench), -EPERM);
    assert_int_equal(fchmodat(bench.store, ".shmapfs/journal", 0600, 0), 0);
    assert_int_equal(linkat(bench.store, ".shmapfs/journal", bench.store, "other", 0), 0);
    assert_int_equal(try_to_recover(&bench), -EPERM);
    assert_int_equal(unlinkat(bench.store, "other", 0), 0);
    flip(&bench, REDO_SUPERBLOCK_AT(1) + offsetof(struct redo_superblock, generation));
    assert_int_equal(try_to_recover(&bench), -ENODATA);
    flip(&bench, REDO_SUPERBLOCK_AT(1) + offsetof(struct redo_superblock, generation));
    assert_int_equal(try_to_recover(&bench), 0);
    assert_int_equal(first_byte(&bench, 0), '1');
    end(&bench);
}

static void a_full_store_refuses_commits_only(void **state)
{
    struct bench bench = begin(*state, true);
    struct journal_state status;
    char byte;

    write_and_commit(&bench, 0, '1');
    lossy_fail_writes(ENOSPC, bench.spill);
    assert_int_equal(write_pages(&bench, 0, 0, 300, '2'), 300 * PAGE);
    assert_int_equal(commit(&bench, 0), -ENOSPC);
    assert_int_equal(commit(&bench, 0), -ENOSPC);
    assert_int_equal(journal_read(bench.objects[0], bench.fds[0], &byte, 1, 299 * PAGE), 1);
    assert_int_equal(byte, '2');
    journal_status(bench.journal, &status);
    assert_int_equal(status.spilled, 300 * PAGE);
    // The next worker has it, too.
    abandon(&bench);
    attach_bench(&bench, 1);
    lossy_fail_writes(0, -1);
    assert_int_equal(commit(&bench, 0), 0);
    journal_status(bench.journal, &status);
    assert_int_equal(status.spilled, 0);
    abandon(&bench);
    recover(&bench, 0);
    assert_int_equal(first_byte(&bench, 0), '2');
    end(&bench);
}

static void without_a_spill_file_a_write_is_refused(void **state)
{
    struct bench bench = begin(*state, false);

    write_and_commit(&bench, 0, '1');
    lossy_fail_writes(ENOSPC, -1);
    assert_int_equal(write_pages(&bench, 0, 0, 1, '2'), -ENOSPC);
    lossy_fail_writes(0, -1);
    assert_int_equal(commit(&bench, 0), 0);
    abandon(&bench);
    recover(&bench, 0);
    assert_int_equal(first_byte(&bench, 0), '1');
    end(&bench);
}

static void after_a_failed_sync_nothing_commits(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_state status;
    char byte;

    write_and_commit(&bench, 0, '1');
    lossy_fail_syncs(EIO);
    assert_int_equal(write_pages(&bench, 0, 0, 1, '2'), PAGE);
    assert_int_equal(commit(&bench, 0), -EIO);
    lossy_fail_syncs(0);
    assert_int_equal(commit(&bench, 0), -EIO);
    assert_int_equal(journal_apply(bench.journal), -EIO);
    abandon(&bench);
    attach_bench(&bench, 1);
    assert_int_equal(write_pages(&bench, 1, 0, 1, '3'), PAGE);
    assert_int_equal(journal_read(bench.objects[1], bench.fds[1], &byte, 1, 0), 1);
    assert_int_equal(byte, '3');
    assert_int_equal(commit(&bench, 1), -EIO);
    journal_status(bench.journal, &status);
    assert_int_equal(status.error, EIO);
    for (unsigned i = 0; i < FILES; i++)
        journal_leave(bench.objects[i]);
    assert_int_equal(journal_close(bench.journal), -EIO);
    recover(&bench, 0);
    assert_int_equal(first_byte(&bench, 1), '\0');
    end(&bench);
}

static void what_cannot_be_applied_stays(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_state status;
    char byte;

    write_and_commit(&bench, 0, '1');
    write_and_commit(&bench, 1, '2');
    lossy_fail_store_after(0);
    assert_int_equal(journal_apply(bench.journal), -EIO);
    lossy_fail_store_after(-1);
    assert_int_equal(first_byte(&bench, 0), '\0');
    assert_int_equal(journal_read(bench.objects[0], bench.fds[0], &byte, 1, 0), 1);
    assert_int_equal(byte, '1');
    write_and_commit(&bench, 1, '3');
    abandon(&bench);
    attach_bench(&bench, 1);
    assert_int_equal(journal_apply(bench.journal), 0);
    assert_int_equal(first_byte(&bench, 0), '1');
    assert_int_equal(first_byte(&bench, 1), '3');
    journal_status(bench.journal, &status);
    assert_true(status.committed == 0 && status.used == 0 && status.objects == 0);
    abandon(&bench);
    end(&bench);
}

static void what_was_forgotten_is_gone(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_report report;
    struct statx stx;

    write_and_commit(&bench, 0, '1');
    write_and_commit(&bench, 1, '2');
    assert_int_equal(object_stat(bench.fds[0], &stx), 0);
    assert_int_equal(unlinkat(bench.store, "a", 0), 0);
    journal_forget(bench.objects[0]);
    assert_null(journal_find(bench.journal, &stx));
    abandon(&bench);
    attach_bench(&bench, 1);
    assert_null(journal_find(bench.journal, &stx));
    abandon(&bench);
    report = recover(&bench, 0);
    assert_int_equal(report.gone, 1);
    assert_int_equal(first_byte(&bench, 1), '2');
    end(&bench);
}

/* Committed data goes to the store when there is no room for more. */
static void the_journal_stays_small(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_state status;
    struct stat st;

    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(write_pages(&bench, i % 2, 0, 512, (char)('a' + i)), 512 * PAGE);
        assert_int_equal(commit(&bench, i % 2), 0);
        journal_status(bench.journal, &status);
        assert_true(status.used <= 2 * JOURNAL_SIZE_MIN);
    }
    assert_true(status.applies > 3);
    // Data that is not committed has to have room nevertheless.
    assert_int_equal(write_pages(&bench, 0, 0, 3000, 'z'), 3000 * PAGE);
    assert_int_equal(commit(&bench, 0), 0);
    assert_int_equal(journal_apply(bench.journal), 0);
    assert_int_equal(fstatat(bench.store, ".shmapfs/journal", &st, 0), 0);
    assert_true((uint64_t)st.st_size <= REDO_DATA_AT + JOURNAL_SIZE_MIN);
    assert_int_equal(first_byte(&bench, 0), 'z');
    abandon(&bench);
    end(&bench);
}

/* Takes all capabilities away, so that files are not found by handle. Returns whether that worked.
 * */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { .effective = 0 } };

    return syscall(SYS_capset, &header, data) == 0;
}

static void files_are_found_without_privilege(void **state)
{
    struct bench bench = begin(*state, false);
    struct journal_report report;
    struct complaint complaint;
    struct stat st;
    pid_t child;
    int status;

    write_and_commit(&bench, 0, '1');
    write_and_commit(&bench, 1, '2');
    abandon(&bench);
    assert_int_equal(mkdirat(bench.store, "deep", 0700), 0);
    assert_int_equal(renameat(bench.store, "a", bench.store, "deep/a"), 0);
    assert_int_equal(fchmod(bench.fds[0], 0400), 0);
    assert_int_equal(unlinkat(bench.store, "b", 0), 0);
    child = fork();
    if (child == 0)
        _exit(drop_capabilities() && journal_recover(bench.store, NULL, &report, &complaint) == 0 &&
                      report.gone == 1
                  ? 0
                  : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(first_byte(&bench, 0), '1');
    assert_int_equal(first_byte(&bench, 1), '\0');
    assert_int_equal(fstat(bench.fds[0], &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_SCRATCH_TEST(a_damaged_commit_is_not_taken),
        MEMORY_SCRATCH_TEST(the_last_commit_may_be_torn),
        MEMORY_SCRATCH_TEST(lost_records_are_noticed),
        MEMORY_SCRATCH_TEST(what_cannot_be_believed_is_refused),
        MEMORY_SCRATCH_TEST(a_full_store_refuses_commits_only),
        MEMORY_SCRATCH_TEST(without_a_spill_file_a_write_is_refused),
        MEMORY_SCRATCH_TEST(after_a_failed_sync_nothing_commits),
        MEMORY_SCRATCH_TEST(what_cannot_be_applied_stays),
        MEMORY_SCRATCH_TEST(what_was_forgotten_is_gone),
        MEMORY_SCRATCH_TEST(the_journal_stays_small),
        MEMORY_SCRATCH_TEST(files_are_found_without_privilege),
    };
    return cmocka_run_group_tests_name("journal_damage", tests, NULL, NULL);
}
