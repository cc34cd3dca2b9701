# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin shows in random recordings, held against what the kernels did.

Two comparisons. Whole flows: the paths of all connections of the same ports, one after the other, as announced at a
capture point, wherever an observer there could know them all. Which frame belongs to which connection is left to the
plugin, because with late segments of former connections no simple rule tells it. And frame by frame: at the
endpoint's own capture point, where there was one connection and its path is right, the state shown at each frame must
be one that the kernel had between this frame and the next. Look next: test_kernel_truth.py, which reads the plugin's
announcements and compares the committed recordings more strictly; hunt.py, the command.
"""

import collections
import math
import re
import sys

from test_kernel_truth import FIELDS, POINTS, SIDES, TOLERANCE, Mismatch, Shown, endpoint, endpoints, table

COUNTED = ("recordings", "flows", "differ", "unknowable", "frames", "early", "wrong", "late")
AT_ONCE = 0.001     # seconds; a frame may be captured, and shown, that much before the kernel has dealt with it
INITIAL = ("CLOSED", "LISTEN")


class States(Shown):
    """The announcements of one capture, and the states shown at each of its frames."""
    fields = FIELDS + tuple(f"tcpstate.{side}" for side in SIDES)

    def __init__(self, sharkd, path):
        self.states = collections.defaultdict(list)     # endpoint -> [(frame, time, state)]
        super().__init__(sharkd, path)

    def take(self, number, row):
        super().take(number, row)
        for side, end in endpoints(row).items():
            self.states[end].append((number, float(row["frame.time_epoch"]), row[f"tcpstate.{side}"]))


def profile_of(name):
    """The profile that a recording is named after."""
    return re.sub(r"(_\d+)?(_v6)?$", "", name)


def compare(sharkd, folder, truth, count):
    """The mismatches of one recording; what there was is added to the count."""
    count["recordings"] += 1
    flows = collections.defaultdict(list)
    for connection in truth["connections"]:
        flows[endpoint(connection, "client")].append(connection)
    for point in POINTS:
        states = States(sharkd, folder / truth["points"][point])
        for connections in flows.values():
            for side in SIDES:
                for what, kernel, shown in compare_flow(states, connections, side, point, count):
                    yield Mismatch(truth["scenario"], point, side, connections[0]["client"]["port"], what, kernel,
                                   shown)


def compare_flow(states, connections, side, point, count):
    """(what differs, the kernel's, the shown) of one side of the connections of the same ports."""
    kernel = kernels_path(connections, f"{side}@{point}", side)
    if kernel is None:
        count["unknowable"] += 1
        return
    count["flows"] += 1
    end = endpoint(connections[0], side)
    path = steps_of(states.path(end, 0, sys.maxsize))
    if [announced.state for announced in path] != kernel:
        count["differ"] += 1
        many = "" if len(connections) == 1 else f" of {len(connections)} connections"
        yield f"path{many}", " ".join(kernel), " ".join(f"{a.state}({a.frame})" for a in path)
    elif side == point and len(connections) == 1:
        count["frames"] += len(states.states[end])
        for number, state, had, what in odd_frames(connections[0]["endpoints"][side]["path"], states.states[end]):
            count[what] += 1
            if what != "late":              # most receipts are proven only by what the receiver sends next
                yield f"frame {number} {what}", " ".join(had), state


def steps_of(path):
    """The announced path, without the CLOSED of a refused connection behind the end of the former one: no step."""
    return [step for before, step in zip([None, *path], path)
            if not (before and before.state == step.state == "CLOSED")]


def kernels_path(connections, where, side):
    """The states of all connections, one after the other; None where an observer could not know them all.

    A connection that began by a SYN of which nothing passed the point has no part in it: nobody there can miss it."""
    out = []
    for connection in connections:
        path = [state for state, _ in connection["endpoints"][side]["path"]]
        mark = connection["knowable"][where]
        if mark is True:
            out += path
        elif mark != "nothing-captured" or path and path[0] != "SYN_SENT":
            return None
    return out


def odd_frames(steps, seen):
    """(frame, shown state, what the kernel had meanwhile, early | wrong | late) of frames that show another state.

    `steps`: the kernel's [state, time]. `seen`: the endpoint's (frame, time, state) as shown."""
    for (number, time, state), (_, following, _) in zip(seen, seen[1:] + [(None, math.inf, None)]):
        before = [entered for entered, at in steps if at <= time - TOLERANCE]
        meanwhile = [entered for entered, at in steps if time - TOLERANCE < at <= following]
        had = (before[-1:] or list(INITIAL)) + meanwhile
        if state not in had:
            what = judge_frame(state, time, before, steps)
            if what:
                yield number, state, had, what


def judge_frame(state, time, before, steps):
    """How the state shown at a frame differs: the kernel had left it, had yet to enter it, or never had it."""
    if state in before or state == "LISTEN":
        return "late"
    to_come = [at for entered, at in steps if entered == state and at > time]
    if not to_come:
        return "wrong"
    return "early" if min(to_come) - time >= AT_ONCE else None


def report(sharkd, folder, truths):
    """Print what differs, and the totals by profile."""
    counts = collections.defaultdict(collections.Counter)
    for truth in truths:
        mismatches = list(compare(sharkd, folder, truth, counts[profile_of(truth["scenario"])]))
        if mismatches:
            print(table(mismatches), flush=True)
    print(f"{'profile':24}" + "".join(f"{word:>11}" for word in COUNTED))
    for profile, count in counts.items():
        print(f"{profile:24}" + "".join(f"{count[word]:>11}" for word in COUNTED))
    total = sum(counts.values(), collections.Counter())
    print(f"{total['differ']} of {total['flows']} flow paths differ. Some of that no observer can know: "
          "judge by hand (README.md, Hunting)")
