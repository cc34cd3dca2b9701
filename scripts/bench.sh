#!/bin/bash
# What the plugin costs: bench.sh [--quick] [--growth] [--write] [--pairs N] [--only short|long|flood|lossy]…
# Makes large captures below build/bench, measures tshark on them with and without the plugin, side by side, and prints a
# table: instructions per packet (callgrind, two slices), user time in pairs, peak memory per connection, the report
# against tshark's own conversations. --quick: a tenth of the size. --growth: up to ten million packets, slow.
# --write puts the table into docs/performance.md. Look next: bench.py, which measures.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,6s/^# //p' "$0"
    exit 0
    ;;
esac

needs_for_build
needs valgrind have valgrind
needs python3 have "$python"
needs wireshark-common have editcap
install_missing
configure_and_build release release
TCPSTATE_MODULE=$(module_of release) exec "$python" "$project/scripts/bench.py" --captures "$build_root/bench" "$@"
