# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Tab completion of shmapctl for bash.

# shellcheck source=packaging/completions/shmapfs.bash
declare -F _shmapfs_reply >/dev/null || . "${BASH_SOURCE[0]%/*}/shmapfs.bash"

# Completes mount points of shmapfs, and directories on the way to them.
_shmapctl_mounts() { # WORD
    local path type paths=()
    while read -r _ path type _; do
        # The kernel writes spaces and the like as octal numbers.
        [[ $type != fuse.shmapfs ]] || paths+=("$(printf '%b' "$path")")
    done </proc/self/mounts
    _shmapfs_reply "$1" "${paths[@]}"
    _shmapfs_paths plusdirs
}

# Completes options up to a command, and the arguments of that as files.
_shmapctl_run() { # WORD...
    local option='' only_command=
    for (( ; $# > 1; )); do
        if [[ -n $option ]]; then
            option=
        elif [[ -n $only_command || $1 != -* ]]; then
            _shmapfs_paths default
            return
        elif [[ $1 == -- ]]; then
            only_command=1
        elif [[ $1 =~ ^(-o|--options|--persist|--mount|--name|--join|--lifetime|--linger)$ ]]; then
            option=$1
        fi
        shift
    done
    case $option in
    -o | --options) _shmapfs_options "$1" ;;
    --persist | --mount) _shmapfs_paths dirnames ;;
    --name | --join | --linger) ;;
    --lifetime) _shmapfs_reply "$1" last-close mount ;;
    *)
        if [[ $1 == -* && -z $only_command ]]; then
            _shmapfs_reply "$1" -o --options --persist --mount --name --join \
                --lifetime --linger -h --help --
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$1")
            _shmapfs_paths default
        fi
        ;;
    esac
}

# Completes the options that class has of its own; fails at an argument.
_shmapctl_class() { # WORD
    case ${words[-2]} in
    --lifetime) _shmapfs_reply "$1" last-close mount ;;
    --size) _shmapfs_reply "$1" 25% 50% 512m 1g 4g ;;
    --huge) _shmapfs_reply "$1" never always within_size advise ;;
    --mpol) _shmapfs_reply "$1" default local ;;
    --to) _shmapfs_paths default ;;
    --linger | --nr-inodes) ;;
    *)
        [[ $1 == -* ]] || return 1
        _shmapfs_reply "$1" --convert --to --lifetime --linger --size --nr-inodes --huge --noswap \
            --mpol -j --json -h --help -V --version
        ;;
    esac
}

# Completes the options that ls has of its own; fails at an argument.
_shmapctl_ls() { # WORD
    case ${words[-2]} in
    --sort) _shmapfs_reply "$1" path size allocated resident dirty uncommitted users mtime ;;
    --class) _shmapfs_reply "$1" persist anon atomic checkpoint scratch ;;
    --name) ;;
    *)
        [[ $1 == -* ]] || return 1
        _shmapfs_reply "$1" --sort --reverse --class --name --used --unused \
            -j --json -h --help -V --version
        ;;
    esac
}

# Completes the options that doctor has of its own; fails at an argument.
_shmapctl_doctor() { # WORD
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --report -j --json -h --help -V --version
}

# Completes the options that map has of its own; fails at an argument.
_shmapctl_map() { # WORD
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --svg --ascii -j --json -h --help -V --version
}

# Completes the options that save has of its own, and with -a mount points; fails at a path.
_shmapctl_save() { # WORD
    if [[ ${words[-2]} == --to ]]; then
        _shmapfs_paths default
    elif [[ $1 == -* ]]; then
        _shmapfs_reply "$1" -a --all --to -j --json -h --help -V --version
    elif [[ " ${words[*]} " == *" -a "* || " ${words[*]} " == *" --all "* ]]; then
        _shmapctl_mounts "$1"
    else
        return 1
    fi
}

# Completes the options that summary has of its own; fails at an argument.
_shmapctl_summary() { # WORD
    [[ ${words[-2]} != --count ]] || return 0
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --count -j --json -h --help -V --version
}

# Completes the options that snapshot has of its own; fails at an argument.
_shmapctl_snapshot() { # WORD
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --read-only --anon -j --json -h --help -V --version
}

# Completes the options that top has of its own; fails at an argument.
_shmapctl_top() { # WORD
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --once -j --json -h --help -V --version
}

# Completes the options that metrics has of its own; fails at an argument.
_shmapctl_metrics() { # WORD
    if [[ ${words[-2]} == --output ]]; then
        _shmapfs_paths default
        return
    fi
    [[ $1 == -* ]] || return 1
    _shmapfs_reply "$1" --output --prometheus --http -j --json -h --help -V --version
}

_shmapctl_argument() { # COMMAND NUMBER WORD
    case "$1 $2" in
    'status 1' | 'snapshot 1' | 'top 1' | 'doctor 1' | 'upgrade 1' | 'ls 1' | 'sync '* | 'metrics '* | 'reattach 1') _shmapctl_mounts "$3" ;;
    'resize 1')
        _shmapctl_mounts "$3"
        _shmapfs_paths dirnames
        ;;
    'class 1' | 'who 1' | 'map 1' | 'warmup '* | 'upgrade 2' | 'save '*) _shmapfs_paths default ;;
    'skeleton 1' | 'snapshot 2' | 'summary 1' | 'verify 1' | 'recover 1') _shmapfs_paths dirnames ;;
    'skeleton 2') _shmapfs_reply "$3" on off ;;
    'class '*)
        _shmapfs_reply "$3" persist anon atomic checkpoint scratch
        _shmapfs_paths default
        ;;
    'help 1') _shmapfs_reply "$3" list status class skeleton resize upgrade sync save snapshot verify recover reattach who ls run top summary warmup map metrics doctor help ;;
    'resize 2') _shmapfs_reply "$3" 25% 50% 75% 512m 1g 4g ;;
    esac
}

_shmapctl() {
    local words word at command='' number=0
    COMPREPLY=()
    _shmapfs_split
    word=${words[-1]}
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        if [[ ${words[at]} == -* ]]; then
            continue
        elif [[ -n $command ]]; then
            number=$((number + 1))
        elif [[ ${words[at]} == run ]]; then
            _shmapctl_run "${words[@]:at+1}"
            return
        else
            command=${words[at]}
        fi
    done
    if [[ $command == ls ]] && _shmapctl_ls "$word"; then
        return
    elif [[ $command == class ]] && _shmapctl_class "$word"; then
        return
    elif [[ $command =~ ^(doctor|map|metrics|save|snapshot|summary|top)$ ]] && "_shmapctl_$command" "$word"; then
        return
    elif [[ $word == -* ]]; then
        _shmapfs_reply "$word" -j --json -h --help -V --version
    elif [[ -z $command ]]; then
        _shmapfs_reply "$word" list status class skeleton resize upgrade sync save snapshot verify recover reattach who ls run top summary warmup map metrics doctor help
    else
        _shmapctl_argument "$command" $((number + 1)) "$word"
    fi
}

complete -F _shmapctl shmapctl
