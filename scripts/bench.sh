#!/bin/bash
# What the plugin costs: bench.sh [--quick] [--all] [--write] [--pairs N] [--section NAME]… [--only CAPTURE]…
# Makes large captures below build/bench and measures tshark on them with and without the plugin, side by side, section
# by section: cost (instructions by cachegrind, user time in pairs), alternatives (the floor, other ways to do it), reports
# (against tshark's own conversations), memory (largest resident set), growth (up to ten million packets), gui
# (Wireshark's window). Growth and gui only with --all or by name. CAPTURE: short, long, flood, lossy. --quick: a tenth
# of the size. --write puts the figures into docs/performance.md. Look next: bench.py.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,7s/^# //p' "$0"
    exit 0
    ;;
esac

needs_for_build
needs valgrind have valgrind
needs python3 have "$python"
needs wireshark-common have editcap
needs tcptrace have tcptrace
needs gnuplot-nox have gnuplot
needs wireshark have wireshark
needs xvfb have Xvfb
needs xdotool have xdotool
install_missing
configure_and_build bench-release release -DTCPSTATE_BENCH=ON
TCPSTATE_MODULE=$build_root/bench-release/plugin/tcpstate.so exec "$python" "$project/scripts/bench.py" \
    --captures "$build_root/bench" --tools "$build_root/bench-release/test/bench" "$@"
