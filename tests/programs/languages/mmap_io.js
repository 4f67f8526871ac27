// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): the npm package @riaskov/mmap-io, over the
 * descriptors of node:fs. A mapping ends when its buffer is collected. */
const fs = require("node:fs");
const mmap = require("@riaskov/mmap-io");
const { serve } = require("./participant.js");

let file, mapping;

function map() {
    mapping = mmap.map(fs.fstatSync(file).size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED,
                       file);
}

serve({
    make(path, size) {
        file = fs.openSync(path, "wx+");
        fs.ftruncateSync(file, Number(size));
        map();
    },
    open(path) {
        file = fs.openSync(path, "r+");
        map();
    },
    store(offset, text) {
        mapping.write(text, Number(offset));
    },
    load(offset, length) {
        return mapping.toString("latin1", Number(offset), Number(offset) + Number(length));
    },
    write(offset, text) {
        fs.writeSync(file, text, Number(offset));
    },
    read(offset, length) {
        const bytes = Buffer.alloc(Number(length));
        const count = fs.readSync(file, bytes, 0, bytes.length, Number(offset));
        return bytes.toString("latin1", 0, count);
    },
    grow(size) {
        fs.ftruncateSync(file, Number(size));
        map();
    },
    remap() {
        map();
        return mapping.length;
    },
    sync() {
        mmap.sync(mapping, true);
    },
    close() {
        mapping = undefined;
        fs.closeSync(file);
    },
});
