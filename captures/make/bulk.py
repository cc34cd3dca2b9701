# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes large captures for benchmarks, millions of packets in a minute. Its output is not kept in the repository.

    bulk.py --connections 80000 --packets-per-connection 11 --kind short OUT.pcap    880,000 packets
    bulk.py --connections 1000000 --packets-per-connection 2 --kind flood OUT.pcap   a million SYNs, each answered
    bulk.py --connections 8 --packets-per-connection 100000 --kind long OUT.pcap     few connections, much data
    bulk.py --connections 80000 --packets-per-connection 11 --kind lossy OUT.pcap    loss, reordering, resets

Ethernet and IPv4, timestamps option, right checksums, connections interleaved. The same arguments make the same bytes.

Why it is fast: all connections of a kind follow one of a few scripts, so a packet is one struct.pack() of the script's
relative numbers plus the connection's ISNs; and since 2^16 = 1 modulo 65535, a checksum is one remainder of the plain
sum of all header words of whatever width.
"""
import argparse
import struct
import sys
from array import array

# A record of classic pcap in network byte order, so that it and the packet in it are packed in one go:
# seconds, microseconds, caught, length | addresses, type | IPv4 | TCP | options; the payload follows.
HEADERS = ">IIII 6s6sH BBHHHBBHII HHIIHHHH"
PLAIN = struct.Struct(HEADERS + " III")           # NOP NOP TS(8,10), TSval, TSecr
SYN = struct.Struct(HEADERS + " IHHIII")            # MSS, SACK permitted + TS(8,10), TSval, TSecr, NOP + WS 7
CLIENT_MAC, SERVER_MAC = b"\x02\0\0\0\0\x10", b"\x02\0\0\0\0\x80"
SERVERS = [0xC0000250 + i for i in range(4)]        # 192.0.2.80 ff.
OPTION_MSS, OPTION_SACK_TS, OPTION_TS, OPTION_WS = 0x020405B4, (0x0402, 0x080A), 0x0101080A, 0x01030307
FIN, RST, PSH, ACK, SYN_FLAG = 1, 4, 8, 16, 2
EPOCH = 1_700_000_000
NOTHING = 255                                       # a step at which a connection is silent


class Kind:
    """One sort of segment: who sends it, its flags, its payload, and the part of its checksums that never changes."""

    def __init__(self, name, by_client, flags, payload=b""):
        self.name, self.by_client, self.payload = name, by_client, payload
        self.syn = bool(flags & SYN_FLAG)
        self.advance = len(payload) + self.syn + bool(flags & FIN)
        header = 40 if self.syn else 32
        self.offset_flags = header // 4 << 12 | flags
        self.ip_length = 20 + header + len(payload)
        self.window = 0 if flags & RST else 64240 if self.syn else 502
        options = OPTION_MSS + sum(OPTION_SACK_TS) + OPTION_WS if self.syn else OPTION_TS
        padded = payload + b"\0" * (len(payload) % 2)
        self.tcp_sum = (6 + header + len(payload) + self.offset_flags + self.window + options
                        + sum(struct.unpack(f">{len(padded) // 2}H", padded)))
        self.ip_sum = 0x4500 + self.ip_length + 0x4000 + (64 << 8 | 6)
        self.has_ack = bool(flags & ACK)


def kinds(payload):
    """The vocabulary of the scripts, by name."""
    request = (b"GET /benchmark HTTP/1.1\r\nHost: example\r\n\r\n" * (payload // 40 + 1))[:payload]
    response = (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * (payload // 30 + 1))[:payload]
    table = [Kind("c:syn", True, SYN_FLAG), Kind("s:synack", False, SYN_FLAG | ACK),
             Kind("c:ack", True, ACK), Kind("s:ack", False, ACK),
             Kind("c:data", True, PSH | ACK, request), Kind("s:data", False, PSH | ACK, response),
             Kind("c:fin", True, FIN | ACK), Kind("s:fin", False, FIN | ACK), Kind("c:rst", True, RST | ACK)]
    return {kind.name: (index, kind) for index, kind in enumerate(table)}


class Script:
    """The life of a connection: for each step the sort of segment and its numbers relative to the ISNs."""

    def __init__(self, vocabulary, names):
        self.kind, self.seq, self.ack = bytearray(), array("I"), array("I")
        sent = {True: 0, False: 0}
        for name in names:
            index, kind = vocabulary[name]
            self.kind.append(index)
            self.seq.append(sent[kind.by_client])
            self.ack.append(sent[not kind.by_client])
            sent[kind.by_client] += kind.advance

    def varied(self, order):
        """The script with its steps in another order; a step may come twice, or not at all."""
        other = Script({}, [])
        for step in order:
            other.kind.append(NOTHING if step is None else self.kind[step])
            other.seq.append(0 if step is None else self.seq[step])
            other.ack.append(0 if step is None else self.ack[step])
        return other


def ordinary(packets):
    """Handshake, data and its ACK in turn from either side, close in four segments (three if `packets` is even)."""
    close = ["c:fin", "s:ack", "s:fin", "c:ack"] if packets % 2 else ["c:fin", "s:fin", "c:ack"]
    turns = [["c:data", "s:ack"], ["s:data", "c:ack"]]
    names = ["c:syn", "s:synack", "c:ack"]
    for turn in range((packets - len(names) - len(close)) // 2):
        names += turns[turn % 2]
    return names + close


def lossy(vocabulary, packets):
    """Eleven fates of a connection, from none to a reset. Loss before the observer is a step that is not there, loss
    behind it one that comes again later."""
    script = Script(vocabulary, ordinary(packets))
    steps = list(range(packets))
    close = packets - (4 if packets % 2 else 3)
    abort = Script(vocabulary, ordinary(packets)[:close] + ["c:rst"])
    orders = [
        steps,
        [0, *steps],                                            # the SYN lost behind the observer
        [0, 1, *steps],                                         # the SYN,ACK
        [0, 1, 2, 1, 2, *steps[3:]],                            # the third ACK
        [0, 1, None, *steps[3:]],                               # the third ACK missed by the capture
        [0, 1, 2, 3, None, 3, *steps[4:]],                      # the request
        [0, 1, 2, 4, 3, *steps[5:]],                            # the ACK captured before the request
        [*steps[:close], close, None, *steps[close:]],          # the first FIN
        [*steps[:close], close + 1, close, *steps[close + 2:]],     # captured the wrong way round
        [*steps, packets - 2, packets - 1],                     # the last ACK
    ]
    return [script.varied(order) for order in orders] + [abort]


def connection(number):
    """Addresses, port, ISNs and the sums of its addresses. Bijective, so no two connections share a client address."""
    client = 0x0A000000 + number * 2654435761 % (1 << 24)
    server = SERVERS[number & 3]
    port = 1024 + number * 40503 % 64000
    return (client, server, port, number * 2246822519 % (1 << 32), number * 3266489917 % (1 << 32),
            client + server, client + server + port + 80)


def packets(scripts, table, connections, stride):
    """All records in time order. Connection c does its step k at tick c + k * stride."""
    length = max(len(script.kind) for script in scripts)
    most = min(length, (connections - 1) // stride + 1)
    gap = max(20, 2 * most)                     # microseconds between ticks: room for every packet of a tick
    active = {}
    for tick in range(connections + (length - 1) * stride):
        first = max(0, -(-(tick - connections + 1) // stride))
        last = min(length - 1, tick // stride)
        if tick < connections:
            active[tick] = connection(tick)
        micros = tick * gap
        for step in range(first, last + 1):
            number = tick - step * stride
            script = scripts[number % len(scripts)]
            micros += 1
            if step < len(script.kind) and script.kind[step] != NOTHING:
                yield record(table[script.kind[step]], script.seq[step], script.ack[step], active[number],
                             number * 31 + step & 0xFFFF, micros)
            if step == length - 1:
                del active[number]


def record(kind, seq, ack, ends, ip_id, micros):
    client, server, port, client_isn, server_isn, ip_ends, tcp_ends = ends
    now = micros // 1000 + 1
    ip_sum = -(kind.ip_sum + ip_id + ip_ends) % 65535
    if kind.by_client:
        seq, ack = (seq + client_isn) & 0xFFFFFFFF, (ack + server_isn) & 0xFFFFFFFF
        head = (SERVER_MAC, CLIENT_MAC, 0x0800, 0x45, 0, kind.ip_length, ip_id, 0x4000, 64, 6, ip_sum, client, server,
                port, 80)
    else:
        seq, ack = (seq + server_isn) & 0xFFFFFFFF, (ack + client_isn) & 0xFFFFFFFF
        head = (CLIENT_MAC, SERVER_MAC, 0x0800, 0x45, 0, kind.ip_length, ip_id, 0x4000, 64, 6, ip_sum, server, client,
                80, port)
    if not kind.has_ack:
        ack = 0
    echo = now - 1 if kind.has_ack else 0
    tcp_sum = -(kind.tcp_sum + tcp_ends + seq + ack + now + echo) % 65535
    caught = kind.ip_length + 14
    begin = (EPOCH + micros // 1_000_000, micros % 1_000_000, caught, caught)
    if kind.syn:
        return SYN.pack(*begin, *head, seq, ack, kind.offset_flags, kind.window, tcp_sum, 0,
                        OPTION_MSS, *OPTION_SACK_TS, now, echo, OPTION_WS)
    return PLAIN.pack(*begin, *head, seq, ack, kind.offset_flags, kind.window, tcp_sum, 0,
                      OPTION_TS, now, echo) + kind.payload


def write(path, records):
    """Returns the number of packets written."""
    count, chunk = 0, []
    with open(path, "wb") as file:
        file.write(struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for one in records:
            chunk.append(one)
            if len(chunk) == 8192:
                count += len(chunk)
                file.write(b"".join(chunk))
                chunk.clear()
        file.write(b"".join(chunk))
    return count + len(chunk)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--packets-per-connection", type=int, default=11)
    parser.add_argument("--kind", choices=("short", "long", "flood", "lossy"), default="short")
    parser.add_argument("--payload", type=int, default=100, help="octets of each data segment (default 100)")
    parser.add_argument("file")
    arguments = parser.parse_args()
    length, least = arguments.packets_per_connection, {"flood": 1, "lossy": 9}.get(arguments.kind, 6)
    if not 1 <= arguments.connections <= 1 << 24 or length < least or (arguments.kind == "flood" and length > 2):
        parser.error(f"{arguments.kind}: from 1 to 2^24 connections of at least {least} packets, a flood of at most 2")
    vocabulary = kinds(arguments.payload)
    if arguments.kind == "flood":
        scripts = [Script(vocabulary, ["c:syn", "s:synack"][:length])]
    elif arguments.kind == "lossy":
        scripts = lossy(vocabulary, length)
    else:
        scripts = [Script(vocabulary, ordinary(length))]
    stride = 1 if arguments.kind == "long" else 97
    table = [kind for _, kind in vocabulary.values()]
    count = write(arguments.file, packets(scripts, table, arguments.connections, stride))
    print(f"{count} packets, {arguments.connections} connections", file=sys.stderr)


if __name__ == "__main__":
    main()
