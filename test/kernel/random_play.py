# SPDX-License-Identifier: GPL-2.0-or-later
"""What a random profile works with: many connections at once, operations at drawn times, and faults on the path.

A profile (random_profiles.py) draws who does what when, and puts it down; `run` plays it while the path works. What is
drawn depends on the seed alone. When the kernels' timers fire, and in which order segments meet, does not: the same
seed gives similar packets, not the same ones. Look next: hunt.py, which records profiles.
"""

import heapq
import random
import socket
import time

import middle
from lab import TCP_LINGER2, TCP_USER_TIMEOUT

TCP = socket.IPPROTO_TCP
SIZES = (1, 10, 100, 700, 1400, 3000, 9000)
OPTIONS = {
    "quick_acks": (TCP, socket.TCP_QUICKACK, 1),
    "cork": (TCP, socket.TCP_CORK, 1),
    "no_fin_wait_2": (TCP, TCP_LINGER2, -1),
    "user_timeout": (TCP, TCP_USER_TIMEOUT, 500),
    "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
}
# `drop`, `double`, `swap` (sent on up to `late` seconds later) and `stale` (one more copy, much later) are chances of a
# segment. `only` gives others to those of a kind (middle.py), or to those on their way to one side.
CHANCES = {"drop": 0, "double": 0, "swap": 0, "late": .02, "stale": 0}
STALE = (.05, .8)
KINDS = ("RST", "SYNACK", "SYN", "FIN", "DATA", "ACK")
FAULTS = (
    {"drop": .05, "double": .05, "swap": .05},
    {"drop": .15, "double": .02, "swap": .05},
    {"drop": .02, "double": .15, "swap": .2},
    {"drop": .03, "double": .05, "swap": .3, "late": .06},
    {"drop": .05, "stale": .15, "swap": .1},
    {"drop": .25, "swap": .1},
    {"only": {"ACK": {"drop": .4}}},
    {"only": {"FIN": {"drop": .3, "double": .2, "swap": .4, "late": .08}}},
    {"drop": .02, "only": {"RST": {"drop": .5, "swap": .3}}},
    {"swap": .5, "late": .01},
    {"drop": .02},
)


def both(**weights):
    """Weights of operations, the same for both sides."""
    return {(side, what): weight for side in middle.OTHER for what, weight in weights.items()}


def of(side, **weights):
    """Weights of operations of one side."""
    return {(side, what): weight for what, weight in weights.items()}


class Pair:
    """A port of the client, and both ends of its newest connection."""

    def __init__(self, port):
        self.port, self.ends = port, {"client": None, "server": None}
        self.greeting = ()


