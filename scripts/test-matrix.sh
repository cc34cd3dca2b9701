#!/bin/bash
# Builds and tests on other Debian releases, and so on other Wireshark versions: test-matrix.sh [SUITE[-ARCH]…]
# Without arguments: bookworm (Wireshark 4.0), trixie (4.4) and bookworm-i386, where pointers have 32 bits; sid has 4.6.
# Each gets a minimal root made with mmdebstrap, kept below ${TCPSTATE_ROOTS:-/var/tmp/tcpstate-roots}; a copy of this
# tree is put into it and scripts/test.sh run there, as a newcomer would. Needs root, for chroot. Which tests are run can
# be said in TEST_OPTIONS, the options of test.sh: TEST_OPTIONS=-V runs all. Exit status: 1 if something failed; 77 if nothing did, but a root could not be made.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

readonly skipped_status=77

case ${1:-} in
-h | --help)
    sed -n '2,6s/^# //p' "$0"
    exit 0
    ;;
esac
[ "$(id -u)" = 0 ] || die "needs root, for chroot"

targets=("$@")
[ $# -gt 0 ] || targets=(bookworm trixie bookworm-i386)
roots=${TCPSTATE_ROOTS:-${XDG_CACHE_HOME:-/var/tmp}/tcpstate-roots}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# The clock of a test machine may be past the end of a Release file's validity.
aged='Acquire::Check-Valid-Until "false"'

needs mmdebstrap have mmdebstrap
needs git have git
case "${targets[*]}" in
*-*) needs arch-test have arch-test ;;
esac
if ! (install_missing) || ! unshare --mount --pid --fork mount -t tmpfs none /mnt; then
    say "skipped: ${targets[*]}: no roots can be made or entered here"
    exit "$skipped_status"
fi
mkdir -p "$roots" "$build_root"

# A minimal root, made in a place of its own so that an interrupted one is not taken for whole. TARGET is a suite, with
# an architecture behind a dash if it is not this machine's.
make_root() {
    local target=$1 architecture=()
    [ ! -d "$roots/$target" ] || return 0
    case $target in
    *-*) architecture=(--architectures="${target##*-}") ;;
    esac
    say "making a root of $target"
    rm -rf "$roots/$target.new"
    timeout 1200 mmdebstrap --quiet --variant=apt --aptopt="$aged" "${architecture[@]}" "${target%%-*}" \
        "$roots/$target.new" "$mirror" && mv "$roots/$target.new" "$roots/$target"
}

# The tree as git sees it, changes included, without build trees.
copy_tree() {
    local target=$1/src/tcpstate
    rm -rf "$target"
    mkdir -p "$target"
    (cd "$project" && git -c safe.directory="$project" ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
        tar --null -T - -cf -) | tar -C "$target" --no-same-owner -xf -
}

# In namespaces of its own, so that mounts and processes end with it.
run_in_root() {
    local root=$1 machine=linux64
    shift
    case $root in
    *-i386) machine=linux32 ;;
    esac
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --propagation private "$machine" bash -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
            mount -t tmpfs -o mode=1777 tmp "$root/tmp" && exec chroot "$root" env -i \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
                ${http_proxy+http_proxy="$http_proxy"} "$@"' bash "$root" "$@"
}

table=()
status=0
for target in "${targets[@]}"; do
    since=$SECONDS
    log=$build_root/matrix-$target.log
    if ! make_root "$target"; then
        table+=("skipped  $target: no root could be made")
        [ "$status" != 0 ] || status=$skipped_status
        continue
    fi
    root=$roots/$target
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    copy_tree "$root"
    say "testing on $target; the log is $log"
    result="passed  "
    # What another Wireshark may answer otherwise; the rest, windows among it, is tested on the machine itself. Pointers of
    # 32 bits are the core's matter.
    options=${TEST_OPTIONS:-}
    case $target in
    *-i386) : "${options:=-L unit}" ;;
    *) : "${options:=-R ^(story|core|plugin-(cli|fields|flow_graph|golden|modes|profile|tables|textbook))}" ;;
    esac
    # shellcheck disable=SC2086
    if ! run_in_root "$root" /src/tcpstate/scripts/test.sh $options >"$log" 2>&1 </dev/null; then
        result="FAILED  "
        status=1
        heading "end of $log"
        tail -n 300 "$log"
    else
        sed -n '/^== summary/,$p' "$log"
    fi
    version=$(run_in_root "$root" tshark --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9.]*[0-9]\).*/\1/p' || true)
    table+=("$result $target: Wireshark ${version:-not installed}, $((SECONDS - since)) s")
done

heading "matrix"
printf '%s\n' "${table[@]}"
exit "$status"
