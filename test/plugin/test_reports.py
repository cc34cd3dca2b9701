"""What the reports say of captures whose answers are known, in text, CSV and JSON; and that all three say the same.

Mistakes on the command line are in test_cli.py. Look next: captures/README.md, for what the captures hold.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import csv
import io
import json

import pytest

import pcap_files
from conftest import all_captures
from pcap_files import ACK, FIN, conversation, to_client, to_server

REPORTS = ("exchanges", "failed", "census", "census,0.5", "stuck,1", "resets", "servers", "dwell", "connections",
           "ladder,0")
T1, T2, T3 = (f"textbook-{name}.pcapng" for name in ("t1-client-closes", "t2-server-closes", "t3-curl"))
# Every form of report on every capture would take minutes: these have one of each kind.
VARIED = (T1, "flood-syn.pcap", "open-backscatter.pcapng", "scan-fin-null-xmas.pcapng", "icmpv6-quotes-syn.pcapng")


@pytest.fixture(scope="module")
def text(tshark, captures):
    def run(report, capture, *options):
        return tshark("-q", "-r", captures / capture, *options, "-z", f"tcpstate,{report}").stdout
    return run


@pytest.fixture(scope="module")
def rows(text):
    """The rows of the CSV, as dictionaries."""
    def run(report, capture, *options):
        return list(csv.DictReader(io.StringIO(text(report, capture, "-o", "tcpstate.report_format:csv", *options))))
    return run


@pytest.fixture(scope="module")
def document(text):
    def run(report, capture, *options):
        return json.loads(text(report, capture, "-o", "tcpstate.report_format:json", *options))
    return run


def only(rows, **wanted):
    """The one row with these values."""
    found = [row for row in rows if all(row[key] == str(value) for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows with {wanted}: {rows[:5]}"
    return found[0]


# --- exchanges ---

@pytest.mark.parametrize("capture, syn, total, kind, initiator, fins, half_closed", [
    (T1, "1 2 3", 0.02, "three_segment", "client", "8 9 9 10", 0.01),
    (T2, "1 2 3", 0.02, "four_segment", "server", "8 9 10 11", 0.02),
    (T3, "1 2 3", 0.016632938, "three_segment", "client", "8 9 9 10", 0.0082),
])
def test_textbook_exchanges(capture, syn, total, kind, initiator, fins, half_closed, rows):
    table = rows("exchanges", capture)
    opened, closed = only(table, table="handshakes"), only(table, table="closes")
    assert " ".join(opened[key] for key in ("syn", "synack", "ack")) == syn
    assert float(opened["time"]) == pytest.approx(total, abs=1e-4)
    assert float(opened["time_syn_synack"]) + float(opened["time_synack_ack"]) == pytest.approx(float(opened["time"]))
    assert (opened["kind"], opened["syn_retransmits"], opened["synack_retransmits"]) == ("three_way", "0", "0")
    assert (closed["kind"], closed["initiator"]) == (kind, initiator)
    assert " ".join(closed[key] for key in ("fin1", "ack1", "fin2", "ack2")) == fins
    assert float(closed["half_closed_time"]) == pytest.approx(half_closed, abs=1e-4)


@pytest.mark.parametrize("capture, kind, initiator", [
    ("close-four-segment-server-first.pcapng", "four_segment", "server"),
    ("close-simultaneous.pcapng", "simultaneous", "both"),
    ("close-half-closed-server-sends-on.pcapng", "four_segment", "client"),
    ("rst-kills-time-wait.pcapng", "reset_after_close", "client"),
    ("wrap-during-close.pcapng", "four_segment", "client"),
])
def test_kind_of_close(capture, kind, initiator, rows):
    closed = only(rows("exchanges", capture), table="closes")
    assert (closed["kind"], closed["initiator"]) == (kind, initiator)


@pytest.mark.parametrize("capture, kind, frames, again", [
    ("open-simultaneous.pcapng", "simultaneous", "1 2 4", "0 0"),
    ("open-split-handshake.pcapng", "split", None, "0 0"),
    ("open-syn-lost.pcapng", "three_way", None, "1 0"),
    ("open-synack-lost.pcapng", "three_way", None, None),
    ("open-ack-lost.pcapng", "three_way", "1 2 5", "0 1"),
    ("open-three-way-ipv6.pcapng", "three_way", "1 2 3", "0 0"),
])
def test_kind_of_open(capture, kind, frames, again, rows):
    opened = only(rows("exchanges", capture), table="handshakes")
    assert opened["kind"] == kind
    if frames:
        assert " ".join(opened[key] for key in ("syn", "synack", "ack")) == frames
    if again:
        assert f"{opened['syn_retransmits']} {opened['synack_retransmits']}" == again
    if capture == "open-synack-lost.pcapng":
        assert int(opened["syn_retransmits"]) + int(opened["synack_retransmits"]) > 0


def test_fast_open_is_one_kind(rows):
    kinds = [row["kind"] for row in rows("exchanges", "open-fast-open.pcapng") if row["table"] == "handshakes"]
    assert kinds == ["three_way", "fast_open"]


@pytest.mark.parametrize("capture, handshakes, closes", [
    (T1, {"complete": 1}, {"complete": 1}),
    ("open-unanswered.pcapng", {"complete": 0, "unanswered": 1}, {"complete": 0}),
    ("open-refused.pcapng", {"complete": 0, "refused": 1}, {"complete": 0}),
    ("icmp-quotes-syn.pcapng", {"complete": 0, "unreachable": 1}, {"complete": 0}),
    ("close-wait-leak.pcapng", {"complete": 3}, {"complete": 0, "half_closed": 3}),
    ("rst-abort-linger-0.pcapng", {"complete": 1}, {"complete": 0, "reset": 1}),
    ("midstream-data.pcapng", {"complete": 0, "unseen": 1}, {"complete": 1}),
])
def test_what_did_not_complete_is_counted(capture, handshakes, closes, document):
    totals = document("exchanges", capture)["totals"]
    assert totals == {"handshakes": handshakes, "closes": closes}


def test_filter_chooses_connections(rows):
    capture = "http-twelve-at-once.pcapng"
    assert len([row for row in rows("exchanges", capture) if row["table"] == "closes"]) == 12
    chosen = rows("exchanges,tcp.stream == 3 or tcp.stream == 5", capture)
    assert {row["stream"] for row in chosen} == {"3", "5"} and len(chosen) == 4


def test_filter_may_hold_commas_and_our_own_fields(rows):
    chosen = rows('exchanges,tcp.stream in {1, 2} && tcpstate.exchange == "three-way handshake"',
                  "http-twelve-at-once.pcapng")
    assert {row["stream"] for row in chosen} == {"1", "2"}


def test_two_passes_say_the_same(text):
    for report in ("exchanges", "failed", "resets", "connections", "ladder,0"):
        assert text(report, T1) == text(report, T1, "-2")


def test_second_connection_on_the_same_ports(rows):
    table = rows("exchanges", "reuse-same-isn.pcapng")
    assert [row["incarnation"] for row in table if row["table"] == "handshakes"] == ["1", "2"]


# --- failed, servers ---

@pytest.mark.parametrize("capture, classes", [
    ("open-unanswered.pcapng", ["unanswered"]),
    ("open-refused.pcapng", ["refused"]),
    ("open-refused-ipv6.pcapng", ["refused"]),
    ("icmp-firewall-rejects-syn.pcapng", ["unreachable"]),
    ("open-closed-in-syn-sent.pcapng", ["reset_by_client"]),
    (T1, []),
])
def test_class_of_failure(capture, classes, rows):
    assert [row["class"] for row in rows("failed", capture) if row["table"] == "attempts"] == classes


def test_unanswered_says_how_often(rows):
    attempt = only(rows("failed", "open-unanswered.pcapng"), table="attempts")
    assert attempt["syns"] == "3" and attempt["synacks"] == "0" and float(attempt["waited"]) > 3


def test_flood_is_obvious(document, text):
    for report in ("failed", "servers"):
        said = document(report, "flood-syn.pcap")
        server = said["servers"][0]
        assert (server["server"], server["server_port"]) == ("192.0.2.80", 8080)
        assert server["half_open_peak"] == 97
        assert any("SYN flood" in note and "2001 addresses" in note for note in said["notes"])
    assert "SYN flood" in text("servers", "flood-syn-cookies.pcapng")


def test_scan_is_no_flood(document):
    for report in ("failed", "servers"):
        said = document(report, "scan-syn.pcapng")
        assert not any("flood" in note for note in said.get("notes", []))
        assert max(server["half_open_peak"] for server in said["servers"]) <= 1
    classes = document("failed", "scan-syn.pcapng")["totals"]["failed"]
    assert classes["reset_by_client"] == 2 and set(classes) == {"refused", "reset_by_client"}


def test_twelve_clients_at_once(rows):
    server = only(rows("servers", "http-twelve-at-once.pcapng"))
    assert (server["attempts"], server["complete"], server["closed_by_client"]) == ("12", "12", "12")
    assert server["half_open_peak"] == "12"
    assert 0.016 < float(server["handshake_p50"]) <= float(server["handshake_p95"]) < 0.017


def test_text_folds_long_classes(text, rows):
    said = text("failed", "flood-syn.pcap")
    assert len(said.splitlines()) < 120 and "more (CSV and JSON have all)" in said
    assert len([row for row in rows("failed", "flood-syn.pcap") if row["table"] == "attempts"]) == 2001


# --- census, dwell, stuck ---

def test_census_at_the_end(rows):
    counts = {row["state"]: (row["client"], row["server"]) for row in rows("census", "close-wait-leak.pcapng")}
    assert counts == {"FIN_WAIT_2": ("3", "0"), "CLOSE_WAIT": ("0", "3")}


def test_census_applies_2msl(rows, wireshark, captures, scratch):
    assert {row["state"] for row in rows("census", T1)} == {"TIME_WAIT", "CLOSED"}
    later = scratch / "later.pcapng"
    both = scratch / "both.pcapng"
    wireshark.run("editcap", "-t", "61", captures / T2, later)
    wireshark.run("mergecap", "-w", both, captures / T1, later)
    counts = {row["state"]: row["endpoints"] for row in rows("census", both)}
    assert counts == {"TIME_WAIT": "1", "CLOSED": "3"}
    longer = {row["state"]: row["endpoints"] for row in rows("census", both, "-o", "tcpstate.two_msl:240")}
    assert longer == {"TIME_WAIT": "2", "CLOSED": "2"}


def test_census_as_a_series(rows):
    series = rows("census,0.01", T1)
    assert [float(row["time"]) for row in series] == pytest.approx([i / 100 for i in range(7)])
    assert [row["ESTABLISHED"] for row in series] == ["0", "0", "2", "2", "1", "0", "0"]
    assert [row["TIME_WAIT"] for row in series] == ["0"] * 6 + ["1"]
    assert [row["connections"] for row in series] == ["1"] * 6 + ["0"]


def test_series_is_for_gnuplot(text):
    """Whatever is not data is a comment; all data lines have the same number of columns, all of them numbers."""
    lines = [line for line in text("census,0.5", "flood-syn.pcap").splitlines() if not line.startswith("#")]
    widths = {len([float(word) for word in line.split()]) for line in lines}
    assert lines and len(widths) == 1


def test_dwell(rows):
    established = only(rows("dwell", T1), state="ESTABLISHED")
    assert established["ended"] == "2" and float(established["max"]) == pytest.approx(0.0299)
    time_wait = only(rows("dwell", T1), state="TIME_WAIT")
    assert (time_wait["ended"], time_wait["going_on"], time_wait["p50"]) == ("0", "1", "")


def test_stuck_names_who_must_act(rows):
    leaks = [row for row in rows("stuck,1", "close-wait-leak.pcapng") if row["state"] == "CLOSE_WAIT"]
    assert len(leaks) == 3
    first = only(leaks, stream=0)
    assert (first["who"], first["must_act"], first["since"]) == ("server", "server application", "19")
    assert first["sentence"] == ("the server's application has not closed its socket for 6.224 s after the client's "
                                 "FIN (frame 8)")


def test_stuck_has_a_limit(rows):
    assert rows("stuck,7", "close-wait-leak.pcapng") == []
    assert rows("stuck", "close-wait-leak.pcapng") == []
    assert len(rows("stuck", "close-wait-leak.pcapng", "-o", "tcpstate.stuck_seconds:2")) == 6


# --- resets, connections ---

@pytest.mark.parametrize("capture, frame, validity, cause", [
    ("open-refused.pcapng", 2, "exact", "refused"),
    ("rst-outside-window.pcapng", None, "out_of_window", None),
    ("rst-in-window-challenge-ack.pcapng", None, "in_window", None),
    ("rst-abort-linger-0.pcapng", None, "exact", "abort"),
    ("rst-data-after-close.pcapng", None, "exact", "data_after_close"),
])
def test_resets(capture, frame, validity, cause, rows):
    resets = rows("resets", capture)
    assert validity in [row["validity"] for row in resets]
    if cause:
        assert cause in [row["cause"] for row in resets]
    if frame:
        assert resets[0]["frame"] == str(frame)


def test_every_rst_is_listed_once(rows, fields, captures):
    for capture in ("rst-repeated.pcapng", "rst-exact.pcapng", "scan-syn.pcapng"):
        seen = fields(captures / capture, "frame.number", options=["-Y", "tcp.flags.reset == 1"])
        assert [row["frame"] for row in rows("resets", capture)] == [number for number, in seen]


@pytest.mark.parametrize("capture, conn_state, history, octets", [
    (T1, "SF", "ShADadFf", ("77", "243")),
    (T3, "SF", "ShADadFf", ("175", "479")),
    ("open-refused.pcapng", "REJ", "Sr", ("0", "0")),
    ("open-unanswered.pcapng", "S0", "S", ("0", "0")),
    ("open-closed-in-syn-sent.pcapng", "RSTO", "ShR", ("0", "0")),
    ("midstream-rst-only.pcapng", "RSTRH", "r", ("0", "0")),
    ("open-synack-captured-first.pcapng", "SF", "^hSADadFf", ("100", "300")),
    ("open-syn-cookie-forgotten.pcapng", "S1", None, None),
    ("capture-ends-in-close.pcapng", "S2", "ShADadF", None),
    ("capture-misses-fin.pcapng", "S3", "ShADadf", None),
    ("midstream-fin-first.pcapng", "S3", "fA", None),          # what follows the last change of a state counts, too
    ("capture-client-side-only.pcapng", "SH", "SADF", None),
    ("capture-server-side-only.pcapng", "SHR", "^hadf", None),
    ("rst-abort-linger-0.pcapng", "RSTO", "ShADadR", None),
    ("rst-close-with-unread-data.pcapng", "RSTR", "ShADar", None),
    ("rst-kills-time-wait.pcapng", "SF", "ShADadFfr", None),   # a RST after both FINs counts for nothing
    ("close-fin-wait-2-orphan-times-out.pcapng", "SF", "ShADadFfR", None),
    ("midstream-data.pcapng", "SF", "DadAFf", None),
])
def test_zeeks_words(capture, conn_state, history, octets, rows):
    row = rows("connections", capture)[0]
    assert row["conn_state"] == conn_state
    assert history is None or row["history"] == history
    assert octets is None or (row["client_octets"], row["server_octets"]) == octets


def test_zeek_closes_at_the_second_fin(fields, captures):
    """Zeek's TCP_ENDPOINT_CLOSED is an end that has sent its FIN, acknowledged or not: SF stands from the second FIN on."""
    said = fields(captures / T2, "frame.number", "tcpstate.conn_state")
    assert [state for number, state in said if int(number) >= 7] == ["S1", "S3", "S3", "SF", "SF"]


