# SPDX-License-Identifier: GPL-2.0-or-later
"""A scripted TCP conversation: a few words per segment in, Ethernet frames with right checksums out.

Talk follows both ends' sequence numbers as the segments are written down, so a script names only what is unusual.
All numbers in scripts are relative to the side's ISN, which is 0 (as Wireshark shows them).
"""
from scapy.all import IP, TCP, Ether, IPv6

from common import CLIENT4, CLIENT_MAC, CLIENT_PORT, SERVER4, SERVER_MAC, SERVER_PORT

EPOCH = 1_700_000_000.0     # all crafted captures begin at this second, so that they never change
TEXT = b"tcpstate crafted payload, of no meaning beyond its length. "


class End:
    def __init__(self, address, port, isn, mac, first_id):
        self.address, self.port, self.isn, self.mac = address, port, isn, mac
        self.next = 0           # SND.NXT
        self.ip_id = first_id


class Talk:
    """Two ends and the frames between them. `wrap` turns each finished frame into what the observer saw."""

    def __init__(self, client=(CLIENT4, CLIENT_PORT, 1000), server=(SERVER4, SERVER_PORT, 5000), start=EPOCH,
                 wrap=None):
        self.ends = {"client": End(*client, CLIENT_MAC, 0x1000), "server": End(*server, SERVER_MAC, 0x8000)}
        self.now, self.wrap, self.frames = start, wrap, []

    def client(self, flags, data=b"", **deviations):
        return self.send("client", flags, data, **deviations)

    def server(self, flags, data=b"", **deviations):
        return self.send("server", flags, data, **deviations)

    def send(self, side, flags, data=b"", seq=None, ack=None, after=0.01, captured=True, options=None,
             tamper=None, bare=False):
        """One segment. data is bytes, or a length; seq and ack are relative; captured=False: the observer missed it.

        An ACK field is filled in when the flags have A; it covers all that the peer has sent unless `ack` says else.
        tamper changes the frame after its checksums are made; bare leaves SND.NXT alone (a forged segment).
        """
        me, peer = self.ends[side], self.ends["server" if side == "client" else "client"]
        if isinstance(data, int):
            data = (TEXT * (data // len(TEXT) + 1))[:data]
        seq = me.next if seq is None else seq
        ack = peer.next if ack is None else ack
        header = TCP(sport=me.port, dport=peer.port, seq=(me.isn + seq) % 2**32,
                     ack=(peer.isn + ack) % 2**32 if "A" in flags else 0, flags=flags,
                     window=0 if "R" in flags else 64240,
                     options=options if options is not None else [("MSS", 1460)] if "S" in flags else [])
        frame = bytes(self._network(me, peer) / header / data)
        if not bare:
            me.next = max(me.next, seq + len(data) + ("S" in flags) + ("F" in flags))
        self.now += after
        if captured:
            frame = tamper(frame) if tamper else frame
            self.frames.append((self.now, self.wrap(frame) if self.wrap else frame))
        return self

    @staticmethod
    def _network(me, peer):
        ether = Ether(src=me.mac, dst=peer.mac)
        if ":" in me.address:
            return ether / IPv6(src=me.address, dst=peer.address)
        me.ip_id += 1
        return ether / IP(src=me.address, dst=peer.address, id=me.ip_id, flags="DF")

    # The ordinary parts, for scripts whose point is elsewhere.

    def open(self):
        return self.client("S").server("SA").client("A")

    def ask(self, request=100, response=300):
        return self.client("PA", request).server("A").server("PA", response).client("A")

    def close(self, first="client"):
        """Four segments, `first` closing first."""
        second = "server" if first == "client" else "client"
        for side, flags in ((first, "FA"), (second, "A"), (second, "FA"), (first, "A")):
            self.send(side, flags)
        return self

    def wait(self, seconds):
        self.now += seconds
        return self


def swapped(frames, index):
    """The frames with one and its successor in the other order, as a capture with several queues may show them."""
    (early, one), (late, other) = frames[index:index + 2]
    return [*frames[:index], (early, other), (late, one), *frames[index + 2:]]
