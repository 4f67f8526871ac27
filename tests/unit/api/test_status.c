// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include "lib/api/shmap.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shmap_status sample = {
    .version = "1.2.3",
    .pid = 4321,
    .keeper = 4320,
    .restarts = 5,
    .upgrades = 2,
    .last_reason = "signal 11",
    .last_stall_us = 1900,
    .survival = "io_uring",
    .upgrade_error = "another layout",
    .mountpoint = "/srv/shared",
    .store = "/var/lib/store",
    .store_silent_since = 1000000001,
    .store_error = "Transport endpoint is not connected",
    .scratch = "/var/lib/store/.shmapfs/scratch",
    .options = "size=1g,anon=scratch",
    .shared = true,
    .hosts = 2,
    .mappings = "after-msync",
    .huge = "within_size",
    .transport = "fuse",
    .writeback = true,
    .nodes = 17,
    .open_files = 3,
    .descriptors = 11,
    .descriptors_max = 10000,
    .lock_owners = 3,
    .lock_waiters = 1,
    .journal_size = 4096,
    .journal_used = 5,
    .journal_uncommitted = 6,
    .journal_unapplied = 7,
    .journal_commits = 8,
    .journal_last_commit = 1000000000,
    .journal_error = "the journal cannot be written: No space left on device",
    .journal_waits = "the log is full",
    .store_area = {
        .present = true,
        .size = INT64_MAX,
        .used = 1234567,
        .inodes = 1000,
        .inodes_used = 10,
        .passthrough = true,
        .brokered = true,
        .filesystem = "ext4",
    },
    .ram_area = {
        .present = true,
        .size = UINT64_MAX,
        .used = UINT64_C(1) << 63,
        .filesystem = "tmpfs",
        .reason = "no privilege",
        .lacks = "something",
    },
};

static void assert_area_equal(const struct shmap_area_status *a, const struct shmap_area_status *b)
{
    assert_int_equal(a->present, b->present);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->inodes, b->inodes);
    assert_int_equal(a->inodes_used, b->inodes_used);
    assert_int_equal(a->passthrough, b->passthrough);
    assert_int_equal(a->brokered, b->brokered);
    assert_string_equal(a->filesystem, b->filesystem);
    assert_string_equal(a->reason, b->reason);
    assert_string_equal(a->lacks, b->lacks);
}

static void assert_status_equal(const struct shmap_status *a, const struct shmap_status *b)
{
    assert_string_equal(a->version, b->version);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->keeper, b->keeper);
    assert_int_equal(a->restarts, b->restarts);
    assert_int_equal(a->upgrades, b->upgrades);
    assert_string_equal(a->last_reason, b->last_reason);
    assert_int_equal(a->last_stall_us, b->last_stall_us);
    assert_string_equal(a->survival, b->survival);
    assert_string_equal(a->upgrade_error, b->upgrade_error);
    assert_string_equal(a->mountpoint, b->mountpoint);
    assert_string_equal(a->store, b->store);
    assert_string_equal(a->scratch, b->scratch);
    assert_string_equal(a->options, b->options);
    assert_int_equal(a->shared, b->shared);
    assert_int_equal(a->hosts, b->hosts);
    assert_string_equal(a->mappings, b->mappings);
    assert_string_equal(a->huge, b->huge);
    assert_string_equal(a->transport, b->transport);
    assert_int_equal(a->writeback, b->writeback);
    assert_int_equal(a->nodes, b->nodes);
    assert_int_equal(a->open_files, b->open_files);
    assert_int_equal(a->descriptors, b->descriptors);
    assert_int_equal(a->descriptors_max, b->descriptors_max);
    assert_int_equal(a->lock_owners, b->lock_owners);
    assert_int_equal(a->lock_waiters, b->lock_waiters);
    assert_int_equal(a->journal_size, b->journal_size);
    assert_int_equal(a->journal_used, b->journal_used);
    assert_int_equal(a->journal_uncommitted, b->journal_uncommitted);
    assert_int_equal(a->journal_unapplied, b->journal_unapplied);
    assert_int_equal(a->journal_commits, b->journal_commits);
    assert_int_equal(a->journal_last_commit, b->journal_last_commit);
    assert_string_equal(a->journal_error, b->journal_error);
    assert_string_equal(a->journal_waits, b->journal_waits);
    assert_area_equal(&a->store_area, &b->store_area);
    assert_area_equal(&a->ram_area, &b->ram_area);
}

