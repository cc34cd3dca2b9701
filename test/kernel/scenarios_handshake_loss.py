# SPDX-License-Identifier: GPL-2.0-or-later
"""Every segment of the handshake lost, repeated, late or out of order."""

from scenario import BOTH, scenario


def finish(lab, c, s):
    """A little data each way, then an orderly close."""
    c.send(100)
    lab.settle()
    s.read()
    s.send(100)
    lab.close(c, s)


@scenario(BOTH)
def handshake_syn_lost(lab):
    """The first SYN is lost and sent again."""
    lab.listen()
    lab.drop("c:SYN")
    c = lab.connect()
    finish(lab, c, lab.accept(wait=3))


@scenario()
def handshake_syn_lost_twice(lab):
    """Two SYNs are lost; the third arrives."""
    lab.listen()
    lab.drop("c:SYN", times=2)
    c = lab.connect()
    finish(lab, c, lab.accept(wait=5))


@scenario(BOTH)
def handshake_synack_lost(lab):
    """The SYN,ACK is lost; both ends repeat."""
    lab.listen()
    lab.drop("s:SYNACK")
    c = lab.connect()
    finish(lab, c, lab.accept(wait=3))


@scenario()
def handshake_synacks_all_lost(lab):
    """Every SYN,ACK is lost: both ends give up by their timers."""
    lab.listen()
    lab.drop("s:SYNACK", times=99)
    c = lab.connect()
    lab.run(0.1)
    lab.until(lambda: lab.state("client") is None)
    lab.until(lambda: lab.state("server") is None)


@scenario(BOTH)
def handshake_ack_lost_data_follows(lab):
    """The third ACK is lost; the client's data completes the handshake."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    lab.run(0.1)
    finish(lab, c, lab.accept(wait=0) or (c.send(50), lab.accept())[1])


@scenario(BOTH)
def handshake_ack_lost_nothing_follows(lab):
    """The third ACK is lost and the client is silent: SYN,ACK again, a duplicate ACK completes the handshake."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    finish(lab, c, lab.accept(wait=3))


@scenario(BOTH)
def handshake_ack_lost_fin_follows(lab):
    """The third ACK is lost; the client's bare FIN completes the handshake and half-closes."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    lab.run(0.1)
    c.shutdown()
    s = lab.accept()
    lab.settle()
    s.send(200)
    s.close()
    lab.settle()


@scenario()
def handshake_ack_lost_abort_follows(lab):
    """The third ACK is lost and the client aborts: the RST finds a half-open request."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    lab.run(0.1)
    c.abort()
    lab.settle()


@scenario()
def handshake_acks_all_lost(lab):
    """No ACK of the client ever arrives: the server repeats its SYN,ACK and gives up in silence."""
    lab.listen()
    lab.drop("c:ACK", times=99)
    c = lab.connect()
    lab.run(0.1)
    lab.until(lambda: lab.state("server") is None)


@scenario()
def handshake_acks_lost_data_too_late(lab):
    """The server gave up on the handshake; the client's later data meets a RST."""
    lab.listen()
    lab.drop("c:ACK", times=99)
    c = lab.connect()
    lab.run(0.1)
    lab.until(lambda: lab.state("server") is None)
    c.send(100)
    lab.settle()


@scenario(BOTH)
def handshake_syn_doubled(lab):
    """The SYN arrives twice."""
    lab.listen()
    lab.duplicate("c:SYN")
    c = lab.connect()
    finish(lab, c, lab.accept())


@scenario(BOTH)
def handshake_synack_doubled(lab):
    """The SYN,ACK arrives twice: two third ACKs."""
    lab.listen()
    lab.duplicate("s:SYNACK")
    c = lab.connect()
    finish(lab, c, lab.accept())


@scenario()
def handshake_ack_doubled(lab):
    """The third ACK arrives twice."""
    lab.listen()
    lab.duplicate("c:ACK")
    c = lab.connect()
    finish(lab, c, lab.accept())


