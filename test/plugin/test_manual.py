"""The manual page is what scripts/manual.py makes of what the plugin registers, and the documents name nothing else.

With --update the page is written anew. Look next: scripts/manual.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT, WITH_PLUGIN

PAGE = ROOT / "docs" / "tcpstate.7"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]


@pytest.fixture(scope="module")
def tshark_program(wireshark, tmp_path_factory):
    """A tshark with the plugin, as a program of its own."""
    program = tmp_path_factory.mktemp("bin") / "tshark"
    program.symlink_to(WITH_PLUGIN)
    return program


def names_of_page():
    return set(re.findall(r"^\.B (tcpstate\.[\w.]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_page_is_what_the_plugin_registers(wireshark, tshark_program, update):
    made = subprocess.run([sys.executable, ROOT / "scripts" / "manual.py", tshark_program], env=wireshark.environment,
                          capture_output=True, check=True, encoding="utf-8").stdout
    if update:
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")
    assert len(names_of_page()) > 70


def test_every_report_that_tshark_offers_is_in_the_page(wireshark):
    done = wireshark.run("tshark", "-z", "help")
    offered = set(re.findall(r"^\s*(tcpstate,\w+)", done.stdout + done.stderr, re.MULTILINE))
    assert offered == set(re.findall(r"^\.B (tcpstate,\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(offered) >= 9


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed (Debian: man-db)")
def test_the_page_reads_without_warnings():
    done = subprocess.run(["man", "--warnings=w", "-l", str(PAGE)], capture_output=True, encoding="utf-8",
                          env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80"))
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "CLOSE_WAIT" in done.stdout
    too_wide = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert not too_wide


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_what_is_registered(path):
    """A field, expert info or preference in a command or in backquotes; files of the project are none."""
    text = path.read_text(encoding="utf-8")
    shown = re.findall(r"`[^`\n]+`", text) + re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    named = {name for found in shown for name in re.findall(r"(?<![/\w.-])tcpstate(?:\.[a-z_]\w*)+", found)}
    files = {name for name in named if re.search(r"\.(so|dll|c|h|7|7\.gz|git|deb|pcap|pcapng)$", name)}
    assert named - files <= names_of_page()
