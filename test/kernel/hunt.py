#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hunt for mistakes of the plugin: record many connections that do anything at any time, and compare.

The committed recordings (record.py) show one thing each, and the plugin is right about all of them. Here profiles
(random_profiles.py) draw what happens, so that what nobody thought of happens too. What differs is for a person to
judge (README.md, Hunting): some of it no observer can know.

Exit status: 0 done, whether anything differs or not; 1 a recording failed or could not be read; 2 bad arguments;
77 this machine cannot record (no root, namespaces or tracing), or cannot compare (no sharkd, or no plugin in it).
"""

import argparse
import concurrent.futures
import inspect
import json
import multiprocessing
import pathlib
import re
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import netlab
import record
from random_play import Play
from random_profiles import PROFILES

NUMBERS = range(400, 500)   # of addresses (netlab.number), in turn; record.py has those below, checks those above
PORTS = 1000                # at most, in one recording


class Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong, without the usage."""

    def error(self, message):
        self.exit(2, f"hunt.py: {message}\n")


def seeds(text):
    """FIRST-LAST, or one number."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is neither a number nor FIRST-LAST")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise argparse.ArgumentTypeError(f"{text}: the last is below the first")
    return range(first, last + 1)


def ports(text):
    """How many connections live side by side."""
    if not text.isdecimal() or not 1 <= int(text) <= PORTS:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {PORTS}")
    return int(text)


def arguments():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="record|compare|show|list")
    one = commands.add_parser("record", help="record profiles into DIR")
    one.add_argument("folder", metavar="DIR")
    one.add_argument("--profile", nargs="+", metavar="NAME", choices=PROFILES, default=list(PROFILES),
                     help="these; all without (see list)")
    one.add_argument("--seeds", type=seeds, metavar="FIRST-LAST", default=seeds("1"), help="1 without")
    one.add_argument("--count", type=ports, metavar="N", default=50, help="ports with connections, 50 without")
    one.add_argument("--family", type=int, choices=(4, 6), help="IP version; without, every third seed is IPv6")
    one = commands.add_parser("compare", help="compare all recordings of DIR with the plugin")
    one.add_argument("folder", metavar="DIR")
    one = commands.add_parser("show", help="the frames of one port's connections, between the kernels' steps")
    one.add_argument("folder", metavar="DIR")
    one.add_argument("name", metavar="NAME", help="of the recording, without its suffixes")
    one.add_argument("port", metavar="PORT", type=int, help="the client's")
    one.add_argument("point", metavar="POINT", choices=record.POINTS, help="where captured: client, middle or server")
    commands.add_parser("list", help="say what profiles there are")
    return parser, parser.parse_args()


# --- record --------------------------------------------------------------------------------------
def job(out, profile, seed, family, count, number):
    """One recording, in a process of its own; a line that says how it went, and whether it went well."""
    name = f"{profile}_{seed}" + ("_v6" if family == 6 else "")
    try:
        document = record_one(name, out, PROFILES[profile], f"{profile} {seed}", family, count, number)
        return f"{name:32} {len(document['connections'])} connections", True
    except Exception:
        return f"FAILED {name}\n{traceback.format_exc()}", False


def record_one(name, out, profile, seed, family, count, number):
    """Play the profile and write what happened; returns the truth."""
    plays = []

    def function(lab):
        plays.append(Play(lab, seed, count))
        profile(plays[0])

    netlab.number(number)
    lab, events = record.watch(function, family, profile.options)
    shows = f"{inspect.getdoc(profile)} Random, on {count} ports. Faults: {plays[0].path}."
    return record.describe(name, shows, lab, events, out)


def record_all(args, parser):
    out = pathlib.Path(args.folder)
    if out.exists() and not out.is_dir():
        parser.error(f"{out} is no folder")
    if lacking := record.missing():
        print(lacking, file=sys.stderr)
        return 77
    out.mkdir(parents=True, exist_ok=True)
    wanted = [(profile, seed, args.family or (4 if seed % 3 else 6)) for seed in args.seeds
              for profile in args.profile]
    failed = 0
    context = multiprocessing.get_context("spawn")
    with netlab.time_stamps(), concurrent.futures.ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        jobs = [pool.submit(job, out, *one, args.count, NUMBERS[index % len(NUMBERS)])
                for index, one in enumerate(wanted)]
        for done in jobs:
            line, well = done.result()
            failed += not well
            print(line, file=sys.stdout if well else sys.stderr, flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} recordings in {out}")
    return 1 if failed else 0


# --- compare and show ----------------------------------------------------------------------------
def truths_of(args, parser):
    """The paths of the truth files that the arguments name."""
    folder = pathlib.Path(args.folder)
    if not folder.is_dir():
        parser.error(f"{folder} is no folder")
    if args.command == "show":
        paths = [path for path in folder.glob("*.truth.json") if path.name == f"{args.name}.truth.json"]
    else:
        paths = sorted(folder.glob("*.truth.json"))
    if not paths:
        parser.error(f"{folder} has no recording" + (f" {args.name}" if args.command == "show" else ""))
    return paths


def judge(args, parser):
    """compare or show."""
    paths = truths_of(args, parser)
    try:                                    # recording needs none of this
        import hunt_compare
        import hunt_show
        from test_kernel_truth import Failed, start
        sharkd = start()
    except (ImportError, RuntimeError) as error:
        print(f"cannot compare here: {error}", file=sys.stderr)
        return 77
    try:
        truths = [json.loads(path.read_text()) for path in paths]
        if args.command == "compare":
            hunt_compare.report(sharkd, pathlib.Path(args.folder), truths)
            return 0
        if all(connection["client"]["port"] != args.port for connection in truths[0]["connections"]):
            parser.error(f"{args.name} has no connection of port {args.port}")
        hunt_show.report(sharkd, pathlib.Path(args.folder), truths[0], args.port, args.point)
        return 0
    except (Failed, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def main():
    parser, args = arguments()
    if args.command == "record":
        return record_all(args, parser)
    if args.command != "list":
        return judge(args, parser)
    for name, profile in PROFILES.items():
        print(f"{name:24} {' '.join(inspect.getdoc(profile).split())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
