"""Takes pictures of Wireshark's windows with the plugin: screenshots.py PROFILES FOLDER [PICTURE…]

PICTURES below says what is in each of them; screenshots.sh calls this, as the user that Wireshark has to run as.
How windows are found and pressed is in test/gui/program.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "gui"))

from desktop import Desktop, wait_for  # noqa: E402
from program import Program, choose_in, table_rows  # noqa: E402

MENU = ("Statistics", "TCP State")
PROFILE = "TCP State"
PICTURES = {}


def picture(function):
    """A function of the studio that leaves the window to be taken in front."""
    PICTURES[function.__name__.replace("_", "-")] = function
    return function


class Studio:
    """Wireshark with the profile, one capture at a time, and a camera."""

    def __init__(self, desktop, profiles, home):
        self.desktop, self.profiles, self.home = desktop, profiles, home
        self.program = None

    def open(self, capture, *arguments, size=(1240, 740)):
        """A new Wireshark, when its packets are there."""
        home = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        self.program = Program(self.desktop, home, "-C", PROFILE, "-r", ROOT / "captures" / capture, *arguments,
                               size=size, profile=self.profiles / PROFILE)
        wait_for("packets", lambda: (self.program.status() or (0, 0))[0] > 0)
        return self.program

    def close(self):
        if self.program:
            self.program.kill()
        self.program = None

    def table(self, entry, width, height=300):
        """The table of a menu entry, in a window of that size."""
        self.program.menu(*MENU, entry)
        window = self.program.window("TCP State: ")
        wait_for(f"rows of {entry}", lambda: table_rows(window.find("tree")))
        return self.resized(window, width, height)

    def text(self, entry, width, height, typed=None, path=(*MENU, "As Text")):
        """The text of a menu entry."""
        title = "TCP State: " + entry.rstrip("…")
        self.program.menu(*path, entry)
        window = self.program.window(title)
        if typed is not None:
            window.find("text").write(typed)
            window.find("push button", "OK").press()
            wait_for("the question to go", lambda: not window.showing)
            window = self.program.window(title)
        wait_for("the text", lambda: window.find("text").text)
        return self.resized(window, width, height)

    def number_of(self, window):
        """X's number of a window."""
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "^" + re.escape(window.name) + "$"],
                               env=self.desktop.environment, capture_output=True, text=True, check=True, timeout=30)
        return found.stdout.split()[-1]

    def resized(self, window, width, height):
        subprocess.run(["xdotool", "windowsize", "--sync", self.number_of(window), str(width), str(height)],
                       env=self.desktop.environment, check=True, timeout=30)
        return window

    def take(self, window, path):
        """The window with its frame; None: all of the screen that is in use."""
        time.sleep(1)  # for the last of the drawing
        if window is None:
            subprocess.run(["import", "-silent", "-window", "root", "-trim", "+repage", str(path)],
                           env=self.desktop.environment, check=True, timeout=30)
        else:
            subprocess.run(["import", "-silent", "-frame", "-window", self.number_of(window), str(path)],
                           env=self.desktop.environment, check=True, timeout=30)


# ---- the main window ------------------------------------------------------------------------------------------------

@picture
def main_window(studio):
    """A close in three segments, with the packet that does most."""
    program = studio.open("textbook-t3-curl.pcapng")
    program.select(9)
    program.expand("TCP State")
    return program.main


@picture
def corrected(studio):
    """The last ACK was lost: what was presumed is taken back."""
    program = studio.open("close-last-ack-lost.pcapng", size=(1240, 840))
    program.select(12)
    program.expand("TCP State")
    return program.main


@picture
def handshake_steps(studio):
    """The steps of both exchanges, as links."""
    program = studio.open("textbook-t3-curl.pcapng", size=(1000, 960))
    program.select(10)
    program.expand("TCP State")
    for line in ("Close: ", "Opening: "):
        program.expand(line)
    return program.main


