#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# page.sh SCDOC: makes a manual page of its source, from standard input to standard output, and says of
# its tables what scdoc does not: that there are some, since not every reader runs tbl(1) unasked, and
# that their first column has whole names.
page=$("$1") || exit
printf '%s\n' "'\\\" t" "$page" | sed '/^\.TS$/,/\.$/s/^l /lw(24n)1 /'
