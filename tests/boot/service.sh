# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# The service shmapfs@.service.

readonly service=shmapfs@srv-shared.service

settings() { # LINE...
    printf '%s\n' "$@" | put /etc/shmapfs/srv/shared.conf
}

service_make() {
    mkdir -p "$disk/shared" "$root/srv/shared"
    put /etc/systemd/system/srv-shared.mount <<END
[Unit]
Wants=$service
After=$service
AssertPathIsMountPoint=/srv/shared
[Mount]
What=shmapfs
Where=/srv/shared
Type=fuse.shmapfs
END
    put /etc/systemd/system/consumer.service <<END
[Unit]
RequiresMountsFor=/srv/shared/directory
[Service]
WorkingDirectory=/srv/shared
ExecStart=/bin/sleep infinity
END
}

restart_often() {
    local i
    for ((i = 0; i < 20; i++)); do
        in_machine systemctl restart "$service" || return
    done
}

size_is() { # BYTES
    in_machine shmapctl status --json /srv/shared >"$work/status" && grep -q "\"size\":$1[,}]" "$work/status"
}

has_another_keeper() { # KEEPER
    in_machine systemctl -q is-active "$service" &&
        [ "$(in_machine systemctl show -P MainPID "$service")" != "$1" ]
}

keeper_comes_back() {
    local keeper
    keeper=$(in_machine systemctl show -P MainPID "$service")
    in_machine kill -KILL "$keeper"
    # Nothing may be written there in between: a mount point has to be empty.
    eventually has_another_keeper "$keeper" && in_machine mountpoint -q /srv/shared
}

# Has another mount namespace copy the mount, as a container does.
copy_mount() {
    in_machine systemd-run -q --unit=container -p Type=notify -p NotifyAccess=all \
        unshare --mount --propagation private sh -c 'systemd-notify --ready; exec sleep infinity'
}

# A mount that was unmounted, but not in the namespace that has copied it.
check_stop_elsewhere() {
    local container
    in_machine systemctl start "$service"
    in_machine touch /srv/shared/file
    copy_mount
    container=$(in_machine systemctl show -P MainPID container)
    in_machine umount /srv/shared
    check "stop of what lives on elsewhere" in_machine systemctl stop "$service"
    check "the log names where" logged "process $container has it"
    check "the service has ended" refused in_machine systemctl -q is-active "$service"
    check "the mount has not" in_machine nsenter -t "$container" -m test -e /srv/shared/file
    in_machine systemctl stop container
    check "until nobody has it" eventually refused in_machine pgrep -f "shmapfs.*/srv/shared"
    in_machine systemctl start "$service"
    copy_mount
    container=$(in_machine systemctl show -P MainPID container)
    in_machine umount /srv/shared
    settings OPTIONS=size=8m FORCE=yes
    check "stop of it with FORCE=" in_machine systemctl stop "$service"
    check "ends it" eventually refused in_machine nsenter -t "$container" -m stat -f /srv/shared
    in_machine systemctl stop container
    settings OPTIONS=size=8m
}

check_stop_while_busy() {
    machine_use user /srv/shared
    in_machine sh -c 'echo contents >/srv/shared/file'
    check "stop while it is in use is refused" refused in_machine systemctl stop "$service"
    check "the log names the user" logged "sleep  *cwd"
    check "nothing is lost" same contents "$(in_machine cat /srv/shared/file)"
    check "the service goes on" eventually in_machine systemctl -q is-active "$service"
    in_machine systemctl stop user
    copy_mount
    check "stop while a namespace has a copy is refused" refused in_machine systemctl stop "$service"
    check "the log names that" logged "process $(in_machine systemctl show -P MainPID container) has it mounted"
    check "the service goes on again" eventually in_machine systemctl -q is-active "$service"
    settings OPTIONS=size=8m FORCE=no
    check "FORCE=no is none" refused in_machine systemctl stop "$service"
    eventually in_machine systemctl -q is-active "$service"
    in_machine systemctl stop container
    machine_use user /srv/shared
    settings OPTIONS=size=8m FORCE=yes
    check "stop with FORCE=" in_machine systemctl stop "$service"
    check "it is not mounted" refused in_machine mountpoint -q /srv/shared
    in_machine systemctl stop user
    settings OPTIONS=size=8m
    in_machine systemctl start "$service"
    check "stop of what nobody uses" in_machine systemctl stop "$service"
    check "is an unmount" refused in_machine mountpoint -q /srv/shared
}

check_service() {
    check "without a configuration it fails" refused in_machine systemctl start "$service"
    check "which is named" logged "/etc/shmapfs/srv/shared.conf cannot be read"
    in_machine systemctl reset-failed
    settings OPTIONS=size=8m
    check "start" in_machine systemctl start "$service"
    in_machine touch /srv/shared/file
    check "20 restarts" restart_often
    check "after them all is there" in_machine test -e /srv/shared/file
    check "no messages are refused" refused logged "reception only permitted"
    check "no lines about left-over processes" refused logged "shmapfs@.*\(left-over process\|remains running\)"
    settings OPTIONS=size=16m,huge=never
    check "restart with another size" in_machine systemctl restart "$service"
    check "it is in force" size_is 16777216
    settings OPTIONS=size=17m,writeback
    check "restart with what cannot change" in_machine systemctl restart "$service"
    check "nothing changes by halves" size_is 16777216
    check "what cannot change is named" logged "keeps its options: option .writeback"
    settings OPTIONS=size=24m
    check "reload with another size" in_machine systemctl reload "$service"
    check "it is in force, too" size_is 25165824
    check_stop_while_busy
    check_stop_elsewhere
    check "RequiresMountsFor= starts the service" in_machine systemctl start consumer
    check "it is mounted" in_machine systemctl is-active consumer "$service" srv-shared.mount
    check "its restart leaves who needs it" in_machine systemctl restart "$service"
    check "all go on" in_machine systemctl is-active consumer "$service" srv-shared.mount
    in_machine systemctl stop srv-shared.mount
    eventually refused in_machine systemctl -q is-active "$service"
    settings STORE=/srv/disk/shared
    in_machine systemctl start "$service"
    check "a keeper that was killed comes back" keeper_comes_back
}
