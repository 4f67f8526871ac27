// SPDX-License-Identifier: BSD-2-Clause
/* A report's words for names that are nobody else's business. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tools/doctor/redaction.h"

static struct redaction names;

static void assert_redacted(const char *text, const char *wanted)
{
    char *redacted = redact(&names, text);

    assert_string_equal(redacted, wanted);
    free(redacted);
}

static int name_paths(void **state)
{
    (void)state;
    redaction_add(&names, "/home/alice", "STORE");
    redaction_add(&names, "/home/alice/my mount", "MOUNT");
    redaction_add(&names, "/home/alice", "STORE");
    redaction_add(&names, "/", "MOUNT");
    redaction_add(&names, "", "STORE");
    return 0;
}

static int forget_paths(void **state)
{
    (void)state;
    redaction_free(&names);
    return 0;
}

static void known_paths_have_other_names(void **state)
{
    (void)state;
    assert_redacted("resize /home/alice/my mount 2m", "resize MOUNT2 2m");
    assert_redacted("umount '/home/alice/my mount'", "umount 'MOUNT2'");
    assert_redacted("/home/alice", "STORE1");
    assert_redacted("/home/alice/my mount/letters to bob/x", "MOUNT2/PATH to PATH");
    assert_redacted("a size of 1/home/alice", "a size of PATH");
}

static void other_paths_have_none(void **state)
{
    (void)state;
    assert_redacted("/home/alicea", "PATH");
    assert_redacted("upgrade of /opt/bob/shmapfs: no such file", "upgrade of PATH: no such file");
    assert_redacted("/srv/one,two/three;four", "PATH,PATH;four");
    assert_redacted("/proc/12/root/home/bob", "PATH");
}

static void what_every_machine_has_is_told(void **state)
{
    (void)state;
    assert_redacted("echo 1 > /sys/kernel/mm/x", "echo 1 > /sys/kernel/mm/x");
    assert_redacted("sees /proc/meminfo, /dev/fuse", "sees /proc/meminfo, /dev/fuse");
    assert_redacted("/usrlocal", "PATH");
    assert_redacted("passthrough takes root, or the broker",
                    "passthrough takes root, or the broker");
    assert_redacted("a / b", "a / b");
    assert_redacted("", "");
}

static void options_that_name_files_have_no_value(void **state)
{
    (void)state;
    assert_redacted("size=1m,anon=one:two/three,timeout=0", "size=1m,anon=NAMES,timeout=0");
    assert_redacted("fsname=alice", "fsname=NAMES");
    assert_redacted("xanon=1", "xanon=1");
    assert_redacted("scratch=a b:size=1m,log=5m", "scratch=NAMES,log=5m");
    assert_redacted("atomic=one,checkpoint=two,noswap", "atomic=NAMES,checkpoint=NAMES,noswap");
    assert_redacted("context=\"system_u:alice_t:s0:c1,c2\",ro", "context=NAMES,ro");
    assert_redacted("fscontext=a,defcontext=b,rootcontext=c",
                    "fscontext=NAMES,defcontext=NAMES,rootcontext=NAMES");
    assert_redacted("anon=a:size=1m:mpol=bind:0,2:alice,ro", "anon=NAMES,ro");
    assert_redacted("context=\"a,b", "context=NAMES");
}

static void a_relative_place_has_another_name(void **state)
{
    struct redaction own = { 0 };

    (void)state;
    redaction_add(&own, "private", "STORE");
    char *place = redact_place(&own, "private");
    assert_string_equal(place, "STORE1");
    free(place);
    place = redact_place(&own, "machine");
    assert_string_equal(place, "machine");
    free(place);
    place = redact_place(&own, "/home/alice");
    assert_string_equal(place, "PATH");
    free(place);
    redaction_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_paths_have_other_names),
        cmocka_unit_test(other_paths_have_none),
        cmocka_unit_test(what_every_machine_has_is_told),
        cmocka_unit_test(options_that_name_files_have_no_value),
        cmocka_unit_test(a_relative_place_has_another_name),
    };
    return cmocka_run_group_tests_name("redaction", tests, name_paths, forget_paths);
}
