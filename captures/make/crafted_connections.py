# SPDX-License-Identifier: GPL-2.0-or-later
"""Crafted captures of connections that a stack will not produce on demand. Each maker returns (time, frame) pairs."""
from common import CLIENT4, CLIENT_PORT, ELSEWHERE4, SERVER4, SERVER_PORT, Registry
from talk import EPOCH, Talk, swapped

CRAFTED = Registry("crafted: Scapy")
crafted = CRAFTED.add


def http_text(start_line, headers, length):
    """An HTTP message of exactly `length` bytes; a filler header makes up the difference."""
    head = "\r\n".join([start_line, *headers, "X-Filler: "]).encode()
    message = head + b"-" * (length - len(head) - 4) + b"\r\n\r\n"
    assert len(message) == length
    return message


@crafted("textbook-t1-client-closes.pcapng")
def textbook_client_closes():
    """Textbook trace 1: the client closes, three segments.

    1: client→SYN_SENT. 2: server→SYN_RECEIVED. 3: both ESTABLISHED. 8: client→FIN_WAIT_1. 9: server→CLOSE_WAIT,
    server→LAST_ACK, client→FIN_WAIT_2. 10: client→TIME_WAIT, server→CLOSED.
    """
    talk = Talk(("172.18.128.204", 62534, 3401804541), ("10.0.0.128", 80, 2666924726))
    talk.open()
    talk.client("PA", http_text("GET / HTTP/1.1", ["Host: 10.0.0.128", "Accept: */*"], 77))
    talk.server("A", after=0.0004)
    talk.server("PA", http_text("HTTP/1.1 200 OK", ["Server: nginx", "Content-Length: 0"], 243), after=0.0002)
    talk.client("A", after=0.009)
    talk.client("FA", after=0.0003).server("FA").client("A")
    return talk.frames


@crafted("textbook-t2-server-closes.pcapng")
def textbook_server_closes():
    """Textbook trace 2: an HTTP/1.0 style connection in which the server closes first, four segments.

    8: server→FIN_WAIT_1. 9: client→CLOSE_WAIT, server→FIN_WAIT_2. 10: client→LAST_ACK. 11: server→TIME_WAIT,
    client→CLOSED.
    """
    talk = Talk(("172.18.128.204", 32624, 1203847266), ("10.0.0.128", 8080, 3958104437))
    talk.open()
    talk.client("PA", http_text("GET /report HTTP/1.0", ["Host: 10.0.0.128:8080", "User-Agent: example/1.0"], 279))
    talk.server("A", after=0.0004)
    talk.server("PA", http_text("HTTP/1.0 200 OK", ["Content-Length: 0", "Connection: close"], 525), after=0.002)
    talk.client("A", after=0.009)
    talk.close(first="server")
    return talk.frames


def both(client_isn=1000, server_isn=5000):
    """A conversation between the usual two ends with chosen ISNs."""
    return Talk((CLIENT4, CLIENT_PORT, client_isn), (SERVER4, SERVER_PORT, server_isn))


@crafted("wrap-during-close.pcapng")
def wrap_during_close():
    """Both sequence spaces wrap: the client's in the data before its FIN, the server's exactly at its FIN.

    8 to 11: the four steps as in close-four-segment-client-first, all comparisons modulo 2^32.
    """
    return both(2**32 - 60, 2**32 - 302).open().ask().close().frames


