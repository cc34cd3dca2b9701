# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the connections of one port, as captured at one point: each frame with what the plugin makes of it, and
between the frames what the kernels did. Sequence numbers count from the sender's first one, as stories have them
(test/stories). Look next: hunt.py, the command.
"""

import segment
from test_kernel_truth import SIDES

FIELDS = ("frame.time_epoch", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
          "tcp.window_size_value", "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr", "tcpstate.client",
          "tcpstate.server", "tcpstate.incarnation", "tcpstate.transition", "tcpstate.corrected",
          "tcpstate.rst.validity", "tcpstate.reason")


class Numbers:
    """Sequence numbers relative to the first of their sender; signed, for what is older."""

    def __init__(self):
        self.first = {}

    def relative(self, sender, value):
        distance = (int(value) - self.first.setdefault(sender, int(value))) % segment.MOD
        return distance - segment.MOD if distance >= segment.MOD // 2 else distance


def frame_line(numbers, number, row, port):
    """One frame: who sent what, then the states of both ends, then what the plugin says of it."""
    sender, receiver = ("C", "S") if row["tcp.srcport"] == str(port) else ("S", "C")
    flags = int(row["tcp.flags"], 16)
    letters = "".join(letter for letter, bit in segment.LETTERS.items() if flags & bit)
    words = [f"{number:6} {sender}> {letters:4} {numbers.relative(sender, row['tcp.seq_raw'])}"]
    if flags & segment.ACK:
        words.append(str(numbers.relative(receiver, row["tcp.ack_raw"])))
    if row["tcp.len"] != "0":
        words.append(f"len={row['tcp.len']}")
    words.append(f"win={row['tcp.window_size_value']}")
    if row["tcp.options.timestamp.tsval"]:
        words.append(f"ts={row['tcp.options.timestamp.tsval']},{row['tcp.options.timestamp.tsecr']}")
    words.append(f"| {row['tcpstate.client']}:{row['tcpstate.server']} incarnation {row['tcpstate.incarnation']}")
    for word, field in (("", "tcpstate.transition"), ("corrects ", "tcpstate.corrected"),
                        ("RST ", "tcpstate.rst.validity"), ("# ", "tcpstate.reason")):
        if row[field]:
            words.append(word + row[field])
    return " ".join(words)


def frame_lines(sharkd, path, port):
    """(time, line) of the port's frames."""
    numbers = Numbers()
    for number, row in sharkd.frames(path, FIELDS):
        if str(port) in (row["tcp.srcport"], row["tcp.dstport"]):
            yield float(row["frame.time_epoch"]), frame_line(numbers, number, row, port)


def kernel_lines(connections):
    """(time, line) of what the kernels did."""
    for index, connection in enumerate(connections, 1):
        for side in SIDES:
            end = connection["endpoints"][side]
            for (state, time), cause in zip(end["path"], end["causes"]):
                yield time, f"       kernel: {side} {state} ({cause}), connection {index}"


def report(sharkd, folder, truth, port, point):
    connections = [connection for connection in truth["connections"] if connection["client"]["port"] == port]
    print(truth["shows"])
    for index, connection in enumerate(connections, 1):
        marks = "; ".join(f"{side}: {connection['knowable'][f'{side}@{point}']}" for side in SIDES)
        print(f"connection {index}, what an observer at the {point} can know: {marks.replace('True', 'all')}")
    lines = [*frame_lines(sharkd, folder / truth["points"][point], port), *kernel_lines(connections)]
    begin = min(time for time, _ in lines)
    for time, line in sorted(lines, key=lambda item: item[0]):
        print(f"{1000 * (time - begin):10.3f} ms {line}")
