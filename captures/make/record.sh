#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Records the captures of real TCP stacks: record.sh [--into DIR] [name…]. See record.py --help.
set -eu
[ "$(id -u)" = 0 ] || { echo "record.sh: needs root, for network namespaces" >&2; exit 1; }
for tool in ip ethtool sysctl tcpdump curl ncat nginx nft; do
    command -v "$tool" >/dev/null || { echo "record.sh: $tool is missing" >&2; exit 1; }
done
# Debian's own python3, which has Scapy, not one that an environment manager put before it.
exec /usr/bin/python3 "$(dirname "$0")/record.py" "$@"
