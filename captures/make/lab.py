# SPDX-License-Identifier: GPL-2.0-or-later
"""Two network namespaces with real TCP stacks, and between them a wire that this program carries frame by frame.

    client namespace --veth--[ leg 1 ]--tap--[ leg 2 ]--veth-- server namespace

The wire delays each frame on both legs and writes it to the capture where it passes the tap, so a recording has a true
round-trip time and a known observation point. Rules lose, hold, repeat or hide single frames on either side of the
tap; that is how "lost before the observer", "lost after the observer" and "lost by the capture only" are told apart.
"""
import contextlib
import ctypes
import heapq
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time

from common import (CLIENT4, CLIENT6, CLIENT_MAC, CLIENT_PORT, ETHERTYPE_IPV4, ETHERTYPE_IPV6, SERVER4, SERVER6,
                    SERVER_MAC, SERVER_PORT, parse_segment, vlan_tagged)

LIBC = ctypes.CDLL(None, use_errno=True)
ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
TCP_REPAIR, TCP_FASTOPEN, MSG_FASTOPEN = 19, 23, 0x20000000


def sh(command):
    subprocess.run(command, shell=True, check=True)


class Namespace:
    """A network namespace; sockets made inside `with namespace:` belong to it for good."""

    def __init__(self, name):
        self.name = name
        sh(f"ip netns add {name}")
        self.ip("link set lo up")
        self.sysctl("net.ipv6.conf.all.accept_ra", 0)

    def ip(self, arguments):
        sh(f"ip -n {self.name} {arguments}")

    def sysctl(self, key, value):
        self.run(f"sysctl -qw {key}='{value}'")

    def run(self, command):
        sh(f"ip netns exec {self.name} {command}")

    def popen(self, *command, **keywords):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **keywords)

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with open(f"/run/netns/{self.name}") as there:
            self._enter(there.fileno())

    def __exit__(self, *_):
        self._enter(self.home)
        os.close(self.home)

    @staticmethod
    def _enter(descriptor):
        if LIBC.setns(descriptor, 0):
            raise OSError(ctypes.get_errno(), "setns")

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self:
            return socket.socket(family, kind, protocol)

    def plug(self, interface, mac, *addresses):
        """Brings an interface up with every offload off: the wire carries segments and checksums as they are."""
        self.run(f"ethtool -K {interface} tx off rx off tso off gso off gro off >/dev/null")
        if mac:
            self.ip(f"link set {interface} address {mac}")
        if not any(":" in address for address in addresses):
            self.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 1)       # no router or neighbour chatter
        self.ip(f"link set {interface} up")
        for address in addresses:
            self.ip(f"addr add {address} dev {interface} {'nodad' if ':' in address else ''}")

    def remove(self):
        sh(f"ip netns del {self.name}")


def sent(by, flags=None, data=None):
    """A match for rules: segments of one side, carrying all of `flags`, with (or without) data."""
    def match(side, segment):
        return (side == by and (flags is None or set(flags) <= segment.flags)
                and (data is None or data == (segment.length > 0)))
    return match


def exactly(by, flags):
    """A match for segments whose flags are these and no others, PSH aside."""
    return lambda side, segment: side == by and segment.flags - {"P"} == set(flags)


