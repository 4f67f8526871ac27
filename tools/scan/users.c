// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/users.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/scan/process.h"
#include "tools/ui/array.h"

/* The goal of a pass over /proc, and the process that it has come to. */
struct pass {
    dev_t device;
    uint64_t inode;
    struct users *users;
    struct user user;
    bool repeats; // what comes now may have been found before
};

static bool is_same_use(const struct file_use *a, const struct file_use *b)
{
    return a->kind == b->kind && a->inode == b->inode && strcmp(a->access, b->access) == 0 &&
           a->fd == b->fd && a->shared == b->shared && a->offset == b->offset &&
           a->length == b->length;
}

static void record_use(struct pass *pass, const struct file_use *use, const char *path)
{
    struct user *user = &pass->user;

    for (size_t i = 0; pass->repeats && i < user->count; i++) {
        if (is_same_use(&user->uses[i], use))
            return;
    }
    user->uses = array_grow(user->uses, user->count, sizeof(*user->uses));
    user->uses[user->count] = *use;
    user->uses[user->count].path = strdup(path);
    if (!user->uses[user->count++].path)
        err(EXIT_FAILURE, NULL);
}

/* Records a use that a link of /proc shows, which has the path. */
static void record_link(struct pass *pass, int dir, const char *link, const struct file_use *use)
{
    char path[PATH_MAX];
    ssize_t length = readlinkat(dir, link, path, sizeof(path) - 1);

    path[length > 0 ? length : 0] = '\0';
    record_use(pass, use, path);
}

static bool is_wanted(const struct pass *pass, dev_t device, uint64_t inode)
{
    return device == pass->device && (pass->inode == USERS_OF_ALL || inode == pass->inode);
}

/* Returns whether a link of /proc leads to what the pass looks for. The kernel answers from what it
 * has. */
