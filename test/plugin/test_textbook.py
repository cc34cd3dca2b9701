"""The three textbook traces: the states must read exactly so, and everything about the exchanges with them.

Expectations are written out here by hand, from the text that describes the traces. Look next: test_golden.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pytest

T1, T2, T3 = ("textbook-t1-client-closes.pcapng", "textbook-t2-server-closes.pcapng", "textbook-t3-curl.pcapng")

OPENING = {1: "client→SYN_SENT", 2: "server→SYN_RECEIVED", 3: "client→ESTABLISHED|server→ESTABLISHED"}
CLIENT_CLOSES = {8: "client→FIN_WAIT_1",
                 9: "server→CLOSE_WAIT|server→LAST_ACK|client→FIN_WAIT_2",
                 10: "client→TIME_WAIT|server→CLOSED"}
SERVER_CLOSES = {8: "server→FIN_WAIT_1", 9: "client→CLOSE_WAIT|server→FIN_WAIT_2", 10: "client→LAST_ACK",
                 11: "server→TIME_WAIT|client→CLOSED"}

# capture: number of frames, transitions by frame, states (client, server) from that frame on
TRACES = {
    T1: (10, OPENING | CLIENT_CLOSES,
         {1: ("SYN_SENT", "LISTEN"), 2: ("SYN_SENT", "SYN_RECEIVED"), 3: ("ESTABLISHED", "ESTABLISHED"),
          8: ("FIN_WAIT_1", "ESTABLISHED"), 9: ("FIN_WAIT_2", "LAST_ACK"), 10: ("TIME_WAIT", "CLOSED")}),
    T2: (11, OPENING | SERVER_CLOSES,
         {1: ("SYN_SENT", "LISTEN"), 2: ("SYN_SENT", "SYN_RECEIVED"), 3: ("ESTABLISHED", "ESTABLISHED"),
          8: ("ESTABLISHED", "FIN_WAIT_1"), 9: ("CLOSE_WAIT", "FIN_WAIT_2"), 10: ("LAST_ACK", "FIN_WAIT_2"),
          11: ("CLOSED", "TIME_WAIT")}),
    T3: (10, OPENING | CLIENT_CLOSES,
         {1: ("SYN_SENT", "LISTEN"), 2: ("SYN_SENT", "SYN_RECEIVED"), 3: ("ESTABLISHED", "ESTABLISHED"),
          8: ("FIN_WAIT_1", "ESTABLISHED"), 9: ("FIN_WAIT_2", "LAST_ACK"), 10: ("TIME_WAIT", "CLOSED")}),
}


@pytest.mark.parametrize("name", TRACES)
def test_states_and_transitions_frame_by_frame(name, fields, captures):
    count, transitions, states = TRACES[name]
    expected, before = [], ("", "")
    for frame in range(1, count + 1):
        state = states.get(frame, before)
        expected.append((str(frame), *state, transitions.get(frame, "")))
        before = state
    assert fields(captures / name, "frame.number", "tcpstate.client", "tcpstate.server",
                  "tcpstate.transition") == expected


@pytest.mark.parametrize("name", TRACES)
def test_before_is_what_the_frame_before_left(name, fields, captures):
    rows = fields(captures / name, "tcpstate.client.before", "tcpstate.client", "tcpstate.server.before",
                  "tcpstate.server")
    for earlier, later in zip(rows, rows[1:]):
        assert (later[0], later[2]) == (earlier[1], earlier[3])


@pytest.mark.parametrize("name", TRACES)
def test_the_pair_is_both_states(name, fields, captures):
    for client, server, pair in fields(captures / name, "tcpstate.client", "tcpstate.server", "tcpstate.pair"):
        assert pair == f"{client}:{server}"


@pytest.mark.parametrize("name, sent_by_client", [(T1, {1, 3, 4, 7, 8, 10}), (T3, {1, 3, 4, 7, 8, 10})])
def test_sender_is_told(name, sent_by_client, fields, captures):
    for frame, sender in fields(captures / name, "frame.number", "tcpstate.sender"):
        assert sender == ("client" if int(frame) in sent_by_client else "server")


def test_t1_has_the_sequence_numbers_of_the_book(fields, captures):
    rows = fields(captures / T1, "ip.src", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len")
    client, server = ("172.18.128.204", "62534"), ("10.0.0.128", "80")
    assert rows == [(*client, "3401804541", "0", "0"), (*server, "2666924726", "3401804542", "0"),
                    (*client, "3401804542", "2666924727", "0"), (*client, "3401804542", "2666924727", "77"),
                    (*server, "2666924727", "3401804619", "0"), (*server, "2666924727", "3401804619", "243"),
                    (*client, "3401804619", "2666924970", "0"), (*client, "3401804619", "2666924970", "0"),
                    (*server, "2666924970", "3401804620", "0"), (*client, "3401804620", "2666924971", "0")]


def test_t3_shows_relative_numbers_flags_and_states_in_one_look(fields, captures):
    rows = fields(captures / T3, "frame.number", "tcp.flags.str", "tcp.seq", "tcp.ack", "tcp.len", "tcpstate.client",
                  "tcpstate.server")
    shown = [(frame, "".join(letter for letter in flags if letter.isalpha()), *rest) for frame, flags, *rest in rows]
    assert shown[7:] == [("8", "AF", "176", "480", "0", "FIN_WAIT_1", "ESTABLISHED"),
                         ("9", "AF", "480", "177", "0", "FIN_WAIT_2", "LAST_ACK"),
                         ("10", "A", "177", "481", "0", "TIME_WAIT", "CLOSED")]
    assert [row[4] for row in shown if row[4] != "0"] == ["175", "479"]


@pytest.mark.parametrize("name, kind, initiator, steps",
                         [(T1, "three_segment", "client", ("8", "9", "9", "10")),
                          (T2, "four_segment", "server", ("8", "9", "10", "11")),
                          (T3, "three_segment", "client", ("8", "9", "9", "10"))])
def test_both_exchanges_are_told_at_the_packet_that_completes_them(name, kind, initiator, steps, fields, captures):
    opened = fields(captures / name, "frame.number", "tcpstate.exchange", "tcpstate.open.kind", "tcpstate.open.status",
                    "tcpstate.open.syn", "tcpstate.open.synack", "tcpstate.open.ack",
                    options=("-Y", 'tcpstate.exchange contains "handshake"'))
    assert opened == [("3", "three-way handshake", "three_way", "complete", "1", "2", "3")]
    closed = fields(captures / name, "frame.number", "tcpstate.exchange", "tcpstate.close.kind",
                    "tcpstate.close.initiator", "tcpstate.close.fin1", "tcpstate.close.ack1", "tcpstate.close.fin2",
                    "tcpstate.close.ack2", options=("-Y", 'tcpstate.exchange contains "close"'))
    assert closed == [(steps[3], "four-way close", kind, initiator, *steps)]


@pytest.mark.parametrize("name, kind, initiator, steps", [(T1, "three_segment", "client", "8 9 9 10"),
                                                          (T2, "four_segment", "server", "8 9 10 11"),
                                                          (T3, "three_segment", "client", "8 9 9 10")])
def test_the_report_lists_one_handshake_and_one_close(name, kind, initiator, steps, tshark, captures):
    text = tshark("-q", "-r", captures / name, "-z", "tcpstate,exchanges").stdout
    words = " ".join(text.split())
    assert "three_way 1 2 3" in words and f"{kind} {initiator} {steps}" in words
    assert "Handshakes: 1 complete" in text and "Closes: 1 complete" in text
