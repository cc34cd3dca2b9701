# Minimal roots of Debian suites, to build and test in what this machine is not; read with `.`, after lib.sh.
# A TARGET is a suite, with an architecture behind a dash if it is not this machine's. Made once with mmdebstrap and kept
# as TARGET-min.tar below ${TCPSTATE_ROOTS:-/var/tmp/tcpstate-roots}. Needs root, for chroot. Knows nothing of what is
# tested. Look next: test-matrix.sh, package.sh.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

roots=${TCPSTATE_ROOTS:-${XDG_CACHE_HOME:-/var/tmp}/tcpstate-roots}
debian_mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# needs_for_roots TARGET…
needs_for_roots() {
    needs mmdebstrap have mmdebstrap
    needs mount have mount
    case $* in
    *-*) needs arch-test have arch-test ;;
    esac
}

# In a chroot, as in the roots that test-matrix.sh makes, there is no mount to make private; whoever made it did.
propagation=private
can_enter_roots() {
    unshare --mount --pid --fork mount -t tmpfs none /mnt 2>/dev/null && return
    propagation=unchanged
    unshare --mount --pid --fork --propagation "$propagation" true 2>/dev/null
}

# unpack_root TARGET DIRECTORY: a root in which nothing was ever installed. What is interrupted is not taken for whole.
unpack_root() {
    local target=$1 directory=$2 tar=$roots/$1-min.tar architecture=()
    case $target in
    *-*) architecture=(--architectures="${target##*-}") ;;
    esac
    if [ ! -s "$tar" ]; then
        say "making a root of $target"
        mkdir -p "$roots"
        rm -f "$tar.new"
        # The clock of a test machine may be past the end of a Release file's validity.
        timeout 1200 mmdebstrap --quiet --format=tar --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
            "${architecture[@]}" "${target%%-*}" "$tar.new" "$debian_mirror" >&2 && mv "$tar.new" "$tar" || return
    fi
    rm -rf "$directory.new"
    mkdir -p "$directory.new" && tar -C "$directory.new" -xf "$tar" && mv "$directory.new" "$directory"
}

# in_root DIRECTORY COMMAND…: in namespaces of its own, so that mounts and processes end with it, and /tmp too.
in_root() {
    local root=$1 machine=linux64
    shift
    case $root in
    *-i386) machine=linux32 ;;
    esac
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --propagation "$propagation" "$machine" bash -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
            mount -t tmpfs -o mode=1777 tmp "$root/tmp" && exec chroot "$root" env -i \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
                DEBIAN_FRONTEND=noninteractive ${http_proxy+http_proxy="$http_proxy"} "$@"' bash "$root" "$@" </dev/null
}
