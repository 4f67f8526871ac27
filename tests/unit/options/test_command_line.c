// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/options/command_line.h"
#include "fs/options/option_table.h"
#include "fs/options/option_text.h"

#define MAX_WORDS 16

/* Reads a command line: words up to NULL. getopt_long moves them about, so it gets a copy. */
static int parse(const char *const *words, struct options *options, struct complaint *complaint)
{
    char *argv[MAX_WORDS + 1];
    int argc = 0;
    while (words[argc] != NULL) {
        assert_true(argc < MAX_WORDS);
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    argv[argc] = NULL;
    complaint->text[0] = '\0';
    optind = 0; /* starts getopt_long anew */
    return command_line_parse(argc, argv, options, complaint);
}
#define PARSE(options, complaint, ...) \
    parse((const char *const[]){ __VA_ARGS__, NULL }, options, complaint)

/* A mount with a store and one list of options; what does not parse fails the test. */
static struct options with(const char *list)
{
    struct options options;
    struct complaint complaint;
    if (PARSE(&options, &complaint, "shmapfs", "/store", "/mnt", "-o", list) != 0)
        fail_msg("-o %s: %s", list, complaint.text);
    free(options.given);
    options.given = NULL;
    return options;
}

/* The complaint about a list of options names what is wrong and tells what would be right. */
static void assert_complaint(const char *list, const char *wrong, const char *right)
{
    struct options options;
    struct complaint complaint;
    int error = PARSE(&options, &complaint, "shmapfs", "/store", "/mnt", "-o", list);
    if (error != -EINVAL || strstr(complaint.text, wrong) == NULL ||
        strstr(complaint.text, right) == NULL || strchr(complaint.text, '\n') != NULL)
        fail_msg("-o %s: %d, '%s' has no '%s' or '%s'", list, error, complaint.text, wrong, right);
    option_free(&options);
}

static uint64_t ram(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void everything_has_a_default(void **state)
{
    (void)state;
    struct options options;
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "/mnt"), 0);
    assert_null(options.store);
    assert_string_equal(options.mountpoint, "/mnt");
    assert_false(options.foreground || options.help || options.version);
    assert_in_range(options.ram.size, ram() / 2 - 1, ram() / 2);
    assert_int_equal(options.ram.inodes, 0);
    assert_string_equal(options.ram.huge, "within_size");
    assert_int_equal(options.ram.mode, 01777);
    assert_false(options.ram.noswap || options.io_uring || options.read_only);
    assert_true(options.passthrough);
    assert_int_equal(options.timeout, 86400);
    assert_int_equal(options.descriptors, 10000);
    assert_int_equal(options.watchdog, 30);
    assert_int_equal(options.user_descriptors, 50);
    assert_false(options.suid || options.dev || options.noexec);
    assert_null(options.anon);
    assert_int_equal(options.atime.set, 0);
    assert_int_equal(options.atime.clear, 0);
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    struct options options;
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "-f", "/store", "-o", "size=1m", "/mnt",
                           "-osize=2m,ro"),
                     0);
    assert_true(options.foreground);
    assert_string_equal(options.store, "/store");
    assert_string_equal(options.mountpoint, "/mnt");
    assert_int_equal(options.ram.size, 2 << 20); /* the last one counts */
    assert_true(options.read_only);
    assert_string_equal(options.given, "size=1m\nsize=2m\nro");
    option_free(&options);

    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "--", "-store", "-mnt"), 0);
    assert_string_equal(options.store, "-store");
    assert_string_equal(options.mountpoint, "-mnt");
}

static void the_ram_area_has_its_options(void **state)
{
    (void)state;
    assert_int_equal(with("size=3g").ram.size, UINT64_C(3) << 30);
    assert_in_range(with("size=10%").ram.size, ram() / 10 - 1, ram() / 10);
    assert_int_equal(with("size=4096").ram.size, 4096);
    assert_int_equal(with("nr_inodes=12k").ram.inodes, 12 * 1024);
    static const char *const words[] = { "never", "always", "within_size", "advise" };
    for (size_t i = 0; i < COUNT(words); i++) {
        char list[32] = "huge=";
        strcat(list, words[i]);
        assert_string_equal(with(list).ram.huge, words[i]);
    }
    assert_int_equal(with("mode=0750").ram.mode, 0750);
    assert_int_equal(with("mode=7777").ram.mode, 07777);
    assert_true(with("noswap").ram.noswap);
}

