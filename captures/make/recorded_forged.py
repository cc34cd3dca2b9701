# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings in which a man on the side puts forged segments on the wire between two real stacks."""
import contextlib
import errno
import time

from scapy.all import ICMP, IP, TCP, Ether

from common import CLIENT4, CLIENT_MAC, CLIENT_PORT, SERVER4, SERVER_MAC, SERVER_PORT, Registry
from lab import ask, close_politely, exactly, vanish

SCENARIOS = Registry("recorded: Python sockets, forged segments put between them")
recorded = SCENARIOS.add


class Forger:
    """Hears every segment at the wire and so knows which number each side sends next."""

    def __init__(self, lab):
        self.lab, self.next = lab, {}
        lab.wire.listener = self.hear

    def hear(self, side, segment):
        self.next[side] = (segment.seq + segment.length + len(segment.flags & {"S", "F"})) % 2**32

    def send(self, side, flags, offset=0, ack_offset=0, data=b"", deliver=True, wait=True):
        """A segment in the name of one side, `offset` away from its next number, acknowledging all the other sent."""
        ends = [(CLIENT_MAC, CLIENT4, CLIENT_PORT), (SERVER_MAC, SERVER4, SERVER_PORT)]
        me, peer = ends if side == "client" else reversed(ends)
        other = "server" if side == "client" else "client"
        ack = (self.next.get(other, 0) + ack_offset) % 2**32 if "A" in flags else 0
        frame = (Ether(src=me[0], dst=peer[0]) / IP(src=me[1], dst=peer[1], ttl=61)
                 / TCP(sport=me[2], dport=peer[2], flags=flags, seq=(self.next.get(side, 0) + offset) % 2**32, ack=ack,
                       window=0 if "R" in flags else 64240) / data)
        self.lab.wire.inject(bytes(frame), side, deliver)
        if wait:
            self.lab.settle()


def call(lab):
    """Sends a SYN and does not wait; returns once the SYN has passed the wire's first leg."""
    client = lab.client_socket()
    client.setblocking(False)
    assert client.connect_ex((SERVER4, SERVER_PORT)) == errno.EINPROGRESS
    time.sleep(3 * lab.wire.leg)
    return client


def mute(lab):
    """The true server hears nothing, so that a forged one can speak for it; all is captured."""
    lab.wire.lose(lambda side, segment: side == "client", times=99)


@recorded("rst-exact.pcapng")
def rst_exact(lab):
    """A forged RST with exactly the number the client expects: the client takes it and is CLOSED; the true server is
    told by the client's RST when it speaks again.

    8: exact: both CLOSED. 9: the true server goes on sending: for it the RST is disproved. 10: exact RST of the
    closed client: server→CLOSED.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("server", "R")
    with contextlib.suppress(OSError):
        server.sendall(b"are you there?")


@recorded("rst-in-window-challenge-ack.pcapng")
def rst_in_window(lab):
    """A forged RST inside the window but not exact: Linux answers with a challenge ACK and nothing changes; the
    connection goes on and closes normally.

    8: SEG.SEQ 1000 above RCV.NXT: in the window, no change. 9: challenge ACK. 12 onwards: both still ESTABLISHED; 13:
    client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("server", "R", +1000)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)


@recorded("rst-in-window-then-exact.pcapng")
def rst_in_window_then_exact(lab):
    """A RST inside the window gets a challenge ACK; the server has no such connection any more and answers that with
    the exact RST, which closes.

    8: in the window: no change. 9: challenge ACK. 10: exact: both CLOSED.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    vanish(server)
    forger.send("server", "R", +1000)


@recorded("rst-outside-window.pcapng")
def rst_outside_window(lab):
    """A forged RST far outside the window: the client's stack drops it without any answer; the connection goes on.

    8: one million above: outside, no change, no answer. Wireshark's tcp.completeness counts it as a reset. 12:
    client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("server", "R", +1_000_000)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)


@recorded("rst-below-window.pcapng")
def rst_below_window(lab):
    """A RST one below the expected number, as an old duplicate would be: dropped without any answer.

    8: one below RCV.NXT in ESTABLISHED: no change, no answer. 12: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("server", "R", -1)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)


@recorded("rst-injected-both-talk-on.pcapng")
def rst_injected_both_talk_on(lab):
    """Exact RSTs in both names pass the observer but reach nobody (their TTL ends on the way): both ends talk on.

    8: exact: both CLOSED. 9: another. 10: the client talks on, but might have sent that before. 11: the server
    acknowledges it: server→ESTABLISHED. 12: both talk on: client→ESTABLISHED. 13: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("server", "R", deliver=False)
    forger.send("client", "R", deliver=False)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)


