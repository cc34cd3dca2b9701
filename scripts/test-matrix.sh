#!/bin/bash
# Builds and tests on other Debian releases, and so on other Wireshark versions: test-matrix.sh [SUITE[-ARCH]…]
# Without arguments: bookworm (Wireshark 4.0), trixie (4.4) and bookworm-i386, where pointers have 32 bits; sid has 4.6.
# Each gets a root of its own, kept for the next time; a copy of this tree is put into it and scripts/test.sh run there,
# as a newcomer would. Needs root, for chroot. All tests are run but those of windows, and of the 32-bit one the core's;
# others can be asked for in TEST_OPTIONS, as options of test.sh: TEST_OPTIONS=-V runs all.
# Exit status: 1 if something failed; 77 if nothing did, but a root could not be made. Look next: roots.sh.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=roots.sh
. "$project/scripts/roots.sh"

readonly skipped_status=77

case ${1:-} in
-h | --help)
    sed -n '2,7s/^# //p' "$0"
    exit 0
    ;;
esac
[ "$(id -u)" = 0 ] || die "needs root, for chroot"

targets=("$@")
[ $# -gt 0 ] || targets=(bookworm trixie bookworm-i386)
needs git have git
needs_for_roots "${targets[@]}"
if ! (install_missing) || ! can_enter_roots; then
    say "skipped: ${targets[*]}: no roots can be made or entered here"
    exit "$skipped_status"
fi
mkdir -p "$build_root"

# The tree as git sees it, changes included, without build trees.
copy_tree() {
    local target=$1/src/tcpstate
    rm -rf "$target"
    mkdir -p "$target"
    (cd "$project" && git -c safe.directory="$project" ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
        tar --null -T - -cf -) | tar -C "$target" --no-same-owner -xf -
}

table=()
status=0
for target in "${targets[@]}"; do
    since=$SECONDS
    log=$build_root/matrix-$target.log
    root=$roots/$target
    if [ ! -d "$root" ] && ! unpack_root "$target" "$root"; then
        table+=("skipped  $target: no root could be made")
        [ "$status" != 0 ] || status=$skipped_status
        continue
    fi
    copy_tree "$root"
    say "testing on $target; the log is $log"
    result="passed  "
    # Windows are slow on a busy machine; pointers of 32 bits are the core's matter.
    options=${TEST_OPTIONS:-}
    case $target in
    *-i386) : "${options:=-L unit}" ;;
    *) : "${options:=-LE gui}" ;;
    esac
    # shellcheck disable=SC2086
    if ! in_root "$root" /src/tcpstate/scripts/test.sh $options >"$log" 2>&1; then
        result="FAILED  "
        status=1
        heading "end of $log"
        tail -n 300 "$log"
    else
        sed -n '/^== summary/,$p' "$log"
    fi
    version=$(in_root "$root" tshark --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9.]*[0-9]\).*/\1/p' || true)
    table+=("$result $target: Wireshark ${version:-not installed}, $((SECONDS - since)) s")
done

heading "matrix"
printf '%s\n' "${table[@]}"
exit "$status"
