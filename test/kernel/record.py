#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Record real TCP connections: packets at three points, and what the kernels at both ends really did.

Exit status: 0 all recorded, 1 a scenario failed, 77 this machine cannot record (no root, namespaces or tracing).
"""

import argparse
import concurrent.futures
import importlib
import inspect
import json
import multiprocessing
import os
import pathlib
import platform
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import knowable
import netlab
import tracing
import truth
from lab import Lab
from middle import write_pcap

MODULES = ("open", "fast_open", "handshake_loss", "close", "close_loss", "reset", "forged_rst", "forged",
           "forged_flags", "reuse", "timers", "mass")
POINTS = ("client", "middle", "server")
SIDES = ("client", "server")


def scenarios():
    """{name: (function, family, options, number)} in a fixed order; the number makes the addresses."""
    out = {}
    for name in MODULES:
        module = importlib.import_module(f"scenarios_{name}")
        for function in vars(module).values():
            own = getattr(function, "__module__", None) == module.__name__
            for family in getattr(function, "families", ()) if own else ():
                full = function.__name__ + ("_v6" if family == 6 else "")
                out[full] = function, family, function.options, len(out) + 1
    return out


def check():
    """Raise Unavailable unless a small version of everything works here."""
    tracing.Trace().close()
    netlab.number(511)
    netlab.Namespaces()


def missing():
    """Why this machine cannot record, or None; tried in a process of its own."""
    with concurrent.futures.ProcessPoolExecutor(1) as first:
        try:
            first.submit(check).result()
        except netlab.Unavailable as error:
            return f"cannot record here: {error}"
    return None


def record(name, out):
    """Record one scenario; runs in a process of its own."""
    function, family, options, number = scenarios()[name]
    netlab.number(number)
    lab, events = watch(function, family, options)
    return name, describe(name, inspect.getdoc(function), lab, events, out)


def watch(function, family, options):
    """Let the function play in a lab; (the lab, the kernel's events meanwhile)."""
    trace = tracing.Trace()
    try:
        lab = Lab(family, **options)
        function(lab)
        lab.run(0.03)
        lab.look_around()
    finally:
        events = trace.close()
    return lab, events


def describe(name, shows, lab, events, out):
    """Write the captures and the truth file."""
    at = truth.points(lab)
    packets = {point: at[point][1] for point in POINTS}
    found = truth.connections(truth.lives(lab, events, packets))
    for point in POINTS:
        write_pcap(out / f"{name}.{point}.pcap", at[point][0])
    document = {
        "scenario": name,
        "shows": " ".join(shows.split()),
        "kernel": platform.release(),
        "points": {point: f"{name}.{point}.pcap" for point in POINTS},
        "connections": [one(c, packets) for c in found],
        "rules": knowable.RULES,
    }
    with open(out / f"{name}.truth.json", "w") as f:
        f.write(to_json(document))
    return document


def one(connection, packets):
    """The truth of one connection."""
    a, p, b, q = connection.flow
    entry = {"client": {"addr": a, "port": p}, "server": {"addr": b, "port": q}, "endpoints": {}, "knowable": {},
             "proof": {}, "first_frame": {}}
    ports = {connection.flow, truth.reverse(connection.flow)}
    for side in SIDES:
        life = connection.life[side]
        entry["endpoints"][side] = {"path": [[s.state, s.ns / 1e9] for s in life.steps],
                                    "causes": [s.cause for s in life.steps], "raw": life.raw}
        for point in POINTS:
            where = f"{side}@{point}"
            judge = knowable.Judge(connection, side, point, packets)
            entry["knowable"][where] = judge.verdict()
            if entry["knowable"][where] is True:
                entry["proof"][where] = judge.proof
            entry["first_frame"][where] = first_frame(connection, side, packets[point], ports)
    return entry


def first_frame(connection, side, packets, ports):
    """The first frame of a point's capture that can belong to this side's part of the connection."""
    begin = connection.starts(side)
    return next((p.frame for p in packets if p.seg.flow in ports and begin <= p.ns < connection.end[side]), None)


def to_json(document):
    """Indented, but with each raw event and each step on one line."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    out, flat = [], 0
    for line in text.split("\n"):
        bare = line.strip()
        opens = flat == 0 and bare in ("{", "[") and len(line) - len(line.lstrip()) >= 6
        if flat or opens:
            flat += bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")
            out.append(line if opens else " " + bare if out[-1].endswith(",") else bare)
            out[-1] += "" if flat else "\n"
        else:
            out.append(line + "\n")
    return "".join(out)


def job(name, out):
    try:
        return record(name, pathlib.Path(out))
    except netlab.Unavailable as error:
        return name, f"unavailable: {error}"
    except Exception:
        return name, traceback.format_exc()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(HERE.parents[1] / "captures" / "kernel"))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenarios; a final * takes all that begin so")
    parser.add_argument("--list", action="store_true", help="say what there is, record nothing")
    parser.add_argument("--jobs", type=int, default=6 * (os.cpu_count() or 1))
    args = parser.parse_args()
    every = scenarios()
    if args.list:
        for name, (function, *_) in every.items():
            print(f"{name:44} {' '.join(inspect.getdoc(function).split())}")
        return 0
    names = [n for n in every if not args.only
             or any(n == o or o.endswith("*") and n.startswith(o[:-1]) for o in args.only)]
    if lacking := missing():
        print(lacking, file=sys.stderr)
        return 77
    os.makedirs(args.out, exist_ok=True)
    with netlab.time_stamps():
        return report(names, every, args)


def report(names, every, args):
    """Run all, the scenarios under load alone at the end, and say how it went."""
    alone = [n for n in names if every[n][0].alone]
    failed = 0
    context = multiprocessing.get_context("spawn")
    for batch, workers in (([n for n in names if n not in alone], args.jobs), (alone, 1)):
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
            for done in concurrent.futures.as_completed([pool.submit(job, n, args.out) for n in batch]):
                name, result = done.result()
                if isinstance(result, str):
                    failed += 1
                    print(f"FAILED {name}\n{result}", file=sys.stderr)
                else:
                    print(f"{name:44} {len(result['connections'])} connections")
    print(f"{len(names) - failed} of {len(names)} scenarios recorded in {args.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
