# SPDX-License-Identifier: GPL-2.0-or-later
"""Random profiles: what kind of life many connections have. One function each, its docstring says what happens.

A profile gets a Play (random_play.py), puts down what it draws, and runs it. The mark is that of scenarios, so that
sysctls are given the same way. Look next: hunt.py, which records them.
"""

import copy
import socket

from lab import TCP_DEFER_ACCEPT, TCP_FASTOPEN
from random_play import SIZES, TCP, both, of
from scenario import BOTH, scenario

TALK = both(send=3, read=3)
CLOSE = TALK | both(shutdown=1, close=.5, quick_acks=.3)
MIX = CLOSE | both(abort=.25, urgent=.2, shutdown_both=.15, no_fin_wait_2=.1, cork=.1, keepalive=.1)
NO_TIMESTAMPS = {"ipv4/tcp_timestamps": 0}
GREETINGS = (("send",), ("send", "close"), ("close",), ("abort",), ("send", "shutdown"), ("shutdown",), ())
FAST_GREETINGS = (("read",), ("read", "send"), ("read", "send", "close"), ("read", "close"), ("close",), ("abort",),
                  ("read", "send", "shutdown"), ("send", "abort"), ())
READ = [(0, "client", "read"), (0, "server", "read")]
DEATHS = {
    "client aborts": [(0, "client", "abort")],
    "client vanishes": [(0, "client", "vanish")],
    "server aborts": [(0, "server", "abort"), (0, "client", "close")],
    "client closes": [*READ, (0, "client", "close"), (.04, "server", "read"), (0, "server", "close")],
    "server closes": [*READ, (0, "server", "close"), (.04, "client", "read"), (0, "client", "close")],
}


# --- anything at any time ------------------------------------------------------------------------
def anything(play, weights, number, gap):
    """Each connection draws `number` operations; most are closed by both ends at last."""
    play.listen()
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        begin = start + draw.choice((0, .003, .05, .3)) + draw.uniform(0, .1)
        end = play.script(pair, begin, play.operations(weights, number, gap))
        if draw.random() < .7:
            play.script(pair, end, closing(draw))
    play.run()


def closing(draw):
    """Both ends close or shut down, at once or one after the other, with all data read or not."""
    ends = [(draw.uniform(0, .3), "client", draw.choice(("close", "close", "shutdown"))),
            (draw.choice((0, draw.uniform(0, .4))), "server", draw.choice(("close", "close", "shutdown")))]
    draw.shuffle(ends)
    return draw.choice(([], READ)) + ends


@scenario(BOTH)
def mix(play):
    """Data, reads, half-closes, closes, aborts, urgent data and socket options of both ends, in any order."""
    anything(play, MIX, 16, .12)


@scenario(BOTH)
def mix_fast(play):
    """The same within a tenth of the time, so that most segments cross."""
    anything(play, MIX, 12, .01)


@scenario(BOTH, sysctls=NO_TIMESTAMPS | {"ipv4/tcp_sack": 0})
def no_timestamps(play):
    """The mix without time stamps and selective acknowledgements, which tell copies from segments sent again."""
    anything(play, MIX, 14, .08)


@scenario(BOTH, sysctls={"ipv4/tcp_invalid_ratelimit": 0})
def challenge(play):
    """The mix with every challenge ACK sent, however many there are."""
    anything(play, MIX, 14, .08)


@scenario(BOTH, sysctls={"ipv4/tcp_rfc1337": 1})
def rfc1337(play):
    """The mix with TIME_WAIT that no RST ends (RFC 1337)."""
    anything(play, MIX, 14, .08)


@scenario(BOTH)
def close(play):
    """Data, reads, half-closes and closes, no aborts."""
    anything(play, CLOSE, 14, .12)


@scenario(BOTH, sysctls={"ipv4/tcp_fin_timeout": 1})
def orphan(play):
    """Closes while the other end goes on sending: orphans in FIN_WAIT_2 that end by a timer or by a RST."""
    anything(play, TALK | both(close=2) | of("client", no_fin_wait_2=.3), 10, .1)


# --- opening -------------------------------------------------------------------------------------
@scenario(BOTH)
def simopen(play):
    """Both ends connect to each other's port at once, and then do anything."""
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.at(start, connect_both, play.lab, pair)
        end = play.script(pair, start + draw.choice((.005, .05, .3, 1.2)), play.operations(MIX, 8, .15))
        play.script(pair, end, play.orderly_end())
    play.run()


def connect_both(lab, pair):
    ports = {"client": pair.port, "server": pair.port + 10000}
    for side, other in (("client", "server"), ("server", "client")):
        pair.ends[side] = lab.connect(ports[other], bind=ports[side], side=side)


