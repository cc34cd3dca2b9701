# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin shows, held against another observer of the same packets: the connection tracking of the kernel.

Each recording's packets, as captured in the middle, are sent through a router in a namespace of its own. After each one
the router's nf_conntrack state is compared with the pair of states that the plugin shows at that packet. Where the two
end differently, the states that the kernels at both ends had (….truth.json) say who is right.
"""

import argparse
import collections
import json
import pathlib
import select
import socket
import struct
import sys
import time

import netlab
import segment
from sharkd import Failed, Sharkd

CAPTURES = pathlib.Path(__file__).resolve().parents[2] / "captures" / "kernel"
ROUTER = {"client": "02:00:00:00:01:01", "server": "02:00:00:00:01:02"}
OTHER = {"client": "server", "server": "client"}
FIELDS = ("tcpstate.client", "tcpstate.server")


def either_way(*pairs):
    return {p for a, b in pairs for p in ((a, b), (b, a))}


# conntrack has one state for both ends. It names the segments that it saw, of either end.
MEANS = {
    "SYN_SENT": {("SYN_SENT", "LISTEN")},
    "SYN_SENT2": {("SYN_SENT", "SYN_SENT")},
    "SYN_RECV": either_way(("SYN_SENT", "SYN_RECEIVED")),
    "ESTABLISHED": {("ESTABLISHED", "ESTABLISHED")},
    "FIN_WAIT": either_way(("FIN_WAIT_1", "ESTABLISHED")),
    "CLOSE_WAIT": either_way(("FIN_WAIT_2", "CLOSE_WAIT"), ("FIN_WAIT_1", "CLOSE_WAIT")),
    "LAST_ACK": either_way(("FIN_WAIT_2", "LAST_ACK"), ("FIN_WAIT_1", "LAST_ACK"), ("FIN_WAIT_1", "FIN_WAIT_1"),
                           ("CLOSING", "FIN_WAIT_1"), ("CLOSING", "CLOSING"), ("CLOSING", "TIME_WAIT")),
    "TIME_WAIT": either_way(("TIME_WAIT", "CLOSED"), ("TIME_WAIT", "TIME_WAIT")),
    "CLOSE": either_way(("CLOSED", "CLOSED"), ("CLOSED", "LISTEN")),
}


class Router:
    """client – router – server. The router forwards and tracks; at the ends are packet sockets only."""

    def __init__(self):
        netlab.number(511)
        self.spaces = netlab.Namespaces()
        self.port = {}
        with self.spaces.inside("middle"):
            for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                netlab.sysctl(path, 1)
            for side, mac in ROUTER.items():
                netlab.run(["ip", "link", "set", f"to_{side}", "address", mac, "arp", "on"])
                netlab.sysctl(f"ipv6/conf/to_{side}/disable_ipv6", 0)
                netlab.sysctl(f"ipv4/conf/to_{side}/rp_filter", 0)
            netlab.sysctl("ipv4/conf/all/rp_filter", 0)
            # a rule that asks for the state is what switches tracking on
            netlab.run(["nft", "-f", "-"], "table inet t { chain c { type filter hook forward priority 0; "
                                           "ct state invalid counter; }; }")
            netlab.sysctl("netfilter/nf_conntrack_checksum", 0)     # captures are cut: payloads are not what they were
        self.spaces.wait_for_links()
        for side in ROUTER:
            with self.spaces.inside(side):
                self.port[side] = netlab.PacketSocket("eth0", ignore_outgoing=True)

    def begin(self, ends):
        """Forget all connections; `ends` are the addresses of client and server from here on."""
        with self.spaces.inside("middle"):
            lines = []
            for side, address in ends.items():
                lines += [f"route replace {address} dev to_{side}",
                          f"neigh replace {address} lladdr {netlab.MAC[side]} dev to_{side} nud permanent"]
            netlab.run(["ip", "-6" if ":" in address else "-4", "-batch", "-"], "\n".join(lines) + "\n")
            netlab.run(["conntrack", "-F"])

    def pass_on(self, side, frame):
        """Send one frame from this side; it has been tracked when it comes out on the other."""
        ethernet = bytes.fromhex((ROUTER[side] + netlab.MAC[side]).replace(":", ""))
        self.port[side].send(ethernet + frame[12:])
        sent, until = segment.parse(frame), time.monotonic() + 1
        while select.select([self.port[OTHER[side]]], [], [], max(0, until - time.monotonic()))[0]:
            got = self.port[OTHER[side]].read()
            if got and got[2][12:14] == frame[12:14] and str(segment.parse(got[2])) == str(sent):
                return
        raise RuntimeError(f"the router did not forward {sent}")

    def state(self, flow):
        """conntrack's state of the connection to which this flow belongs, "" if it has none."""
        with self.spaces.inside("middle"), open("/proc/thread-self/net/nf_conntrack") as table:
            for line in table:
                words = line.split()
                first = [word.split("=")[1] for word in words if "=" in word][:4]
                if words[2] == "tcp" and first and key(first[0], first[2], first[1], first[3]) in (flow, reverse(flow)):
                    return words[5]
        return ""


