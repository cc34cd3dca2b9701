"""The rooms of plugin/ include what docs/architecture.md allows, and its picture names files that exist.

Needs no Wireshark. Look next: docs/architecture.md.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

PLUGIN = ROOT / "plugin"
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = ROOT / "docs" / "rooms.dot"
DOOR = PLUGIN / "host" / "plugin.c"

# {room: what it may include}, from the table.
ALLOWED = {room: re.findall(r"`([\w./]+)`", allowed)
           for room, allowed in re.findall(r"^\| `plugin/(\w+)` \|[^|]*\|([^|]*)\|$", DOCUMENT, re.MULTILINE)}


def included(path):
    """The files of this project that a file includes, as paths below plugin/; those of its own room as plain names."""
    for name in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
        yield name if (PLUGIN / name).exists() else f"{path.parent.name}/{name}"


def test_the_table_has_every_room():
    assert set(ALLOWED) == {path.name for path in PLUGIN.iterdir() if list(path.glob("*.c"))}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_includes_what_it_may(room):
    allowed = ALLOWED[room] + [room]
    files = [path for path in sorted((PLUGIN / room).glob("*.[ch]")) if path != DOOR]
    assert files
    wrong = [f"{path.name} includes {name}" for path in files for name in included(path)
             if name not in allowed and name.split("/")[0] not in allowed]
    assert not wrong


def test_the_core_includes_neither_wireshark_nor_glib():
    for path in sorted((PLUGIN / "core").glob("*.[ch]")):
        headers = re.findall(r"^\s*#\s*include <([^>]+)>", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(re.fullmatch(r"(std\w+|string|inttypes|limits|assert)\.h", name) for name in headers), path


def test_only_compat_asks_for_a_version_of_wireshark():
    asking = [path.relative_to(PLUGIN).as_posix() for path in sorted(PLUGIN.glob("*/*.[ch]"))
              if re.search(r"WIRESHARK_VERSION_M|VERSION_M(AJ|IN)OR\b.*[<>=]", path.read_text(encoding="utf-8"))]
    assert set(asking) <= {"host/compat.h", "host/plugin.c"}


def test_the_picture_names_files_that_exist():
    text = PICTURE.read_text(encoding="utf-8")
    for room, inside in re.findall(r"subgraph cluster_(\w+) \{(.*?)\n    \}", text, re.DOTALL):
        for label in re.findall(r'^\s+\w+ \[label="([^"\\]+)', inside, re.MULTILINE):
            for name in label.split(":")[0].split(", "):
                assert list((PLUGIN / room).glob(f"{name}.[ch]")), f"{name} is not in plugin/{room}"


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed; it draws docs/rooms.svg")
def test_the_picture_is_drawn_from_its_source():
    """Positions depend on the fonts of a machine, words do not."""
    drawn = subprocess.run(["dot", "-Tsvg", PICTURE], capture_output=True, check=True, encoding="utf-8").stdout
    kept = (ROOT / "docs" / "rooms.svg").read_text(encoding="utf-8")
    words = re.compile(r"<text[^>]*>([^<]*)</text>")
    assert sorted(words.findall(drawn)) == sorted(words.findall(kept))
