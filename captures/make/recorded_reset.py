# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of resets that real stacks send of their own accord, and of ports used again."""
import socket
import time

from common import Registry
from lab import abort, ask, exactly, receive, sent, stop_sending, vanish

SCENARIOS = Registry("recorded: Python sockets")
recorded = SCENARIOS.add


@recorded("rst-abort-linger-0.pcapng")
def abort_linger_0(lab):
    """The client aborts (linger 0): RST,ACK instead of a FIN.

    8: exact RST: client→CLOSED, server→CLOSED, close kind "reset".
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    abort(client)


@recorded("rst-close-with-unread-data.pcapng")
def close_with_unread_data(lab):
    """The server closes without having read the request: RST,ACK instead of a FIN (RFC 2525).

    6: exact RST,ACK: server→CLOSED, client→CLOSED.
    """
    client, server = lab.pair()
    client.sendall(b"a request that nobody reads")
    lab.settle()
    server.close()


@recorded("rst-data-after-close.pcapng")
def data_after_close(lab):
    """The client process is gone, its FIN acknowledged; the server sends more data, and the orphan answers with RST.

    9: client→FIN_WAIT_2, server→CLOSE_WAIT. 10: data. 11: RST, SEG.SEQ exact: both CLOSED, cause data_after_close.
    """
    client, server = lab.pair()
    ask(client, server)
    client.close()
    receive(server, 1)
    time.sleep(0.1)
    server.sendall(b"one more thing")


@recorded("rst-abort-in-close-wait.pcapng")
def abort_in_close_wait(lab):
    """The client closes its direction; the server, in CLOSE_WAIT, aborts with linger 0.

    9: server→CLOSE_WAIT. 10: exact RST: both CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    stop_sending(client)
    receive(server, 1)
    time.sleep(0.1)
    abort(server)


@recorded("rst-pre-empts-ack-of-fin.pcapng")
def rst_pre_empts_ack_of_fin(lab):
    """The server aborts at once when it notices the FIN: the RST,ACK is the only proof that it was in CLOSE_WAIT.

    8: client→FIN_WAIT_1. 9: RST,ACK whose ACK covers the FIN: server→CLOSE_WAIT, server→CLOSED, client→CLOSED
    straight from FIN_WAIT_1.
    """
    client, server = lab.pair()
    ask(client, server)
    stop_sending(client)
    receive(server, 1)
    abort(server)


@recorded("rst-kills-time-wait.pcapng")
def kills_time_wait(lab):
    """The network repeats the last ACK; it meets the server's closed port, whose RST kills the client's TIME_WAIT.

    11: client→TIME_WAIT, server→CLOSED. 12: the same ACK again. 13: RST: client TIME_WAIT→CLOSED.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    stop_sending(client)
    receive(server, 1)
    time.sleep(0.1)
    lab.wire.repeat(exactly("client", "A"), 0.05)
    server.close()


@recorded("rst-keep-alive-unanswered.pcapng")
def keep_alive_unanswered(lab):
    """The server's host falls silent: the client's keep-alives go unanswered and it gives up with RST,ACK.

    8 to 10: probes. 11: RST,ACK: both CLOSED (the server, which is deaf, only presumed).
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.lose(lambda side, segment: True, times=99)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    time.sleep(5)


@recorded("rst-after-lost-data.pcapng")
def rst_after_lost_data(lab):
    """The server's last data is lost behind the observer and the server aborts: the RST is not exact for the client,
    which answers with a challenge ACK and so draws the exact RST.

    9: RST behind data that only the observer saw: looks exact, both CLOSED. 10: a challenge ACK, or an ACK that was on
    its way: nothing changes. 11: the exact RST, which comes too late for the observer.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    lab.wire.lose(sent("server", data=True))
    server.sendall(b"lost words")
    abort(server)
    time.sleep(1)


@recorded("reuse-time-wait-recycled.pcapng")
def time_wait_recycled(lab):
    """The client calls again from the same port while the server is still in TIME_WAIT: a new connection, accepted.

    10: server→TIME_WAIT, client→CLOSED. 11: a new SYN: incarnation of its own, client→SYN_SENT. 12:
    server→SYN_RECEIVED.
    """
    listener = lab.listen()
    for _ in range(2):
        client = lab.connect()
        server = listener.accept()[0]
        ask(client, server)
        server.close()
        receive(client, 1)
        client.close()
        lab.settle()


@recorded("reuse-after-reset.pcapng")
def reuse_after_reset(lab):
    """One client port, three connections, each aborted: every one begins afresh.

    8, 16, 24: both CLOSED. 9, 17: new SYN: a fresh connection, client→SYN_SENT.
    """
    listener = lab.listen()
    for _ in range(3):
        client = lab.connect()
        server = lab.keep(listener.accept()[0])
        ask(client, server)
        lab.settle()
        abort(client)
        lab.settle()


@recorded("reuse-half-open-discovered.pcapng")
def half_open_discovered(lab):
    """The client's host restarts and calls from the same port; the server, still ESTABLISHED, answers with a challenge
    ACK, the client resets that, and its SYN sent again opens a new connection (RFC 9293 figure 9).

    8: SYN; the server is still ESTABLISHED in the old connection. 9: challenge ACK with the old numbers: no change.
    10: RST exact for the old connection: it is CLOSED; the client stays SYN_SENT in the new one. 12:
    server→SYN_RECEIVED. 13: both ESTABLISHED. Wireshark's tcp.stream changes at 8 already.
    """
    client, server = lab.pair()
    ask(client, server)
    lab.settle()
    vanish(client)
    client = lab.connect()
    client.sendall(b"hello again")
    lab.settle()
    client.close()
