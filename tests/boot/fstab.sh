# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# An fstab of ten lines: those of the manual, some that were meant for a tmpfs, and wrong ones.

fstab_make() {
    mkdir -p "$disk/data" "$root"/mnt/{data,ram,tmp,user,blocks,cache,manual,auto,wrong,late}
    put /etc/fstab <<'END'
/srv/disk/data     /mnt/data    fuse.shmapfs  anon=scratch,size=2g  0 0
none               /mnt/ram     fuse.shmapfs  size=1g               0 0
tmpfs              /mnt/tmp     fuse.shmapfs  rw,nosuid,nodev,noexec,noatime,size=10%,mode=1777  0 0
none               /mnt/user    fuse.shmapfs  uid=65534,gid=65534,mode=0700,nr_inodes=10k        0 0
none               /mnt/blocks  fuse.shmapfs  nr_blocks=4096,inode64,huge=never,x-test=1         0 0
none               /mnt/cache   fuse.shmapfs  allow_other,default_permissions                    0 0
none               /mnt/manual  fuse.shmapfs  noauto,size=4m                                     0 0
none               /mnt/auto    fuse.shmapfs  size=4m,x-systemd.automount                        0 0
none               /mnt/wrong   fuse.shmapfs  size=lots,nofail                                   0 0
/srv/disk/missing  /mnt/late    fuse.shmapfs  nofail                                             0 0
END
}

mounted() { # the mounts of the machine, as its kernel has them
    in_machine findmnt --noheadings --list -t fuse.shmapfs -o TARGET,SOURCE,OPTIONS | sort
}

size_of() { # DIRECTORY
    in_machine df -B1 --output=size "$1" | tail -n 1 | xargs
}

failed_units() {
    in_machine systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | sort | xargs
}


# A killed keeper of an fstab's mount: the next one who looks has it mounted anew.
automount_comes_back() {
    local keeper
    in_machine touch /mnt/auto/first || return
    keeper=$(in_machine sed -n 's/.*"keeper":\([0-9]*\).*/\1/p' <<<"$(in_machine getfattr --only-values \
        -n user.shmapfs.status /mnt/auto)")
    in_machine kill -KILL "$keeper" || return
    eventually in_machine touch /mnt/auto/second
}

check_fstab() {
    local before
    check "no emergency mode" same inactive "$(in_machine systemctl is-active emergency.target)"
    check "the boot ends" same degraded "$state"
    check "only the wrong lines fail" same "mnt-late.mount mnt-wrong.mount" "$(failed_units)"
    check "each message names what is wrong" logged "size.*lots"
    check "a missing store is named" logged "/srv/disk/missing"
    check "the source is the first field" same "/srv/disk/data none tmpfs" \
        "$(in_machine findmnt -n -o SOURCE -M /mnt/data) $(in_machine findmnt -n -o SOURCE -M /mnt/ram) $(in_machine findmnt -n -o SOURCE -M /mnt/tmp)"
    check "uid=, gid= and mode=" same "65534 65534 700" "$(in_machine stat -c '%u %g %a' /mnt/user)"
    check "x-systemd.automount mounts" in_machine touch /mnt/auto/file
    before=$(mounted)
    in_machine mount -a >"$work/first" 2>&1 || true
    check "mount -a makes nothing anew" same "$before" "$(mounted)"
    in_machine mount -a >"$work/second" 2>&1 || true
    check "a second time neither" same "$before" "$(mounted)"
    check "and complains of the wrong lines alone" refused grep -v -e size=lots -e /srv/disk/missing "$work/second"
    check "mount -fav touches nothing" same "$before" "$(in_machine mount -fav >"$work/fake" 2>&1; mounted)"
    check "and checks the options" grep size=lots "$work/fake"
    check "and the stores" grep /srv/disk/missing "$work/fake"
    check "mount by the mount point" in_machine mount /mnt/manual
    check "umount" in_machine umount /mnt/manual
    check "remount,size=" in_machine mount -o remount,size=20m /mnt/ram
    check "is in force" same 20971520 "$(size_of /mnt/ram)"
    check "remount,ro" in_machine mount -o remount,ro /mnt/ram
    check "is in force, too" refused in_machine touch /mnt/ram/file
    check "remount,rw" in_machine mount -o remount,rw /mnt/ram
    check "and writes" in_machine touch /mnt/ram/file
    sed -i 's/^\(none *\/mnt\/ram .*\)size=1g/\1size=30m/' "$root/etc/fstab"
    in_machine systemctl daemon-reload
    check "reload of the mount unit" in_machine systemctl reload mnt-ram.mount
    check "applies fstab" same 31457280 "$(size_of /mnt/ram)"
    machine_use user /mnt/ram
    check "stop of a busy mount unit is refused" refused in_machine systemctl stop mnt-ram.mount
    in_machine systemctl stop user
    check "stop of the mount unit" in_machine systemctl stop mnt-ram.mount
    check "start of the mount unit" in_machine systemctl start mnt-ram.mount
    check "x-systemd.automount brings a mount back" automount_comes_back
}
