# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to open a connection, and not to."""

import socket

from lab import PORT, TCP_DEFER_ACCEPT
from scenario import BOTH, scenario

TCP = socket.IPPROTO_TCP
NO_PUSH = (TCP, socket.TCP_QUICKACK, 0)


@scenario(BOTH)
def open_refused(lab):
    """Nobody listens: RST,ACK answers the SYN."""
    lab.connect()
    lab.settle()


@scenario()
def open_unanswered(lab):
    """Every SYN is lost; the client gives up by its timer, without a word."""
    lab.drop("c:SYN", times=99)
    lab.listen()
    c = lab.connect()
    lab.until(lambda: lab.middle.latest.get("client"))
    lab.until(lambda: lab.state("client") is None)


@scenario()
def open_closed_in_syn_sent(lab):
    """The client closes before the SYN,ACK comes: nothing is sent, and the late SYN,ACK is answered by a RST."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    c = lab.connect()
    lab.run(0.05)
    c.close()
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def open_closed_in_syn_sent_unanswered(lab):
    """The client closes in SYN_SENT while its SYNs are lost: there is nothing to see."""
    lab.listen()
    lab.drop("c:SYN", times=9)
    c = lab.connect()
    lab.run(0.1)
    c.close()
    lab.run(0.1)


@scenario()
def open_unreachable(lab):
    """An ICMP error (administratively prohibited) ends the attempt at the client."""
    lab.drop("c:SYN", times=9)
    c = lab.connect()
    lab.run(0.05)
    lab.middle.icmp_unreachable(code=3)
    lab.run(0.05)


def cross(lab):
    """Both ends connect to each other; the SYNs cross."""
    held = [lab.hold("c:SYN"), lab.hold("s:SYN")]
    a, b = lab.socket("client"), lab.socket("server")
    b.sock.bind((lab.address("server"), PORT))
    lab.connect(PORT, bind=4000, end=a)
    lab.connect(4000, side="server", end=b)
    lab.run(0.03)
    for rule in held:
        rule.release()
    lab.settle()
    return a, b


@scenario(BOTH)
def open_simultaneous(lab):
    """Simultaneous open, some data, then the textbook close."""
    a, b = cross(lab)
    a.send(100)
    b.send(100)
    lab.settle()
    lab.close(a, b)


@scenario()
def open_simultaneous_one_syn_lost(lab):
    """A simultaneous open whose one SYN is lost: the other opens like a server, by a SYN,ACK in SYN_SENT."""
    lost = lab.drop("s:SYN")
    held = lab.hold("c:SYN")
    a, b = lab.socket("client"), lab.socket("server")
    b.sock.bind((lab.address("server"), PORT))
    lab.connect(PORT, bind=4000, end=a)
    lab.connect(4000, side="server", end=b)
    lab.until(lambda: lost.hits)
    held.release()
    lab.settle()
    a.close()
    lab.settle()
    b.close()
    lab.settle()


@scenario()
def open_simultaneous_synacks_lost(lab):
    """Simultaneous open, both SYN,ACKs lost: both wait in SYN_RECEIVED and send them again."""
    lab.drop("c:SYNACK")
    lab.drop("s:SYNACK")
    a, b = cross(lab)
    lab.run(2.5)
    b.close()
    lab.settle()
    a.close()
    lab.settle()


def fill_backlog(lab):
    """Two clients; the third ACK of the second finds the accept queue full."""
    listener = lab.listen()
    first = lab.connect()
    lab.settle()
    held = lab.hold("c:ACK", nth=1)
    second = lab.connect()
    lab.run(0.05)
    listener.sock.listen(0)                 # room for one, and that one is there
    held.release()
    lab.run(0.05)
    return listener, first, second


@scenario(BOTH)
def open_backlog_overflow(lab):
    """The accept queue is full: the third ACK is ignored, SYN,ACK comes again, data is not taken until an accept."""
    listener, first, second = fill_backlog(lab)
    second.send(50)
    lab.run(0.5)
    served = lab.accept(listener)
    late = lab.accept(listener, wait=4)
    lab.close(first, served)
    lab.close(second, late)


@scenario(BOTH)
def open_backlog_given_up(lab):
    """The accept queue stays full: the half-open request is dropped at last and the client's data meets a RST."""
    listener, first, second = fill_backlog(lab)
    lab.run(8)
    lab.accept(listener)
    second.send(50)
    lab.run(1)


@scenario(server={"ipv4/tcp_abort_on_overflow": 1})
def open_backlog_reset(lab):
    """The accept queue is full and the server is told to say so: RST instead of silence."""
    kept = fill_backlog(lab)
    lab.settle()


@scenario()
def open_backlog_syn_ignored(lab):
    """With a full accept queue the server does not even answer SYNs; after an accept it does."""
    listener = lab.listen(backlog=0)
    first = lab.connect()
    lab.settle()
    second = lab.connect()
    lab.run(0.5)
    served = lab.accept(listener)
    late = lab.accept(listener, wait=3)
    lab.close(first, served)
    lab.close(late, second)