def test_columns_are_as_wide_as_their_widest_cell(text):
    """A duration of nothing is eight characters wide; names and numbers stand at the edges of their headings."""
    assert text("connections", T1).splitlines()[1:5] == [
        "stream  client                server            start   duration",
        "        Zeek  history   opened    closed         first   C octets  S octets",
        "     0  172.18.128.204:62534  10.0.0.128:80  0.000 ms  59.900 ms",
        "        SF    ShADadFf  complete  three_segment  client        77       243",
    ]


def test_census_as_a_series_has_a_longest(tshark, scratch):
    """A clock that jumps must not fill the disk: five days by the second are more lines than anybody asked for."""
    times = [frame * 43_200_000_000 for frame in range(11)]
    path = pcap_files.write(scratch / "days.pcap", conversation(), times=times)
    done = tshark("-q", "-r", path, "-z", "tcpstate,census,1", "-o", "tcpstate.report_format:json")
    said = json.loads(done.stdout)
    assert len(said["census"]) == 100_001 and said["notes"] == ["The interval is 4.32 s, for at most 100000 lines."]


# --- ladder ---

def test_ladder_of_the_first_textbook_trace(text):
    assert text("ladder,0", T1).splitlines()[4:] == [
        "                    CLOSED │                                     │ LISTEN",
        "  1 0.000000      SYN_SENT │──────────── SYN seq 0 ─────────────▶│",
        "  2 0.010000               │◀─────── SYN,ACK seq 0 ack 1 ────────│ SYN_RECEIVED",
        "  3 0.020000   ESTABLISHED │───────── ACK seq 1 ack 1 ──────────▶│ ESTABLISHED",
        "  4 0.030000               │──── PSH,ACK seq 1 ack 1 len 77 ────▶│",
        "  5 0.030400               │◀───────── ACK seq 1 ack 78 ─────────│",
        "  6 0.030600               │◀─── PSH,ACK seq 1 ack 78 len 243 ───│",
        "  7 0.039600               │──────── ACK seq 78 ack 244 ────────▶│",
        "  8 0.039900    FIN_WAIT_1 │────── FIN,ACK seq 78 ack 244 ──────▶│",
        "                           │                                     │ CLOSE_WAIT",
        "  9 0.049900    FIN_WAIT_2 │◀────── FIN,ACK seq 244 ack 79 ──────│ LAST_ACK",
        " 10 0.059900     TIME_WAIT │──────── ACK seq 79 ack 245 ────────▶│ CLOSED",
    ]


