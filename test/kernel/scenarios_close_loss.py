# SPDX-License-Identifier: GPL-2.0-or-later
"""Every segment of the close lost, repeated, late or out of order."""

from scenario import BOTH, scenario


def established(lab):
    """An open connection that has carried a little data each way."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    s.send(100)
    lab.settle()
    c.read()
    return c, s


@scenario(BOTH)
def close_fin1_lost(lab):
    """The first FIN is lost and sent again."""
    c, s = established(lab)
    lab.drop("c:FIN")
    lab.close(c, s)
    lab.run(0.5)


@scenario(BOTH)
def close_ack1_lost(lab):
    """The ACK of the first FIN is lost: the FIN comes again and is acknowledged again."""
    c, s = established(lab)
    lab.drop("s:ACK")
    c.close()
    lab.run(0.6)
    s.close()
    lab.settle()


@scenario(BOTH)
def close_fin2_lost(lab):
    """The second FIN is lost and sent again."""
    c, s = established(lab)
    lab.drop("s:FIN")
    lab.close(c, s)
    lab.run(0.6)


@scenario(BOTH)
def close_ack2_lost(lab):
    """The last ACK is lost: the second FIN comes again and TIME_WAIT acknowledges it again."""
    c, s = established(lab)
    c.close()
    lab.settle()
    lab.drop("c:ACK")
    s.close()
    lab.run(0.7)


@scenario()
def close_ack2_lost_server_first(lab):
    """The server closes first and its last ACK is lost."""
    c, s = established(lab)
    s.close()
    lab.settle()
    lab.drop("s:ACK")
    c.close()
    lab.run(0.7)


@scenario()
def close_fin1_doubled(lab):
    """The first FIN arrives twice."""
    c, s = established(lab)
    lab.duplicate("c:FIN")
    lab.close(c, s)


@scenario()
def close_fin2_doubled(lab):
    """The second FIN arrives twice: the second copy is acknowledged, and that ACK meets a closed port."""
    c, s = established(lab)
    lab.duplicate("s:FIN")
    lab.close(c, s)


@scenario(BOTH)
def close_ack2_doubled(lab):
    """The last ACK arrives twice: the second copy meets a closed port, whose RST kills TIME_WAIT."""
    c, s = established(lab)
    c.close()
    lab.settle()
    lab.duplicate("c:ACK")
    s.close()
    lab.settle()


@scenario()
def close_fin1_copy_late(lab):
    """A copy of the first FIN arrives in LAST_ACK."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    lab.duplicate("c:FIN", nth=1)
    held = lab.hold("s:FIN")
    s.close()
    lab.run(0.05)
    lab.forge("s", "FA", lab.nxt("c") - 1, lab.acked("c"))
    lab.run(0.1)
    held.release()
    lab.settle()


@scenario()
def close_all_acks_lost(lab):
    """The first ACK of each FIN is lost."""
    c, s = established(lab)
    lab.drop("s:ACK")
    lab.drop("c:ACK")
    c.close()
    lab.run(0.6)
    s.close()
    lab.run(0.8)


@scenario()
def close_fin1_never_arrives(lab):
    """No FIN of the client arrives: its orphan gives up in FIN_WAIT_1, in silence; the server knows nothing."""
    c, s = established(lab)
    lab.drop("c:FIN", times=99)
    c.close()
    lab.until(lambda: lab.state("client") is None)


@scenario()
def close_fin1_never_arrives_server_speaks(lab):
    """After the client's orphan gave up, the server's data is answered by a RST."""
    c, s = established(lab)
    lab.drop("c:FIN", times=99)
    c.close()
    lab.until(lambda: lab.state("client") is None)
    s.send(10)
    lab.settle()


@scenario()
def close_ack2_never_arrives(lab):
    """No last ACK arrives: LAST_ACK gives up in silence."""
    c, s = established(lab)
    c.close()
    lab.settle()
    lab.drop("c:ACK", times=99)
    s.close()
    lab.until(lambda: lab.state("server") is None)


@scenario()
def close_three_segments_finack_lost(lab):
    """Three-segment close whose FIN,ACK is lost: nothing told the client that its FIN had arrived."""
    c, s = established(lab)
    lab.drop("s:FIN")
    c.shutdown()
    lab.middle.pump()
    s.close()
    lab.run(0.7)


