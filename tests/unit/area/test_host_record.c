// SPDX-License-Identifier: BSD-2-Clause
/* The records of the hosts that have a store. Two open files of one process are two hosts to the
 * kernel. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/area/host_record.h"
#include "lib/area/store_lock.h"
#include "tests/unit/scratch.h"

static struct area open_store(const char *path)
{
    struct area area = AREA_NONE;
    struct stat st;
    area.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fstat(area.root, &st), 0);
    area.device = st.st_dev;
    return area;
}

static struct shmap_host host_of(const char *name)
{
    struct shmap_host host = { .version = "1", .mountpoint = "/mnt", .since = 7 };
    strcpy(host.host, name);
    return host;
}

/* How many of the living records are of a host, for one that asks. */
static unsigned count_of(const struct area *store, const struct shmap_host *own, const char *name)
{
    struct shmap_host *hosts;
    size_t count;
    unsigned found = 0;
    assert_int_equal(host_records_read(store, own, -1, &hosts, &count), 0);
    for (size_t i = 0; i < count; i++) {
        found += strcmp(hosts[i].host, name) == 0;
        assert_int_equal(hosts[i].here, strcmp(hosts[i].host, own->host) == 0);
    }
    free(hosts);
    return found;
}

static unsigned count_files(const struct area *store)
{
    int dir = openat(store->root, STORE_PRIVATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fdopendir(dir);
    unsigned count = 0;
    while (readdir(names))
        count++;
    closedir(names);
    return count - 2;
}

static void hosts_know_of_each_other(void **state)
{
    struct area store = open_store(*state);
    struct shmap_host alpha = host_of("alpha"), beta = host_of("beta");
    assert_int_equal(mkdirat(store.root, STORE_PRIVATE, 0700), 0);
    int one = host_record_make(&store, &alpha);
    int two = host_record_make(&store, &beta);
    assert_true(one >= 0 && two >= 0);
    assert_int_equal(count_of(&store, &alpha, "alpha"), 1);
    assert_int_equal(count_of(&store, &alpha, "beta"), 1);
    // A host that died counts for nothing, and its record goes with the next one.
    close(two);
    assert_int_equal(count_of(&store, &alpha, "beta"), 0);
    assert_int_equal(count_files(&store), 2);
    two = host_record_make(&store, &beta);
    assert_int_equal(count_files(&store), 2);
    // The mount before it at the same place removes its own alone.
    int later = host_record_make(&store, &beta);
    host_record_remove(&store, two);
    assert_int_equal(count_of(&store, &alpha, "beta"), 1);
    close(two);
    host_record_remove(&store, later);
    assert_int_equal(count_of(&store, &alpha, "alpha"), 1);
    assert_int_equal(count_files(&store), 1);
    close(later);
    host_record_remove(&store, one);
    assert_int_equal(count_files(&store), 0);
    close(one);
    area_close(&store);
}

/* A mount that is about to end has the same host and mount point. */
static void one_of_two_at_a_place_is_here(void **state)
{
    struct area store = open_store(*state);
    struct shmap_host *hosts, alpha = host_of("alpha");
    size_t count;
    assert_int_equal(mkdirat(store.root, STORE_PRIVATE, 0700), 0);
    int ending = host_record_make(&store, &alpha);
    int one = host_record_make(&store, &alpha);
    assert_int_equal(host_records_read(&store, &alpha, one, &hosts, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(hosts[0].here + hosts[1].here, 1);
    free(hosts);
    close(ending);
    assert_int_equal(host_records_read(&store, &alpha, one, &hosts, &count), 0);
    assert_int_equal(count, 1);
    assert_true(hosts[0].here);
    free(hosts);
    close(one);
    area_close(&store);
}

static void what_is_no_record_is_passed_over(void **state)
{
    struct area store = open_store(*state);
    struct shmap_host *hosts;
    size_t count;
    struct shmap_host alpha = host_of("alpha");
    assert_int_equal(host_records_read(&store, &alpha, -1, &hosts, &count), -ENOENT);
    assert_int_equal(host_record_make(&store, &alpha), -ENOENT);
    host_record_remove(&store, -1);
    assert_int_equal(mkdirat(store.root, STORE_PRIVATE, 0700), 0);
    int nonsense =
        openat(store.root, STORE_PRIVATE "/host.00000000", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(nonsense, "[{", 2), 2);
    assert_int_equal(flock(nonsense, LOCK_EX), 0);
    assert_int_equal(symlinkat("/etc/passwd", store.root, STORE_PRIVATE "/host.link"), 0);
    int one = host_record_make(&store, &alpha);
    assert_int_equal(count_of(&store, &alpha, "alpha"), 1);
    assert_int_equal(host_records_read(&store, &alpha, -1, &hosts, &count), 0);
    assert_int_equal(count, 1);
    free(hosts);
    close(nonsense);
    close(one);
    area_close(&store);
}

/* Another host would keep the size that it saw of a record that is being written. */
static void drafts_are_passed_over(void **state)
{
    struct area store = open_store(*state);
    struct shmap_host alpha = host_of("alpha"), beta = host_of("beta");
    assert_int_equal(mkdirat(store.root, STORE_PRIVATE, 0700), 0);
    int draft =
        openat(store.root, STORE_PRIVATE "/host.00000000.new", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    char *json = shmap_hosts_to_json(&beta, 1);
    assert_int_equal(write(draft, json, strlen(json)), strlen(json));
    free(json);
    assert_int_equal(flock(draft, LOCK_EX), 0);
    int one = host_record_make(&store, &alpha);
    assert_int_equal(count_of(&store, &alpha, "alpha"), 1);
    assert_int_equal(count_of(&store, &alpha, "beta"), 0);
    assert_int_equal(count_files(&store), 2);
    // One that nobody will finish goes with the next record.
    close(draft);
    int two = host_record_make(&store, &beta);
    assert_int_equal(count_files(&store), 2);
    close(one);
    close(two);
    area_close(&store);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        SCRATCH_TEST(hosts_know_of_each_other),
        SCRATCH_TEST(one_of_two_at_a_place_is_here),
        SCRATCH_TEST(what_is_no_record_is_passed_over),
        SCRATCH_TEST(drafts_are_passed_over),
    };

    return cmocka_run_group_tests_name("host record", cases, NULL, NULL);
}
