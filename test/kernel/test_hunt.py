# SPDX-License-Identifier: GPL-2.0-or-later
"""hunt.py: what it says of the user's mistakes, that seeds decide what profiles do, that compare tells a difference."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest.mock

import pytest

from random_play import Play
from random_profiles import PROFILES

PROGRAM = pathlib.Path(__file__).resolve().parent / "hunt.py"
CAPTURES = PROGRAM.parents[2] / "captures" / "kernel"
NAME = "handshake_ack_late"


def hunt(*arguments):
    return subprocess.run([sys.executable, str(PROGRAM), *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path):
    """One committed recording, about which the plugin is right."""
    for path in CAPTURES.glob(f"{NAME}.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def truth(folder):
    return folder / f"{NAME}.truth.json"


@pytest.fixture
def plugin():
    if shutil.which("sharkd") is None:
        pytest.skip("sharkd is not installed")
    if not os.environ.get("TCPSTATE_MODULE"):
        pytest.skip("TCPSTATE_MODULE does not name the plugin to test; ctest sets it")


class Draft(Play):
    """What a profile puts down, not played."""

    def run(self, seconds=6):
        pass

    def plan(self):
        """All that is put down, by time; of the arguments those that can be compared."""
        return [(when, function.__name__, [a for a in arguments if isinstance(a, (int, float, str))])
                for when, _, function, arguments in sorted(self.todo, key=lambda item: item[:2])]


def draft(name, seed):
    play = Draft(unittest.mock.MagicMock(), seed, 5)
    PROFILES[name](play)
    return play.plan()


# --- without the plugin --------------------------------------------------------------------------
def test_list():
    done = hunt("list")
    assert done.returncode == 0 and not done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(PROFILES)
    assert all(len(line.split()) > 3 for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", PROFILES)
def test_seed_decides(name):
    assert draft(name, "1") == draft(name, "1") != draft(name, "2")


@pytest.mark.parametrize("arguments, sentence", [
    ([], "the following arguments are required: record|compare|show|list"),
    (["chase"], "invalid choice: 'chase'"),
    (["record"], "the following arguments are required: DIR"),
    (["record", "DIR", "--profile", "nothing"], "invalid choice: 'nothing'"),
    (["record", "DIR", "--seeds", "3-1"], "3-1: the last is below the first"),
    (["record", "DIR", "--seeds", "x"], "x is neither a number nor FIRST-LAST"),
    (["record", "DIR", "--count", "0"], "0 is no number from 1 to"),
    (["record", "DIR", "--family", "5"], "argument --family: invalid choice: "),
    (["record", PROGRAM], "hunt.py is no folder"),
    (["compare", PROGRAM], "hunt.py is no folder"),
    (["compare", PROGRAM.parent], "has no recording"),
    (["show", CAPTURES, "nothing", "1", "middle"], "has no recording nothing"),
    (["show", CAPTURES, NAME, "port", "middle"], "invalid int value: 'port'"),
    (["show", CAPTURES, NAME, "1", "left"], "invalid choice: 'left'"),
])
def test_bad_arguments(arguments, sentence):
    done = hunt(*arguments)
    assert done.returncode == 2 and not done.stdout
    assert sentence in done.stderr and done.stderr.count("\n") == 1


# --- with it -------------------------------------------------------------------------------------
def test_agreement(folder, plugin):
    done = hunt("compare", folder)
    assert done.returncode == 0, done.stderr
    assert "0 of 6 flow paths differ" in done.stdout and " · " not in done.stdout


def test_wrong_path_is_told(folder, truth, plugin):
    document = json.loads(truth.read_text())
    document["connections"][0]["endpoints"]["server"]["path"][1][0] = "CLOSING"
    truth.write_text(json.dumps(document))
    done = hunt("compare", folder)
    assert done.returncode == 0, done.stderr
    assert "3 of 6 flow paths differ" in done.stdout
    assert f"{NAME} · middle · server (port " in done.stdout and "kernel SYN_RECEIVED CLOSING" in done.stdout


def test_wrong_time_is_told(folder, truth, plugin):
    """The path is right, but the plugin shows states before the kernel had them."""
    document = json.loads(truth.read_text())
    for step in document["connections"][0]["endpoints"]["client"]["path"]:
        step[1] += 1
    truth.write_text(json.dumps(document))
    done = hunt("compare", folder)
    assert done.returncode == 0, done.stderr
    assert "0 of 6 flow paths differ" in done.stdout and " early\n" in done.stdout


def test_broken_recording(folder, truth, plugin):
    (folder / f"{NAME}.middle.pcap").write_bytes(b"no capture")
    assert hunt("compare", folder).returncode == 1
    truth.write_text("{")
    assert hunt("compare", folder).returncode == 1


def test_show(folder, truth, plugin):
    port = json.loads(truth.read_text())["connections"][0]["client"]["port"]
    done = hunt("show", folder, NAME, port, "middle")
    assert done.returncode == 0, done.stderr
    assert "kernel: client SYN_SENT (connect), connection 1" in done.stdout
    assert " C> S    0 win=" in done.stdout and " S> SA   0 1 win=" in done.stdout
    assert hunt("show", folder, NAME, 1, "middle").returncode == 2
