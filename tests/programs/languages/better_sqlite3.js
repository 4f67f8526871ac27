// SPDX-License-Identifier: BSD-2-Clause
/* One of two processes that share an SQLite database through the npm package better-sqlite3: its
 * write-ahead log with the index that all map, and the database itself mapped.
 *
 *     open PATH            put KEY TEXT            get KEY
 *     fill COUNT           adds that many rows of 1000 bytes in one transaction
 *     count                how many rows are as they should be
 *     add KEY TIMES        increments a number in as many transactions
 *     check                SQLite's own check of the database
 *     checkpoint           moves the log into the database
 *     close
 */
const Database = require("better-sqlite3");
const { serve } = require("./participant.js");

let database;

const FILL = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
              INSERT INTO filled (text) SELECT printf('%.1000c', 'x') FROM n`;

serve({
    open(path) {
        database = new Database(path, { timeout: 60000 });
        database.pragma("journal_mode = WAL");
        database.pragma("mmap_size = 67108864");
        database.exec(`CREATE TABLE IF NOT EXISTS pairs (key PRIMARY KEY, value);
                       CREATE TABLE IF NOT EXISTS filled (text)`);
    },
    put(key, text) {
        database.prepare("REPLACE INTO pairs VALUES (?, ?)").run(key, text);
    },
    get(key) {
        return database.prepare("SELECT value FROM pairs WHERE key = ?").pluck().get(key);
    },
    fill(count) {
        database.prepare(FILL).run(Number(count));
    },
    count() {
        return database.prepare("SELECT count(*) FROM filled WHERE text = printf('%.1000c', 'x')")
            .pluck().get();
    },
    add(key, times) {
        const add = database.prepare(`INSERT INTO pairs VALUES (?, 1)
                                      ON CONFLICT (key) DO UPDATE SET value = value + 1`);
        for (let round = 0; round < Number(times); round++)
            add.run(key);
    },
    check() {
        return database.pragma("integrity_check", { simple: true });
    },
    checkpoint() {
        return database.pragma("wal_checkpoint(TRUNCATE)")[0].busy;
    },
    close() {
        database.close();
    },
});
