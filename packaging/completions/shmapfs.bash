# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Tab completion of shmapfs for bash, and functions that the completion of shmapctl uses, too.

# Puts the candidates that continue the word into COMPREPLY. To bash one word may be several: it also
# ends words at the = and : of options, and then takes only what follows.
_shmapfs_reply() { # WORD CANDIDATE...
    local word=$1 candidate known=
    shift
    if [[ $word =~ .*[=:] ]]; then
        known=${BASH_REMATCH[0]}
        [[ ${COMP_WORDBREAKS-} == *"${known: -1}"* ]] || known=
    fi
    for candidate; do
        [[ $candidate != "$word"* ]] || COMPREPLY+=("${candidate#"$known"}")
    done
}

# Leaves names of files or directories to bash, which knows about quotes.
_shmapfs_paths() { # default|dirnames|plusdirs
    compopt -o filenames -o "$1" 2>/dev/null
}

# Puts the words of the line up to the cursor, as the program will get them, into the array `words`.
_shmapfs_split() {
    local line=${COMP_LINE:0:COMP_POINT}
    # Without -r: a backslash keeps a space.
    # shellcheck disable=SC2162
    read -a words <<<"$line"
    [[ ${line: -1} != [[:space:]] ]] || words+=('')
}

# Completes the last one of a list of mount options with commas between.
_shmapfs_options() { # WORD
    local before='' option names=(
        size= nr_inodes= nr_blocks= huge= mode= uid= gid= mpol= inode32 inode64 quota usrquota grpquota
        usrquota_block_hardlimit= usrquota_inode_hardlimit= grpquota_block_hardlimit=
        grpquota_inode_hardlimit= noswap reserve anon= atomic= checkpoint= log= scratch= lifetime= linger= skeleton nopassthrough
        nobroker shared noshared keepalive=
        writeback timeout= descriptors= user_descriptors= io_uring keeper nokeeper watchdog= umount_ends noumount_ends takeover
        ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime relatime strictatime
        diratime nodiratime symfollow nosymfollow context= fscontext= defcontext= rootcontext=
        allow_other fsname= remount)
    [[ $1 != *,* ]] || before=${1%,*},
    case ${1##*,} in
    lifetime=*) names=(lifetime={last-close,mount}) ;;
    huge=*) names=(huge={never,always,within_size,advise}) ;;
    size=*) names=(size={25%,50%,75%,512m,1g,4g}) ;;
    *=*) return ;;
    esac
    _shmapfs_reply "$1" "${names[@]/#/$before}"
    # A value follows, or after a comma another option.
    for option in "${COMPREPLY[@]}"; do
        [[ $option != *= ]] || compopt -o nospace 2>/dev/null
    done
}

_shmapfs() {
    local words word
    COMPREPLY=()
    _shmapfs_split
    word=${words[-1]}
    if [[ ${words[-2]} == -o ]]; then
        _shmapfs_options "$word"
    elif [[ $word == -* ]]; then
        _shmapfs_reply "$word" -o -f -h --help -V --version
    else
        _shmapfs_paths dirnames
    fi
}

complete -F _shmapfs shmapfs
