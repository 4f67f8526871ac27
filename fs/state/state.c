// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fs/util/checksum.h"
#include "fs/util/fault.h"
#include "fs/util/version.h"
#include "lib/sys/cleanup.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // since Linux 5.14
#endif

#define STATE_MAGIC UINT64_C(0x73686d6170737461) // "shmapsta"

/* FUSE_HAS_RESEND of linux/fuse.h since Linux 6.9. */
#define HAS_RESEND (UINT64_C(1) << 39)

/* How much higher the version is of a mount that not every binary can go on with. */
enum {
    WITH_HOLD = 1,
    WITH_UNSENT = 2,
    WITH_AREAS = 3,
    WITH_BROKER = 4,
    WITH_SCRATCH = 5,
    WITH_CLASS = 6,
    WITH_HOSTS = 7
};

static int map_state(int memfd, struct state **state)
{
    void *memory =
        mmap(NULL, sizeof(**state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memfd, 0);

    if (memory == MAP_FAILED)
        return -errno;
    *state = memory;
    return 0;
}

int state_create(struct state **state)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    // If the memory of the mapping could shrink, that could end the keeper.
    if (memfd < 0 || ftruncate(memfd, sizeof(**state)) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    error = map_state(memfd, state);
    if (error)
        return error;
    (*state)->magic = STATE_MAGIC;
    (*state)->version = version_of_state();
    (*state)->bytes = sizeof(**state);
    return steal_fd(&memfd);
}

static bool is_known(uint32_t version)
{
    return version >= version_of_state() && version <= version_of_state() + WITH_HOSTS;
}

/* From now on another binary has to know something to go on with the mount. */
static void raise_version(struct state *state, uint32_t by)
{
    if (state->version < version_of_state() + by)
        state->version = version_of_state() + by;
}

bool state_kernel_offers(const struct state *state, uint64_t feature)
{
    const struct question *asked = &state->asked;
    struct fuse_init_in init;

    if (asked->length < sizeof(struct fuse_in_header) + sizeof(init))
        return false;
    memcpy(&init, asked->bytes + sizeof(struct fuse_in_header), sizeof(init));
    return ((uint64_t)init.flags2 << 32) & feature;
}

bool state_kernel_resends(const struct state *state)
{
    return state_kernel_offers(state, HAS_RESEND) && !fault_forgetful_kernel();
}

void state_set_hold(struct state *state, uint64_t handle)
{
    state->hold = handle;
    raise_version(state, WITH_HOLD);
}

void state_set_parked(struct state *state, int memfd)
{
    state->parked = memfd;
    if (!state_kernel_resends(state))
        raise_version(state, WITH_UNSENT);
}

void state_set_own_areas(struct state *state)
{
    raise_version(state, WITH_AREAS);
}

void state_set_brokered(struct state *state, int unclosed)
{
    state->unclosed = unclosed;
    raise_version(state, WITH_BROKER);
}

void state_set_scratch(struct state *state)
{
    raise_version(state, WITH_SCRATCH);
}

void state_set_cached_class(struct state *state, enum caches_class which)
{
    if (!state->caches_class)
        state->caches_class = which;
    raise_version(state, WITH_CLASS);
}

void state_set_locks(struct state *state, int memfd)
{
    state->locks = memfd;
    raise_version(state, WITH_HOSTS);
}

void state_set_file_classes(struct state *state)
{
    state->file_classes = 1;
    raise_version(state, WITH_CLASS);
}

void state_set_shared(struct state *state)
{
    raise_version(state, WITH_HOSTS);
}

const char *state_scratch_names(const struct state *state)
{
    size_t before = strnlen(state->anon, sizeof(state->anon)) + 1;

    // It is read from shared memory.
    return before < sizeof(state->anon) &&
                   memchr(state->anon + before, '\0', sizeof(state->anon) - before)
               ? state->anon + before
               : "";
}

int state_attach(int memfd, struct state **state, const char **why)
{
    struct stat st;
    int error;

    *why = "it is not the memory of a mount";
    if (fstat(memfd, &st) != 0)
        return -EPROTO;
    // Every version begins with the same fields; a smaller file may not have the rest.
    *why = "its layout has another size";
    if (st.st_size != sizeof(**state))
        return -EPROTO;
    error = map_state(memfd, state);
    *why = "it cannot be mapped";
    if (error)
        return error;
    if ((*state)->magic == STATE_MAGIC && is_known((*state)->version) &&
        (*state)->bytes == sizeof(**state))
        return 0;
    *why = (*state)->magic == STATE_MAGIC ? "its layout has another version"
                                          : "it is not the memory of a mount";
    munmap(*state, sizeof(**state));
    *state = NULL;
    return -EPROTO;
}

static uint64_t state_check(const struct state *state)
{
    uint64_t sum = checksum_bytes(CHECKSUM_BYTES, &state->info, sizeof(state->info));

    return checksum_bytes(sum, &state->agreed, sizeof(state->agreed));
}

void state_seal(struct state *state)
{
    state->check = state_check(state);
}

bool state_is_valid(const struct state *state)
{
    return state->check == state_check(state);
}

void state_populate_buffers(struct state *state, uint32_t bytes)
{
    for (int i = 0; i < REQUESTS; i++) {
        // A user may not lock much memory. Memory that is in place stays, unless the machine gets
        // very short of it.
        if (madvise(state->buffers[i], bytes, MADV_POPULATE_WRITE) == 0)
            mlock(state->buffers[i], bytes);
    }
}
