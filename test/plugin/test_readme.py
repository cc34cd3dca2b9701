"""Every command that README.md and docs/ show with its output prints that output.

A block ```console holds lines "$ command" and what follows them; "…" on a line of its own stands for any lines. Commands
that build, install or open windows are not run. With --update the outputs are written into the documents: review them.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import re
import subprocess

import pytest

from conftest import ROOT, WITH_PLUGIN, open_to_all

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"(tshark|sharkd|editcap|mergecap) ")
ANYTHING = "…"


def entries(text):
    """[(command, [lines of output])] of all blocks of a document."""
    for block in BLOCK.findall(text):
        command, output = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, output
                command, output = line[2:], []
            elif command and command.endswith("\\"):
                command = command[:-1] + line.strip()
            else:
                output.append(line)
        if command:
            yield command, output


SHOWN = [(path.name, command, output) for path in DOCUMENTS if path.exists()
         for command, output in entries(path.read_text()) if RUN.match(command)]


@pytest.fixture(scope="module")
def shell(wireshark, tmp_path_factory):
    """Runs a command line as the documents show it, from the top of the tree."""
    links = tmp_path_factory.mktemp("bin")
    for program in ("tshark", "sharkd"):
        (links / program).symlink_to(WITH_PLUGIN)
    work = open_to_all(tmp_path_factory.mktemp("work"))
    environment = dict(wireshark.environment, PATH=f"{links}:{os.environ['PATH']}", TMP=str(work))
    def run(command):
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, capture_output=True,
                              text=True, timeout=120)
    return run


def matches(expected, found):
    """`…` stands for any number of lines."""
    if not expected:
        return not found
    if expected[0].strip() == ANYTHING:
        return any(matches(expected[1:], found[i:]) for i in range(len(found) + 1))
    return bool(found) and expected[0].rstrip() == found[0].rstrip() and matches(expected[1:], found[1:])


def test_documents_show_commands():
    assert len(SHOWN) >= 5


@pytest.mark.parametrize("document, command, output", SHOWN, ids=[f"{name}: {command}" for name, command, _ in SHOWN])
def test_the_command_prints_what_the_document_shows(document, command, output, shell, update):
    done = shell(command)
    assert done.returncode == 0, done.stderr
    found = [line.rstrip() for line in done.stdout.splitlines()]
    if update and ANYTHING not in output:
        path = next(path for path in DOCUMENTS if path.name == document)
        old, new = ("\n".join([f"$ {command}", *lines]) + "\n" for lines in (output, found))
        path.write_text(path.read_text().replace(old, new))
        output = found
    assert matches(output, found), "\n".join(found)
