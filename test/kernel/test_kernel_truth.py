# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin shows, held against what the kernels did (captures/kernel/*.truth.json).

For every capture point and endpoint the path of states that the plugin announces must be the kernel's, wherever the
truth file says that an observer there could know it; and nothing is announced before the packet that proves it.
`python3 test/kernel/test_kernel_truth.py` prints the table of all mismatches.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest

CAPTURES = pathlib.Path(__file__).resolve().parents[2] / "captures" / "kernel"
TRUTHS = sorted(CAPTURES.glob("*.truth.json"))
POINTS, SIDES = ("client", "middle", "server"), ("client", "server")
SENT = {"SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "LAST_ACK"}
# A state entered by sending is set just before its segment is captured; the trace's clock is read without locks and
# was measured never to run ahead of the capture's for these states (README.md). A SYN_RECEIVED without an event is
# dated by its SYN,ACK in the same capture.
TOLERANCE = 0.0001
FIELDS = ("frame.number", "frame.time_epoch", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
          "tcp.flags.reset", "tcp.flags.syn", "tcpstate.sender", "tcpstate.transition", "tcpstate.corrected")

Announced = collections.namedtuple("Announced", "state frame time presumed")
Frame = collections.namedtuple("Frame", "number time states corrected presumed")
Mismatch = collections.namedtuple("Mismatch", "scenario point side port what kernel shown")


def tshark(args):
    """Run tshark with the plugin (WIRESHARK_PLUGIN_DIR or the global plugin folder must hold it)."""
    done = subprocess.run([os.environ.get("TSHARK", "tshark"), *args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tshark {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def plugin_present():
    try:
        return any(line.split("\t")[2:3] == ["tcpstate.transition"] for line in tshark(["-G", "fields"]).split("\n"))
    except (OSError, RuntimeError):
        return False


def rows(path):
    """The frames of a capture as the plugin sees them: dicts by field name."""
    args = ["-n", "-r", str(path), "-Y", "tcp", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
    for field in FIELDS:
        args += ["-e", field]
    for line in tshark(args).splitlines():
        yield dict(zip(FIELDS, (line + "\t" * len(FIELDS)).split("\t")))


class Shown:
    """The announcements of one capture, per endpoint: (local address, port, remote address, port) -> [Announced]."""

    def __init__(self, path):
        self.frames = collections.defaultdict(list)     # endpoint -> [Frame]
        for row in rows(path):
            if not row["tcpstate.transition"]:
                continue
            source = (row["ip.src"] or row["ipv6.src"], int(row["tcp.srcport"]))
            target = (row["ip.dst"] or row["ipv6.dst"], int(row["tcp.dstport"]))
            other = "server" if row["tcpstate.sender"] == "client" else "client"
            ends = {row["tcpstate.sender"]: source + target, other: target + source}
            corrected = {int(n) for n in row["tcpstate.corrected"].split("|") if n}
            announced = collections.defaultdict(list)
            for item in row["tcpstate.transition"].split("|"):
                side, state = item.split("→")
                announced[ends[side]].append(state)
            # what a segment says of its receiver is presumed, and so is all that a RST says, and that a SYN,ACK of a
            # simultaneous open opens its sender
            reset = row["tcp.flags.reset"] in ("1", "True")
            opens = row["tcp.flags.syn"] in ("1", "True")
            for end, states in announced.items():
                self.frames[end].append(Frame(int(row["frame.number"]), float(row["frame.time_epoch"]), states,
                                              corrected, reset or end != source + target or
                                              (opens and "ESTABLISHED" in states)))

    def path(self, end, first, last):
        """The announced path within frames first <= n < last, without what was taken back."""
        out = []
        for frame in self.frames[end]:
            if not first <= frame.number < last:
                continue
            states, taken_back = frame.states, False
            while out and out[-1].presumed and out[-1].frame in frame.corrected and out[-1].state != states[0]:
                out.pop()
                taken_back = True
            if taken_back and out and out[-1].state == states[0]:
                states = states[1:]         # "back to" a state that had never been left
            out += [Announced(state, frame.number, frame.time, frame.presumed) for state in states]
        while out and out[0].state in ("CLOSED", "LISTEN"):
            out.pop(0)                      # initial states are no part of a path
        return out


def compare(truth_path):
    """(mismatches, number of endpoints compared) for one scenario."""
    truth = json.loads(truth_path.read_text())
    bad, compared = [], 0
    for point in POINTS:
        shown = Shown(CAPTURES / truth["points"][point])
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


@pytest.fixture(scope="module")
def plugin():
    if not plugin_present():
        pytest.skip("tshark does not load the tcpstate plugin")


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
def test_states_are_the_kernels(path, plugin):
    mismatches, _ = compare(path)
    assert not mismatches, "\n" + table(mismatches)


def main():
    if not plugin_present():
        print("tshark does not load the tcpstate plugin", file=sys.stderr)
        return 77
    bad, compared = [], 0
    for path in TRUTHS:
        if not sys.argv[1:] or any(path.name.startswith(name) for name in sys.argv[1:]):
            mismatches, count = compare(path)
            bad, compared = bad + mismatches, compared + count
    print(table(bad))
    print(f"{compared - len(bad)} of {compared} endpoint paths agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
