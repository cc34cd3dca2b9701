#!/bin/bash
# Shows what the plugin makes of a capture: demo.sh [CAPTURE]
# Installs what is missing, builds the plugin, prints the states of both ends packet by packet, then the handshakes and
# closes. Nothing is installed into Wireshark. Look next: with-plugin.sh, which runs tshark with the plugin.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,4s/^# //p' "$0"
    exit 0
    ;;
esac
[ $# -le 1 ] || die "one capture at a time, please: demo.sh [CAPTURE]"
capture=${1:-$project/captures/textbook-t3-curl.pcapng}
rows=${DEMO_ROWS:-200}

[ -e "$capture" ] || die "there is no file $capture"
[ ! -d "$capture" ] || die "$capture is a directory, not a capture"
[ -r "$capture" ] || die "you may not read $capture"

make_scratch
# A test that has built the plugin already names it.
module=${TCPSTATE_MODULE:-}
if [ -z "$module" ]; then
    needs_for_build
    install_missing
    configure_and_build release release
    module=$(module_of release)
fi

# A person's own preferences and profiles would change what is shown: a home of its own, gone afterwards.
mkdir -m 777 "$scratch/home"
tshark() {
    env -u XDG_CONFIG_HOME HOME="$scratch/home" "$project/scripts/with-plugin.sh" -m "$module" tshark -n -r "$capture" "$@"
}

# The columns by tshark's own means, tab-separated; the last one may be empty or hold several transitions.
columns='"frame","%m","from","%us","port","%uS","to","%ud","port","%uD"'
for field in tcp.flags.str tcpstate.sender tcpstate.client tcpstate.server tcpstate.transition; do
    columns+=",\"$field\",\"%Cus:$field:0:R\""
done
if ! tshark -Y tcpstate -T tabs -o "gui.column.format:$columns" >"$scratch/table" 2>"$scratch/complaints"; then
    # What was read before the trouble began is still worth a look: captures are often cut short.
    [ -s "$scratch/table" ] || die "tshark cannot read it: $(grep -v -i 'running as user' "$scratch/complaints" | tail -n 1)"
    say "tshark could not read all of it: $(tail -n 1 "$scratch/complaints")"
fi
[ -s "$scratch/table" ] || die "there is no TCP in $capture"

# tcp.flags.str has a dot for every flag that is off. Padding comes before the arrows of the last column: awk counts bytes.
awk -F '\t' -v OFS='\t' -v limit="$rows" '
    function name(end, address, port) { return (address ~ /:/ ? "[" address "]" : address) ":" port }
    function wider(i, text) { if (length(text) > width[i]) width[i] = length(text) }
    function flags(text,    i, letter, words) {
        gsub(/·|\302|\267|[*]/, "", text)
        sub(/,.*/, "", text)
        for (i = length(text); i > 0; i--) {
            letter = substr(text, i, 1)
            if (letter in flag_name) words = words (words == "" ? "" : ",") flag_name[letter]
        }
        return words == "" ? "none" : words
    }
    BEGIN {
        split("S SYN F FIN R RST A ACK P PSH U URG", pair, " ")
        for (i = 1; i in pair; i += 2) flag_name[pair[i]] = pair[i + 1]
        put(0, "frame", "client", "", "server", "flags", "client state", "server state", "transition")
    }
    function put(row, a, b, c, d, e, f, g, h) {
        cell[row, 1] = a; cell[row, 2] = b; cell[row, 3] = c; cell[row, 4] = d
        cell[row, 5] = e; cell[row, 6] = f; cell[row, 7] = g; cell[row, 8] = h
        for (i = 1; i < 8; i++) wider(i, cell[row, i])
    }
    {
        total++
        for (i = 1; i <= 5; i++) gsub(/^ +| +$/, "", $i)
        if (row >= limit) next
        source = name("from", $2, $3); destination = name("to", $4, $5)
        gsub(/,/, ", ", $10)
        by_client = $7 !~ /^server/
        put(++row, $1, by_client ? source : destination, by_client ? "->" : "<-",
            by_client ? destination : source, flags($6), $8, $9, $10)
    }
    END {
        for (r = 0; r <= row; r++) {
            line = ""
            for (i = 1; i < 8; i++) line = line sprintf(i == 1 ? "%" width[i] "s  " : "%-" width[i] "s  ", cell[r, i])
            line = line cell[r, 8]
            sub(/ +$/, "", line)
            print line
        }
        if (total > row) printf "... and %d more (DEMO_ROWS=%d shows all)\n", total - row, total
    }' "$scratch/table"

echo
tshark -q -z tcpstate,exchanges
