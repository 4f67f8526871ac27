// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registrar: a process' connection to the broker, which its threads share, for a mount whose
 * daemon may not register backing files itself.
 *
 * A worker that dies leaves its connection to the next one, which closes it with the other
 * descriptors that nobody owns. The broker, which cannot deliver its answer any more, undoes what
 * the dead one had asked for; or it had answered, and recovery finds the id
 * (fs/dispatch/recovery.c).
 */
#ifndef SHMAPFS_REGISTRAR_H
#define SHMAPFS_REGISTRAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registrar;

/* NULL: there is no memory. */
struct registrar *registrar_make(void);
void registrar_destroy(struct registrar *registrar);

/* Makes the memory of what is to be closed when the broker answers again, which every process of
 * the mount attaches. Returns a memfd or a negative errno. */
int registrar_make_memory(void);

/* Returns 0 or a negative errno; -EPROTO: it is no such memory. */
int registrar_attach(struct registrar *registrar, int memfd);

/* Returns 0 if the broker would register the file, or a negative errno; `why` receives what that
 * means. `*answered` says whether it is the broker's answer, and not that there is none. The broker
 * may have to be started for it. */
int registrar_probe(struct registrar *registrar, int device, int file, bool *answered, char *why,
                    size_t size);

/* Registers a file. `highest` is the highest id that the mount knows of. Returns an id, or a
 * negative errno: the broker refuses, or does not answer, which is logged. -EMFILE: there is no
 * descriptor for the connection. */
int registrar_register(struct registrar *registrar, int device, int file, int32_t highest);

/* So many ids after the highest one known may be of registrations that nobody heard of. At most one
 * was registered and not yet noted, and it had the next number. If none was ever noted, the ids of
 * the probe have come before it. */
#define BACKING_IDS_AHEAD 4

/* Closes what a process may have registered before it died, or before the next registration. */
void registrar_doubt(struct registrar *registrar, int device, int32_t highest);

/* Closes a registration, as soon as the broker answers. */
void registrar_close(struct registrar *registrar, int device, int id);

/* Lifts the kernel's limits of writeback for the mount. Returns 0 or a negative errno. */
int registrar_raise_limits(struct registrar *registrar, int device);

/* Has the broker left alone from now on. */
void registrar_forbid(struct registrar *registrar);
bool registrar_is_forbidden(const struct registrar *registrar);

/* Ends the connection. The next call makes another one. */
void registrar_disconnect(struct registrar *registrar);

#endif
