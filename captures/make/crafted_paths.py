# SPDX-License-Identifier: GPL-2.0-or-later
"""Crafted captures in which the path or the capture is what matters. Each maker returns (time, frame) pairs.

Those that begin with recorded(...) show the segments of real stacks as another observer would have seen them.
"""
import hashlib
import struct

from scapy.all import GRE, IP, IPv6, VXLAN, Ether, UDP, fragment, raw

from common import (CAPTURES, CLIENT4, CLIENT_MAC, LINKTYPE_80211, SERVER4, Registry, parse_segment, read_frames,
                    vlan_tagged)
from talk import EPOCH, Talk, swapped

CRAFTED = Registry("crafted: Scapy")
crafted = CRAFTED.add

TUNNEL_A, TUNNEL_B = "203.0.113.1", "203.0.113.2"


def derived(name):
    return f"crafted out of {name}"


def recorded(name):
    return list(read_frames(CAPTURES / f"{name}.pcapng"))


def from_server(frame):
    return parse_segment(frame).src == SERVER4


def twice(frames, change=lambda frame: frame, gap=4e-6):
    """Each frame and, a few microseconds later, its copy."""
    return [pair for when, frame in frames for pair in ((when, frame), (when + gap, change(frame)))]


# The capture saw too much, too little, or in another order.

@crafted("capture-span-duplicates.pcapng", origin=derived("close-four-segment-client-first"))
def span_duplicates():
    """A SPAN port that mirrors ingress and egress: each frame of a four-segment close twice, byte for byte.

    Every even frame is a copy: transitions at odd frames only, no retransmission counted, nothing corrected (rule
    12).
    """
    return twice(recorded("close-four-segment-client-first"))


@crafted("capture-span-duplicates-of-retransmissions.pcapng", origin=derived("close-last-ack-lost"))
def span_duplicates_of_retransmissions():
    """The same SPAN port with a last ACK that was really lost: copies and a true retransmission side by side.

    21: client→TIME_WAIT, server→CLOSED. 23: the true retransmission: server back to LAST_ACK. 24: its copy: nothing.
    25: server→CLOSED.
    """
    return twice(recorded("close-last-ack-lost"))


@crafted("capture-span-vlan-copies.pcapng", origin=derived("close-four-segment-server-first"))
def span_vlan_copies():
    """Each frame untagged as it entered the switch and tagged with VLAN 20 as it left.

    Every even frame is a copy with a VLAN tag: transitions at odd frames only.
    """
    return twice(recorded("close-four-segment-server-first"), lambda frame: vlan_tagged(frame, 20))


@crafted("capture-server-side-only.pcapng", origin=derived("close-four-segment-client-first"))
def server_side_only():
    """Only server to client was captured: the client's SYN, ACKs and FIN are known by what the server acknowledges.

    1: server→SYN_RECEIVED. 4: ACK 9 covers one octet more, perhaps of data. 5: with the server's own FIN it is taken
    for the client's unseen FIN: server→CLOSE_WAIT (assumed), server→LAST_ACK, client→FIN_WAIT_1, client→FIN_WAIT_2.
    """
    return [pair for pair in recorded("close-four-segment-client-first") if from_server(pair[1])]


@crafted("capture-client-side-only.pcapng", origin=derived("close-four-segment-client-first"))
def client_side_only():
    """Only client to server was captured.

    2: ACK 1 proves the unseen SYN,ACK: both ESTABLISHED. 5: client→FIN_WAIT_1. 6: ACK 10 proves the unseen FIN;
    client→TIME_WAIT.
    """
    return [pair for pair in recorded("close-four-segment-client-first") if not from_server(pair[1])]


@crafted("capture-client-side-only-server-closes.pcapng", origin=derived("close-four-segment-server-first"))
def client_side_only_server_closes():
    """Only client to server was captured, and the unseen server closed first: the client's ACK beyond the data tells.

    5: ACK 10, one beyond the data, same SEG.SEQ: the unseen server FIN or data. 6: client→LAST_ACK if it was the FIN.
    """
    return [pair for pair in recorded("close-four-segment-server-first") if not from_server(pair[1])]