@scenario(BOTH)
def fastopen(play):
    """Fast Open, its data of one segment and more; the server answers, closes or aborts at once, or later."""
    play.listen(options=[(TCP, TCP_FASTOPEN, 1024)])
    fetch_cookie(play)
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.greet(pair, draw.choice(FAST_GREETINGS))
        play.at(start, play.connect, pair, draw.choice((1, 100, 1400, 3000)))
        end = play.script(pair, start + draw.choice((.002, .03, .3)), play.operations(MIX, 6, .1))
        play.script(pair, end, play.orderly_end())
    play.run()


def fetch_cookie(play):
    """A first connection, from another port, after which the client knows the server's cookie."""
    client = play.lab.fast_open(10, bind=min(play.pairs) - 1)
    server = play.lab.accept()
    for end in (client, server):
        end.read()
        end.close()
        play.lab.settle()


@scenario(BOTH)
def serverfirst(play):
    """The third ACK is lost or late, and the server speaks, closes or aborts first."""
    play.listen()
    play.faults(drop=.05, swap=.1, only={"ACK": {"drop": .5, "swap": .3}})
    for start, pair in play.spread():
        play.greet(pair, play.draw.choice(GREETINGS))
        play.at(start, play.connect, pair)
        weights = MIX | of("server", send=6)
        play.script(pair, start + play.draw.choice((.002, .03, .3)), play.operations(weights, 8, .2))
    play.run()


def dying_early(play):
    """Connections whose client is gone before or just after the handshake; some begin anew from the same port."""
    play.listen()
    play.faults(drop=.1, swap=.3, late=.05, double=.1, stale=.1, only={"SYNACK": {"drop": .3}})
    draw = play.draw
    weights = both(send=2, close=1, abort=1) | of("client", shutdown=1) | of("server", send=1, abort=.5)
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        play.script(pair, start + draw.choice((0, .001, .01, .04)), play.operations(weights, 5, .1))
        if draw.random() < .4:
            play.at(start + draw.uniform(.05, .5), play.reconnect, pair)
    play.run(7)


@scenario(BOTH)
def early(play):
    """The client closes or aborts in SYN_SENT or just after it, SYN,ACKs are lost and late, ports are used again."""
    dying_early(play)


@scenario(BOTH, server={"ipv4/tcp_syncookies": 2})
def cookies(play):
    """The same while the server keeps half-open connections in SYN cookies alone."""
    dying_early(play)


@scenario(BOTH)
def defer(play):
    """Deferred accept: the server takes no third ACK without data."""
    play.listen(options=[(TCP, TCP_DEFER_ACCEPT, 1)])
    play.draw_faults()
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        play.script(pair, start + play.draw.choice((.005, .3, 1.2)), play.operations(MIX, 10, .3))
    play.run(7)


def overcrowd(play):
    """More connections than the listener has room for; it is accepted from by turns."""
    play.listen(backlog=2)
    play.accepting = False
    if play.draw.random() < .6:
        play.draw_faults()
    play.at(.8, play.toggle_accepting, .1, .6)
    weights = (both(read=1) | of("client", send=2, shutdown=.5, close=.4, abort=.3)
               | of("server", send=1, close=.5, abort=.2))
    for start, pair in play.spread(.02):
        play.at(start, play.connect, pair)
        play.script(pair, start + .01, play.operations(weights, 10, .3))
    play.run(6.5)


@scenario(BOTH)
def backlog(play):
    """The accept queue is full: third ACKs are not taken until the server accepts."""
    overcrowd(play)


@scenario(BOTH, server={"ipv4/tcp_abort_on_overflow": 1})
def backlog_abort(play):
    """The accept queue is full, and who finds it so is reset."""
    overcrowd(play)


@scenario(BOTH)
def listenerclose(play):
    """The listener goes away and comes back, with half-open connections and some that were not accepted."""
    play.listen()
    play.draw_faults()
    play.accepting = False
    draw = play.draw
    play.at(.1, play.toggle_accepting, .05, .3)
    play.at(.3, listener_goes, play)
    for start, pair in play.spread(.03):
        play.at(start, play.connect, pair)
        play.script(pair, start + draw.choice((0, .01, .1)), play.operations(MIX | of("client", close=1), 8, .15))
        if draw.random() < .5:
            play.at(start + draw.uniform(.3, 1), play.reconnect, pair)
    play.run(7)


def listener_goes(play):
    play.listener.close()
    play.listener = None
    play.later(play.draw.uniform(.05, .4), listener_returns, play)


def listener_returns(play):
    play.listen(backlog=64)
    play.later(play.draw.uniform(.1, .5), listener_goes, play)


