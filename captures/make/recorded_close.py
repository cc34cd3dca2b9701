# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of how connections end with FINs, and of those that never quite do."""
import socket
import time

from common import CLIENT_PORT, Registry
from lab import ask, exactly, receive, sent, stop_sending

SCENARIOS = Registry("recorded: Python sockets")
recorded = SCENARIOS.add

CLIENT_FIN, SERVER_FIN = sent("client", "F"), sent("server", "F")
CLIENT_ACK, SERVER_ACK = exactly("client", "A"), exactly("server", "A")


def close_in_turn(lab, first, second, pause=0.1):
    """`first` closes; `second` notices, waits, and closes: four segments."""
    stop_sending(first)
    receive(second, 1)
    time.sleep(pause)
    stop_sending(second)
    lab.settle()


@recorded("close-four-segment-client-first.pcapng")
def four_segment_client_first(lab):
    """The client closes; the server acknowledges, works on for 100 ms, then closes too: four segments.

    8: client→FIN_WAIT_1. 9: server→CLOSE_WAIT, client→FIN_WAIT_2. 10: server→LAST_ACK. 11: client→TIME_WAIT,
    server→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    close_in_turn(lab, client, server)


@recorded("close-four-segment-server-first.pcapng")
def four_segment_server_first(lab):
    """The server closes first, four segments: TIME_WAIT stays with the server.

    8: server→FIN_WAIT_1. 9: client→CLOSE_WAIT, server→FIN_WAIT_2. 10: client→LAST_ACK. 11: server→TIME_WAIT,
    client→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    close_in_turn(lab, server, client)


@recorded("close-four-segment-ipv6.pcapng")
def four_segment_ipv6(lab):
    """A four-segment close over IPv6.

    As close-four-segment-client-first.
    """
    client, server = lab.pair(family=socket.AF_INET6)
    ask(client, server)
    close_in_turn(lab, client, server)


