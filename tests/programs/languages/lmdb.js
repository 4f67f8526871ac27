// SPDX-License-Identifier: BSD-2-Clause
/* One of two processes that share an LMDB environment through the npm package lmdb, which maps
 * its data file and its lock file, with the mutexes of its writers, and grows the map by itself.
 *
 *     open PATH            put KEY TEXT            get KEY
 *     fill FIRST COUNT     puts that many values of 1000 bytes in one transaction
 *     check FIRST COUNT    answers with how many of them are as they should be
 *     add KEY TIMES        increments a number in as many transactions
 *     close
 */
const { open } = require("lmdb");
const { serve } = require("./participant.js");

let database;

const value = (number) => `value ${number} `.padEnd(1000, "x");

function* numbers(first, count) {
    for (let number = Number(first); number < Number(first) + Number(count); number++)
        yield number;
}

serve({
    open(path) {
        // So small a map has to grow.
        database = open({ path, mapSize: 1 << 20, noSubdir: true, compression: false });
    },
    put(key, text) {
        database.putSync(key, text);
    },
    get(key) {
        return database.get(key);
    },
    fill(first, count) {
        database.transactionSync(() => {
            for (const number of numbers(first, count))
                database.putSync(number, value(number));
        });
    },
    check(first, count) {
        return [...numbers(first, count)].filter((n) => database.get(n) === value(n)).length;
    },
    add(key, times) {
        for (let round = 0; round < Number(times); round++)
            database.transactionSync(() => database.putSync(key, (database.get(key) ?? 0) + 1));
    },
    async close() {
        await database.close();
    },
});
