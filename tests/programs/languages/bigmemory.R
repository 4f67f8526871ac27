# SPDX-License-Identifier: BSD-2-Clause
# One of two processes that share a big.matrix of doubles, which R's package bigmemory maps.
#
#     make NAME ROWS COLUMNS    a matrix in the files NAME.bin and NAME.desc
#     attach NAME               what they have become
#     set ROW COLUMN VALUE      get ROW COLUMN
#     sum COLUMN                columns
#     widen COLUMNS             adds columns to the files; a matrix that is attached cannot grow
#     flush
suppressPackageStartupMessages(library(bigmemory, quietly = TRUE))
# The directory of this script.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
source(file.path(here, "participant.R"))

name <- NULL
matrix <- NULL

attach_files <- function() matrix <<- attach.big.matrix(paste0(name, ".desc"), path = ".")

serve(list(
    make = function(new_name, rows, columns) {
        name <<- new_name
        matrix <<- filebacked.big.matrix(
            as.integer(rows), as.integer(columns), type = "double", init = 0, backingpath = ".",
            backingfile = paste0(name, ".bin"), descriptorfile = paste0(name, ".desc"))
        NULL
    },
    attach = function(old_name) {
        name <<- old_name
        attach_files()
        NULL
    },
    set = function(row, column, value) {
        matrix[as.integer(row), as.integer(column)] <<- as.numeric(value)
        NULL
    },
    get = function(row, column) matrix[as.integer(row), as.integer(column)],
    sum = function(column) sum(matrix[, as.integer(column)]),
    columns = function() ncol(matrix),
    widen = function(columns) {
        all <- ncol(matrix) + as.integer(columns)
        file <- file(paste0(name, ".bin"), "ab")
        writeBin(numeric(nrow(matrix) * as.integer(columns)), file)
        close(file)
        described <- describe(matrix)
        described@description$totalCols <- described@description$ncol <- all
        described@description$colOffset <- c(0, all)
        dput(described, paste0(name, ".desc"))
        attach_files()
        NULL
    },
    flush = function() {
        stopifnot(flush(matrix))
        NULL
    }
))
