#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the manual page: manual.py TSHARK > docs/tcpstate.7

Fields, expert infos and preferences are asked of TSHARK, a tshark that has the plugin loaded: what it registered is
what there is. What it does not tell (severities, reports, the words of a field) is read from the lists in the sources that
register it. Types no list of its own. test/plugin/test_manual.py compares the page in docs/ with this.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TYPES = {"FT_STRING": "string", "FT_FRAMENUM": "frame number", "FT_RELATIVE_TIME": "time", "FT_UINT32": "number"}

# Which list in the sources has the words that a field may say: file, name of the list.
WORDS = {
    "open.kind": ("core/exchange.h", "TCPS_OPEN_KINDS"), "open.status": ("core/exchange.h", "TCPS_OPEN_STATUSES"),
    "close.kind": ("core/exchange.h", "TCPS_CLOSE_KINDS"), "role_basis": ("core/conn.h", "TCPS_ROLE_BASES"),
    "client.basis": ("core/state.h", "TCPS_BASES"), "server.basis": ("core/state.h", "TCPS_BASES"),
    "rst.validity": ("core/reset_words.h", "TCPS_RST_VALIDITIES"),
    "rst.cause": ("core/reset_words.h", "TCPS_RST_CAUSES"),
}
ARGUMENTS = {"NONE": "", "SECONDS": "[,seconds]", "STREAM": ",stream"}


def rows(file, name):
    """The rows of an X-list: tuples of words and strings. Adjacent strings are one, as in C."""
    text = (ROOT / "plugin" / file).read_text()
    block = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*)\n", text)[1].replace("\\\n", "\n")
    found = []
    for row in re.findall(r'X\(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)', block):
        cells = re.findall(r'((?:"(?:[^"\\]|\\.)*"\s*)+|[^,"]+)(?:,|$)', row)
        found.append(tuple("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', cell)) if '"' in cell else cell.strip()
                           for cell in cells))
    assert found, f"no rows in {name} of {file}"
    return found


def ask(tshark, what):
    return subprocess.run([tshark, "-G", what], capture_output=True, check=True, encoding="utf-8").stdout.splitlines()


def registered(tshark):
    """[(name without "tcpstate.", title, type, description)], in the order of registration."""
    cells = (line.split("\t") for line in ask(tshark, "fields"))
    return [(cell[2][len("tcpstate."):], cell[1], cell[3], (cell + [""] * 8)[7])
            for cell in cells if cell[0] == "F" and cell[2].startswith("tcpstate.")]


def preferences(tshark):
    """[(name, usual value, description)]: a preference's comment stands before it, the kind of value last."""
    found, comment = [], []
    for line in ask(tshark, "defaultprefs"):
        value = re.match(r"#?(tcpstate\.\w+): ?(.*)", line)
        if value:
            found.append((value[1], value[2], comment[0]))
        comment = comment + [line.lstrip("# ")] if line.startswith("# ") else []
    return found


def roff(text):
    """Text in which no character means something to troff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\u2192", "\\(->").replace('"', "\\(dq")
    return "\\&" + text if text[:1] in (".", "'") else text


def entries(pairs):
    return "".join(f".TP\n.B {roff(term)}\n{roff(text)}\n" for term, text in pairs)


def field_entries(fields):
    for name, _, kind, description in fields:
        if kind in TYPES:
            words = [row[0] for row in rows(*WORDS[name]) if row[0] != "none"] if name in WORDS else []
            yield f"tcpstate.{name}", f"{description} ({TYPES[kind]}" + (": " + ", ".join(words) if words else "") + ")"


def expert_entries(fields):
    severity = {row[1]: row[3].capitalize() for row in rows("host/expert.c", "EXPERTS")}
    for name, title, kind, _ in fields:
        if kind == "FT_NONE":
            yield f"tcpstate.{name}", f"{title}{'' if title.endswith('?') else '.'} ({severity[name]})"


def page(tshark):
    fields = registered(tshark)
    assert fields, f"{tshark} has no tcpstate loaded"
    reports = [(f"tcpstate,{name}{ARGUMENTS[argument]}[,filter]", f"{what}.")
               for name, argument, _, what, *_ in rows("report/kinds.h", "TCPSTATE_REPORT_KINDS")]
    reports.append(("tcp_state,tree[,filter]", "How often each state was entered and each verdict given, with rates and "
                    "bursts: a stats tree of Wireshark's."))
    reports.append(("tcpstate,table-NAME[,filter]", "The same in the form of the window's own tables; "
                    "tshark -z help has the names."))
    return rf""".\" Written by scripts/manual.py from what the plugin registers. Look next: docs/inference.md.
.\" SPDX-License-Identifier: GPL-2.0-or-later
.TH TCPSTATE 7 "" tcpstate Wireshark
.nh
.ad l
.SH NAME
tcpstate \- Wireshark plugin: TCP states of both endpoints at every packet
.SH SYNOPSIS
.nf
\fBtshark \-r\fP \fIfile\fP \fB\-T fields \-e tcpstate.client \-e tcpstate.server\fP
\fBtshark \-r\fP \fIfile\fP \fB\-Y\fP '\fBtcpstate.server == "CLOSE_WAIT"\fP'
\fBtshark \-q \-r\fP \fIfile\fP \fB\-z tcpstate,\fP\fIreport\fP[\fB,\fP\fIargument\fP][\fB,\fP\fIfilter\fP]
\fBwireshark\fP \fIfile\fP
.fi
.SH DESCRIPTION
For every TCP packet of a capture the plugin tells the state of client and server as RFC 9293 names them, the
transitions that the packet proves, and the completed handshakes and closes. A state is announced at the packet that proves it. The
client is who sent the first SYN. In the Wireshark window the same fields stand below \(lqTCP State\(rq in the packet
details, and the reports in the menu Statistics, TCP State.
.SH STATES
{entries(rows("core/state.h", "TCPS_STATES"))}.PP
A state is
{roff("; ".join(f"{name}: {what}" for name, what in rows("core/state.h", "TCPS_BASES") if name != "none"))}.
.SH FIELDS
With several TCP layers in one frame each field occurs once per layer. Times are in seconds.
{entries(field_entries(fields))}.SH EXPERT INFOS
At most one per connection and kind, in \fB\-z expert\fP and in the window. Each is a field too, for filters.
{entries(expert_entries(fields))}.SH REPORTS
Arguments of
.BR "tshark \-q \-z" .
{entries(reports)}.SH PREFERENCES
Set with \fB\-o\fP \fIname\fP\fB:\fP\fIvalue\fP or in the window, Preferences, Protocols, TCP State.
{entries((f"{name}:{value}", text) for name, value, text in preferences(tshark))}.SH EXAMPLES
.TP
.B tshark \-r file.pcapng \-Y tcpstate.transition
the packets that change a state
.TP
.B tshark \-q \-r file.pcapng \-o tcpstate.report_format:csv \-z tcpstate,connections
one line per connection, for programs
.TP
.B tshark \-i eth0 \-l \-Y tcpstate.transition
a live log of states
.SH FILES
.TP
.I /usr/share/doc/tcpstate/
README, documents by subject, and the captures that they show
.SH SEE ALSO
.BR tshark (1),
.BR wireshark (1),
.BR wireshark\-filter (4)
"""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("manual.py wants one argument, a tshark that has the plugin: manual.py TSHARK > docs/tcpstate.7")
    sys.stdout.write(page(sys.argv[1]))
