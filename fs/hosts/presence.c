// SPDX-License-Identifier: BSD-2-Clause
#include "fs/hosts/presence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/options/option_text.h"
#include "fs/util/log.h"
#include "fs/util/version.h"
#include "lib/area/host_record.h"
#include "lib/sys/cleanup.h"

/* Fills in what tells this mount from the others that have the store. */
static void fill_own(const struct volume *volume, struct shmap_host *host)
{
    *host = (struct shmap_host){ .here = true };
    host_record_fill(host);
    strlcpy(host->mountpoint, volume->info.mountpoint, sizeof(host->mountpoint));
}

/* Makes the record of this host in a store, if other hosts can reach it. Returns as
 * presence_record() does. */
static int make_record(const struct volume *volume, const struct area *store, unsigned timeout,
                       const char *options)
{
    CLEANUP_FREE struct shmap_host *host = NULL;
    int record;

    if (!store->has_servers)
        return -1;
    host = malloc(sizeof(*host));
    if (!host)
        return -1;
    fill_own(volume, host);
    strlcpy(host->version, version_text(), sizeof(host->version));
    snprintf(host->options, sizeof(host->options), "timeout=%u,%s", timeout, options);
    record = host_record_make(store, host);
    if (record >= 0)
        return record;
    // A filesystem that makes no files has no private directory for the lock, either.
    if (record != -ENOSYS)
        log_event(LOG_WARNING, "other hosts are not told that this one has STORE %s: %s",
                  volume->info.store, strerror(-record));
    return -1;
}

int presence_record(const struct volume *volume, const struct options *options)
{
    char text[sizeof(((struct shmap_host *)0)->options)];

    if (options->read_only || options->fake)
        return -1;
    option_text(options, text, sizeof(text));
    return make_record(volume, &volume->info.areas[AREA_STORE], options->timeout, text);
}

int presence_renew(const struct volume *volume, const struct area *store)
{
    return volume->state->read_only ? -1
                                    : make_record(volume, store, (unsigned)volume_timeout(volume),
                                                  volume->state->options);
}

void presence_forget(const struct volume *volume, int record)
{
    host_record_remove(&volume->info.areas[AREA_STORE], record);
}

static bool shares(const struct shmap_host *host)
{
    return strstr(host->options, ",shared") != NULL;
}

static int complain_of_host(const struct shmap_host *host, const struct options *options,
                            struct complaint *complaint)
{
    const char *advice = options->hosts == HOSTS_SEVERAL
                             ? "unmount it there, or mount it there with shared, too"
                         : shares(host) ? "unmount it there, or add -o shared here, too"
                                        : "unmount it there, or mount it with shared on all hosts";

    return complain(complaint, EBUSY, "STORE %s is in use: host %s has it mounted at %s %s; %s",
                    options->store, host->host, host->mountpoint,
                    shares(host) ? "with shared" : "without shared", advice);
}

int presence_complain(const struct volume *volume, const struct options *options,
                      struct complaint *complaint)
{
    const struct area *store = &volume->info.areas[AREA_STORE];
    CLEANUP_FREE struct shmap_host *hosts = NULL;
    struct shmap_host own;
    size_t count;

    fill_own(volume, &own);
    if (!store->has_servers || host_records_read(store, &own, -1, &hosts, &count) != 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(hosts[i].host, own.host) != 0)
            return complain_of_host(&hosts[i], options, complaint);
    }
    return 0;
}

static int read_hosts(struct volume *volume, struct shmap_host **hosts, size_t *count)
{
    int record = state_outage(volume->state)->record;
    struct shmap_host own;

    fill_own(volume, &own);
    return host_records_read(volume_area(volume, AREA_STORE), &own, record > 0 ? record : -1, hosts,
                             count);
}

unsigned presence_count(struct volume *volume)
{
    CLEANUP_FREE struct shmap_host *hosts = NULL;
    size_t count;

    return read_hosts(volume, &hosts, &count) == 0 ? (unsigned)count : 0;
}

int presence_list(struct volume *volume, char **value)
{
    CLEANUP_FREE struct shmap_host *hosts = NULL;
    size_t count = 0;
    int error = 0;

    if (volume_area(volume, AREA_STORE)->has_servers)
        error = read_hosts(volume, &hosts, &count);
    // A mount that began read-only has made no place for records.
    if (error && error != -ENOENT)
        return error;
    *value = shmap_hosts_to_json(hosts, count);
    return 0;
}
