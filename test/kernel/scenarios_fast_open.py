# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP Fast Open (RFC 7413)."""

import socket

from lab import TCP_FASTOPEN
from scenario import BOTH, scenario

FAST_OPEN = [(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)]


def learn_cookie(lab):
    """A first connection in which the client gets its Fast Open cookie."""
    listener = lab.listen(options=FAST_OPEN)
    c = lab.fast_open()
    s = lab.accept(listener)
    lab.close(c, s)
    return listener


@scenario(BOTH)
def fast_open_accepted(lab):
    """Fast Open: a connection that fetches the cookie, then one whose SYN data is taken at once."""
    listener = learn_cookie(lab)
    c = lab.fast_open(200)
    s = lab.accept(listener)
    s.read()
    s.send(300)
    lab.close(c, s)


@scenario(BOTH)
def fast_open_server_closes_first(lab):
    """Fast Open: the server answers and closes before the third ACK: SYN_RECEIVED to FIN_WAIT_1."""
    listener = learn_cookie(lab)
    held = lab.hold("c:ACK", times=9)
    c = lab.fast_open(200)
    s = lab.accept(listener)
    s.read()
    s.send(300)
    s.close()
    lab.run(0.03)
    held.release()
    lab.settle()
    c.read()
    c.close()
    lab.settle()


@scenario()
def fast_open_server_shuts_down(lab):
    """Fast Open: the server half-closes before the third ACK: Linux holds the FIN back until that ACK."""
    listener = learn_cookie(lab)
    held = lab.hold("c:ACK", times=9)
    c = lab.fast_open(200)
    s = lab.accept(listener)
    s.read()
    s.send(300)
    s.shutdown()
    lab.run(0.03)
    held.release()
    lab.settle()
    c.read()
    c.close()
    lab.settle()


@scenario()
def fast_open_server_aborts(lab):
    """Fast Open: the server aborts before the third ACK."""
    listener = learn_cookie(lab)
    held = lab.hold("c:ACK", times=9)
    lab.fast_open(200)
    s = lab.accept(listener)
    s.read()
    s.abort()
    lab.run(0.03)
    held.release()
    lab.settle()


@scenario()
def fast_open_ignored(lab):
    """Fast Open: the server no longer does it; the SYN data is not acknowledged and sent again."""
    listener = learn_cookie(lab)
    listener.close()
    lab.listen()
    c = lab.fast_open(200)
    s = lab.accept()
    lab.close(c, s)


@scenario()
def fast_open_syn_lost(lab):
    """Fast Open: the SYN with data is lost and sent again without it."""
    listener = learn_cookie(lab)
    lab.drop("c:SYN")
    c = lab.fast_open(200)
    s = lab.accept(listener, wait=3)
    lab.settle()
    s.read()
    s.close()
    lab.settle()
    c.close()
    lab.settle()


@scenario()
def fast_open_synack_lost(lab):
    """Fast Open: the SYN,ACK is lost while the server already sends data."""
    listener = learn_cookie(lab)
    lab.drop("s:SYNACK")
    c = lab.fast_open(200)
    s = lab.accept(listener)
    s.read()
    s.send(100)
    lab.run(2.5)
    lab.close(c, s)


@scenario()
def fast_open_refused(lab):
    """Fast Open to a port where nobody listens any more."""
    learn_cookie(lab).close()
    lab.fast_open(200)
    lab.settle()


@scenario()
def fast_open_client_gone(lab):
    """Fast Open: the client is gone when the SYN,ACK comes; its RST has the number behind the SYN's data."""
    listener = learn_cookie(lab)
    held = lab.hold("s:ANY", times=99)
    c = lab.fast_open(200)
    s = lab.accept(listener)
    s.send(100)
    lab.run(0.05)
    c.close()
    held.times = 0
    held.release()
    lab.settle()
