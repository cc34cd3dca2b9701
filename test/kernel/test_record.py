# SPDX-License-Identifier: GPL-2.0-or-later
"""The recorder itself, where this machine can record: a few scenarios whose kernel paths are known beforehand."""

import json
import pathlib
import subprocess
import sys

import pytest

RECORD = pathlib.Path(__file__).resolve().parent / "record.py"
OPEN = {"client": ["SYN_SENT", "ESTABLISHED"], "server": ["SYN_RECEIVED", "ESTABLISHED"]}
EXPECTED = {
    "close_client_first": {"client": OPEN["client"] + ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"],
                           "server": OPEN["server"] + ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]},
    "close_simultaneous_v6": {"client": OPEN["client"] + ["FIN_WAIT_1", "CLOSING", "TIME_WAIT"],
                              "server": OPEN["server"] + ["FIN_WAIT_1", "CLOSING", "TIME_WAIT"]},
    "open_refused": {"client": ["SYN_SENT", "CLOSED"], "server": []},
    "forged_rst_in_time_wait": {"client": OPEN["client"] + ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"],
                                "server": OPEN["server"] + ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]},
    "handshake_acks_all_lost": {"client": OPEN["client"], "server": ["SYN_RECEIVED", "LISTEN"]},
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    out = tmp_path_factory.mktemp("recorded")
    done = subprocess.run([sys.executable, str(RECORD), "--out", str(out), "--only", *EXPECTED],
                          capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("name", EXPECTED)
def test_path(recorded, name):
    connection = json.loads((recorded / f"{name}.truth.json").read_text())["connections"][0]
    paths = {side: [state for state, _ in connection["endpoints"][side]["path"]] for side in ("client", "server")}
    assert paths == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_captures_have_right_checksums(recorded, name):
    """Offloads are off: every frame's TCP checksum is right as captured (checked where the payload was not cut)."""
    for point in ("client", "middle", "server"):
        done = subprocess.run(["tshark", "-r", str(recorded / f"{name}.{point}.pcap"), "-o", "tcp.check_checksum:TRUE",
                               "-Y", "tcp.checksum.status == Bad"], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stdout