def test_ladder_folds_data(text, rows):
    assert "segments …" in text("ladder,0", "data-lost-and-repeated.pcapng")
    steps = rows("ladder,0", "data-lost-and-repeated.pcapng")
    assert sum(int(row["segments"]) for row in steps) == 26 and len(steps) < 26


def test_ladder_marks_what_was_taken_back(text):
    said = text("ladder,0", "close-last-ack-lost.pcapng")
    assert "!LAST_ACK" in said and "again" in said and "did not arrive" in " ".join(said.split())


def test_ladder_has_a_legend_where_the_mark_occurs_and_only_there(text):
    legend = "! marks a correction of what was presumed; the words below it say why."
    corrected = "close-last-ack-lost.pcapng"
    assert text("ladder,0", corrected).splitlines()[-2:] == ["", legend]
    assert text("ladder,0", corrected, "-o", "tcpstate.ascii:TRUE").splitlines()[-2:] == ["", legend]
    assert "!" not in text("ladder,0", T1)


def test_simultaneous_open_repeats_nothing(text):
    assert "again" not in text("ladder,0", "open-simultaneous.pcapng")


def test_ladder_of_a_connection_without_end_says_what_it_leaves_out(tshark, scratch):
    """Keep-alives for hours, or as here a FIN whose acknowledgement is lost 15,000 times: memory stays bounded."""
    pair = [to_server(FIN | ACK, 1101, 5101), to_client(ACK, 5101, 1102)]
    path = pcap_files.write(scratch / "endless.pcap", conversation()[:7] + pair * 15_000, step=0.25)
    drawn = tshark("-q", "-r", path, "-z", "tcpstate,ladder,0").stdout.splitlines()
    folded, left_out = (only([int(line.replace(",", "").split("…")[1].split()[0]) for line in drawn if words in line])
                        for words in (" segments …", "more segments are not drawn"))
    assert left_out > 0 and sum(line.lstrip()[:1].isdigit() for line in drawn) + folded + left_out == 7 + 30_000


