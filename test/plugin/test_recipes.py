"""The recipes of docs/machines.md and docs/live.md run as they stand there, and print what is shown.

A block ```sh or ```python is run; a block ```output right after it is what it prints. The blocks of a document share a
folder, as somebody who follows it would have it. Blocks without a language are not run: they need servers or
interfaces. With --update the outputs are written into the documents: review them. Look next: scripts/many.sh.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import CAPTURES, ROOT, WITH_PLUGIN

MACHINES = ROOT / "docs" / "machines.md"
RECIPE = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```output\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
RECIPES = [found.groups() for found in RECIPE.finditer(MACHINES.read_text(encoding="utf-8"))]
# What a recipe calls: the Debian package that has it. scripts/test.sh installs them.
PROGRAMS = {"sqlite3": "sqlite3", "many.sh": "parallel", "mergecap": "wireshark-common"}


@pytest.fixture(scope="module")
def folder(wireshark, tmp_path_factory):
    """Where the recipes run: `captures` in it, and a PATH with tshark that has the plugin."""
    folder = tmp_path_factory.mktemp("recipes")
    folder.chmod(0o777)
    (folder / "captures").symlink_to(CAPTURES)
    programs = folder / "bin"
    programs.mkdir()
    (programs / "tshark").symlink_to(WITH_PLUGIN)
    (programs / "many.sh").symlink_to(ROOT / "scripts" / "many.sh")
    return folder


@pytest.fixture(scope="module")
def run(wireshark, folder):
    def run(language, recipe):
        for program, package in PROGRAMS.items():
            if re.search(rf"\b{program}\b", recipe) and not shutil.which({"many.sh": "parallel"}.get(program, program)):
                pytest.skip(f"{package} is not installed")
        if language == "python":
            pytest.importorskip("pandas", reason="python3-pandas is not installed")
        command = [sys.executable, "-c", recipe] if language == "python" else ["bash", "-euo", "pipefail", "-c", recipe]
        environment = dict(wireshark.environment, PATH=f"{folder / 'bin'}:{os.environ['PATH']}")
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    return run


def test_the_document_has_recipes():
    assert len(RECIPES) >= 7 and sum(shown is not None for _, _, shown in RECIPES) >= 6


@pytest.mark.parametrize("language, recipe, shown", RECIPES,
                         ids=[recipe.split("\n")[0][:60] for _, recipe, _ in RECIPES])
def test_the_recipe_prints_what_the_document_shows(language, recipe, shown, run, update):
    done = run(language, recipe)
    assert done.returncode == 0, done.stderr
    if shown is not None:
        if update:
            text = MACHINES.read_text(encoding="utf-8")
            old, new = (f"{recipe}```\n```output\n{output}```" for output in (shown, done.stdout))
            MACHINES.write_text(text.replace(old, new), encoding="utf-8")
            shown = done.stdout
        assert done.stdout == shown


def test_the_bulk_file_keeps_the_rules_of_the_bulk_interface(run, folder):
    """An action line, a document line, and so on; each is one JSON object; a line feed after the last one too."""
    recipe = next(recipe for _, recipe, _ in RECIPES if "bulk.ndjson" in recipe)
    assert run("sh", recipe).returncode == 0
    text = (folder / "bulk.ndjson").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    lines = [json.loads(line) for line in text.splitlines()]
    actions, documents = lines[::2], lines[1::2]
    assert len(actions) == len(documents) >= 15
    assert all(action == {"index": {"_index": "tcpstate"}} for action in actions)
    asked = {name.replace(".", "_") for name in re.findall(r"-e ([\w.]+)", recipe)}
    for document in documents:
        assert set(document) == {"timestamp", "layers"} and document["timestamp"].isdigit()
        assert set(document["layers"]) == asked
        assert all(isinstance(value, str) for values in document["layers"].values() for value in values)


def test_the_template_fits_the_documents(run, folder):
    """It is JSON, and of its patterns each field of the recipe matches one, the first of which gives it its type."""
    text = MACHINES.read_text(encoding="utf-8")
    template = json.loads(re.search(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1])
    types = {}
    for rule in template["template"]["mappings"]["dynamic_templates"]:
        (_, rule), = rule.items()
        patterns = rule["path_match"] if isinstance(rule["path_match"], list) else [rule["path_match"]]
        types.update({re.compile(re.escape(pattern).replace(r"\*", ".*") + "$"): rule["mapping"]["type"]
                      for pattern in patterns})

    def type_of(name):
        return next(kind for pattern, kind in types.items() if pattern.match("layers." + name))

    assert [type_of(name) for name in ("ip_src", "tcp_srcport", "tcpstate_pair", "tcpstate_open_time",
                                       "tcpstate_client_time_in_state", "tcpstate_client_since")] == \
        ["ip", "long", "keyword", "double", "double", "long"]


def many(run, *words, **variables):
    setting = " ".join(f"{name}={value}" for name, value in variables.items())
    return run("sh", f"{setting} many.sh " + " ".join(f"'{word}'" for word in words))


def test_many_captures_are_the_same_with_one_job_and_with_two(run):
    files = [f"captures/{path.name}" for path in sorted(CAPTURES.glob("close-*.pcapng"))][:8]
    one, two = (many(run, "connections", *files, JOBS=jobs) for jobs in (1, 2))
    assert one.returncode == two.returncode == 0 and one.stdout == two.stdout
    assert [line.split(",")[0] for line in two.stdout.splitlines()] == ["file", *files]


def test_a_file_with_trouble_is_named_and_the_others_are_read(run, folder):
    odd = folder / 'odd, "name".pcapng'
    shutil.copy(CAPTURES / "open-refused.pcapng", odd)
    (folder / "cut.pcapng").write_bytes((CAPTURES / "close-three-segment.pcapng").read_bytes()[:700])
    done = many(run, "connections", "captures/open-refused.pcapng", "cut.pcapng", odd.name)
    assert done.returncode != 0 and "cut.pcapng: tshark has trouble with it" in done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == 4 and rows[3].startswith('"odd, ""name"".pcapng",0,1,')