@crafted("wrap-raw-ack-zero.pcapng")
def wrap_raw_ack_zero():
    """The client's data ends at 2^32 - 1, so the raw ACK number 0 is a genuine acknowledgement; then its FIN is number
    0.

    5: raw ACK 0 acknowledges the request. 9: raw ACK 1 the FIN: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    return both(2**32 - 101, 77).open().ask().close().frames


@crafted("wrap-simultaneous-close.pcapng")
def wrap_simultaneous_close():
    """FINs cross, and both FINs' numbers are 2^32 - 1: the ACKs of them carry 0.

    10: raw ACK 0: client→CLOSING, server→CLOSING, server→TIME_WAIT. 11: client→TIME_WAIT.
    """
    talk = both(2**32 - 102, 2**32 - 302).open().ask()
    talk.client("FA").server("FA", ack=101, after=0.0001)
    talk.client("A", seq=102, ack=302).server("A", seq=302, ack=102, after=0.0001)
    return talk.frames


@crafted("close-simultaneous-second-fin-lost.pcapng")
def crossing_fin_lost():
    """FINs cross; the server's was lost before the observer. The SEG.SEQ of its ACK, one past its own FIN, is the
    hint; the FIN comes again.

    9: server→CLOSE_WAIT or past it: SEG.SEQ 302 hints at a FIN not seen; client→FIN_WAIT_2 at least. 10: the FIN,
    seen at last. 11: client→TIME_WAIT, server→CLOSED.
    """
    talk = both().open().ask()
    talk.client("FA").server("FA", ack=101, after=0.0001, captured=False)
    talk.server("A", ack=102, after=0.02)
    talk.wait(0.2).server("FA", seq=301, ack=102).client("A", ack=302)
    return talk.frames


@crafted("close-keep-alive-has-number-of-fin.pcapng")
def keep_alive_has_number_of_fin():
    """In half-closed state the client's keep-alive probe has its FIN's own number, no flag and one octet of garbage.

    9: client→FIN_WAIT_2. 10, 12: SEG.SEQ is the FIN's, no FIN flag: no retraction to FIN_WAIT_1. 14: server→LAST_ACK.
    """
    talk = both().open().ask().client("FA").server("A")
    for _ in range(2):
        talk.wait(5).client("A", b"\0", seq=101, bare=True).server("A")
    return talk.wait(5).server("FA").client("A").frames


@crafted("close-ack-covers-data-not-fin.pcapng")
def ack_covers_data_not_fin():
    """The FIN rides on data; first comes an ACK of part of the data, then of all the data, and only then of the FIN.

    4: client→FIN_WAIT_1. 5, 6: nobody moves. 7: ACK 102: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    talk = both().open().client("FPA", 100)
    talk.server("A", ack=51).server("A", ack=101).server("A", ack=102)
    return talk.server("FA").client("A").frames


