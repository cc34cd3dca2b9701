# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments that no endpoint sent: injected by the middle in the name of one."""

from scenario import BOTH, scenario
from scenarios_close_loss import established


def unknown_client(lab):
    """From here on what is forged to the server comes from a port without connection."""
    lab.listen()
    c, s = lab.open()
    a, p, b, q = lab.middle.latest["client"]
    lab.close(c, s)
    lab.middle.latest["client"] = (a, 50000, b, q)


def finish(lab, c, s):
    """Show that the connection still works, and close it."""
    c.send(60)
    s.send(60)
    lab.settle()
    lab.close(c, s)


@scenario(BOTH)
def forged_syn_in_established(lab):
    """A forged SYN in the established connection: a challenge ACK with the old numbers, no change."""
    c, s = established(lab)
    lab.forge("s", "S", lab.nxt("c") + 123456789, with_ts=False)
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_syn_in_window(lab):
    """A forged SYN whose number is in the window: a challenge ACK as well (RFC 5961), no change."""
    c, s = established(lab)
    lab.forge("s", "S", lab.nxt("c") + 10, with_ts=False)
    lab.settle()
    lab.forge("c", "S", lab.nxt("s") + 10, with_ts=False)
    lab.run(0.6)
    finish(lab, c, s)


@scenario()
def forged_syn_in_syn_received(lab):
    """A forged SYN with another in-window number in SYN_RECEIVED: RST, and the request is dropped."""
    lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.03)
    lab.forge("s", "S", lab.isn("c") + 100, with_ts=False)
    lab.run(0.05)
    held.release()
    lab.settle()


@scenario()
def forged_syn_no_client(lab):
    """A SYN that its claimed sender never sent: the SYN,ACK is answered by RST."""
    lab.listen()
    c, s = lab.open()
    a, p, b, q = lab.middle.latest["client"]
    lab.close(c, s)
    lab.middle.latest["client"] = (a, 50000, b, q)
    lab.forge("s", "S", 1000000, with_ts=False)
    lab.settle()


@scenario()
def forged_syn_no_host(lab):
    """A SYN flood of one: nobody is there to answer the SYN,ACK, and the request times out."""
    lab.listen()
    c, s = lab.open()
    a, p, b, q = lab.middle.latest["client"]
    lab.close(c, s)
    lab.drop("s:SYNACK", times=99)
    lab.middle.latest["client"] = (a, 50000, b, q)
    lab.forge("s", "S", 1000000, with_ts=False)
    lab.run(0.1)
    lab.middle.latest["server"] = (b, q, a, 50000)
    lab.until(lambda: lab.state("server") is None)


@scenario()
def forged_synack_in_established(lab):
    """A forged SYN,ACK in the established connection: a challenge ACK, no change."""
    c, s = established(lab)
    lab.forge("c", "SA", lab.nxt("s") + 1000, lab.nxt("c"), with_ts=False)
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_synack_wrong_ack_in_syn_sent(lab):
    """A forged SYN,ACK with a wrong ACK in SYN_SENT: RST, and the client waits on for the true one."""
    lab.listen()
    held = lab.hold("s:SYNACK")
    c = lab.connect()
    lab.run(0.03)
    lab.forge("c", "SA", 5000000, lab.isn("c") + 4711, with_ts=False)
    lab.run(0.05)
    held.release()
    s = lab.accept()
    finish(lab, c, s)


@scenario()
def forged_ack_to_listener(lab):
    """An ACK out of nowhere to a listener: RST, nothing else."""
    unknown_client(lab)
    lab.forge("s", "A", 1000000, 2000000, with_ts=False)
    lab.settle()


@scenario()
def forged_ack_wrong_in_syn_received(lab):
    """A wrong third ACK: the listener answers RST and keeps SYN_RECEIVED; the true ACK completes the handshake."""
    lab.listen()
    held = lab.hold("c:ACK")
    c = lab.connect()
    lab.run(0.03)
    lab.forge("s", "A", lab.isn("c") + 1, lab.isn("s") + 5555)
    rst = lab.drop("s:RST")
    lab.run(0.05)
    held.release()
    s = lab.accept()
    finish(lab, c, s)
    assert rst.hits


@scenario()
def forged_syn_fin_to_listener(lab):
    """SYN and FIN together, to a listener: dropped."""
    lab.listen()
    c, s = lab.open()
    a, p, b, q = lab.middle.latest["client"]
    lab.close(c, s)
    lab.middle.latest["client"] = (a, 50000, b, q)
    lab.forge("s", "SF", 1000000, with_ts=False)
    lab.settle()


@scenario(BOTH)
def forged_fin_without_ack(lab):
    """A FIN without ACK flag is ignored."""
    c, s = established(lab)
    lab.forge("s", "F", lab.nxt("c"))
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_fin_out_of_window(lab):
    """FINs outside the window: a duplicate ACK at most, no change."""
    c, s = established(lab)
    lab.forge("s", "FA", lab.nxt("c") + (1 << 26), lab.nxt("s"))
    lab.settle()
    lab.forge("s", "FA", lab.nxt("c") - 5000, lab.nxt("s"))
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_fin_bad_ack(lab):
    """A FIN that acknowledges data never sent is ignored."""
    c, s = established(lab)
    lab.forge("s", "FA", lab.nxt("c"), lab.nxt("s") + 5000)
    lab.settle()
    finish(lab, c, s)


@scenario(BOTH)
def forged_fin_old_timestamp(lab):
    """A FIN with a time stamp from the past is ignored (PAWS)."""
    c, s = established(lab)
    lab.forge("s", "FA", lab.nxt("c"), lab.nxt("s"), ts_offset=-100000)
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_fin_very_old_ack(lab):
    """A FIN whose ACK is older than the largest window ever: ignored with a challenge ACK."""
    c, s = established(lab)
    lab.forge("s", "FA", lab.nxt("c"), lab.nxt("s") - (1 << 28))
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_no_flags(lab):
    """Segments without any flag, and with all of them: neither changes anything."""
    c, s = established(lab)
    lab.forge("s", "", lab.nxt("c"))
    lab.settle()
    lab.forge("s", "FPU", lab.nxt("c") + 70000)
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_data_out_of_window(lab):
    """Forged data outside the window is answered by a duplicate ACK."""
    c, s = established(lab)
    lab.forge("s", "PA", lab.nxt("c") + (1 << 26), lab.nxt("s"), data=b"evil" * 10)
    lab.settle()
    finish(lab, c, s)


@scenario()
def forged_fin_accepted(lab):
    """A perfect forgery of a FIN is accepted: the server goes to CLOSE_WAIT, the client never closed."""
    c, s = established(lab)
    lab.forge("s", "FA", lab.nxt("c"), lab.nxt("s"))
    lab.run(0.2)
    s.close()
    lab.settle()


@scenario(BOTH)
def forged_number_ahead(lab):
    """Forged segments a hundred octets ahead, one empty, one with data that is kept for later: both FINs stand below."""
    c, s = established(lab)
    lab.forge("s", "A", lab.nxt("c") + 100, lab.nxt("s"))
    lab.settle()
    lab.forge("c", "PA", lab.nxt("s") + 100, lab.nxt("c"), b"y" * 33)
    lab.settle()
    c.close()
    lab.settle()
    s.close()
    lab.settle()