@scenario(BOTH)
def handshake_late_syn_copy(lab):
    """A copy of the SYN arrives in the established connection: a challenge or duplicate ACK, no change."""
    lab.listen()
    lab.duplicate("c:SYN", later=0.15)
    c = lab.connect()
    s = lab.accept()
    c.send(100)
    lab.run(0.3)
    finish(lab, c, s)


@scenario()
def handshake_late_synack_copy(lab):
    """A copy of the SYN,ACK arrives in the established connection."""
    lab.listen()
    lab.duplicate("s:SYNACK", later=0.15)
    c = lab.connect()
    s = lab.accept()
    c.send(100)
    lab.run(0.3)
    finish(lab, c, s)


@scenario()
def handshake_late_ack_copy(lab):
    """A copy of the third ACK arrives after data."""
    lab.listen()
    lab.duplicate("c:ACK", later=0.15)
    c = lab.connect()
    s = lab.accept()
    c.send(100)
    lab.run(0.3)
    finish(lab, c, s)


@scenario(BOTH)
def handshake_ack_overtaken_by_data(lab):
    """Data overtakes the third ACK."""
    lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.05)
    c.send(100)
    s = lab.accept()
    held.release()
    lab.settle()
    finish(lab, c, s)


@scenario()
def handshake_ack_overtaken_by_fin(lab):
    """The client's FIN overtakes its data and the third ACK, which come later in the wrong order."""
    lab.listen()
    held = [lab.hold("c:ACK"), lab.hold("c:DATA")]
    c = lab.connect()
    lab.run(0.05)
    c.send(100)
    lab.run(0.02)
    c.shutdown()
    lab.run(0.02)
    for rule in held[::-1]:
        rule.release()
    s = lab.accept()
    lab.settle()
    s.read()
    s.close()
    lab.settle()


@scenario()
def handshake_synack_late(lab):
    """The SYN,ACK is later than the client's patience: both SYN and SYN,ACK are repeated and all copies arrive."""
    lab.listen()
    lab.delay("s:SYNACK", 1.5)
    c = lab.connect()
    s = lab.accept(wait=3)
    lab.run(1)
    finish(lab, c, s)


@scenario()
def handshake_ack_late(lab):
    """The third ACK is later than the server's patience: SYN,ACK is repeated, all copies arrive."""
    lab.listen()
    lab.delay("c:ACK", 1.3)
    c = lab.connect()
    s = lab.accept(wait=3)
    lab.run(1)
    finish(lab, c, s)


@scenario()
def handshake_syn_copy_after_reset(lab):
    """A copy of the SYN arrives after the connection was reset: half-open at the server, ended by the client's RST."""
    lab.listen()
    lab.duplicate("c:SYN", later=0.3)
    c = lab.connect()
    s = lab.accept()
    c.abort()
    lab.run(0.6)
    s.close()


@scenario()
def handshake_syn_copy_in_time_wait(lab):
    """A copy of the first SYN arrives when the client's end is in TIME_WAIT and the server's is gone."""
    lab.listen()
    lab.duplicate("c:SYN", later=1.0)
    c = lab.connect()
    s = lab.accept()
    lab.close(c, s)
    lab.run(1.2)


@scenario()
def handshake_syn_copy_at_time_wait_server(lab):
    """A copy of the first SYN arrives when the server's end is in TIME_WAIT: too old to open anything."""
    lab.listen()
    lab.duplicate("c:SYN", later=1.0)
    c = lab.connect()
    s = lab.accept()
    lab.close(s, c)
    lab.run(1.2)


@scenario()
def handshake_both_lost(lab):
    """The first SYN, the first SYN,ACK and the first third ACK are lost, one after the other."""
    lab.listen()
    lab.drop("c:SYN")
    lab.drop("s:SYNACK")
    lab.drop("c:ACK")
    c = lab.connect()
    finish(lab, c, lab.accept(wait=8))


@scenario()
def handshake_server_speaks_first(lab):
    """The third ACK is lost and the server would speak first, like a mail server: SYN,ACK again, then its data."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    s = lab.accept(wait=3)
    s.send(80)
    lab.settle()
    lab.close(s, c)
