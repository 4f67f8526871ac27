// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/store_end.h"

#include <string.h>

#include "fs/util/log.h"
#include "lib/area/area.h"
#include "lib/area/store_lock.h"

void store_end(const struct mount *mount)
{
    const struct area *store = &mount->volume.info.areas[AREA_STORE];
    int error;

    if (store->root < 0)
        return;
    store_lock_mark_ending(store);
    error = store_sync(store);
    if (error)
        log_event(LOG_ERR, "what was written to STORE %s may not be on its disk: %s",
                  mount->volume.info.store, strerror(-error));
}
