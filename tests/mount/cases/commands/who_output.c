// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/who_output.h"

#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Descriptors that the case can name: what the coprocess has inherited is below. */
enum { READS = 100, WRITES, BOTH, NEITHER };

int keep_until_told(struct coprocess *parent)
{
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

void start_user(struct coprocess *coprocess, coprocess_body *body, const char *path)
{
    assert_ok(prctl(PR_SET_DUMPABLE, 1));
    assert_int_equal(coprocess_start(coprocess, body, (char *)(uintptr_t)path), 0);
    assert_true(coprocess_await_turn(coprocess));
}

void end_user(struct coprocess *coprocess)
{
    assert_true(coprocess_give_turn(coprocess));
    assert_coprocess_succeeds(coprocess);
}

struct json_object *who_json(const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", "who", path, NULL);
    struct json_object *answer = json_output_of(&result);

    assert_string_equal(json_text(answer, "path"), path);
    return answer;
}

struct json_object *uses_of(struct json_object *answer, pid_t pid)
{
    struct json_object *processes = json_member(answer, "processes");
    struct json_object *process = json_find_number(processes, "pid", pid);

    return process != NULL ? json_member(process, "uses") : NULL;
}

size_t count_processes(struct json_object *answer)
{
    return json_object_array_length(json_member(answer, "processes"));
}

void assert_open(struct json_object *uses, int fd, const char *access)
{
    struct json_object *use = json_find_number(uses, "fd", fd);

    if (use == NULL)
        fail_msg("no descriptor %d in %s", fd, json_object_to_json_string(uses));
    assert_string_equal(json_text(use, "how"), "open");
    assert_string_equal(json_text(use, "access"), access);
}

void assert_mapped(struct json_object *uses, const char *sharing, const char *access,
                   int64_t offset, int64_t length)
{
    for (size_t i = 0; i < json_object_array_length(uses); i++) {
        struct json_object *use = json_object_array_get_idx(uses, i);
        if (strcmp(json_text(use, "how"), "mapped") == 0 &&
            strcmp(json_text(use, "sharing"), sharing) == 0 &&
            strcmp(json_text(use, "access"), access) == 0 && json_number(use, "offset") == offset &&
            json_number(use, "length") == length)
            return;
    }
    fail_msg("no mapping %s %s %lld+%lld in %s", sharing, access, (long long)offset,
             (long long)length, json_object_to_json_string(uses));
}

int open_as(const char *path, int flags, int number)
{
    int fd = open(path, flags | O_CLOEXEC);

    return fd < 0 || dup2(fd, number) < 0 || close(fd) < 0 ? -1 : 0;
}

int opens(struct coprocess *parent, void *path)
{
    coprocess_check(open_as(path, O_RDONLY, READS) == 0);
    coprocess_check(open_as(path, O_WRONLY, WRITES) == 0);
    coprocess_check(open_as(path, O_RDWR, BOTH) == 0);
    coprocess_check(open_as(path, O_PATH, NEITHER) == 0);
    return keep_until_told(parent);
}

int maps(struct coprocess *parent, void *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t page = page_size();

    coprocess_check(fd >= 0);
    coprocess_check(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)(2 * page)) !=
                    MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_NONE, MAP_SHARED, fd, (off_t)(3 * page)) != MAP_FAILED);
    coprocess_check(close(fd) == 0);
    return keep_until_told(parent);
}
