"""docs/situations.md names tests that exist for every situation; docs/inference.md names code and recordings that do.

It knows nothing of TCP and runs no Wireshark: whether the tests pass, they say themselves. Look next: test/stories/.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import fnmatch
import re

import pytest

from conftest import CAPTURES, ROOT, all_captures

STORIES = ROOT / "test" / "stories"
SITUATIONS, REAL_STACKS = 114, 33
PAGE = (ROOT / "docs" / "situations.md").read_text()
CODE = "\n".join(path.read_text() for path in sorted((ROOT / "plugin" / "core").glob("*.[ch]")))
CAPTURED = {path.stem for path in all_captures()}
RECORDED = {path.name.split(".")[0] for path in (CAPTURES / "kernel").glob("*.truth.json")}


def rows(heading, text=PAGE):
    """{number: [cells]} of the table below a heading."""
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()
             if re.match(r"\| \d+ \|", line)]
    assert len({cells[0] for cells in table}) == len(table), "a number twice"
    return {int(cells[0]): cells for cells in table}


def titles():
    """(file name, title) of each story: the first comment after an empty line."""
    for path in sorted(STORIES.glob("*.tcp")):
        for title in re.findall(r"\n\n# (.*)", path.read_text()):
            yield path.name, title


def numbers(title):
    """({rows of the situations}, {lines of what real stacks do}) that a story's title claims to cover."""
    lines = re.findall(r"REAL-STACKS (\d+)", title) + re.findall(r"^R(\d+):", title)
    return {int(number) for number in re.findall(r"\bS(\d+)\b", title)}, set(map(int, lines))


STORIES_OF = [{}, {}]
for name, title in titles():
    for table, found in zip(STORIES_OF, numbers(title)):
        for number in found:
            table.setdefault(number, set()).add(name)

TABLES = [("Situations", SITUATIONS, STORIES_OF[0]), ("What real stacks were seen to do", REAL_STACKS, STORIES_OF[1])]


@pytest.mark.parametrize("heading, count, stories", TABLES)
def test_every_number_has_a_row(heading, count, stories):
    assert sorted(rows(heading)) == list(range(1, count + 1))


@pytest.mark.parametrize("heading, count, stories", TABLES)
def test_stories_of_a_row_are_those_with_its_number(heading, count, stories):
    """Both ways: a story that claims a number stands in its row, and no row names a story that does not claim it."""
    named = {number: set(re.findall(r"`([\w-]+\.tcp)`", cells[-1])) for number, cells in rows(heading).items()}
    assert {number: found for number, found in named.items() if found} == stories


def is_there(name):
    if name.endswith(".tcp"):
        return (STORIES / name).exists()
    if ":" in name:
        file, function = name.split(":")
        path = ROOT / "test" / "plugin" / file
        return path.exists() and f"\ndef {function}(" in path.read_text()
    return name in CAPTURED or name in RECORDED


@pytest.mark.parametrize("heading, count, stories", TABLES)
def test_every_row_names_tests_that_exist(heading, count, stories):
    for number, cells in rows(heading).items():
        covered = re.findall(r"`([^`]+)`", cells[-1])
        assert covered, f"row {number} is not covered"
        assert [name for name in covered if not is_there(name)] == [], f"row {number}"


def test_rules_of_real_stacks_are_code():
    for number, cells in rows("What real stacks were seen to do").items():
        rules = re.findall(r"`(\w+)`", cells[2])
        assert rules and [rule for rule in rules if not re.search(rf"\b{rule}\b", CODE)] == [], f"line {number}"


def full_names(words):
    """`…_fin_follows` and `forged_fin_*` as patterns; the former stands behind the name that it shortens."""
    return [word.replace("…", "*").removeprefix("captures/").removesuffix(".pcapng") for word in words]


def test_inference_names_code_and_recordings():
    """The page's rules point at code that is there and at captures, recordings and stories that are there."""
    tables = [[cell.strip() for cell in line.strip("|").split("|")]
              for line in (ROOT / "docs" / "inference.md").read_text().splitlines()
              if line.startswith("| ") and not line.startswith(("| rule", "| basis", "| `"))]
    assert len(tables) > 30
    for cells in tables:
        for word in full_names(re.findall(r"`([^`]+)`", " ".join(cells[1:]))):
            there = re.search(rf"\b{re.escape(word)}\b", CODE) or fnmatch.filter(CAPTURED | RECORDED, word)
            assert there or is_there(word), f"{word}: {cells[0]}"
