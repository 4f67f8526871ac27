// SPDX-License-Identifier: BSD-2-Clause
/* One of two processes that share tables in files of Arrow's IPC format through Polars, which maps
 * what it scans.
 *
 *     write PATH ROWS          a table of as many numbers, their squares and their names
 *     sum PATH                 of the squares of a table that is there
 *     name PATH NUMBER         the name of a number in it
 *     filter FROM TO BELOW     writes the rows of a table with numbers below this as another
 */
const pl = require("nodejs-polars");
const { serve } = require("./participant.js");

serve({
    write(path, rows) {
        const numbers = Array.from({ length: Number(rows) }, (_, index) => index);
        pl.DataFrame({
            number: numbers,
            square: numbers.map((number) => number * number),
            name: numbers.map((number) => `n${number}`),
        }).writeIPC(path);
    },
    sum(path) {
        return pl.scanIPC(path).select(pl.col("square").sum()).collectSync().row(0)[0];
    },
    name(path, number) {
        return pl.scanIPC(path).filter(pl.col("number").eq(Number(number))).collectSync()
            .getColumn("name").get(0);
    },
    filter(from, to, below) {
        pl.scanIPC(from).filter(pl.col("number").lt(Number(below))).collectSync().writeIPC(to);
    },
});
