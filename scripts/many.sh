#!/bin/bash
# One report of many captures as one CSV table, the file's name in the first column: many.sh REPORT FILE…
# For example: many.sh connections /captures/*.pcapng > all.csv. A tshark per file, as many at a time as there are
# processors ($JOBS for another number). GNU parallel runs them and takes more options from $PARALLEL, such as
# "--sshlogin one,two" for other hosts that see the same files. A file with trouble is named on standard error, and
# the exit status tells that there was one; what could be read of it is in the table. Look next: docs/machines.md.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

if [ $# -lt 2 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    sed -n '2,6s/^# //p' "$0"
    [ $# -gt 0 ] && [ "$1" != "${1#-}" ] || exit 1
    exit 0
fi
report=$1
shift
needs tshark have tshark
needs parallel have parallel
install_missing

# Runs on each host in a shell of its own. The name is quoted as CSV wants it; the header comes once per file.
# shellcheck disable=SC2016
one='set -o pipefail
tshark -n -q -r {} -o tcpstate.report_format:csv -z tcpstate,'$report' |
    FILE={} awk '\''BEGIN { gsub(/"/, "\"\"", ENVIRON["FILE"]); name = ENVIRON["FILE"]
                            if (name ~ /[",\n]/) name = "\"" name "\"" }
                    { print (NR == 1 ? "file" : name) "," $0 }'\'' ||
    { echo {}: tshark has trouble with it >&2; false; }'

# A header of every file, and only the first of them is wanted.
PARALLEL_SHELL=$(command -v bash) parallel --will-cite --keep-order --jobs "${JOBS:-100%}" "$one" ::: "$@" |
    awk 'NR == 1 { header = $0 } NR == 1 || $0 != header'
