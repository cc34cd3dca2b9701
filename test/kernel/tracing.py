# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own account of state changes: event sock:inet_sock_set_state, in a tracing instance of its own.

The ring buffer is read in binary (per_cpu/*/trace_pipe_raw), because the text form lacks either the socket's address
in memory, which alone joins the events of one socket, or the IPv6 addresses. Times are CLOCK_TAI in nanoseconds and
are converted to UTC with the kernel's own offset, so they compare with the time stamps of captures.
"""

import glob
import os
import re
import socket
import struct
import time

from netlab import Unavailable

ROOTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
EVENT = "events/sock/inet_sock_set_state"
KERNEL = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "NEW_SYN_RECV"}
CLOCK_TAI = 11


def root():
    for path in ROOTS:
        if os.path.isdir(f"{path}/{EVENT}") and os.access(f"{path}/instances", os.W_OK):
            return path
    raise Unavailable("tracing: no writable tracefs with the event sock:inet_sock_set_state (root and "
                      "CONFIG_FTRACE are needed; mount -t tracefs tracefs /sys/kernel/tracing)")


def tai_minus_utc():
    """Whole seconds between the two clocks; 0 where nobody told the kernel."""
    return round(time.clock_gettime(CLOCK_TAI) - time.time()) * 10**9


class Trace:
    """Records from creation until `close`."""

    def __init__(self):
        self.path = f"{root()}/instances/tcpstate-{os.getpid()}"
        try:
            os.mkdir(self.path)
            self._write("buffer_size_kb", "1024")
            self._write("trace_clock", "tai")
            self._fields = self._layout()
            self._write(f"{EVENT}/enable", "1")
        except OSError as error:
            raise Unavailable(f"tracing: {error}") from error

    def _write(self, name, value):
        with open(f"{self.path}/{name}", "w") as f:
            f.write(value)

    def _layout(self):
        """Offsets of the event's fields, as this kernel says."""
        with open(f"{self.path}/{EVENT}/format") as f:
            text = f.read()
        self._id = int(re.search(r"ID: (\d+)", text)[1])
        found = re.findall(r"field:[^;]*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+)", text)
        return {name: (int(offset), int(size)) for name, offset, size in found}

    def close(self):
        """Stop, and return the events in time order."""
        self._write(f"{EVENT}/enable", "0")
        try:
            offset, events = tai_minus_utc(), []
            for cpu in glob.glob(f"{self.path}/per_cpu/cpu*"):
                events += [self._event(ns - offset, data) for ns, data in _read(cpu)]
        finally:
            os.rmdir(self.path)
        return sorted((e for e in events if e), key=lambda e: e["ns"])

    def _event(self, ns, data):
        def number(name, form):
            return struct.unpack_from(form, data, self._fields[name][0])[0]

        if number("common_type", "=H") != self._id or number("protocol", "=H") != socket.IPPROTO_TCP:
            return None
        v6 = number("family", "=H") == socket.AF_INET6
        ends = []
        for name in ("saddr", "daddr"):
            offset, size = self._fields[name + ("_v6" if v6 else "")]
            ends.append(socket.inet_ntop(socket.AF_INET6 if v6 else socket.AF_INET, data[offset:offset + size]))
        return {"ns": ns, "sk": number("skaddr", "=Q"), "old": KERNEL[number("oldstate", "=i")],
                "new": KERNEL[number("newstate", "=i")], "local": ends[0], "lport": number("sport", "=H"),
                "remote": ends[1], "rport": number("dport", "=H")}


def _read(cpu):
    """All entries of one processor's buffer; a loss among them would make the truth incomplete."""
    with open(f"{cpu}/stats") as f:
        lost = sum(int(n) for n in re.findall(r"(?:overrun|dropped events): (\d+)", f.read()))
    if lost:
        raise RuntimeError(f"the trace lost {lost} events: the truth would be incomplete")
    with open(os.open(f"{cpu}/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as f:
        while True:
            try:
                page = f.read(4096)
            except BlockingIOError:
                return
            if not page:
                return
            yield from _entries(page)


def _entries(page):
    """(time, data) of the entries of one ring buffer page (include/linux/ring_buffer.h)."""
    now, commit = struct.unpack_from("=QQ", page)
    at, end = 16, 16 + (commit & 0xFFFFF)
    while at < end:
        word = struct.unpack_from("=I", page, at)[0]
        kind, delta = word & 31, word >> 5
        at += 4
        if kind == 30:                      # a long step in time
            now += delta + (struct.unpack_from("=I", page, at)[0] << 27)
            at += 4
        elif kind == 31:                    # an absolute time, without its five highest bits
            low = delta + (struct.unpack_from("=I", page, at)[0] << 27)
            now = now & ~((1 << 59) - 1) | low
            at += 4
        elif kind == 29:                    # padding, to the end of the page when its delta is 0
            if delta == 0:
                break
            at += struct.unpack_from("=I", page, at)[0]
            now += delta
        else:
            size = kind * 4
            now += delta
            if kind == 0:
                size = struct.unpack_from("=I", page, at)[0] - 4
                at += 4
            yield now, page[at:at + size]
            at += size
