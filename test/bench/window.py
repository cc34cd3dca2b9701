"""How long Wireshark with its window takes to load a file: user time of the process until it has nothing more to do.

Xvfb draws, xdotool reads the window's title, which is the file's name from the moment that loading begins; loading is
over when the program has been idle after that. Knows no plugin. Look next: measuring.py, whose Subject says which one to load.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import re
import subprocess
import time

from measuring import Usage, WITH_PLUGIN

IDLE = 2.0        # seconds in which hardly any processor time is used, although it was to be had
PATIENCE = 1800
TICKS = os.sysconf("SC_CLK_TCK")


class Screen:
    """An X server without a monitor, as a context."""

    def __enter__(self):
        reading, writing = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1000x24",
                                         "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as line:
            self.display = ":" + line.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def used(process):
    """(user time, time in which it waited for a processor), both in seconds."""
    folder = pathlib.Path(f"/proc/{process.pid}")
    user = int((folder / "stat").read_text().rpartition(")")[2].split()[11]) / TICKS
    waited = sum(int((task / "schedstat").read_text().split()[1]) for task in (folder / "task").iterdir()) / 1e9
    return user, waited


def peak(process):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


def has_title(environment, text):
    return subprocess.run(["xdotool", "search", "--name", text], env=environment, capture_output=True).stdout.strip()


def wait_until_loaded(process, environment, title):
    """Returns the user time at which the last bout of work ended."""
    deadline = time.monotonic() + PATIENCE
    while not has_title(environment, title):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"wireshark showed no window called {title}")
        time.sleep(0.1)
    while time.monotonic() < deadline:
        before = used(process)
        time.sleep(IDLE)
        now = used(process)
        if sum(now) - sum(before) < 0.05 * IDLE:
            return before[0]
    raise SystemExit("wireshark did not come to rest")


def load(measuring, subject, capture, screen):
    """Starts Wireshark with the capture, waits until it is loaded, and ends it. Returns its usage."""
    environment = dict(measuring.environment, TCPSTATE_MODULE=str(subject.module), DISPLAY=screen.display,
                       XDG_RUNTIME_DIR=measuring.environment["HOME"], QT_QPA_PLATFORM="xcb")
    process = subprocess.Popen([str(WITH_PLUGIN), "wireshark", "-n", "-r", str(capture)], env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return Usage(wait_until_loaded(process, environment, capture.name), peak(process))
    finally:
        process.kill()
        process.wait()
