# SPDX-License-Identifier: GPL-2.0-or-later
"""Orderly ways to close."""

import socket

from scenario import BOTH, scenario


@scenario(BOTH)
def close_client_first(lab):
    """The textbook close in four segments, the client first."""
    c, s = lab.open()
    c.send(300)
    lab.settle()
    s.read()
    s.send(500)
    lab.close(c, s)


@scenario(BOTH)
def close_server_first(lab):
    """The server closes first, as web servers do; the client follows later."""
    c, s = lab.open()
    c.send(200)
    lab.settle()
    s.read()
    s.send(900)
    s.close()
    lab.settle()
    c.read()
    c.close()
    lab.settle()


@scenario()
def close_without_data(lab):
    """Opened and closed, not one octet of data."""
    c, s = lab.open()
    lab.close(c, s)


@scenario(BOTH)
def close_three_segments(lab):
    """The second closer's FIN comes in the same segment as its ACK: three segments instead of four."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    c.shutdown()
    lab.middle.pump()
    s.close()                               # before its delayed ACK left
    lab.settle()


@scenario()
def close_three_segments_server_first(lab):
    """Three segments, the server first, its FIN on the last data."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    s.option(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    s.sock.send(b"y" * 400)
    s.shutdown()
    lab.middle.pump()
    c.read()
    c.close()
    lab.settle()


@scenario(BOTH)
def close_simultaneous(lab):
    """Both ends close before either has the other's FIN: both FIN_WAIT_1, CLOSING, TIME_WAIT."""
    c, s = lab.open()
    c.close()
    s.close()
    lab.settle()


@scenario()
def close_simultaneous_with_data(lab):
    """Both ends send data and close at the same time."""
    c, s = lab.open()
    c.send(100)
    s.send(100)
    lab.settle()
    c.read()
    s.read()
    c.sock.send(b"x" * 300)
    c.shutdown()
    s.sock.send(b"x" * 300)
    s.shutdown()
    lab.settle()


@scenario(BOTH)
def close_half(lab):
    """The client half-closes; the server goes on sending for a while, then closes."""
    c, s = lab.open()
    c.send(100)
    c.shutdown()
    lab.settle()
    s.read()
    for _ in range(3):
        s.send(1000)
        lab.settle()
        c.read()
    s.close()
    lab.settle()


@scenario()
def close_half_server(lab):
    """The server half-closes; the client goes on sending, then closes."""
    c, s = lab.open()
    s.send(100)
    s.shutdown()
    lab.settle()
    c.read()
    for _ in range(3):
        c.send(700)
        lab.settle()
        s.read()
    c.close()
    lab.settle()


@scenario()
def close_half_data_unacknowledged(lab):
    """The client half-closes with its own data still on the way: one ACK covers data and FIN."""
    c, s = lab.open()
    held = lab.hold("c:DATA", times=2)
    fin = lab.hold("c:FIN")
    c.send(500)
    c.send(500)
    c.shutdown()
    lab.run(0.05)
    held.release()
    fin.release()
    lab.settle()
    s.read()
    lab.close(s, c)


@scenario()
def close_never_by_server(lab):
    """The client closes; the server never does: CLOSE_WAIT for ever, and the orphan's FIN_WAIT_2 ends by its timer."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    c.close()
    lab.run(3)


@scenario()
def close_never_by_server_half(lab):
    """The client only half-closes and the server never answers: FIN_WAIT_2 and CLOSE_WAIT stay."""
    c, s = lab.open()
    c.shutdown()
    lab.run(3)


@scenario()
def close_ack_before_delayed(lab):
    """The ACK of the FIN is delayed; the server's data carries it."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    s.send(50)
    lab.settle()
    c.read()
    c.shutdown()
    lab.middle.pump()
    s.send(200)
    lab.settle()
    c.read()
    s.close()
    lab.settle()


@scenario(BOTH)
def close_long_transfer(lab):
    """Some hundred segments one way, then the close on the last data."""
    c, s = lab.open()
    for _ in range(30):
        s.send(14000)
        lab.run(0.01)
        c.read()
    lab.close(s, c)


@scenario()
def close_both_shutdown_crossed_data(lab):
    """The client half-closes while the server's data is on the way; the data acknowledges less than the FIN."""
    c, s = lab.open()
    held = lab.hold("s:DATA")
    s.send(400)
    lab.run(0.02)
    c.shutdown()
    lab.run(0.02)
    held.release()
    lab.settle()
    c.read()
    lab.close(s, c)


@scenario()
def close_open_both_ends_kept(lab):
    """Never closed: both stay ESTABLISHED until the end of the capture."""
    c, s = lab.open()
    c.send(10)
    s.send(10)
    lab.settle()


PLAIN = {"ipv4/tcp_timestamps": 0, "ipv4/tcp_sack": 0, "ipv4/tcp_window_scaling": 0}


@scenario(BOTH, sysctls=PLAIN)
def close_no_options(lab):
    """The textbook close of a connection without time stamps, SACK and window scaling."""
    c, s = lab.open()
    c.send(300)
    lab.settle()
    s.read()
    s.send(500)
    lab.close(c, s)


@scenario(sysctls=PLAIN)
def close_no_options_fin_lost(lab):
    """Without any options: the first FIN lost behind lost data, both sent again."""
    c, s = lab.open()
    lab.drop("c:DATA")
    c.send(300)
    lab.drop("c:FIN")
    c.close()
    lab.run(1.2)
    s.read()
    s.close()
    lab.settle()
