# SPDX-License-Identifier: BSD-2-Clause
# A participant of the exchange (see exchange.py): R's package ff, which makes, maps and extends
# the file by itself.
suppressPackageStartupMessages(library(ff, quietly = TRUE))
# The directory of this script.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
source(file.path(here, "participant.R"))

path <- NULL
vector <- NULL

map <- function(length, ...)
    vector <<- ff(vmode = "ubyte", length = length, filename = path, caching = "mmeachflush", ...)

range_of <- function(offset, length) as.integer(offset) + seq_len(as.integer(length))

with_file <- function(mode, offset, action) {
    file <- file(path, mode)
    on.exit(close(file))
    seek(file, as.integer(offset), rw = if (mode == "rb") "read" else "write")
    action(file)
}

serve(list(
    make = function(name, size) {
        path <<- name
        map(as.integer(size))
        NULL
    },
    open = function(name) {
        path <<- name
        map(file.size(path))
        NULL
    },
    store = function(offset, text) {
        vector[range_of(offset, nchar(text))] <<- as.integer(charToRaw(text))
        NULL
    },
    load = function(offset, length) rawToChar(as.raw(vector[range_of(offset, length)])),
    write = function(offset, text) {
        with_file("r+b", offset, function(file) writeBin(charToRaw(text), file))
        NULL
    },
    read = function(offset, length) {
        with_file("rb", offset, function(file) rawToChar(readBin(file, "raw", as.integer(length))))
    },
    grow = function(size) {
        length(vector) <<- as.integer(size)
        NULL
    },
    remap = function() {
        close(vector)
        map(file.size(path))
        length(vector)
    },
    sync = function() { # written is what was closed
        close(vector)
        open(vector)
        NULL
    },
    close = function() {
        close(vector)
        NULL
    }
))
