# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034
#
# Checks of what holds in the machine of machine.sh; $failed counts those that fail.

failed=0

# Runs a command, and reports under a name whether it succeeds.
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        sed 's/^/#   /' "$work/output"
        failed=$((failed + 1))
    fi
}

refused() { # COMMAND...
    ! "$@"
}

# Compares two texts.
same() { # EXPECTED FOUND
    [ "$1" = "$2" ] || { echo "expected: $1"; echo "found: $2"; return 1; }
}

# Repeats a command until it succeeds, for at most 30 seconds.
eventually() { # COMMAND...
    local end=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
    done
}

# Returns whether the journal has a line with these words.
logged() { # WORDS
    in_machine journalctl -b --no-pager -o cat >"$work/journal"
    grep -q -e "$1" "$work/journal"
}
