# SPDX-License-Identifier: GPL-2.0-or-later
"""Control bits that no stack sends together: RST with FIN or SYN, SYN with FIN. Injected by the middle in the name of
one end; one connection for each combination."""

from scenario import BOTH, scenario
from scenarios_close_loss import established
from scenarios_forged import finish, unknown_client

RESETS = ("RF", "RFA", "RS", "RSA", "RSFA")


def half_open(lab):
    """(client's end, the held third ACK): the server is in SYN_RECEIVED."""
    if not lab.listeners:
        lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.03)
    return c, held


@scenario(BOTH)
def forged_rst_with_exact(lab):
    """RST with FIN, SYN or both, at the exact number: taken as a RST; the client's data then meets a closed port."""
    for flags in RESETS:
        c, s = established(lab)
        lab.forge("s", flags, lab.nxt("c"), lab.nxt("s"))
        lab.run(0.1)
        c.send(100)
        lab.settle()


@scenario()
def forged_rst_with_exact_to_client(lab):
    """The same to the client."""
    for flags in RESETS:
        c, s = established(lab)
        lab.forge("c", flags, lab.nxt("s"), lab.nxt("c"))
        lab.run(0.1)
        s.send(100)
        lab.settle()


@scenario()
def forged_rst_with_in_window(lab):
    """RST with FIN or SYN in the window but not exact: a challenge ACK, no change."""
    for flags in RESETS:
        c, s = established(lab)
        lab.forge("s", flags, lab.nxt("c") + 1000, lab.nxt("s"))
        lab.settle()
        finish(lab, c, s)


@scenario()
def forged_rst_with_below_window(lab):
    """RST with FIN or SYN whose own octet reaches RCV.NXT: a challenge ACK, where a bare RST there gets no answer."""
    for flags in RESETS + ("R",):
        c, s = established(lab)
        lab.forge("s", flags, lab.nxt("c") - 1, lab.nxt("s"))
        lab.settle()
        finish(lab, c, s)


@scenario()
def forged_rst_with_out_of_window(lab):
    """RST with FIN or SYN before and behind the window: dropped."""
    for flags in RESETS:
        c, s = established(lab)
        for offset in (-1000, 1 << 24, 1 << 30):
            lab.forge("s", flags, lab.nxt("c") + offset, lab.nxt("s"))
            lab.settle()
        finish(lab, c, s)


@scenario()
def forged_rst_with_right_ack_in_syn_sent(lab):
    """In SYN_SENT RST,ACK that acknowledges the SYN refuses, whatever else is set; the SYN,ACK is answered by RST."""
    lab.listen()
    for flags in ("RFA", "RSA", "RSFA"):
        held = lab.hold("s:SYNACK")
        c = lab.connect()
        lab.run(0.05)
        lab.forge("c", flags, 0, lab.isn("c") + 1, with_ts=False)
        lab.run(0.05)
        held.release()
        lab.settle()


@scenario()
def forged_rst_with_no_good_ack_in_syn_sent(lab):
    """In SYN_SENT RST with FIN or SYN but without ACK, or with a wrong one, is ignored."""
    lab.listen()
    for flags in RESETS:
        held = lab.hold("s:SYNACK")
        c = lab.connect()
        lab.run(0.05)
        lab.forge("c", flags, 0, lab.isn("c") + 77, with_ts=False)
        lab.run(0.05)
        held.release()
        s = lab.accept()
        finish(lab, c, s)


@scenario()
def forged_rst_with_in_syn_received(lab):
    """An exact RST with FIN or SYN drops the half-open request; the client's third ACK is answered by RST."""
    for flags in RESETS:
        c, held = half_open(lab)
        lab.forge("s", flags, lab.isn("c") + 1, lab.isn("s") + 1, with_ts=False)
        lab.run(0.03)
        held.release()
        lab.settle()


