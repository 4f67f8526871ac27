// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/mounting/store_contents.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <unistd.h>

void leave_dirty_data(void)
{
    put_file("mnt/written", "by write");
    int fd = open_file("mnt/mapped", O_RDWR | O_CREAT);
    assert_ok(ftruncate(fd, 100000));
    char *mapping = map_shared(fd, 100000);
    strcpy(mapping, "by a map");
    strcpy(mapping + 99000, "at the end");
    unmap(mapping, 100000);
    assert_ok(close(fd));
}

void assert_store_is_complete(void)
{
    char bytes[100] = "";

    assert_content("store/written", "by write");
    int fd = open_file("store/mapped", O_RDONLY);
    assert_int_equal(size_of(fd), 100000);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_string_equal(bytes, "by a map");
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 99000), sizeof(bytes));
    assert_string_equal(bytes, "at the end");
    assert_ok(close(fd));
}
