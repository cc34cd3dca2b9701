# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that end by RST, each sent by a real socket."""

from scenario import BOTH, scenario
from scenarios_close_loss import established


@scenario(BOTH)
def reset_client_aborts(lab):
    """The client aborts an established connection (linger 0)."""
    c, s = established(lab)
    c.abort()
    lab.settle()


@scenario(BOTH)
def reset_server_aborts(lab):
    """The server aborts an established connection (linger 0)."""
    c, s = established(lab)
    s.abort()
    lab.settle()


@scenario()
def reset_server_aborts_at_once(lab):
    """The server aborts right after accepting, as load balancers' health checks do."""
    c, s = lab.open()
    s.abort()
    lab.settle()


@scenario()
def reset_client_aborts_at_once(lab):
    """A health check: the client aborts right after the handshake."""
    c, s = lab.open()
    c.abort()
    lab.settle()


@scenario()
def reset_both_abort(lab):
    """Both ends abort at the same time: the resets cross."""
    c, s = established(lab)
    c.abort()
    s.abort()
    lab.settle()


@scenario(BOTH)
def reset_in_close_wait(lab):
    """The server answers the client's FIN by an abort: CLOSE_WAIT, then CLOSED."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    s.abort()
    lab.settle()


@scenario()
def reset_in_close_wait_at_once(lab):
    """The abort comes before the delayed ACK of the FIN: the RST alone acknowledges it."""
    c, s = established(lab)
    c.shutdown()
    lab.middle.pump()
    s.abort()
    lab.settle()


@scenario(BOTH)
def reset_in_fin_wait_2(lab):
    """The closer that waits in FIN_WAIT_2 aborts."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    c.abort()
    lab.settle()


@scenario()
def reset_in_fin_wait_1(lab):
    """The closer aborts before its FIN was acknowledged."""
    c, s = established(lab)
    held = lab.hold("c:FIN")
    c.shutdown()
    lab.run(0.02)
    c.abort()
    lab.run(0.02)
    held.release()
    lab.settle()


@scenario()
def reset_in_closing(lab):
    """An end in CLOSING aborts: nothing is sent, and the ACK of its FIN is answered by a RST."""
    c, s = established(lab)
    held = lab.hold("c:FIN")
    c.shutdown()
    s.shutdown()
    lab.run(0.03)
    c.abort()
    lab.settle()
    held.release()
    lab.settle()


@scenario()
def reset_in_last_ack(lab):
    """The second closer aborts in LAST_ACK: nothing is sent, and the last ACK is answered by a RST."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    held = lab.hold("s:FIN")
    s.shutdown()
    lab.run(0.02)
    s.abort()
    lab.run(0.02)
    held.release()
    lab.settle()


@scenario()
def reset_lost(lab):
    """The client's RST is lost: the server stays ESTABLISHED until its data is answered by another."""
    c, s = established(lab)
    lab.drop("c:RST")
    c.abort()
    lab.run(0.3)
    s.send(100)
    lab.settle()


@scenario()
def reset_lost_and_silence(lab):
    """The client's RST is lost and the server never speaks again."""
    c, s = established(lab)
    lab.drop("c:RST")
    c.abort()
    lab.run(0.5)


@scenario()
def reset_lost_then_close(lab):
    """The client's RST is lost; the server closes later and its FIN is answered by RST."""
    c, s = established(lab)
    lab.drop("c:RST")
    c.abort()
    lab.run(0.3)
    s.close()
    lab.settle()


@scenario(BOTH)
def reset_after_lost_data(lab):
    """Data is lost, then its sender aborts: the RST lies beyond the hole and is refused; the receiver lives on."""
    c, s = established(lab)
    lab.drop("c:DATA")
    c.send(200)
    c.abort()
    lab.settle()
    s.send(50)
    lab.settle()


@scenario()
def reset_after_lost_data_silence(lab):
    """As before, but the receiver says nothing more than its challenge ACK, which is answered by RST."""
    c, s = established(lab)
    lab.drop("c:DATA")
    c.send(200)
    c.abort()
    lab.run(0.5)


@scenario(BOTH)
def reset_unread_data_server(lab):
    """The server closes with data unread: RST instead of FIN."""
    c, s = lab.open()
    c.send(300)
    lab.settle()
    s.close()
    lab.settle()


@scenario()
def reset_unread_data_client(lab):
    """The client closes with data unread."""
    c, s = lab.open()
    s.send(300)
    lab.settle()
    c.close()
    lab.settle()


