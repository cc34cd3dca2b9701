# SPDX-License-Identifier: GPL-2.0-or-later
"""From what was recorded to the path of states of each endpoint.

Three sources are merged in the order of time: the trace event (full sockets), the socket tables (request sockets and
minisockets) and the endpoint's own capture (the SYN,ACK that a listener sent, which is all there is of an endpoint
while its state lives in a SYN cookie).
"""

import segment

MS = 10**6
FOREVER = 1 << 63
RFC = {"ESTABLISHED": "ESTABLISHED", "SYN_SENT": "SYN_SENT", "SYN_RECV": "SYN_RECEIVED", "FIN_WAIT1": "FIN_WAIT_1",
       "FIN_WAIT2": "FIN_WAIT_2", "TIME_WAIT": "TIME_WAIT", "CLOSE": "CLOSED", "CLOSE_WAIT": "CLOSE_WAIT",
       "LAST_ACK": "LAST_ACK", "CLOSING": "CLOSING"}


class Packet:
    """A TCP segment at one capture point. `uid` names the segment as sent, the same at every point: c7 is the eighth
    that the client sent, xs12 a forged one in the server's name."""

    def __init__(self, frame_number, ns, uid, seg):
        self.frame, self.ns, self.uid, self.seg = frame_number, ns, uid, seg
        self.forged = uid[0] == "x"
        self.sender = {"c": "client", "s": "server"}[uid[1] if self.forged else uid[0]]


class Step:
    """One state entered: when, and what made the kernel enter it."""

    def __init__(self, state, ns, cause, uid=None):
        self.state, self.ns, self.cause, self.uid = state, ns, cause, uid


class Life:
    """One endpoint from its opening on."""

    def __init__(self, side, flow):
        self.side, self.flow = side, flow
        self.steps, self.raw, self.sk, self.ended = [], [], None, False

    def add(self, state, ns, cause, uid=None):
        self.steps.append(Step(state, ns, cause, uid))

    @property
    def last(self):
        return self.steps[-1].state if self.steps else None

    @property
    def start(self):
        return self.steps[0].ns


def points(lab):
    """For each capture point: (frames for the pcap, packets for the rules)."""
    out = {}
    for point in ("client", "server"):
        frames, packets, sent, got = [], [], 0, 0
        for ns, outgoing, frame in lab.records[point]:
            seg = segment.parse(frame)
            if outgoing:
                if seg is None:
                    continue
                uid, sent = f"{point[0]}{sent}", sent + 1
            else:
                uid, got = lab.middle.delivered[point][got], got + 1
            frames.append((ns, frame))
            if seg:
                packets.append(Packet(len(frames), ns, uid, seg))
        if got != len(lab.middle.delivered[point]) or sent < lab.middle.received[point]:
            raise RuntimeError(f"the capture at the {point} lost frames")
        out[point] = frames, packets
    frames, packets = [], []
    for ns, uid, frame in sorted(lab.middle.records, key=lambda record: record[0]):
        frames.append((ns, frame))
        seg = segment.parse(frame)
        if seg:
            packets.append(Packet(len(frames), ns, uid, seg))
    out["middle"] = frames, packets
    return out


def reverse(flow):
    a, p, b, q = flow
    return b, q, a, p


def assign(events, lab, packets):
    """Events of this scenario by (side, flow). An event may lack the local port; the others of its socket tell it."""
    sides = {lab.address(side): side for side in ("client", "server")}
    by_socket = {}
    for e in events:
        if e["local"] in sides and "LISTEN" != e["new"] and (e["old"], e["new"]) != ("LISTEN", "CLOSE"):
            groups = by_socket.setdefault(e["sk"], [])
            if e["old"] in ("LISTEN", "CLOSE") or not groups:
                groups.append([])
            groups[-1].append(e)
    out, syns = {}, {}
    for groups in by_socket.values():
        for group in groups:
            side = sides[group[0]["local"]]
            full = next((e for e in group if e["lport"] and e["rport"]), None)
            if full:
                flow = (full["local"], full["lport"], full["remote"], full["rport"])
            else:                           # nothing but SYN_SENT: its SYN leaves at once after the event
                flow = next(p.seg.flow for p in packets[side] if p.sender == side and p.seg.is_syn
                            and p.ns >= group[0]["ns"] and p.uid not in syns.setdefault(side, set()))
            syns.setdefault(side, set()).add(next((p.uid for p in packets[side] if p.sender == side and p.seg.is_syn
                                                  and p.seg.flow == flow and p.ns >= group[0]["ns"]), None))
            out.setdefault((side, flow), []).extend(group)
    return out


