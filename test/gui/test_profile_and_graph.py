"""The profile "TCP State" in the window, the flow graph's type "TCP states", and the ladder of the selected packet.

What the filters of the profile find, and what the graph says, is tested with tshark. Look next:
test/plugin/test_profile.py, test/plugin/test_flow_graph.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import re

import pytest

from desktop import wait_for
from program import choose_in

TEXTBOOK = ("textbook-t3-curl.pcapng", 10)
TWELVE = ("http-twelve-at-once.pcapng", 120)


@pytest.fixture
def profile():
    """The folder of the profile that was built with the plugin."""
    module = os.environ.get("TCPSTATE_MODULE")
    if not module:
        pytest.skip("TCPSTATE_MODULE does not name the plugin; ctest sets it")
    return pathlib.Path(module).resolve().parent / "profiles" / "TCP State"


def test_profile(opened, profile):
    program = opened(*TEXTBOOK, "-C", profile.name, profile=profile)
    assert program.column("Client")[7:] == ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    assert program.column("Server")[7:] == ["ESTABLISHED", "LAST_ACK", "CLOSED"]
    assert program.column("Transition")[0] == "client→SYN_SENT"
    assert "[client→SYN_SENT]" not in program.column("Info")[0]
    program.main.find("push button", "Changes").press()
    program.wait_loaded(10, 6)


def test_flow_graph(opened):
    program = opened(*TEXTBOOK)
    program.menu("Statistics", "Flow Graph")
    window = program.window("Flow")
    choose_in(window, "TCP states")
    # The drawing itself is mute; what is in it, tshark tells.
    summary = re.compile(r".*2 node\(s\), 10 item\(s\).*")
    wait_for("a graph of two ends and ten segments", lambda: window.all("label", summary))
    window.find("push button", "Close").press()
    wait_for("the graph to close", lambda: not any("Flow" in other.name for other in program.windows() if other.showing))
    assert program.runs()


def test_ladder_asks_with_the_stream_of_the_selected_packet(opened):
    program = opened(*TWELVE, "-g", "17")
    program.menu("Statistics", "TCP State", "Ladder…")
    assert program.window("TCP State: Ladder").find("text").text == "4"