def test_ladder_tells_copies_from_what_is_sent_again(rows):
    """A router captured on all interfaces has every packet twice; a second SYN,ACK's number makes nothing old. The
    pure ACKs among the copies stay unmarked: a duplicate ACK would look the same."""
    remarks = {step["frame"]: step["remark"] for step in rows("ladder,0", "path-router-any-interface.pcapng")}
    assert {frame for frame, remark in remarks.items() if remark} == {"2", "4", "8", "12", "16", "18"}
    assert set(remarks.values()) == {"", "copy"}
    assert all(step["remark"] == "" for step in rows("ladder,0", "open-two-synacks.pcapng"))


@pytest.mark.parametrize("report", ["ladder,0", "exchanges", "failed", "stuck,1"])
def test_ascii(report, text):
    for capture in (T1, "data-lost-and-repeated.pcapng", "flood-syn.pcap"):
        assert text(report, capture, "-o", "tcpstate.ascii:TRUE").isascii()


def test_ladder_uses_the_terminal(tshark, captures):
    for width in (60, 80, 100, 120):
        lines = tshark("-q", "-r", captures / T1, "-z", "tcpstate,ladder,0", environment={"COLUMNS": str(width)}).stdout
        longest = max(len(line) for line in lines.splitlines())
        # There is a narrowest picture and a widest; between them the longest state stands at the right edge.
        assert longest <= max(width, 70) and (width <= 60 or longest >= min(width, 100) - 4)


