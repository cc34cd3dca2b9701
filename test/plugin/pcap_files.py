"""Reads and writes capture files in the one form the tests here need: classic pcap, Ethernet, microseconds.

Knows nothing of TCP beyond packing a header. Captures made here go to temporary folders and are never kept.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import struct
import subprocess

MAGIC, ETHERNET, SNAPLEN = 0xA1B2C3D4, 1, 262144
CLIENT, SERVER = ("192.0.2.10", 40000), ("192.0.2.80", 8080)
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << bit for bit in range(9))
START = 1_700_000_000


def write(path, packets, linktype=ETHERNET, step=0.01, times=None):
    """packets: the octets of each frame, or (octets, length on the wire). times: of each, in microseconds since START."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, SNAPLEN, linktype))
        for i, packet in enumerate(packets):
            octets, length = packet if isinstance(packet, tuple) else (packet, len(packet))
            microseconds = times[i] if times else round(i * step * 1_000_000)
            file.write(struct.pack("<IIII", START + microseconds // 1_000_000, microseconds % 1_000_000, len(octets),
                                   length) + octets)
    path.chmod(0o644)
    return path


def read(path, scratch):
    """The frames of a capture with Ethernet frames, as octets."""
    return [frame for _, frame in read_with_times(path, scratch)]


def read_with_times(path, scratch):
    """(microseconds since the first frame, octets) of each frame; editcap makes classic pcap of whatever it is."""
    plain = scratch / "plain.pcap"
    subprocess.run(["editcap", "-F", "pcap", str(path), str(plain)], check=True, capture_output=True)
    data = plain.read_bytes()
    order = "<" if struct.unpack_from("<I", data)[0] in (MAGIC, 0xA1B23C4D) else ">"
    per_microsecond = 1000 if 0xA1B23C4D in struct.unpack_from("<I", data) + struct.unpack_from(">I", data) else 1
    frames, at = [], 24
    while at < len(data):
        seconds, fraction, caught, _ = struct.unpack_from(order + "IIII", data, at)
        frames.append((seconds * 1_000_000 + fraction // per_microsecond, data[at + 16:at + 16 + caught]))
        at += 16 + caught
    return [(time - frames[0][0], frame) for time, frame in frames]


def address(text):
    return bytes(int(part) for part in text.split("."))


def tcp_frame(source, destination, flags, seq, ack=0, payload=b"", offset=5, window=64240, options=b""):
    """One Ethernet frame with IPv4 and TCP. `offset` may be a lie. No checksums: Wireshark does not ask for them."""
    first = (offset & 15) << 12 | (flags & 0x1FF)
    segment = struct.pack("!HHIIHHHH", source[1], destination[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, first, window, 0,
                          0) + options + payload
    packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0) + address(source[0]) + \
        address(destination[0]) + segment
    return b"\x02\0\0\0\0\x80" + b"\x02\0\0\0\0\x10" + b"\x08\x00" + packet


def to_server(flags, seq, ack=0, **more):
    return tcp_frame(CLIENT, SERVER, flags, seq, ack, **more)


def to_client(flags, seq, ack=0, **more):
    return tcp_frame(SERVER, CLIENT, flags, seq, ack, **more)


def conversation(client_isn=1000, server_isn=5000):
    """Three-way handshake, 100 octets each way, a close in four segments by the client: 11 frames."""
    c, s = client_isn, server_isn
    return [to_server(SYN, c), to_client(SYN | ACK, s, c + 1), to_server(ACK, c + 1, s + 1),
            to_server(PSH | ACK, c + 1, s + 1, payload=b"x" * 100), to_client(ACK, s + 1, c + 101),
            to_client(PSH | ACK, s + 1, c + 101, payload=b"y" * 100), to_server(ACK, c + 101, s + 101),
            to_server(FIN | ACK, c + 101, s + 101), to_client(ACK, s + 101, c + 102),
            to_client(FIN | ACK, s + 101, c + 102), to_server(ACK, c + 102, s + 102)]