@scenario()
def reset_unread_data_after_fin(lab):
    """The peer sent data and FIN; the server closes without reading: CLOSE_WAIT, then RST."""
    c, s = lab.open()
    c.send(300)
    c.shutdown()
    lab.settle()
    s.close()
    lab.settle()


@scenario(BOTH)
def reset_data_to_orphan_fin_wait_2(lab):
    """Data arrives at an orphan in FIN_WAIT_2: nobody will read it, RST."""
    c, s = established(lab)
    c.close()
    lab.settle()
    s.send(100)
    lab.settle()


@scenario()
def reset_data_to_orphan_fin_wait_1(lab):
    """Data arrives at an orphan in FIN_WAIT_1."""
    c, s = established(lab)
    held = lab.hold("c:FIN")
    c.close()
    lab.run(0.02)
    s.send(100)
    lab.run(0.1)
    held.release()
    lab.settle()


@scenario()
def reset_data_to_shut_reader(lab):
    """Data arrives after both directions were shut down by an owner that keeps the socket."""
    c, s = established(lab)
    c.shutdown_both()
    lab.settle()
    s.send(100)
    lab.settle()


@scenario()
def reset_data_and_fin_to_orphan(lab):
    """Data and FIN arrive together at an orphan in FIN_WAIT_2."""
    c, s = established(lab)
    c.close()
    lab.settle()
    s.option(6, 3, 1)
    s.sock.send(b"z" * 50)
    s.shutdown()
    lab.settle()


@scenario()
def reset_doubled(lab):
    """The RST arrives twice."""
    c, s = established(lab)
    lab.duplicate("c:RST")
    c.abort()
    lab.settle()


@scenario()
def reset_overtakes_data(lab):
    """The RST overtakes the data before it: refused, then the data arrives and is answered by a closed port."""
    c, s = established(lab)
    held = lab.hold("c:DATA")
    c.send(200)
    lab.run(0.02)
    c.abort()
    lab.run(0.1)
    held.release()
    lab.settle()


@scenario()
def reset_crosses_data(lab):
    """Data of the server crosses the client's RST and is answered by another RST."""
    c, s = established(lab)
    held = lab.hold("c:RST")
    c.abort()
    lab.run(0.02)
    s.send(100)
    lab.run(0.02)
    held.release()
    lab.settle()


@scenario()
def reset_crosses_fin(lab):
    """The client's RST crosses the server's FIN."""
    c, s = established(lab)
    held = lab.hold("c:RST")
    c.abort()
    lab.run(0.02)
    s.close()
    lab.run(0.02)
    held.release()
    lab.settle()


@scenario()
def reset_fin_then_reset(lab):
    """FIN first, then the same end aborts when late data comes: the FIN was never acknowledged."""
    c, s = established(lab)
    data, fin = lab.hold("s:DATA"), lab.hold("c:FIN")
    s.send(100)
    lab.run(0.01)
    c.close()
    lab.run(0.01)
    data.release()
    lab.run(0.05)
    fin.release()
    lab.settle()


@scenario()
def reset_unsent_data(lab):
    """The client aborts while its data is still unacknowledged and in flight."""
    c, s = established(lab)
    held = lab.hold("c:DATA", times=4)
    for _ in range(4):
        c.send(1000)
    lab.run(0.02)
    rst = lab.hold("c:RST")
    c.abort()
    lab.run(0.02)
    held.release()
    rst.release()
    lab.settle()


@scenario()
def reset_to_fin_wait_2_orphan(lab):
    """The server aborts the second half: its RST meets the client's FIN_WAIT_2 minisocket."""
    c, s = established(lab)
    c.close()
    lab.settle()
    s.abort()
    lab.settle()


@scenario()
def reset_after_half_close_data(lab):
    """The server sends into a half-closed connection whose closer is gone by its timer: RST."""
    c, s = established(lab)
    c.close()
    lab.until(lambda: lab.state("client") is None)
    s.send(100)
    lab.settle()


@scenario(BOTH)
def reset_half_open_lost(lab):
    """The client gave up in SYN_SENT, and its RST to the SYN,ACK is lost: SYN,ACK again, and another RST drops the request."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    lab.drop("c:RST")
    c = lab.connect()
    lab.run(0.05)
    c.close()
    held.release()
    lab.run(1.5)


@scenario()
def reset_lost_fin_repeated(lab):
    """ACK of the FIN and the RST after it are both lost: the FIN comes again, and a second RST closes its sender."""
    c, s = established(lab)
    lost = lab.drop("s:ANY", times=99)
    c.shutdown()
    lab.run(0.06)
    s.abort()
    lab.run(0.02)
    lost.times = 0
    lab.settle(0.5)
