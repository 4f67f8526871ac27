// SPDX-License-Identifier: BSD-2-Clause
/* Participants in JavaScript share this: each line of the standard input is an order and its words,
 * and what the order returns is the answer. */
const readline = require("node:readline");

exports.serve = async function (orders) {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const [order, ...words] = line.split(" ");
        try {
            const answer = await orders[order](...words);
            console.log(answer === undefined ? "ok" : `ok ${answer}`);
        } catch (error) {
            console.log(String(error));
        }
    }
};