class Rule:
    def __init__(self, match, times, skip, fate):
        self.match, self.times, self.skip, self.fate = match, times, skip, fate

    def applies(self, side, segment):
        if not self.times or not self.match(side, segment):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Wire(threading.Thread):
    """Carries frames between the two namespaces and writes those that pass the tap."""

    def __init__(self, namespace, capture, leg, vlan):
        super().__init__(daemon=True)
        self.capture, self.leg, self.vlan = capture, leg, vlan
        self.rules, self.events, self.order = [], [], itertools.count()
        self.lock = threading.Lock()
        self.running, self.busy = True, time.monotonic()
        self.listener = None        # called with (side, segment) as each segment enters the wire
        self.ports = {}
        with namespace:
            for side in ("client", "server"):
                port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
                port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)     # floods come faster than Python reads
                port.bind((side, 0))
                self.ports[side] = port
        self.wake_read, self.wake_write = os.pipe()

    # Rules. `where` says what the observer sees of it.

    def lose(self, match, times=1, skip=0, where="after"):
        """after the tap: captured, not delivered; before: neither; capture: delivered, but the capture missed it."""
        fates = {"after": [(0, None)], "before": [], "capture": [(None, 0)]}
        self.rules.append(Rule(match, times, skip, fates[where]))

    def hold(self, match, seconds, times=1, skip=0, where="after"):
        """Delays a frame on one leg, so that later ones overtake it."""
        fate = (0, seconds) if where == "after" else (seconds, seconds)
        self.rules.append(Rule(match, times, skip, [fate]))

    def repeat(self, match, gap, times=1, skip=0):
        """Delivers (and captures) a frame twice, as a network that duplicates does."""
        self.rules.append(Rule(match, times, skip, [(0, 0), (gap, gap)]))

    # The way of a frame.

    def inject(self, frame, sender, deliver=True):
        """Puts a forged frame on the wire at the tap, as a man on the side does."""
        now = time.monotonic()
        self._schedule(now, None, frame, sender)
        if deliver:
            self._schedule(now + self.leg, self._other(sender), frame, sender)
        os.write(self.wake_write, b"!")

    @staticmethod
    def _other(side):
        return "server" if side == "client" else "client"

    def _schedule(self, when, destination, frame, side):
        with self.lock:
            heapq.heappush(self.events, (when, next(self.order), destination, frame, side))

    def _arrive(self, side, frame):
        if not self._is_traffic(frame):
            return
        self.busy = now = time.monotonic()
        segment = parse_segment(frame)
        if segment and self.listener:
            self.listener(side, segment)
        rule = segment and next((r for r in self.rules if r.applies(side, segment)), None)
        for tap_delay, delivery_delay in rule.fate if rule else [(0, 0)]:
            if tap_delay is not None:
                self._schedule(now + self.leg + tap_delay, None, frame, side)
            if delivery_delay is not None:
                self._schedule(now + 2 * self.leg + delivery_delay, self._other(side), frame, side)

    @staticmethod
    def _is_traffic(frame):
        """IPv4 and, of IPv6, TCP and ICMPv6 errors: router and multicast chatter is left out."""
        ethertype = struct.unpack_from("!H", frame, 12)[0]
        if ethertype == ETHERTYPE_IPV6:
            return frame[20] == socket.IPPROTO_TCP or (frame[20] == socket.IPPROTO_ICMPV6 and frame[54] < 128)
        return ethertype == ETHERTYPE_IPV4 and frame[23] != socket.IPPROTO_IGMP

    def _happen(self):
        """Does what is due; returns the seconds until the next event."""
        while True:
            with self.lock:
                if not self.events or self.events[0][0] > time.monotonic():
                    return self.events[0][0] - time.monotonic() if self.events else 0.2
                _, _, destination, frame, side = heapq.heappop(self.events)
            self.busy = time.monotonic()
            if destination:
                self.ports[destination].send(frame)
            elif self.capture:
                self.capture.write(vlan_tagged(frame, self.vlan) if self.vlan else frame, time.time())

    def run(self):
        sides = {port.fileno(): side for side, port in self.ports.items()}
        while self.running:
            ready, _, _ = select.select([*sides, self.wake_read], [], [], max(0, self._happen()))
            for descriptor in ready:
                if descriptor == self.wake_read:
                    os.read(descriptor, 64)
                    continue
                frame, address = self.ports[sides[descriptor]].recvfrom(65536)
                if address[2] != PACKET_OUTGOING:
                    self._arrive(sides[descriptor], frame)

    def stop(self):
        self.running = False
        self.join()
        for port in self.ports.values():
            port.close()
        os.close(self.wake_read)
        os.close(self.wake_write)


