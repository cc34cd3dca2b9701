"""Expert infos on what the log of states does not tell (plugin/core/notable.h): each on the captures that show it, at the
packet that proves it, once per connection, the same in every pass - and nowhere else. And the one that suspects somebody.

Look next: plugin/host/expert.c, for the list of all expert infos; captures/README.md.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re

import pytest

import pcap_files
from conftest import ROOT, all_captures
from pcap_files import ACK, FIN, PSH, RST, conversation, to_client, to_server

# capture: {frame: expert}
EXPECTED = {
    "capture-client-side-only": {4: "one_sided"},
    "capture-client-side-only-server-closes": {4: "one_sided"},
    "capture-server-side-only": {2: "one_sided"},
    "close-fin-overtakes-data": {8: "close.fin_out_of_order"},
    "close-half-closed-server-sends-on": {8: "close.half_closed"},
    "open-backlog-overflow": {21: "rst.data_lost"},
    "open-fast-open-data-refused": {2: "open.tfo_ignored"},
    "open-fast-open-syn-lost": {11: "open.tfo_ignored"},
    "rst-after-lost-data": {9: "rst.data_lost"},
    "rst-at-number-of-fin": {11: "rst.data_lost"},
    "rst-data-after-close": {10: "close.half_closed", 11: "rst.data_lost"},
    "rst-exact": {10: "rst.data_lost"},
    "rst-keep-alive-unanswered": {10: "keepalive_dead"},
}
RECORDINGS = ROOT / "captures" / "kernel"
EXPERTS = ("one_sided", "close.fin_out_of_order", "close.half_closed", "rst.data_lost", "open.tfo_ignored",
           "keepalive_dead", "data_after_rst")


def said(fields, capture, *options):
    names = ["tcpstate." + expert for expert in EXPERTS]
    rows = fields(capture, "frame.number", *names, options=["-Y", " or ".join(names), *options])
    return {int(row[0]): expert for row in rows for expert, value in zip(EXPERTS, row[1:]) if value}


@pytest.mark.parametrize("capture", [path.stem for path in all_captures()])
def test_said_where_it_is_so_and_nowhere_else(capture, captures, fields):
    path = next(captures.glob(capture + ".pcap*"))
    once = said(fields, path)
    assert once == EXPECTED.get(capture, {})
    if once:
        assert said(fields, path, "-2") == once


def test_words(captures, fields):
    """The sentence names who, or how much."""
    def words(capture, name):
        (text,), = fields(captures / capture, "_ws.expert.message", options=["-Y", f"tcpstate.{name}"])
        return text
    assert "Half-closed: data goes on after the other side's FIN, from the server" in words(
        "close-half-closed-server-sends-on.pcapng", "close.half_closed")
    assert "octets of the client 0, of the server 10" in words("rst-after-lost-data.pcapng", "rst.data_lost")


def test_report_of_experts_hears_it_without_a_tree(tshark, captures):
    done = tshark("-q", "-r", captures / "rst-keep-alive-unanswered.pcapng", "-z", "expert,warn")
    assert re.search(r"Keep-alives without an answer, from the client", done.stdout)


def test_a_rejected_frame_keeps_what_it_said(captures, fields):
    """A read filter gives the number of a rejected frame to the next one, which must not inherit its expert info."""
    capture = captures / "close-half-closed-server-sends-on.pcapng"
    rejected = said(fields, capture, "-2", "-R", "tcp.seq != 1 or tcp.len != 280")
    assert "close.half_closed" in rejected.values()
    rows = fields(capture, "tcp.len", options=["-2", "-R", "tcp.seq != 1 or tcp.len != 280", "-Y",
                                               "tcpstate.close.half_closed"])
    assert rows == [("280",)]  # the next segment with data, not the ACK that took the frame's number


# --- is a RST suspected to be injected? ---

@pytest.mark.parametrize("point", ["client", "middle"])
def test_no_injection_is_suspected_where_kernels_reset(point, fields):
    """What was on its way when the RST was sent comes behind it: that is no reason to suspect anybody."""
    recordings = sorted(RECORDINGS.glob(f"reset_*.{point}.pcap"))
    assert len(recordings) > 20
    corrected = set()
    for path in recordings:
        assert fields(path, "frame.number", options=["-Y", "tcpstate.rst.suspected_injection"]) == [], path.name
        if fields(path, "frame.number", options=["-Y", "tcp.flags.reset == 0 and tcpstate.reason contains \"RST\""]):
            corrected.add(path.name)
    assert corrected, "nothing came behind any RST"


@pytest.mark.parametrize("recording", ["forged_rst_exact_to_client.client", "forged_rst_exact_to_server.middle",
                                       "forged_rst_in_fin_wait_2.middle", "forged_rst_right_ack_in_syn_sent.client"])
def test_injection_is_suspected_where_the_sender_goes_on(recording, fields):
    (row,) = fields(RECORDINGS / f"{recording}.pcap", "tcpstate.reason",
                    options=["-Y", "tcpstate.rst.suspected_injection"])
    assert "has not closed it" in row[0]


# --- how bad is a RST? ---

def test_a_reset_is_as_bad_as_its_cause(fields):
    """The expert info of a RST that closes, and the field that names its cause, never tell two stories."""
    experts = ("abort", "after_fin", "after_close")
    fitting = {"abort": {"abort", "after_fin"}, "data_after_close": {"after_fin"}, "after_close": {"after_close"}}
    recordings = [path for name in ("reset_in", "forged_rst_in", "reuse_half_open")
                  for path in RECORDINGS.glob(name + "*.middle.pcap")]
    told = set()
    for path in recordings:
        for frame, cause, *infos in fields(path, "frame.number", "tcpstate.rst.cause",
                                           *("tcpstate.rst." + name for name in experts), options=["-Y", "tcpstate.rst.cause"]):
            told |= {(cause, name) for name, info in zip(experts, infos) if info}
            assert {name for name, info in zip(experts, infos) if info} <= fitting.get(cause, set()), (path.name, frame)
    assert told == {(cause, name) for cause, names in fitting.items() for name in names}


@pytest.mark.parametrize("number, state", [(1101, "FIN_WAIT_1"), (1102, "FIN_WAIT_2")])
def test_cause_is_by_the_state_that_the_rst_itself_shows(number, state, fields, scratch):
    """FINs cross, and the client seems to be in TIME_WAIT. But nothing is answered by RST there: it never got that FIN,
    nor the ACK of its own if the RST has that FIN's number."""
    crossed = conversation()[:8] + [to_client(PSH | ACK, 5101, 1101, payload=b"y" * 50), to_client(FIN | ACK, 5151, 1101),
                                    to_client(ACK, 5152, 1102)]
    path = pcap_files.write(scratch / "crossed.pcap", crossed + [to_server(RST, number)])
    *_, before, last = fields(path, "tcpstate.client", "tcpstate.transition", "tcpstate.rst.cause")
    assert before[0] == "TIME_WAIT"
    assert last == ("CLOSED", f"client→{state}|client→CLOSED|server→CLOSED", "data_after_close")


def test_every_expert_of_the_core_is_registered():
    """The core's list of notable things and the glue's table of expert infos have the same rows."""
    core = (ROOT / "plugin" / "core" / "notable.h").read_text()
    listed = re.findall(r"X\((\w+), ", core.split("#define TCPS_NOTABLES(X)")[1].split("\n\n")[0])
    glue = (ROOT / "plugin" / "host" / "expert.c").read_text()
    assert re.findall(r"\[TCPS_NOTABLE_(?!COUNT)(\w+)\] =", glue) == listed and len(listed) == len(EXPERTS)
