# SPDX-License-Identifier: GPL-2.0-or-later
"""Which endpoint's path could a perfect observer at a capture point know? Rules computed from the recording itself.

Each rule is a method named after its id; the first one that holds is the reason. test/kernel/README.md says of each
why no observer could know better.
"""

from segment import ACK, SYN, after

RULES = {
    "nothing-captured": "no segment of the connection passed this point",
    "silent-close": "the endpoint went to CLOSED by a timer or by its process without sending or receiving anything, "
                    "and sent no RST past this point later",
    "request-dropped": "the listener dropped the half-open request by a timer, without sending anything",
    "never-captured": "the state was entered by sending a segment that did not pass this point (or was never sent), "
                      "and nothing captured later implies it",
    "unproven-receipt": "the state was entered by receiving a segment whose receipt the endpoint acknowledged in no "
                        "segment that passed this point",
    "uncaptured-cause": "the state was entered by receiving an ACK or RST that did not pass this point, and nothing "
                        "captured later implies it",
    "presumed-undelivered": "an ACK or RST passed this point but never took effect on the endpoint, and nothing "
                            "captured later contradicts that it did",
    "crossing": "FIN and ACK of both ends crossed, and another path of states gives the same segments here",
    "forged": "a forged segment in this endpoint's name was accepted by its peer, and the endpoint sent nothing past "
              "this point afterwards",
}


