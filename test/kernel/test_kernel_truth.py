# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin shows, held against what the kernels did (captures/kernel/*.truth.json).

For every capture point and endpoint the path of states that the plugin announces must be the kernel's, wherever the
truth file says that an observer there could know it; and nothing is announced before the packet that proves it.
sharkd (sharkd.py) reads the captures. `python3 test/kernel/test_kernel_truth.py` prints the table of all mismatches.
"""

import collections
import json
import pathlib
import shutil
import sys

import pytest

from sharkd import Failed, Sharkd

CAPTURES = pathlib.Path(__file__).resolve().parents[2] / "captures" / "kernel"
TRUTHS = sorted(CAPTURES.glob("*.truth.json"))
POINTS, SIDES = ("client", "middle", "server"), ("client", "server")
SENT = {"SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "LAST_ACK"}
# A state entered by sending is set just before its segment is captured; the trace's clock is read without locks and
# was measured never to run ahead of the capture's for these states (README.md). A SYN_RECEIVED without an event is
# dated by its SYN,ACK in the same capture.
TOLERANCE = 0.0001
FIELDS = ("frame.time_epoch", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.flags",
          "tcpstate.sender", "tcpstate.transition", "tcpstate.corrected")
SYN, RST = 0x02, 0x04

Announced = collections.namedtuple("Announced", "state frame time presumed")
Frame = collections.namedtuple("Frame", "number time states corrected presumed")
Mismatch = collections.namedtuple("Mismatch", "scenario point side port what kernel shown")


class Shown:
    """The announcements of one capture, per endpoint: (local address, port, remote address, port) -> [Announced]."""

    fields = FIELDS

    def __init__(self, sharkd, path):
        self.frames = collections.defaultdict(list)     # endpoint -> [Frame]
        for number, row in sharkd.frames(path, self.fields):
            if row["tcpstate.sender"]:
                self.take(number, row)

    def take(self, number, row):
        """One frame of a connection that the plugin follows."""
        if not row["tcpstate.transition"]:
            return
        ends, sender = endpoints(row), row["tcpstate.sender"]
        corrected = {int(n) for n in row["tcpstate.corrected"].split(",") if n}
        announced = collections.defaultdict(list)
        for item in row["tcpstate.transition"].split(","):
            side, state = item.split("→")
            announced[side].append(state)
        # what a segment says of its receiver is presumed, and so is all that a RST says, and that a SYN,ACK of a
        # simultaneous open opens its sender
        flags = int(row["tcp.flags"], 16)
        for side, states in announced.items():
            presumed = flags & RST or side != sender or (flags & SYN and "ESTABLISHED" in states)
            self.frames[ends[side]].append(Frame(number, float(row["frame.time_epoch"]), states, corrected, presumed))

    def path(self, end, first, last):
        """The announced path within frames first <= n < last, without what was taken back."""
        out = []
        for frame in self.frames[end]:
            if not first <= frame.number < last:
                continue
            for state in frame.states:      # one frame may take back more than one presumption
                taken_back = False
                while out and out[-1].presumed and out[-1].frame in frame.corrected and out[-1].state != state:
                    out.pop()
                    taken_back = True
                if not (taken_back and out and out[-1].state == state):     # else a state that had never been left
                    out.append(Announced(state, frame.number, frame.time, frame.presumed))
        while out and out[0].state in ("CLOSED", "LISTEN"):
            out.pop(0)                      # initial states are no part of a path
        return out


def endpoints(row):
    """{side: endpoint} of a frame."""
    source = (row["ip.src"] or row["ipv6.src"], int(row["tcp.srcport"]))
    target = (row["ip.dst"] or row["ipv6.dst"], int(row["tcp.dstport"]))
    other = "server" if row["tcpstate.sender"] == "client" else "client"
    return {row["tcpstate.sender"]: source + target, other: target + source}


def compare(sharkd, truth_path):
    """(mismatches, number of endpoints compared) for one scenario."""
    truth = json.loads(truth_path.read_text())
    bad, compared = [], 0
    for point in POINTS:
        shown = Shown(sharkd, CAPTURES / truth["points"][point])
        for index, connection in enumerate(truth["connections"]):
            for side in SIDES:
                where = f"{side}@{point}"
                if connection["knowable"][where] is not True:
                    continue
                compared += 1
                first = connection["first_frame"][where]
                last = following(truth["connections"], index, where)
                path = shown.path(endpoint(connection, side), first, last)
                what = judge(connection, side, point, path)
                if what:
                    kernel = " ".join(s for s, _ in connection["endpoints"][side]["path"])
                    bad.append(Mismatch(truth["scenario"], point, side, connection["client"]["port"], what, kernel,
                                        " ".join(f"{a.state}({a.frame})" for a in path)))
    return bad, compared


def endpoint(connection, side):
    local, remote = connection[side], connection["server" if side == "client" else "client"]
    return local["addr"], local["port"], remote["addr"], remote["port"]


def following(connections, index, where):
    """The frame at which the next connection of the same addresses and ports begins on this side."""
    this = connections[index]
    for other in connections[index + 1:]:
        same = this["client"] == other["client"] and this["server"] == other["server"]
        if same and other["first_frame"][where]:
            return other["first_frame"][where]
    return sys.maxsize


def judge(connection, side, point, path):
    """What is wrong with an announced path, or None."""
    kernel = connection["endpoints"][side]["path"]
    if [a.state for a in path] != [state for state, _ in kernel]:
        return "path"
    for announced, proof in zip(path, connection["proof"][f"{side}@{point}"]):
        if announced.frame < proof:
            return f"{announced.state} before its proof in frame {proof}"
    if side == point:
        for announced, (state, time) in zip(path, kernel):
            if state in SENT and announced.time < time - TOLERANCE:
                return f"{state} {1000 * (time - announced.time):.3f} ms before the kernel"
    return None


def table(mismatches):
    return "\n".join(f"{m.scenario} · {m.point} · {m.side} (port {m.port}) · {m.what}\n"
                     f"    kernel {m.kernel}\n    shown  {m.shown}" for m in mismatches)


def start():
    """sharkd with the plugin. Failed where there is no sharkd, or where it does not load the plugin."""
    sharkd = Sharkd()
    if not sharkd.knows("tcpstate.transition"):
        raise Failed("sharkd does not load the tcpstate plugin")
    return sharkd


@pytest.fixture(scope="module")
def sharkd():
    """One process for many recordings: what one file leaves behind would show in the next."""
    if shutil.which("sharkd") is None:
        pytest.skip("sharkd is not installed")
    sharkd = start()
    yield sharkd
    sharkd.close()


def test_recordings_exist():
    assert len(TRUTHS) >= 60


@pytest.mark.parametrize("path", TRUTHS, ids=lambda p: p.name.removesuffix(".truth.json"))
def test_recording_is_whole(path):
    """A truth file names its captures, and every mark of what cannot be known is a documented rule."""
    truth = json.loads(path.read_text())
    for point, name in truth["points"].items():
        seen = any(c["first_frame"][f"{side}@{point}"] for c in truth["connections"] for side in SIDES)
        assert (CAPTURES / name).stat().st_size > 24 or not seen
    for connection in truth["connections"]:
        assert set(connection["knowable"]) == {f"{side}@{point}" for side in SIDES for point in POINTS}
        for mark in connection["knowable"].values():
            assert mark is True or mark in truth["rules"]


@pytest.mark.parametrize("path", TRUTHS, ids=lambda p: p.name.removesuffix(".truth.json"))
def test_states_are_the_kernels(path, sharkd):
    mismatches, _ = compare(sharkd, path)
    assert not mismatches, "\n" + table(mismatches)


def main():
    try:
        sharkd = start()
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 77
    bad, compared = [], 0
    for path in TRUTHS:
        if not sys.argv[1:] or any(path.name.startswith(name) for name in sys.argv[1:]):
            mismatches, count = compare(sharkd, path)
            bad, compared = bad + mismatches, compared + count
    print(table(bad))
    print(f"{compared - len(bad)} of {compared} endpoint paths agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
