/* SPDX-License-Identifier: BSD-2-Clause */
/* On a ramfs, whose positions are counts on every kernel. */
#include "tests/unit/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/state/stream.h"

enum { NAMES = 1000, ROOM = 1000, HANDLE = 7 };

/* A client of a stream, and how often each name came to it. */
struct client {
    int memory, fd;
    off_t offset;       // after the last entry that it has taken
    unsigned taken_max; // of one answer
    bool removes;
    bool answers_get_lost; // each once
    unsigned char counts[NAMES];
};

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        print_message("%s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool may_mount(void)
{
    char user[64], group[64];
    snprintf(user, sizeof(user), "0 %u 1", (unsigned)geteuid());
    snprintf(group, sizeof(group), "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWNS) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", user);
    write_text("/proc/self/gid_map", group);
    return true;
}

static int mount_ramfs(void **state)
{
    if (make_scratch(state) != 0)
        return -1;
    if (!may_mount())
        return 0;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("ramfs", *state, "ramfs", 0, NULL) == 0 && chdir(*state) == 0
               ? 0
               : -1;
}

static int unmount_ramfs(void **state)
{
    int error = chdir("..");
    umount2(*state, MNT_DETACH);
    error |= rmdir(*state);
    free(*state);
    return error;
}

static void make_file(int number)
{
    char name[64];
    snprintf(name, sizeof(name), "%.*sname%d", number % 20, "....................", number);
    assert_int_equal(mknod(name, S_IFREG | 0600, 0), 0);
}

static struct client begin(void **state)
{
    struct client client = { .taken_max = UINT32_MAX };
    struct stat here, above;
    if (stat(".", &here) != 0 || stat(*state, &above) != 0 || here.st_dev != above.st_dev ||
        here.st_ino != above.st_ino)
        skip_because("nothing may be mounted here");
    for (int i = 0; i < NAMES; i++)
        make_file(i);
    client.memory = stream_memory_create();
    client.fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(client.memory > 0 && client.fd > 0);
    return client;
}

static void end(struct client *client)
{
    stream_forget(client->memory, client->fd);
    close(client->memory);
    close(client->fd);
}

static void take(struct client *client, const struct dirent64 *entry)
{
    const char *name = strstr(entry->d_name, "name");
    client->offset = entry->d_off;
    if (name == NULL)
        return;
    client->counts[atoi(name + 4)]++;
    if (client->removes)
        assert_int_equal(unlink(entry->d_name), 0);
}

/* Reads one answer. Returns whether there was one. */
static bool read_answer(struct client *client, struct stream *stream)
{
    const char *entries;
    ssize_t length;
    unsigned taken = 0;
    *stream = (struct stream){ .fd = client->fd, .handle = HANDLE };
    assert_int_equal(stream_start(stream, client->memory, client->offset), 0);
    length = stream_next(stream, NULL, ROOM, true, &entries);
    assert_true(length >= 0);
    // At the end there is nothing, not even an address.
    if (client->answers_get_lost && length > 0) {
        char first[ROOM];
        assert_true(length <= ROOM);
        memcpy(first, entries, (size_t)length);
        stream_leave(stream);
        *stream = (struct stream){ .fd = client->fd, .handle = HANDLE };
        assert_int_equal(stream_start(stream, client->memory, client->offset), 0);
        assert_int_equal(stream_next(stream, NULL, ROOM, true, &entries), length);
        assert_memory_equal(entries, first, (size_t)length);
    }
    for (ssize_t at = 0; at < length && taken < client->taken_max; taken++) {
        const struct dirent64 *entry = (const void *)(entries + at);
        take(client, entry);
        at += entry->d_reclen;
    }
    stream_leave(stream);
    return length > 0;
}

static void assert_each_once(struct client *client)
{
    struct stream stream;
    while (read_answer(client, &stream))
        continue;
    for (int i = 0; i < NAMES; i++)
        if (client->counts[i] != 1)
            fail_msg("name%d came %d times", i, client->counts[i]);
}

static void goes_on_where_names_were_removed(void **state)
{
    struct client client = begin(state);
    client.removes = true;
    assert_each_once(&client);
    end(&client);
}

/* Its program's buffer is full before the answer is. */
static void comes_back_to_what_was_not_taken(void **state)
{
    struct client client = begin(state);
    client.removes = true;
    client.taken_max = 5;
    assert_each_once(&client);
    end(&client);
}

static void answers_that_are_lost_come_again(void **state)
{
    struct client client = begin(state);
    client.removes = true;
    client.taken_max = 11;
    client.answers_get_lost = true;
    assert_each_once(&client);
    end(&client);
}

static void begins_anew(void **state)
{
    struct client client = begin(state);
    struct stream stream;
    assert_each_once(&client);
    assert_int_equal(unlink("name0"), 0);
    memset(client.counts, 0, sizeof(client.counts));
    client.offset = 0;
    while (read_answer(&client, &stream))
        continue;
    assert_int_equal(client.counts[0], 0);
    assert_int_equal(client.counts[1], 1);
    make_file(0);
    client.offset = 0;
    while (read_answer(&client, &stream))
        continue;
    assert_int_equal(client.counts[0], 1);
    assert_int_equal(client.counts[1], 2);
    end(&client);
}

/* The record of another stream with that number, or nonsense. */
static void nonsense_is_not_believed(void **state)
{
    struct client client = begin(state);
    struct stream_record record = { .handle = HANDLE };
    struct stream stream;
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof(record.entries); i++)
            record.entries[i] = (char)(random() % 3 == 0 ? random() : round % 40);
        assert_int_equal(
            pwrite(client.memory, &record, sizeof(record), (off_t)client.fd * STREAM_RECORD_BYTES),
            sizeof(record));
        client.offset = round % 7;
        read_answer(&client, &stream);
    }
    memset(client.counts, 0, sizeof(client.counts));
    client.offset = 0;
    assert_each_once(&client);
    end(&client);
}

#define RAMFS_TEST(function) cmocka_unit_test_setup_teardown(function, mount_ramfs, unmount_ramfs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RAMFS_TEST(goes_on_where_names_were_removed), RAMFS_TEST(comes_back_to_what_was_not_taken),
        RAMFS_TEST(answers_that_are_lost_come_again), RAMFS_TEST(begins_anew),
        RAMFS_TEST(nonsense_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