@crafted("close-ack-beyond-fin.pcapng")
def ack_beyond_fin():
    """After the client's FIN the server acknowledges a number that was never sent: ignored; the right ACK follows.

    9: ACK 1102 of nothing sent: no change. 11: ACK 102: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    talk = both().open().ask().client("FA")
    talk.server("A", ack=1102).client("A").server("A", ack=102)
    return talk.server("FA").client("A").frames


@crafted("close-data-after-fin.pcapng")
def data_after_fin():
    """A broken client sends data beyond its own FIN: it changes no state.

    10: data beyond its own FIN: noted, no change. 12: server→LAST_ACK.
    """
    talk = both().open().ask().client("FA").server("A")
    talk.client("PA", 40).server("A", ack=102)
    return talk.server("FA", ack=102).client("A", seq=102).frames


@crafted("open-two-synacks.pcapng")
def two_synacks():
    """Two SYN,ACKs with different ISNs answer one SYN (an anycast or load-balanced address); the client's ACK picks
    the first.

    2: server→SYN_RECEIVED. 4: the ACK picks the ISN of frame 2: both ESTABLISHED.
    """
    talk = both().client("S").server("SA").server("SA", seq=70_000, bare=True)
    talk.client("A")
    return talk.ask().close().frames


@crafted("open-syn-again-with-other-isn.pcapng")
def syn_again_with_other_isn():
    """An unanswered SYN is followed by one with another ISN from the same port: a new attempt.

    3: another ISN: a new attempt (and tcp.stream), the first one stays unanswered. 5: both ESTABLISHED.
    """
    first = both().client("S").wait(3).client("S", seq=0)
    second = Talk((CLIENT4, CLIENT_PORT, 900_000), start=first.now)
    return first.frames + second.wait(3).open().ask().close().frames


@crafted("open-synack-captured-first.pcapng")
def synack_captured_first():
    """The capture shows the SYN,ACK before its SYN, as two queues of one card do: the roles hold.

    1: the SYN,ACK's receiver is the client. 2: its SYN, late. 3: both ESTABLISHED; roles never change.
    """
    talk = both().open().ask().close()
    return swapped(talk.frames, 0)


@crafted("open-backscatter.pcapng")
def backscatter():
    """SYN,ACKs to a host that never sent a SYN (somebody forged its address), and that host's RST.

    1: SYN,ACK to a host that sent no SYN; 192.0.2.10 is only formally the client. 2: its RST sends the server to
    LISTEN.
    """
    frames = []
    for i in range(3):
        talk = Talk((CLIENT4, CLIENT_PORT + i, 1000 * i), (ELSEWHERE4, 443, 7000 * i + 9), start=EPOCH + i * 0.5)
        talk.client("S", captured=False).server("SA")
        talk.client("R") if i != 2 else talk.wait(1).server("SA", seq=0)
        frames += talk.frames
    return frames


@crafted("open-ecn-setup.pcapng")
def ecn_setup():
    """A SYN with ECE and CWR set asks for ECN; it must not be taken for a scan.

    1: a SYN with ECE and CWR is an ordinary SYN: client→SYN_SENT.
    """
    talk = both().client("SEC").server("SAE").client("A").client("PAC", 80).server("AE").server("PA", 90).client("A")
    return talk.close().frames


def fast_open(request=120, accepted=None):
    """The first two segments of a Fast Open: SYN with cookie and data, SYN,ACK for `accepted` octets of it."""
    cookie = [("MSS", 1460), (34, bytes(range(8)))]
    accepted = request if accepted is None else accepted
    return both().client("S", request, options=cookie).server("SA", ack=1 + accepted)


@crafted("open-fast-open-data-refused.pcapng")
def fast_open_data_refused():
    """The server acknowledges only the SYN of a Fast Open: its data is sent again after the handshake.

    2: ACK 1 covers the SYN only. 3: both ESTABLISHED. 4: the data again, no transition.
    """
    talk = fast_open(accepted=0).client("A", seq=1).client("PA", 120, seq=1).server("A")
    return talk.server("PA", 300).client("A").close().frames


@crafted("open-fast-open-part-accepted.pcapng")
def fast_open_part_accepted():
    """The server acknowledges half of the data on a Fast Open SYN: the rest is sent again.

    2: ACK 61. 3: the rest; both ESTABLISHED.
    """
    talk = fast_open(accepted=60).client("PA", 60, seq=61).server("A")
    return talk.server("PA", 300).client("A").close().frames


@crafted("open-fast-open-close-at-once.pcapng")
def fast_open_close_at_once():
    """A Fast Open server answers and closes before the third ACK, which closes too: the server goes from SYN_RECEIVED
    straight to FIN_WAIT_1.

    4: server SYN_RECEIVED→FIN_WAIT_1. 5: client→ESTABLISHED, client→CLOSE_WAIT, client→LAST_ACK, server→FIN_WAIT_2.
    6: server→TIME_WAIT, client→CLOSED.
    """
    talk = fast_open().server("PA", 300).server("FA", after=0.0001)
    return talk.client("FA", seq=121, after=0.02).server("A").frames


@crafted("open-syn-data-without-fast-open.pcapng")
def syn_data_without_fast_open():
    """Data on a SYN without Fast Open: the SYN,ACK does not acknowledge it, the client sends it again.

    2: ACK 1. 3: the data completes the handshake: both ESTABLISHED.
    """
    talk = both().client("S", 20).server("SA", ack=1).client("PA", 20, seq=1).server("A")
    return talk.server("PA", 40).client("A").close().frames


@crafted("midstream-fin-first.pcapng")
def midstream_fin_first():
    """The capture begins with the server's FIN,ACK of a three-segment close; the client's FIN came before it.

    1: server FIN_WAIT_1 or LAST_ACK: both readings are legal, assumed. 2: the client acknowledges it.
    """
    talk = both()
    for end in talk.ends.values():
        end.next = 100
    return talk.server("FA").client("A").frames


@crafted("midstream-rst-only.pcapng")
def midstream_rst_only():
    """A connection of which only a RST was captured.

    1: nothing known before; both CLOSED after it.
    """
    talk = both()
    for end in talk.ends.values():
        end.next = 100
    return talk.server("R").frames


@crafted("reuse-same-isn.pcapng")
def reuse_same_isn():
    """The same addresses, ports and ISN twice: Wireshark keeps one tcp.stream, but these are two connections.

    12: SYN after a finished connection: incarnation 2, client→SYN_SENT, in the same tcp.stream.
    """
    first = both().open().ask().close()
    second = Talk(start=first.now + 90)
    return first.frames + second.open().ask().close().frames


@crafted("reuse-old-syn-in-time-wait.pcapng")
def reuse_old_syn_in_time_wait():
    """The server is in TIME_WAIT; a SYN below its RCV.NXT gets the old ACK, the client's RST kills TIME_WAIT, and the
    SYN sent again is accepted (RFC 1337's hazard made use of).

    12: SYN below RCV.NXT. 13: the old connection's ACK: server still TIME_WAIT. 14: RST: server→CLOSED. 16:
    server→SYN_RECEIVED.
    """
    first = both(900_000, 5000).open().ask().close("server")
    talk = Talk((CLIENT4, CLIENT_PORT, 400_000), start=first.now + 1)
    old = 900_000 + 102 - 400_000       # the old connection's next number, relative to the new ISN
    talk.client("S").server("A", seq=302, ack=old, bare=True).client("R", seq=old, bare=True)
    talk.ends["server"].isn, talk.ends["server"].next = 2_000_000, 0
    talk.wait(1).client("S", seq=0).server("SA").client("A")
    return first.frames + talk.ask().close().frames


@crafted("wild-number-poisons-nothing.pcapng")
def wild_number():
    """One forged segment with numbers 2^31 away from everything known; the connection goes on and closes as always.

    8: 2^31 away: noted, no fact changes (rule 7). 13: client→FIN_WAIT_1, 14: client→FIN_WAIT_2 as if it had not been
    there.
    """
    talk = both().open().ask().client("PA", 30, seq=2**31 + 5, ack=2**31 + 9, bare=True)
    return talk.ask().close().frames


@crafted("wild-bad-checksum.pcapng")
def bad_checksum():
    """A FIN and a RST with wrong TCP checksums inside a connection that goes on: with checksum validation switched on
    they are no segments at all.

    With -o tcp.check_checksum:TRUE 8 and 9 change nothing and 14: client→FIN_WAIT_1. Without, 8 is a FIN, 9 closes
    both, and the talk from 10 on restores them.
    """
    def spoil(frame):
        return frame[:50] + bytes([frame[50] ^ 0xFF]) + frame[51:]
    talk = both().open().ask().client("FA", bare=True, tamper=spoil).server("RA", bare=True, tamper=spoil)
    return talk.ask().close().frames


@crafted("rst-carries-data.pcapng")
def rst_carries_data():
    """A RST whose payload says why (RFC 9293 3.5.3 allows it).

    8: exact: server→CLOSED, client→CLOSED.
    """
    return both().open().ask().server("RA", b"session limit reached").frames


@crafted("rst-repeated.pcapng")
def rst_repeated():
    """A reset is sent three times, one number apart each time as some firewalls do: one transition.

    8: both CLOSED. 9, 10: nothing more.
    """
    talk = both().open().ask()
    for number in (301, 302, 303):
        talk.server("R", seq=number, after=0.001)
    return talk.frames


@crafted("rst-at-number-of-fin.pcapng")
def rst_at_number_of_fin():
    """The client's FIN crossed the server's data; its closed socket resets that data with the FIN's own number, one
    below what the server expects: accepted in CLOSE_WAIT.

    10: server→CLOSE_WAIT, client→FIN_WAIT_2. 11: SEG.SEQ = RCV.NXT-1, the FIN's own number: accepted, both CLOSED.
    """
    talk = both().open().ask().client("FA").server("PA", 50, ack=101, after=0.0001).server("A")
    return talk.client("R", seq=101, bare=True, after=0.0001).frames
