# SPDX-License-Identifier: BSD-2-Clause
# Participants in R share this: each line of the standard input is an order and its words, and what
# the order returns is the answer.
serve <- function(orders) {
    input <- file("stdin", "r")
    while (length(line <- readLines(input, 1)) == 1) {
        words <- strsplit(line, " ")[[1]]
        answer <- tryCatch(
            paste(c("ok", do.call(orders[[words[1]]], as.list(words[-1]))), collapse = " "),
            error = conditionMessage)
        cat(answer, "\n", sep = "")
    }
}