@recorded("reuse-syn-in-established-survives.pcapng")
def syn_in_established(lab):
    """A forged SYN hits an established connection; the challenge ACK goes to the true client, which ignores it, and
    the connection lives on, under a new tcp.stream number in Wireshark.

    8: SYN with another ISN. 9: challenge ACK. 10: the old connection goes on, both ESTABLISHED, though Wireshark puts
    it into a new tcp.stream. 13: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("client", "S", +5000)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)


@recorded("open-wrong-ack-synack.pcapng", leg=0.02)
def wrong_ack_synack(lab):
    """A SYN,ACK that acknowledges nonsense comes before the true one: the client answers it with RST, stays SYN_SENT,
    and opens with the true one.

    2: SYN,ACK acknowledging 5001: no transition for the client. 3: the client's RST: it stays SYN_SENT. 5: the true
    server's challenge ACK to that RST. 6: the true SYN,ACK. 7: both ESTABLISHED.
    """
    forger = Forger(lab)
    lab.wire.hold(exactly("server", "SA"), 0.15, where="before")
    listener = lab.listen()
    client = call(lab)
    forger.send("server", "SA", 77, ack_offset=5000, wait=False)
    server = lab.keep(listener.accept()[0])
    lab.settle()
    client.setblocking(True)
    ask(client, server)
    close_politely(lab, client, server)


@recorded("rst-wrong-ack-in-syn-sent.pcapng", leg=0.02)
def rst_wrong_ack_in_syn_sent(lab):
    """A bare RST and a RST,ACK with a wrong ACK hit a client in SYN_SENT: both are ignored.

    2: RST without ACK, 3: RST,ACK of a wrong number: client stays SYN_SENT. 4: SYN again. 6: both ESTABLISHED.
    7: the first SYN,ACK, delayed: older by its time stamp, it takes nothing back.
    """
    forger = Forger(lab)
    lab.wire.hold(exactly("server", "SA"), 0.15, where="before")
    listener = lab.listen()
    client = call(lab)
    forger.send("server", "R", wait=False)
    forger.send("server", "RA", ack_offset=-7, wait=False)
    server = lab.keep(listener.accept()[0])
    lab.settle()
    client.setblocking(True)
    ask(client, server)
    close_politely(lab, client, server)


@recorded("rst-forged-before-synack.pcapng", leg=0.02)
def rst_forged_before_synack(lab):
    """A forged RST,ACK with the right number outruns the true SYN,ACK: the client is CLOSED and answers the SYN,ACK
    with RST, which sends the server back to LISTEN.

    2: RST,ACK 1: client→CLOSED. 3: SYN,ACK: server→SYN_RECEIVED. 4: RST: server→LISTEN.
    """
    forger = Forger(lab)
    lab.wire.hold(exactly("server", "SA"), 0.15, where="before")
    lab.listen()
    call(lab)
    forger.send("server", "RA")


@recorded("open-split-handshake.pcapng")
def split_handshake(lab):
    """The split handshake against a real Linux client: the server answers the SYN with a SYN of its own, the client
    sends SYN,ACK, the server's ACK completes it. The server's side is forged.

    1: client→SYN_SENT. 2: server→SYN_SENT. 3: client→SYN_RECEIVED. 4: server→ESTABLISHED, client→ESTABLISHED. Roles
    stay with the first SYN.
    """
    forger = Forger(lab)
    mute(lab)
    client = call(lab)
    lab.settle(0.1)
    forger.send("server", "S", 7000)
    forger.next["server"] = 7001
    forger.send("server", "A")
    client.sendall(b"request")
    lab.settle()
    forger.send("server", "A")
    forger.send("server", "FA")
    forger.next["server"] += 1
    client.close()
    lab.settle()
    forger.send("server", "A")


@recorded("open-split-handshake-five-steps.pcapng")
def split_handshake_five_steps(lab):
    """The five-step split handshake: the forged server first acknowledges the SYN, then sends its own SYN.

    2: a bare ACK of the SYN: still client SYN_SENT. 3: server→SYN_SENT. 4: client→SYN_RECEIVED. 5: both ESTABLISHED.
    """
    forger = Forger(lab)
    mute(lab)
    client = call(lab)
    lab.settle(0.1)
    forger.send("server", "A", 7001)
    forger.send("server", "S", 7000)
    forger.next["server"] = 7001
    forger.send("server", "A")
    client.close()
    lab.settle()
    forger.send("server", "FA")


@recorded("icmp-soft-error-in-established.pcapng")
def icmp_soft_error(lab):
    """A forged ICMP host unreachable quotes a segment of an established connection: Linux takes no notice.

    8: quoted header, no segment: both stay ESTABLISHED. 12: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    quoted = IP(src=CLIENT4, dst=SERVER4) / TCP(sport=CLIENT_PORT, dport=SERVER_PORT, flags="A",
                                                 seq=forger.next["client"])
    frame = Ether(src=SERVER_MAC, dst=CLIENT_MAC) / IP(src=SERVER4, dst=CLIENT4) / ICMP(type=3, code=1) / quoted
    lab.wire.inject(bytes(frame), "server")
    lab.settle()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("close-fin-without-ack-flag.pcapng")
def fin_without_ack_flag(lab):
    """A forged FIN without the ACK flag: Linux drops it; the true close comes later.

    8: FIN without ACK: noted, no change. 9: the true FIN: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    forger.send("client", "F")
    close_politely(lab, client, server)


@recorded("flags-invalid.pcapng")
def flags_invalid(lab):
    """Null, SYN+FIN, SYN+RST, FIN+RST and xmas segments inside an established connection: none is a transition.

    8 null, 9 SYN+FIN (answered by a challenge ACK, 10), 13 xmas: malformed; 11 SYN+RST, 12 FIN+RST: resets, but
    outside the window. Both stay ESTABLISHED; Wireshark's tcp.stream changes at 9 and 11. 17: client→FIN_WAIT_1.
    """
    forger = Forger(lab)
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    for flags, offset in (("", 0), ("SF", 100), ("SR", 5_000_000), ("FR", 5_000_000), ("FPU", 0)):
        forger.send("client", flags, offset)
    ask(client, server)
    lab.settle()
    close_politely(lab, client, server)
