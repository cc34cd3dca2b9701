# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets that no endpoint sent: injected by the middle in the name of one."""

from scenario import BOTH, scenario
from scenarios_close_loss import established
from scenarios_forged import finish


@scenario(BOTH)
def forged_rst_exact_to_server(lab):
    """A forged RST with the exact number closes the server's end; the client's data then meets a RST."""
    c, s = established(lab)
    lab.forge("s", "R", lab.nxt("c"))
    lab.run(0.1)
    c.send(100)
    lab.settle()


@scenario()
def forged_rst_exact_to_client(lab):
    """A forged RST with the exact number closes the client's end; the server's data then meets a RST."""
    c, s = established(lab)
    lab.forge("c", "R", lab.nxt("s"))
    lab.run(0.1)
    s.send(100)
    lab.settle()


@scenario()
def forged_rst_exact_to_both(lab):
    """A device in the middle resets both ends."""
    c, s = established(lab)
    lab.forge("c", "RA", lab.nxt("s"), lab.nxt("c"))
    lab.forge("s", "RA", lab.nxt("c"), lab.nxt("s"))
    lab.settle()


@scenario()
def forged_rst_exact_silence(lab):
    """A forged RST closes the client's end and nobody speaks again: half open for ever."""
    c, s = established(lab)
    lab.forge("c", "R", lab.nxt("s"))
    lab.run(0.3)


@scenario(BOTH)
def forged_rst_in_window(lab):
    """A forged RST in the window but not exact: a challenge ACK, no change."""
    c, s = established(lab)
    lab.forge("s", "R", lab.nxt("c") + 1000)
    lab.settle()
    lab.forge("c", "R", lab.nxt("s") + 1)
    lab.settle()
    finish(lab, c, s)


@scenario(BOTH)
def forged_rst_out_of_window(lab):
    """Forged RSTs before and behind the window: dropped without a word."""
    c, s = established(lab)
    for offset in (-1, -1000, 1 << 24, 1 << 30):
        lab.forge("s", "R", lab.nxt("c") + offset)
        lab.forge("c", "RA", lab.nxt("s") + offset, lab.nxt("c"))
        lab.settle()
    finish(lab, c, s)


@scenario()
def forged_rst_wrong_ack_exact(lab):
    """A forged RST,ACK with the exact number and a nonsense ACK field is accepted all the same."""
    c, s = established(lab)
    lab.forge("s", "RA", lab.nxt("c"), lab.nxt("s") + 12345678)
    lab.settle()
    c.send(10)
    lab.settle()


@scenario()
def forged_rst_in_close_wait(lab):
    """In CLOSE_WAIT a RST at the FIN's own number is accepted, although it is before the window."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    lab.forge("s", "R", lab.nxt("c") - 1)
    lab.settle()
    c.abort()
    lab.settle()


@scenario()
def forged_rst_in_close_wait_in_window(lab):
    """In CLOSE_WAIT a RST in the window is challenged."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    lab.forge("s", "R", lab.nxt("c") + 5)
    lab.settle()
    s.send(20)
    lab.settle()
    c.read()
    s.close()
    lab.settle()


@scenario()
def forged_rst_bare_in_syn_sent(lab):
    """In SYN_SENT a bare RST is ignored."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    c = lab.connect()
    lab.run(0.05)
    lab.forge("c", "R", 0)
    lab.run(0.05)
    held.release()
    s = lab.accept()
    finish(lab, c, s)


@scenario()
def forged_rst_wrong_ack_in_syn_sent(lab):
    """In SYN_SENT a RST,ACK that acknowledges something else is ignored; the client sends its SYN again at once."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    c = lab.connect()
    lab.run(0.05)
    lab.forge("c", "RA", 0, lab.isn("c") + 77)
    lab.run(0.05)
    held.release()
    s = lab.accept()
    finish(lab, c, s)


@scenario(BOTH)
def forged_rst_right_ack_in_syn_sent(lab):
    """In SYN_SENT a RST,ACK that acknowledges the SYN refuses the connection; the true SYN,ACK is answered by RST."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    c = lab.connect()
    lab.run(0.05)
    lab.forge("c", "RA", 0, lab.isn("c") + 1)
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def forged_rst_in_syn_received(lab):
    """A forged exact RST drops the half-open request; the client's third ACK is answered by RST."""
    lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.03)
    lab.forge("s", "R", lab.isn("c") + 1, with_ts=False)
    lab.run(0.03)
    held.release()
    lab.settle()


@scenario()
def forged_rst_in_window_syn_received(lab):
    """A RST in the window but not exact does not drop the half-open request."""
    lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.03)
    lab.forge("s", "R", lab.isn("c") + 100, with_ts=False)
    lab.run(0.03)
    held.release()
    s = lab.accept()
    finish(lab, c, s)


@scenario(BOTH)
def forged_rst_in_time_wait(lab):
    """A forged exact RST kills TIME_WAIT."""
    c, s = established(lab)
    lab.close(c, s)
    lab.forge("c", "R", lab.nxt("s"))
    lab.settle()


@scenario()
def forged_rst_in_time_wait_out_of_window(lab):
    """A RST before the window does not kill TIME_WAIT."""
    c, s = established(lab)
    lab.close(c, s)
    lab.forge("c", "R", lab.nxt("s") - 500)
    lab.settle()


@scenario()
def forged_rst_in_fin_wait_1(lab):
    """A forged exact RST in FIN_WAIT_1."""
    c, s = established(lab)
    held = lab.hold("c:FIN", times=9)
    c.shutdown()
    lab.run(0.02)
    lab.forge("c", "R", lab.nxt("s"))
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def forged_rst_in_fin_wait_2(lab):
    """A forged exact RST in FIN_WAIT_2; the server's FIN is then answered by RST."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    lab.forge("c", "R", lab.nxt("s"))
    lab.run(0.05)
    s.close()
    lab.settle()


@scenario()
def forged_rst_in_last_ack(lab):
    """A forged exact RST in LAST_ACK; the true last ACK then meets a closed port."""
    c, s = established(lab)
    c.shutdown()
    lab.settle()
    held = lab.hold("s:FIN")
    s.shutdown()
    lab.run(0.02)
    lab.forge("s", "R", lab.nxt("c"))
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def forged_rst_in_closing(lab):
    """A forged exact RST in CLOSING."""
    c, s = established(lab)
    held = lab.hold("c:FIN", times=9)
    c.shutdown()
    s.shutdown()
    lab.run(0.03)
    lab.forge("c", "R", lab.nxt("s"))
    lab.run(0.03)
    held.release()
    lab.settle()
