# SPDX-License-Identifier: GPL-2.0-or-later
"""Which endpoint's path could a perfect observer at a capture point know? Rules computed from the recording itself.

Each rule is a method named after its id; the first one that holds is the reason. test/kernel/README.md says of each
why no observer could know better.
"""

from segment import ACK, MOD, SYN, after

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
    "overtaken": "the RST that ended the connection passed this point before the segments that prove an earlier state, "
                 "and no other RST answered them",
    "repeat-crossed": "a SYN,ACK or FIN sent again passed this point after the ACK of the first one, which was on its "
                      "way and did arrive; it looks as if that ACK were lost, and nothing later says otherwise",
    "crossing": "FIN and ACK of both ends crossed, and another path of states gives the same segments here",
    "forged": "a segment that the endpoint did not send (forged, or a late copy of its SYN) was accepted by its peer, "
              "and the endpoint sent nothing past this point afterwards",
}


def latest(numbers):
    """The latest of some sequence numbers (modulo 2^32)."""
    out = numbers[0]
    for number in numbers:
        out = number if after(number, out) else out
    return out


class Judge:
    """Judges one endpoint of one connection at one point."""

    def __init__(self, connection, side, point, packets):
        self.side, self.point = side, point
        self.life = connection.life[side]
        self.peer_life = connection.life["server" if side == "client" else "client"]
        self.path = [step.state for step in self.life.steps]
        self.proof = []                     # for each step the first frame here that can prove it
        flow = connection.flow
        ports = {flow, (flow[2], flow[3], flow[0], flow[1])}

        def mine(p, begin):
            return p.seg.flow in ports and begin <= p.ns < connection.end[side]

        self.here = [p for p in packets[point] if mine(p, connection.begin)]
        self.from_me = [p for p in packets[point]
                        if p.sender == side and not p.forged and mine(p, connection.starts(side))]
        self.to_me = [p for p in self.here if p.sender != side]
        self.sent = [p for p in packets[side] if p.sender == side and mine(p, connection.starts(side))]
        self.got = [p for p in packets[side] if p.sender != side and mine(p, connection.begin)]
        self.got_uids = {p.uid for p in self.got}
        self._numbers()

    def _numbers(self):
        """The numbers after this endpoint's SYN and FIN and after its peer's FIN, None where there was none."""
        syns = [p.seg.seq + 1 for p in self.sent if p.seg.flags & SYN]
        fins = [p.seg.end for p in self.sent if p.seg.is_fin]
        acks = [p.seg.ack for p in self.sent if p.seg.flags & ACK]
        peer_fins = [p.seg.end for p in self.got if p.seg.is_fin and p.seg.end in acks]
        self.after_syn = syns[-1] % MOD if syns else None
        self.after_fin = fins[-1] if fins else None
        self.after_peer_fin = peer_fins[-1] if peer_fins else None

    def verdict(self):
        """True, or the id of the rule that says why not."""
        if not self.here:
            return "nothing-captured"
        for number, step in enumerate(self.life.steps):
            evidence, reason = self.step(step, self.path[number - 1] if number else None)
            if not evidence:
                return reason
            self.proof.append(min(p.frame for p in evidence))
        self.imply()
        for rule in (self.overtaken, self.crossing, self.presumed_syn, self.presumed_fin, self.presumed_rst,
                     self.repeat_crossed, self.forged):
            reason = rule()
            if reason:
                return reason
        return True

    # --- evidence at the point -------------------------------------------------------------------
    @staticmethod
    def covers(p, number):
        """Does this segment acknowledge everything before `number`? A RST's ACK does not count."""
        return number is not None and p.seg.flags & ACK and not p.seg.is_rst and not after(number % MOD, p.seg.ack)

    def acked(self, number):
        """Segments to this endpoint, captured here, that acknowledge `number` (and nothing that was never sent)."""
        return [p for p in self.to_me if self.covers(p, number) and not self.beyond(p)]

    def beyond(self, p):
        """Does this segment acknowledge what the endpoint had not sent by then?"""
        ends = [q.seg.end for q in self.sent if q.ns <= p.ns]
        return bool(ends) and after(p.seg.ack, latest(ends))

    def fin_copies(self):
        return [p for p in self.from_me if p.seg.is_fin]

    # --- one step of the path --------------------------------------------------------------------
    def step(self, step, before):
        """(the segments here that prove the step, the reason if there are none)."""
        state = step.state
        if state == "SYN_SENT":
            return [p for p in self.from_me if p.seg.is_syn], "never-captured"
        if state == "SYN_RECEIVED":
            implied = self.acked(self.after_syn) if before is None else []
            return [p for p in self.from_me if p.seg.is_synack] + implied, "never-captured"
        if state == "ESTABLISHED" and before == "SYN_SENT":
            own = [p for p in self.from_me if p.seg.flags & (ACK | SYN) == ACK and not p.seg.is_rst]
            return own and own + self.forged_rst_ack(), "unproven-receipt"
        if state == "ESTABLISHED":
            return self.acked(self.after_syn), "uncaptured-cause"
        if state in ("FIN_WAIT_1", "LAST_ACK"):
            return self.step_fin()
        if state in ("CLOSE_WAIT", "CLOSING") or state == "TIME_WAIT" and before != "CLOSING":
            return self.step_peer_fin()
        if state in ("FIN_WAIT_2", "TIME_WAIT"):
            return self.acked(self.after_fin), "uncaptured-cause"
        return self.step_closed(step, state)

    def forged_rst_ack(self):
        """A RST,ACK in this endpoint's name that nobody here can tell from one of a socket that was open."""
        return [p for p in self.here if p.forged and p.sender == self.side and p.seg.is_rst and p.seg.flags & ACK]

    def step_fin(self):
        if self.after_fin is None:
            return [], "never-captured"     # queued behind data, never on the wire
        beyond = [p for p in self.from_me if not after(self.after_fin, p.seg.end) and not p.seg.is_rst]
        return beyond + self.acked(self.after_fin), "never-captured"

    def step_peer_fin(self):
        if not any(p.seg.is_fin and p.seg.end == self.after_peer_fin for p in self.to_me):
            return [], "uncaptured-cause"
        own = [p for p in self.from_me if p.seg.flags & ACK and not after(self.after_peer_fin, p.seg.ack)]
        return own, "unproven-receipt"

    def step_closed(self, step, state):
        """A RST of its own proves it whatever the cause; otherwise the cause itself must have passed here."""
        proof = [p for p in self.from_me if p.seg.is_rst and p.ns >= step.ns - 5 * 10**6]
        if step.cause == "silent":
            return proof, "request-dropped" if state == "LISTEN" else "silent-close"
        if step.cause == "rst sent":
            return proof, "never-captured"
        if step.cause == "rst received":
            return proof + [p for p in self.to_me if p.uid == step.uid], "uncaptured-cause"
        return proof + self.acked(self.after_fin), "uncaptured-cause"

    # --- the path as a whole ---------------------------------------------------------------------
    def imply(self):
        """What proves a state proves the states before it as well, except that a RST may end any of them. And the end
        itself may be presumed before it comes true: by a RST that is lost, by a last ACK that the endpoint ignores."""
        proof, last = self.proof, len(self.proof) - 1
        by_rst = last >= 0 and self.path[last] in ("CLOSED", "LISTEN") and self.life.steps[last].cause != "ack received"
        late = [i for i in range(last) if proof[i] > proof[last]] if by_rst else []
        self.late = bool(late) and not self.takes_back_rst(late)
        for i in range(last - (2 if by_rst else 1), -1, -1):
            proof[i] = min(proof[i], proof[i + 1])
        if last > 0 and self.path[last] == "CLOSED":
            presumed = [p for p in self.here if p.seg.is_rst]
            presumed += self.acked(self.after_fin) if self.path[last - 1] == "LAST_ACK" else []
            proof[last] = min([proof[last]] + [p.frame for p in presumed if p.frame >= proof[last - 1]])

    def takes_back_rst(self, late):
        """What only an open endpoint sends (its answer to the SYN,ACK, its FIN) shows that it was open still, and another
        RST that answers it closes it."""
        sent = all(self.path[i] in ("ESTABLISHED", "FIN_WAIT_1", "LAST_ACK") for i in late)
        shown = max(self.proof[i] for i in late)
        return sent and any(p.seg.is_rst and p.frame > shown for p in self.to_me)

    def overtaken(self):
        return "overtaken" if self.late else None

    def crossing(self):
        """The two ways through a simultaneous close, where order and loss between here and the endpoint decide."""
        path = self.path
        if "FIN_WAIT_1" not in path or self.after_peer_fin is None:
            return None
        early = [p for p in self.to_me if p.seg.is_fin and not self.covers(p, self.after_fin)]
        if "FIN_WAIT_2" in path and early and self.point != self.side:
            return "crossing"
        if "CLOSING" in path or "TIME_WAIT" in path:
            first = [p.frame for p in self.fin_copies() if after(self.after_peer_fin, p.seg.ack)]
            received = [p.frame for p in self.from_me
                        if p.seg.flags & ACK and not after(self.after_peer_fin, p.seg.ack)]
            if not first or received and received[0] < first[0]:
                return "crossing"
        return None

    def presumed_syn(self):
        """The third ACK passed here, yet the endpoint never became ESTABLISHED by it."""
        if self.path[:1] != ["SYN_RECEIVED"] or "ESTABLISHED" in self.path:
            return None
        first_fin = min((p.frame for p in self.fin_copies()), default=1 << 30)
        end = min([p.frame for p in self.from_me if p.seg.is_rst], default=first_fin)
        acks = [p for p in self.acked(self.after_syn) if p.frame < min(end, first_fin) and not p.forged]
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

    def repeat_crossed(self):
        """Repeat and ACK crossed between here and the endpoint: the repeat passed after the last ACK that covers it."""
        last = self.path[-1:]
        if last == ["ESTABLISHED"] and self.path[0] == "SYN_RECEIVED":
            number, repeats = self.after_syn, [p for p in self.from_me if p.seg.is_synack]
            others = [p for p in self.from_me if not p.seg.is_synack]
        elif last in (["FIN_WAIT_2"], ["TIME_WAIT"], ["CLOSED"]) and self.life.steps[-1].cause != "rst received":
            number, repeats = self.after_fin, self.fin_copies()
            others = [p for p in self.from_me if p.seg.is_rst]
        else:
            return None
        acks = [p.frame for p in self.acked(number)]
        crossed = bool(acks) and any(p.frame > acks[-1] for p in repeats)
        return "repeat-crossed" if crossed and not any(p.frame > acks[-1] for p in others) else None

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
        low = latest(acks) if acks else ends[0] if ends else rst.seg.seq
        high = latest(ends) if ends else low
        return not after(low, rst.seg.seq) and not after(rst.seg.seq, high)

    def forged(self):
        own_syns = {p.seg.seq for p in self.sent if p.seg.flags & SYN}
        if self.path[-1:] == ["CLOSED"] and any(
                p.forged and p.seg.is_syn and p.sender == self.side and p.seg.seq not in own_syns
                and p.ns > self.life.steps[-1].ns for p in self.here):
            return "forged"
        highest = latest([p.seg.end for p in self.sent]) if self.sent else None
        if highest is not None and any(self.covers(p, highest + 1) and p.uid[0] != "x" for p in self.to_me):
            return "forged"                 # the peer acknowledges what this endpoint never sent
        accepted = {step.uid for step in self.peer_life.steps if step.uid}
        if not self.path and any(p.seg.flags & SYN and not p.seg.is_rst and p.sender == self.side for p in self.here):
            return "forged"
        mine = [p for p in self.here if p.forged and p.sender == self.side and p.uid in accepted]
        if mine and self.path[-1:] != ["CLOSED"] and not any(q.frame > mine[-1].frame for q in self.from_me):
            return "forged"
        return None