class Judge:
    """Judges one endpoint of one connection at one point."""

    def __init__(self, connection, side, point, packets):
        self.side, self.point = side, point
        self.life = connection.life[side]
        self.peer_life = connection.life["server" if side == "client" else "client"]
        self.path = [step.state for step in self.life.steps]
        flow = connection.flow
        ports = {flow, (flow[2], flow[3], flow[0], flow[1])}

        def mine(p):
            return p.seg.flow in ports and connection.begin <= p.ns < connection.end

        self.here = [p for p in packets[point] if mine(p)]
        self.at_home = [p for p in packets[side] if mine(p)]
        self.from_me = [p for p in self.here if p.sender == side and not p.forged]
        self.to_me = [p for p in self.here if p.sender != side]
        self.sent = [p for p in self.at_home if p.sender == side]
        self.got = [p for p in self.at_home if p.sender != side]
        self.got_uids = {p.uid for p in self.got}
        self._numbers()

    def _numbers(self):
        """The numbers after this endpoint's SYN and FIN and after its peer's FIN, None where there was none."""
        syns = [p.seg.seq + 1 for p in self.sent if p.seg.flags & SYN]
        fins = [p.seg.end for p in self.sent if p.seg.is_fin]
        acks = [p.seg.ack for p in self.sent if p.seg.flags & ACK]
        peer_fins = [p.seg.end for p in self.got if p.seg.is_fin and p.seg.end in acks]
        self.after_syn = syns[-1] % (1 << 32) if syns else None
        self.after_fin = fins[-1] if fins else None
        self.after_peer_fin = peer_fins[-1] if peer_fins else None

    def verdict(self):
        """True, or the id of the rule that says why not."""
        if not self.here:
            return "nothing-captured"
        for number, step in enumerate(self.life.steps):
            reason = self.step(step, self.path[number - 1] if number else None)
            if reason:
                return reason
        for rule in (self.crossing, self.presumed_syn, self.presumed_fin, self.presumed_rst, self.forged):
            reason = rule()
            if reason:
                return reason
        return True

    # --- evidence at the point -------------------------------------------------------------------
    @staticmethod
    def covers(p, number):
        """Does this segment acknowledge everything before `number`? A RST's ACK does not count."""
        return number is not None and p.seg.flags & ACK and not p.seg.is_rst and not after(number, p.seg.ack)

    def acked(self, number):
        """Segments to this endpoint, captured here, that acknowledge `number`."""
        return [p for p in self.to_me if self.covers(p, number)]

    def fin_copies(self):
        return [p for p in self.from_me if p.seg.is_fin]

    def my_rst_since(self, ns):
        return any(p.seg.is_rst and p.ns >= ns - 5 * 10**6 for p in self.from_me)

    # --- one step of the path --------------------------------------------------------------------
    def step(self, step, before):
        state = step.state
        if state == "SYN_SENT":
            return None if self.from_me else "never-captured"
        if state == "SYN_RECEIVED":
            seen = any(p.seg.is_synack for p in self.from_me) or before is None and self.acked(self.after_syn)
            return None if seen else "never-captured"
        if state == "ESTABLISHED" and before == "SYN_SENT":
            seen = any(p.seg.flags & (ACK | SYN) == ACK and not p.seg.is_rst for p in self.from_me)
            return None if seen else "unproven-receipt"
        if state == "ESTABLISHED":
            return None if self.acked(self.after_syn) else "uncaptured-cause"
        if state in ("FIN_WAIT_1", "LAST_ACK"):
            return self.step_fin()
        if state in ("CLOSE_WAIT", "CLOSING") or state == "TIME_WAIT" and before != "CLOSING":
            seen = any(p.seg.flags & ACK and self.after_peer_fin is not None
                       and not after(self.after_peer_fin, p.seg.ack) for p in self.from_me)
            return None if seen else "unproven-receipt"
        if state in ("FIN_WAIT_2", "TIME_WAIT"):
            return None if self.acked(self.after_fin) else "uncaptured-cause"
        return self.step_closed(step, state)

    def step_fin(self):
        if self.after_fin is None:
            return "never-captured"         # queued behind data, never on the wire
        beyond = any(not after(self.after_fin, p.seg.end) and not p.seg.is_rst for p in self.from_me)
        return None if beyond or self.acked(self.after_fin) else "never-captured"

    def step_closed(self, step, state):
        if self.my_rst_since(step.ns):
            return None
        if step.cause == "silent":
            return "request-dropped" if state == "LISTEN" else "silent-close"
        if step.cause == "rst sent":
            return "never-captured"
        if step.cause == "rst received":
            return None if any(p.uid == step.uid for p in self.to_me) else "uncaptured-cause"
        return None if self.acked(self.after_fin) else "uncaptured-cause"

    # --- the path as a whole ---------------------------------------------------------------------
    def crossing(self):
        """The two ways through a simultaneous close, where order and loss between here and the endpoint decide."""
        path = self.path
        if "FIN_WAIT_1" not in path or self.after_peer_fin is None:
            return None
        early = [p for p in self.to_me if p.seg.is_fin and not self.covers(p, self.after_fin)]
        if "FIN_WAIT_2" in path and early and self.point != self.side:
            return "crossing"
        if "CLOSING" in path or "TIME_WAIT" in path:
            first = [p for p in self.from_me if self.after_fin and not after(self.after_fin, p.seg.end)
                     and after(self.after_peer_fin, p.seg.ack)]
            if not first:
                return "crossing"
        return None

    def presumed_syn(self):
        """The third ACK passed here, yet the endpoint never became ESTABLISHED by it."""
        if self.path[:1] != ["SYN_RECEIVED"] or "ESTABLISHED" in self.path:
            return None
        first_fin = min((p.frame for p in self.fin_copies()), default=1 << 30)
        acks = [p for p in self.acked(self.after_syn) if p.frame < first_fin and not p.forged]
        if not acks or any(p.seg.is_synack and p.frame > acks[-1].frame for p in self.from_me):
            return None
        return "presumed-undelivered"

    def presumed_fin(self):
        """The ACK of the FIN passed here, yet the endpoint did not take the step."""
        path = self.path
        stuck = ("FIN_WAIT_1" in path and "FIN_WAIT_2" not in path and "CLOSING" not in path
                 or "CLOSING" in path and "TIME_WAIT" not in path or path[-1:] == ["LAST_ACK"])
        resets = min((p.frame for p in self.here if p.seg.is_rst), default=1 << 30)
        acks = [p for p in self.acked(self.after_fin) if not p.forged and p.frame < resets]
        if not stuck or not acks or any(p.frame > acks[-1].frame for p in self.fin_copies()):
            return None
        return "presumed-undelivered"

    def presumed_rst(self):
        """A RST that looks right passed here but was lost, or lay beyond a hole, on the rest of its way."""
        used = {step.uid for step in self.life.steps}
        for p in self.to_me:
            if not p.seg.is_rst or p.uid in used or any(q.frame > p.frame for q in self.from_me):
                continue
            alive = not self.path or self.path[-1] not in ("CLOSED", "LISTEN") or self.life.steps[-1].ns > p.ns
            refused = p.uid in self.got_uids and self.point != self.side
            if self.path and alive and (p.uid not in self.got_uids or refused) and self.looks_right(p):
                return "presumed-undelivered"
        return None

    def looks_right(self, rst):
        acks = [p.seg.ack for p in self.from_me if p.frame < rst.frame and p.seg.flags & ACK]
        ends = [p.seg.end for p in self.to_me if p.frame < rst.frame and not p.seg.is_rst]
        low = acks[-1] if acks else ends[0] if ends else rst.seg.seq
        high = ends[0] if ends else low
        for end in ends:
            high = end if after(end, high) else high
        return not after(low, rst.seg.seq) and not after(rst.seg.seq, high)

    def forged(self):
        accepted = {step.uid for step in self.peer_life.steps if step.uid}
        mine = [p for p in self.here if p.forged and p.sender == self.side and p.uid in accepted]
        if mine and self.path[-1:] != ["CLOSED"] and not any(q.frame > mine[-1].frame for q in self.from_me):
            return "forged"
        return None
