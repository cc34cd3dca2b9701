"""What README.md and docs/ show is so: every command with its output, every display filter, every way into the tree.

A block ```console holds lines "$ command", which may go on behind a backslash, and what follows them, and each command
is run, from the top of the tree; "…" on a line of its own stands for any lines. Commands that build, install, wait for
packets or open windows stand in plain blocks. With --update the outputs are written into the documents: review them.

It must not know what a right answer is: the pages say it. Look next: test_situations.py for docs/situations.md.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT, WITH_PLUGIN, all_captures, open_to_all

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLAIN_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
WIDEST = 80  # columns of a report
# Where the filters of tables are looked for first: it saves a minute, and nothing else depends on it.
TRY_FIRST = ["close-wait-leak", "open-unanswered", "open-refused", "rst-outside-window", "rst-abort-linger-0",
             "open-syn-lost", "open-synack-lost", "http-server-closes-idle-connection", "capture-client-side-only",
             "flood-syn-cookies"]


def entries(text):
    """[(command as written, [lines of output])] of all blocks of a document. A line that ends in a backslash goes on."""
    for block in BLOCK.findall(text):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", entry)[0]
            yield command.removesuffix("\n"), entry.removeprefix(command).splitlines()


def filters_in_tables(text):
    """The display filters of tables with a column "display filter"."""
    for table in re.findall(r"^\|.*\| display filter \|\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in table.splitlines():
            yield re.search(r"`([^`]+)` \|$", row)[1].replace("\\|", "|")


TEXTS = {path: path.read_text() for path in DOCUMENTS}
SHOWN = [(path, command, output) for path, text in TEXTS.items() for command, output in entries(text)]
FILTERS = sorted({text for document in TEXTS.values() for text in filters_in_tables(document)})


@pytest.fixture(scope="module")
def shell(wireshark, tmp_path_factory):
    """Runs a command line as the documents show it, from the top of the tree; no network is asked for a name."""
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


@pytest.mark.parametrize("path, least", [("README.md", 5), ("docs/cookbook.md", 25), ("docs/tcp-states.md", 20)])
def test_documents_show_commands(path, least):
    """The pages are read as they are meant to be: a change of the notation must not make the tests below empty."""
    assert len(list(entries((ROOT / path).read_text()))) >= least


def test_the_lecture_has_the_states_of_the_code():
    """The list of states and their meanings is the core's, in plugin/core/state.h; the lecture's table repeats it."""
    header = (ROOT / "plugin" / "core" / "state.h").read_text()
    listed = re.findall(r'^    X\((\w+), "(.*)"\)', header.split("#define TCPS_BASES")[0], re.MULTILINE)
    assert listed[0][0] == "UNKNOWN" and len(listed) == 12
    table = re.search(r"^\| state \| meaning \|.*?\n\n", (ROOT / "docs" / "tcp-states.md").read_text(),
                      re.MULTILINE | re.DOTALL)[0]
    assert re.findall(r"^\| (\w+) \| (.*) \|$", table, re.MULTILINE)[1:] == listed[1:]


def test_the_story_of_the_lecture_holds(wireshark, tmp_path):
    """The conversation that the reader is to write down is one, and leads to the states that it says."""
    program = pathlib.Path(os.environ["TCPSTATE_MODULE"]).parents[1] / "test" / "story"
    if not program.exists():
        pytest.skip("the program `story` was not built beside the plugin (it needs GLib)")
    story = re.search(r"^```\n(# .*?)^```$", (ROOT / "docs" / "tcp-states.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "mine.tcp").write_text(story)
    done = subprocess.run([program, "-q", tmp_path / "mine.tcp"], capture_output=True, text=True)
    assert story.count("=>") >= 2 and done.returncode == 0, done.stdout + done.stderr


def test_every_recipe_has_a_command():
    """Every question of the cookbook is answered by a command that is run."""
    text = (ROOT / "docs" / "cookbook.md").read_text()
    recipes = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(recipes) >= 20
    assert [recipe.splitlines()[0] for recipe in recipes if not list(entries(recipe))] == []


@pytest.mark.parametrize("document, command, output", SHOWN,
                         ids=[f"{path.name}: {command}" for path, command, _ in SHOWN])
def test_the_command_prints_what_the_document_shows(document, command, output, shell, update):
    done = shell(command)
    assert done.returncode == 0, done.stderr
    found = [line.rstrip() for line in done.stdout.splitlines()]
    if update and ANYTHING not in output:
        old, new = ("\n".join([f"$ {command}", *lines]) + "\n" for lines in (output, found))
        document.write_text(document.read_text().replace(old, new))
        output = found
    assert matches(output, found), "\n".join(found)


@pytest.mark.parametrize("document, command, output", [shown for shown in SHOWN if "-z tcpstate," in shown[1]],
                         ids=[f"{path.name}: {command}" for path, command, _ in SHOWN if "-z tcpstate," in command])
def test_reports_fit_a_terminal(document, command, output):
    if "report_format" not in command:
        assert [line for line in output if len(line) > WIDEST] == []


@pytest.fixture(scope="module")
def matching(wireshark):
    """The display filters of tables that match a packet of some capture; with two passes, for `tcpstate.final`."""
    found = set()
    for capture in sorted(all_captures(), key=lambda path: path.stem not in TRY_FIRST):
        missing = [text for text in FILTERS if text not in found]
        if not missing:
            break
        statistics = [word for text in missing for word in ("-z", f"io,phs,{text}")]
        tables = wireshark.tshark("-2", "-q", "-r", capture, *statistics).stdout.split("Filter: ")[1:]
        assert len(tables) == len(missing)
        found.update(table.splitlines()[0] for table in tables if " frames:" in table)
    return found


def test_the_table_of_filters_is_read():
    assert len(FILTERS) >= 10


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_of_a_table_matches_some_packet(text, matching):
    assert text in matching


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(path):
    """Links to files, and paths in `code`, are there; [text](other.md) is relative to the page, `plugin/…` to the top."""
    prose = PLAIN_BLOCK.sub("", TEXTS[path])
    links = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", prose) if "://" not in target]
    missing = [target for target in links if target and not (path.parent / target).exists()]
    named = re.findall(r"`((?:plugin|test|docs|scripts|captures)/[\w./-]+)`", prose)
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []
