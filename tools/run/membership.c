// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/membership.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/scan/process.h"
#include "tools/ui/output.h"

/* The memory file has no contents, because the limit of a file's size may be 0. Its name has the
 * number of the first process, the run's name and the mount's place. */
#define TITLE        "shmapfs-run:"
#define TITLE_FORMAT TITLE "%d:%s:%s"
#define TITLE_MAX    249 // as memfd_create(2) has it

#define PROGRAM "shmapctl"

/* How the run is, as these bits of the memory file's mode. */
enum run_state { RUN_STARTING = 0066, RUN_OPEN = 0060, RUN_ENDED = 0 };
#define STATE_BITS 0066

struct run_title {
    pid_t pid; // the first process' children have the file, too
    char name[RUN_NAME_MAX];
    char mountpoint[TITLE_MAX]; // empty: it is too long
};

/* A run that was found. */
struct found {
    pid_t pid;
    int process;
    int file;
    struct run_title title;
};

/* A look for runs: those of a name, or the one in a mount namespace. */
struct search {
    const char *name; // NULL: by the namespace
    struct stat namespace;
    struct stat processes; // our own PID namespace, in which it is
    unsigned count;        // of those that were found
    struct found first;
    bool foreign; // there is one of another user
    uid_t owner;
};

/* Returns whether all user ids of a process are the caller's own: then nobody else has a say in
 * what it shows. Tells its effective one. */
static bool is_own(int process, uid_t *uid)
{
    FILE *status = process_file(process, "status");
    unsigned real = 0, effective = 0, saved = 0;
    char line[256];
    bool told = false;

    while (!told && status && fgets(line, sizeof(line), status))
        told = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3;
    if (status)
        fclose(status);
    *uid = effective;
    return told && real == effective && effective == saved && effective == geteuid();
}

static bool is_in_namespace(int process, const char *path, const struct stat *namespace)
{
    struct stat st;

    return fstatat(process, path, &st, 0) == 0 && st.st_dev == namespace->st_dev &&
           st.st_ino == namespace->st_ino;
}

/* Reads the name of a memory file off what a descriptor of a process, by its path there, leads to.
 * Returns whether it is one of a run. */
static bool read_title(int process, const char *path, struct run_title *title)
{
    static const char before[] = "/memfd:" TITLE, behind[] = " (deleted)";
    char target[sizeof(before) + TITLE_MAX + sizeof(behind)];
    ssize_t length = readlinkat(process, path, target, sizeof(target) - 1);
    char *word = target + strlen(before), *name, *mountpoint;

    if (length < (ssize_t)(strlen(before) + strlen(behind)))
        return false;
    target[length] = '\0';
    if (strncmp(target, before, strlen(before)) != 0)
        return false;
    target[(size_t)length - strlen(behind)] = '\0';
    title->pid = (pid_t)strtol(word, &name, 10);
    mountpoint = *name == ':' ? strchr(name + 1, ':') : NULL;
    if (!mountpoint)
        return false;
    *mountpoint = '\0';
    strlcpy(title->name, name + 1, sizeof(title->name));
    strlcpy(title->mountpoint, mountpoint + 1, sizeof(title->mountpoint));
    return true;
}

static bool is_sought(const struct search *search, int process, const struct run_title *title)
{
    return search->name ? strcmp(title->name, search->name) == 0
                        : is_in_namespace(process, "ns/mnt", &search->namespace);
}

/* Writes the path of the memory file, below a process' directory, and its name. Returns whether it
 * has one that is looked for. */
static bool find_file(const struct search *search, int process, char *path, size_t size,
                      struct run_title *title)
{
    DIR *numbers = process_entries(process, "fd");
    const struct dirent *entry;
    bool found = false;

    while (!found && numbers && (entry = readdir(numbers))) {
        snprintf(path, size, "fd/%s", entry->d_name);
        found = read_title(process, path, title) && is_sought(search, process, title);
    }
    if (numbers)
        closedir(numbers);
    return found;
}

bool membership_is_shmapctl(int process)
{
    char *command = process_command(process);
    bool is = strcmp(command, PROGRAM) == 0;

    free(command);
    return is;
}

/* A file that another user has made is no run's. */
static enum run_state run_state_of(int file)
{
    struct stat st;

    return fstat(file, &st) == 0 && st.st_uid == geteuid() ? st.st_mode & STATE_BITS : RUN_ENDED;
}

/* Adds a process to what was found, if it is the first one of a run that is looked for. */
static void consider_process(struct search *search, int proc, const char *number)
{
    CLEANUP_FD int process = openat(proc, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_FD int file = -1;
    struct run_title title;
    char path[NAME_MAX + 8];
    pid_t pid = (pid_t)strtol(number, NULL, 10);
    uid_t uid;
    bool own;

    // Root of a container is not to be trusted.
    if (process < 0 || !membership_is_shmapctl(process) ||
        !is_in_namespace(process, "ns/pid", &search->processes))
        return;
    own = is_own(process, &uid);
    if (!find_file(search, process, path, sizeof(path), &title))
        return;
    if (!own) {
        search->foreign = true;
        search->owner = uid;
        return;
    }
    file = openat(process, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || title.pid != pid || run_state_of(file) == RUN_ENDED)
        return;
    if (search->count++ == 0)
        search->first = (struct found){
            .pid = pid, .process = steal_fd(&process), .file = steal_fd(&file), .title = title
        };
}

/* Looks at all processes but this one. */
static void search_runs(struct search *search)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;

    if (!processes || stat("/proc/self/ns/pid", &search->processes) != 0)
        warn("/proc");
    while (processes && (entry = readdir(processes))) {
        long number = strtol(entry->d_name, NULL, 10);

        if (number > 0 && number != getpid())
            consider_process(search, dirfd(processes), entry->d_name);
    }
    if (processes)
        closedir(processes);
}