@crafted("midstream-data.pcapng", origin=derived("close-four-segment-client-first"))
def midstream_data():
    """The capture begins with the request: both ends are taken for ESTABLISHED, the roles guessed from the ports.

    1: both ESTABLISHED (assumed), roles by ports. 5: client→FIN_WAIT_1. 6: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    return recorded("close-four-segment-client-first")[3:]


@crafted("midstream-in-close.pcapng", origin=derived("close-four-segment-server-first"))
def midstream_in_close():
    """The capture begins with the ACK of an unseen FIN: what came before can only be guessed.

    1: ESTABLISHED (assumed). 2: the client's FIN. 3: its ACK.
    """
    return recorded("close-four-segment-server-first")[8:]


@crafted("capture-ends-in-close.pcapng", origin=derived("close-four-segment-client-first"))
def capture_ends_in_close():
    """The capture ends after the first two segments of a close: FIN_WAIT_2 and CLOSE_WAIT at its end.

    9: server→CLOSE_WAIT, client→FIN_WAIT_2, and so at the end.
    """
    return recorded("close-four-segment-client-first")[:9]


@crafted("capture-misses-fin.pcapng", origin=derived("close-four-segment-client-first"))
def capture_misses_fin():
    """The client's FIN was not captured; the server's acknowledgement of one more than the data proves it.

    8: ACK 9 of an octet never seen; 10: SEG.SEQ 9 without data: it was the FIN. The end is client TIME_WAIT, server
    CLOSED.
    """
    frames = recorded("close-four-segment-client-first")
    return [pair for pair in frames if from_server(pair[1]) or "F" not in parse_segment(pair[1]).flags]


@crafted("capture-ack-before-fin.pcapng", origin=derived("close-four-segment-client-first"))
def ack_before_fin():
    """The capture shows the ACK of the FIN before the FIN, as two queues of one card do.

    8: the ACK of a FIN not yet seen. 9: the FIN: client FIN_WAIT_2, server CLOSE_WAIT, and no going back and forth.
    """
    return swapped(recorded("close-four-segment-client-first"), 7)


@crafted("capture-snaplen-54.pcapng", origin=derived("close-four-segment-client-first"), snaplen=54)
def snaplen_54():
    """Cut behind the fixed TCP header: all that matters is there.

    As close-four-segment-client-first: the states need no options.
    """
    return recorded("close-four-segment-client-first")


@crafted("capture-snaplen-44.pcapng", origin=derived("close-four-segment-client-first"), snaplen=44)
def snaplen_44():
    """Cut before the flags: ports and sequence number only, so nothing can be said.

    No flags in any frame: no states, no crash.
    """
    return recorded("close-four-segment-client-first")


# Tunnels, fragments, several segments in one frame.

@crafted("path-ip-fragments.pcapng")
def ip_fragments():
    """The request comes in three IP fragments, the response's FIN segment in two: each counts once, when it is whole.

    6: the request is whole here. 9: data and FIN: server→FIN_WAIT_1. 10: client→CLOSE_WAIT, client→LAST_ACK,
    server→FIN_WAIT_2.
    """
    frames = []
    for when, frame in Talk().open().client("PA", 1400).server("A").server("FPA", 900).client("FA").server("A").frames:
        packet = Ether(frame)
        packet[IP].flags = 0
        size = 600 if len(frame) > 600 else 1500
        pieces = fragment(packet, fragsize=size)
        frames += [(when + i * 1e-5, raw(piece)) for i, piece in enumerate(pieces)]
    return frames


@crafted("path-ip-fragments-tiny.pcapng")
def ip_fragments_tiny():
    """A FIN in two IP fragments of which the first holds only ports and sequence number; the second never comes for
    the first attempt and does for the second.

    8: half a TCP header: no segment. 11: the FIN is whole here: client→FIN_WAIT_1.
    """
    talk = Talk().open().ask().client("FA").wait(1).client("FA", seq=101).server("A").server("FA").client("A")
    frames = []
    for index, (when, frame) in enumerate(talk.frames):
        packet = Ether(frame)
        if index not in (7, 8):
            frames.append((when, frame))
            continue
        packet[IP].flags = 0
        first, second, *rest = fragment(packet, fragsize=8)
        kept = [first] if index == 7 else [first, second, *rest]
        frames += [(when + i * 1e-5, raw(piece)) for i, piece in enumerate(kept)]
    return frames


def tunnel(inner, **fields):
    """The outer headers between the tunnel's two ends, in the direction in which the inner frame goes."""
    ends = (TUNNEL_A, TUNNEL_B) if inner.src == CLIENT_MAC else (TUNNEL_B, TUNNEL_A)
    return Ether(src=inner.src, dst=inner.dst) / IP(src=ends[0], dst=ends[1], **fields)


def inside_gre(frame):
    inner = Ether(frame)
    return raw(tunnel(inner, id=inner[IP].id) / GRE() / inner[IP])


def inside_ipip(frame):
    """IP in IP with the inner addresses outside again: only the protocol tells the layers apart."""
    inner = Ether(frame)
    outer = IP(src=inner[IP].src, dst=inner[IP].dst, id=inner[IP].id ^ 0x4000, proto=4)
    return raw(Ether(src=inner.src, dst=inner.dst) / outer / inner[IP])


def inside_vxlan(frame):
    inner = Ether(frame)
    return raw(tunnel(inner, id=inner[IP].id) / UDP(sport=49200, dport=4789, chksum=0) / VXLAN(vni=42, flags=8) / inner)


@crafted("path-gre.pcapng")
def gre():
    """A whole connection inside a GRE tunnel.

    Inner TCP as close-four-segment-client-first.
    """
    return Talk(wrap=inside_gre).open().ask().close().frames


@crafted("path-ip-in-ip.pcapng")
def ip_in_ip():
    """A whole connection in IP-in-IP whose outer addresses are the inner ones.

    As path-gre.
    """
    return Talk(wrap=inside_ipip).open().ask().close().frames


