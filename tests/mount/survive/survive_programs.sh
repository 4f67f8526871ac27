#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# survive_programs.sh [KILLS [PROGRAM...]]: real programs on a mount whose workers are killed, KILLS
# (default 50) of them for each of dd, tar, sqlite and postgres. Each program runs, again and again,
# until there were so many deaths; it must never fail, and what it made must be right.
#
# $SHMAPFS is the daemon, $SURVIVE_OPTIONS further mount options. Needs root, and for postgres its
# programs: $POSTGRES_BIN, or in the PATH. To be run by hand; it takes minutes.
set -euo pipefail

kills=${1:-50}
programs=("${@:2}")
((${#programs[@]})) || programs=(dd tar sqlite postgres)
: "${SHMAPFS:?must name the daemon}"

# All that is mounted and all that runs ends with the namespaces.
if [ -z "${SURVIVE_INSIDE-}" ]; then
    export SURVIVE_INSIDE=yes
    exec unshare --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi

top=$(mktemp -d /var/tmp/shmapfs-test-XXXXXX)
mnt=$top/mnt
user=nobody
postgres_bin=${POSTGRES_BIN:-$(dirname "$(command -v postgres || echo /none/postgres)")}

finish() {
    umount "$mnt" 2>/dev/null || umount -l "$mnt" 2>/dev/null || true
    rm -rf "$top"
}
trap finish EXIT

status() { # MEMBER, a number
    getfattr --absolute-names --only-values -n user.shmapfs.status "$mnt" |
        sed "s/.*\"$1\":\([0-9]*\).*/\1/"
}

# Kills workers for as long as a process runs; says how many.
kill_workers_while() { # PID
    local deaths=0 worker restarts
    while kill -0 "$1" 2>/dev/null; do
        # Each look takes some milliseconds: that is all the time between deaths.
        for ((looks = RANDOM % 20; looks >= 0; looks--)); do
            worker=$(status pid)
        done
        restarts=$(status restarts)
        kill -KILL "$worker"
        deaths=$((deaths + 1))
        while [ "$(status restarts)" = "$restarts" ]; do :; done
    done
    echo "$deaths"
}

run_dd() { # DIRECTORY
    dd if=/dev/urandom of="$top/wanted" bs=1M count=128 status=none
    dd if="$top/wanted" of="$1/copy" bs=64k conv=fsync status=none
    dd if="$1/copy" of="$1/again" bs=4k status=none
    cmp "$top/wanted" "$1/again"
    rm "$1/copy" "$1/again"
}

run_tar() { # DIRECTORY
    tar -C /usr/include -cf "$1/archive.tar" linux
    tar -C "$1" -xf "$1/archive.tar"
    diff -r /usr/include/linux "$1/linux"
    tar -C "$1" --compare -f "$1/archive.tar"
    rm -r "$1/linux" "$1/archive.tar"
}

run_sqlite() { # DIRECTORY
    python3 - "$1" <<'END'
import os, sqlite3, sys

for mode in ("delete", "wal", "truncate"):
    path = os.path.join(sys.argv[1], mode + ".db")
    base = sqlite3.connect(path, timeout=60)
    assert base.execute("pragma journal_mode=" + mode).fetchone()[0] == mode
    base.execute("create table account (id integer primary key, amount integer)")
    base.executemany("insert into account values (?, 1000)", [(i,) for i in range(100)])
    base.commit()
    for i in range(400):
        base.execute("update account set amount = amount - ? where id = ?", (i, i % 100))
        base.execute("update account set amount = amount + ? where id = ?", (i, i * 7 % 100))
        if i % 5 == 4:
            base.rollback()
        else:
            base.commit()
    assert base.execute("select sum(amount) from account").fetchone()[0] == 100000
    assert base.execute("pragma integrity_check").fetchone()[0] == "ok"
    base.close()
    os.unlink(path)
END
}

as_user() {
    setpriv --reuid "$user" --regid nogroup --clear-groups "$@"
}

# The server is started once; pgbench is what runs again and again.
prepare_postgres() { # DIRECTORY
    [ -x "$postgres_bin/initdb" ] || { echo "no postgres at $postgres_bin" >&2 && return 1; }
    chown "$user" "$1"
    as_user "$postgres_bin/initdb" -D "$1/data" -U postgres --auth trust >/dev/null
    as_user "$postgres_bin/pg_ctl" -D "$1/data" -w -l "$1/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$1" start >/dev/null
    pgbench -h "$1" -U postgres -i -s 2 -q postgres >/dev/null 2>&1
}

run_postgres() { # DIRECTORY
    local failed
    failed=$(pgbench -h "$1" -U postgres -c 4 -j 2 -T 10 postgres 2>&1 | tee "$top/pgbench" |
        sed -n 's/^number of failed transactions: \([0-9]*\) .*/\1/p')
    [ "$failed" = 0 ] || { cat "$top/pgbench" >&2 && return 1; }
    # Every transaction adds the same to all three.
    local sums
    sums=$(psql -h "$1" -U postgres -qAt postgres <<<"
        select sum(abalance) from pgbench_accounts union
        select sum(bbalance) from pgbench_branches union
        select sum(tbalance) from pgbench_tellers;")
    [ "$(wc -l <<<"$sums")" = 1 ] || { echo "the sums differ: $sums" >&2 && return 1; }
}

check_postgres() { # DIRECTORY
    as_user "$postgres_bin/pg_ctl" -D "$1/data" -w stop >/dev/null
    ! grep -E 'PANIC|FATAL|ERROR|could not' "$1/log"
}

mkdir "$mnt" "$top/store"
chmod 755 "$top"
"$SHMAPFS" "$top/store" "$mnt" -o "defaults${SURVIVE_OPTIONS:+,$SURVIVE_OPTIONS}"
for program in "${programs[@]}"; do
    directory=$mnt/$program
    mkdir "$directory"
    [ "$program" != postgres ] || prepare_postgres "$directory"
    deaths=0 runs=0
    while ((deaths < kills)); do
        "run_$program" "$directory" &
        process=$!
        deaths=$((deaths + $(kill_workers_while "$process")))
        wait "$process" || { echo "$program failed after $deaths deaths" >&2 && exit 1; }
        runs=$((runs + 1))
    done
    [ "$program" != postgres ] || check_postgres "$directory"
    echo "$program: $deaths deaths in $runs runs, nothing failed"
done
umount "$mnt"
