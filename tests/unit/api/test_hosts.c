// SPDX-License-Identifier: BSD-2-Clause
/* The hosts of a store as JSON, and back. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap_hosts.h"

static void there_and_back(void **state)
{
    static const struct shmap_host hosts[] = {
        { "alpha", "1.2.3", "/srv/shared", "timeout=1,shared", 1000000000, true },
        { "beta \"b\"", "1.2.4", "/mnt/with\nlines", "", 1, false },
    };
    struct shmap_host *again;
    size_t count;
    char *json = shmap_hosts_to_json(hosts, COUNT(hosts));

    (void)state;
    assert_int_equal(shmap_hosts_from_json(json, &again, &count), 0);
    assert_int_equal(count, COUNT(hosts));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(again[i].host, hosts[i].host);
        assert_string_equal(again[i].version, hosts[i].version);
        assert_string_equal(again[i].mountpoint, hosts[i].mountpoint);
        assert_string_equal(again[i].options, hosts[i].options);
        assert_int_equal(again[i].since, hosts[i].since);
        assert_int_equal(again[i].here, hosts[i].here);
    }
    free(again);
    free(json);
}

static void none_are_an_empty_array(void **state)
{
    struct shmap_host *again;
    size_t count;
    char *json = shmap_hosts_to_json(NULL, 0);

    (void)state;
    assert_string_equal(json, "[]");
    assert_int_equal(shmap_hosts_from_json(json, &again, &count), 0);
    assert_int_equal(count, 0);
    free(again);
    free(json);
}

#define REST "\"version\":\"1\",\"mountpoint\":\"/\",\"options\":\"\",\"since\":1,\"here\":true"

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "{}",
                                         "[1]",
                                         "[{}]",
                                         "[{" REST "}]",
                                         "[{\"host\":1," REST "}]",
                                         "[{\"host\":\"a\\u0000b\"," REST "}]",
                                         "[{\"host\":\"a\"," REST "},{}]" };
    struct shmap_host *hosts;
    size_t count;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(shmap_hosts_from_json(texts[i], &hosts, &count), -EPROTO);
        assert_null(hosts);
    }
    assert_int_equal(shmap_hosts_from_json("[{\"host\":\"a\"," REST "}]", &hosts, &count), 0);
    free(hosts);
}

static void a_name_without_room_is_refused(void **state)
{
    char json[512] = "[{\"host\":\"";
    struct shmap_host *hosts;
    size_t count;

    (void)state;
    memset(json + strlen(json), 'x', sizeof(hosts->host));
    strcat(json, "\"," REST "}]");
    assert_int_equal(shmap_hosts_from_json(json, &hosts, &count), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(none_are_an_empty_array),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_name_without_room_is_refused),
    };

    return cmocka_run_group_tests_name("hosts", cases, NULL, NULL);
}
