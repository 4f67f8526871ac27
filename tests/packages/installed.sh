# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# A machine of a release of Debian, in which the packages are installed, used, upgraded and removed.

readonly upgraded="/srv/upgraded" # the same packages with a later version

# Makes the machine ready but for the packages themselves, and notes what is in it.
installed_make() {
    local package
    in_root sh -ec 'apt-get -qq update
        for package in /srv/packages/*.deb; do dpkg-deb -f $package Depends; done | tr "," "\n" | grep -v shmap >/needs
        apt-get -qq satisfy -y --no-install-recommends "$(paste -s -d , /needs)"
        apt-get -qq install -y --no-install-recommends python3-minimal libpython3-stdlib procps
        rm /needs /usr/sbin/policy-rc.d
        useradd --create-home user' >"$work/output" 2>&1 || {
        cat "$work/output"
        return 1
    }
    cp "$here/load.py" "$root/srv/load.py"
    mkdir -p "$root$upgraded" "$root"/srv/{data,disk,shared} "$root/mnt/data"
    for package in "$packages"/*.deb; do
        later "$package"
    done
    machine_mask
    contents >"$work/before"
}

# Makes a package of a later version of another one, with the same files.
later() { # PACKAGE
    local directory=$work/later
    rm -rf "$directory"
    dpkg-deb -R "$1" "$directory"
    sed -i -E '/^(Version|Depends):/s/([0-9a-f])(\+debian[0-9]+)/\1.later\2/g' "$directory/DEBIAN/control"
    dpkg-deb -b --root-owner-group "$directory" "$root$upgraded/${1##*/}" >/dev/null
}

# Prints the names of what is in the machine, and its groups, but for what the machine itself changes.
contents() {
    (cd "$root" && find . -xdev \( -path ./var/log -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o \
        -path ./var/lib/systemd -o -path ./run -o -path ./tmp -o -name .updated -o -path ./var/tmp -o -path ./proc -o -path ./srv -o -path ./sys -o -path ./dev \) \
        -prune -o -print | sort)
    cut -d : -f 1 "$root/etc/group" "$root/etc/passwd"
}

as_user() { # COMMAND...
    in_machine setpriv --reuid=user --regid=user --init-groups -- env HOME=/home/user "$@"
}

check_installed() {
    check "the packages are installed" in_machine sh -c 'dpkg -i /srv/packages/*.deb'
    check "no service runs" same "" "$(in_machine systemctl list-units --plain --no-legend 'shmapfs*' | cut -d ' ' -f 1 | xargs)"
    check "none is enabled" same "disabled disabled disabled" \
        "$(in_machine systemctl is-enabled shmapfs-broker.socket shmapfs-metrics.timer shmapfs@x.service | xargs)"
    check "the group is there" in_machine getent group shmapfs
    check "mount(8) has a manual page" in_machine test -e /usr/share/man/man8/mount.fuse.shmapfs.8.gz
}

check_use() {
    echo '/srv/data  /mnt/data  fuse.shmapfs  anon=ram,size=64m  0 0' | put /etc/fstab
    in_machine systemctl daemon-reload
    check "a line of fstab mounts" in_machine mount /mnt/data
    in_machine install -D -m 644 /etc/shmapfs/sample /etc/shmapfs/srv/shared.conf
    check "a service mounts" in_machine systemctl -q enable --now shmapfs@srv-shared
    check "it is mounted" in_machine findmnt --noheadings --types fuse.shmapfs --mountpoint /srv/shared
    in_machine chmod 666 /dev/fuse # as udev does, which the machine has not
    as_user mkdir /home/user/mount
    check "a user mounts" as_user shmapfs /home/user/mount -o size=16m
    check "a user has a private /dev/shm" same fuse.shmapfs "$(as_user shmapctl run -o size=4m -- findmnt -n -o FSTYPE -M /dev/shm | tail -n 1)"
    check "the library answers" in_machine python3 -c '
import ctypes
anon, found = 1, ctypes.c_int()
assert ctypes.CDLL("libshmap.so.0").shmap_class_get(b"/mnt/data/ram", ctypes.byref(found)) == 0
assert found.value == anon, found'
    check "the metrics are told" in_machine sh -c 'shmapctl metrics | grep -q shmapfs_'
    check "the broker starts" in_machine systemctl -q enable --now shmapfs-broker.socket
}