class Play:
    """The connections of one recording and all that will happen to them."""

    def __init__(self, lab, seed, count):
        self.lab, self.draw = lab, random.Random(seed)
        lab.crowd = True
        self.pairs = {port: Pair(port) for port in range(20000, 20000 + count)}
        self.listener, self.accepting = None, True
        self.todo, self.numbers = [], 0     # a heap: (seconds, number, function, arguments)
        self.start = time.monotonic()
        self.path = "the profile's own"     # faults, in words

    # --- the path --------------------------------------------------------------------------------
    def draw_faults(self):
        """One of FAULTS for the whole recording."""
        chosen = self.draw.choice(FAULTS)
        self.path = str(chosen)
        self.faults(**chosen)

    def faults(self, only=(), **chances):
        """From now on this may happen to each segment."""
        usual, rare = CHANCES | chances, dict(only)
        roll = random.Random(self.draw.random())

        def fate(item):
            side, _, _, seg = item
            kind = next((kind for kind in KINDS if middle.matches(kind, seg, None)), "")
            meet(self.lab.middle, roll, item, usual | rare.get(kind, {}) | rare.get(side, {}))

        self.lab.middle.fate = fate

    # --- putting down ----------------------------------------------------------------------------
    def at(self, seconds, function, *arguments):
        self.numbers += 1
        heapq.heappush(self.todo, (seconds, self.numbers, function, arguments))

    def later(self, seconds, function, *arguments):
        self.at(self.now() + seconds, function, *arguments)

    def spread(self, apart=.012):
        """(when to begin, pair) of all pairs."""
        for index, pair in enumerate(self.pairs.values()):
            yield index * apart, pair

    def script(self, pair, begin, operations):
        """Put down (seconds after the one before, side, what, arguments…); returns when the last one is due."""
        for wait, side, what, *arguments in operations:
            begin += wait
            self.at(begin, self.act, pair, side, what, *arguments)
        return begin

    def operations(self, weights, number, gap):
        """`number` operations drawn by weight, each at once or up to `gap` seconds after the one before."""
        out = []
        for side, what in self.draw.choices(list(weights), list(weights.values()), k=number):
            wait = self.draw.choice((0, 0, self.draw.uniform(0, .01), self.draw.uniform(0, gap)))
            out.append((wait, side, *self.drawn(what)))
        return out

    def drawn(self, what):
        """The operation with its arguments: what is sent has a size."""
        return (what, self.draw.choice(SIZES)) if what == "send" else (what,)

    def greet(self, pair, names):
        """The server's end of the next connection does this as soon as it is accepted."""
        pair.greeting = [self.drawn(what) for what in names]

    def orderly_end(self):
        """Both read what there is and close, whoever is first."""
        return [(.1, "client", "read"), (0, "server", "read"), (0, self.draw.choice(("client", "server")), "close"),
                (.1, "client", "close"), (0, "server", "close")]

    # --- doing -----------------------------------------------------------------------------------
    def listen(self, backlog=1024, options=()):
        self.listener = self.lab.listen(backlog=backlog, options=options)

    def connect(self, pair, fast=0, buffer=None):
        """A new connection from the pair's port, with `fast` octets of Fast Open. False where the port is not free."""
        end = self.lab.socket("client")
        if buffer:
            end.option(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        try:
            if fast:
                self.lab.fast_open(fast, bind=pair.port, end=end)
            else:
                self.lab.connect(bind=pair.port, end=end)
        except OSError as error:
            self.lab.note("client", f"connect: {error}")
            end.sock.close()
            return False
        pair.ends = {"client": end, "server": None}
        return True

    def reconnect(self, pair):
        """A new connection, if the client's end of the former one is closed."""
        if not is_open(pair.ends["client"]):
            self.connect(pair)

    def insist(self, pair, tries=3):
        """A new connection, tried again while the port is not free."""
        if not self.connect(pair) and tries:
            self.later(.3, self.insist, pair, tries - 1)

    @staticmethod
    def act(pair, side, what, *arguments):
        """One operation, if there is such an end."""
        end = pair.ends[side]
        if not is_open(end):
            return
        if what in OPTIONS:
            end.option(*OPTIONS[what])
        else:
            getattr(end, what)(*arguments)

    def accept_all(self):
        while self.accepting and self.listener and (end := self.lab.accept(self.listener, wait=0)):
            if pair := self.pairs.get(end.flow[3]):
                pair.ends["server"] = end
                for what, *arguments in pair.greeting:
                    self.act(pair, "server", what, *arguments)
                pair.greeting = ()

    def toggle_accepting(self, shortest, longest):
        """Accept no more, or again, by turns."""
        self.accepting = not self.accepting
        self.later(self.draw.uniform(shortest, longest), self.toggle_accepting, shortest, longest)

    # --- time ------------------------------------------------------------------------------------
    def now(self):
        return time.monotonic() - self.start

    def run(self, seconds=6):
        """Play what was put down, and end after so many seconds, done or not."""
        self.start = time.monotonic()
        while (now := self.now()) <= seconds:
            self.accept_all()
            while self.todo and self.todo[0][0] <= now:
                self.perform(*heapq.heappop(self.todo)[2:])
            following = min(self.todo[0][0] if self.todo else seconds, now + .01)
            self.lab.run(max(.0005, following - now))

    def perform(self, function, arguments):
        """An operation that the kernel refuses is part of the play; the log tells it."""
        try:
            function(*arguments)
        except OSError as error:
            self.lab.note("client", f"{function.__name__}: {error}")
        self.lab.middle.pump()


def is_open(end):
    return end is not None and end.sock.fileno() >= 0


def meet(path, roll, item, chances):
    """The fate of one segment."""
    if roll.random() < chances["drop"]:
        return
    if roll.random() < chances["swap"]:
        path.postpone(item, roll.uniform(.0005, chances["late"]))
    else:
        path.deliver(*item)
    if roll.random() < chances["double"]:
        path.postpone(item, roll.uniform(0, CHANCES["late"]))
    if roll.random() < chances["stale"]:
        path.postpone(item, roll.uniform(*STALE))
