"""A screen without a monitor, and what stands on it: windows, menus, tables and texts as a screen reader hears them.

Xvfb draws, openbox manages the windows, and AT-SPI, the interface for assistive programs, tells what is there and
presses it. Knows nothing of Wireshark. Look next: program.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import re
import shutil
import subprocess
import time
import warnings

PROGRAMS = {"Xvfb": "xvfb", "openbox": "openbox", "dbus-daemon": "dbus-daemon", "import": "imagemagick",
            "wireshark": "wireshark"}
SCREEN = (1280, 1000)
KEYS = {"Return": 0xff0d, "Up": 0xff52, "Right": 0xff53}  # their numbers in X, from keysymdef.h
PATIENCE = 30  # seconds; a machine with much else to do is slow


def missing():
    """What Debian would have to install for this to work, as a sentence; empty if nothing."""
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    try:
        import gi
        gi.require_version("Atspi", "2.0")
    except ImportError:
        packages.append("python3-gi")
    except ValueError:
        packages.append("gir1.2-atspi-2.0")
    if not os.path.exists("/usr/share/dbus-1/services/org.a11y.Bus.service"):
        packages.append("at-spi2-core")
    return f"not installed: {', '.join(packages)}" if packages else ""


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of condition(), asked again while what it looks at vanishes. `what`: for the complaint, a
    text or a function that makes one."""
    deadline = time.monotonic() + patience
    while True:
        problem = None
        try:
            found = condition()
            if found:
                return found
        except Gone as gone:
            problem = gone
        if time.monotonic() > deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"waited {patience} s in vain for {what}" + (f" ({problem})" if problem else ""))
        time.sleep(0.05)


def undisturbed(look):
    """look(), again while what it looks at is drawn anew meanwhile and so vanishes."""
    return wait_for("what is drawn anew all the time", lambda: (look(),))[0]


class Gone(Exception):
    """The program no longer has this node, or does not answer."""