static void assert_round_trip(const struct shmap_status *status)
{
    char *json = shmap_status_to_json(status);
    assert_non_null(json);
    struct shmap_status back;
    memset(&back, 0x55, sizeof(back));
    assert_int_equal(shmap_status_from_json(json, &back), 0);
    assert_status_equal(status, &back);
    free(json);
}

static int parse(const char *json)
{
    struct shmap_status status;
    return shmap_status_from_json(json, &status);
}

/* The sample as a JSON object, for tests that damage it. */
static struct json_object *sample_object(void)
{
    char *json = shmap_status_to_json(&sample);
    assert_non_null(json);
    struct json_object *object = json_tokener_parse(json);
    assert_non_null(object);
    free(json);
    return object;
}

static int parse_object(struct json_object *object)
{
    return parse(json_object_to_json_string(object));
}

/* The object that holds a member: the whole or one of its areas. */
static struct json_object *holder(struct json_object *object, const char *area)
{
    return area == NULL ? object : json_object_object_get(object, area);
}

static void a_status_survives_json(void **state)
{
    (void)state;
    assert_round_trip(&sample);
    assert_round_trip(&(struct shmap_status){ 0 });
}

static void full_fields_survive_json(void **state)
{
    (void)state;
    struct shmap_status full = sample;
    memset(full.version, 'v', sizeof(full.version) - 1);
    memset(full.mountpoint, '"', sizeof(full.mountpoint) - 1);
    memset(full.store, '\n', sizeof(full.store) - 1);
    memset(full.last_reason, '\t', sizeof(full.last_reason) - 1);
    memset(full.survival, '/', sizeof(full.survival) - 1);
    memset(full.upgrade_error, '\x01', sizeof(full.upgrade_error) - 1);
    memset(full.ram_area.reason, '\\', sizeof(full.ram_area.reason) - 1);
    full.nodes = full.pid = UINT64_MAX;
    assert_round_trip(&full);
}

static void any_bytes_in_a_path_survive_json(void **state)
{
    (void)state;
    struct shmap_status status = sample;
    for (int byte = 1; byte < 256; byte++)
        status.mountpoint[byte - 1] = (char)byte;
    status.mountpoint[255] = '\0';
    strcpy(status.store, "/ä/\xf0\x9f\x98\x80/</script>/\xed\xa0\x80");
    assert_round_trip(&status);
}

static void an_area_that_is_not_there_is_null(void **state)
{
    (void)state;
    struct shmap_status status = sample;
    status.store_area = (struct shmap_area_status){ 0 };
    assert_round_trip(&status);

    char *json = shmap_status_to_json(&status);
    struct json_object *object = json_tokener_parse(json), *area;
    assert_true(json_object_object_get_ex(object, "store_area", &area));
    assert_null(area);
    json_object_put(object);
    free(json);
}

static void the_json_has_the_documented_members(void **state)
{
    (void)state;
    static const char *const members[] = {
        "version",
        "pid",
        "keeper",
        "restarts",
        "upgrades",
        "last_reason",
        "last_stall_us",
        "survival",
        "upgrade_error",
        "mountpoint",
        "store",
        "huge",
        "transport",
        "writeback",
        "nodes",
        "open_files",
        "descriptors",
        "descriptors_max",
        "store_area",
        "ram_area",
        "options",
        "scratch",
        "store_silent_since",
        "store_error",
        "journal_size",
        "journal_used",
        "journal_uncommitted",
        "journal_unapplied",
        "journal_commits",
        "journal_last_commit",
        "journal_error",
        "journal_waits",
        "shared",
        "hosts",
        "mappings",
        "lock_owners",
        "lock_waiters",
    };
    struct json_object *object = sample_object();
    for (size_t i = 0; i < COUNT(members); i++)
        assert_true(json_object_object_get_ex(object, members[i], NULL));
    assert_int_equal(json_object_object_length(object), COUNT(members));
    struct json_object *huge = json_object_object_get(object, "huge");
    assert_string_equal(json_object_get_string(huge), "within_size");
    struct json_object *writeback = json_object_object_get(object, "writeback");
    assert_true(json_object_is_type(writeback, json_type_boolean));
    json_object_put(object);
}

