// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/ls_output.h"

#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

bool area_is_passthrough(const struct workspace *workspace, const char *area)
{
    char member[64];

    snprintf(member, sizeof(member), "%s.passthrough", area);
    return read_status_number(workspace, member) != 0;
}

void need_cachestat(void)
{
    uint64_t range[2] = { 0 }, counts[5];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    long result = syscall(451, fd, range, counts, 0);
    bool missing = result == -1 && errno == ENOSYS;

    close(fd);
    if (missing)
        harness_skip_case("this kernel has no cachestat(2) (Linux 6.5 has)");
}

struct json_object *ls_json(const char *path)
{
    struct program_result result = run_program(shmapctl(), "ls", "--json", path, NULL);
    struct json_object *answer = json_output_of(&result);

    assert_string_equal(json_text(answer, "path"), path);
    assert_int_equal(json_number(answer, "page_size"), PAGE);
    return answer;
}

struct json_object *objects_of(struct json_object *answer)
{
    return json_member(answer, "objects");
}

struct json_object *ls_object(struct json_object *answer, const char *path)
{
    struct json_object *found = json_find(objects_of(answer), "path", path);

    if (found == NULL)
        fail_msg("no %s in %s", path, json_object_to_json_string(answer));
    return found;
}

int64_t ls_number(const char *path, const char *name)
{
    struct json_object *answer = ls_json("mnt");
    int64_t number = json_number(ls_object(answer, path), name);

    json_object_put(answer);
    return number;
}

void write_pages(int fd)
{
    char page[65536] = "contents";

    for (int i = 0; i < PAGES; i++)
        assert_int_equal(pwrite(fd, page, page_size(), i * PAGE), PAGE);
}