@crafted("path-ipv6-in-ipv4.pcapng")
def ipv6_in_ipv4():
    """A whole IPv6 connection inside IPv4 (6in4).

    As path-gre.
    """
    def wrap(frame):
        inner = Ether(frame)
        return raw(tunnel(inner, id=7, proto=41) / inner[IPv6])
    return Talk(("2001:db8::10", 40000, 1), ("2001:db8::80", 8080, 1), wrap=wrap).open().ask().close().frames


@crafted("path-gre-and-plain-copy.pcapng")
def gre_and_plain_copy():
    """A router's two sides in one capture: each segment plain, and 20 us later inside GRE, with the same addresses and
    ports.

    Odd frames plain, even ones in GRE, same TCP numbers: each transition once.
    """
    return twice(Talk().open().ask().close().frames, inside_gre, 2e-5)


@crafted("path-vxlan-and-plain-copy.pcapng", origin=derived("close-four-segment-server-first"))
def vxlan_and_plain_copy():
    """A virtual switch: each segment plain and inside VXLAN, with the same addresses and ports.

    Odd frames plain, even ones in VXLAN: each transition once.
    """
    return twice(recorded("close-four-segment-server-first"), inside_vxlan, 2e-5)


def a_msdu(frames):
    """Several Ethernet frames as one 802.11 QoS data frame with an aggregate MSDU (IEEE 802.11 9.3.2.2)."""
    addresses = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x10" + b"\x02\0\0\0\0\x01"
    header = struct.pack("<HH", 0x0188, 0) + addresses + struct.pack("<HH", 0x0010, 0x0080)
    body = b""
    for frame in frames:
        payload = b"\xaa\xaa\x03\0\0\0" + frame[12:]
        body += bytes(-len(body) % 4) + frame[:12] + struct.pack("!H", len(payload)) + payload
    return header + body


@crafted("path-a-msdu.pcapng", linktype=LINKTYPE_80211)
def wifi_a_msdu():
    """802.11 aggregates: one frame holds segments of two connections, and one holds the last data and the FIN of one
    connection.

    1: two layers: client→SYN_SENT in each connection. 8: one connection's ACK and FIN in one frame:
    client→FIN_WAIT_1. 10: server→CLOSE_WAIT, client→FIN_WAIT_2.
    """
    one, other = (Talk(("192.0.2.10", port, 1000), start=EPOCH).open().ask().close() for port in (40000, 40001))
    frames = [(when, a_msdu([mine, theirs])) for (when, mine), (_, theirs) in zip(one.frames[:5], other.frames[:5])]
    for talk in (one, other):
        frames.append((talk.frames[5][0], a_msdu([talk.frames[5][1]])))
    for talk, late in ((one, 0), (other, 0.001)):
        frames.append((talk.frames[7][0] + late, a_msdu([frame for _, frame in talk.frames[6:8]])))
        frames += [(when + late, a_msdu([frame])) for when, frame in talk.frames[8:]]
    return sorted(frames)


# Multipath TCP (RFC 8684): what stands in option 30 behind its kind and length.
MPTCP = 30
CLIENT_KEY, SERVER_KEY = bytes(range(8)), bytes(range(8, 16))
TOKEN = hashlib.sha256(SERVER_KEY).digest()[:4]                  # names the connection that a subflow joins
DATA_FIN = b"\x20\x15" + struct.pack("!IIIH", 1, 161, 0, 1)      # DSS: DATA_ACK, and a mapping of the DATA_FIN alone
DATA_ACK = b"\x20\x01" + struct.pack("!I", 162)


def mptcp(content):
    return [(MPTCP, content)]


@crafted("path-mptcp-two-subflows.pcapng")
def mptcp_two_subflows():
    """Multipath TCP: two subflows, each a TCP connection of its own. The DATA_FIN that ends the whole is an option of
    an ordinary segment.

    6: the second subflow: client→SYN_SENT. 8: both ESTABLISHED. 12 and 14: DATA_FIN, no FIN: no change. 16, 17: the
    subflows' own FINs: client→FIN_WAIT_1.
    """
    first, second = Talk(), Talk((CLIENT4, 40001, 9000), start=EPOCH + 0.055)
    first.client("S", options=[("MSS", 1460), *mptcp(b"\x01\x01")])
    first.server("SA", options=[("MSS", 1460), *mptcp(b"\x01\x01" + SERVER_KEY)])
    first.client("A", options=mptcp(b"\x01\x01" + CLIENT_KEY + SERVER_KEY)).client("PA", 100).server("A")
    second.client("S", options=[("MSS", 1460), *mptcp(b"\x10\x01" + TOKEN + bytes(4))])
    second.server("SA", options=[("MSS", 1460), *mptcp(b"\x10\x01" + bytes(12))])
    second.client("A", options=mptcp(b"\x10\x00" + bytes(20))).server("A").client("PA", 60).server("A")
    first.client("A", options=mptcp(DATA_FIN), after=0.075).server("A", options=mptcp(DATA_ACK))
    first.server("A", options=mptcp(DATA_FIN)).client("A", options=mptcp(DATA_ACK))
    first.close()
    second.wait(0.045).close()
    return sorted(first.frames + second.frames)
