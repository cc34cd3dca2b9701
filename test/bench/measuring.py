"""Runs Wireshark's programs to be measured: instructions by cachegrind, user time in pairs, the largest resident set.

Knows captures and how to count, not what is compared with what. Look next: scripts/bench.py, which does; window.py, for
Wireshark with a window.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import concurrent.futures
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_PLUGIN = ROOT / "scripts" / "with-plugin.sh"
BULK = ROOT / "captures" / "make" / "bulk.py"
SLICES = (2_000, 12_000)

# name: connections, packets per connection, kind of bulk.py, what it stands for
CAPTURES = {
    "short": (80_000, 11, "short", "many short connections"),
    "long": (8, 100_000, "long", "few long connections"),
    "flood": (1_000_000, 2, "flood", "SYN flood, each answered"),
    "lossy": (80_000, 11, "lossy", "loss, reordering, resets"),
}


class Subject(NamedTuple):
    """What is measured: a module to load ("none": no plugin) and options for tshark."""
    name: str
    module: str
    options: tuple = ()


NOTHING = Subject("no plugin", "none")


class Usage(NamedTuple):
    seconds: float    # of user time
    kilobytes: int    # largest resident set


class Measuring:
    """`folder` keeps the captures from run to run; `home` is what tshark takes for the user's; everything is made a
    `scale`th of its full size; `tools` is where test/bench was built."""

    def __init__(self, folder, home, scale, tools):
        self.folder, self.scale, self.tools = folder, scale, tools
        self.environment = dict(os.environ, HOME=str(home), TZ="UTC", LC_ALL="C.UTF-8")
        folder.mkdir(parents=True, exist_ok=True)
        self.one_makes = threading.Lock()  # what others, measured at the same time, wait for

    # ---- captures ----

    def size(self, name):
        """(connections, packets per connection) at this scale."""
        connections, each, _, _ = CAPTURES[name]
        if each >= 1000:
            return connections, each // self.scale
        return connections // self.scale, each

    def capture(self, name):
        connections, each = self.size(name)
        return self.made(f"{name}-{connections}x{each}", connections, each, CAPTURES[name][2])

    def made(self, name, connections, each, kind):
        """The capture of that name, made once and kept."""
        path = self.folder / f"{name}.pcap"
        with self.one_makes:
            if not path.exists():
                print(f"making {path.name}", file=sys.stderr)
                partial = path.with_suffix(".partial")
                subprocess.run([sys.executable, str(BULK), "--connections", str(connections),
                                "--packets-per-connection", str(each), "--kind", kind, str(partial)], check=True,
                               stderr=subprocess.DEVNULL)
                partial.rename(path)
        return path

    def slice(self, capture, packets):
        """The capture's first packets, as a file of its own."""
        part = self.folder / f"{capture.stem}-first-{packets}.pcap"
        with self.one_makes:
            if not part.exists():
                partial = part.with_suffix(".partial")
                subprocess.run(["editcap", "-F", "pcap", "-r", str(capture), str(partial), f"1-{packets}"], check=True,
                               capture_output=True)
                partial.rename(part)
        return part

    # ---- runs ----

    def run(self, subject, *command, output=subprocess.DEVNULL, preload=None):
        """Runs to the end. Returns its usage."""
        environment = dict(self.environment, TCPSTATE_MODULE=str(subject.module))
        if preload:
            environment["LD_PRELOAD"] = str(preload)
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen([str(WITH_PLUGIN), *map(str, command)], env=environment, stdout=output,
                                       stderr=complaints)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                complaints.seek(0)
                raise SystemExit(f"{' '.join(map(str, command))}: {complaints.read().decode(errors='replace')}")
        return Usage(usage.ru_utime, usage.ru_maxrss)

    def tshark(self, subject, capture, *options, output=subprocess.DEVNULL, preload=None):
        return self.run(subject, "tshark", "-n", "-r", capture, *subject.options, *options, output=output, preload=preload)

    def resident(self, subject, capture):
        """Largest resident set of `tshark -r`, in kilobytes. Hash tables with other seeds differ by megabytes."""
        return self.tshark(subject, capture, preload=self.tools / "steady.so").kilobytes

    def lines(self, subject, capture):
        """tshark's lines, one per packet."""
        with tempfile.TemporaryFile() as output:
            self.tshark(subject, capture, output=output)
            output.seek(0)
            return output.read().decode(errors="replace").splitlines()

    def counted(self, subject, *command, preload=None):
        """Instructions of a run to its end."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            os.chmod(place, 0o777)
            counts = pathlib.Path(place) / "counts"
            self.run(subject, "valgrind", "-q", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={counts}",
                     *command, preload=preload)
            total = re.search(r"^summary: (\d+)", counts.read_text(errors="replace"), re.MULTILINE)
        return int(total[1])

    def instructions(self, subject, name):
        """Instructions per packet of `tshark -r`: two slices, subtracted, so that the start does not count."""
        counts = [self.counted(subject, "tshark", "-n", "-r", self.slice(self.capture(name), size), *subject.options,
                               preload=self.tools / "steady.so") for size in SLICES]
        found = (counts[1] - counts[0]) / (SLICES[1] - SLICES[0])
        print(f"{name}, {subject.name}: {found:,.0f} instructions per packet", file=sys.stderr)
        return found

    def core_instructions(self):
        """Instructions of the core per segment that changes nothing."""
        segments = 100_000
        fed, unfed = (self.counted(NOTHING, self.tools / "core_cost", segments, *option) for option in ((), ("unfed",)))
        return (fed - unfed) / segments

    # ---- pairs ----

    def pairs(self, count, first, second):
        """Runs first() and second() in turns, each returning a Usage. Returns the pairs."""
        return [(first(), second()) for _ in range(count)]


def ratios(pairs):
    return [first.seconds / second.seconds for first, second in pairs]


def median_and_spread(values):
    return f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"


def at_once(jobs):
    """Results of the functions, run as many at a time as there are processors. For counts, which do not mind."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda job: job(), jobs))
