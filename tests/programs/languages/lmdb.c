// SPDX-License-Identifier: BSD-2-Clause
/* Does to an LMDB database what it is told, and answers as a participant of the exchange (see
 * exchange.py). A «hold» begins to write and goes no further, a «watch» goes on reading what is
 * there. */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct participant {
    MDB_env *env;
    MDB_dbi database;
    MDB_txn *held;
};

static int open_database(struct participant *self, const char *path, const char *flag)
{
    unsigned int flags = MDB_NOSUBDIR | (strcmp(flag, "writemap") == 0 ? MDB_WRITEMAP : 0);
    MDB_txn *txn;
    int rc = mdb_env_create(&self->env);

    if (rc == 0)
        rc = mdb_env_set_mapsize(self->env, 1 << 20);
    if (rc == 0)
        rc = mdb_env_open(self->env, path, flags, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &self->database);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* Stores `count` values from the key `first` on: each 1000 bytes long, if only for the growth. */
static int fill(struct participant *self, int first, int count)
{
    char text[1000] = "";
    MDB_val key = { sizeof(first), &first }, value = { sizeof(text), text };
    MDB_txn *txn;
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);

    if (rc != 0)
        return rc;
    for (int end = first + count; rc == 0 && first < end; first++) {
        snprintf(text, sizeof(text), "value-%d", first);
        rc = mdb_put(txn, self->database, &key, &value, 0);
    }
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static int look(struct participant *self, int number)
{
    MDB_val key = { sizeof(number), &number }, value;
    MDB_txn *txn = self->held;
    int rc = txn ? 0 : mdb_txn_begin(self->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return rc;
    rc = mdb_get(txn, self->database, &key, &value);
    if (rc == 0)
        printf("ok %s\n", (const char *)value.mv_data);
    if (txn != self->held)
        mdb_txn_abort(txn);
    return rc;
}

static int obey(struct participant *self, const char *order, const char *first, const char *second)
{
    if (strcmp(order, "open") == 0)
        return open_database(self, first, second);
    if (strcmp(order, "fill") == 0)
        return fill(self, atoi(first), atoi(second));
    if (strcmp(order, "look") == 0)
        return look(self, atoi(first));
    if (strcmp(order, "resize") == 0)
        return mdb_env_set_mapsize(self->env, strtoul(first, NULL, 10));
    if (strcmp(order, "hold") == 0)
        return mdb_txn_begin(self->env, NULL, 0, &self->held);
    if (strcmp(order, "watch") == 0)
        return mdb_txn_begin(self->env, NULL, MDB_RDONLY, &self->held);
    if (strcmp(order, "leave") != 0)
        return ENOSYS;
    mdb_txn_abort(self->held);
    self->held = NULL;
    return 0;
}

int main(void)
{
    struct participant self = { 0 };
    char line[512];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char order[16] = "", first[256] = "", second[16] = "";
        sscanf(line, "%15s %255s %15s", order, first, second);
        int rc = obey(&self, order, first, second);
        if (rc != 0)
            puts(mdb_strerror(rc));
        else if (strcmp(order, "look") != 0)
            puts("ok");
        fflush(stdout);
    }
    mdb_env_close(self.env);
    return EXIT_SUCCESS;
}