load_start() { # NAME DIRECTORY [USER]
    in_machine systemd-run -q --unit="load-$1" ${3:+--uid="$3"} python3 -B /srv/load.py "$2" "/tmp/rounds-$1"
    check "there is load on $2" eventually in_machine test -s "/tmp/rounds-$1"
}

rounds() { # NAME
    in_machine cat "/tmp/rounds-$1" 2>/dev/null || true
}

goes_on() { # NAME ROUNDS
    in_machine systemctl -q is-active "load-$1" && [ "$(rounds "$1")" != "$2" ]
}

served_by() { # MOUNTPOINT
    in_machine sh -c 'for key in pid keeper; do
        readlink "/proc/$(shmapctl status --json '"$1"' | sed -n "s/.*\"$key\": *\([0-9]*\).*/\1/p")/exe"; done' | sort -u | xargs
}

check_upgrade() {
    local name before
    load_start fstab /mnt/data/ram/load
    load_start service /srv/shared/load
    load_start user /home/user/mount/load user
    before=$(in_machine systemctl show -P MainPID shmapfs@srv-shared)
    check "the packages are upgraded under load" in_machine sh -c "dpkg -i $upgraded/*.deb"
    cat "$work/output"
    check "what fstab has mounted is served by the new binary" same /usr/bin/shmapfs "$(served_by /mnt/data)"
    check "so is what the service has mounted" same /usr/bin/shmapfs "$(served_by /srv/shared)"
    check "its keeper is the same process" same "$before" "$(in_machine systemctl show -P MainPID shmapfs@srv-shared)"
    for name in fstab service user; do
        check "no call has failed, and the load goes on ($name)" eventually goes_on "$name" "$(rounds "$name")"
    done
    check "the user upgrades" as_user shmapctl upgrade /home/user/mount
    check "and goes on" eventually goes_on user "$(rounds user)"
    for name in fstab service user; do
        echo "# rounds of $name: $(rounds "$name" | sed 's/^0*//')"
    done
}

check_removal() {
    in_machine dpkg --purge shmapfs-dbgsym libshmap0-dbgsym >/dev/null
    check "removal while a service's mount is in use is refused" refused in_machine dpkg -r shmapfs
    check "the service goes on" eventually in_machine systemctl -q is-active shmapfs@srv-shared
    check "nothing has failed" in_machine systemctl -q is-active load-fstab load-service load-user
    in_machine systemctl stop load-fstab load-service load-user
    as_user fusermount3 -u /home/user/mount
    check "removal while nobody uses it" in_machine dpkg -r shmapfs
    cat "$work/output"
    check "the service's mount is gone" refused in_machine findmnt --mountpoint /srv/shared
    check "what the administrator mounted is not" in_machine findmnt --mountpoint /mnt/data
    in_machine umount /mnt/data
    check "its configuration stays" in_machine test -e /etc/shmapfs/srv/shared.conf
    in_machine rm -r /etc/shmapfs/srv /home/user/mount
    check "purge" in_machine sh -c 'dpkg --purge libshmap-dev libshmap0 shmapfs'
    cat "$work/output"
    check "no process is left" eventually refused in_machine pgrep shmapfs
    check "no unit is left" same "" "$(in_machine sh -c "systemctl list-unit-files --no-legend 'shmapfs*'; systemctl list-units --all --plain --no-legend 'shmapfs*'")"
    check "/run has nothing of it" refused in_machine sh -c "find /run -name '*shmapfs*' | grep ."
    check "no file, group or user is left" diff "$work/before" <(contents)
}
