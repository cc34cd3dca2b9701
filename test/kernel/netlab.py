# SPDX-License-Identifier: GPL-2.0-or-later
"""Three network namespaces in one process: client, middle and server, joined by two veth pairs.

One process enters each namespace in turn (setns) and keeps the sockets it opened there, so that a scenario is one
linear script: no threads, no second process, and the order of everything is the order of the script.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_TIMESTAMPNS, SO_RCVBUFFORCE, SCM_TIMESTAMPNS = 35, 33, 35
PACKET_OUTGOING = 4
SIOCGIFFLAGS, IFF_RUNNING = 0x8913, 0x40

MAC = {"client": "02:00:00:00:00:01", "server": "02:00:00:00:00:02"}
ADDRESS = {}                # (side, 4 or 6) -> address; set by `number`
_libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """The machine lacks what recording needs: namespaces, veth, tracing, or the right to use them."""


def _call(function, *args):
    if function(*args):
        raise Unavailable(f"{function.__name__}: {os.strerror(ctypes.get_errno())}")


def unshare_net():
    _call(_libc.unshare, CLONE_NEWNET)


def run(command, text=None):
    """An administrative command; its failure means that this machine cannot record."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")


@contextlib.contextmanager
def time_stamps():
    """Received packets are stamped on arrival only while some socket of the machine wants it, and switching that on
    takes a work queue; without it the first packets would be stamped when they are read."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        time.sleep(0.5)
        yield


def number(n):
    """Give this process its own addresses: the trace event names no namespace, so addresses must tell recordings
    that run at the same time apart. 198.18.0.0/15 is for benchmarks, 2001:db8::/32 for documentation."""
    for host, side in ((1, "client"), (2, "server")):
        ADDRESS[side, 4] = f"198.{18 + n // 256}.{n % 256}.{host}"
        ADDRESS[side, 6] = f"2001:db8:{n:x}::{host}"


class Namespaces:
    """The three namespaces; they vanish with the process."""

    def __init__(self):
        self.fd = {}
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        for name in ("client", "middle", "server"):
            unshare_net()
            self.fd[name] = os.open("/proc/self/ns/net", os.O_RDONLY)
        for side in ("client", "server"):
            self._wire(side)
        _call(_libc.setns, self._home, CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self, name):
        """Run the body in a namespace: sockets opened there stay there."""
        _call(_libc.setns, self.fd[name], CLONE_NEWNET)
        try:
            yield
        finally:
            _call(_libc.setns, self._home, CLONE_NEWNET)

    def wait_for_links(self):
        """A new link drops what is sent until the kernel has noticed its carrier, which it does in a work queue."""
        for name, devices in (("client", ["eth0"]), ("middle", ["to_client", "to_server"]), ("server", ["eth0"])):
            with self.inside(name):
                probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for device in devices:
                while not _flags(probe, device) & IFF_RUNNING:
                    time.sleep(0.005)
            probe.close()
        time.sleep(0.02)

    def _wire(self, side):
        """One veth pair: `eth0` at the end, `to_<side>` in the middle."""
        other = "server" if side == "client" else "client"
        here = f"/proc/{os.getpid()}/fd/{self.fd[side]}"
        with self.inside("middle"):
            sysctl("ipv6/conf/default/disable_ipv6", 1)
            run(["ip", "link", "add", f"to_{side}", "type", "veth", "peer", "name", "eth0", "netns", here])
            run(["ip", "-batch", "-"], f"link set to_{side} promisc on up arp off\n")
            _plain_segments(f"to_{side}")
        with self.inside(side):
            sysctl("ipv6/conf/default/accept_dad", 0)
            sysctl("ipv6/conf/default/accept_ra", 0)
            lines = [f"link set eth0 address {MAC[side]} addrgenmode none", "link set lo up", "link set eth0 up"]
            for family, bits in ((4, 24), (6, 64)):
                lines.append(f"addr add {ADDRESS[side, family]}/{bits} dev eth0" + (" nodad" if family == 6 else ""))
                lines.append(f"neigh add {ADDRESS[other, family]} lladdr {MAC[other]} dev eth0 nud permanent")
            run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
            _plain_segments("eth0")


def _flags(probe, device):
    answer = fcntl.ioctl(probe, SIOCGIFFLAGS, struct.pack("16sH14x", device.encode(), 0))
    return struct.unpack_from("H", answer, 16)[0]


def _plain_segments(device):
    """No offload: what is captured is what a wire would carry, with its checksum filled in."""
    run(["ethtool", "-K", device, "tx", "off", "sg", "off", "tso", "off", "gso", "off", "gro", "off"])


def sysctl(path, value):
    """Set /proc/sys/net/<path> of the namespace this process is in; a kernel may lack a newer one."""
    try:
        with open(f"/proc/sys/net/{path}", "w") as f:
            f.write(str(value))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Unavailable(f"sysctl {path}={value}: {error}") from error


class PacketSocket:
    """A raw socket on one device that reads whole frames with the kernel's time stamp (UTC, ns)."""

    def __init__(self, device, ignore_outgoing=False):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        if ignore_outgoing:
            self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setblocking(False)

    def fileno(self):
        return self.sock.fileno()

    def read(self):
        """(time in ns, sent by this host, frame), or None when there is nothing more."""
        try:
            frame, control, _, address = self.sock.recvmsg(65536, 64)
        except BlockingIOError:
            return None
        seconds, nanos = struct.unpack_from("qq", control[0][2])
        return seconds * 10**9 + nanos, address[2] == PACKET_OUTGOING, frame

    def send(self, frame):
        self.sock.send(frame)
