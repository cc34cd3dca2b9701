# SPDX-License-Identifier: GPL-2.0-or-later
"""Orderly ways to close."""

from scenario import BOTH, scenario


@scenario(BOTH)
def close_client_first(lab):
    """The textbook close in four segments, the client first."""
    c, s = lab.open()
    c.send(300)
    lab.settle()
    s.read()
    s.send(500)
    lab.settle()
    c.read()
    c.close()
    lab.settle()
    s.close()
    lab.settle()


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


@scenario(BOTH)
def close_three_segments(lab):
    """The second closer's FIN comes in the same segment as its ACK: three segments instead of four."""
    c, s = lab.open()
    c.send(100)
    lab.settle()
    s.read()
    held = lab.hold("s:ACK")                # whatever ACK may leave before the server's close
    c.shutdown()
    lab.middle.pump()
    s.close()
    lab.settle()
    held.release()
    lab.settle()
    return c


@scenario(BOTH)
def close_simultaneous(lab):
    """Both ends close before either has the other's FIN: both FIN_WAIT_1, CLOSING, TIME_WAIT."""
    c, s = lab.open()
    c.close()
    s.close()
    lab.settle()