class Node:
    """Something on the screen: a window, a menu entry, a cell. Asks anew each time, since nothing tells of changes."""

    def __init__(self, accessible):
        self.accessible = accessible

    def _ask(self, method, *arguments):
        from gi.repository import Atspi, GLib
        if self.accessible is None:
            raise Gone("no such node")
        try:
            return getattr(Atspi.Accessible, method)(self.accessible, *arguments)
        except GLib.Error as error:
            raise Gone(f"{method}: {error.message}") from error

    @property
    def role(self):
        """What kind of thing it is, in the older AT-SPI's words."""
        role = self._ask("get_role_name")
        return "push button" if role == "button" else role

    @property
    def name(self):
        return self._ask("get_name") or ""

    @property
    def count(self):
        return self._ask("get_child_count")

    def child(self, index):
        return Node(self._ask("get_child_at_index", index))

    def children(self):
        """What is directly below. Lists may name what is just going."""
        nodes = (self.child(index) for index in range(self.count))
        return [node for node in nodes if node.accessible is not None]

    def has_state(self, name):
        from gi.repository import Atspi
        return self._ask("get_state_set").contains(getattr(Atspi.StateType, name))

    @property
    def showing(self):
        return self.has_state("SHOWING")

    def all(self, role, name=None, inside=()):
        """Every node below of that role, and of that name if one is given (a text, or a compiled pattern that must
        match all of it). Goes into nodes of the roles `inside` too, which are large and searched only on request."""
        large = {"menu bar", "combo box", "tree", "table", "list"} - set(inside)
        found, level = [], [self]
        while level:
            following = []
            for node in level:
                for child in node.children():
                    kind = child.role
                    if kind == role and matches(child.name, name):
                        found.append(child)
                    elif kind not in large:
                        following.append(child)
            level = following
        return found

    def find(self, role, name=None, inside=(), showing=True):
        """The first such node, waited for; by default only what is to be seen counts."""
        def look():
            for node in self.all(role, name, inside):
                if not showing or node.showing:
                    return node
            return None
        return wait_for(f"{role} {name or ''} in {self}", look)

    @property
    def text(self):
        """What an entry or a text area contains."""
        from gi.repository import Atspi, GLib
        try:
            return Atspi.Text.get_text(self.accessible, 0, -1)
        except GLib.Error as error:
            raise Gone(error.message) from error

    def write(self, text):
        """Puts a text into an entry."""
        from gi.repository import Atspi, GLib
        try:
            Atspi.EditableText.set_text_contents(self.accessible, text)
        except GLib.Error as error:
            raise Gone(error.message) from error

    def paste(self):
        """Puts what was copied into an entry."""
        from gi.repository import Atspi, GLib
        try:
            Atspi.EditableText.paste_text(self.accessible, 0)
        except GLib.Error as error:
            raise Gone(error.message) from error

    def press(self, action=0):
        """Presses a button or a menu entry. A dialog that opens may keep the program from answering: no matter."""
        from gi.repository import Atspi, GLib
        try:
            Atspi.Action.do_action(self.accessible, action)
        except GLib.Error:
            pass

    def area(self):
        """(left, top, width, height) on the screen."""
        from gi.repository import Atspi, GLib
        try:
            area = Atspi.Component.get_extents(self.accessible, Atspi.CoordType.SCREEN)
        except GLib.Error as error:
            raise Gone(error.message) from error
        return area.x, area.y, area.width, area.height

    def click(self, button="b1c", x=None):
        """The mouse: "b1c" is a click of button 1, "b3c" one of button 3, "b1d" a double click."""
        from gi.repository import Atspi
        if not self.showing:
            raise Gone(f"{self} is out of sight")
        left, top, width, height = self.area()
        Atspi.generate_mouse_event(left + (min(width, 80) // 2 if x is None else x), top + height // 2, button)

    def maximize(self):
        """Makes a window as large as the screen: a double click on its title, which is above its area."""
        from gi.repository import Atspi
        wait_for(f"{self} to be in front", lambda: self.has_state("ACTIVE"))
        before = self.area()[2]

        def grown():
            left, top, width, _ = self.area()
            if width > before:
                return True
            Atspi.generate_mouse_event(left + width // 2, top - 8, "b1d")
            try:
                return wait_for("a larger window", lambda: self.area()[2] > before, 3)
            except AssertionError:
                return False  # it was not where it was going to be
        wait_for(f"{self} to be larger", grown)

    def focus(self):
        """Clicks into an entry and waits until keys go there."""
        click_until("FOCUSED", lambda: self, x=100)

    def __repr__(self):
        try:
            return f"{self.role} {self.name!r}"
        except Gone:
            return "what is gone"


def choose(find):
    """Clicks on a table's cell and waits until that had its effect: a key pressed earlier would go elsewhere."""
    click_until("SELECTED", find)


def click_until(state, find, **where):
    """Clicks on what find() finds, and finds it anew when nothing comes of that: it was drawn anew meanwhile, or its window
    was not there yet."""
    def clicked():
        node = find()
        node.click(**where)
        try:
            return wait_for(f"{node} to be {state}", lambda: node.has_state(state), 3)
        except AssertionError:
            return False
    wait_for(lambda: f"{find()} to be {state} after a click", clicked)


def matches(name, wanted):
    if wanted is None or name == wanted:
        return True
    return isinstance(wanted, re.Pattern) and wanted.fullmatch(name) is not None


class Desktop:
    """Xvfb, a bus and a window manager, for one user's programs. `folder`: for what they write."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("XDG_", "LC_", "LANG", "QT_", "DBUS_", "WAYLAND"))}
        self.environment.update(
            HOME=str(folder), XDG_RUNTIME_DIR=str(folder), TZ="UTC", LC_ALL="C.UTF-8", NO_AT_BRIDGE="0",
            QT_LINUX_ACCESSIBILITY_ALWAYS_ON="1", QT_QPA_PLATFORM="xcb", QT_STYLE_OVERRIDE="fusion")
        self.log = open(folder / "desktop.log", "w+", encoding="utf-8", errors="backslashreplace")
        self.environment["DISPLAY"] = ":" + self._start_telling(
            "-displayfd", "Xvfb", "-screen", "0", "%dx%dx24" % SCREEN, "-nolisten", "tcp", "-noreset")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._start_telling(
            "--print-address", "dbus-daemon", "--session", "--nofork", joined="=")
        self._start("openbox", "--sm-disable")
        # The library reads these when it is used first.
        os.environ.update(self.environment)
        import gi
        gi.require_version("Atspi", "2.0")
        from gi.repository import Atspi
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        Atspi.init()
        Atspi.set_timeout(5000, 15000)
        self.atspi = Atspi

    def _start(self, *command, environment=None, log=None, **options):
        log = log or self.log
        process = subprocess.Popen(command, env=environment or self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, **options)
        self.processes.append(process)
        return process

    def _start_telling(self, option, *command, joined=None):
        """Starts a program that writes a line about itself to a file descriptor; that line."""
        reading, writing = os.pipe()
        asked = [f"{option}{joined}{writing}"] if joined else [option, str(writing)]
        self._start(*command, *asked, pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as line:
            told = line.readline().strip()
        assert told, f"{command[0]} did not start; see {self.log.name}"
        return told

    def run(self, *command, home, log):
        """Starts a program of the user's, whose output goes to the open file `log`."""
        return self._start(*command, environment=dict(self.environment, HOME=str(home)), log=log)

    def forget(self, process):
        """A program that ended."""
        self.processes.remove(process)

    def application(self, process):
        """The root of what a program shows; None as long as it shows nothing."""
        desktop = Node(self.atspi.get_desktop(0))
        for node in desktop.children():
            try:
                if node._ask("get_process_id") == process.pid:
                    node.accessible.set_cache_mask(self.atspi.Cache.NONE)
                    return node
            except Gone:
                continue
        return None

    def key(self, name):
        """Presses a key of KEYS."""
        self.atspi.generate_keyboard_event(KEYS[name], None, self.atspi.KeySynthType.SYM)

    def type(self, text):
        """Presses the keys of a text, one after the other."""
        self.atspi.generate_keyboard_event(0, text, self.atspi.KeySynthType.STRING)

    def screenshot(self, path, window="root"):
        """A picture of the screen."""
        subprocess.run(["import", "-silent", "-window", window, str(path)], env=self.environment, check=True, timeout=30)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