static bool is_run_name(const char *text)
{
    if (!isalpha((unsigned char)*text) || strlen(text) >= RUN_NAME_MAX)
        return false;
    while (isalnum((unsigned char)*text) || (*text && strchr("._-", *text)))
        text++;
    return *text == '\0';
}

static int fail_name(const char *name)
{
    fail(name,
         "no name for a run; it begins with a letter, and has letters, digits, '.', '_' and "
         "'-', at most %d",
         RUN_NAME_MAX - 1);
    return -1;
}

static void end_search(const struct search *search)
{
    if (search->count > 0) {
        close(search->first.process);
        close(search->first.file);
    }
}

/* Complains if the user has a run of that name. Two that begin at the same moment may both be
 * refused. */
static int check_name(const char *name)
{
    struct search search = { .name = name };

    if (!is_run_name(name))
        return fail_name(name);
    search_runs(&search);
    end_search(&search);
    if (search.count == 0)
        return 0;
    fail(name,
         "a run of this name is there already, process %d; join it with --join, or choose "
         "another name",
         (int)search.first.pid);
    return -1;
}

int membership_found(const char *name, const char *mountpoint)
{
    char title[sizeof(TITLE) + RUN_NAME_MAX + PATH_MAX + 16];
    CLEANUP_FD int run = -1;

    if (*name && !is_run_name(name))
        return fail_name(name);
    if (snprintf(title, sizeof(title), TITLE_FORMAT, (int)getpid(), name, mountpoint) > TITLE_MAX)
        snprintf(title, sizeof(title), TITLE_FORMAT, (int)getpid(), name, "");
    run = memfd_create(title, MFD_CLOEXEC);
    if (run < 0 || run_state_of(run) != RUN_STARTING || flock(run, LOCK_EX | LOCK_NB) != 0) {
        warn("COMMAND cannot be started");
        return -1;
    }
    // So that it is found, whatever its file is called.
    prctl(PR_SET_NAME, PROGRAM);
    return *name && check_name(name) != 0 ? -1 : steal_fd(&run);
}

static void set_run_state(int run, enum run_state state)
{
    struct stat st;

    if (fstat(run, &st) == 0)
        fchmod(run, (st.st_mode & 07777 & ~STATE_BITS) | state);
    flock(run, LOCK_UN);
}

void membership_open(int run)
{
    set_run_state(run, RUN_OPEN);
}

bool membership_end(int run)
{
    if (flock(run, LOCK_EX | LOCK_NB) != 0)
        return false;
    // Each process that waits for the lock is told at once.
    set_run_state(run, RUN_ENDED);
    return true;
}

pid_t membership_start_waiter(int run)
{
    pid_t parent = getpid();
    pid_t waiter = fork();

    if (waiter == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The lock is the parent's as well: it belongs to what both have open.
        if (getppid() == parent)
            flock(run, LOCK_EX);
        _exit(0);
    }
    return waiter;
}

/* Reads what is to be joined. Returns 0, or -1 after a line. */
static int prepare_search(const char *whom, struct search *search)
{
    char path[64], *end;
    long number = strtol(whom, &end, 10);

    if (is_run_name(whom)) {
        search->name = whom;
        return 0;
    }
    if (end == whom || *end || number <= 0) {
        fail(whom, "neither the name of a run nor the number of a process");
        return -1;
    }
    snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", number);
    if (stat(path, &search->namespace) == 0)
        return 0;
    if (errno == ENOENT)
        fail(whom, "no such process; a run that has a name can be joined by that, too");
    else
        fail(whom, "the process is in no run that you can join: %s", strerror(errno));
    return -1;
}

static int fail_search(const char *whom, const struct search *search)
{
    if (search->count > 1)
        fail(whom, "%u runs have this name; join one by the number of a process", search->count);
    else if (search->foreign)
        fail(whom, "the run is that of the user with uid %u, and for this user alone to join",
             search->owner);
    else if (search->name)
        fail(whom,
             "you have no run of this name, as far as can be seen from here; begin one with: "
             "shmapctl run --name %s COMMAND",
             whom);
    else
        fail(whom, "the process is in no run of yours, as far as can be seen from here");
    return -1;
}

/* Locks the memory file, and has a look at its state then. */
static int take_part(const struct found *found, const char *whom, struct membership *membership)
{
    struct pollfd end = { .events = POLLIN };

    // It is the process that was found if that is alive now.
    end.fd = (int)syscall(SYS_pidfd_open, found->pid, 0);
    if (end.fd < 0 || faccessat(found->process, "stat", R_OK, 0) != 0 ||
        flock(found->file, LOCK_SH) != 0 || run_state_of(found->file) != RUN_OPEN ||
        poll(&end, 1, 0) != 0) {
        fail(whom, "the run has just ended");
        return -1;
    }
    membership->process = found->process;
    membership->pidfd = end.fd;
    strlcpy(membership->mountpoint, found->title.mountpoint, sizeof(membership->mountpoint));
    return 0;
}

int membership_join(const char *whom, struct membership *membership)
{
    struct search search = { .name = NULL };

    if (prepare_search(whom, &search) != 0)
        return -1;
    search_runs(&search);
    return search.count == 1 ? take_part(&search.first, whom, membership)
                             : fail_search(whom, &search);
}