class Builder:
    """Goes through everything known of one endpoint, in time order, and writes its lives."""

    def __init__(self, side, flow, events, tables, packets):
        self.side, self.flow = side, flow
        self.tables = tables                # [(ns, answer)]
        self.packets = [p for p in packets if p.seg.flow in (flow, reverse(flow))]
        self.own = [p for p in self.packets if p.sender == side]
        self.incoming = [p for p in self.packets if p.sender != side]
        self.lives, self.before = [], None
        items = [(e["ns"], 0, self.event, e) for e in events]
        items += [(ns, 1, self.table, answer) for ns, answer in tables]
        items += [(p.ns, 2, self.synack, p) for p in self.own if p.seg.is_synack]
        for ns, _, handle, what in sorted(items, key=lambda item: item[:2]):
            handle(ns, what)

    @property
    def life(self):
        return self.lives[-1] if self.lives else None

    def begin(self, state, ns, cause):
        self.lives.append(Life(self.side, self.flow))
        self.life.add(state, ns, cause)

    def raw(self, ns, source, **what):
        if self.life:
            self.life.raw.append({"time": ns / 1e9, "source": source, **what})

    # --- sources ---------------------------------------------------------------------------------
    def event(self, ns, e):
        if (e["old"], e["new"]) == ("CLOSE", "SYN_SENT"):
            self.begin("SYN_SENT", ns, "connect")
            self.life.sk = e["sk"]
        elif e["old"] == "LISTEN":
            if not self.life or self.life.last != "SYN_RECEIVED":
                self.begin("SYN_RECEIVED", ns, "segment received")
            self.life.sk = e["sk"]
        elif not self.life or self.life.sk != e["sk"]:
            return                          # a child that was made and thrown away beside the real one
        elif e["new"] == "CLOSE":
            self.closed(ns)
        elif e["new"] != e["old"]:          # close() in FIN_WAIT_2 sets the same state again
            self.life.add(RFC[e["new"]], ns, "event")
        self.raw(ns, "event", old=e["old"], new=e["new"])

    def closed(self, ns):
        """The full socket is gone. That is TIME_WAIT or FIN_WAIT_2 when a minisocket carries on in its place."""
        answer = next((a for t, a in self.tables if t > ns), None)
        if answer and answer[1] == "minisocket":
            if answer[0] != self.life.last:
                self.life.add(answer[0], ns, "event")
        else:
            self.life.add("CLOSED", ns, *self.cause(ns))

    def table(self, ns, answer):
        before, self.before = self.before, answer
        kind, was = answer and answer[1], before and before[1]
        life = self.life
        if kind == "request" and (not life or life.ended or life.last in ("CLOSED", "LISTEN", "TIME_WAIT")):
            self.begin("SYN_RECEIVED", ns, "segment received")
        elif life and was == "request" and answer is None and life.last == "SYN_RECEIVED" and life.sk is None:
            life.add("LISTEN", ns, *self.cause(ns))
        elif life and was == kind == "minisocket" and answer[0] != before[0]:
            life.add(answer[0], ns, "segment received", self.received(ns))
        elif life and was == "minisocket" and answer is None:
            cause, uid = self.cause(ns)
            if life.last != "TIME_WAIT" or cause != "silent":   # the end of 2MSL is no step of the path
                life.add("CLOSED", ns, cause, uid)
            life.ended = True
        self.raw(ns, "table", state=answer and answer[0], kind=kind)

    def synack(self, ns, packet):
        if not self.life or self.life.ended or self.life.last in ("CLOSED", "LISTEN", "TIME_WAIT"):
            self.begin("SYN_RECEIVED", ns, "segment received")
            self.raw(ns, "capture", sent="SYN,ACK")

    # --- causes ----------------------------------------------------------------------------------
    def received(self, ns, test=lambda seg: True):
        found = [p.uid for p in self.incoming if ns - 8 * MS <= p.ns <= ns and test(p.seg)]
        return found[-1] if found else None

    def cause(self, ns):
        """Why the endpoint was closed: (word, uid of the segment)."""
        uid = self.received(ns, lambda seg: seg.is_rst)
        if uid:
            return "rst received", uid
        sent = [p.uid for p in self.own if p.seg.is_rst and ns - 5 * MS <= p.ns <= ns + MS]
        if sent:
            return "rst sent", sent[0]
        fins = [p.seg.end for p in self.own if p.seg.is_fin]
        if self.life.last == "LAST_ACK" and fins:
            uid = self.received(ns, lambda seg: seg.ack in fins and seg.flags & segment.ACK)
            if uid:
                return "ack received", uid
        return "silent", None


