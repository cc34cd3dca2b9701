# SPDX-License-Identifier: GPL-2.0-or-later
"""Timers: what they end in silence, and what they send."""

import socket

from lab import TCP_USER_TIMEOUT
from scenario import BOTH, scenario
from scenarios_close_loss import established

KEEPALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


@scenario(BOTH)
def timer_keepalive_answered(lab):
    """Keep-alive probes that are answered change nothing."""
    c, s = established(lab)
    s.option(*KEEPALIVE)
    lab.run(2.6)
    lab.close(c, s)


@scenario(BOTH)
def timer_keepalive_gives_up(lab):
    """Keep-alive probes that nobody answers: the server gives up with a RST."""
    c, s = established(lab)
    s.option(*KEEPALIVE)
    lab.drop("s:ANY", times=99)
    lab.until(lambda: lab.state("server") is None)
    lab.settle()


@scenario()
def timer_keepalive_peer_gone(lab):
    """The peer's host forgot the connection: the first probe is answered by RST."""
    c, s = established(lab)
    c.vanish()
    s.option(*KEEPALIVE)
    lab.run(1.5)


@scenario()
def timer_keepalive_in_close_wait(lab):
    """Keep-alive in CLOSE_WAIT, the peer's orphan gone: the probe is answered by RST."""
    c, s = established(lab)
    c.close()
    lab.settle()
    lab.until(lambda: lab.state("client") is None)
    s.option(*KEEPALIVE)
    lab.run(1.6)


@scenario()
def timer_keepalive_in_fin_wait_2(lab):
    """A keep-alive probe after a FIN has the FIN's own number and no flag: not a FIN again."""
    c, s = established(lab)
    c.option(*KEEPALIVE)
    c.shutdown()
    lab.run(2.5)
    lab.close(s, c)


@scenario()
def timer_user_timeout(lab):
    """Unacknowledged data and a user timeout: the client gives up in silence."""
    c, s = established(lab)
    c.option(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 800)
    lab.drop("c:DATA", times=99)
    c.send(100)
    lab.until(lambda: lab.state("client") is None)
    lab.run(0.1)


@scenario()
def timer_retransmission_gives_up(lab):
    """Data that is never acknowledged: the client gives up; the server's later data meets a RST."""
    c, s = established(lab)
    lab.drop("c:DATA", times=99)
    c.send(100)
    lab.until(lambda: lab.state("client") is None)
    s.send(50)
    lab.settle()


@scenario()
def timer_zero_window_fin_queued(lab):
    """The server's window is closed: the client's FIN waits behind data, FIN_WAIT_1 begins long before it is sent."""
    lab.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    c, s = lab.open()
    for _ in range(4):
        c.send(3000)
        lab.run(0.02)
    c.shutdown()
    lab.run(0.9)
    for _ in range(12):
        s.read()
        lab.run(0.1)
    lab.close(s, c)


@scenario()
def timer_zero_window_fin_never_sent(lab):
    """The window never opens: the FIN is never sent, and the orphan gives up."""
    lab.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    c, s = lab.open()
    for _ in range(4):
        c.send(3000)
        lab.run(0.02)
    c.close()
    lab.drop("s:ANY", times=99)
    lab.until(lambda: lab.state("client") is None, 60)


@scenario()
def timer_zero_window_peer_closes(lab):
    """The client's FIN waits behind a closed window; the server closes with the data unread: RST."""
    lab.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    c, s = lab.open()
    for _ in range(4):
        c.send(3000)
        lab.run(0.02)
    c.shutdown()
    lab.run(0.3)
    s.close()
    lab.settle()


@scenario()
def timer_zero_window_peer_fin_first(lab):
    """The client's FIN is queued behind a closed window when the server's FIN arrives: CLOSING in the kernel, but the
    segments are those of CLOSE_WAIT and LAST_ACK."""
    lab.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    c, s = lab.open()
    for _ in range(4):
        c.send(3000)
        lab.run(0.02)
    c.shutdown()
    lab.run(0.1)
    s.shutdown()
    lab.run(0.3)
    for _ in range(12):
        s.read()
        lab.run(0.1)
    lab.settle()


@scenario(BOTH)
def timer_zero_window_opens(lab):
    """A window that closes and opens again, probed meanwhile; then the textbook close."""
    lab.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    c, s = lab.open()
    for _ in range(4):
        c.send(3000)
        lab.run(0.02)
    lab.run(0.7)
    for _ in range(12):
        s.read()
        lab.run(0.1)
    lab.close(c, s)


@scenario(BOTH)
def timer_fin_wait_2_orphan_then_fin(lab):
    """An orphan's FIN_WAIT_2 ends by its timer; the peer's later FIN is answered by RST: LAST_ACK to CLOSED."""
    c, s = established(lab)
    c.close()
    lab.until(lambda: lab.state("client") is None)
    s.close()
    lab.settle()


@scenario()
def timer_fin_wait_2_linger2(lab):
    """TCP_LINGER2 below zero: close() in FIN_WAIT_2 resets at once instead of waiting."""
    c, s = established(lab)
    c.option(socket.IPPROTO_TCP, 8, -1)
    c.shutdown()
    lab.settle()
    c.close()
    lab.settle()


@scenario(sysctls={"ipv4/tcp_fin_timeout": 61})
def timer_time_wait_ends(lab):
    """TIME_WAIT runs its full 60 seconds; the end of it is nowhere on the wire."""
    c, s = established(lab)
    lab.close(c, s)
    lab.run(61)


@scenario(sysctls={"ipv4/tcp_fin_timeout": 90})
def timer_fin_wait_2_full_socket(lab):
    """With a long tcp_fin_timeout an orphan's FIN_WAIT_2 is kept by a full socket, not by a minisocket."""
    c, s = established(lab)
    c.close()
    lab.run(0.5)
    s.close()
    lab.settle()


@scenario(sysctls={"ipv4/tcp_max_tw_buckets": 0})
def timer_no_time_wait(lab):
    """A host that keeps no TIME_WAIT: the closer is CLOSED at once."""
    c, s = established(lab)
    lab.close(c, s)
