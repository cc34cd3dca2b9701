"""What every test of the windows shares: a desktop, Wireshark on it, and a picture of the screen when a test fails.

Runs as the user that Wireshark has to run as, with the plugin in WIRESHARK_PLUGIN_DIR: scripts/with-plugin.sh sees to
that. Pictures go to $TCPSTATE_PICTURES, or to pytest's own folder. Look next: program.py, test_main_window.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import desktop as desktop_module
from program import Program

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "captures"
LIMIT = 90  # seconds for one test, which needs three


def pytest_collection_modifyitems(items):
    missing = desktop_module.missing()
    if not missing and importlib.util.find_spec("pytest_timeout") is None:
        missing = "not installed: python3-pytest-timeout"
    if not missing and not os.environ.get("WIRESHARK_PLUGIN_DIR"):
        missing = "run by scripts/with-plugin.sh, which ctest does"
    for item in items:
        item.add_marker(pytest.mark.skip(reason=missing) if missing else pytest.mark.timeout(LIMIT))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Takes the picture while the windows are still there."""
    outcome = yield
    report = outcome.get_result()
    session_desktop = item.funcargs.get("desktop")
    if report.when != "call" or not report.failed or session_desktop is None:
        return
    folder = pathlib.Path(os.environ.get("TCPSTATE_PICTURES") or session_desktop.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / (re.sub(r"[^\w.-]+", "-", item.name) + ".png")
        session_desktop.screenshot(picture)
        report.sections.append(("picture", str(picture)))
    except (OSError, subprocess.SubprocessError) as error:
        report.sections.append(("no picture", str(error)))


@pytest.fixture(scope="session")
def desktop(tmp_path_factory):
    desktop = desktop_module.Desktop(tmp_path_factory.mktemp("desktop"))
    yield desktop
    desktop.stop()


@pytest.fixture
def captures():
    """The folder of captures."""
    return CAPTURES


def problems_at_the_end(program):
    """Ends Wireshark by its menu, if it still runs. What was not in good order."""
    status = program.quit() if program.runs() else program.process.returncode
    program.kill()
    return program.trouble() + ([f"Wireshark ended with status {status}"] if status else [])


@pytest.fixture
def start(desktop, tmp_path):
    """Starts Wireshark with arguments. After the test it has to end in good order, without complaints."""
    running = []

    def start(*arguments, **options):
        home = tmp_path / f"home{len(running)}"
        home.mkdir()
        running.append(Program(desktop, home, *arguments, **options))
        return running[-1]

    yield start
    problems = [problem for program in running for problem in problems_at_the_end(program)]
    assert not problems, problems


@pytest.fixture
def opened(start, captures):
    """Opens a capture of the repository and waits for its packets."""
    def opened(name, packets, *arguments, displayed=None, **options):
        program = start("-r", captures / name, *arguments, **options)
        program.wait_loaded(packets, displayed)
        return program
    return opened


@pytest.fixture
def tshark(desktop):
    """tshark's output, with the same plugin."""
    def tshark(*arguments):
        done = subprocess.run(["tshark", "-n", *map(str, arguments)], env=desktop.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, encoding="utf-8", timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return tshark