# --- living --------------------------------------------------------------------------------------
@scenario(BOTH)
def zerowin(play):
    """Small receive buffers and much data: closed windows, probes, FINs queued behind them, aborts."""
    play.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)])
    play.draw_faults()
    draw = play.draw
    weights = both(shutdown=1, close=.7, abort=.2, send=1) | of("server", read=3) | of("client", read=2)
    for start, pair in play.spread():
        play.at(start, play.connect, pair, 0, draw.choice((None, 2304)))
        flood = [(draw.uniform(0, .03), draw.choice(("client", "client", "server")), "send", draw.choice(SIZES[-3:]))
                 for _ in range(draw.randrange(2, 7))]
        play.script(pair, start + .1, flood + play.operations(weights, 10, .5))
    play.run(8)


@scenario(BOTH)
def keep(play):
    """Keep-alives and user timeouts; after a while most segments are lost, and what is left open is given up."""
    play.listen()
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        watch = [(.2, side, draw.choice(("keepalive", "keepalive", "user_timeout")))
                 for side in ("client", "server") if draw.random() < .8]
        play.script(pair, start, watch + play.operations(CLOSE, draw.randrange(8), .3))
    play.at(1.2, lose_most, play)
    play.run(8)


def lose_most(play):
    play.faults(drop=.8)


@scenario(BOTH)
def oneway(play):
    """Now and then almost nothing gets through in one direction."""
    play.listen()
    draw = play.draw
    play.at(.2, deafen, play)
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        end = play.script(pair, start + .05, play.operations(MIX, 12, .15))
        play.script(pair, end, [(0, "client", "close"), (draw.uniform(0, .3), "server", "close")])
    play.run(7)


def deafen(play):
    """Another side gets nothing for a while, or both get everything."""
    play.faults(swap=.1, late=.03, only={play.draw.choice(("client", "server", "none")): {"drop": .9}})
    play.later(play.draw.uniform(.05, .5), deafen, play)


# --- closing and beginning anew ------------------------------------------------------------------
def closing_at_once(play):
    """Both ends close within a few milliseconds of each other, often with data just sent."""
    play.listen()
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        sides = ["client", "server"]
        operations = [(0, side, *play.drawn("send")) for side in sides if draw.random() < .5]
        operations += [(.05, "client", "read"), (0, "server", "read")]
        draw.shuffle(sides)
        for side, wait in zip(sides, (.02, draw.choice((0, 0, .0005, .002, .01, .03)))):
            last_words = [(0, side, "send", draw.choice(SIZES[:5]))] if draw.random() < .3 else []
            first, *others = last_words + [(0, side, draw.choice(("close", "shutdown", "shutdown")))]
            operations += [(wait, *first[1:]), *others]
        play.script(pair, start + .25, operations + afterwards(draw))
    play.run()


def afterwards(draw):
    """What ends that only shut down may still do."""
    out = []
    for side in ("client", "server"):
        if draw.random() < .5:
            out.append((draw.uniform(0, .2), side, "read"))
        if draw.random() < .5:
            out.append((draw.uniform(0, .3), side, draw.choice(("close", "close", "abort"))))
    return out


@scenario(BOTH)
def simclose(play):
    """Both ends close at once or almost; FINs and their ACKs cross."""
    closing_at_once(play)


@scenario(BOTH, sysctls=NO_TIMESTAMPS)
def simclose_no_timestamps(play):
    """The same without time stamps."""
    closing_at_once(play)


def using_again(play):
    """Three times the connection of a port ends in some way and another one begins, in TIME_WAIT or before."""
    play.listen()
    play.draw_faults()
    draw = play.draw
    for start, pair in play.spread():
        play.at(start, play.connect, pair)
        for _ in range(3):
            talk = play.operations(TALK, draw.randrange(4), .05)
            start = play.script(pair, start + draw.choice((.03, .2)), talk)
            weights = [3 if how == "client closes" else 1 for how in DEATHS]
            play.at(start + .02, die, play, pair, *draw.choices(list(DEATHS), weights))
            start += draw.choice((.03, .1, .3, 1.2))
            play.at(start, play.insist, pair)
        play.script(pair, start + .2, play.operations(MIX, 4, .1))
    play.run(7.5)


def die(play, pair, how):
    """The old connection goes on dying while the pair has a new one."""
    play.script(copy.copy(pair), play.now(), DEATHS[how])


@scenario(BOTH, client={"ipv4/tcp_tw_reuse": 1, "ipv4/tcp_tw_reuse_delay": 1})
def reuse(play):
    """Ports are used again at once, in TIME_WAIT, and while the other end still has the old connection."""
    using_again(play)


@scenario(BOTH, sysctls=NO_TIMESTAMPS)
def reuse_no_timestamps(play):
    """The same without time stamps."""
    using_again(play)


PROFILES = {name: value for name, value in list(vars().items()) if hasattr(value, "families")}