static void unknown_members_are_passed_over(void **state)
{
    (void)state;
    struct json_object *object = sample_object();
    json_object_object_add(object, "colour", json_object_new_string("green"));
    struct json_object *list = json_tokener_parse("[1,{\"a\":[]}]");
    json_object_object_add(holder(object, "ram_area"), "list", list);
    struct shmap_status status;
    const char *json = json_object_to_json_string(object);
    assert_int_equal(shmap_status_from_json(json, &status), 0);
    assert_status_equal(&sample, &status);
    json_object_put(object);
}

/* Takes every member away in turn, and gives it every wrong type in turn. */
static void damage_members(const char *area)
{
    static const char *const values[] = { "null", "1", "-1", "1.5", "true", "\"x\"", "[]", "{}" };
    struct json_object *names = sample_object();
    json_object_object_foreach(holder(names, area), name, original)
    {
        struct json_object *object = sample_object();
        json_object_object_del(holder(object, area), name);
        // The daemons of earlier versions do not have these.
        bool is_late = strcmp(name, "options") == 0 || strcmp(name, "scratch") == 0 ||
                       strcmp(name, "lacks") == 0 || strcmp(name, "brokered") == 0 ||
                       strcmp(name, "store_silent_since") == 0 ||
                       strcmp(name, "store_error") == 0 || strcmp(name, "shared") == 0 ||
                       strcmp(name, "hosts") == 0 || strcmp(name, "mappings") == 0 ||
                       strncmp(name, "journal_", 8) == 0 || strncmp(name, "lock_", 5) == 0;
        if (parse_object(object) != (is_late ? 0 : -EPROTO))
            fail_msg("%s missing", name);
        json_object_put(object);

        for (size_t i = 0; i < COUNT(values); i++) {
            struct json_object *value = json_tokener_parse(values[i]);
            bool right = json_object_get_type(value) == json_object_get_type(original) &&
                         strcmp(values[i], "-1") != 0 && strcmp(values[i], "{}") != 0;
            if (json_object_is_type(original, json_type_object) && value == NULL)
                right = true; /* no such area */
            object = sample_object();
            json_object_object_add(holder(object, area), name, value);
            if (parse_object(object) != (right ? 0 : -EPROTO))
                fail_msg("%s: %s", name, values[i]);
            json_object_put(object);
        }
    }
    json_object_put(names);
}

static void missing_and_mistyped_members_are_refused(void **state)
{
    (void)state;
    damage_members(NULL);
    damage_members("store_area");
    damage_members("ram_area");
}

static void assert_text(const char *area, const char *name, size_t length, int expected)
{
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'x', length);
    text[length] = '\0';
    struct json_object *object = sample_object();
    json_object_object_add(holder(object, area), name, json_object_new_string(text));
    assert_int_equal(parse_object(object), expected);
    json_object_put(object);
    free(text);
}

static void texts_too_long_for_their_field_are_refused(void **state)
{
    (void)state;
    assert_text(NULL, "version", 31, 0);
    assert_text(NULL, "version", 32, -EPROTO);
    assert_text(NULL, "mountpoint", 4095, 0);
    assert_text(NULL, "mountpoint", 4096, -EPROTO);
    assert_text(NULL, "store", 1 << 20, -EPROTO);
    assert_text(NULL, "huge", 16, -EPROTO);
    assert_text(NULL, "transport", 16, -EPROTO);
    assert_text(NULL, "options", 2559, 0);
    assert_text(NULL, "options", 2560, -EPROTO);
    assert_text("ram_area", "filesystem", 32, -EPROTO);
    assert_text("store_area", "reason", 127, 0);
    assert_text("store_area", "reason", 128, -EPROTO);
    assert_text("ram_area", "lacks", 64, -EPROTO);
}

