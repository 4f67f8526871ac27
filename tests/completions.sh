#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# completions.sh DIRECTORY: what Tab offers, in bash, and in zsh and fish where these are; that what is
# for them has the same words. $SHMAPFS and $SHMAPCTL are the programs whose words are compared.
set -uo pipefail

directory=$1
tests=$(cd "$(dirname "$0")" && pwd)
failures=0

# What is not here is no failure, unless all that packaging/setup --tests installs has to be.
lacking() { # TEXT
    echo "$1"
    [ "${SHMAPFS_NO_SKIP-}" != 1 ] || failures=$((failures + 1))
}

# A mount needs a namespace for itself, where copies of others do not stay.
if [ "$(id -u)" = 0 ] && [ "${COMPLETIONS_ALONE-}" != 1 ] && unshare --mount true; then
    COMPLETIONS_ALONE=1 exec unshare --mount "$0" "$@"
fi
work=$(mktemp -d)
trap 'umount "$mountpoint" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/empty"
cd "$work/empty" || exit 1

# The kernel writes a space and a backslash as octal numbers.
mountpoint=$work/mounts/'with space\and'
if [ "${COMPLETIONS_ALONE-}" = 1 ]; then
    umount -a -l -t fuse.shmapfs
    mkdir -p "$mountpoint"
    "$SHMAPFS" "$mountpoint" -o size=1m || mountpoint=
else
    mountpoint=
fi
# shellcheck source=packaging/completions/shmapctl.bash
. "$directory/shmapctl.bash"

# As an interactive bash sets it.
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'