class Lab:
    """The two hosts and the wire, with the socket steps that the scenarios are made of."""

    def __init__(self, capture, leg=0.004, vlan=None):
        self.capture = capture
        self.name = f"tcps{os.getpid()}"
        self.open = contextlib.ExitStack()
        self.client, self.server, middle = (self.namespace(side) for side in ("c", "s", "w"))
        sh(f"ip link add name eth0 netns {self.client.name} type veth peer name client netns {middle.name}")
        sh(f"ip link add name eth0 netns {self.server.name} type veth peer name server netns {middle.name}")
        for interface in ("client", "server"):
            middle.plug(interface, None)
        self.client.plug("eth0", CLIENT_MAC, f"{CLIENT4}/24", f"{CLIENT6}/64")
        self.server.plug("eth0", SERVER_MAC, f"{SERVER4}/24", f"{SERVER6}/64")
        for address in (SERVER4, SERVER6):
            self.client.ip(f"neigh replace {address} lladdr {SERVER_MAC} dev eth0")
        for address in (CLIENT4, CLIENT6):
            self.server.ip(f"neigh replace {address} lladdr {CLIENT_MAC} dev eth0")
        self.wire = Wire(middle, capture, leg, vlan)
        self.wire.start()

    def namespace(self, side):
        namespace = Namespace(f"{self.name}{side}")
        self.open.callback(namespace.remove)
        return namespace

    def close(self):
        self.wire.stop()
        self.open.close()

    def settle(self, quiet=0.3):
        """Waits until nothing has passed the wire for a while, from now on: what was just done may be on its way."""
        self.wire.busy = time.monotonic()
        while time.monotonic() - self.wire.busy < quiet:
            time.sleep(0.02)

    def keep(self, resource):
        """Holds a socket or a process until the recording has ended, and ends it then, off the record."""
        self.open.callback(resource.close if hasattr(resource, "close") else resource.kill)
        return resource

    @contextlib.contextmanager
    def sniff(self, namespace, interface):
        """Records an interface with tcpdump into the capture, for what does not pass the wire."""
        tcpdump = namespace.popen("tcpdump", "-i", interface, "-U", "--immediate-mode", "-n", "-w", "-", "tcp",
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while b"listening on" not in (line := tcpdump.stderr.readline()):
            assert line, "tcpdump did not start"
        yield
        time.sleep(0.5)
        tcpdump.terminate()
        self.capture.append_pcap(tcpdump.communicate()[0])

    def listen(self, port=SERVER_PORT, family=socket.AF_INET, backlog=16, **options):
        listener = self.keep(self.server.socket(family))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for option, value in options.items():
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        listener.bind(("" if family == socket.AF_INET else "::", port))
        listener.listen(backlog)
        return listener

    def client_socket(self, port=CLIENT_PORT, family=socket.AF_INET):
        """A client socket on a fixed port, kept until the end of the recording (or closed by the scenario)."""
        sock = self.keep(self.client.socket(family))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port) if family == socket.AF_INET else ("::", port))
        return sock

    def connect(self, port=CLIENT_PORT, family=socket.AF_INET, to=SERVER_PORT):
        sock = self.client_socket(port, family)
        sock.connect((SERVER4 if family == socket.AF_INET else SERVER6, to))
        return sock

    def pair(self, port=CLIENT_PORT, family=socket.AF_INET):
        """A client and the server's accepted socket, connected; the handshake has settled."""
        listener = self.listen(family=family)
        client = self.connect(port, family)
        accepted = self.keep(listener.accept()[0])
        self.settle(0.05)
        return client, accepted


def ask(client, server, request=b"request", response=b"response"):
    """One request and its response, so that a connection carries data in both directions."""
    client.sendall(request)
    receive(server, len(request))
    server.sendall(response)
    receive(client, len(response))


def receive(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            break
        data += piece
    return data


def stop_sending(sock):
    sock.shutdown(socket.SHUT_WR)


def close_politely(lab, client, server):
    """The ordinary end, client first, three segments."""
    stop_sending(client)
    receive(server, 1)
    stop_sending(server)
    lab.settle()


def abort(sock):
    """close() with linger 0: a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def vanish(sock):
    """The host is gone without a word: no segment is sent."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()
