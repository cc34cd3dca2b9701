"""try_captures.py, which contributors run on captures that they find: what it tells, and that it would tell a difference.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import Wireshark
from try_captures import problems_of

PROGRAM = pathlib.Path(__file__).with_name("try_captures.py")


def tried(*paths):
    return subprocess.run([sys.executable, str(PROGRAM), *map(str, paths)], capture_output=True, text=True)


def test_what_was_seen(wireshark, captures):
    done = tried(captures / "rst-exact.pcapng", captures / "close-simultaneous.pcapng")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ +2 the client sends its SYN\n +rst-exact.pcapng:1 close-simultaneous.pcapng:1$", done.stdout, re.M)
    assert re.search(r"^\d+ frames with TCP in 2 captures, 0 problems$", done.stdout, re.M)


def test_mistakes_of_the_user(wireshark, scratch):
    assert tried(scratch / "nothing").returncode == 2
    assert tried(scratch).returncode == 1  # no capture in it


@pytest.mark.parametrize("option, old, new, problem", [
    ("-2", "SYN_SENT", "LISTEN", "two passes show something else"),
    ("-V", "Source Port:", "Sauce Port:", "another line than without the plugin")])
def test_a_difference_is_told(wireshark, captures, option, old, new, problem):
    class Changed(Wireshark):
        """What the plugin would do if it changed a word in this mode."""
        def tshark(self, *arguments, plugin=True, **options):
            done = super().tshark(*arguments, plugin=plugin, **options)
            if plugin and option in arguments:
                done.stdout = done.stdout.replace(old, new)
            return done
    told = list(problems_of(Changed(wireshark.home), captures / "close-simultaneous.pcapng", []))
    assert len(told) == 1 and told[0].startswith(problem)