def key(a, p, b, q):
    """The table writes IPv6 addresses in full."""
    family = socket.AF_INET6 if ":" in a else socket.AF_INET
    a, b = (socket.inet_ntop(family, socket.inet_pton(family, x)) for x in (a, b))
    return a, int(p), b, int(q)


def reverse(flow):
    return flow[2], flow[3], flow[0], flow[1]


def frames_of(path):
    """The frames of a recording, filled up to their real length."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        _, _, captured, length = struct.unpack_from("=IIII", data, at)
        yield data[at + 16:at + 16 + captured].ljust(length, b"\0")
        at += 16 + captured


def last_of(truth):
    """{flow of the client: the last connection on it}"""
    return {(c["client"]["addr"], c["client"]["port"], c["server"]["addr"], c["server"]["port"]): c
            for c in truth["connections"]}


def kernels(connection):
    paths = [connection["endpoints"][side]["path"] for side in ("client", "server")]
    return tuple(path[-1][0] if path else initial for path, initial in zip(paths, ("CLOSED", "LISTEN")))


def is_same(shown, kernel):
    """An end that is gone, and one that waits for another connection, are the same to the packets."""
    return all(a == b or {a, b} <= {"CLOSED", "LISTEN"} for a, b in zip(shown, kernel))


def compare(router, sharkd, name, count, odd, ends):
    """One recording: counts its packets, and adds to what does not agree and to how connections end."""
    truth = json.loads((CAPTURES / f"{name}.truth.json").read_text())
    flows, path = last_of(truth), CAPTURES / truth["points"]["middle"]
    address = next(iter(flows), None)
    if address is None:
        return
    router.begin({"client": address[0], "server": address[2]})
    rows, final = dict(sharkd.frames(path, FIELDS)), {}
    for number, frame in enumerate(frames_of(path), 1):
        seg = segment.parse(frame)
        if seg is None:
            continue
        router.pass_on("client" if seg.src == address[0] else "server", frame)
        tracked, shown = router.state(seg.flow), tuple(rows[number][field] for field in FIELDS)
        agree = shown in MEANS.get(tracked, ())
        count["packets"] += 1
        count["agree"] += agree
        if not agree:
            odd[tracked, shown].append(f"{name}#{number}")
        final[seg.flow if seg.flow in flows else reverse(seg.flow)] = tracked, shown
    for flow, connection in flows.items():
        if flow in final:
            tracked, shown = final[flow]
            known = all(connection["knowable"][f"{side}@middle"] is True for side in ROUTER)
            kernel = kernels(connection)
            ends[known, is_same(shown, kernel), kernel in MEANS.get(tracked, ())].append((name, tracked, shown, kernel))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these recordings; all without")
    args = parser.parse_args()
    names = args.names or [path.name.removesuffix(".truth.json") for path in sorted(CAPTURES.glob("*.truth.json"))]
    count, odd, ends = collections.Counter(), collections.defaultdict(list), collections.defaultdict(list)
    try:
        sharkd, router = Sharkd(), Router()
        for name in names:
            compare(router, sharkd, name, count, odd, ends)
    except (netlab.Unavailable, FileNotFoundError, Failed) as error:
        print(f"cannot compare here: {error}", file=sys.stderr)
        return 77
    for (tracked, shown), where in sorted(odd.items(), key=lambda item: -len(item[1])):
        recordings = len({place.split("#")[0] for place in where})
        print(f"{tracked or '(none)':12} {':'.join(shown):24} {len(where):4} in {recordings:3}, {' '.join(where[:3])}")
    print(f"{count['agree']} of {count['packets']} packets agree, in {len(names)} recordings")
    for (known, ours, theirs), which in sorted(ends.items(), reverse=True):
        print(f"{'knowable' if known else 'not knowable':12} ends: the plugin is {'right' if ours else 'wrong'}, "
              f"conntrack {'right' if theirs else 'wrong'}: {len(which)}")
    wrong = [entry for (known, ours, _), which in ends.items() if known and not ours for entry in which]
    for name, tracked, shown, kernel in wrong:
        print(f"WRONG {name}: conntrack {tracked}, plugin {':'.join(shown)}, kernels {':'.join(kernel)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
