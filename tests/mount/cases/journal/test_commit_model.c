// SPDX-License-Identifier: BSD-2-Clause
// Random changes of a file whose commits are all or nothing, while workers die and mounts crash,
// compared with what it should have. A seed is printed; SHMAPFS_SEED repeats one.
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE_MAX_MODEL = 192 << 10, CHANGES = 60, CRASHES = 3 };

struct contents {
    char bytes[SIZE_MAX_MODEL];
    off_t size;
};

struct model {
    struct workspace *workspace;
    const char *class;
    int fd;
    unsigned random;
    struct contents now, committed; // bytes beyond the size are 0
};

static unsigned below(struct model *model, unsigned limit)
{
    model->random = model->random * 1103515245U + 12345U;
    return (model->random >> 8) % limit;
}

struct range {
    off_t start;
    size_t length;
};

/* A range below a limit; every other one begins and ends with a page. */
static struct range some_range(struct model *model, off_t limit)
{
    off_t page = (off_t)page_size();
    off_t start = below(model, (unsigned)limit), end = start + 1 + below(model, 40000);

    if (below(model, 2) == 0) {
        start -= start % page;
        end += page - end % page;
    }
    if (end > limit)
        end = limit;
    return (struct range){ start, (size_t)(end - start) };
}

static void grow_to(struct contents *contents, off_t size)
{
    if (contents->size < size)
        contents->size = size;
}

static void write_some(struct model *model)
{
    struct range range = some_range(model, SIZE_MAX_MODEL);
    char *bytes = model->now.bytes + range.start;

    memset(bytes, 'a' + (int)below(model, 26), range.length);
    assert_int_equal(pwrite(model->fd, bytes, range.length, range.start), range.length);
    grow_to(&model->now, range.start + (off_t)range.length);
}

static void store_some(struct model *model)
{
    if (model->now.size == 0)
        return;
    struct range range = some_range(model, model->now.size);
    char byte = (char)('A' + (int)below(model, 26));
    char *mapping = map_shared(model->fd, (size_t)model->now.size);

    memset(mapping + range.start, byte, range.length);
    memset(model->now.bytes + range.start, byte, range.length);
    if (below(model, 2) == 0)
        push_pages(model->fd);
    unmap(mapping, (size_t)model->now.size);
}

static void resize(struct model *model)
{
    off_t size = below(model, 8) == 0 ? 0 : (off_t)below(model, SIZE_MAX_MODEL);

    assert_ok(ftruncate(model->fd, size));
    if (size < model->now.size)
        memset(model->now.bytes + size, 0, (size_t)(model->now.size - size));
    model->now.size = size;
}

static void make_zeros(struct model *model)
{
    struct range range = some_range(model, SIZE_MAX_MODEL);
    off_t end = range.start + (off_t)range.length;
    int mode = below(model, 2) ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE;

    if (below(model, 4) == 0)
        mode = 0;
    assert_ok(fallocate(model->fd, mode, range.start, (off_t)range.length));
    if (mode != 0)
        memset(model->now.bytes + range.start, 0, range.length);
    if (!(mode & FALLOC_FL_KEEP_SIZE))
        grow_to(&model->now, end);
}

static void compare(struct model *model)
{
    static char bytes[SIZE_MAX_MODEL + 1];

    assert_int_equal(size_of(model->fd), model->now.size);
    assert_int_equal(pread(model->fd, bytes, sizeof(bytes), 0), model->now.size);
    for (off_t i = 0; i < model->now.size; i++) {
        if (bytes[i] != model->now.bytes[i])
            fail_msg("byte %jd of %jd is %d; wanted %d", (intmax_t)i, (intmax_t)model->now.size,
                     bytes[i], model->now.bytes[i]);
    }
}

static void commit(struct model *model)
{
    assert_ok(below(model, 2) == 0 ? fsync(model->fd) : fdatasync(model->fd));
    model->committed = model->now;
}

static void open_again(struct model *model)
{
    assert_ok(close(model->fd));
    await_committed(model->workspace);
    model->committed = model->now;
    model->fd = open_file("mnt/dir/file", below(model, 8) == 0 ? O_RDWR | O_TRUNC : O_RDWR);
    if (size_of(model->fd) == 0)
        memset(&model->now, 0, sizeof(model->now));
}

static void lose_worker(struct model *model)
{
    if (read_status_number(model->workspace, "keeper") != 0)
        replace_worker(model->workspace);
}

static void change(struct model *model)
{
    static void (*const changes[])(struct model * model) = {
        write_some, write_some, store_some, store_some, resize,
        make_zeros, compare,    compare,    commit,     commit,
    };

    if (below(model, 30) == 0)
        open_again(model);
    else if (below(model, 30) == 0)
        lose_worker(model);
    else
        changes[below(model, sizeof(changes) / sizeof(changes[0]))](model);
}

static void crash(struct model *model)
{
    crash_mount(model->workspace);
    close(model->fd);
    mount_class(model->workspace, model->class, "log=4m");
    model->fd = open_file("mnt/dir/file", O_RDWR);
    model->now = model->committed;
    compare(model);
}

static void run_model(struct workspace *workspace, const char *class, unsigned seed)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    model->workspace = workspace;
    model->class = class;
    model->random = seed;
    mount_class(workspace, class, "log=4m");
    model->fd = new_file("mnt/dir/file", 0);
    assert_ok(fsync(model->fd));
    for (int i = 0; i < CRASHES; i++) {
        for (int j = 0; j < CHANGES; j++)
            change(model);
        compare(model);
        crash(model);
    }
    for (int j = 0; j < CHANGES; j++)
        change(model);
    close(model->fd);
    workspace_unmount(workspace);
    model->fd = open_file("store/dir/file", O_RDONLY);
    compare(model);
    close(model->fd);
    free(model);
}

static unsigned choose_seed(void)
{
    const char *given = getenv("SHMAPFS_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    return seed;
}

static void atomic_files_are_as_they_should(void **state)
{
    run_model(workspace_of(state), "atomic", choose_seed());
}

static void checkpoint_files_are_as_they_should(void **state)
{
    run_model(workspace_of(state), "checkpoint", choose_seed());
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(atomic_files_are_as_they_should),
        cmocka_unit_test(checkpoint_files_are_as_they_should),
    };

    return workspace_main(argc, argv, "commit model", cases, sizeof(cases) / sizeof(cases[0]));
}
