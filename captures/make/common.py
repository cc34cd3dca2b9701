# SPDX-License-Identifier: GPL-2.0-or-later
"""What every maker of captures here shares: the addresses, the look at a TCP header, the capture file.

Nothing in this module sends or receives; lab.py does, for the recorded captures.
"""
import socket
import struct
from collections import namedtuple
from pathlib import Path

CAPTURES = Path(__file__).resolve().parent.parent

# Documentation addresses (RFC 5737, RFC 3849) and locally administered MACs: nobody's data.
CLIENT4, SERVER4, ELSEWHERE4 = "192.0.2.10", "192.0.2.80", "198.51.100.7"
CLIENT6, SERVER6 = "2001:db8::10", "2001:db8::80"
CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:10", "02:00:00:00:00:80"
CLIENT_PORT, SERVER_PORT = 40000, 8080

LINKTYPE_ETHERNET, LINKTYPE_80211, LINKTYPE_LINUX_SLL2 = 1, 105, 276
ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN = 0x0800, 0x86DD, 0x8100

FLAG_LETTERS = "FSRPAUEC"

Segment = namedtuple("Segment", "src sport dst dport seq ack flags window length")


def parse_segment(frame):
    """The TCP header of an untagged Ethernet frame, or None. flags is a set of the letters tcpdump-style tools use."""
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    if ethertype == ETHERTYPE_IPV4 and frame[23] == socket.IPPROTO_TCP:
        start = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        src, dst = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    elif ethertype == ETHERTYPE_IPV6 and frame[20] == socket.IPPROTO_TCP:
        start = 54
        end = 54 + struct.unpack_from("!H", frame, 18)[0]
        src = socket.inet_ntop(socket.AF_INET6, frame[22:38])
        dst = socket.inet_ntop(socket.AF_INET6, frame[38:54])
    else:
        return None
    sport, dport, seq, ack, offset, bits, window = struct.unpack_from("!HHIIBBH", frame, start)
    flags = frozenset(letter for i, letter in enumerate(FLAG_LETTERS) if bits >> i & 1)
    return Segment(src, sport, dst, dport, seq, ack, flags, window, end - start - (offset >> 4) * 4)


def internet_checksum(data):
    """RFC 1071, for the few frames that are built or changed by hand."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def vlan_tagged(frame, vid):
    """The same frame as a trunk port shows it."""
    return frame[:12] + struct.pack("!HH", ETHERTYPE_VLAN, vid) + frame[12:]


def _option(code, data):
    return struct.pack("<HH", code, len(data)) + data + bytes(-len(data) % 4)


def _block(kind, body):
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


class CaptureFile:
    """Writes pcapng, or classic pcap if the name ends in .pcap (half the overhead, for the floods).

    The pcapng says in its comment what it shows: capinfos and Wireshark's file properties print it.
    """

    def __init__(self, path, comment, linktype=LINKTYPE_ETHERNET, snaplen=262144):
        self.snaplen = snaplen
        self.pcapng = Path(path).suffix == ".pcapng"
        self.file = open(path, "wb")
        if not self.pcapng:
            self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, linktype))
            return
        options = _option(1, comment.encode()) + _option(4, b"tcpstate captures/make") + _option(0, b"")
        self.file.write(_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options))
        self.file.write(_block(1, struct.pack("<HHI", linktype, 0, snaplen)))

    def write(self, frame, seconds):
        """Appends one frame; seconds is the Unix time, kept to the microsecond."""
        stamp = round(seconds * 1_000_000)
        cut = frame[:self.snaplen]
        if self.pcapng:
            head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(cut), len(frame))
            self.file.write(_block(6, head + cut + bytes(-len(cut) % 4)))
        else:
            self.file.write(struct.pack("<IIII", *divmod(stamp, 1_000_000), len(cut), len(frame)) + cut)

    def append_pcap(self, pcap):
        """Takes over the frames of a classic pcap as tcpdump writes it."""
        offset = 24
        while offset < len(pcap):
            seconds, micros, caught, _ = struct.unpack_from("<IIII", pcap, offset)
            self.write(pcap[offset + 16:offset + 16 + caught], seconds + micros / 1e6)
            offset += 16 + caught

    def close(self):
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_frames(path):
    """The (seconds, frame) pairs of a pcapng that CaptureFile wrote."""
    data, offset = Path(path).read_bytes(), 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        if kind == 6:
            _, high, low, caught, _ = struct.unpack_from("<IIIII", data, offset + 8)
            yield (high << 32 | low) / 1e6, data[offset + 28:offset + 28 + caught]
        offset += length


class Registry(dict):
    """Capture file name -> the function that makes it.

    The function's docstring has two paragraphs: what the capture shows, which is also the comment in the file, and
    which frames to look at. `origin` says where the segments come from. README.md is made of these three.
    """

    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    def add(self, name, origin=None, **settings):
        def register(function):
            assert name not in self, f"two makers for {name}"
            shows, look_at = function.__doc__.split("\n\n")
            function.shows, function.look_at = " ".join(shows.split()), " ".join(look_at.split())
            function.origin, function.settings = origin or self.origin, settings
            self[name] = function
            return function
        return register
