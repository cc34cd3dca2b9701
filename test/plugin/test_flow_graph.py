"""The flow type "TCP states" of Statistics > Flow Graph, as tshark draws it: -z flow,tcpstate,standard.

tshark gives an arrow's label so much room that only its beginning is seen; the comment is whole. Where the program's
structures are not known (Wireshark 4.2), there must be no such type. Look next: plugin/gui/flow_graph.c.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re

import pytest

KNOWN = {(4, 0), (4, 4), (4, 6)}
T3 = "textbook-t3-curl.pcapng"


@pytest.fixture
def graph(tshark, captures, wireshark_version):
    """The heads of the lifelines, and a tuple (label, direction, comment) per segment."""
    if wireshark_version not in KNOWN:
        pytest.skip(f"Wireshark {wireshark_version} is not known to the flow graph")

    def draw(capture, *filters):
        done = tshark("-q", "-r", captures / capture, "-z", ",".join(("flow,tcpstate,standard", *filters)))
        assert done.stderr == ""
        lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
        heads = [lines[0][10:].strip("| "), lines[1][10:].strip("| ")]
        rows = []
        for label, arrow in zip(lines[2::2], lines[3::2]):
            found = re.match(r"\|[\d.]+ *\|(.*)\|(.*)$", label)
            rows.append((found.group(1).rstrip("| ").strip(), "<" if "<-" in arrow else ">", found.group(2)))
        return heads, rows
    return draw


def test_offered_where_it_is_known(tshark, wireshark_version):
    done = tshark("-z", "help", check=False)
    assert ("flow,tcpstate" in done.stdout + done.stderr) == (wireshark_version in KNOWN)


def test_states_of_a_connection(graph):
    heads, rows = graph(T3)
    assert heads == ["192.0.2.10", "192.0.2.80"]
    assert [comment.split(",")[0] for *_, comment in rows] == [
        "SYN_SENT : LISTEN", "SYN_SENT : SYN_RECEIVED", *["ESTABLISHED : ESTABLISHED"] * 5,
        "FIN_WAIT_1 : ESTABLISHED", "FIN_WAIT_2 : LAST_ACK", "TIME_WAIT : CLOSED"]
    assert rows[8][2] == "FIN_WAIT_2 : LAST_ACK, server→CLOSE_WAIT, server→LAST_ACK, client→FIN_WAIT_2"


def test_a_state_stands_on_its_lifelines_side(graph):
    _, rows = graph(T3)
    assert [row[:2] for row in rows[:4]] == [
        ("[SYN_SENT]  SYN  [LI", ">"), ("SYN,ACK  [SYN_RECEIV", "<"), ("[ESTABLISHED]  ACK", ">"),
        ("PSH,ACK len 175", ">")]
    assert rows[7][:2] == ("[FIN_WAIT_1]  FIN,AC", ">")


def test_sides_when_the_server_comes_first(graph):
    """The first lifeline is the server's: its state is to the left."""
    heads, rows = graph("open-synack-captured-first.pcapng")
    assert heads[0] == "192.0.2.80"
    assert rows[0][:2] == ("[SYN_RECEIVED]  SYN,", ">")


def test_two_ends_on_one_address(graph):
    heads, rows = graph("open-self-connect.pcapng")
    assert heads == ["127.0.0.1:40000 client", "127.0.0.1:40000 server"]
    assert rows[0] == ("[SYN_SENT]  SYN  [LI", ">", "SYN_SENT : LISTEN, client→SYN_SENT")


def test_a_filter(graph):
    _, rows = graph(T3, "tcpstate.transition")
    assert len(rows) == 6
