# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034
#
# A machine in namespaces of this one: its own processes, mounts, control groups, names and network,
# a systemd as its first process, and a root of tmpfs with this machine's /usr below an overlay.
# Nothing that is done in it changes anything here, and it has ended when the script has.
#
# Sourced by tests/boot/run, which runs in a mount namespace of its own.

work=${work:?}
root=$work/root # of the machine
disk=${disk:?}  # its /srv/disk, which outlives it
first=          # its first process, as it is numbered here
state=          # what it calls its state after the boot

# Writes a file of the machine, from standard input.
put() { # PATH
    install -d "$root${1%/*}"
    cat >"$root$1"
}

# Makes the root, with the binaries of a build directory installed.
machine_make() { # BUILD
    local name
    mkdir -p "$root" "$disk"
    mount -t tmpfs -o mode=0755 machine "$root"
    mkdir -p "$root"/{usr,etc/systemd/system,proc,sys,dev,run,tmp,var/{lib,log,tmp},root,mnt,srv/disk}
    mkdir "$work/usr"
    mount --bind "$disk" "$root/srv/disk"
    mount -t tmpfs upper "$work/usr"
    mkdir "$work"/usr/{upper,work}
    mount -t overlay -o "lowerdir=/usr,upperdir=$work/usr/upper,workdir=$work/usr/work" usr "$root/usr"
    for name in bin sbin lib lib64; do
        [ ! -L /$name ] || ln -s "$(readlink /$name)" "$root/$name"
    done
    for name in passwd group nsswitch.conf ld.so.cache ld.so.conf ld.so.conf.d alternatives fuse.conf; do
        [ ! -e /etc/$name ] || cp -a /etc/$name "$root/etc/"
    done
    ln -s ../usr/lib/os-release "$root/etc/os-release"
    ln -s ../proc/self/mounts "$root/etc/mtab"
    machine_mask
    DESTDIR=$root meson install -C "$1" --skip-subprojects --no-rebuild --quiet
}

# Gives the root a name, and takes out of it what the machine does not need and would wait for hardware.
machine_mask() {
    local name
    mkdir -p "$root/etc/systemd/system"
    echo 5b6f0a4e1c2d4f3a8b7c6d5e4f3a2b1c | put /etc/machine-id
    for name in getty.target systemd-logind.service dbus.service dbus.socket systemd-udevd.service \
        systemd-udev-trigger.service systemd-update-utmp.service systemd-hwdb-update.service \
        systemd-sysctl.service systemd-random-seed.service systemd-resolved.service; do
        ln -sf /dev/null "$root/etc/systemd/system/$name"
    done
    ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
}

# Makes /dev, /proc, /sys and the control groups, and becomes the first process. Runs in all the
# namespaces of the machine.
machine_init() {
    local name
    mount -t tmpfs -o mode=0755 dev "$root/dev"
    mkdir "$root"/dev/{shm,pts}
    for name in null zero full random urandom tty fuse autofs; do
        cp -a "/dev/$name" "$root/dev/"
    done
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /dev/null "$root/dev/console"
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs -o ro sys "$root/sys"
    mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
    cd "$root" || return
    pivot_root . .
    umount -l .
    exec env -i container=boot-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd --log-target=journal-or-kmsg </dev/null >/dev/null 2>&1
}

# The control group of the machine, in this machine's hierarchy.
machine_group() {
    echo "$(findmnt -n -o TARGET -t cgroup2 | head -n 1)/${work##*/}"
}

# Starts the machine, and waits until it has booted, or come to rest before that.
machine_boot() {
    local group unshared
    group=$(machine_group)
    mkdir -p "$group"
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        exec unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net \
            bash -c "$(declare -f machine_init); set -e; root=$root; machine_init"
    ) &
    unshared=$!
    # The child appears as soon as unshare has forked.
    until first=$(pgrep -P "$unshared"); do
        kill -0 "$unshared" || return
    done
    until [ "$(cat "/proc/$first/comm")" = systemd ] && in_machine test -S /run/systemd/private; do
        kill -0 "$unshared" || return
    done
    state=$(in_machine systemctl is-system-running --wait) || true
}

# Runs a command in the machine, but outside of its control groups' units.
in_machine() { # COMMAND...
    nsenter --target "$first" --mount --pid --uts --ipc --net --cgroup -- "$@"
}

# Starts a program that works in a directory and has a file open there, of which systemd knows nothing.
machine_use() { # NAME DIRECTORY
    in_machine systemd-run -q --unit="$1" -p Type=notify -p NotifyAccess=all \
        sh -c "cd $2 && exec 3>held && echo kept >&3 && systemd-notify --ready && exec sleep infinity"
}

# Shuts the machine down, and waits until its last process has ended.
machine_shut_down() {
    in_machine kill -s RTMIN+4 1
    # The end of the first process counts as killed.
    wait %% || true
    ! kill -0 "$first" 2>/dev/null
}

# Ends what is left of it.
machine_end() {
    [ -z "$first" ] || kill -KILL "$first" 2>/dev/null || true
    wait
}

group_is_gone() {
    find "$(machine_group)" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$(machine_group)" ]
}

# Removes what it has left in this machine, when its mounts are gone.
machine_clean() {
    eventually group_is_gone || true # processes that were killed may take a moment
    rm -rf --one-file-system "$work"
}
