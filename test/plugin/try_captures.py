#!/usr/bin/python3
"""Holds captures that nobody made for this project against the plugin, and lists what to look at by hand.

    TCPSTATE_MODULE=build/dev/plugin/tcpstate.so test/plugin/try_captures.py FOLDER|CAPTURE…

Of each capture with TCP in it: tshark ends as it does without the plugin, both passes show the same, and every line of
`tshark -V` that is not the plugin's is what it was without. Exit status 1 if not. Then each reason that was given, the
rarest first, with the first places: whoever knows TCP should agree with every one of them.
Source packages of other projects are full of captures of real hosts: tcpdump, tcpflow, nDPI, Wireshark itself.
Look next: test_modes.py, which asks far more of the captures of this repository.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import argparse
import collections
import itertools
import os
import pathlib
import re
import sys
import tempfile

from conftest import Wireshark, open_to_all
from test_modes import without_ours

SUFFIXES = (".pcap", ".pcapng", ".cap", ".gz", ".dmp", ".erf", ".snoop", ".ntar", ".trace", ".trc")
SHOWN = ("frame.number", "tcpstate.pair", "tcpstate.client.basis", "tcpstate.server.basis", "tcpstate.transition",
         "tcpstate.rst.validity", "tcpstate.reason")
PLACES = 3  # of each reason
# What splitlines() takes for the end of a line, and tshark prints as it stands in the packet.
NO_LINE_ENDS = dict.fromkeys(map(ord, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), "?")


def captures_of(paths):
    for path in map(pathlib.Path, paths):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in inside if file.is_file() and (file == path or file.suffix in SUFFIXES))


def problems_of(wireshark, capture, rows):
    """What is wrong with the capture, and the rows of its frames that have TCP."""
    def tshark(*arguments, **options):
        return wireshark.tshark("-r", capture, *arguments, check=False, **options)
    fields = ["-Y", "tcpstate", "-T", "fields", *(word for name in SHOWN for word in ("-e", name))]
    once, twice = tshark(*fields), tshark("-2", *fields)
    rows += [line.split("\t") for line in once.stdout.split("\n") if line]
    if not rows:
        return
    if once.stdout != twice.stdout:
        yield "two passes show something else than one"
    if "tcpstate" in once.stderr.lower():
        yield once.stderr.strip()
    with_it, without = tshark("-V"), tshark("-V", plugin=False)
    if with_it.returncode != without.returncode:
        yield f"exit status {with_it.returncode}, without the plugin {without.returncode}"
    lines = without.stdout.translate(NO_LINE_ENDS).splitlines()
    for ours, theirs in itertools.zip_longest(without_ours(with_it.stdout.translate(NO_LINE_ENDS)), lines):
        if ours != theirs:
            yield f"another line than without the plugin:\n  {ours}\n  {theirs}"
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="FOLDER|CAPTURE")
    arguments = parser.parse_args()
    if not os.path.isfile(os.environ.get("TCPSTATE_MODULE", "")):
        parser.error("TCPSTATE_MODULE does not name a plugin")
    for path in arguments.paths:
        if not os.path.exists(path):
            parser.error(f"{path}: no such file or folder")
    failed, captures, frames, places = 0, 0, 0, collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        wireshark = Wireshark(open_to_all(pathlib.Path(home)))
        for capture in captures_of(arguments.paths):
            rows = []
            for problem in problems_of(wireshark, capture, rows):
                failed += 1
                print(f"{capture}: {problem}")
            captures += bool(rows)
            frames += len(rows)
            for row in rows:
                if row[-1]:
                    places[re.sub(r"\d+", "N", row[-1])].append(f"{capture.name}:{row[0]}")
    for reason, found in sorted(places.items(), key=lambda item: len(item[1])):
        print(f"{len(found):7} {reason}\n        {' '.join(found[:PLACES])}")
    print(f"{frames} frames with TCP in {captures} captures, {failed} problems")
    return 1 if failed or not frames else 0


if __name__ == "__main__":
    sys.exit(main())
