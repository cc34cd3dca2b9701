# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections at once under random faults; the faults come from a seeded generator."""

import random

from lab import End
from scenario import scenario


def crowd(lab, seed, count, drop, dup, swap):
    """`count` parallel connections; each draws a small script of its own and both ends act it out."""
    rng = random.Random(seed)
    listener = lab.listen(backlog=1024)
    lab.middle.random_faults(seed, drop, dup, swap)
    clients, servers, plans = [], {}, {}
    for n in range(count):
        c = lab.connect(bind=20000 + n)
        plans[20000 + n] = rng.choice(("client", "server", "both", "abort_c", "abort_s", "half", "open"))
        clients.append(c)
        lab.run(0.004)
    for _ in range(60):
        lab.run(0.05)
        accept_all(lab, listener, servers)
    for port, c in zip(range(20000, 20000 + count), clients):
        act(lab, plans[port], c, servers.get(port), rng)
        lab.run(0.004)
    lab.run(3)
    for port, c in zip(range(20000, 20000 + count), clients):
        finish(plans[port], c, servers.get(port))
        lab.run(0.004)
    lab.run(4)


def accept_all(lab, listener, servers):
    while True:
        try:
            sock, address = listener.sock.accept()
        except BlockingIOError:
            return
        servers[address[1]] = End(lab, "server", sock)


def act(lab, plan, c, s, rng):
    """The first part of a connection's life: data, and whoever closes first."""
    c.send(rng.randrange(1, 3000))
    if s is None:
        return
    s.read()
    s.send(rng.randrange(1, 3000))
    if plan in ("client", "both"):
        c.shutdown()
    if plan in ("server", "both", "half"):
        s.shutdown()
    if plan == "abort_c":
        c.abort()
    if plan == "abort_s":
        s.abort()


def finish(plan, c, s):
    """The second part: the other end follows."""
    for end in (c, s):
        if end is None or end.sock.fileno() < 0 or plan == "open":
            continue
        end.read()
        if plan != "half" or end is c:
            end.close()


@scenario(alone=True)
def mass_loss(lab):
    """200 connections, 8 % of all segments lost, 4 % doubled, 4 % overtaken."""
    crowd(lab, seed=9293, count=200, drop=0.08, dup=0.04, swap=0.04)


@scenario((6,), alone=True)
def mass_disorder(lab):
    """200 connections over IPv6, 3 % of all segments lost, 10 % doubled, 15 % overtaken."""
    crowd(lab, seed=793, count=200, drop=0.03, dup=0.10, swap=0.15)