# --- all of them ---

@pytest.mark.parametrize("capture", [path.name for path in all_captures()])
def test_text_fits_80_columns(capture, tshark, captures):
    """All reports of every capture, in one run each."""
    done = tshark("-q", "-r", captures / capture, *(word for name in REPORTS for word in ("-z", f"tcpstate,{name}")))
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("capture", VARIED)
def test_three_forms(report, capture, text, rows, document):
    """Text says something, each row of the CSV has the header's fields, JSON is one document with the same rows."""
    assert text(report, capture).strip()
    table = rows(report, capture)
    assert all(None not in row and None not in row.values() for row in table)
    said = document(report, capture)
    assert said["report"] == report.split(",")[0]
    tables = [value for key, value in said.items() if isinstance(value, list) and key != "notes"]
    assert sum(len(value) for value in tables) == len(table)
    flat = [row for value in tables for row in value]
    for json_row, csv_row in zip(flat, table):
        for key, value in json_row.items():
            if isinstance(value, (int, float)):
                assert float(csv_row[key]) == pytest.approx(value)
            else:
                assert csv_row[key] == (value or "")


def test_several_reports_in_one_run(tshark, captures):
    done = tshark("-q", "-r", captures / T1, "-z", "tcpstate,exchanges", "-z", "tcpstate,dwell")
    assert "Completed handshakes" in done.stdout and "Time that endpoints stay" in done.stdout


def test_reports_are_listed_by_tshark(tshark):
    done = tshark("-z", "help", check=False)
    for report in REPORTS:
        assert f"tcpstate,{report.split(',')[0]}" in done.stdout + done.stderr
