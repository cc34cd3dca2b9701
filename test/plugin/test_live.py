"""States while the capture runs, rings, and forgetting: what docs/live.md says, on loopback in a network namespace.

Needs root, for the namespace and for capturing; as a user all of it but the last is skipped. Look next: live_talk.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import CAPTURES, ROOT, WITH_PLUGIN

TALK = pathlib.Path(__file__).with_name("live_talk.py")
FIELDS = "-Y tcpstate.transition -T fields -e tcpstate.pair -e tcpstate.transition"
# One conversation in which the client closes first; what the kernel puts into one segment does not matter here.
TRANSITIONS = """client→SYN_SENT server→SYN_RECEIVED client→ESTABLISHED server→ESTABLISHED client→FIN_WAIT_1
                 server→CLOSE_WAIT client→FIN_WAIT_2 server→LAST_ACK client→TIME_WAIT server→CLOSED""".split()

namespace = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0,
    reason="capturing in a network namespace needs root")


@pytest.fixture
def live(wireshark, scratch):
    """Runs a command line in a namespace, with a conversation on its loopback."""
    programs = scratch / "bin"
    programs.mkdir()
    (programs / "tshark").symlink_to(WITH_PLUGIN)
    environment = dict(wireshark.environment, PATH=f"{programs}:{os.environ['PATH']}")

    def run(command, *options):
        return subprocess.run(["unshare", "--net", sys.executable, TALK, *options, command], env=environment,
                              cwd=scratch, capture_output=True, encoding="utf-8", timeout=120)
    return run


def transitions(text):
    return [name for line in text.splitlines() for name in line.split("\t")[1].split(",")]


@namespace
@pytest.mark.parametrize("command", [
    f"tshark -i lo -f tcp -l -n {FIELDS}",
    f"dumpcap -q -i lo -f tcp -w - | tshark -r - -l -n {FIELDS}",
], ids=["tshark captures", "dumpcap captures into a pipe"])
def test_a_state_is_shown_when_its_packet_comes(live, command):
    done = live(command, "--waiting")
    assert done.returncode == 0, done.stderr
    assert transitions(done.stdout) == TRANSITIONS


@namespace
def test_a_ring_is_whole_again_when_merged(live, wireshark, scratch):
    done = live("dumpcap -q -i lo -f tcp -b packets:4 -w ring.pcapng")
    assert done.returncode == 0, done.stderr
    files = sorted(scratch.glob("ring_*.pcapng"))
    assert len(files) >= 2
    whole = scratch / "whole.pcapng"
    wireshark.run("mergecap", "-w", whole, *files)
    assert transitions(wireshark.tshark("-r", whole, *FIELDS.split()).stdout) == TRANSITIONS
    second = wireshark.fields(files[1], "tcpstate.open.kind")
    assert set(second) == {("midstream",)}


def test_what_is_forgotten_is_found_in_the_middle(wireshark):
    """-M: after so many packets a session begins anew, in tshark and in the plugin."""
    capture = CAPTURES / "close-four-segment-client-first.pcapng"
    whole = wireshark.fields(capture, "tcpstate.open.kind", "tcpstate.pair")
    forgetting = wireshark.fields(capture, "tcpstate.open.kind", "tcpstate.pair", options=["-M", "4"])
    assert len(forgetting) == len(whole) == 11
    assert forgetting[:4] == whole[:4]
    assert forgetting[4:7] == [("midstream", "ESTABLISHED:ESTABLISHED")] * 3


@namespace
def test_reports_are_written_at_ctrl_c(live):
    done = live("tshark -i lo -f tcp -n -q -z tcpstate,exchanges -z tcpstate,census")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("Handshakes: 1 complete") == lines.count("Closes: 1 complete") == 1
    assert [line.split() for line in lines if line.startswith("TIME_WAIT")] == [["TIME_WAIT", "1", "0", "1"]]


@namespace
def test_a_ring_that_tshark_writes_begins_anew_with_each_file(live):
    done = live("tshark -i lo -f tcp -n -q -b packets:4 -w ring.pcapng -z tcpstate,connections")
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:8080" in done.stdout and " unseen " in done.stdout and "three_way" not in done.stdout


@pytest.mark.parametrize("name", ["exchanges", "connections", "ladder,0", "table-connections"])
def test_a_report_is_of_the_session_it_is_written_in(name, tshark):
    """What went with the sessions before is not looked at again."""
    done = tshark("-q", "-M", "50", "-r", CAPTURES / "http-twelve-at-once.pcapng", "-z", f"tcpstate,{name}")
    assert done.stderr.count("resetting session") == 2
    whole = tshark("-q", "-r", CAPTURES / "http-twelve-at-once.pcapng", "-z", f"tcpstate,{name}")
    assert 5 < len(done.stdout.splitlines()) <= len(whole.stdout.splitlines()) and done.stdout != whole.stdout


def test_the_filters_of_the_document_are_valid(tshark):
    text = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    filters = re.findall(r"-Y '([^']+)'", text)
    assert len(filters) >= 2
    for found in filters:
        tshark("-r", CAPTURES / "close-wait-leak.pcapng", "-Y", found)