@scenario(BOTH)
def close_simultaneous_fin_lost(lab):
    """Simultaneous close, the server's FIN lost: its ACK of the client's FIN overtakes it."""
    c, s = established(lab)
    lab.drop("s:FIN")
    c.close()
    s.close()
    lab.run(0.7)


@scenario()
def close_simultaneous_fins_lost(lab):
    """Simultaneous close, both FINs lost: both come again, each with an ACK that covers less or more."""
    c, s = established(lab)
    lab.drop("s:FIN")
    lab.drop("c:FIN")
    c.close()
    s.close()
    lab.run(1)


@scenario()
def close_simultaneous_ack_lost(lab):
    """Simultaneous close, the server's ACK lost: the client stays in CLOSING until its FIN is acknowledged again."""
    c, s = established(lab)
    held = lab.hold("s:FIN")
    s.shutdown()
    lab.run(0.01)
    lab.drop("s:ACK")
    c.shutdown()
    lab.run(0.02)
    held.release()
    lab.run(1)


@scenario()
def close_simultaneous_acks_lost(lab):
    """Simultaneous close, both ACKs lost: CLOSING on both sides, FINs again."""
    c, s = established(lab)
    lab.drop("s:ACK")
    lab.drop("c:ACK")
    c.close()
    s.close()
    lab.run(1)


@scenario()
def close_simultaneous_fin_overtaken(lab):
    """Simultaneous close in which the server's ACK overtakes its own FIN: FIN_WAIT_2 at the client, not CLOSING."""
    c, s = established(lab)
    held = lab.hold("s:FIN")
    c.close()
    s.close()
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario(BOTH)
def close_fin_behind_lost_data(lab):
    """The last data is lost, the FIN behind it arrives: it does not count until the data came again."""
    c, s = established(lab)
    lab.drop("c:DATA")
    c.send(300)
    c.close()
    lab.run(0.6)
    s.read()
    s.close()
    lab.settle()


@scenario()
def close_fin_overtakes_data(lab):
    """The FIN overtakes the data before it."""
    c, s = established(lab)
    held = lab.hold("c:DATA")
    c.send(300)
    lab.run(0.01)
    c.shutdown()
    lab.run(0.02)
    held.release()
    lab.settle()
    lab.close(s, c)


@scenario()
def close_fin_before_hole_both(lab):
    """Both ends lose their last data and have their FIN waiting behind the hole."""
    c, s = established(lab)
    lab.drop("c:DATA")
    lab.drop("s:DATA")
    c.send(300)
    s.send(300)
    c.shutdown()
    s.shutdown()
    lab.run(1.2)
    c.read()
    s.read()


@scenario()
def close_data_with_fin_lost(lab):
    """A segment of data and FIN together is lost and sent again."""
    c, s = established(lab)
    lab.drop("c:FIN")
    c.option(6, 3, 1)                       # TCP_CORK: keep the data for the FIN
    c.sock.send(b"z" * 120)
    c.shutdown()
    lab.run(0.6)
    lab.close(s, c)


@scenario()
def close_ack1_late(lab):
    """The ACK of the first FIN is late: the FIN is repeated, the server's FIN overtakes the ACK."""
    c, s = established(lab)
    held = lab.hold("s:ACK")
    c.shutdown()
    lab.run(0.3)
    s.close()
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def close_fin2_late(lab):
    """The second FIN is late: its copy arrives first, the original in TIME_WAIT."""
    c, s = established(lab)
    c.close()
    lab.settle()
    held = lab.hold("s:FIN")
    s.close()
    lab.run(0.4)
    held.release()
    lab.settle()


@scenario()
def close_fin1_late(lab):
    """The first FIN is late: its copy arrives first, the original when everything is over."""
    c, s = established(lab)
    held = lab.hold("c:FIN")
    c.close()
    lab.run(0.4)
    s.close()
    lab.settle()
    held.release()
    lab.settle()


@scenario()
def close_data_after_fin_late(lab):
    """Old data arrives again after the close, at TIME_WAIT."""
    c, s = established(lab)
    lab.duplicate("s:DATA", later=1.2)
    s.send(200)
    lab.close(c, s)
    lab.run(1.3)
