#!/bin/bash
# Runs a Wireshark program with a plugin that is not installed: with-plugin.sh [-m MODULE] PROGRAM [ARGUMENT…]
# MODULE is the tcpstate.so to load; without -m it is $TCPSTATE_MODULE, else the one that demo.sh or test.sh built.
# Called by another name, such as a link called "tshark" to this file, it runs the program of that name.
#
# Wireshark looks for plugins below $WIRESHARK_PLUGIN_DIR/<its version>/epan, but not when it runs as root. So root
# becomes nobody here, and keeps the privileges to open the files that root may open, wherever the capture and the
# plugin are, and to capture. The rest of the environment, HOME included, stays.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
fail() { printf 'with-plugin.sh: %s\n' "$*" >&2; exit 1; }

module=${TCPSTATE_MODULE:-}
name=${0##*/}
if [ "$name" = with-plugin.sh ]; then
    if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
        sed -n '2,8{s/^#$//;s/^# //p;}' "$0"
        exit 0
    fi
    if [ "${1:-}" = -m ]; then
        [ $# -ge 2 ] || fail "-m needs a plugin"
        module=$2
        shift 2
    fi
    [ $# -gt 0 ] || fail "which program? Usage: with-plugin.sh [-m MODULE] PROGRAM [ARGUMENT…]"
else
    # The link may be first in PATH: look for the program elsewhere.
    links=$(cd "$(dirname "$0")" && pwd)
    PATH=$(printf '%s' "$PATH" | tr : '\n' | grep -vxF "$links" | paste -sd:)
    set -- "$name" "$@"
fi

if [ -z "$module" ]; then
    for tree in release gcc; do
        module=$(find "${TCPSTATE_BUILD:-$here/../build}/$tree" -name tcpstate.so -print -quit 2>/dev/null || true)
        [ -z "$module" ] || break
    done
    [ -n "$module" ] || fail "no plugin was built yet: run scripts/demo.sh first"
fi
if [ "$module" != none ]; then
    module=$(readlink -f "$module")
    [ -r "$module" ] || fail "no plugin at $module"
    # One folder per plugin, made once and found again, beside the plugin if that can be written. It is named by the
    # version of the tshark that is here: if the plugin is for another one, Wireshark itself says so.
    folder=$(dirname "$module")/wireshark-plugins
    mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] ||
        folder=${TMPDIR:-/tmp}/tcpstate-plugins-$(id -u)-$(printf '%s' "$module" | cksum | cut -d' ' -f1)
    program=$(command -v tshark) || fail "tshark is not installed"
    # Asking tshark takes half a second: ask each tshark once.
    known=$folder/$(stat -Lc 'tshark-%Y-%s' "$program")
    [ -s "$known" ] || {
        mkdir -p "$folder"
        tshark --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9]*\.[0-9]*\).*/\1/p' >"$known.$$"
        mv "$known.$$" "$known"
    }
    read -r version <"$known" || fail "tshark does not tell its version"
    mkdir -p "$folder/$version/epan"
    link=$folder/$version/epan/tcpstate.so
    [ "$(readlink "$link" 2>/dev/null)" = "$module" ] || ln -sfn "$module" "$link"
else
    # "none": no plugin at all, not even an installed one. For comparisons.
    folder=$here/no-plugins
fi
export WIRESHARK_PLUGIN_DIR=$folder

[ "$(id -u)" = 0 ] || exec "$@"

# Wireshark wants neither the user nor the group to be root's.
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
for kept in +dac_override,+net_raw,+net_admin +dac_override; do
    privileges=(--inh-caps="$kept" --ambient-caps="$kept")
    if setpriv "${privileges[@]}" true 2>/dev/null; then
        as_nobody+=("${privileges[@]}")
        break
    fi
done
"${as_nobody[@]}" true 2>/dev/null || fail "root may not become another user here, and Wireshark loads no plugins of \
its users as root; please run this as a normal user"
exec "${as_nobody[@]}" "$@"