static void the_daemon_has_its_options(void **state)
{
    (void)state;
    assert_false(with("nopassthrough").passthrough);
    assert_true(with("nopassthrough").broker);
    assert_false(with("nobroker").broker);
    assert_true(with("io_uring").io_uring);
    assert_int_equal(with("timeout=0").timeout, 0);
    assert_int_equal(with("timeout=5").timeout, 5);
    assert_int_equal(with("descriptors=100").descriptors, 100);
    assert_int_equal(with("watchdog=0").watchdog, 0);
    assert_int_equal(with("watchdog=2").watchdog, 2);
    assert_int_equal(with("user_descriptors=100").user_descriptors, 100);
    assert_int_equal(with("user_descriptors=1%").user_descriptors, 1);
    struct options options = with("anon=scratch:tmp/cache");
    assert_string_equal(options.anon, "scratch:tmp/cache");
    option_free(&options);
}

/* With other hosts the kernel may trust a name for a second, unless the user says otherwise. */
static void hosts_are_one_or_several(void **state)
{
    (void)state;
    assert_int_equal(with("ro").hosts, HOSTS_UNSAID);
    assert_int_equal(with("noshared").hosts, HOSTS_ONE);
    assert_int_equal(with("noshared").timeout, 86400);
    assert_int_equal(with("shared").hosts, HOSTS_SEVERAL);
    assert_int_equal(with("shared").timeout, 1);
    assert_int_equal(with("timeout=0,shared").timeout, 0);
    assert_int_equal(with("shared,timeout=86400").timeout, 86400);
    assert_int_equal(with("shared,noshared").hosts, HOSTS_ONE); /* the last one counts */
    assert_int_equal(with("shared").keep_alive, 30);
    assert_int_equal(with("shared,keepalive=2").keep_alive, 2);
    assert_complaint("keepalive=2", "'keepalive'", "shared");
    assert_complaint("shared,writeback", "'writeback'", "leave it out");
    assert_complaint("shared,nopassthrough", "'nopassthrough'", "leave it out");
    assert_complaint("shared,atomic=db", "'atomic'", "leave it out");
    assert_complaint("checkpoint=db,shared", "'checkpoint'", "leave it out");
    assert_complaint("shared,scratch=tmp", "'scratch'", "leave it out");
    assert_complaint("shared,skeleton", "'skeleton'", "leave it out");
    struct options options;
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "/mnt", "-o", "shared"), -EINVAL);
    assert_non_null(strstr(complaint.text, "STORE"));
    option_free(&options);
}

static void words_of_mount_are_known(void **state)
{
    (void)state;
    assert_true(with("ro").read_only);
    assert_false(with("ro,rw").read_only);
    assert_true(with("suid").suid);
    assert_false(with("suid,nosuid").suid);
    assert_true(with("dev").dev);
    assert_true(with("noexec").noexec);
    assert_false(with("noexec,exec").noexec);
    assert_true(with("noatime").atime.set & MOUNT_ATTR_NOATIME);
    assert_int_equal(with("noatime").atime.clear, MOUNT_ATTR__ATIME);
    assert_true(with("noatime,strictatime").atime.set & MOUNT_ATTR_STRICTATIME);
    assert_false(with("noatime,strictatime").atime.set & MOUNT_ATTR_NOATIME);
    assert_int_equal(with("noatime,relatime").atime.set & MOUNT_ATTR__ATIME, MOUNT_ATTR_RELATIME);
    assert_true(with("nodiratime").atime.set & MOUNT_ATTR_NODIRATIME);
}

static void words_of_fstab_are_passed_over(void **state)
{
    (void)state;
    struct options options = with("defaults,auto,noauto,user,users,nofail,_netdev,,comment=hello,"
                                  "x-systemd.automount,x-gvfs-name=A B,size=1m,");
    assert_int_equal(options.ram.size, 1 << 20);
    assert_false(options.read_only);
}

static void unknown_options_are_named(void **state)
{
    (void)state;
    assert_complaint("frob", "'frob'", "--help");
    assert_complaint("frob=1", "'frob'", "--help");
    assert_complaint("=", "''", "--help");
    assert_complaint("size=1m,Size=2m", "'Size'", "did you mean 'size'?");
    assert_complaint("siz=1m", "'siz'", "'size'");
    assert_complaint("nr_inode=1", "'nr_inode'", "'nr_inodes'");
    assert_complaint("nopasthru", "'nopasthru'", "--help");
    assert_complaint("nopasstrough", "'nopasstrough'", "'nopassthrough'");
    assert_complaint("defalts", "'defalts'", "'defaults'");
    assert_complaint("X-mount.idmap=b:1:2:3", "'X-mount.idmap'", "leave it out");
}

static void words_of_fuse_are_told_apart(void **state)
{
    (void)state;
    struct options options = with("default_permissions,allow_other,auto_unmount");
    assert_true(options.allow_other);
    assert_complaint("allow_root", "allow_root", "mode=0700");
    assert_complaint("subtype=x", "subtype", "fuse.shmapfs");
    assert_complaint("attr_timeout=1", "attr_timeout", "timeout=SECONDS");
    assert_complaint("max_read=4096", "max_read", "leave it out");
    assert_complaint("fsname=x", "fsname", "STORE");
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "/mnt", "-o", "fsname=name"), 0);
    assert_string_equal(options.fsname, "name");
    option_free(&options);
    // It would be taken for a mount of that store.
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "/mnt", "-o", "fsname=/var/lib/store"),
                     -EINVAL);
    assert_non_null(strstr(complaint.text, "slash"));
    option_free(&options);
}