@scenario()
def forged_rst_with_in_window_syn_received(lab):
    """In the window but not exact, or at the SYN's own number, it does not."""
    for flags, offset in (("RF", 0), ("RSFA", 0), ("RFA", 100), ("RS", 100), ("RSA", 100)):
        c, held = half_open(lab)
        lab.forge("s", flags, lab.isn("c") + offset, lab.isn("s") + 1, with_ts=False)
        lab.run(0.03)
        held.release()
        finish(lab, c, lab.accept())


@scenario()
def forged_rst_with_in_fin_wait_2(lab):
    """An exact RST with FIN or SYN in FIN_WAIT_2: CLOSED, not TIME_WAIT; the server's FIN is answered by RST."""
    for flags in RESETS:
        c, s = established(lab)
        c.shutdown()
        lab.settle()
        lab.forge("c", flags, lab.nxt("s"), lab.nxt("c"))
        lab.run(0.05)
        s.close()
        lab.settle()


@scenario()
def forged_rst_with_in_close_wait(lab):
    """In CLOSE_WAIT a RST with FIN or SYN at the FIN's own number."""
    for flags in RESETS:
        c, s = established(lab)
        c.shutdown()
        lab.settle()
        lab.forge("s", flags, lab.nxt("c") - 1, lab.nxt("s"))
        lab.settle()
        s.send(20)
        lab.settle()
        c.read()
        s.close()
        lab.settle()


@scenario()
def forged_rst_with_in_time_wait(lab):
    """An exact RST with FIN or SYN kills TIME_WAIT."""
    for flags in RESETS:
        c, s = established(lab)
        lab.close(c, s)
        lab.forge("c", flags, lab.nxt("s"), lab.nxt("c"))
        lab.settle()


@scenario()
def forged_rst_with_in_time_wait_out_of_window(lab):
    """Behind or before the window it does not."""
    for flags in RESETS:
        c, s = established(lab)
        lab.close(c, s)
        lab.forge("c", flags, lab.nxt("s") - 500, lab.nxt("c"))
        lab.settle()
        lab.forge("c", flags, lab.nxt("s") + 5, lab.nxt("c"))
        lab.settle()


@scenario()
def forged_rst_with_to_listener(lab):
    """RST with FIN or SYN to a listener: nothing, and no connection."""
    unknown_client(lab)
    for flags in RESETS:
        lab.forge("s", flags, 1000000, 2000000, with_ts=False)
        lab.settle()


@scenario()
def forged_syn_fin_in_established(lab):
    """SYN with FIN in the established connection: a challenge ACK, as for any SYN; no change."""
    for flags, offset in (("SF", 0), ("SF", 10), ("SF", 123456789), ("SFA", 0), ("SFA", -1)):
        c, s = established(lab)
        lab.forge("s", flags, lab.nxt("c") + offset, lab.nxt("s"), with_ts=False)
        lab.settle()
        finish(lab, c, s)


@scenario()
def forged_syn_fin_in_syn_sent(lab):
    """SYN with FIN in SYN_SENT counts as a SYN: SYN,ACK is taken, SYN alone makes it SYN_RECEIVED. The FIN does not."""
    lab.listen()
    for flags in ("SF", "SFA"):
        lab.drop("c:SYN")
        lab.middle.latest.pop("server", None)       # it said nothing in this connection
        lab.connect()
        lab.run(0.05)
        lab.forge("c", flags, 5000000, lab.isn("c") + 1, with_ts=False)
        lab.settle()


@scenario()
def forged_syn_fin_in_syn_received(lab):
    """SYN with FIN to a half-open request: the SYN's own number gets the SYN,ACK again, another one RST,ACK, and the
    request is dropped."""
    for offset in (0, 100):
        c, held = half_open(lab)
        lab.forge("s", "SF", lab.isn("c") + offset, with_ts=False)
        lab.run(0.03)
        held.release()
        s = lab.accept()
        if s:
            finish(lab, c, s)
        lab.settle()


@scenario()
def forged_syn_fin_in_time_wait(lab):
    """SYN with FIN and a higher number in TIME_WAIT: no new connection."""
    for flags in ("SF", "SFA"):
        c, s = established(lab)
        lab.close(s, c)
        lab.forge("s", flags, lab.nxt("c") + 1000000, with_ts=False)
        lab.settle()