@picture
def menu(studio):
    """Where everything is."""
    program = studio.open("textbook-t3-curl.pcapng", size=(1000, 940))
    entry = next(node for node in program.main.find("menu bar").children() if node.name == MENU[0])
    entry.click()
    inner = next(node for node in entry.child(0).children() if node.name == MENU[1])
    wait_for("the menu", lambda: inner.showing)
    studio.desktop.key("Up")
    for _ in range(len(entry.child(0).children())):
        if inner.has_state("FOCUSED") or inner.has_state("SELECTED"):
            break
        studio.desktop.key("Up")
        time.sleep(0.1)
    studio.desktop.key("Right")
    return None


@picture
def tree(studio):
    """How often each state was entered."""
    program = studio.open("http-twelve-at-once.pcapng")
    program.menu(MENU[0], "TCP State Transitions")
    window = program.window("TCP State Transitions")
    wait_for("entries", lambda: window.find("tree").count > 4)
    return studio.resized(window, 900, 620)


@picture
def expert_information(studio):
    program = studio.open("rst-in-window-challenge-ack.pcapng")
    program.menu("Analyze", "Expert Information")
    window = program.window("Expert Information")
    wait_for("entries", lambda: window.find("tree").count > 4)
    return studio.resized(window, 900, 400)


@picture
def preferences(studio):
    return studio.open("textbook-t3-curl.pcapng").preferences("TCP State")


@picture
def flow_graph(studio):
    """States on both lifelines."""
    program = studio.open("close-last-ack-lost.pcapng", size=(1240, 840))
    program.menu("Statistics", "Flow Graph")
    window = program.window("Flow")
    choose_in(window, "TCP states")
    return studio.resized(window, 1000, 540)


# ---- the reports ----------------------------------------------------------------------------------------------------

def table_picture(name, capture, entry, width, height=300, *arguments):
    def take(studio):
        studio.open(capture, *arguments)
        return studio.table(entry, width, height)
    PICTURES["table-" + name] = take


def text_picture(name, capture, entry, width, height, typed=None):
    def take(studio):
        studio.open(capture)
        path = MENU if entry == "Ladder…" else (*MENU, "As Text")
        return studio.text(entry, width, height, typed, path)
    PICTURES[name] = take


table_picture("handshakes", "http-twelve-at-once.pcapng", "Exchanges: handshakes", 1240)
table_picture("closes", "http-twelve-at-once.pcapng", "Exchanges: closes", 1240)
table_picture("failed", "scan-syn.pcapng", "Failed Attempts: attempts", 1240)
table_picture("failed-servers", "flood-syn.pcap", "Failed Attempts: servers", 1000, 220)
table_picture("census", "http-twelve-at-once.pcapng", "Census", 660, 240)
table_picture("stuck", "close-wait-leak.pcapng", "Stuck", 1240, 280, "-o", "tcpstate.stuck_seconds:1")
table_picture("resets", "rst-in-window-then-exact.pcapng", "Resets", 1240, 220)
table_picture("servers", "http-twelve-at-once.pcapng", "Servers", 1240, 220)
table_picture("dwell", "http-twelve-at-once.pcapng", "Time in State", 1240)
table_picture("connections", "http-twelve-at-once.pcapng", "Connections", 1240)
text_picture("text-exchanges", "textbook-t3-curl.pcapng", "Exchanges", 660, 380)
text_picture("text-stuck", "close-wait-leak.pcapng", "Stuck…", 660, 460, "1")
text_picture("text-servers", "flood-syn.pcap", "Servers", 660, 380)
text_picture("ladder", "close-last-ack-lost.pcapng", "Ladder…", 720, 560, "0")


def main(profiles, folder, *names):
    unknown = set(names) - set(PICTURES)
    if unknown:
        sys.exit(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        desktop = Desktop(pathlib.Path(home))
        studio = Studio(desktop, pathlib.Path(profiles), pathlib.Path(home))
        try:
            for name in names or PICTURES:
                window = PICTURES[name](studio)
                studio.take(window, pathlib.Path(folder) / f"{name}.png")
                studio.close()
        finally:
            studio.close()
            desktop.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