static bool links_to_wanted(const struct pass *pass, int dir, const char *link, uint64_t *inode)
{
    struct statx stx;

    if (statx(dir, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &stx) != 0)
        return false;
    *inode = stx.stx_ino;
    return is_wanted(pass, makedev(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino);
}

static void inspect_link(struct pass *pass, int dir, const char *link, enum use_kind kind)
{
    struct file_use use = { .kind = kind };

    if (links_to_wanted(pass, dir, link, &use.inode))
        record_link(pass, dir, link, &use);
}

/* Reads a number that is the name of an entry of /proc. */
static int number_of(const char *name)
{
    return (int)strtol(name, NULL, 10);
}

/* The permissions of the link itself are what the descriptor may do. */
static void inspect_descriptor(struct pass *pass, int dir, const char *number)
{
    struct file_use use = { .kind = USE_OPEN };
    struct stat link;

    if (!links_to_wanted(pass, dir, number, &use.inode) ||
        fstatat(dir, number, &link, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (link.st_mode & (S_IRUSR | S_IWUSR))
        snprintf(use.access, sizeof(use.access), "%s%s", link.st_mode & S_IRUSR ? "r" : "",
                 link.st_mode & S_IWUSR ? "w" : "");
    else
        strlcpy(use.access, "path", sizeof(use.access));
    use.fd = number_of(number);
    record_link(pass, dir, number, &use);
}

/* Returns the next entry whose name is a number; NULL: there is none. */
static const char *next_number(DIR *stream)
{
    struct dirent *entry;

    do
        entry = readdir(stream);
    while (entry && !isdigit((unsigned char)entry->d_name[0]));
    return entry ? entry->d_name : NULL;
}

static void inspect_descriptors(struct pass *pass, int dir)
{
    DIR *stream = process_entries(dir, "fd");
    const char *number;

    while (stream && (number = next_number(stream)))
        inspect_descriptor(pass, dirfd(stream), number);
    if (stream)
        closedir(stream);
}

static void inspect_mapping(struct pass *pass, char *line)
{
    struct file_use use = { .kind = USE_MAPPED };
    uint64_t start, end;
    unsigned major, minor;
    char allowed[5];
    size_t count = 0;
    const char *path;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
               allowed, &use.offset, &major, &minor, &use.inode) != 7 ||
        !is_wanted(pass, makedev(major, minor), use.inode))
        return;
    use.length = end - start;
    use.shared = allowed[3] == 's';
    allowed[3] = '\0';
    for (const char *at = allowed; *at; at++) {
        if (*at != '-')
            use.access[count++] = *at;
    }
    if (count == 0)
        strlcpy(use.access, "none", sizeof(use.access));
    line[strcspn(line, "\n")] = '\0';
    path = strchr(line, '/');
    record_use(pass, &use, path ? path : "");
}

static void inspect_memory(struct pass *pass, int dir)
{
    FILE *maps = process_file(dir, "maps");
    char *line = NULL;
    size_t room = 0;

    inspect_link(pass, dir, "exe", USE_EXECUTING);
    while (maps && getline(&line, &room, maps) > 0)
        inspect_mapping(pass, line);
    free(line);
    if (maps)
        fclose(maps);
}

static void inspect_places(struct pass *pass, int dir)
{
    inspect_link(pass, dir, "cwd", USE_CWD);
    inspect_link(pass, dir, "root", USE_ROOT);
}

/* Returns whether a thread has another one of something than its process' first thread has. Where
 * the kernel does not tell, it is the same, as it nearly always is. */
static bool has_own(pid_t process, pid_t thread, int type)
{
    return syscall(SYS_kcmp, process, thread, type, 0UL, 0UL) > 0;
}

static void inspect_thread(struct pass *pass, int tasks, const char *number)
{
    pid_t process = pass->user.pid, thread = number_of(number);
    bool files, places, memory;
    int dir;

    if (thread == process)
        return;
    files = has_own(process, thread, KCMP_FILES);
    places = has_own(process, thread, KCMP_FS);
    memory = has_own(process, thread, KCMP_VM); // the first thread has ended
    if (!files && !places && !memory)
        return;
    dir = openat(tasks, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    if (files)
        inspect_descriptors(pass, dir);
    if (places)
        inspect_places(pass, dir);
    if (memory)
        inspect_memory(pass, dir);
    close(dir);
}

static void inspect_threads(struct pass *pass, int dir)
{
    DIR *tasks = process_entries(dir, "task");
    const char *number;

    pass->repeats = true;
    while (tasks && (number = next_number(tasks)))
        inspect_thread(pass, dirfd(tasks), number);
    if (tasks)
        closedir(tasks);
    pass->repeats = false;
}

static void record_user(struct pass *pass, int dir)
{
    struct users *users = pass->users;
    struct user *user = &pass->user;

    user->command = process_command(dir);
    user->uid = process_read_info(dir).uid;
    users->all = array_grow(users->all, users->count, sizeof(*users->all));
    users->all[users->count++] = *user;
}

/* Returns whether the caller may inspect a process: all that is inspected takes the same right as
 * this link. A process that has ended meanwhile has nothing to show. */
static bool may_inspect(int dir)
{
    char byte;

    return readlinkat(dir, "exe", &byte, 1) >= 0 || (errno != EACCES && errno != EPERM);
}

static void inspect_process(struct pass *pass, int proc, const char *number)
{
    int dir = openat(proc, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return;
    pass->user = (struct user){ .pid = number_of(number) };
    if (may_inspect(dir)) {
        inspect_descriptors(pass, dir);
        inspect_places(pass, dir);
        inspect_memory(pass, dir);
        inspect_threads(pass, dir);
    } else if (process_read_info(dir).has_memory) {
        pass->users->unseen++;
    }
    if (pass->user.count > 0)
        record_user(pass, dir);
    close(dir);
}

int users_find(dev_t device, uint64_t inode, struct users *users)
{
    struct pass pass = { .device = device, .inode = inode, .users = users };
    DIR *proc = opendir("/proc");
    const char *number;

    *users = (struct users){ 0 };
    if (!proc)
        return -errno;
    while ((number = next_number(proc))) {
        if (number_of(number) != getpid())
            inspect_process(&pass, dirfd(proc), number);
    }
    closedir(proc);
    return 0;
}

void users_free(struct users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        for (size_t k = 0; k < users->all[i].count; k++)
            free(users->all[i].uses[k].path);
        free(users->all[i].command);
        free(users->all[i].uses);
    }
    free(users->all);
}

void users_report_unseen(const struct users *users)
{
    bool one = users->unseen == 1;
    const char *remedy = one ? "; root sees it" : "; root sees them";

    if (users->unseen == 0)
        return;
    warnx("%u process%s could not be inspected%s", users->unseen, one ? "" : "es",
          geteuid() == 0 ? "" : remedy);
}
