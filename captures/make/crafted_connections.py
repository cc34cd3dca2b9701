# SPDX-License-Identifier: GPL-2.0-or-later
"""Crafted captures of connections that a stack will not produce on demand. Each maker returns (time, frame) pairs."""
from common import Registry
from talk import Talk

CRAFTED = Registry()
crafted = CRAFTED.add


def http_text(start_line, headers, length):
    """An HTTP message of exactly `length` bytes; a filler header makes up the difference."""
    head = "\r\n".join([start_line, *headers, "X-Filler: "]).encode()
    message = head + b"-" * (length - len(head) - 4) + b"\r\n\r\n"
    assert len(message) == length
    return message


@crafted("textbook-t1-client-closes.pcapng")
def textbook_client_closes():
    """Textbook trace 1: the client closes, three segments."""
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
    """Textbook trace 2: an HTTP/1.0 style connection in which the server closes first, four segments."""
    talk = Talk(("172.18.128.204", 32624, 1203847266), ("10.0.0.128", 8080, 3958104437))
    talk.open()
    talk.client("PA", http_text("GET /report HTTP/1.0", ["Host: 10.0.0.128:8080", "User-Agent: example/1.0"], 279))
    talk.server("A", after=0.0004)
    talk.server("PA", http_text("HTTP/1.0 200 OK", ["Content-Length: 0", "Connection: close"], 525), after=0.002)
    talk.client("A", after=0.009)
    talk.close(first="server")
    return talk.frames
