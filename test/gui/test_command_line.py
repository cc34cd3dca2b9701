"""wireshark -z tcpstate,…: the window is there when the capture is; what cannot be is refused.

Look next: program.py, test_reports.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re
import subprocess

import pytest

from desktop import wait_for
from program import table_rows

TEXTBOOK = ("textbook-t3-curl.pcapng", 10)


@pytest.mark.parametrize("command, title, fact", [
    ("tcpstate,exchanges", "TCP State: Exchanges", "Closes: 1 complete"),
    ("tcpstate,dwell", "TCP State: Time in State", "FIN_WAIT_1"),
    ("tcpstate,census,0.02", "TCP State: Census", "0.040"),
    ("tcpstate,ladder,0", "TCP State: Ladder", "FIN_WAIT_1 │"),
    ("tcpstate,exchanges,tcp.stream == 7", "TCP State: Exchanges", "Handshakes: 0 complete"),
])
def test_text(opened, command, title, fact):
    program = opened(*TEXTBOOK, "-z", command)
    area = program.window(title).find("text")
    wait_for(lambda: f"{fact!r} in {area.text!r}", lambda: fact in area.text)


@pytest.mark.parametrize("command, title, count", [
    ("tcpstate,table-exchanges-closes", "TCP State: Completed closes", 1),
    ("tcpstate,table-dwell", "TCP State: Time that endpoints stay", 8),
    ("tcpstate,table-connections,tcp.stream == 7", "TCP State: Connections", 0),
])
def test_table(opened, command, title, count):
    program = opened(*TEXTBOOK, "-z", command)
    window = program.window(title)
    tree = window.find("tree")
    wait_for(lambda: f"{count} rows in {table_rows(tree)}", lambda: len(table_rows(tree)) == count)


def test_several_at_once(opened):
    program = opened(*TEXTBOOK, "-z", "tcpstate,exchanges", "-z", "tcpstate,resets", "-z", "tcpstate,table-resets")
    for title in ("TCP State: Exchanges", "TCP State: Resets", "TCP State: Resets · "):
        program.window(title)


@pytest.mark.parametrize("command, complaint", [
    ("tcpstate,nonsense", "there is no report \"nonsense\""),
    ("tcpstate,ladder,x", "ladder wants the number of a TCP stream"),
    ("tcpstate,census,-1", "census wants a number of seconds above 0"),
])
def test_what_cannot_be_is_refused(opened, tshark, desktop, tmp_path, captures, command, complaint):
    """By ending; from 4.6 on Wireshark itself goes on, without the report that could not begin."""
    version = re.search(r"(\d+)\.(\d+)\.", tshark("--version")).groups()
    if tuple(map(int, version)) >= (4, 6):
        program = opened(*TEXTBOOK, "-z", command)
        wait_for(complaint, lambda: complaint in program.output())
        return
    done = subprocess.run(["wireshark", "-r", captures / TEXTBOOK[0], "-z", command], timeout=60,
                          env=dict(desktop.environment, HOME=str(tmp_path)), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, encoding="utf-8")
    assert complaint in done.stderr
    assert done.returncode == 1