def lives(lab, events, packets):
    """{(side, flow): [Life, …]} of everything that happened in the scenario."""
    events = assign(events, lab, packets)
    tables = {}
    for entry in lab.log:
        if len(entry) == 4:
            ns, side, flow, answer = entry
            tables.setdefault((side, flow), []).append((ns, answer))
    keys = set(events) | set(tables)
    for side in ("client", "server"):
        for p in packets[side]:
            keys.add((side, p.seg.flow if p.sender == side else reverse(p.seg.flow)))
    out = {}
    for side, flow in sorted(keys):
        built = Builder(side, flow, events.get((side, flow), []), tables.get((side, flow), []), packets[side])
        out[side, flow] = built.lives
    return out


class Connection:
    """One client life and what the server's side of the same addresses and ports did meanwhile.

    `begin` and `end` bound the segments that belong to it; the end is one for each side, since an old server's end may
    live on while a new client's end already sends SYNs from the same port."""

    def __init__(self, flow, client, begin, end):
        self.flow, self.begin = flow, begin
        self.end = {"client": end, "server": end}
        self.life = {"client": client, "server": Life("server", reverse(flow))}

    def starts(self, side):
        """When the side's own part begins."""
        life = self.life[side]
        return life.start - MS if life.steps else self.begin


def connections(all_lives):
    """Connections in the order of their beginning. The client of each is who sent the first SYN."""
    out = []
    for flow in {f if side == "client" else reverse(f) for side, f in all_lives}:
        clients = all_lives.get(("client", flow), [])
        made = []
        for life, following in zip(clients, clients[1:] + [None]):
            made.append(Connection(flow, life, life.start - MS, following.start - MS if following else FOREVER))
        for life in all_lives.get(("server", reverse(flow)), []):
            join(made, flow, life)
        made.sort(key=lambda c: c.begin)
        for now, following in zip(made, made[1:]):
            now.end["server"] = max(now.end["client"], following.starts("server"))
        out += made
    return sorted(out, key=lambda c: c.begin)


def join(made, flow, life):
    """Give a life of the server's side to the connection whose client was there when it began."""
    home = next((c for c in made if c.begin <= life.start < c.end["client"]), None)
    if home is None:                        # a forged SYN: no client ever existed
        first = min((c.begin for c in made), default=FOREVER)
        home = Connection(flow, Life("client", flow), life.start - 5 * MS, first)
        made.append(home)
    elif "ESTABLISHED" in [step.state for step in home.life["server"].steps]:
        # a second life without a new client's: a late copy of the SYN opened it
        copy = Connection(flow, Life("client", flow), life.start - 2 * MS, home.end["client"])
        home.end["client"] = copy.begin
        home = copy
        made.append(home)
    home.life["server"].steps += life.steps
    home.life["server"].raw += life.raw