static void words_of_tmpfs_are_known(void **state)
{
    (void)state;
    struct options options = with("uid=7,gid=8,nr_blocks=1k,mpol=bind:0,2-3,inode32,"
                                  "usrquota_block_hardlimit=1m,size=3m");
    assert_int_equal(options.ram.uid, 7);
    assert_int_equal(options.ram.gid, 8);
    assert_int_equal(options.ram.size, 3 << 20); // The last one counts.
    assert_string_equal(options.ram.parameters,
                        "mpol=bind:0,2-3\ninode32\nusrquota_block_hardlimit=1m");
    option_free(&options);
    assert_int_equal(with("size=3m,nr_blocks=1k").ram.size, 1024 * sysconf(_SC_PAGESIZE));
    assert_int_equal(with("").ram.uid, (uid_t)-1);
    assert_complaint("uid=nobody", "'uid=nobody'", "number");
    assert_complaint("uid=4294967295", "out of range", "4294967294");
    assert_complaint("nr_blocks=9223372036854775807", "out of range", "pages");
    assert_complaint("mpol=", "mpol", "NODE");
    // A context may have commas, and then has quotes.
    options = with("context=\"system_u:object_r:tmp_t:s0:c1,c2\",ro,rootcontext=x");
    assert_string_equal(options.contexts,
                        "context=\"system_u:object_r:tmp_t:s0:c1,c2\"\nrootcontext=x");
    assert_true(options.read_only);
    option_free(&options);
}

static void malformed_values_are_named_with_what_is_right(void **state)
{
    (void)state;
    assert_complaint("size=12x", "'size=12x'", "%");
    assert_complaint("size=", "'size=", "%");
    assert_complaint("size", "'size'", "%");
    assert_complaint("size=0", "out of range", "%");
    assert_complaint("size=1", "out of range", "page");
    assert_complaint("size=99999999999t", "out of range", "%");
    assert_complaint("size=18446744073709551617", "out of range", "%");
    assert_complaint("nr_inodes=50%", "'nr_inodes=50%'", "number");
    assert_complaint("nr_inodes=0", "nr_inodes", "at least 1");
    assert_complaint("huge=sometimes", "'huge=sometimes'", "never, always, within_size");
    assert_complaint("mode=888", "'mode=888'", "octal");
    assert_complaint("mode=77777", "'mode=77777'", "7777");
    assert_complaint("mode=", "'mode=", "octal");
    assert_complaint("timeout=-1", "'timeout=-1'", "seconds");
    assert_complaint("timeout=soon", "'timeout=soon'", "seconds");
    assert_complaint("timeout=+5", "malformed", "seconds");
    assert_complaint("timeout= 5", "malformed", "seconds");
    assert_complaint("timeout=1000000001", "out of range", "seconds");
    assert_complaint("timeout=1.5", "'timeout=1.5'", "seconds");
    assert_complaint("watchdog=1", "'watchdog=1'", "0 or a number of seconds from 2");
    assert_complaint("watchdog=-1", "'watchdog=-1'", "86400");
    assert_complaint("watchdog=86401", "watchdog", "86400");
    assert_complaint("descriptors=1", "'descriptors=1'", "16");
    assert_complaint("descriptors=99999999999", "descriptors", "100000000");
    assert_complaint("user_descriptors=0", "'user_descriptors=0'", "1 to 100");
    assert_complaint("user_descriptors=101%", "'user_descriptors=101%'", "1 to 100");
    assert_complaint("user_descriptors=%", "'user_descriptors=%'", "1 to 100");
    assert_complaint("user_descriptors=000000050", "user_descriptors", "1 to 100");
    assert_complaint("anon=", "anon", "directories");
    assert_complaint("noswap=yes", "'noswap'", "no value");
    assert_complaint("ro=1", "'ro'", "no value");
}

static void assert_usage(const char *const *words, const char *wrong)
{
    struct options options;
    struct complaint complaint;
    int error = parse(words, &options, &complaint);
    if (error != -EINVAL || strstr(complaint.text, wrong) == NULL)
        fail_msg("%d, '%s' has no '%s'", error, complaint.text, wrong);
    option_free(&options);
}
#define ASSERT_USAGE(wrong, ...) assert_usage((const char *const[]){ __VA_ARGS__, NULL }, wrong)

