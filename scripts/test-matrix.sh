#!/bin/bash
# Builds and tests on other Debian suites, and so on other Wireshark versions: test-matrix.sh [SUITE…]
# Without a SUITE: bookworm (Wireshark 4.0) and trixie (4.4); sid has 4.6. Each suite gets a minimal root made with
# mmdebstrap, kept in ${TCPSTATE_ROOTS:-${XDG_CACHE_HOME:-/var/tmp}/tcpstate-roots}; a copy of this tree is put into it
# and scripts/test.sh run there, as a newcomer would. Needs root, for chroot. The options of test.sh go into TEST_OPTIONS.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,5s/^# //p' "$0"
    exit 0
    ;;
esac
[ "$(id -u)" = 0 ] || die "needs root, for chroot"

needs mmdebstrap have mmdebstrap
needs git have git
install_missing

suites=("$@")
[ $# -gt 0 ] || suites=(bookworm trixie)
roots=${TCPSTATE_ROOTS:-${XDG_CACHE_HOME:-/var/tmp}/tcpstate-roots}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# The clock of a test machine may be past the end of a Release file's validity.
aged='Acquire::Check-Valid-Until "false"'
mkdir -p "$roots" "$build_root"

# A minimal root, made in a place of its own so that an interrupted one is not taken for whole.
make_root() {
    local suite=$1
    [ ! -d "$roots/$suite" ] || return 0
    say "making a root of $suite"
    rm -rf "$roots/$suite.new"
    mmdebstrap --quiet --variant=apt --aptopt="$aged" "$suite" "$roots/$suite.new" "$mirror"
    mv "$roots/$suite.new" "$roots/$suite"
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
    local root=$1
    shift
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --propagation private bash -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs -o mode=1777 tmp "$root/tmp" &&
            exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                HOME=/root TERM=dumb LC_ALL=C.UTF-8 "$@"' bash "$root" "$@"
}

table=()
failed=0
for suite in "${suites[@]}"; do
    since=$SECONDS
    log=$build_root/matrix-$suite.log
    if ! make_root "$suite"; then
        table+=("$suite FAILED: no root could be made")
        failed=1
        continue
    fi
    root=$roots/$suite
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    copy_tree "$root"
    say "testing on $suite; the log is $log"
    result=passed
    # shellcheck disable=SC2086
    run_in_root "$root" /src/tcpstate/scripts/test.sh ${TEST_OPTIONS:-} >"$log" 2>&1 </dev/null || result=FAILED
    version=$(run_in_root "$root" tshark --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9.]*[0-9]\).*/\1/p' || true)
    [ "$result" = passed ] || failed=1
    table+=("$suite $result: Wireshark ${version:-not installed}, $((SECONDS - since)) s")
    sed -n '/^== summary/,$p' "$log"
done

heading "matrix"
printf '%s\n' "${table[@]}"
exit "$failed"
