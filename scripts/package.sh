#!/bin/bash
# Makes the Debian package for the Wireshark that is here: package.sh [--test] [--suite SUITE] [DIRECTORY]
# The package goes to DIRECTORY (usually build/), and lintian looks at it. --test: installs it with apt in a clean root
# of the SUITE (usually this machine's), runs the plugin there as root and as a user, removes it, and sees that nothing
# is left; exit status 77 says that it cannot be tested here. Needs root, for chroot. For another Wireshark, run this where
# that one is: scripts/test-matrix.sh does. Look next: plugin/install/package.cmake, roots.sh.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=roots.sh
. "$project/scripts/roots.sh"

test=no
suite=
target=$build_root
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        sed -n '2,6s/^# //p' "$0"
        exit 0
        ;;
    --test) test=yes ;;
    --suite) suite=${2:?--suite needs the name of a suite} && shift ;;
    -*) die "there is no option $1" ;;
    *) target=$1 ;;
    esac
    shift
done

make_package() {
    needs_for_build
    needs dpkg-dev have dpkg-shlibdeps
    needs lintian have lintian
    install_missing
    # Debian's flags for what is exposed to the network: hardened, and no path of this machine in it.
    export CFLAGS LDFLAGS
    CFLAGS=$(cd "$project" && DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get CFLAGS)
    CFLAGS+=" $(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get CPPFLAGS)"
    LDFLAGS=$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get LDFLAGS)
    rm -rf "$build_root/package"
    configure_and_build package release -DBUILD_TESTING=OFF
    mkdir -p "$target"
    (cd "$build_root/package" && cpack -B "$target" >"$build_root/cpack.log" 2>&1) ||
        die "cpack failed; see $build_root/cpack.log"
    package=$(sed -n 's/^CPack: - package: \(.*\.deb\) generated\.$/\1/p' "$build_root/cpack.log")
    rm -rf "$target/_CPack_Packages"
    [ -s "$package" ] || die "cpack made no package; see $build_root/cpack.log"
    # It is no upload to Debian, so there is no bug that it closes.
    lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package" >&2 ||
        die "lintian finds fault with $package"
}

apt_in_root() {
    in_root "$scratch/root" apt-get -q -y --no-install-recommends -o Acquire::Check-Valid-Until=false "$@" >>"$scratch/apt.log" 2>&1
}

# Every file of the root, but for what the package manager notes down.
files_in_root() {
    find "$scratch/root" -xdev \( -path "$scratch/root/var/lib/dpkg" -o -path "$scratch/root/var/lib/apt" -o \
        -path "$scratch/root/var/cache" -o -path "$scratch/root/var/log" -o -path "$scratch/root/root" -o \
        -path "$scratch/root/dev" -o -path "$scratch/root/proc" -o -path "$scratch/root/tmp" \) -prune -o -print | sort
}

# What the README shows on its first page, from an installed capture. Nothing is said of the plugin: it is found.
capture=/usr/share/doc/tcpstate/captures/textbook-t3-curl.pcapng
states_of() {
    in_root "$scratch/root" "$@" tshark -r "$capture" -T fields -e frame.number -e tcpstate.pair 2>/dev/null
}

# A package for another Wireshark must be refused by apt, not be found out by the user.
refuses_other_series() {
    local other=$scratch/root/srv/other.deb dir=$scratch/other
    dpkg-deb -R "$package" "$dir"
    sed -i -E '/^Depends:/s/wireshark-common \([^)]*\)/wireshark-common (>= 99.0~)/' "$dir/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$dir" "$other" >/dev/null
    ! apt_in_root install /srv/other.deb
}

test_package() {
    local expected=$'8\tFIN_WAIT_1:ESTABLISHED\n9\tFIN_WAIT_2:LAST_ACK\n10\tTIME_WAIT:CLOSED' user
    user=(setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/tmp)
    make_scratch
    unpack_root "$suite" "$scratch/root" || cannot_test "no root of $suite could be made, see above"
    cp "$package" "$scratch/root/srv/tcpstate.deb"
    apt_in_root update || cannot_test "apt-get update failed in the clean root: $(tail -n 1 "$scratch/apt.log")"
    # Wireshark first, so that the list of files before knows it.
    apt_in_root install tshark man-db || die "no tshark for the clean root: $(tail -n 3 "$scratch/apt.log")"
    in_root "$scratch/root" "${user[@]}" tshark -G folders >/dev/null 2>&1 || true
    refuses_other_series || die "apt installs a package for another Wireshark"
    files_in_root >"$scratch/before"
    apt_in_root install /srv/tcpstate.deb || die "apt does not install it: $(tail -n 5 "$scratch/apt.log")"

    [ "$(states_of "${user[@]}" | tail -n 3)" = "$expected" ] || die "a user's tshark does not show the states"
    [ "$(states_of env | tail -n 3)" = "$expected" ] || die "root's tshark does not show the states"
    in_root "$scratch/root" "${user[@]}" tshark -q -r "$capture" -z tcpstate,exchanges 2>/dev/null |
        grep -q '^Closes: 1 complete' || die "the report of exchanges is not what it should be"
    in_root "$scratch/root" man -w tcpstate >/dev/null || die "there is no manual page"
    in_root "$scratch/root" tshark --version 2>/dev/null | head -n 1

    apt_in_root purge tcpstate || die "apt does not remove it"
    files_in_root >"$scratch/after"
    diff "$scratch/before" "$scratch/after" >&2 || die "the removed package left something, or took something with it"
    printf 'Installed, run and removed in a clean %s: passed\n' "$suite"
}

# Unstable bears the name of the release to come, as testing does.
suite_here() {
    if grep -q /sid /etc/os-release && apt-cache policy | grep -q n=sid; then
        echo sid
    else
        sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
    fi
}

# ctest shows what exits so as skipped, and test.sh repeats the reason.
cannot_test() {
    echo "SKIPPED package: $*"
    exit 77
}

if [ "$test" = yes ]; then
    [ "$(id -u)" = 0 ] || cannot_test "a clean root needs root, for chroot"
    have dpkg || cannot_test "this is no Debian"
    needs_for_roots "$suite"
    install_missing
    can_enter_roots || cannot_test "no namespaces may be made here"
    : "${suite:=$(suite_here)}"
    [ -n "$suite" ] || die "which suite? This system does not say its own; please give --suite"
fi
package=
make_package
printf '%s\n' "$package"
[ "$test" = no ] || test_package
