# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# The service shmapfs-broker, for a user who is in its group and one who is not.

broker_make() {
    # The last ids that a system gives to services of its own.
    sed -i '/^shmapfs:/d' "$root/etc/group"
    echo 'shmapfs:x:997:nobody' >>"$root/etc/group"
    install -d -o 65534 "$root/srv/member"
    install -d -o 1 "$root/srv/stranger"
}

# Runs a command as a user with the groups that the machine knows of.
as_user() { # USER COMMAND...
    in_machine setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups -- "${@:2}"
}

status_says() { # USER MOUNTPOINT WORDS
    as_user "$1" shmapctl status "$2" >"$work/status" && grep -e "$3" "$work/status" || {
        cat "$work/status"
        return 1
    }
}

check_broker() {
    check "the broker is off" refused in_machine systemctl -q is-active shmapfs-broker.socket
    check "a mount does without" as_user nobody shmapfs /srv/member -o size=4m
    check "and says so" status_says nobody /srv/member "the broker, which is not there"
    check "it is unmounted" as_user nobody fusermount3 -u /srv/member
    check "the socket starts" in_machine systemctl enable --now shmapfs-broker.socket
    check "the broker has no process yet" refused in_machine systemctl -q is-active shmapfs-broker.service
    check "a member mounts" as_user nobody shmapfs /srv/member -o size=4m
    check "by the broker" status_says nobody /srv/member "passthrough (by the broker)"
    check "which serves" in_machine systemctl -q is-active shmapfs-broker.service
    check "a file can be used" as_user nobody sh -c 'echo one >/srv/member/file && grep one /srv/member/file'
    check "a stranger mounts" as_user "$(id -nu 1)" shmapfs /srv/stranger -o size=4m
    check "without the broker" status_says "$(id -nu 1)" /srv/stranger "the broker, which is not for this user"
    check "the broker restarts" in_machine systemctl restart shmapfs-broker.service
    check "its members go on" as_user nobody sh -c 'echo two >/srv/member/next && grep two /srv/member/next'
    check "with no complaint" refused logged "does not answer"
    check "a private /dev/shm has it, too" as_user nobody shmapctl run -- sh -c \
        'shmapctl status /dev/shm | grep "passthrough (by the broker)"'
    check "the member unmounts" as_user nobody fusermount3 -u /srv/member
    check "the stranger unmounts" as_user "$(id -nu 1)" fusermount3 -u /srv/stranger
}
