# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario script works with: sockets at both ends, the middle between them, and the clock.

Every operation on a socket and every delivery of a segment is followed by a look into the kernel's socket tables, so
the changes that the trace event does not show are known to the step of the script that caused them.
"""

import errno
import select
import socket
import struct
import time

import diag
import netlab
from middle import Middle

SYSCTLS = {
    "ipv4/tcp_congestion_control": "reno", "ipv4/tcp_syn_retries": 2, "ipv4/tcp_synack_retries": 2,
    "ipv4/tcp_retries2": 3, "ipv4/tcp_fin_timeout": 2, "ipv4/tcp_orphan_retries": 2,
    "ipv4/tcp_keepalive_time": 1, "ipv4/tcp_keepalive_intvl": 1, "ipv4/tcp_keepalive_probes": 2,
    "ipv4/tcp_fastopen": 3, "ipv4/tcp_no_metrics_save": 1, "ipv4/tcp_tw_reuse": 0, "ipv4/tcp_syncookies": 1,
}
TCP_USER_TIMEOUT, TCP_DEFER_ACCEPT, TCP_FASTOPEN, TCP_REPAIR, TCP_LINGER2 = 18, 9, 23, 19, 8
MSG_FASTOPEN = 0x20000000
PORT = 8080
TICK = 0.02


class End:
    """One socket of the scenario, with the operations the scripts are made of."""

    def __init__(self, lab, side, sock):
        self.lab, self.side, self.sock = lab, side, sock
        self.flow = None                    # (local address, port, remote address, port), when it has them
        lab.ends.append(self)               # or the garbage collector would close it
        sock.setblocking(False)

    def option(self, level, name, value):
        self.sock.setsockopt(level, name, value)
        return self

    def nodelay_ack(self):
        """Acknowledge at once from here on (TCP_QUICKACK)."""
        return self.option(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _done(self, what):
        self.lab.note(self.side, what, self.flow)
        return self

    def send(self, size=100):
        try:
            self.sock.send(b"x" * size)
        except OSError as error:            # the peer may have reset: part of the scenario, not a failure
            self.lab.note(self.side, f"send: {error}")
        return self._done(f"send {size}")

    def urgent(self):
        """One octet of urgent data."""
        try:
            self.sock.send(b"!", socket.MSG_OOB)
        except OSError as error:
            self.lab.note(self.side, f"send: {error}")
        return self._done("send urgent")

    def read(self):
        """Take everything that has arrived."""
        if self.sock.fileno() < 0:
            return 0
        total = 0
        try:
            while got := self.sock.recv(65536):
                total += len(got)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self.lab.note(self.side, f"recv: {error}")
        self._done(f"read {total}")
        return total

    def shutdown(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.lab.note(self.side, f"shutdown: {error}")
        return self._done("shutdown")

    def shutdown_both(self):
        """Close both directions, but keep the socket."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            self.lab.note(self.side, f"shutdown: {error}")
        return self._done("shutdown both")

    def close(self):
        self.sock.close()
        return self._done("close")

    def abort(self):
        """Close with linger 0: a RST where the kernel thinks one is due."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        return self._done("close, linger 0")

    def vanish(self):
        """The socket is gone without a word, as after a crash of its host (TCP_REPAIR, then close)."""
        self.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.sock.close()
        return self._done("vanish")

    @property
    def port(self):
        return self.sock.getsockname()[1]


class Lab:
    """The running scenario."""

    def __init__(self, family, sysctls=None, client=None, server=None):
        self.family = family
        self.af = socket.AF_INET if family == 4 else socket.AF_INET6
        self.log = []                       # (ns, side, what): operations and changes seen in the socket tables
        self.crowd = False                  # so many connections that not all can be looked at after each operation
        self.tables = {}                    # (side, local, lport, remote, rport) -> last answer
        self.spaces = netlab.Namespaces()
        self.records = {"client": [], "server": []}     # (ns, outgoing, frame)
        self.tap, self.diag = {}, {}
        self.listeners, self.ends = [], []
        for side, own in (("client", client), ("server", server)):
            with self.spaces.inside(side):
                for name, value in {**SYSCTLS, **(sysctls or {}), **(own or {})}.items():
                    netlab.sysctl(name, value)
                self.tap[side] = netlab.PacketSocket("eth0")
                self.diag[side] = diag.Diag()
        self.middle = Middle(self.spaces, self._delivered)
        self.spaces.wait_for_links()
        self.drain()

    # --- sockets ---------------------------------------------------------------------------------
    def address(self, side):
        return netlab.ADDRESS[side, self.family]

    def socket(self, side):
        with self.spaces.inside(side):
            made = End(self, side, socket.socket(self.af, socket.SOCK_STREAM))
        return made.option(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def listen(self, port=PORT, backlog=64, options=(), side="server"):
        end = self.socket(side)
        for level, name, value in options:
            end.option(level, name, value)
        end.sock.bind((self.address(side), port))
        end.sock.listen(backlog)
        self.listeners.append(end)
        return end

    def connect(self, port=PORT, bind=None, side="client", end=None):
        """Send the SYN; the handshake goes on while the lab runs."""
        end = end or self.socket(side)
        if bind:
            end.sock.bind((self.address(side), bind))
        other = "server" if side == "client" else "client"
        try:
            end.sock.connect((self.address(other), port))
        except BlockingIOError:
            pass
        return self._opened(end, "connect", (self.address(other), port))

    def fast_open(self, data=100, port=PORT, bind=None, end=None):
        """connect() that carries data in the SYN when a cookie is known."""
        end = end or self.socket("client")
        if bind:
            end.sock.bind((self.address("client"), bind))
        try:
            end.sock.sendto(b"f" * data, MSG_FASTOPEN, (self.address("server"), port))
        except BlockingIOError:
            pass
        return self._opened(end, "fast open", (self.address("server"), port))

    def accept(self, listener=None, wait=1.0):
        """The next accepted connection, or None when none comes."""
        listener = listener or self.listeners[-1]
        until = time.monotonic() + wait
        while True:
            try:
                sock, remote = listener.sock.accept()
                return self._opened(End(self, listener.side, sock), "accept", remote)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return None
            self.run(0.01)

    @staticmethod
    def _opened(end, what, remote):
        end.flow = (*end.sock.getsockname()[:2], *remote[:2])
        return end._done(what)

    def open(self, bind=None, **listen):
        """An established connection: (client's end, server's end)."""
        if not self.listeners:
            self.listen(**listen)
        c = self.connect(bind=bind)
        s = self.accept()
        return c, s

    # --- time ------------------------------------------------------------------------------------
    def run(self, seconds):
        """Let the path work for this long."""
        until = time.monotonic() + seconds
        ports = list(self.middle.port.values())
        while True:
            busy = self.middle.pump()
            left = until - time.monotonic()
            if left <= 0 and not busy:
                return
            if not busy:
                select.select(ports, [], [], max(0, min(left, TICK, self._due())))
                self.look_around()

    def _due(self):
        later = self.middle.later
        return max(0, later[0][0] - time.monotonic()) if later else TICK

    def settle(self, quiet=0.08, limit=5.0):
        """Run until nothing was on the path for `quiet` seconds (longer than a delayed ACK)."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            before = len(self.middle.records)
            self.run(quiet)
            if len(self.middle.records) == before and not self.middle.later:
                return

    def until(self, condition, limit=15.0):
        """Run until the condition holds; a scenario that never gets there is a failure of the recording."""
        until = time.monotonic() + limit
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError("the scenario did not reach the awaited condition")
            self.run(TICK)

    def state(self, side="client"):
        """The state in the socket tables of the newest flow, or None."""
        flow = self.middle.latest.get(side)
        answer = flow and self.look(side, flow)
        return answer and answer[0]

    def close(self, first, second):
        """An orderly close, step by step; both have read everything, so that no close becomes a reset."""
        for end in (first, second):
            self.settle()
            first.read()
            second.read()
            end.close()
            if end is first:
                self.settle()
                second.read()
        self.settle()

    # --- the path --------------------------------------------------------------------------------
    def drop(self, pattern, nth=1, times=1):
        return self.middle.rule(pattern, nth, times, lambda rule, item: None)

    def duplicate(self, pattern, nth=1, times=1, later=None):
        def act(rule, item):
            self.middle.deliver(*item)
            if later is None:
                self.middle.deliver(*item)
            else:
                self.middle.postpone(item, later)
        return self.middle.rule(pattern, nth, times, act)

    def delay(self, pattern, seconds, nth=1, times=1):
        return self.middle.rule(pattern, nth, times, lambda rule, item: self.middle.postpone(item, seconds))

    def hold(self, pattern, nth=1, times=1):
        """Keep the segments until the script calls `release()` on the returned rule."""
        return self.middle.rule(pattern, nth, times, lambda rule, item: rule.held.append(item))

    def nxt(self, side):
        """The next sequence number of that side, as the middle has seen it."""
        return self._facts(side)["end"]

    def acked(self, side):
        """What that side last acknowledged."""
        return self._facts(side)["ack"]

    def isn(self, side):
        return self._facts(side)["isn"]

    def _facts(self, side):
        return self.middle.facts[self.middle.latest[{"c": "client", "s": "server"}[side]]]

    def forge(self, *args, **kw):
        self.middle.forge(*args, **kw)

    # --- what the tables say ---------------------------------------------------------------------
    def note(self, side, what, flow=None):
        """Log an operation, and look what it has changed: in a crowd at its own endpoint only, if it has one."""
        self.log.append((time.time_ns(), side, what))
        if not self.crowd:
            self.look_around()
            return
        if flow:
            self.look(side, flow)
        self.drain()

    def look(self, side, flow):
        """Ask the tables for one endpoint; a change is logged."""
        answer = self.diag[side].query(self.family, *flow)
        if self.tables.get((side, flow)) != answer:
            self.tables[side, flow] = answer
            self.log.append((time.time_ns(), side, flow, answer))
        return answer

    def look_around(self):
        flows = {f for a, p, b, q in self.middle.facts for f in ((a, p, b, q), (b, q, a, p))}
        for flow in sorted(flows):
            self.look("client" if flow[0] == self.address("client") else "server", flow)
        self.drain()

    def _delivered(self, side, seg):
        if seg is not None:
            self.look(side, (seg.dst, seg.dport, seg.src, seg.sport))
        self.drain()

    def drain(self):
        """Take what the captures at both ends have recorded."""
        for side, tap in self.tap.items():
            while (got := tap.read()) is not None:
                self.records[side].append(got)