offer() { # LINE
    COMP_LINE=$1 COMP_POINT=${#1}
    COMPREPLY=()
    "_${1%% *}"
}

check() { # LINE WANTED...
    local line=$1 wanted offered
    shift
    offer "$line"
    wanted=$(printf '%s\n' "$@" | sort)
    offered=$(printf '%s\n' "${COMPREPLY[@]}" | sort -u)
    [ "$offered" = "$wanted" ] && return
    printf '«%s» offers:\n%s\nwanted:\n%s\n' "$line" "$offered" "$wanted"
    failures=$((failures + 1))
}

# Bash itself is asked to offer this, besides the candidates.
compopt() {
    asked="$*"
}

check_paths() { # LINE KIND
    local asked=
    offer "$1"
    [[ " $asked " == *" $2 "* ]] && return
    echo "«$1» asks for «$asked» and not for $2"
    failures=$((failures + 1))
}

words_of_help() { # the commands that shmapctl has
    "$SHMAPCTL" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The mount options that shmapfs takes, with a = where a value follows. Left out are other words for
# relatime, which mount(8) has, and nobody would choose.
all_options() {
    sed -n -e 's/^    { "\([a-z0-9_]*\)", NULL,.*/\1/p' -e 's/^    { "\([a-z0-9_]*\)", ["A-Z].*/\1=/p' \
        "$tests/../fs/options/option_table.c" | grep -v -x -e norelatime -e nostrictatime
}

check_options() {
    local option
    offer 'shmapfs -o '
    for option in $(all_options); do
        [[ " ${COMPREPLY[*]} " == *" $option "* ]] && continue
        echo "the mount option $option is not offered"
        failures=$((failures + 1))
    done
    [ "$(all_options | wc -l)" -ge 60 ] && return
    echo "the table of options is not understood"
    failures=$((failures + 1))
}

# Checks that a line of a file for zsh begins a candidate with a word, which may exclude others.
check_zsh_word() { # FILE WORD
    grep -Eq "'(\\([a-z0-9 ]+\\))?$2[]['=:]" "$directory/$1" && return
    echo "$1 does not have $2"
    failures=$((failures + 1))
}

check_zsh_words() {
    local word
    for word in "${commands[@]}"; do
        check_zsh_word _shmapctl "$word"
        grep -Eq "^ +(.* )?$word( .*)?\\) _?(arguments|shmapctl)" "$directory/_shmapctl" && continue
        echo "_shmapctl does not complete the arguments of $word"
        failures=$((failures + 1))
    done
    for word in $(all_options); do
        check_zsh_word _shmapfs_options "${word%=}"
    done
}

# Asks one zsh for all lines, and shows those that differ, as offered (<) and as wanted (>).
check_zsh() { # standard input: LINE|WANTED..., in the order of the alphabet
    local rows lines
    mapfile -t rows
    lines=$(printf '%s\n' "${rows[@]%%|*}")
    LC_ALL=C timeout 200 zsh -f "$tests/completions.zsh" "$directory" <<<"$lines" |
        paste -d '|' <(cat <<<"$lines") - | diff - <(printf '%s\n' "${rows[@]}") && return
    echo "zsh offers something else"
    failures=$((failures + 1))
}

check_fish_words() {
    local word
    for word in "${commands[@]}"; do
        grep -Eq "^ +$word '" "$directory/shmapctl.fish" && continue
        echo "shmapctl.fish does not have $word"
        failures=$((failures + 1))
    done
    for word in $(all_options); do
        grep -q "^ *'$word' " "$directory/shmapfs.fish" && continue
        echo "shmapfs.fish does not have $word"
        failures=$((failures + 1))
    done
}

check_fish() { # LINE WANTED...
    local offered
    # Fish itself loads the one file that has the name of a program that it finds.
    offered=$(PATH=${SHMAPCTL%/*}:${SHMAPFS%/*}:$PATH fish --no-config --command "
        set fish_complete_path $directory
        complete --do-complete '$1'" | cut -f 1 | xargs)
    [ "$offered" = "${*:2}" ] && return
    echo "fish offers for «$1»: $offered; wanted: ${*:2}"
    failures=$((failures + 1))
}

mapfile -t commands < <(words_of_help)
check 'shmapctl ' "${commands[@]}"
check 'shmapctl st' status
check 'shmapctl sy' sync
check 'shmapctl --json wh' who
check 'shmapctl --j' --json
check 'shmapctl who --j' --json
check 'shmapctl class . ' persist anon atomic checkpoint scratch
check 'shmapctl skeleton . ' on off
check 'shmapctl class . a' anon atomic
check 'shmapctl class . .. p' persist
check 'shmapctl class --c' --convert
check 'shmapctl class --li' --lifetime --linger
check 'shmapctl class --lifetime ' last-close mount
check 'shmapctl class --lifetime last-close . an' anon
check 'shmapctl run --lifetime l' last-close
check 'shmapctl run --linger 5 dirnam' dirname
check 'shmapctl help sy' sync
check 'shmapctl ls --s' --sort
check 'shmapctl ls --sort m' mtime
check 'shmapctl ls --class ' persist anon atomic checkpoint scratch
check 'shmapctl doctor --r' --report
check 'shmapctl metrics --o' --output
check 'shmapctl map --s' --svg
check 'shmapctl top --o' --once
check 'shmapctl save --t' --to
check 'shmapctl save --a' --all
check 'shmapctl summary --c' --count
check 'shmapctl who --sort m' ''
check 'shmapctl --json class -- . an' anon
check 'shmapctl class with\ space an' anon
check 'shmapctl resize . 5' 50% 512m
check 'shmapctl bogus ' ''
check_paths 'shmapctl who ' default
check_paths 'shmapctl class ' default
check_paths 'shmapctl map ' default
check_paths 'shmapctl warmup . ' default
check_paths 'shmapctl summary ' dirnames
check_paths 'shmapctl ls ' plusdirs
check_paths 'shmapctl sync ' plusdirs
check_paths 'shmapctl sync /srv/shared ' plusdirs
check_paths 'shmapctl upgrade . ' default
check_paths 'shmapctl metrics --output ' default
check_paths 'shmapctl metrics . ' plusdirs
check_paths 'shmapctl run --persist ' dirnames
check_paths 'shmapctl run --mount ' dirnames
check_paths 'shmapctl run -o size=1g env ' default
check 'shmapctl run --j' --join
check 'shmapctl run --n' --name
check 'shmapctl run --name desk dirnam' dirname
check 'shmapctl run --join desk -- dirnam' dirname
check 'shmapctl run --p' --persist
check 'shmapctl run -o nop' nopassthrough
check 'shmapctl run -o size=1g,hu' 1g,huge=
check 'shmapctl run -o huge=w' within_size
check 'shmapctl run -o size=1g -- dirnam' dirname
check 'shmapctl run dirnam' dirname
check 'shmapfs --v' --version
check 'shmapfs -o lifetime=m' mount
check 'shmapfs -o nos' noshared nosuid noswap nosymfollow
check 'shmapfs -o sh' shared
check 'shmapfs /a /b -o ro,nos' ro,noshared ro,nosuid ro,noswap ro,nosymfollow
check 'shmapfs /a /b -o anon=x:y,nokee' y,nokeeper
check 'shmapfs -o rootc' rootcontext=
check_paths 'shmapfs /' dirnames
check_options
COMP_WORDBREAKS=$' \t\n'
check 'shmapfs /a /b -o size=1g,nokee' size=1g,nokeeper

zsh_row=
if [ -n "$mountpoint" ]; then
    line="shmapctl top $work/mounts/w"
    check "$line" "$mountpoint"
    # Zsh offers it as a directory, too.
    zsh_row=$'\n'"$line|$mountpoint "'with\ space\\and'
    zsh_row+=$'\n'"shmapctl save -a $work/mounts/w|$mountpoint "'with\ space\\and'
    touch "$work/mounts/file"
    zsh_row+=$'\n'"shmapctl save $work/mounts/f|file"
else
    lacking "nothing could be mounted here: mount points were not asked for"
fi

check_zsh_words
if command -v zsh >/dev/null; then
    check_zsh <<END
shmapctl |$(printf '%s\n' "${commands[@]}" | sort | xargs)
shmapctl st|status
shmapctl --json wh|who
shmapctl list -|--help --json --version -V -h -j
shmapctl class . |anon atomic checkpoint persist scratch
shmapctl class . .. p|persist
shmapctl class --li|--lifetime --linger
shmapctl class --lifetime |last-close mount
shmapctl class --lifetime=|--lifetime=last-close --lifetime=mount
shmapctl class --lifetime last-close . an|anon
shmapctl class with\ space an|anon
shmapctl skeleton . |off on
shmapctl resize . 5|50% 512m
shmapctl help sy|sync
shmapctl ls --sort m|mtime
shmapctl save --a|--all
shmapctl metrics --o|--output
shmapctl who --sort m|
shmapctl bogus |
shmapctl run --n|--name
shmapctl run --join desk -- dirnam|dirname
shmapctl run -o size=1g -- dirnam|dirname
shmapctl run -o size=1g,hu|size=1g,huge
shmapctl run -o huge=w|huge=within_size
shmapctl run --options=ro,nosy|--options=ro,nosymfollow
shmapfs --v|--version
shmapfs -o size=1g,nokee|size=1g,nokeeper
shmapfs -o anon=x:y,nokee|anon=x:y,nokeeper
shmapfs -osize=1g,nokee|-osize=1g,nokeeper$zsh_row
END
else
    lacking "there is no zsh here: what is for zsh was compared, and not run"
fi

check_fish_words
if command -v fish >/dev/null; then
    check_fish 'shmapctl st' status
    check_fish 'shmapctl metrics --o' --output
    check_fish 'shmapctl ls --sort all' allocated
    if [ -n "$mountpoint" ]; then
        check_fish "shmapctl save $work/mounts/f" "$work/mounts/file"
        check_fish "shmapctl save -a $work/mounts/f" ''
    fi
    check_fish 'shmapfs -o size=1g,nokee' size=1g,nokeeper
    check_fish 'shmapctl run -o size=1g,nokee' size=1g,nokeeper
else
    echo "there is no fish here: what is for fish was compared, and not run"
fi

echo "$failures failures"
[ "$failures" = 0 ]