static void wrong_command_lines_are_explained(void **state)
{
    (void)state;
    ASSERT_USAGE("MOUNTPOINT is missing", "shmapfs");
    ASSERT_USAGE("MOUNTPOINT is missing", "shmapfs", "-o", "size=1m");
    ASSERT_USAGE("too many", "shmapfs", "a", "b", "c");
    ASSERT_USAGE("'-x'", "shmapfs", "-x", "/mnt");
    ASSERT_USAGE("'-x'", "shmapfs", "-xf", "/mnt");
    ASSERT_USAGE("'-x'", "shmapfs", "-fx", "/mnt");
    ASSERT_USAGE("'-x'", "shmapfs", "-t", "--type", "-xf", "/mnt");
    ASSERT_USAGE("'--frob'", "shmapfs", "--frob", "/mnt");
    ASSERT_USAGE("'--help=3'", "shmapfs", "--help=3", "/mnt");
    ASSERT_USAGE("-o", "shmapfs", "/mnt", "-o");
    ASSERT_USAGE("empty", "shmapfs", "");
    ASSERT_USAGE("empty", "shmapfs", "", "/mnt");
    ASSERT_USAGE("anon", "shmapfs", "/mnt", "-o", "anon=a"); /* all is, without a store */
}

static void help_and_version_need_no_mountpoint(void **state)
{
    (void)state;
    struct options options;
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "--help"), 0);
    assert_true(options.help);
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "--version", "-x"), 0);
    assert_true(options.version);
}

static void mount_calls_with_a_source_and_flags_of_its_own(void **state)
{
    (void)state;
    struct options options;
    struct complaint complaint;
    assert_int_equal(PARSE(&options, &complaint, "/usr/sbin/mount.fuse.shmapfs", "/store", "/mnt",
                           "-s", "-v", "-n", "-o", "rw,nosuid", "-t", "fuse.shmapfs"),
                     0);
    assert_string_equal(options.store, "/store");
    assert_string_equal(options.mountpoint, "/mnt");
    assert_true(options.sloppy);
    assert_int_equal(options.dev, geteuid() == 0); /* mount(8) leaves its defaults out */
    assert_false(options.suid || options.fake);
    option_free(&options);
    assert_int_equal(PARSE(&options, &complaint, "mount.fuse.shmapfs", "none", "/mnt", "-f"), 0);
    assert_null(options.store);
    assert_string_equal(options.source, "none");
    assert_true(options.fake);
    assert_false(options.foreground);
    assert_int_equal(PARSE(&options, &complaint, "mount.fuse.shmapfs", "tmpfs", "/mnt", "-o",
                           "anon=a,user_id=0,remount"),
                     0);
    assert_null(options.store);
    assert_true(options.remount);
    option_free(&options);
    assert_int_equal(PARSE(&options, &complaint, "shmapfs", "none", "/mnt"), 0);
    assert_string_equal(options.store, "none"); /* a directory like any other here */
    ASSERT_USAGE("source", "mount.fuse.shmapfs", "/mnt");
}

static void the_help_names_every_option(void **state)
{
    (void)state;
    static const char *const names[] = {
        "size=",        "nr_inodes=", "huge=",         "mode=",
        "noswap",       "anon=",      "nopassthrough", "timeout=",
        "descriptors=", "io_uring",   "noatime",       "ro",
        "STORE",        "MOUNTPOINT", "--version",     "user_descriptors=",
        "watchdog=",    "uid=",       "gid=",          "allow_other",
        "nobroker",
    };
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    command_line_print_help(stream);
    fclose(stream);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strstr(text, names[i]) == NULL)
            fail_msg("%s is missing", names[i]);
    }
    free(text);
}

static void status_shows_what_stays(void **state)
{
    (void)state;
    struct options options = with("mpol=local,usrquota_inode_hardlimit=7,inode64,grpquota");
    char text[128];

    option_text(&options, text, sizeof(text));
    assert_string_equal(text, "mode=1777,usrquota_inode_hardlimit=7,grpquota");
    option_free(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_default),
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(the_ram_area_has_its_options),
        cmocka_unit_test(the_daemon_has_its_options),
        cmocka_unit_test(hosts_are_one_or_several),
        cmocka_unit_test(words_of_mount_are_known),
        cmocka_unit_test(words_of_fstab_are_passed_over),
        cmocka_unit_test(unknown_options_are_named),
        cmocka_unit_test(words_of_fuse_are_told_apart),
        cmocka_unit_test(words_of_tmpfs_are_known),
        cmocka_unit_test(malformed_values_are_named_with_what_is_right),
        cmocka_unit_test(wrong_command_lines_are_explained),
        cmocka_unit_test(help_and_version_need_no_mountpoint),
        cmocka_unit_test(mount_calls_with_a_source_and_flags_of_its_own),
        cmocka_unit_test(the_help_names_every_option),
        cmocka_unit_test(status_shows_what_stays),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
