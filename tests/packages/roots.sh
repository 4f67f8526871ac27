# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# Roots of a release of Debian: one that debootstrap has made and nobody changes, and others over it.

# Makes the one below, where it is not there yet.
root_base() {
    [ ! -d "$cache/roots/$suite" ] || return 0
    rm -rf --one-file-system "$cache/roots/$suite.part"
    mkdir -p "$cache/roots"
    debootstrap --variant=minbase --include=systemd-sysv "$suite" "$cache/roots/$suite.part" ${mirror:+"$mirror"} >"$work/debootstrap.log" || {
        tail "$work/debootstrap.log"
        return 1
    }
    rm -rf "$cache/roots/$suite.part"/var/cache/apt/archives/*.deb
    mv "$cache/roots/$suite.part" "$cache/roots/$suite"
}

# Mounts a new root over it, as $root of tests/boot/machine.sh.
root_open() { # NAME
    mkdir -p "$root" "$work/$1"/{upper,work,tmp}
    chmod 1777 "$work/$1/tmp"
    # It ends with the run: nothing of it has to be on the disk.
    mount -t overlay -o "lowerdir=$cache/roots/$suite,upperdir=$work/$1/upper,workdir=$work/$1/work,volatile" "$1" "$root"
    # Stores are tried on a filesystem that can do what those of users can.
    mount --bind "$work/$1/tmp" "$root/var/tmp"
    mkdir -p "$root"/srv/{packages,shmapfs}
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

root_close() {
    umount -R "$root"
}

# Runs a command in the root, with this machine's devices and network, and processes of its own. It is
# no chroot, from which users could not make namespaces.
in_root() { # COMMAND...
    unshare --mount --pid --fork --kill-child env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive sh -e -c '
            root=$1 && shift
            mount --rbind /dev "$root/dev"
            mount -t proc proc "$root/proc"
            mount --rbind /sys "$root/sys"
            cd "$root"
            pivot_root . .
            umount -l .
            exec "$@"' sh "$root" "$@"
}

# Builds the packages, and looks at what is in them.
check_build() {
    check "a fresh root builds the packages, and lintian finds nothing wrong with them and their source" \
        in_root sh -c 'apt-get -qq update && /srv/shmapfs/packaging/deb /srv/packages'
    [ $failed = 0 ] || exit 1
    check "there are debug symbols" compgen -G "$packages/shmapfs-dbgsym_*.deb"
    check "nothing of libfuse is in them" refused eval \
        "for package in '$packages'/*.deb; do dpkg-deb --contents \"\$package\"; done | grep -i -e 'fuse3' -e fusermount -e udev"
}

# Tries the packages in a root that has nothing of what built them.
check_packages() {
    check "they can be installed" in_root sh -c 'apt-get -qq update && apt-get -qq install -y /srv/packages/*.deb'
    check "a profile of AppArmor can be read" in_root sh -ec '
        [ -e /etc/apparmor.d/shmapfs ] || exit 0
        apt-get -qq install -y --no-install-recommends apparmor
        apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d/shmapfs'
    check "a program can be built with the library" in_root sh -ec '
        apt-get -qq install -y --no-install-recommends gcc libc6-dev pkgconf
        cc /usr/share/doc/libshmap-dev/examples/class.c $(pkg-config --cflags --libs shmap) -o /srv/class'
    check "the links of README lead to pages and pictures that are installed" in_root sh -ec '
        cd /usr/share/doc/shmapfs
        links=$(grep -o "](docs/[^)#]*" README.md | cut -c 3-)
        test -n "$links"
        for link in $links; do test -f "$link"; done'
    check_autopkgtest
}

# Has autopkgtest run the tests of the source package. The root is one that nobody needs any more, but
# no machine of its own: no test of these needs more.
check_autopkgtest() {
    check "autopkgtest passes (${tests:-all tests})" in_root sh -ec '
        apt-get -qq install -y --no-install-recommends apt-utils autopkgtest
        rm -rf /srv/packages/autopkgtest
        autopkgtest --no-built-binaries --ignore-restrictions=isolation-machine --env="SHMAPFS_TESTS=$1" \
            --output-dir=/srv/packages/autopkgtest /srv/packages/*.deb /srv/packages/*.dsc -- null' sh "$tests"
    sed 's/^/# /' "$packages"/autopkgtest/{mount-stdout,summary} || true
}
