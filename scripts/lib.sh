# Shared by the scripts here, read by them with `.`: where things are, what must be installed, how to build.
# Knows nothing of TCP. Look next: with-plugin.sh, which runs tshark with the plugin that was built.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034

set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_root=${TCPSTATE_BUILD:-$project/build}

say() { printf '%s\n' "$*" >&2; }
heading() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Is there a file for any of these patterns?
have_file() {
    local pattern
    for pattern; do
        ! compgen -G "$pattern" >/dev/null || return 0
    done
    return 1
}

# Debian's own python3 has Debian's modules; one that an environment manager put before it has not.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

have_module() { "$python" -c "import $1" >/dev/null 2>&1; }

# Adds package $1 to `missing` unless the command after it succeeds. Asks for the thing, not for the package, so that
# what came another way (a newer CMake, Wireshark built from source) is taken as it is.
missing=()
needs() {
    local package=$1
    shift
    "$@" || missing+=("$package")
}

needs_for_build() {
    needs build-essential have cc
    needs build-essential have_file '/usr/include/stdio.h'
    needs cmake have cmake
    needs ninja-build have ninja
    needs pkg-config have pkg-config
    needs tshark have tshark
    needs libglib2.0-dev have_file {/usr,/usr/local}/include/glib-2.0/glib.h
    needs wireshark-dev have_file {/usr,/usr/local}/lib*/{,'*/'}{wireshark/cmake,cmake/wireshark}/WiresharkConfig.cmake
    needs libwireshark-dev have_file {/usr,/usr/local}/include/wireshark/epan/packet.h
    needs libwiretap-dev have_file {/usr,/usr/local}/include/wireshark/wiretap/wtap.h
    needs libwsutil-dev have_file {/usr,/usr/local}/include/wireshark/wsutil/ws_assert.h
}

needs_for_tests() {
    needs clang have clang
    needs valgrind have valgrind
    needs python3 have "$python"
    needs python3-pytest have_module pytest
    needs python3-scapy have_module scapy
    needs wireshark-common have editcap
    needs wireshark-common have sharkd
    needs file have file
    needs iproute2 have ip
    needs man-db have man
    needs graphviz have dot
    needs sqlite3 have sqlite3
    needs parallel have parallel
    needs python3-jsonschema have_module jsonschema
    needs python3-pandas have_module pandas
    # Wireshark's windows, on a screen without a monitor (test/gui).
    needs wireshark have wireshark
    needs xvfb have Xvfb
    needs openbox have openbox
    needs imagemagick have import
    needs dbus-daemon have dbus-daemon
    needs at-spi2-core have_file /usr/share/dbus-1/services/org.a11y.Bus.service
    needs python3-gi have_module gi
    needs gir1.2-atspi-2.0 have_file '/usr/lib/*/girepository-1.0/Atspi-2.0.typelib'
    needs python3-pytest-timeout have_module pytest_timeout
}

needs_for_lint() {
    needs clang-format have clang-format
    needs clang-tidy have clang-tidy
    needs cppcheck have cppcheck
    needs shellcheck have shellcheck
    needs python3 have "$python"
}

# Installs what the `needs` before it found missing. Says and does nothing when nothing is.
install_missing() {
    [ "${#missing[@]}" -gt 0 ] || return 0
    local packages as_root=()
    mapfile -t packages < <(printf '%s\n' "${missing[@]}" | sort -u)
    missing=()
    have apt-get || die "please install what Debian calls: ${packages[*]}"
    if [ "$(id -u)" != 0 ]; then
        have sudo || die "please run as root: apt-get install ${packages[*]}"
        as_root=(sudo)
    fi
    say "Installing: ${packages[*]}"
    # A Wireshark package asks whether everybody may capture: nobody is there to answer, and no is right here.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends)
    "${apt[@]}" install "${packages[@]}" >/dev/null 2>&1 && return
    # The list of packages may be old or not there yet.
    "${apt[@]}" update >/dev/null || say "apt-get update did not succeed; going on with the list that is here"
    "${apt[@]}" install "${packages[@]}" >&2 || die "apt-get could not install: ${packages[*]}"
}

# configure_and_build TREE PRESET [CMake option…]: a build tree of its own below build/, by a preset of CMakePresets.json.
configure_and_build() {
    local tree=$1 preset=$2 log=$build_root/$1.log
    shift 2
    mkdir -p "$build_root"
    if ! (cd "$project" && cmake --preset "$preset" -B "$build_root/$tree" "$@" &&
        cmake --build "$build_root/$tree") >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        die "the build failed; all of its output is in $log"
    fi
}

# The plugin that configure_and_build TREE made.
module_of() {
    local found
    found=$(find "$build_root/$1" -name tcpstate.so -not -path '*/CMakeFiles/*' -print -quit)
    [ -n "$found" ] || die "no tcpstate.so below $build_root/$1: were the Wireshark headers found?"
    printf '%s\n' "$found"
}

# A directory that is gone when the script ends.
make_scratch() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/tcpstate.XXXXXX")
    chmod 755 "$scratch"
    trap 'rm -rf "$scratch"' EXIT
}
