"""The tables of Statistics > TCP State, as tshark prints them: what they hold is what the reports say.

Knows nothing of windows; those are another test's. Look next: plugin/gui/tables.c.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import csv
import io
import re

import pytest

CAPTURE = "http-twelve-at-once.pcapng"
SOON_STUCK = ("-o", "tcpstate.stuck_seconds:1")  # the captures here are short

# Table: what -z takes; how the rows of its report's CSV are told from those of its other tables; a capture that fills it.
TABLES = {
    "exchanges-handshakes": ("handshakes", CAPTURE),
    "exchanges-closes": ("closes", CAPTURE),
    "failed-attempts": ("attempts", "flood-syn.pcap"),
    "failed-servers": ("servers", "flood-syn.pcap"),
    "census": (None, CAPTURE),
    "stuck": (None, "close-wait-leak.pcapng"),
    "resets": (None, "rst-outside-window.pcapng"),
    "servers": (None, CAPTURE),
    "dwell": (None, CAPTURE),
    "connections": (None, CAPTURE),
}


@pytest.fixture
def table(tshark, captures):
    """The rows of a table, as lists of texts."""
    return lambda *request: printed(tshark, captures, *request)[1:]


def printed(tshark, captures, name, capture, *filters):
    """The headings, and the rows."""
    done = tshark("-q", *SOON_STUCK, "-r", captures / capture, "-z", ",".join(("tcpstate,table-" + name, *filters)))
    lines = [line for line in done.stdout.splitlines() if line.endswith("|")]
    return [[cell.strip() for cell in line.split("|")[:-1]] for line in lines]


@pytest.fixture
def report(tshark, captures):
    """The rows of a report's CSV, as dictionaries; of one of its tables if `of` names it."""
    def rows(name, capture, of=None):
        done = tshark("-q", *SOON_STUCK, "-o", "tcpstate.report_format:csv", "-r", captures / capture,
                      "-z", "tcpstate," + name)
        return [row for row in csv.DictReader(io.StringIO(done.stdout)) if of in (None, row.get("table"))]
    return rows


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_rows_of_its_report(table, report, name):
    of, capture = TABLES[name]
    assert len(table(name, capture)) == len(report(name.split("-")[0], capture, of)) > 0


@pytest.mark.parametrize("name", TABLES)
def test_headings_are_for_people(tshark, captures, name):
    """Each is another's, none is a program's key, and a time has its unit."""
    headings, *rows = printed(tshark, captures, name, TABLES[name][1])
    assert len(set(headings)) == len(headings)
    for number, heading in enumerate(headings):
        assert not heading[0].islower() and "_" not in heading
        values = {row[number] for row in rows} - {""}
        if values and all(re.fullmatch(r"-?\d+\.\d{6}", value) for value in values):
            assert heading.endswith(" (s)")


def test_every_table_is_tested(tshark):
    done = tshark("-z", "help", check=False)
    listed = {line.split("table-")[1] for line in (done.stdout + done.stderr).splitlines() if "tcpstate,table-" in line}
    assert listed == set(TABLES)


def test_values_of_a_close(table):
    rows = table("exchanges-closes", "textbook-t2-server-closes.pcapng")
    assert rows == [["0", "1", "172.18.128.204:32624", "10.0.0.128:8080", "four_segment", "server", "8", "9",
                     "10", "11", "0.020000", "0.030000"]]


def test_a_table_takes_a_filter(table):
    rows = table("connections", CAPTURE, "tcp.stream == 3")
    assert [row[0] for row in rows] == ["3"]


def test_a_wrong_filter_is_refused(tshark, captures):
    done = tshark("-q", "-r", captures / CAPTURE, "-z", "tcpstate,table-stuck,tcp.nothing", check=False)
    assert done.returncode != 0


def test_a_column_with_empty_cells_keeps_its_place(table):
    """CLOSE_WAIT has ended for none: no percentiles, but the columns after them stand where they stand for others."""
    rows = {row[0]: row for row in table("dwell", "close-wait-leak.pcapng")}
    assert rows["CLOSE_WAIT"][2:5] == ["", "", ""] and rows["CLOSE_WAIT"][7] == "3"
    assert len(rows["CLOSE_WAIT"]) == len(rows["ESTABLISHED"])


def test_tables_and_reports_in_one_run(tshark, captures):
    done = tshark("-q", "-r", captures / CAPTURE, "-z", "tcpstate,table-exchanges-closes", "-z", "tcpstate,exchanges",
                  "-z", "tcpstate,table-connections")
    assert done.stdout.count("three_segment") == 36


def test_tree_counts_transitions_and_verdicts(tshark, captures):
    """Wireshark's stats tree: here the server enters LAST_ACK and CLOSED twice, since the last ACK was lost."""
    done = tshark("-q", "-r", captures / "close-last-ack-lost.pcapng", "-z", "tcp_state,tree")
    counts = {}
    for line in done.stdout.splitlines():
        found = re.match(r"( ?)(\w[\w ]*?) +(\d+) ", line)
        if found and not found[1]:
            group = found[2]
        if found:
            counts[group, found[2]] = int(found[3])
    assert counts["Client enters", "Client enters"] == 5 and counts["Client enters", "TIME_WAIT"] == 1
    assert counts["Server enters", "Server enters"] == 7
    assert counts["Server enters", "LAST_ACK"] == counts["Server enters", "CLOSED"] == 2
    assert counts["Corrections", "FIN_AGAIN"] == counts["Verdicts", "PROVEN"] == 1


def test_tree_takes_a_filter(tshark, captures):
    done = tshark("-q", "-r", captures / "close-last-ack-lost.pcapng", "-z", "tcp_state,tree,tcp.flags.fin == 1")
    assert "LAST_ACK" in done.stdout and "SYN_SENT" not in done.stdout
