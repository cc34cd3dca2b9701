"""Wireshark's window as its user has it: the packet list, the details, the filter, the menus, and windows that open.

Knows where Wireshark has what; what should stand there is the tests' affair. Look next: test_main_window.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re
import shutil

from desktop import choose, undisturbed, wait_for

COUNTS = re.compile(r"Packets: (\d+)(?:.*Displayed: (\d+)\b)?.*", re.S)
# What Wireshark, Qt or GLib write when something goes wrong that should not.
TROUBLE = re.compile(r"Dissector bug|CRITICAL|assert|Segmentation|terminate called|ERROR|g_return_if_fail")

GEOMETRY = """
gui.geometry_main_maximized: FALSE
gui.geometry_main_x: 20
gui.geometry_main_y: 20
gui.geometry_main_width: {width}
gui.geometry_main_height: {height}
gui.geometry_main_upper_pane: {upper}
gui.geometry_main_lower_pane: {lower}
"""


class Program:
    """A running Wireshark with a home of its own, in which it remembers `size` (width, height) as its window's. The
    folder `profile`, if given, is one of its profiles. One window after the other in one program does not go well: Qt
    does not tell of a window that is where one was that has been closed."""

    def __init__(self, desktop, home, *arguments, size=(1100, 940), profile=None):
        self.desktop = desktop
        folder = home / ".config" / "wireshark"
        folder.mkdir(parents=True, exist_ok=True)
        if profile:
            shutil.copytree(profile, folder / "profiles" / profile.name)
        for recent in (folder / "recent_common", folder / "recent", *folder.glob("profiles/*/recent")):
            with open(recent, "a", encoding="utf-8") as file:
                file.write(GEOMETRY.format(width=size[0], height=size[1], upper=size[1] * 2 // 7,
                                           lower=size[0] * 3 // 5))
        self.log = open(home / "wireshark.log", "w+", encoding="utf-8", errors="backslashreplace")
        self.process = desktop.run("wireshark", *map(str, arguments), home=home, log=self.log)
        self.application = wait_for("Wireshark's windows", self._application)
        self.main = wait_for("Wireshark's main window", self._main_window)

    def _application(self):
        assert self.runs(), f"Wireshark ended with status {self.process.returncode}: {self.output()[-1500:]}"
        return self.desktop.application(self.process)

    def _main_window(self):
        return next((window for window in self.windows() if window.showing and window.all("status bar")), None)

    def runs(self):
        return self.process.poll() is None

    def output(self):
        """What it wrote to the terminal."""
        self.log.seek(0)
        return self.log.read()

    # ---- the main window ----

    @property
    def title(self):
        return self.main.name

    def status(self):
        """(packets, displayed) as the status bar has them; None while it says something else."""
        for label in self.main.find("status bar").all("label", COUNTS):
            packets, displayed = COUNTS.fullmatch(label.name).groups()
            return int(packets), int(packets if displayed is None else displayed)
        return None

    def wait_loaded(self, packets, displayed=None):
        """Waits until so many packets are loaded and, unless told otherwise, displayed."""
        wanted = (packets, packets if displayed is None else displayed)
        wait_for(lambda: f"(packets, displayed) {wanted}, it is {self.status()}", lambda: self.status() == wanted)

    def packets(self):
        """The packet list: one dictionary per row, by the columns' titles."""
        return table_rows(self.main.find("tree", "Packet list"))

    def column(self, title):
        return [row[title] for row in self.packets()]

    def select(self, number):
        """Clicks on the packet and waits until its details are there."""
        choose(lambda: named(self.main.find("tree", "Packet list"), str(number)))
        wait_for(f"the details of packet {number}", lambda: self.details()[0].startswith(f"Frame {number}:"))

    def _detail_cells(self):
        return cells_of(self.main.find("tree", "Packet details"))

    def details(self):
        """The lines of the packet details, as far as they are expanded."""
        return undisturbed(lambda: [cell.name for cell in self._detail_cells()])

    def detail(self, pattern):
        """The line of the details in which the pattern is found."""
        return wait_for(f"a detail like {pattern}",
                        lambda: next((cell for cell in self._detail_cells() if re.search(pattern, cell.name)), None))

    def expand(self, pattern):
        """Expands a line of the details, by the keyboard."""
        before = len(self.details())
        choose(lambda: self.detail(pattern))
        self.desktop.key("Right")
        wait_for(f"more details below {pattern}", lambda: len(self.details()) > before)

    def filter(self, text):
        """Types a display filter, and the return key."""
        entry = self.main.find("text", "Display filter entry", {"combo box"})
        entry.focus()
        entry.write(text)
        wait_for(f"the filter {text}", lambda: entry.text == text)
        self.desktop.key("Return")

    # ---- menus and other windows ----

    def _menu(self, path):
        node = self.main.find("menu bar")
        for name in path:
            entries = node.child(0) if node.role == "menu item" else node
            node = next((entry for entry in entries.children() if entry.name == name), None)
            if node is None:
                return None
        return node

    def menu_entries(self, *path):
        """The names of the entries of a menu."""
        menu = wait_for(f"menu {path}", lambda: self._menu(path))
        return [node.name for node in menu.child(0).children() if node.role == "menu item"]

    def menu(self, *path):
        """Chooses an entry of a menu."""
        wait_for(f"menu {path}", lambda: self._menu(path)).press()

    def windows(self):
        return [node for node in self.application.children() if node.role in ("frame", "dialog", "window", "alert")]

    def window(self, title):
        """A window other than the main one, waited for, that has this in its title."""
        def look():
            return next((window for window in self.windows()
                         if title in window.name and window.showing and window.name != self.title), None)
        return wait_for(lambda: f"a window {title!r}; there are {self.windows()}", look)

    # ---- preferences ----

    def preferences(self, protocol):
        """The preferences dialog, open at the page of a protocol."""
        self.menu("Edit", "Preferences…")
        dialog = self.window("Preferences")
        pages = next(tree for tree in dialog.all("tree") if tree.showing)
        choose(lambda: named(pages, "Protocols"))
        self.desktop.key("Right")
        wait_for(f"a page {protocol}", lambda: any(cell.name == protocol for cell in cells_of(pages)))
        self.desktop.type(protocol.lower())
        dialog.find("label", protocol)
        return dialog

    # ---- the end ----

    def quit(self):
        """Leaves by the menu. Returns the exit status."""
        self.menu("File", "Quit")
        try:
            return self.process.wait(20)
        finally:
            self.kill()

    def kill(self):
        if self.runs():
            self.process.kill()
        self.process.wait()
        if self.process in self.desktop.processes:
            self.desktop.forget(self.process)

    def trouble(self):
        """The lines of its output that no sound program writes."""
        return [line for line in self.output().splitlines() if TROUBLE.search(line)]


def cells_of(table):
    return undisturbed(lambda: [node for node in table.children() if node.role == "table cell"])


def named(table, name):
    """The first cell of that name."""
    return undisturbed(lambda: next(cell for cell in cells_of(table) if cell.name == name))


def table_rows(table):
    """A table's rows as dictionaries by its headings."""
    named = undisturbed(lambda: [(node.role, node.name) for node in table.children()])
    headings = [name for role, name in named if role == "table column header"]
    cells = [name for role, name in named if role == "table cell"]
    return [dict(zip(headings, cells[first:first + len(headings)])) for first in range(0, len(cells), len(headings))]


def choose_in(window, name):
    """Chooses the entry of that name in the one of a window's lists that has it."""
    box, entry = next((box, entry) for box in window.all("combo box")
                      for entry in box.all("list item", name, inside=("list",)))
    box.click()
    wait_for(f"the list with {name} to open", lambda: entry.showing)
    entry.click()
    wait_for(f"{name} to be chosen", lambda: box.name == name)
