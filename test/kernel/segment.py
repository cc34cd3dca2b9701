# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP segments in Ethernet frames: reading what is needed of them, and building forged ones."""

import socket
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
LETTERS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, "A": ACK, "U": URG}
MOD = 1 << 32


def after(a, b):
    """True if sequence number a is later than b (modulo 2^32)."""
    return a != b and (a - b) % MOD < MOD // 2


class Segment:
    """One TCP segment of a frame; `None` from `parse` when the frame holds none."""

    __slots__ = ("frame", "family", "src", "dst", "sport", "dport", "seq", "ack", "flags", "win",
                 "options", "length")

    @property
    def end(self):
        """The sequence number after this segment: SYN and FIN count one each."""
        extra = bool(self.flags & SYN) + bool(self.flags & FIN)
        return (self.seq + self.length + extra) % MOD

    @property
    def flow(self):
        return (self.src, self.sport, self.dst, self.dport)

    @property
    def is_syn(self):
        return self.flags & (SYN | ACK | RST) == SYN

    @property
    def is_synack(self):
        return self.flags & (SYN | ACK | RST) == SYN | ACK

    @property
    def is_fin(self):
        return bool(self.flags & FIN)

    @property
    def is_rst(self):
        return bool(self.flags & RST)

    @property
    def is_pure_ack(self):
        return self.flags & (SYN | FIN | RST | ACK) == ACK and self.length == 0

    def letters(self):
        return "".join(k for k, bit in LETTERS.items() if self.flags & bit)

    def __str__(self):
        return f"{self.sport}>{self.dport} {self.letters()} seq={self.seq} ack={self.ack} len={self.length}"


def parse(frame):
    """The TCP segment of an Ethernet frame, or None."""
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    s = Segment()
    if ethertype == 0x0800 and frame[23] == 6:
        s.family = 4
        header = (frame[14] & 15) * 4
        total = struct.unpack_from("!H", frame, 16)[0]
        s.src, s.dst = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
        tcp, payload = 14 + header, total - header
    elif ethertype == 0x86DD and frame[20] == 6:
        s.family = 6
        s.src = socket.inet_ntop(socket.AF_INET6, frame[22:38])
        s.dst = socket.inet_ntop(socket.AF_INET6, frame[38:54])
        tcp, payload = 54, struct.unpack_from("!H", frame, 18)[0]
    else:
        return None
    s.frame = frame
    s.sport, s.dport, s.seq, s.ack, offset, s.flags, s.win = struct.unpack_from("!HHIIBBH", frame, tcp)
    offset = (offset >> 4) * 4
    s.options = bytes(frame[tcp + 20:tcp + offset])
    s.length = payload - offset
    return s


def timestamps(options):
    """(TSval, TSecr) of the option block, or None."""
    i = 0
    while i < len(options):
        kind = options[i]
        if kind == 0:
            break
        if kind == 1:
            i += 1
            continue
        if i + 1 >= len(options) or options[i + 1] < 2:
            break
        if kind == 8 and options[i + 1] == 10:
            return struct.unpack_from("!II", options, i + 2)
        i += options[i + 1]
    return None


def ts_option(tsval, tsecr):
    return struct.pack("!BBBBII", 1, 1, 8, 10, tsval % MOD, tsecr % MOD)


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def build(ethernet, family, flow, seq, ack, flags, win=512, options=b"", data=b"", hops=64):
    """A whole frame with right checksums; `ethernet` is the 12 bytes of both MAC addresses."""
    src, sport, dst, dport = flow
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq % MOD, ack % MOD,
                      (20 + len(options)) // 4 << 4, flags, win, 0, 0) + options + data
    if family == 4:
        a, b = socket.inet_aton(src), socket.inet_aton(dst)
        pseudo = a + b + struct.pack("!HH", 6, len(tcp))
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, hops, 6, 0) + a + b
        head = head[:10] + struct.pack("!H", ~_sum(head) & 0xFFFF) + head[12:]
        head = b"\x08\x00" + head
    else:
        a, b = (socket.inet_pton(socket.AF_INET6, x) for x in (src, dst))
        pseudo = a + b + struct.pack("!II", len(tcp), 6)
        head = b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(tcp), 6, hops) + a + b
    check = ~_sum(pseudo + tcp) & 0xFFFF
    return ethernet + head + tcp[:16] + struct.pack("!H", check) + tcp[18:]


def icmp_unreachable(ethernet, quoted, code):
    """An ICMP (v4) destination unreachable that quotes the IP header and 8 bytes of a frame."""
    original = quoted[14:14 + 28]
    body = struct.pack("!BBHI", 3, code, 0, 0) + original
    body = body[:2] + struct.pack("!H", ~_sum(body) & 0xFFFF) + body[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0)
    head += quoted[30:34] + quoted[26:30]
    head = head[:10] + struct.pack("!H", ~_sum(head) & 0xFFFF) + head[12:]
    return ethernet + b"\x08\x00" + head + body
