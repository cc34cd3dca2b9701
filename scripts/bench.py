"""Measures tshark with and without the plugin, and prints the figures as Markdown. Run by bench.sh.

Instructions are counted by callgrind on two slices of a capture and subtracted, so that tshark's start does not count;
they are the same on every machine of a kind. Times are user times of runs one right after the other, as ratio, median of
the pairs. Memory is the largest resident set. Look next: captures/make/bulk.py, which makes the captures.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
WITH_PLUGIN = ROOT / "scripts" / "with-plugin.sh"
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by scripts/bench.sh --write -->", "<!-- end of figures -->"

# name: connections, packets per connection, kind of bulk.py, what it stands for
CAPTURES = {
    "short": (80_000, 11, "short", "many short connections"),
    "long": (8, 100_000, "long", "few long connections"),
    "flood": (1_000_000, 2, "flood", "SYN flood, each answered"),
    "lossy": (80_000, 11, "lossy", "loss, reordering, resets"),
}
SLICES = (2_000, 12_000)


class Bench:
    def __init__(self, folder, home, scale):
        self.folder, self.scale = folder, scale
        self.environment = dict(os.environ, HOME=str(home), TZ="UTC", LC_ALL="C.UTF-8")
        folder.mkdir(parents=True, exist_ok=True)

    def capture(self, name, packets=None):
        """The capture, made once and kept; with `packets` a slice of its beginning."""
        connections, each, kind, _ = CAPTURES[name]
        connections = max(1, connections // self.scale) if each < 1000 else connections
        each = each if each < 1000 else each // self.scale
        path = self.folder / f"{name}-{connections}x{each}.pcap"
        if not path.exists():
            print(f"making {path.name}", file=sys.stderr)
            partial = path.with_suffix(".partial")
            subprocess.run([sys.executable, str(ROOT / "captures" / "make" / "bulk.py"), "--connections", str(connections),
                            "--packets-per-connection", str(each), "--kind", kind, str(partial)], check=True,
                           stderr=subprocess.DEVNULL)
            partial.rename(path)
        if packets is None:
            return path
        part = self.folder / f"{path.stem}-first-{packets}.pcap"
        if not part.exists():
            subprocess.run(["editcap", "-F", "pcap", "-r", str(path), str(part), f"1-{packets}"], check=True,
                           capture_output=True)
        return part

    def run(self, *command, plugin):
        """Runs to the end, output thrown away. Returns (seconds of user time, largest resident set in kilobytes)."""
        environment = self.environment if plugin else dict(self.environment, TCPSTATE_MODULE="none")
        process = subprocess.Popen([str(WITH_PLUGIN), *map(str, command)], env=environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        complaint = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}: {complaint}")
        return usage.ru_utime, usage.ru_maxrss

    def instructions(self, capture, options, plugin):
        """Instructions of one run, and the text of the profile."""
        profile = self.folder / "callgrind.out"
        profile.unlink(missing_ok=True)
        self.run("valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={profile}", "tshark", "-n", "-r", capture,
                 *options, plugin=plugin)
        total = re.search(r"^(?:totals|summary): (\d+)", profile.read_text(errors="replace"), re.MULTILINE)
        return int(total[1]), profile

    def instructions_per_packet(self, name, options, plugin):
        small, large = (self.instructions(self.capture(name, count), options, plugin)[0] for count in SLICES)
        return (large - small) / (SLICES[1] - SLICES[0])

    def ratio(self, count, first, second):
        """Median of user time of `first` over `second`, each a (options, plugin), run in turns."""
        ratios = []
        for _ in range(count):
            times = [self.run("tshark", "-n", *options, plugin=plugin)[0] for options, plugin in (first, second)]
            ratios.append(times[0] / times[1])
        return statistics.median(ratios), ratios

    def core_per_segment(self, name):
        """Instructions within the core per segment, on a capture in which next to nothing changes."""
        _, profile = self.instructions(self.capture(name, SLICES[1]), [], True)
        text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(profile)],
                              capture_output=True, text=True).stdout
        match = re.search(r"^\s*([\d,]+)\s.*?[:/]?tcps_flow_feed\b", text, re.MULTILINE)
        return int(match[1].replace(",", "")) / SLICES[1] if match else None


def report(option, rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([f"**{option}**", "", *lines, ""])


def spread(ratios):
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def measure(bench, pairs, growth):
    parts = []
    rows = [("capture", "without", "with", "ratio")]
    for name, (_, _, _, what) in CAPTURES.items():
        without, with_plugin = (bench.instructions_per_packet(name, [], plugin) for plugin in (False, True))
        rows.append((what, f"{without:,.0f}", f"{with_plugin:,.0f}", f"{with_plugin / without:.3f}"))
        print(*rows[-1], sep="  ", file=sys.stderr)
    parts.append(report("Instructions per packet, `tshark -r`", rows))
    if "long" in CAPTURES:
        core = bench.core_per_segment("long")
        parts.append(f"Of these within the core, per segment of few long connections: "
                     f"{'not found in the profile' if core is None else f'{core:,.0f}'}.\n")

    rows = [("capture", "ratio with/without", "pairs")]
    for name, (_, _, _, what) in CAPTURES.items():
        capture = bench.capture(name)
        median, ratios = bench.ratio(pairs, (["-r", capture], True), (["-r", capture], False))
        rows.append((what, f"{median:.2f}", spread(ratios)))
        print(*rows[-1], sep="  ", file=sys.stderr)
    parts.append(report("User time, `tshark -r`", rows))

    rows = [("capture", "ratio", "pairs")]
    for name, (_, _, _, what) in CAPTURES.items():
        capture = bench.capture(name)
        median, ratios = bench.ratio(pairs, (["-q", "-r", capture, "-z", "tcpstate,exchanges"], True),
                                     (["-q", "-r", capture, "-z", "conv,tcp"], False))
        rows.append((what, f"{median:.2f}", spread(ratios)))
        print(*rows[-1], sep="  ", file=sys.stderr)
    parts.append(report("User time, `-q -z tcpstate,exchanges` over `-q -z conv,tcp` without the plugin", rows))

    rows = [("capture", "connections", "without, MB", "with, MB", "octets per connection")]
    for name, (connections, each, _, what) in CAPTURES.items():
        if each >= 1000:
            continue
        connections //= bench.scale
        capture = bench.capture(name)
        without, with_plugin = (bench.run("tshark", "-n", "-r", capture, plugin=plugin)[1] for plugin in (False, True))
        rows.append((what, f"{connections:,}", f"{without / 1024:.0f}", f"{with_plugin / 1024:.0f}",
                     f"{(with_plugin - without) * 1024 / connections:.0f}"))
        print(*rows[-1], sep="  ", file=sys.stderr)
    parts.append(report("Peak resident memory, `tshark -r`", rows))

    if growth:
        rows = [("packets", "connections", "user time without, s", "with, s", "with, µs per packet")]
        for size in (100_000, 1_000_000, 10_000_000):
            CAPTURES["growth"] = (size // 10 * bench.scale, 10, "short", "growth")
            capture = bench.capture("growth")
            without, with_plugin = (bench.run("tshark", "-n", "-q", "-r", capture, "-z", "tcpstate,exchanges", plugin=True)
                                    if plugin else bench.run("tshark", "-n", "-q", "-r", capture, "-z", "conv,tcp",
                                                             plugin=False) for plugin in (False, True))
            rows.append((f"{size:,}", f"{size // 10:,}", f"{without[0]:.1f}", f"{with_plugin[0]:.1f}",
                         f"{with_plugin[0] / size * 1e6:.1f}"))
            capture.unlink()
        parts.append(report("Growth: `-z tcpstate,exchanges`, without: `-z conv,tcp`", rows))
    return "\n".join(parts)


def conditions(scale):
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    size = "Captures of full size" if scale == 1 else f"Captures of a {scale}th of the size (`--quick`)"
    return f"{size}. {version} {model[1] if model else 'Unknown processor'}, {os.cpu_count()} of them."


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", choices=list(CAPTURES), action="append", help="these captures only")
    arguments = parser.parse_args()
    for name in set(CAPTURES) - set(arguments.only or CAPTURES):
        del CAPTURES[name]
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        bench = Bench(arguments.captures, home, 10 if arguments.quick else 1)
        text = conditions(bench.scale) + "\n\n" + measure(bench, arguments.pairs, arguments.growth)
    print(text)
    if arguments.write:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