@recorded("close-three-segment.pcapng")
def three_segment(lab):
    """The server closes the moment it notices the client's FIN: its FIN carries the acknowledgement.

    8: client→FIN_WAIT_1. 9: server→CLOSE_WAIT, server→LAST_ACK, client→FIN_WAIT_2. 10: client→TIME_WAIT,
    server→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    close_in_turn(lab, client, server, pause=0)


@recorded("close-simultaneous.pcapng", leg=0.02)
def simultaneous(lab):
    """Both ends close at once: the FINs cross on the wire, both ends pass CLOSING.

    8: client→FIN_WAIT_1. 9: server→FIN_WAIT_1 (its ACK does not cover the client's FIN). 10: client→CLOSING, and its
    ACK takes the server FIN_WAIT_1→CLOSING→TIME_WAIT. 11: client→TIME_WAIT.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    client.close()
    server.close()


@recorded("close-half-closed-server-sends-on.pcapng")
def half_closed(lab):
    """The client closes its direction after the request; the server sends its answer in half-closed state, then
    closes.

    5: client→FIN_WAIT_1. 6: this ACK covers the data only. 7: server→CLOSE_WAIT, client→FIN_WAIT_2. 8 to 13: data, no
    change. 14: server→LAST_ACK. 15: client→TIME_WAIT, server→CLOSED.
    """
    client, server = lab.pair()
    client.sendall(b"sort these lines\n")
    stop_sending(client)
    while server.recv(4096):
        pass
    for _ in range(3):
        time.sleep(0.15)
        server.sendall(b"a sorted line\n" * 20)
    receive(client, 3 * 280)
    stop_sending(server)


@recorded("close-fin-with-data.pcapng")
def fin_with_data(lab):
    """The FIN rides on the last data: an ACK of the data alone would prove nothing.

    4: client→FIN_WAIT_1. 5: ACK 16 covers 14 octets and the FIN: server→CLOSE_WAIT, server→LAST_ACK,
    client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    client.sendall(b"the last words")
    stop_sending(client)
    receive(server, 15)
    stop_sending(server)


@recorded("close-fin-lost.pcapng")
def fin_lost(lab):
    """The client's FIN is lost behind the observer and sent again.

    8: client→FIN_WAIT_1. 9: the FIN again, no transition. 10: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.lose(CLIENT_FIN)
    close_in_turn(lab, client, server)


@recorded("close-fin-ack-lost.pcapng")
def fin_ack_lost(lab):
    """The ACK of the client's FIN is lost behind the observer: the FIN sent again takes FIN_WAIT_2 back.

    9: server→CLOSE_WAIT, client→FIN_WAIT_2 (presumed). 10: the FIN again: client back to FIN_WAIT_1, frame 9
    corrected. 11: client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.lose(SERVER_ACK)
    close_in_turn(lab, client, server, pause=0.6)


@recorded("close-last-ack-lost.pcapng")
def last_ack_lost(lab):
    """The last ACK is lost behind the observer: the server's FIN sent again takes CLOSED back to LAST_ACK.

    11: client→TIME_WAIT, server→CLOSED (presumed). 12: the FIN again: server back to LAST_ACK, frame 11 corrected.
    13: server→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    stop_sending(client)
    receive(server, 1)
    time.sleep(0.1)
    lab.wire.lose(CLIENT_ACK)
    stop_sending(server)


@recorded("close-fin-ahead-of-lost-data.pcapng")
def fin_ahead_of_lost_data(lab):
    """Data is lost behind the observer and the FIN arrives ahead of the hole: it counts only when the ACK covers it.

    9: client→FIN_WAIT_1. 10: ACK 8 stays at the hole: server ESTABLISHED. 12: ACK 1009 covers both:
    server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.lose(sent("client", data=True))
    client.sendall(b"x" * 1000)
    stop_sending(client)
    while server.recv(4096):
        pass
    time.sleep(0.1)
    stop_sending(server)


@recorded("close-fin-overtakes-data.pcapng")
def fin_overtakes_data(lab):
    """Reordered on the path: the FIN overtakes the data before it, for the observer too.

    8: client→FIN_WAIT_1, though data before it is missing. 9: ACK 8: no change. 10: the data. 11: server→CLOSE_WAIT,
    client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.hold(sent("client", data=True), 0.012, where="before")
    client.sendall(b"x" * 500)
    stop_sending(client)
    while server.recv(4096):
        pass
    time.sleep(0.1)
    stop_sending(server)


@recorded("close-wait-leak.pcapng")
def close_wait_leak(lab):
    """Three clients close; the server never does and leaks three sockets in CLOSE_WAIT, kept warm by keep-alives.

    8, 16, 25: client→FIN_WAIT_1. 19, 26, 27: server→CLOSE_WAIT, client→FIN_WAIT_2. 28 to 39: keep-alives change
    nothing: three times FIN_WAIT_2:CLOSE_WAIT at the end.
    """
    listener = lab.listen()
    servers = []
    for i in range(3):
        client = lab.connect(CLIENT_PORT + i)
        server = lab.keep(listener.accept()[0])
        ask(client, server)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
        stop_sending(client)
        servers.append(server)
    time.sleep(7)


@recorded("close-fin-wait-2-orphan-times-out.pcapng")
def fin_wait_2_orphan(lab):
    """The client's process is gone and its FIN_WAIT_2 ends in silence after two seconds: the server's FIN meets a RST.

    9: client→FIN_WAIT_2. 10: server→LAST_ACK. 11: RST of a client that is no longer there: both CLOSED,
    LAST_ACK→CLOSED by RST.
    """
    lab.client.sysctl("net.ipv4.tcp_fin_timeout", 2)
    client, server = lab.pair()
    ask(client, server)
    client.close()
    receive(server, 1)
    time.sleep(3)
    server.close()


@recorded("close-keep-alive-after-fin.pcapng")
def keep_alive_after_fin(lab):
    """Half-closed and idle: the server, in CLOSE_WAIT, probes the client; the client, in FIN_WAIT_2, answers.

    9: server→CLOSE_WAIT, client→FIN_WAIT_2. 12 and 16: the client's probe has its FIN's number, no flag: no
    retraction. 18: server→LAST_ACK.
    """
    client, server = lab.pair()
    ask(client, server)
    for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stop_sending(client)
    time.sleep(2.5)
    stop_sending(server)


@recorded("close-fin-waits-for-window.pcapng")
def fin_waits_for_window(lab):
    """The client has closed, but its FIN waits behind data and a zero window: FIN_WAIT_1 shows only when the FIN does.

    27: client→FIN_WAIT_1, 1.6 s after close() was called. 8 to 16: zero-window probes change nothing.
    """
    listener = lab.listen()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client = lab.connect()
    server = lab.keep(listener.accept()[0])
    client.sendall(b"x" * 6000)
    time.sleep(0.2)
    client.close()
    time.sleep(1.5)
    while server.recv(4096):
        pass
    server.close()


@recorded("idle-keep-alive.pcapng")
def idle_keep_alive(lab):
    """Keep-alive probes on an idle connection: one octet below SND.NXT, answered, and nothing changes.

    8 to 11: probes one below SND.NXT and their answers: no change. 12: client→FIN_WAIT_1.
    """
    client, server = lab.pair()
    ask(client, server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    time.sleep(2.6)
    close_in_turn(lab, client, server, pause=0)


@recorded("idle-zero-window.pcapng")
def idle_zero_window(lab):
    """The server does not read: its window closes, is probed, and opens again; the states never change.

    8 to 10: zero-window probes: no change. 27: client→FIN_WAIT_1.
    """
    listener = lab.listen()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client = lab.connect()
    server = lab.keep(listener.accept()[0])
    client.sendall(b"x" * 6000)
    time.sleep(1.5)
    receive(server, 6000)
    lab.settle()
    close_in_turn(lab, client, server, pause=0)


@recorded("data-lost-and-repeated.pcapng")
def data_lost_and_repeated(lab):
    """Data segments lost before, behind and only at the observer; duplicate ACKs, SACK, retransmissions; a normal end.

    23: ACK 18 covers a response that nobody saw: a forged FIN would look the same, so it waits for its witness. 24:
    the server acknowledges it: server→CLOSE_WAIT, client→FIN_WAIT_1, client→FIN_WAIT_2.
    """
    client, server = lab.pair()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ask(client, server)
    lab.wire.lose(sent("client", data=True), skip=1)
    lab.wire.lose(sent("client", data=True), skip=3, where="before")
    lab.wire.lose(sent("server", data=True), where="capture")
    for _ in range(8):
        client.sendall(b"x" * 200)
        time.sleep(0.005)
    receive(server, 1600)
    server.sendall(b"thank you")
    receive(client, 9)
    close_in_turn(lab, client, server)
