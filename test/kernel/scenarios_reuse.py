# SPDX-License-Identifier: GPL-2.0-or-later
"""The same addresses and ports used again."""

from scenario import BOTH, scenario
from scenarios_close_loss import established

REUSE = {"ipv4/tcp_tw_reuse": 1, "ipv4/tcp_tw_reuse_delay": 1}


def again(lab, bind=40000):
    """Another connection from the same port, with a little data, closed by the client."""
    c = lab.connect(bind=bind)
    s = lab.accept(wait=3)
    c.send(80)
    lab.close(c, s)


@scenario(BOTH)
def reuse_server_in_time_wait(lab):
    """The server closed first and is in TIME_WAIT; the client's new SYN from the same port is accepted."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    lab.close(s, c)
    lab.run(1.1)
    again(lab)


@scenario(BOTH, client=REUSE)
def reuse_client_in_time_wait(lab):
    """The client, in TIME_WAIT, connects again from the same port (tcp_tw_reuse)."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    lab.close(c, s)
    lab.run(1.2)
    again(lab)


@scenario()
def reuse_after_reset(lab):
    """A connection is aborted; the next one uses the same port at once."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    c.abort()
    lab.settle()
    s.close()
    again(lab)


@scenario()
def reuse_after_refusal(lab):
    """A refused connection, then a good one from the same port."""
    c = lab.connect(bind=40000)
    lab.settle()
    c.close()
    lab.listen()
    again(lab)


@scenario()
def reuse_three_times(lab):
    """Three connections one after the other from the same port, each ended by a reset."""
    lab.listen()
    for _ in range(3):
        c = lab.connect(bind=40000)
        s = lab.accept()
        s.send(50)
        lab.settle()
        c.read()
        c.abort()
        lab.settle()
        s.close()


@scenario(BOTH)
def reuse_half_open(lab):
    """The client's host forgets the connection and connects again from the same port: the old server end answers the
    SYN with an ACK, the client resets it, and its next SYN succeeds."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    c.vanish()
    lab.run(0.2)
    again(lab)


@scenario()
def reuse_half_open_server_speaks(lab):
    """The client's host forgets the connection; the server's data meets a RST."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    c.vanish()
    lab.run(0.2)
    s.send(100)
    lab.settle()


@scenario()
def reuse_half_open_silence(lab):
    """The client's host forgets the connection and nobody speaks."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    c.vanish()
    lab.run(0.3)


@scenario()
def reuse_server_forgets(lab):
    """The server's host forgets the connection; the client's data meets a RST, and it connects again."""
    c, s = lab.open(bind=40000)
    s.vanish()
    c.send(100)
    lab.settle()
    c.close()
    again(lab)


@scenario()
def reuse_killed_reset_lost(lab):
    """The client's end is aborted and its RST lost; the new SYN finds an ESTABLISHED server."""
    c, s = lab.open(bind=40000)
    lab.drop("c:RST")
    c.abort()
    lab.run(0.1)
    again(lab)


@scenario()
def reuse_server_in_close_wait(lab):
    """The server never closed (CLOSE_WAIT); the client's port is used again after its orphan timed out."""
    c, s = lab.open(bind=40000)
    c.close()
    lab.until(lambda: lab.state("client") is None)
    again(lab)


@scenario()
def reuse_server_in_last_ack(lab):
    """The last ACK was lost for good; the new SYN finds LAST_ACK and the old end is reset."""
    c, s = lab.open(bind=40000)
    c.shutdown()
    lab.settle()
    lab.drop("c:ACK", times=2)
    s.close()
    lab.run(0.05)
    c.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
    c.close()
    lab.forge("c", "R", lab.nxt("s"))       # ends the client's TIME_WAIT, so that its port is free
    lab.run(0.02)
    again(lab)


@scenario()
def reuse_old_syn_in_time_wait(lab):
    """A SYN with an old number meets TIME_WAIT: an ACK answers, the RST to that kills TIME_WAIT."""
    c, s = established(lab)
    lab.close(s, c)
    lab.forge("s", "S", lab.isn("c") - 100000, with_ts=False)
    lab.settle()


@scenario(client=REUSE)
def reuse_time_wait_synack_lost(lab):
    """TIME_WAIT is recycled by a new SYN, and the SYN,ACK to it is lost."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    lab.close(s, c)
    lab.run(1.1)
    lab.drop("s:SYNACK")
    again(lab)


@scenario()
def reuse_many_ports(lab):
    """Ten connections side by side from ten ports, closed in turn by either end."""
    lab.listen()
    pairs = []
    for n in range(10):
        c = lab.connect(bind=40000 + n)
        pairs.append((c, lab.accept()))
    for n, (c, s) in enumerate(pairs):
        c.send(50)
        lab.close(*((c, s) if n % 2 else (s, c)))


@scenario(sysctls={"ipv4/tcp_timestamps": 0})
def reuse_server_in_time_wait_no_timestamps(lab):
    """Without time stamps only a higher initial number lets a new SYN recycle TIME_WAIT."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    lab.close(s, c)
    lab.run(1.1)
    again(lab)


@scenario(sysctls={"ipv4/tcp_timestamps": 0})
def reuse_half_open_no_timestamps(lab):
    """Half-open recovery without time stamps."""
    c, s = lab.open(bind=40000)
    c.send(100)
    lab.settle()
    c.vanish()
    lab.run(0.2)
    again(lab)
