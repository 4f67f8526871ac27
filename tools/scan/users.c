// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/users.h"

#include "tools/ui/array.h"
#include "tools/scan/process.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What a pass looks for, and the process that it is at. */
struct pass {
    dev_t device;
    uint64_t inode;
    struct users *users;
    struct user user;
    bool repeats; /* what comes now may have been found before */
};

static bool is_same_use(const struct use *a, const struct use *b)
{
    return a->kind == b->kind && a->inode == b->inode && strcmp(a->access, b->access) == 0 &&
           a->fd == b->fd && a->shared == b->shared && a->offset == b->offset &&
           a->length == b->length;
}

static void add_use(struct pass *pass, const struct use *use)
{
    struct user *user = &pass->user;
    for (size_t i = 0; pass->repeats && i < user->count; i++) {
        if (is_same_use(&user->uses[i], use))
            return;
    }
    user->uses = array_grow(user->uses, user->count, sizeof(*user->uses));
    user->uses[user->count++] = *use;
}

static bool is_looked_for(const struct pass *pass, dev_t device, uint64_t inode)
{
    return device == pass->device && (pass->inode == USERS_OF_ALL || inode == pass->inode);
}

/* Whether a link of /proc leads to what is looked for. The kernel answers from what it has. */
static bool leads_there(const struct pass *pass, int dir, const char *link, uint64_t *inode)
{
    struct statx stx;
    if (statx(dir, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &stx) != 0)
        return false;
    *inode = stx.stx_ino;
    return is_looked_for(pass, makedev(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino);
}

static void look_at_link(struct pass *pass, int dir, const char *link, enum use_kind kind)
{
    struct use use = { .kind = kind };
    if (leads_there(pass, dir, link, &use.inode))
        add_use(pass, &use);
}

/* The permissions of the link itself are what the descriptor may do. */
static void look_at_descriptor(struct pass *pass, int dir, const char *number)
{
    struct use use = { .kind = USE_OPEN };
    struct stat link;
    if (!leads_there(pass, dir, number, &use.inode) ||
        fstatat(dir, number, &link, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    strcat(use.access, link.st_mode & S_IRUSR ? "r" : "");
    strcat(use.access, link.st_mode & S_IWUSR ? "w" : "");
    if (use.access[0] == '\0')
        strcpy(use.access, "path");
    use.fd = atoi(number);
    add_use(pass, &use);
}

static DIR *open_directory(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL && fd >= 0)
        close(fd);
    return stream;
}

static const char *next_number(DIR *stream)
{
    struct dirent *entry;
    do
        entry = readdir(stream);
    while (entry != NULL && !isdigit((unsigned char)entry->d_name[0]));
    return entry != NULL ? entry->d_name : NULL;
}

static void look_at_descriptors(struct pass *pass, int dir)
{
    DIR *stream = open_directory(dir, "fd");
    const char *number;
    while (stream != NULL && (number = next_number(stream)) != NULL)
        look_at_descriptor(pass, dirfd(stream), number);
    if (stream != NULL)
        closedir(stream);
}

static void look_at_mapping(struct pass *pass, const char *line)
{
    struct use use = { .kind = USE_MAPPED };
    uint64_t start, end;
    unsigned major, minor;
    char allowed[5];
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
               allowed, &use.offset, &major, &minor, &use.inode) != 7 ||
        !is_looked_for(pass, makedev(major, minor), use.inode))
        return;
    use.length = end - start;
    use.shared = allowed[3] == 's';
    allowed[3] = '\0';
    size_t count = 0;
    for (const char *at = allowed; *at != '\0'; at++) {
        if (*at != '-')
            use.access[count++] = *at;
    }
    if (count == 0)
        strcpy(use.access, "none");
    add_use(pass, &use);
}

static void look_at_memory(struct pass *pass, int dir)
{
    look_at_link(pass, dir, "exe", USE_EXECUTING);
    FILE *maps = process_file(dir, "maps");
    char *line = NULL;
    size_t room = 0;
    while (maps != NULL && getline(&line, &room, maps) > 0)
        look_at_mapping(pass, line);
    free(line);
    if (maps != NULL)
        fclose(maps);
}

static void look_at_places(struct pass *pass, int dir)
{
    look_at_link(pass, dir, "cwd", USE_CWD);
    look_at_link(pass, dir, "root", USE_ROOT);
}

/* Whether a thread has another one of something than its process' first thread has. Where the
 * kernel does not tell, it is the same, as it nearly always is. */
static bool has_other(pid_t process, pid_t thread, int type)
{
    return syscall(SYS_kcmp, process, thread, type, 0UL, 0UL) > 0;
}

static void look_at_thread(struct pass *pass, int tasks, const char *number)
{
    pid_t process = pass->user.pid, thread = atoi(number);
    if (thread == process)
        return;
    bool files = has_other(process, thread, KCMP_FILES);
    bool places = has_other(process, thread, KCMP_FS);
    bool memory = has_other(process, thread, KCMP_VM); /* the first thread has ended */
    if (!files && !places && !memory)
        return;
    int dir = openat(tasks, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    if (files)
        look_at_descriptors(pass, dir);
    if (places)
        look_at_places(pass, dir);
    if (memory)
        look_at_memory(pass, dir);
    close(dir);
}

static void look_at_threads(struct pass *pass, int dir)
{
    DIR *tasks = open_directory(dir, "task");
    const char *number;
    pass->repeats = true;
    while (tasks != NULL && (number = next_number(tasks)) != NULL)
        look_at_thread(pass, dirfd(tasks), number);
    if (tasks != NULL)
        closedir(tasks);
    pass->repeats = false;
}

static void keep_user(struct pass *pass, int dir)
{
    struct users *users = pass->users;
    struct user *user = &pass->user;
    user->command = process_command(dir);
    user->uid = process_facts(dir).uid;
    users->all = array_grow(users->all, users->count, sizeof(*users->all));
    users->all[users->count++] = *user;
}

/* All that is looked at takes the same right as this link. A process that has ended meanwhile has
 * nothing to show. */
static bool may_look(int dir)
{
    char byte;
    return readlinkat(dir, "exe", &byte, 1) >= 0 || (errno != EACCES && errno != EPERM);
}

static void look_at_process(struct pass *pass, int proc, const char *number)
{
    int dir = openat(proc, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    pass->user = (struct user){ .pid = atoi(number) };
    if (may_look(dir)) {
        look_at_descriptors(pass, dir);
        look_at_places(pass, dir);
        look_at_memory(pass, dir);
        look_at_threads(pass, dir);
    } else if (process_facts(dir).has_memory) {
        pass->users->unseen++;
    }
    if (pass->user.count > 0)
        keep_user(pass, dir);
    close(dir);
}

int users_find(dev_t device, uint64_t inode, struct users *users)
{
    struct pass pass = { .device = device, .inode = inode, .users = users };
    *users = (struct users){ 0 };
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return -errno;
    const char *number;
    while ((number = next_number(proc)) != NULL) {
        if (atoi(number) != getpid())
            look_at_process(&pass, dirfd(proc), number);
    }
    closedir(proc);
    return 0;
}

void users_free(struct users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        free(users->all[i].command);
        free(users->all[i].uses);
    }
    free(users->all);
}

void users_tell_unseen(const struct users *users)
{
    if (users->unseen == 0)
        return;
    bool one = users->unseen == 1;
    const char *remedy = one ? "; root sees it" : "; root sees them";
    warnx("%u process%s could not be looked at%s", users->unseen, one ? "" : "es",
          geteuid() == 0 ? "" : remedy);
}
