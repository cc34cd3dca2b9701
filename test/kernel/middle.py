# SPDX-License-Identifier: GPL-2.0-or-later
"""The middle of the path: forwards frames in user space, and may drop, repeat, delay or hold chosen ones.

A rule is one of these words with a pattern "SENDER:KIND", sender c or s, kind one of
SYN SYNACK ACK (nothing else in it) FIN DATA RST PROBE (the bare ACK of a keep-alive) ANY, and which ones of them:
the nth that matches, and how many from there.
"""

import heapq
import random
import struct
import time

import netlab
import segment

OTHER = {"client": "server", "server": "client"}
SIDE = {"c": "client", "s": "server"}


def matches(kind, seg, side_facts):
    """Does this segment have the kind that a rule names?"""
    if kind == "ANY":
        return True
    if kind == "SYN":
        return seg.is_syn
    if kind == "SYNACK":
        return seg.is_synack
    if kind == "FIN":
        return seg.is_fin
    if kind == "RST":
        return seg.is_rst
    if kind == "DATA":
        return seg.length > 0
    probe = seg.is_pure_ack and side_facts is not None and segment.after(side_facts["end"], seg.seq)
    if kind == "PROBE":
        return probe
    if kind == "ACK":
        return seg.is_pure_ack
    raise ValueError(kind)


class Rule:
    def __init__(self, middle, pattern, nth, times, act):
        side, self.kind = pattern.split(":")
        self.side, self.nth, self.times, self.act = SIDE[side], nth, times, act
        self.middle, self.seen, self.hits, self.held = middle, 0, 0, []

    def applies(self, side, seg, facts):
        if side != self.side or not matches(self.kind, seg, facts):
            return False
        self.seen += 1
        hit = self.nth <= self.seen < self.nth + self.times
        self.hits += hit
        return hit

    def release(self, reverse=False):
        """Send on what was held, oldest first unless `reverse`."""
        for item in self.held[::-1] if reverse else self.held:
            self.middle.deliver(*item)
        self.held = []


