// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/broker/registrar.h"
#include "fs/locks/file_locks.h"
#include "fs/mount/session.h"
#include "fs/mount/setup.h"
#include "fs/util/log.h"
#include "lib/process/oom.h"
#include "lib/process/patience.h"
#include "lib/sys/cleanup.h"

/* How long a binary may wait or compute before it says whether it can go on. That it gets no
 * processor on a busy machine does not count. */
#define ANSWER_NANOSECONDS UINT64_C(10000000000)
#define LOOK_MILLISECONDS  ((int)(ANSWER_NANOSECONDS / PATIENCE_LOOKS / 1000000))

#define CONSENT_MAX 48

/* The exit status of a binary that says why it cannot go on. */
#define REFUSED 65

/* The descriptor by which the child finds the memory of the mount. */
#define MEMORY_FD 3

/* Starts the binary with the question; `answer` receives a descriptor to read the answer from. */
static int ask(const struct mount *mount, const char *binary, pid_t *child, int *answer)
{
    char name[] = "shmapfs", word[] = "--resume-check", memfd[] = "3";
    char *const arguments[] = { name, word, memfd, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    CLEANUP_FD int ours = -1, theirs = -1;
    sigset_t none;
    int ends[2];
    int error;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    ours = ends[0];
    theirs = ends[1];
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, mount->memfd, MEMORY_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, MEMORY_FD + 1);
    error = posix_spawn(child, binary, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (!error)
        *answer = steal_fd(&ours);
    return -error;
}

/* Waits until there is something to read. Returns false if the child takes too long. */
static bool await_readable(int fd, pid_t child, struct patience *patience)
{
    struct pollfd event = { .fd = fd, .events = POLLIN };
    int ready;

    while ((ready = poll(&event, 1, LOOK_MILLISECONDS)) <= 0) {
        enum threads threads = threads_of(child);

        // Where nobody can tell, it is not waited for without end.
        if (threads == THREADS_UNKNOWN)
            threads = THREADS_WAITING;
        if (ready == 0 && patience_ends(patience, child, threads))
            return false;
    }
    return true;
}

/* Reads the answer until its end, or until there is no more room, or the child takes too long. */
static void listen_to(int answer, pid_t child, struct patience *patience, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got = 1;

    while (got > 0 && length < size - 1 && await_readable(answer, child, patience)) {
        got = read(answer, text + length, size - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* Waits for the end of a child; kills it if it takes too long. Returns its exit status, or -1. */
static int await_child(pid_t child, struct patience *patience)
{
    CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    int status;

    if (pidfd < 0 || !await_readable(pidfd, child, patience))
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Writes the answer of a binary that can go on: words that no other program says by accident, and a
 * number that it knows only if it has understood the memory of the mount. */
static void write_consent(const struct state *state, char consent[CONSENT_MAX])
{
    snprintf(consent, CONSENT_MAX, "shmapfs goes on with %016jx", (uintmax_t)state->check);
}

/* Checks whether a binary can go on with the mount. Returns 0 or a negative errno. */
static int check_binary(struct mount *mount, const char *binary)
{
    struct upgrade *upgrade = &mount->volume.state->upgrade;
    struct patience patience;
    char text[sizeof(upgrade->refusal)], consent[CONSENT_MAX];
    pid_t child;
    int status;
    int answer = -1;
    int error = ask(mount, binary, &child, &answer);

    if (error) {
        snprintf(upgrade->refusal, sizeof(upgrade->refusal), "it cannot be executed: %s",
                 strerror(-error));
        return error;
    }
    patience_begin(&patience, ANSWER_NANOSECONDS, child);
    listen_to(answer, child, &patience, text, sizeof(text));
    close(answer);
    status = await_child(child, &patience);
    write_consent(mount->volume.state, consent);
    upgrade->refusal[0] = '\0';
    if (status == EXIT_SUCCESS && strcmp(text, consent) == 0)
        return 0;
    snprintf(upgrade->refusal, sizeof(upgrade->refusal), "%s",
             status == REFUSED ? text
             : patience_has_ended(&patience)
                 ? "it does not answer"
                 : "it does not know how to go on with a mount; is it shmapfs?");
    return -EPROTO;
}

int upgrade_begin(struct mount *mount)
{
    struct upgrade *upgrade = &mount->volume.state->upgrade;
    int error;

    // A request has asked already.
    if (mount->handing_over)
        return 0;
    if (atomic_flag_test_and_set(&mount->upgrading))
        return -EBUSY;
    error = check_binary(mount, mount->volume.state->program);
    if (error)
        log_event(LOG_ERR, "the mount is not upgraded to %s: %s", mount->volume.state->program,
                  upgrade->refusal);
    else
        strlcpy(upgrade->binary, mount->volume.state->program, sizeof(upgrade->binary));
    if (error)
        atomic_flag_clear(&mount->upgrading);
    return error;
}

/* Finds the outcome of the handover that a request began in another process. */
static int find_outcome(const struct mount *mount, const struct preimage *asked)
{
    const struct life *life = &mount->volume.state->life;

    if (life->upgrades != asked->key.ino)
        return 0;
    return life->exec_error ? -life->exec_error : -EIO;
}

static int find_binary(const struct mount *mount, const char *path, size_t length, char *binary)
{
    if (length == 0) {
        return strlcpy(binary, mount->volume.state->program, UPGRADE_PATH_MAX) < UPGRADE_PATH_MAX
                   ? 0
                   : -ENAMETOOLONG;
    }
    if (*path != '/' || length >= UPGRADE_PATH_MAX || memchr(path, '\0', length))
        return -EINVAL;
    memcpy(binary, path, length);
    binary[length] = '\0';
    return 0;
}

int upgrade_request(struct mount *mount, const char *path, size_t length)
{
    struct request *request = volume_request(&mount->volume);
    const struct preimage *asked = request_source(request);
    struct node_key key = { .ino = mount->volume.state->life.upgrades };
    char binary[UPGRADE_PATH_MAX];
    int error = find_binary(mount, path, length, binary);

    if (asked)
        return find_outcome(mount, asked);
    if (error)
        return error;
    if (*mount->volume.info.survival || !request)
        return -EOPNOTSUPP;
    if (atomic_flag_test_and_set(&mount->upgrading))
        return -EBUSY;
    error = check_binary(mount, binary);
    if (error) {
        atomic_flag_clear(&mount->upgrading);
        return error;
    }
    strlcpy(mount->volume.state->upgrade.binary, binary, sizeof(binary));
    mount->volume.state->life.exec_error = 0;
    request_save_source(request, &key, true);
    mount->handing_over = true;
    kill(getpid(), SIGHUP);
    return UPGRADE_LATER;
}

/* Returns whether some of this process was loaded from a file system. */
static bool is_loaded_from(dev_t device)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    CLEANUP_FREE char *line = NULL;
    unsigned high, low;
    size_t room = 0;
    bool hit = false;

    while (maps && !hit && getline(&line, &room, maps) > 0)
        hit = sscanf(line, "%*s %*s %*s %x:%x", &high, &low) == 2 && makedev(high, low) == device;
    if (maps)
        fclose(maps);
    return hit;
}

static int find_answer(struct mount *mount, int memfd)
{
    struct state *state;
    char consent[CONSENT_MAX];
    const char *why;

    mount->memfd = memfd;
    if (state_attach(memfd, &mount->volume.state, &why) != 0) {
        printf("it cannot go on with the mount's memory: %s\n", why);
        return REFUSED;
    }
    state = mount->volume.state;
    if (state->node_layout != node_table_layout()) {
        puts("it cannot go on with the mount's memory: the node table has another layout");
        return REFUSED;
    }
    mount->volume.info = state->info;
    // Nobody serves the mount while the binary is loaded once more.
    if (is_loaded_from(mount->volume.info.device_number)) {
        puts("it is on the mount itself, or something that it loads is; copy it elsewhere first");
        return REFUSED;
    }
    // The kernel must not hear this answer.
    if (setup_continue(mount, open("/dev/null", O_RDWR | O_CLOEXEC)) != 0 ||
        session_agree(mount) != 0) {
        puts("it would come to another agreement with the kernel than the one in force");
        return REFUSED;
    }
    write_consent(state, consent);
    puts(consent);
    return EXIT_SUCCESS;
}

void upgrade_answer(struct mount *mount, int memfd)
{
    int status = find_answer(mount, memfd);

    fflush(stdout);
    // The set-up for the answer is not worth taking down.
    _exit(status);
}

static int continue_parking(struct volume *volume)
{
    int error;

    if (volume->state->parked)
        return parking_attach(&volume->parking, volume->state->parked);
    // An older version has kept them in memory of its own.
    error = parking_create(&volume->parking);
    if (!error)
        state_set_parked(volume->state, volume->parking.memfd);
    return error;
}

static int continue_areas(struct volume *volume)
{
    int error;

    if (volume->state->areas)
        return area_table_attach(&volume->areas, volume->state->areas);
    // An older version has none but the first ones.
    error = area_table_create(&volume->areas);
    if (!error)
        volume->state->areas = volume->areas.memfd;
    return error;
}

static int continue_registrar(const struct volume *volume)
{
    int memfd = volume->state->unclosed;

    return memfd ? registrar_attach(volume->registrar, memfd) : 0;
}

static int continue_locks(struct volume *volume)
{
    int memfd = volume->state->locks;

    return memfd ? file_locks_attach(volume, memfd) : 0;
}

int upgrade_resume(struct mount *mount, int memfd)
{
    const char *why;
    int error = state_attach(memfd, &mount->volume.state, &why);

    if (error)
        return error;
    mount->memfd = memfd;
    mount->volume.info = mount->volume.state->info;
    setup_note_program(mount->volume.state);
    error = continue_parking(&mount->volume);
    if (!error)
        error = continue_areas(&mount->volume);
    if (!error)
        error = setup_continue(mount, mount->volume.info.device);
    if (!error)
        error = continue_registrar(&mount->volume);
    if (!error)
        error = continue_locks(&mount->volume);
    if (error)
        return error;
    // As in setup.c: a binary that did not do this may have had the mount until now.
    oom_go_last();
    return cred_init(&mount->volume.info.cred, mount->volume.info.areas[AREA_STORE].has_servers);
}
