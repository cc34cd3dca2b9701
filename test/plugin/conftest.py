"""What every test of the plugin through tshark shares: tshark itself, with the plugin or without, and captures.

Builds nothing: the plugin to test stands in the environment variable TCPSTATE_MODULE (ctest sets it). Every session has
a home of its own, so that nobody's preferences, profiles or installed plugins have a say. Look next: test_textbook.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "captures"
WITH_PLUGIN = ROOT / "scripts" / "with-plugin.sh"
TIMEOUT = 300


def all_captures():
    """The captures of the repository, without the kernel recordings, which have a test of their own."""
    return sorted(path for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".pcapng"))


def append(captures, target):
    """One capture after the other in one file, whatever their link types."""
    subprocess.run(["mergecap", "-a", "-w", str(target), *map(str, captures)], check=True, capture_output=True)
    target.chmod(0o644)
    return target


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write the golden files anew; review the difference")


def pytest_collection_modifyitems(config, items):
    """Tests that want tshark are skipped, visibly, where there is none or no plugin was named."""
    reason = None
    if shutil.which("tshark") is None:
        reason = "tshark is not installed"
    elif not os.environ.get("TCPSTATE_MODULE"):
        reason = "TCPSTATE_MODULE does not name the plugin to test; ctest sets it"
    if reason:
        for item in items:
            if "wireshark" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=reason))


class Wireshark:
    """Wireshark's command-line programs as a user of the plugin runs them."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("XDG_", "WIRESHARK_", "LC_", "LANG"))}
        self.environment.update(HOME=str(home), TZ="UTC", LC_ALL="C.UTF-8")

    def run(self, program, *arguments, plugin=True, check=True, text=True, environment=None, **options):
        """One run; CompletedProcess. `plugin` False: without the plugin. `check`: the exit status must be 0."""
        environment = dict(self.environment, **(environment or {}))
        if not plugin:
            environment["TCPSTATE_MODULE"] = "none"
        options.setdefault("timeout", TIMEOUT)
        if text:
            options.update(text=True, encoding="utf-8", errors="backslashreplace")
        command = [str(WITH_PLUGIN), program, *map(str, arguments)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if text:
            assert "Dissector bug" not in done.stderr, done.stderr[:1500]
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[:1500]}"
        return done

    def tshark(self, *arguments, **options):
        """tshark without name resolution."""
        return self.run("tshark", "-n", *arguments, **options)

    def fields(self, capture, *names, options=(), **more):
        """-T fields: a list of tuples, one string per name and frame. Several occurrences are joined by '|'."""
        done = self.tshark("-r", capture, *options, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|",
                           *(word for name in names for word in ("-e", name)), **more)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def open_to_all(path):
    """Root's tshark runs as nobody, who may have to write here."""
    path.chmod(0o777)
    return path


@pytest.fixture(scope="session")
def wireshark(tmp_path_factory):
    """Wireshark's programs with the plugin under test; fails if the plugin is not loaded."""
    wireshark = Wireshark(open_to_all(tmp_path_factory.mktemp("home")))
    listed = wireshark.run("tshark", "-G", "plugins").stdout
    assert "tcpstate.so" in listed, f"tshark does not load {os.environ['TCPSTATE_MODULE']}:\n{listed}"
    return wireshark


@pytest.fixture(scope="session")
def tshark(wireshark):
    return wireshark.tshark


@pytest.fixture(scope="session")
def fields(wireshark):
    return wireshark.fields


@pytest.fixture(scope="session")
def captures():
    """The folder of captures."""
    return CAPTURES


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """All captures in one file, since starting tshark costs more than reading them; but the flood, which is large and
    all alike."""
    paths = [path for path in all_captures() if path.name != "flood-syn.pcap"]
    return append(paths, open_to_all(tmp_path_factory.mktemp("everything")) / "everything.pcapng")


@pytest.fixture(scope="session")
def wireshark_version(wireshark):
    """(4, 0) and so on."""
    line = wireshark.run("tshark", "--version").stdout.splitlines()[0]
    return tuple(int(part) for part in line.split("Wireshark) ")[1].split()[0].split(".")[:2])


@pytest.fixture
def scratch(tmp_path):
    """A directory that tshark may read and write in, whoever it runs as."""
    return open_to_all(tmp_path)


@pytest.fixture
def update(request):
    """Are golden files to be written anew?"""
    return request.config.getoption("--update")
