"""What the plugin costs: measures it against nothing, the floor and the alternatives, and prints Markdown. Run by
bench.sh. Each section stands for itself: it is printed, and with --write replaces its own part of
docs/performance.md, with the limit it has to keep and whether it does.

Look next: test/bench/measuring.py, which runs and counts; captures/make/bulk.py, which makes the captures.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import argparse
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "bench"))
import window  # noqa: E402
from measuring import (CAPTURES, NOTHING, SLICES, Measuring, Subject, at_once, median_and_spread,  # noqa: E402
                       ratios)

DOCUMENT = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "growth.svg"
BENCH = ROOT / "test" / "bench"
TRANSITIONS = re.compile(r"\[((?:client|server)→[^]]*)\]$")

# The limits, as the project set them.
MOST_INSTRUCTIONS = 1.04   # of those without the plugin
MOST_IN_CORE = 150         # instructions per segment that changes nothing
MOST_FOR_REPORT = 1.00     # of the time of -z conv,tcp
MOST_MEMORY = 300          # octets per connection
MOST_BENT = 1.25           # time per packet of the largest capture over that of the smallest, above tshark's own


class Bench:
    """What the sections share: the plugin, its rivals, and how often to repeat."""

    def __init__(self, measuring, pairs):
        tools = measuring.tools
        self.measuring, self.count = measuring, pairs
        self.plugin = Subject("tcpstate", os.environ["TCPSTATE_MODULE"])
        self.reporters = [Subject("conv,tcp", "none", ("-q", "-z", "conv,tcp")),
                          Subject("exchanges", self.plugin.module, ("-q", "-z", "tcpstate,exchanges"))]
        self.floors = [
            Subject("a post-dissector that does nothing", tools / "floor_post" / "floor_post.so"),
            Subject("… and a dissector in TCP's place that calls TCP", tools / "floor_wrapper" / "floor_wrapper.so"),
            Subject("… that finds the connection in its own table", tools / "floor_table" / "floor_table.so"),
        ]
        self.rivals = [
            Subject("post-dissector with wanted fields, same core", tools / "wanted_fields" / "wanted_fields.so"),
            Subject("reduced post-dissector in Lua", "none", ("-X", f"lua_script:{BENCH / 'states.lua'}")),
        ]

    def pairs(self, name, first, second):
        """Pairs of usages of tshark on a capture, by two subjects in turns."""
        capture = self.measuring.capture(name)
        return self.measuring.pairs(self.count, *(lambda subject=subject: self.measuring.tshark(subject, capture)
                                                  for subject in (first, second)))


# ---- Markdown ----

def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def verdict(limit, worst, text):
    """A sentence on a limit: `text` says what it is of."""
    number = f"{limit:.2f}" if isinstance(limit, float) else f"{limit}"
    found = f"{worst:.3f}" if isinstance(limit, float) else f"{worst:.0f}"
    return f"Limit: {text} at most {number}. Worst: {found}. **{'Holds' if worst <= limit else 'Does not hold'}.**\n"


def tell(*cells):
    print(*cells, sep="  ", file=sys.stderr)


# ---- sections ----

def agreement(bench, rival):
    """How many packets with transitions the rival shows as the plugin does: "12,000 of 12,000"."""
    capture = bench.measuring.slice(bench.measuring.capture("short"), SLICES[1])
    shown = [[TRANSITIONS.findall(line) for line in bench.measuring.lines(subject, capture)]
             for subject in (bench.plugin, rival)]
    both = [pair for pair in zip(*shown) if pair[0] or pair[1]]
    return f"{sum(ours == theirs for ours, theirs in both):,} of {len(both):,}"


def alternatives(bench):
    """The floor and the alternatives, instructions per packet and user time of `tshark -r`, many short connections"""
    subjects = [NOTHING, *bench.floors, bench.plugin, *bench.rivals]
    counts = at_once([lambda subject=subject: bench.measuring.instructions(subject, "short") for subject in subjects])
    rows = [("what is loaded", "instructions", "ratio", "user time", "pairs", "same transitions")]
    for subject, count in zip(subjects, counts):
        row = [subject.name, f"{count:,.0f}", f"{count / counts[0]:.3f}", "1.00", "", ""]
        if subject is not NOTHING:
            row[3:5] = median_and_spread(ratios(bench.pairs("short", subject, NOTHING)))
        if subject in bench.rivals:
            row[5] = agreement(bench, subject)
        rows.append(tuple(row))
        tell(*row)
    above = counts[subjects.index(bench.plugin)] - counts[subjects.index(bench.floors[-1])]
    return "\n".join([table(rows), f"tcpstate is {above:,.0f} instructions per packet, {above / counts[0]:.1%}, above "
                      "the floor, which is the fourth row.\n", tcptrace(bench)])


def tcptrace(bench):
    """tcptrace is a program of its own: it dissects no other protocol, and prints a summary per connection."""
    if not shutil.which("tcptrace"):
        return "tcptrace was not there to be measured.\n"
    capture = bench.measuring.capture("short")
    def tcptrace_run():
        return bench.measuring.run(NOTHING, "tcptrace", "-n", "-l", capture)
    def report_run():
        return bench.measuring.tshark(bench.plugin, capture, "-q", "-z", "tcpstate,connections")
    pairs = bench.measuring.pairs(bench.count, tcptrace_run, report_run)
    median, spread = median_and_spread(ratios(pairs))
    return (f"`tcptrace -n -l`, a program of its own that dissects nothing but TCP and knows SYNs and FINs per "
            f"connection but no states per packet, takes {median} ({spread}) of the user time of "
            f"`tshark -q -z tcpstate,connections`, and {max(first.kilobytes for first, _ in pairs) / 1024:.0f} MB over "
            f"{max(second.kilobytes for _, second in pairs) / 1024:.0f} MB.\n")


def compared(bench, first, second):
    """A row per capture: instructions and user time of `first` over `second`. Returns the table and the worst ratio of
    instructions, which no other load disturbs."""
    counts = at_once([lambda name=name, subject=subject: bench.measuring.instructions(subject, name)
                      for name in CAPTURES for subject in (first, second)])
    rows = [("capture", second.name, first.name, "ratio", "user time", "pairs")]
    for name, ours, theirs in zip(CAPTURES, counts[::2], counts[1::2]):
        time = median_and_spread(ratios(bench.pairs(name, first, second)))
        rows.append((CAPTURES[name][3], f"{theirs:,.0f}", f"{ours:,.0f}", f"{ours / theirs:.3f}", *time))
        tell(*rows[-1])
    return table(rows), max(ours / theirs for ours, theirs in zip(counts[::2], counts[1::2]))


def cost(bench):
    """`tshark -r`: instructions per packet, and ratio of user times"""
    text, worst = compared(bench, bench.plugin, NOTHING)
    core = bench.measuring.core_instructions()
    return "\n".join([text, verdict(MOST_INSTRUCTIONS, worst, "instructions with over without"),
                      f"The core alone, per segment that changes nothing, its call included: {core:.0f}.\n",
                      verdict(MOST_IN_CORE, core, "instructions of the core")])


def reports(bench):
    """`tshark -q -z tcpstate,exchanges` and, without the plugin, `tshark -q -z conv,tcp`: instructions per packet"""
    conversations, exchanges = bench.reporters
    text, worst = compared(bench, exchanges, conversations)
    return text + "\n" + verdict(MOST_FOR_REPORT, worst, "instructions of the report over tshark's conversations")


def added(bench, capture):
    """Largest resident sets in kilobytes: without the plugin, and how much is added by it."""
    without, with_plugin = (bench.measuring.resident(subject, capture) for subject in (NOTHING, bench.plugin))
    return without, with_plugin - without


def memory(bench):
    """Largest resident set of `tshark -r`"""
    rows, worst = [("capture", "connections", "without, MB", "added, MB", "octets per connection")], 0
    for name, (_, each, _, what) in CAPTURES.items():
        if each >= 1000:
            continue
        connections = bench.measuring.size(name)[0]
        capture = bench.measuring.capture(name)
        start = added(bench, bench.measuring.slice(capture, SLICES[0]))[1]  # the plugin's code and names
        without, more = added(bench, capture)
        octets = (more - start) * 1024 / connections
        if name != "lossy":  # whose connections are not ordinary
            worst = max(worst, octets)
        rows.append((what, f"{connections:,}", f"{without / 1024:.0f}", f"{more / 1024:.1f}", f"{octets:.0f}"))
        tell(*rows[-1], f"loading it: {start} kB")
    return "\n".join([table(rows), "What the plugin adds on 2,000 packets, code and names of fields, is not counted.\n",
                      verdict(MOST_MEMORY, worst, "octets per ordinary or half-open connection")])


def growth(bench):
    """Growth, ten packets per connection: `-q -z tcpstate,exchanges`, without the plugin `-q -z conv,tcp`, the fastest run"""
    data = []
    rows = [("packets", "connections", "without, s", "with, s", "without, µs per packet", "with", "without, MB",
             "with, MB")]
    for size in (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000):
        connections = size // 10 // bench.measuring.scale
        packets = connections * 10
        capture = bench.measuring.made(f"growth-{connections}x10", connections, 10, "short")
        # One after the other: each of the largest takes eight gigabytes. Of the runs the fastest: others were disturbed.
        runs = (functools.partial(bench.measuring.tshark, subject, capture) for subject in bench.reporters)
        without, with_plugin = (min(usages) for usages in zip(*bench.measuring.pairs(bench.count, *runs)))
        data.append((packets, without, with_plugin))
        rows.append((f"{packets:,}", f"{connections:,}", f"{without.seconds:.1f}", f"{with_plugin.seconds:.1f}",
                     f"{without.seconds / packets * 1e6:.1f}", f"{with_plugin.seconds / packets * 1e6:.1f}",
                     f"{without.kilobytes / 1024:.0f}", f"{with_plugin.kilobytes / 1024:.0f}"))
        tell(*rows[-1])
    plot(data)
    return "\n".join([table(rows), "![Time and memory over the number of packets](images/growth.svg)\n", bent(data)])


def bent(data):
    """Does the plugin grow faster than tshark? The largest capture against the third, whose start no longer counts."""
    (few, few_without, few_with), (many, many_without, many_with) = data[2], data[-1]
    plugin, tshark = ((last.seconds / many) / (first.seconds / few)
                      for first, last in ((few_with, many_with), (few_without, many_without)))
    return (f"From {few:,} to {many:,} packets the time per packet becomes {plugin:.2f} times as much with the plugin, "
            f"{tshark:.2f} times without.\n" + verdict(MOST_BENT, plugin / tshark, "growth of time per packet over "
                                                       "tshark's own"))


def plot(data):
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as file:
        for packets, without, with_plugin in data:
            print(packets, without.seconds, with_plugin.seconds, without.kilobytes / 1024, with_plugin.kilobytes / 1024,
                  file=file)
        file.flush()
        PLOT.parent.mkdir(exist_ok=True)
        per_million = data[-1][2].seconds / data[-1][0] * 1e6
        subprocess.run(["gnuplot", "-e", f"data='{file.name}'; image='{PLOT}'; per_million={per_million}",
                        str(BENCH / "growth.gp")], check=True)


def gui(bench):
    """User time until Wireshark's window has the capture loaded, many short connections"""
    capture = bench.measuring.capture("short")
    with window.Screen() as screen:
        def load(subject):
            return window.load(bench.measuring, subject, capture, screen)
        pairs = bench.measuring.pairs(bench.count, lambda: load(bench.plugin), lambda: load(NOTHING))
    median, spread = median_and_spread(ratios(pairs))
    def middle(usages):
        return sorted(usages)[len(usages) // 2]
    with_plugin, without = (middle([pair[i] for pair in pairs]) for i in range(2))
    packets = bench.measuring.size("short")[0] * bench.measuring.size("short")[1]
    return table([("packets", "without, s", "with, s", "ratio", "pairs", "without, MB", "with, MB"),
                  (f"{packets:,}", f"{without.seconds:.1f}", f"{with_plugin.seconds:.1f}", median, spread,
                   f"{without.kilobytes / 1024:.0f}", f"{with_plugin.kilobytes / 1024:.0f}")])


SECTIONS = {section.__name__: section
            for section in (cost, alternatives, reports, memory, growth, gui)}
USUAL = [name for name in SECTIONS if name not in ("growth", "gui")]


# ---- the document ----

def conditions(scale, pairs):
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    version = version.partition("(Git")[0].strip()
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%h, %as"], capture_output=True, text=True)
    size = "Full size" if scale == 1 else f"A {scale}th of the size"
    processor = model[1] if model else "unknown processor"
    return (f"{size}, {pairs} pair{'s' * (pairs > 1)}; {version}; {processor}, {os.cpu_count()} of them; "
            f"commit {commit.stdout.strip() or 'unknown'}.\n")


def wrapped(text):
    """Prose in lines of 120; tables and titles as they are."""
    return "\n".join(line if line.startswith(("|", "#", "!")) else textwrap.fill(line, 120)
                     for line in text.split("\n"))


def write(name, text):
    """Replaces the section's part of the document, or appends it."""
    text = wrapped(text)
    begin, end = f"<!-- {name}: written by scripts/bench.sh --write -->", f"<!-- end of {name} -->"
    document = DOCUMENT.read_text()
    before, found, rest = document.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    DOCUMENT.write_text(f"{before if found else before.rstrip() + chr(10) * 2}{begin}\n\n{text}\n{end}{after}")


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path, required=True, help="where test/bench was built")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true", help="growth and gui too")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--section", choices=list(SECTIONS), action="append", help="these sections only")
    parser.add_argument("--only", choices=list(CAPTURES), action="append", help="these captures only")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    for name in set(CAPTURES) - set(arguments.only or CAPTURES):
        del CAPTURES[name]
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        scale = 10 if arguments.quick else 1
        measured = conditions(scale, arguments.pairs)  # before others change the tree
        bench = Bench(Measuring(arguments.captures, home, scale, arguments.tools), arguments.pairs)
        for name in arguments.section or (SECTIONS if arguments.all else USUAL):
            title = f"### {SECTIONS[name].__doc__}\n"
            text = "\n".join([title, SECTIONS[name](bench), measured])
            print(text, flush=True)
            if arguments.write:
                write(name, text)


if __name__ == "__main__":
    main()