@scenario(BOTH, server={"ipv4/tcp_syncookies": 2})
def open_syn_cookie(lab):
    """A SYN cookie: the server keeps nothing until the third ACK comes."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    s.close()
    lab.settle()
    c.close()
    lab.settle()


@scenario(server={"ipv4/tcp_syncookies": 2})
def open_syn_cookie_ack_lost(lab):
    """A SYN cookie whose third ACK is lost: no SYN,ACK comes again, the client's data opens the connection."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    lab.run(1.3)
    c.send(100)
    s = lab.accept()
    lab.close(s, c)


@scenario(server={"ipv4/tcp_syncookies": 2})
def open_syn_cookie_server_speaks(lab):
    """A SYN cookie whose third ACK is lost, and a client that waits for the server: it waits for nobody."""
    lab.listen()
    lab.drop("c:ACK")
    c = lab.connect()
    lab.run(2)
    c.close()
    lab.settle()


@scenario(BOTH)
def open_deferred_accept(lab):
    """TCP_DEFER_ACCEPT: the server stays in SYN_RECEIVED after the third ACK, until data comes."""
    lab.listen(options=[(TCP, TCP_DEFER_ACCEPT, 5)])
    c = lab.connect()
    lab.run(0.3)
    c.send(100)
    s = lab.accept()
    lab.close(c, s)


@scenario()
def open_deferred_accept_silent(lab):
    """TCP_DEFER_ACCEPT and a client that says nothing: SYN,ACK again, and the ACK to it opens the connection."""
    lab.listen(options=[(TCP, TCP_DEFER_ACCEPT, 1)])
    c = lab.connect()
    s = lab.accept(wait=8)
    lab.settle()
    lab.close(s, c)


@scenario()
def open_deferred_accept_fin(lab):
    """TCP_DEFER_ACCEPT and a client that closes without data: its FIN opens and half-closes at once."""
    lab.listen(options=[(TCP, TCP_DEFER_ACCEPT, 5)])
    c = lab.connect()
    lab.run(0.2)
    c.shutdown()
    s = lab.accept()
    lab.settle()
    s.read()
    s.close()
    lab.settle()


@scenario()
def open_deferred_accept_abort(lab):
    """TCP_DEFER_ACCEPT and a client that aborts before data: the request is dropped by the RST."""
    lab.listen(options=[(TCP, TCP_DEFER_ACCEPT, 5)])
    c = lab.connect()
    lab.run(0.2)
    c.abort()
    lab.settle()


@scenario()
def open_ack_with_data(lab):
    """The third segment of the handshake carries data."""
    lab.listen()
    c = lab.socket("client").option(*NO_PUSH)
    lab.connect(end=c)
    lab.until(lambda: lab.state("client") == "ESTABLISHED")
    c.send(100)
    s = lab.accept()
    lab.close(s, c)


@scenario(BOTH)
def open_ack_with_data_and_fin(lab):
    """The third segment carries data and FIN: SYN_RECEIVED, ESTABLISHED and CLOSE_WAIT in one packet."""
    lab.listen()
    c = lab.socket("client").option(*NO_PUSH).option(TCP, socket.TCP_CORK, 1)
    lab.connect(end=c)
    lab.until(lambda: lab.state("client") == "ESTABLISHED")
    c.sock.send(b"x" * 100)
    c.shutdown()
    s = lab.accept()
    lab.settle()
    s.read()
    s.close()
    lab.settle()


@scenario()
def open_ack_with_fin(lab):
    """The third segment is a bare FIN,ACK."""
    lab.listen()
    c = lab.socket("client").option(*NO_PUSH)
    lab.connect(end=c)
    lab.until(lambda: lab.state("client") == "ESTABLISHED")
    c.shutdown()
    s = lab.accept()
    lab.settle()
    s.read()
    s.close()
    lab.settle()


@scenario()
def open_listener_closed(lab):
    """The listener is closed while a handshake is half done: the third ACK meets a RST."""
    listener = lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.05)
    listener.close()
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def open_listener_closed_unaccepted(lab):
    """The listener is closed with an established, never accepted connection in its queue: it is reset."""
    listener = lab.listen()
    c = lab.connect()
    lab.settle()
    c.send(100)
    lab.settle()
    listener.close()
    lab.settle()


@scenario()
def open_simultaneous_refused(lab):
    """The SYNs cross, but one end has closed meanwhile: it refuses the other's SYN, which had already answered its own."""
    held = [lab.hold("c:SYN"), lab.hold("s:SYN")]
    a, b = lab.socket("client"), lab.socket("server")
    b.sock.bind((lab.address("server"), PORT))
    lab.connect(PORT, bind=4000, end=a)
    lab.connect(4000, side="server", end=b)
    lab.run(0.03)
    a.close()
    for rule in held[::-1]:
        rule.release()
    lab.settle()
