// SPDX-License-Identifier: BSD-2-Clause
//
// A database of SQLite as programs that want speed have it: a write-ahead log, synchronous=NORMAL,
// and the database file mapped. And single commits that are on the disk: with that log, and without
// a journal of SQLite's, which is for files that are as of their last sync after a crash.
#include "work.h"

#include <errno.h>

enum {
    TRANSACTIONS = 500,
    ROWS_EACH = 100, // in a transaction
    ROWS = TRANSACTIONS * ROWS_EACH,
    COMMITS = 200,
    SELECTS = 10000,
    SPREAD = 7919, // has no divisor in common with ROWS: each row has its turn
};

// A way to insert rows.
struct inserts {
    const char *settings;
    int rows;
    int rows_each;
};

static const struct inserts many = {
    "PRAGMA mmap_size=268435456; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    ROWS,
    ROWS_EACH,
};
static const struct inserts wal_commits = {
    "PRAGMA mmap_size=268435456; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    COMMITS,
    1,
};
static const struct inserts bare_commits = {
    "PRAGMA mmap_size=268435456; PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL;",
    COMMITS,
    1,
};

#ifdef HAVE_SQLITE

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char make_table[] =
    "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, text TEXT)";
static const char insert[] = "INSERT INTO item VALUES (?1, ?2)";
static const char select_one[] = "SELECT length(text) FROM item WHERE id = ?1";
static const char text[] = "A row of about a hundred bytes, which is what rows of many tables have,"
                           " with some words in it.";

static int refuse(struct subject *subject, sqlite3 *database)
{
    return subject_refuse(subject, -EIO, "%s", sqlite3_errmsg(database));
}

static int execute(struct subject *subject, sqlite3 *database, const char *statements)
{
    return sqlite3_exec(database, statements, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : refuse(subject, database);
}

static void remove_database(const struct subject *subject)
{
    static const char *const names[] = { "database", "database-wal", "database-shm" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlinkat(subject->dir_fd, names[i], 0);
}

static const struct inserts *inserts_of(const struct subject *subject)
{
    return subject->work->kind;
}

static int open_database(struct subject *subject, sqlite3 **database)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/database", subject->path);
    if (sqlite3_open(path, database) != SQLITE_OK)
        return refuse(subject, *database);
    int error = execute(subject, *database, inserts_of(subject)->settings);
    return error == 0 ? execute(subject, *database, make_table) : error;
}

static int insert_rows(struct subject *subject, sqlite3 *database, sqlite3_stmt *statement)
{
    const int rows_each = inserts_of(subject)->rows_each;

    for (int id = 0; id < inserts_of(subject)->rows; id++) {
        if (id % rows_each == 0 && execute(subject, database, "BEGIN") < 0)
            return -EIO;
        sqlite3_bind_int(statement, 1, id);
        sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) != SQLITE_DONE)
            return refuse(subject, database);
        sqlite3_reset(statement);
        if (id % rows_each == rows_each - 1 && execute(subject, database, "COMMIT") < 0)
            return -EIO;
    }
    return 0;
}

static int select_rows(struct subject *subject, sqlite3 *database, sqlite3_stmt *statement)
{
    for (int i = 0; i < SELECTS; i++) {
        sqlite3_bind_int(statement, 1, (int)((unsigned)i * SPREAD % ROWS));
        if (sqlite3_step(statement) != SQLITE_ROW)
            return refuse(subject, database);
        if (sqlite3_column_int(statement, 0) != (int)strlen(text))
            return subject_refuse(subject, -EIO, "a row is not what was inserted");
        sqlite3_reset(statement);
    }
    return 0;
}

static int time_statement(struct subject *subject, const char *sql,
                          int (*use)(struct subject *, sqlite3 *, sqlite3_stmt *), double *seconds)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int error = open_database(subject, &database);

    if (error == 0 && sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        error = refuse(subject, database);
    double start = work_clock();
    if (error == 0)
        error = use(subject, database, statement);
    *seconds = work_clock() - start;
    sqlite3_finalize(statement);
    // The last to close has the log written back into the database.
    sqlite3_close(database);
    return error;
}

static int run_insert(struct subject *subject, double *seconds)
{
    remove_database(subject);
    int error = time_statement(subject, insert, insert_rows, seconds);
    *seconds /= inserts_of(subject)->rows;
    return error;
}

static int run_select(struct subject *subject, double *seconds)
{
    int error = time_statement(subject, select_one, select_rows, seconds);

    *seconds /= SELECTS;
    return error;
}

static int begin(struct subject *subject)
{
    remove_database(subject);
    return 0;
}

static void end(struct subject *subject)
{
    remove_database(subject);
}

#else

static int begin(struct subject *subject)
{
    return subject_refuse(subject, -ENOTSUP, "built without libsqlite3");
}

static void end(struct subject *subject)
{
    (void)subject;
}

static int run_insert(struct subject *subject, double *seconds)
{
    (void)seconds;
    return begin(subject);
}

static int run_select(struct subject *subject, double *seconds)
{
    (void)seconds;
    return begin(subject);
}

#endif

// An insert is one of a hundred in a transaction.
static const struct work works[] = {
    { .name = "sqlite insert", .run = run_insert, .kind = &many },
    { .name = "sqlite select", .run = run_select, .kind = &many },
    { .name = "sqlite commit", .run = run_insert, .kind = &bare_commits },
    { .name = "sqlite WAL commit", .run = run_insert, .kind = &wal_commits },
};

const struct work_group sqlite_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
