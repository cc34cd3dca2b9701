# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of how connections open, or do not."""
import contextlib
import errno
import socket
import time

from common import CLIENT4, CLIENT_PORT, ELSEWHERE4, SERVER4, SERVER6, SERVER_PORT, Registry
from lab import MSG_FASTOPEN, TCP_FASTOPEN, ask, close_politely, exactly, receive, sent

SCENARIOS = Registry("recorded: Python sockets")
recorded = SCENARIOS.add

SYN, SYN_ACK, BARE_ACK = exactly("client", "S"), exactly("server", "SA"), exactly("client", "A")


@recorded("open-three-way.pcapng")
def three_way(lab):
    """The plain three-way handshake, one request, one response, and a close by the client in three segments.

    1: client→SYN_SENT, server LISTEN (assumed). 2: server→SYN_RECEIVED. 3: client→ESTABLISHED, server→ESTABLISHED
    (presumed delivered, rule 2). 8: client→FIN_WAIT_1. 9: server→CLOSE_WAIT, server→LAST_ACK, client→FIN_WAIT_2. 10:
    client→TIME_WAIT, server→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-three-way-ipv6.pcapng")
def three_way_ipv6(lab):
    """The same over IPv6.

    As open-three-way, frame for frame.
    """
    client, server = lab.pair(family=socket.AF_INET6)
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-third-segment-carries-data.pcapng")
def third_segment_carries_data(lab):
    """The bare third ACK is lost before the observer; the request completes the handshake instead.

    3: the request's ACK completes the handshake: client→ESTABLISHED, server→ESTABLISHED.
    """
    lab.wire.lose(BARE_ACK, where="before")
    listener = lab.listen()
    client = lab.connect()
    client.sendall(b"request")
    server = lab.keep(listener.accept()[0])
    receive(server, 7)
    server.sendall(b"response")
    receive(client, 8)
    close_politely(lab, client, server)


@recorded("open-syn-lost.pcapng")
def syn_lost(lab):
    """The first SYN is lost behind the observer and sent again after a second, with the same number.

    2: the same SYN again is no transition; one SYN retransmission. 4: both ESTABLISHED.
    """
    lab.wire.lose(SYN)
    client, server = lab.pair()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-synack-lost.pcapng")
def synack_lost(lab):
    """The first SYN,ACK is lost behind the observer: SYN and SYN,ACK are both sent again.

    3, 4: SYN and SYN,ACK again change nothing. 5: both ESTABLISHED. 6: one more SYN,ACK, which crossed that ACK; the
    observer must take it for a repetition: server back to SYN_RECEIVED. 7: server→ESTABLISHED.
    """
    lab.wire.lose(SYN_ACK)
    client, server = lab.pair()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-ack-lost.pcapng")
def ack_lost(lab):
    """The third ACK is lost behind the observer: the SYN,ACK sent again takes back what was presumed.

    3: both ESTABLISHED (server presumed). 4: SYN,ACK again: server back to SYN_RECEIVED, frame 3 corrected (rule 3).
    5: server→ESTABLISHED.
    """
    lab.wire.lose(BARE_ACK)
    client, server = lab.pair()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-unanswered.pcapng")
def unanswered(lab):
    """Nobody answers: a SYN and two repetitions, then the client gives up without a word.

    1: client→SYN_SENT. At the end still SYN_SENT, server LISTEN only assumed: unanswered, two SYN retransmissions.
    """
    lab.client.sysctl("net.ipv4.tcp_syn_retries", 2)
    lab.client.sysctl("net.ipv4.tcp_syn_linear_timeouts", 0)
    lab.wire.lose(SYN, times=9)
    with contextlib.suppress(TimeoutError):
        lab.connect()


@recorded("open-refused.pcapng")
def refused(lab):
    """No listener: the server's stack answers with RST,ACK.

    2: RST,ACK acknowledges the SYN: client→CLOSED, refused (rule 5).
    """
    with contextlib.suppress(ConnectionRefusedError):
        lab.connect()


@recorded("open-refused-ipv6.pcapng")
def refused_ipv6(lab):
    """No listener, over IPv6.

    2: client→CLOSED, refused.
    """
    with contextlib.suppress(ConnectionRefusedError):
        lab.connect(family=socket.AF_INET6)


@recorded("icmp-quotes-syn.pcapng")
def icmp_quotes_syn(lab):
    """A router answers the SYN with ICMP host unreachable, which quotes the SYN's TCP header.

    2: the quoted header is no segment of the connection (rule 11): client stays SYN_SENT for TCP; the attempt is
    "unreachable".
    """
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    lab.server.ip("route add unreachable 198.51.100.0/24")
    lab.client.ip(f"route add 198.51.100.0/24 via {SERVER4}")
    client = lab.client_socket()
    with contextlib.suppress(OSError):
        client.connect((ELSEWHERE4, SERVER_PORT))


@recorded("icmpv6-quotes-syn.pcapng")
def icmpv6_quotes_syn(lab):
    """A router answers the SYN with ICMPv6 unreachable, which quotes the SYN's TCP header.

    2: as icmp-quotes-syn.
    """
    lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
    lab.server.ip("-6 route add unreachable 2001:db8:99::/48")
    lab.client.ip(f"-6 route add 2001:db8:99::/48 via {SERVER6}")
    client = lab.client_socket(family=socket.AF_INET6)
    with contextlib.suppress(OSError):
        client.connect(("2001:db8:99::7", SERVER_PORT))


@recorded("icmp-firewall-rejects-syn.pcapng")
def icmp_firewall_rejects_syn(lab):
    """A host firewall rejects the SYN with ICMP administratively prohibited.

    2: as icmp-quotes-syn, code "administratively filtered".
    """
    lab.listen()
    lab.server.run("nft 'table ip f { chain input { type filter hook input priority 0; "
                   f"tcp dport {SERVER_PORT} reject with icmp type admin-prohibited; }}; }}'")
    with contextlib.suppress(OSError):
        lab.connect()


@recorded("open-simultaneous.pcapng", leg=0.02)
def simultaneous(lab):
    """Both ends call each other at once: the SYNs cross on the wire.

    1: client→SYN_SENT. 2: the other end's own SYN: server→SYN_SENT. 3: the SYN,ACK acknowledges the SYN of 2:
    client→SYN_RECEIVED. 4: server→SYN_RECEIVED, and as each SYN is now acknowledged, ESTABLISHED both. 5, 6: nothing
    new.
    """
    one = lab.client_socket(CLIENT_PORT)
    other = lab.keep(lab.server.socket())
    other.bind(("", SERVER_PORT))
    for sock in (one, other):
        sock.setblocking(False)
    for sock, peer in ((one, (SERVER4, SERVER_PORT)), (other, (CLIENT4, CLIENT_PORT))):
        assert sock.connect_ex(peer) == errno.EINPROGRESS
    lab.settle()
    for sock in (one, other):
        sock.setblocking(True)
    ask(one, other)
    close_politely(lab, one, other)


def listen_fast(lab):
    """A listener and a client host with Fast Open enabled."""
    for host in (lab.client, lab.server):
        host.sysctl("net.ipv4.tcp_fastopen", 3)
    listener = lab.listen()
    listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 8)
    return listener


def call_fast(lab, listener, port, request=b"GET / HTTP/1.0\r\n\r\n"):
    """One Fast Open connection: the request rides on the SYN if the cookie is known."""
    client = lab.client_socket(port)
    client.sendto(request, MSG_FASTOPEN, (SERVER4, SERVER_PORT))
    server = lab.keep(listener.accept()[0])
    receive(server, len(request))
    server.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
    server.close()
    while client.recv(4096):
        pass
    client.close()
    lab.settle()


@recorded("open-fast-open.pcapng")
def fast_open(lab):
    """Fast Open: the first connection asks for a cookie, the second carries its request on the SYN.

    9: SYN with data. 10: its ACK 19 covers the data: server→SYN_RECEIVED. 11: both ESTABLISHED.
    """
    listener = listen_fast(lab)
    call_fast(lab, listener, CLIENT_PORT)
    call_fast(lab, listener, CLIENT_PORT + 1)


@recorded("open-fast-open-server-first.pcapng", leg=0.02)
def fast_open_server_first(lab):
    """Fast Open in which the server has answered and closed before the third ACK reaches it.

    12: the server's FIN before any third ACK: SYN_RECEIVED→FIN_WAIT_1 without ESTABLISHED. 14: client→CLOSE_WAIT,
    client→LAST_ACK, server→FIN_WAIT_2. 15: the delayed third ACK changes nothing. 16: server→TIME_WAIT,
    client→CLOSED. 18: RST of the closed client kills TIME_WAIT: server→CLOSED.
    """
    listener = listen_fast(lab)
    call_fast(lab, listener, CLIENT_PORT)
    lab.wire.hold(sent("client", "A"), 0.06, where="before")
    call_fast(lab, listener, CLIENT_PORT + 1)


@recorded("open-fast-open-syn-lost.pcapng")
def fast_open_syn_lost(lab):
    """The Fast Open SYN with data is lost behind the observer and sent again without data.

    10: the SYN again, now without data. 12: the data, sent again, completes the handshake: both ESTABLISHED.
    """
    listener = listen_fast(lab)
    call_fast(lab, listener, CLIENT_PORT)
    lab.wire.lose(SYN)
    call_fast(lab, listener, CLIENT_PORT + 1)


@recorded("open-backlog-overflow.pcapng")
def backlog_overflow(lab):
    """The accept queue is full: the last client is ESTABLISHED, its server stays in SYN_RECEIVED, repeats its SYN,ACK,
    ignores data and at last answers with RST.

    Port 40002. 9: both ESTABLISHED, server presumed. 13 and 17: SYN,ACK again: server back to SYN_RECEIVED (rule 3).
    14 and 18: presumed again. 21: exact RST: client→CLOSED.
    """
    lab.server.sysctl("net.ipv4.tcp_synack_retries", 2)
    lab.listen(backlog=1)
    lab.connect(CLIENT_PORT)
    # The next two SYNs arrive while there is still one place, so both are answered; then their ACKs race for it.
    racers = [lab.client_socket(CLIENT_PORT + i) for i in (1, 2)]
    for client in racers:
        client.setblocking(False)
        client.connect_ex((SERVER4, SERVER_PORT))
    time.sleep(0.5)
    last = racers[1]
    last.settimeout(30)
    with contextlib.suppress(OSError):
        last.sendall(b"is anybody there?")
        last.recv(1)


@recorded("open-defer-accept.pcapng")
def defer_accept(lab):
    """A listener with deferred accept ignores the bare third ACK until data comes.

    3: both ESTABLISHED, server presumed. The kernel says SYN_RECEIVED until frame 4, but nothing on the wire shows
    it.
    """
    listener = lab.listen(TCP_DEFER_ACCEPT=3)
    client = lab.connect()
    time.sleep(1.5)
    client.sendall(b"request")
    server = lab.keep(listener.accept()[0])
    receive(server, 7)
    server.sendall(b"response")
    receive(client, 8)
    close_politely(lab, client, server)


@recorded("open-defer-accept-synack-repeated.pcapng")
def defer_accept_synack_repeated(lab):
    """Deferred accept, no data for three seconds: the listener repeats its SYN,ACK as if the third ACK had been lost.

    3: both ESTABLISHED. 4: SYN,ACK again: server back to SYN_RECEIVED. 5: server→ESTABLISHED.
    """
    listener = lab.listen(TCP_DEFER_ACCEPT=3)
    client = lab.connect()
    time.sleep(4)
    server = lab.keep(listener.accept()[0])
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-closed-in-syn-sent.pcapng", leg=0.05)
def closed_in_syn_sent(lab):
    """The client closes while its SYN is under way: nothing is sent for that, and the SYN,ACK is answered with RST.

    3: RST with the client's next number: client→CLOSED, the server returns from SYN_RECEIVED to LISTEN (rule 5).
    """
    lab.listen()
    client = lab.client_socket()
    client.setblocking(False)
    client.connect_ex((SERVER4, SERVER_PORT))
    client.close()
    time.sleep(0.5)


@recorded("open-syn-cookie-forgotten.pcapng")
def syn_cookie_forgotten(lab):
    """A full listener answers with a SYN cookie and keeps nothing; no place for the third ACK, and the client's data
    is ignored without a word.

    Port 40001. 6: both ESTABLISHED, server presumed; the data of 7 to 11 is never acknowledged, so its basis stays
    presumed.
    """
    lab.listen(backlog=0)
    clients = [lab.client_socket(CLIENT_PORT + i) for i in range(2)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex((SERVER4, SERVER_PORT))
    time.sleep(0.5)
    clients[1].sendall(b"is anybody there?")
    time.sleep(3)


@recorded("open-syn-cookies.pcapng")
def syn_cookies(lab):
    """A server that answers with SYN cookies: it keeps nothing until the third ACK; on the wire an ordinary handshake.

    2: server→SYN_RECEIVED, although the host keeps no state (what the wire shows). 3: both ESTABLISHED.
    """
    lab.server.sysctl("net.ipv4.tcp_syncookies", 2)
    client, server = lab.pair()
    ask(client, server)
    close_politely(lab, client, server)


@recorded("open-self-connect.pcapng")
def self_connect(lab):
    """A socket connected to itself: one address and port is both ends.

    1: SYN. 2: SYN,ACK with the same number. One endpoint plays both roles: whatever is shown must not be a mixture or
    a crash. The checksums are those of the loopback interface: unfinished.
    """
    with lab.sniff(lab.client, "lo"):
        sock = lab.client_socket()
        sock.connect(("127.0.0.1", CLIENT_PORT))
        sock.sendall(b"echo")
        receive(sock, 4)
        sock.close()