class Middle:
    """`after_delivery(side, segment)` is called when a frame was handed to an end."""

    def __init__(self, spaces, after_delivery):
        with spaces.inside("middle"):
            self.port = {side: netlab.PacketSocket(f"to_{side}", ignore_outgoing=True) for side in OTHER}
        self.after_delivery = after_delivery
        self.rules, self.later, self.count = [], [], 0
        self.received = {"client": 0, "server": 0}
        self.records = []                   # (ns, uid, frame): the capture in the middle
        self.delivered = {"client": [], "server": []}   # uid of each frame handed to that end, in order
        self.facts = {}                     # flow of the sender -> its numbers
        self.latest = {}                    # side -> flow of the last segment from there
        self.fate = None                    # what to do with an item that no rule takes, instead of delivering it

    # --- the rules -------------------------------------------------------------------------------
    def rule(self, pattern, nth, times, act):
        made = Rule(self, pattern, nth, times, act)
        self.rules.append(made)
        return made

    def random_faults(self, seed, drop, dup, swap):
        """From now on every segment may be lost, doubled or overtaken, by a seeded generator."""
        rng = random.Random(seed)
        self.fate = (lambda item: self._chance(item, rng, drop, dup, swap)) if seed is not None else None

    # --- forwarding ------------------------------------------------------------------------------
    def pump(self):
        """Handle everything that has arrived and every delayed frame that is due; True if there was any."""
        busy = False
        batch = []
        for side, port in self.port.items():
            while (got := port.read()) is not None:
                batch.append((got[0], side, got[2]))
        for ns, side, frame in sorted(batch, key=lambda item: item[0]):
            busy = True
            self._forward(ns, side, frame)
        while self.later and self.later[0][0] <= time.monotonic():
            _, _, item = heapq.heappop(self.later)
            self.deliver(*item)
            busy = True
        return busy

    def _forward(self, ns, side, frame):
        seg = segment.parse(frame)
        if seg is None:
            return                          # only TCP crosses the middle
        uid = f"{side[0]}{self.received[side]}"
        self.received[side] += 1
        self.records.append((ns, uid, frame))
        facts = self.facts.get(seg.flow)
        hit = None
        for rule in self.rules:
            if rule.applies(side, seg, facts) and hit is None:
                hit = rule
        self._learn(side, seg)
        item = (OTHER[side], uid, frame, seg)
        if hit:
            hit.act(hit, item)
        elif self.fate:
            self.fate(item)
        else:
            self.deliver(*item)

    def _chance(self, item, rng, drop, dup, swap):
        roll = rng.random()
        if roll < drop:
            return
        if roll < drop + swap:
            self.postpone(item, rng.uniform(0.0005, 0.02))
            return
        self.deliver(*item)
        if roll > 1 - dup:
            self.postpone(item, rng.uniform(0, 0.02))

    def postpone(self, item, seconds):
        self.count += 1
        heapq.heappush(self.later, (time.monotonic() + seconds, self.count, item))

    def deliver(self, side, uid, frame, seg):
        self.delivered[side].append(uid)
        self.port[side].send(frame)
        self.after_delivery(side, seg)

    def _learn(self, side, seg):
        """Remember what a forger on the path would know of the sender."""
        known = self.facts.get(seg.flow)
        if known is None or seg.is_syn and known["isn"] != seg.seq:
            known = self.facts[seg.flow] = {"isn": seg.seq, "end": seg.end, "ack": 0, "win": 0, "ts": None}
        self.latest[side] = seg.flow
        if seg.is_rst:
            return
        if segment.after(seg.end, known["end"]):
            known["end"] = seg.end
        known["ack"], known["win"] = seg.ack, seg.win
        known["ts"] = segment.timestamps(seg.options) or known["ts"]

    # --- forging ---------------------------------------------------------------------------------
    def forge(self, to, flags, seq, ack=0, data=b"", ts_offset=0, with_ts=True, win=512, options=b""):
        """Send a segment to one end in the name of the other one; it appears in the middle's capture too."""
        target = SIDE[to]
        origin = OTHER[target]
        flow = self.latest.get(origin)
        if flow is None:                    # the other end has said nothing yet
            a, ap, b, bp = self.latest[target]
            flow = (b, bp, a, ap)
        known = self.facts.get(flow)
        if with_ts and known and known["ts"] and not options:
            options = segment.ts_option(known["ts"][0] + ts_offset, known["ts"][1])
        bits = sum(segment.LETTERS[x] for x in flags)
        mac = bytes.fromhex((netlab.MAC[target] + netlab.MAC[origin]).replace(":", ""))
        family = 6 if ":" in flow[0] else 4
        frame = segment.build(mac, family, flow, seq, ack, bits, win, options, data)
        self.inject(target, frame, f"x{origin[0]}{len(self.records)}")

    def inject(self, target, frame, uid):
        self.records.append((time.time_ns(), uid, frame))
        self.deliver(target, uid, frame, segment.parse(frame))

    def icmp_unreachable(self, code):
        """Tell the client that its last segment cannot be delivered (IPv4)."""
        frame = next(f for _, uid, f in reversed(self.records) if uid[0] == "c")
        mac = bytes.fromhex((netlab.MAC["client"] + netlab.MAC["server"]).replace(":", ""))
        self.inject("client", segment.icmp_unreachable(mac, frame, code), f"xs{len(self.records)}")


def write_pcap(path, records, snaplen=128):
    """(ns, frame) records as a pcap with nanosecond time stamps; frames are cut, their real length is kept."""
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, 1))
        for ns, frame in records:
            f.write(struct.pack("=IIII", ns // 10**9, ns % 10**9, min(len(frame), snaplen), len(frame)))
            f.write(frame[:snaplen])