static void a_nul_in_a_text_is_refused(void **state)
{
    (void)state;
    struct json_object *object = sample_object();
    json_object_object_add(object, "mountpoint", json_object_new_string_len("/a\0b", 4));
    assert_int_equal(parse_object(object), -EPROTO);
    json_object_put(object);
}

static void what_is_not_one_json_object_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     " ",    "{",
        "}",    "{}",   "[]",
        "null", "1",    "\"x\"",
        "nul",  "{}{}", "{\"version\":}",
        "[{}]", "\xff", "{'version':1}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(parse(texts[i]), -EPROTO);

    char *json = shmap_status_to_json(&sample);
    char *junk = malloc(strlen(json) + 2);
    assert_non_null(junk);
    strcpy(junk, json);
    strcat(junk, "x");
    assert_int_equal(parse(junk), -EPROTO);
    for (size_t length = strlen(json) - 1; length > 0; length--) {
        json[length] = '\0';
        assert_int_equal(parse(json), -EPROTO);
    }
    free(junk);
    free(json);
}

/* Nothing is read behind the text, where the bytes may be of any kind. */
static void a_comment_without_an_end_is_refused(void **state)
{
    (void)state;
    char *json = shmap_status_to_json(&sample);
    size_t size = strlen(json) + sizeof("//") + 1;
    char *text = calloc(1, size);
    assert_non_null(text);
    for (char behind = 0; behind <= 1; behind++) {
        snprintf(text, size - 1, "%s//", json);
        text[size - 1] = behind;
        assert_int_equal(parse(text), -EPROTO);
    }
    free(text);
    free(json);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 10000 };
    char *json = shmap_status_to_json(&sample);
    assert_non_null(json);
    char *nested = calloc(1, strlen(json) + 2 * DEPTH + sizeof("{\"x\":,"));
    assert_non_null(nested);
    strcpy(nested, "{\"x\":");
    memset(nested + strlen(nested), '[', DEPTH);
    memset(nested + strlen(nested), ']', DEPTH);
    strcat(nested, ",");
    strcat(nested, json + 1); /* well-formed, and complete but for its depth */
    assert_int_equal(parse(nested), -EPROTO);
    free(nested);
    free(json);
}

static void assert_terminated(const char *field, size_t size)
{
    assert_non_null(memchr(field, '\0', size));
}

/* Damages single bytes at random: the answer is one of two, and texts end within their fields. */
static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    unsigned short seed[3] = { 1, 2, 3 };
    char *json = shmap_status_to_json(&sample);
    size_t length = strlen(json);
    for (int i = 0; i < 20000; i++) {
        char *damaged = strdup(json);
        assert_non_null(damaged);
        for (int bytes = 1 + (int)(nrand48(seed) % 3); bytes > 0; bytes--)
            damaged[(size_t)nrand48(seed) % length] = (char)nrand48(seed);
        struct shmap_status status;
        int error = shmap_status_from_json(damaged, &status);
        if (error != 0) {
            assert_int_equal(error, -EPROTO);
        } else {
            assert_terminated(status.version, sizeof(status.version));
            assert_terminated(status.last_reason, sizeof(status.last_reason));
            assert_terminated(status.survival, sizeof(status.survival));
            assert_terminated(status.upgrade_error, sizeof(status.upgrade_error));
            assert_terminated(status.mountpoint, sizeof(status.mountpoint));
            assert_terminated(status.store, sizeof(status.store));
            assert_terminated(status.ram_area.reason, sizeof(status.ram_area.reason));
        }
        free(damaged);
    }
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_survives_json),
        cmocka_unit_test(full_fields_survive_json),
        cmocka_unit_test(any_bytes_in_a_path_survive_json),
        cmocka_unit_test(an_area_that_is_not_there_is_null),
        cmocka_unit_test(the_json_has_the_documented_members),
        cmocka_unit_test(unknown_members_are_passed_over),
        cmocka_unit_test(missing_and_mistyped_members_are_refused),
        cmocka_unit_test(texts_too_long_for_their_field_are_refused),
        cmocka_unit_test(a_nul_in_a_text_is_refused),
        cmocka_unit_test(what_is_not_one_json_object_is_refused),
        cmocka_unit_test(a_comment_without_an_end_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
