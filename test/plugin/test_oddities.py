"""What broke other programs that read TCP, built anew with Scapy: their bug reports name the packet, here it stands in
the middle of a conversation. tshark must come to its end, all lines but the plugin's must be as without the plugin,
and the conversation must go on as its table says.

Each oddity gets a client address of its own; all are in one capture. Look next: test_hostile.py, for what nobody
reported.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pytest

pytest.importorskip("scapy", reason="Scapy is not installed (Debian: python3-scapy)")

from scapy.all import (GRE, IP, PPP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, PPPoE, Raw)
from scapy.contrib.gtp import GTPHeader
from scapy.contrib.mpls import MPLS

import pcap_files
from conftest import open_to_all
from test_hostile import NORMAL
from test_modes import same, without_ours

SERVER = "192.0.2.80"
OUTER = IP(src="203.0.113.1", dst="203.0.113.2")
IN_THE_MIDDLE = 7  # frames of the conversation before the oddity


class Talk:
    """Frames between one client and the server; numbers as in pcap_files.conversation()."""

    def __init__(self, number):
        self.client = f"198.18.{number >> 8}.{number & 255}"

    def ip(self, to_server=True, **fields):
        ends = (self.client, SERVER) if to_server else (SERVER, self.client)
        return IP(src=ends[0], dst=ends[1], **fields)

    @staticmethod
    def tcp(flags, seq, ack=0, to_server=True, **fields):
        ports = (40000, 8080) if to_server else (8080, 40000)
        return TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack, window=64240, **fields)

    def segment(self, flags, seq, ack=0, to_server=True, data=b"", **fields):
        return self.ip(to_server) / self.tcp(flags, seq, ack, to_server, **fields) / Raw(data)

    def packets(self, syn=None, fin=None):
        """The conversation as packets of IP; another SYN or first FIN may be put in the place of the usual one."""
        return [syn or self.segment("S", 1000), self.segment("SA", 5000, 1001, False), self.segment("A", 1001, 5001),
                self.segment("PA", 1001, 5001, data=b"x" * 100), self.segment("A", 5001, 1101, False),
                self.segment("PA", 5001, 1101, False, data=b"y" * 100), self.segment("A", 1101, 5101),
                fin or self.segment("FA", 1101, 5101), self.segment("A", 5101, 1102, False),
                self.segment("FA", 5101, 1102, False), self.segment("A", 1102, 5102)]


def behind(odd):
    """Packets put in before the close."""
    return lambda talk: talk.packets()[:IN_THE_MIDDLE] + odd(talk) + talk.packets()[IN_THE_MIDDLE:]


def inside(wrap):
    """The whole conversation, each packet wrapped."""
    return lambda talk: [wrap(packet) for packet in talk.packets()]


def over_ipv6(*headers):
    """The whole conversation over IPv6, with these headers before TCP's."""
    def packets(talk):
        number = int(talk.client.split(".")[3])
        for packet in talk.packets():
            ends = (f"2001:db8::{number:x}", "2001:db8::80")
            rest = packet[TCP]
            for header in reversed(headers):
                rest = header() / rest
            yield IPv6(src=ends[packet.src == SERVER], dst=ends[packet.src != SERVER]) / rest
    return lambda talk: list(packets(talk))


def fragment(packet, offset, more, payload):
    return IP(src=packet.src, dst=packet.dst, proto=6, id=4711, flags="MF" if more else 0, frag=offset) / Raw(payload)


def tiny_fragments(talk):
    """RFC 3128: flags in the second fragment, which overlaps the first one and says something else."""
    innocent, evil = (bytes(talk.segment(flags, 1101, 5101)[TCP]) for flags in ("A", "FA"))
    packet = talk.segment("A", 1101, 5101)
    return [fragment(packet, 0, True, innocent[:16]), fragment(packet, 1, False, evil[8:])]


# name: (whose report or text, the packets, the transitions that they must tell of; None: whatever)
ODDITIES = {
    "option-20-before-the-end": ("tcpdump 516: SCPS in the SYN of a pfSense user", lambda talk: talk.packets(
        syn=talk.segment("S", 1000, options=[("MSS", 1452), ("NOP", None), ("WScale", 2), ("NOP", None), ("NOP", None),
                                             (20, b""), ("EOL", None)])), NORMAL),
    "time-stamp-of-no-length": ("Ettercap 111, zmap 868, nmap 3368, ja4 210: they never came to an end", lambda talk: [
        bytes(p).replace(b"\xfd\x04xx", b"\x08\x00xx") for p in talk.packets(
            fin=talk.segment("FA", 1101, 5101, options=[(253, b"xx")]))], NORMAL),
    "fast-open-cookie-of-two-octets": ("Zeek 2305: cookies of a wrong length", lambda talk: talk.packets(
        syn=talk.segment("S", 1000, options=[(34, b"\1\2")])), NORMAL),
    "options-behind-the-end-of-options": ("Zeek 2064: a channel in what nobody reads", lambda talk: talk.packets(
        syn=talk.segment("S", 1000, options=[("EOL", None), (34, b"\1\2\3\4\5\6\7\x08")])), NORMAL),
    "window-scale-255": ("RFC 7323 2.3: more than 14 is 14", lambda talk: talk.packets(
        syn=talk.segment("S", 1000, options=[("WScale", 255)])), NORMAL),
    "kamikaze": ("RFC 1025: SYN, URG, PSH and FIN with options and data", behind(lambda talk: [
        talk.segment("SUPF", 1101, 5101, data=b"!" * 20, options=[("MSS", 1), ("WScale", 14)])]), NORMAL),
    "land": ("CERT CA-1997-28: a SYN from the server's own address and port", behind(lambda talk: [
        IP(src=SERVER, dst=SERVER) / TCP(sport=8080, dport=8080, flags="S", seq=1)]),
             NORMAL[:3] + ["client→SYN_SENT"] + NORMAL[3:]),
    "urgent-beyond-the-data": ("WinNuke: urgent data that are not there", behind(lambda talk: [
        talk.segment("PAU", 1101, 5101, urgptr=65535)]), NORMAL),
    "total-length-0": ("segmentation offload: IP tells no length", behind(lambda talk: [
        talk.ip(len=0) / talk.tcp("A", 1001, 5101) / Raw(b"x" * 100)]), NORMAL),
    "padding-of-a-short-frame": ("six octets behind the FIN that are not TCP's", lambda talk: [
        bytes(p) + (b"" if len(p) > 45 else b"\0" * 6) for p in talk.packets()], NORMAL),
    "ihl-4": ("LTP broken_ip4-ihl", behind(lambda talk: [talk.ip(ihl=4) / talk.tcp("R", 1101)]), NORMAL),
    "version-5": ("LTP broken_ip4-version", behind(lambda talk: [talk.ip(version=5) / talk.tcp("R", 1101)]), NORMAL),
    "total-length-39": ("LTP broken_ip4-totlen: one octet of the TCP header is not there", behind(lambda talk: [
        talk.ip(len=39) / talk.tcp("R", 1101)]), NORMAL),
    "fragment-of-nothing": ("LTP broken_ip4-fragment: a last fragment alone", behind(lambda talk: [
        fragment(talk.segment("R", 1101), 1, False, bytes(talk.segment("R", 1101)[TCP])[8:])]), NORMAL),
    "tiny-fragments": ("RFC 1858 and 3128: fragments that overlap where the flags are", behind(tiny_fragments), None),
    "ports-0": ("nmap -p 0", behind(lambda talk: [talk.ip() / TCP(sport=0, dport=0, flags="S", seq=1)]), None),
    "to-everybody": ("LTP broken_ip4-dstaddr: TCP to a broadcast address", behind(lambda talk: [
        IP(src=talk.client, dst="255.255.255.255") / talk.tcp("S", 1)]), None),
    "four-vlans": ("tags in tags", inside(lambda p: Dot1AD(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) /
                                                    Dot1Q(vlan=4) / p), NORMAL),
    "mpls": ("a provider's backbone", inside(lambda p: MPLS(label=16, s=0) / MPLS(label=17, s=1) / p), NORMAL),
    "pppoe": ("a provider's access line", inside(lambda p: PPPoE(sessionid=1) / PPP(proto=0x21) / p), NORMAL),
    "gtp": ("a mobile network", inside(
        lambda p: OUTER / UDP(sport=2152, dport=2152) / GTPHeader(teid=1, gtp_type=255) / p), NORMAL),
    "gre-with-key": ("tunnels with options of their own", inside(
        lambda p: OUTER / GRE(key_present=1, key=7, seqnum_present=1, sequence_number=1) / p), NORMAL),
    "ipv6-atomic-fragments": ("RFC 6946: a fragment header, and only one fragment",
                              over_ipv6(lambda: IPv6ExtHdrFragment(id=1)), NORMAL),
    "ipv6-all-headers": ("RFC 8200 4.1: a chain of headers", over_ipv6(
        IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, lambda: IPv6ExtHdrFragment(id=2), IPv6ExtHdrDestOpt), NORMAL),
}


def frame_of(packet):
    if isinstance(packet, bytes):
        return bytes(Ether(dst="02:00:00:00:00:80", src="02:00:00:00:00:10", type=0x0800)) + packet
    return bytes(Ether(dst="02:00:00:00:00:80", src="02:00:00:00:00:10") / packet)


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """(path, (first, last) frame of each oddity)"""
    frames, places = [], {}
    for number, (name, (_, packets, _)) in enumerate(ODDITIES.items(), 1):
        start = len(frames) + 1
        frames += [frame_of(packet) for packet in packets(Talk(number))]
        places[name] = (start, len(frames))
    return pcap_files.write(open_to_all(tmp_path_factory.mktemp("odd")) / "odd.pcap", frames), places


@pytest.fixture(scope="module")
def transitions(wireshark, capture):
    """The transitions that each oddity's frames tell, in one pass; two passes must tell the same."""
    path, places = capture
    once, twice = (wireshark.fields(path, "frame.number", "tcpstate.transition", options=way) for way in ([], ["-2"]))
    same(once, twice)
    told = {int(frame): transition for frame, transition in once if transition}
    return {name: [told[i] for i in range(first, last + 1) if i in told] for name, (first, last) in places.items()}


@pytest.mark.parametrize("name", [name for name, (_, _, expected) in ODDITIES.items() if expected])
def test_conversation_goes_on(name, transitions):
    assert transitions[name] == ODDITIES[name][2], ODDITIES[name][0]


# --- no IP before it ---

DLT_USER0 = 147


def bound_to(dissector):
    return ["-o", f'uat:user_dlts:"User 0 (DLT={DLT_USER0})","{dissector}","0","","0",""']


@pytest.fixture
def without_ip(wireshark_version):
    if wireshark_version >= (4, 6):
        pytest.skip("TCP of Wireshark 4.6 ends in an assertion of its own where no IP address was set")


def segments():
    ip_and_ethernet = 34
    return [frame[ip_and_ethernet:] for frame in pcap_files.conversation()]


def test_tcp_without_addresses_is_known_by_its_ports(wireshark, scratch, without_ip):
    """ESP on a link of its own: TCP's place in the table of IP protocols is asked, no address was ever set."""
    def esp(segment):
        padding = bytes(range(1, -(len(segment) + 2) % 4 + 1))
        return bytes(8) + segment + padding + bytes([len(padding), 6]) + bytes(12)
    path = pcap_files.write(scratch / "esp.pcap", map(esp, segments()), linktype=DLT_USER0)
    options = [*bound_to("esp"), "-o", "esp.enable_null_encryption_decode_heuristic:TRUE"]
    once, twice = (wireshark.fields(path, "tcpstate.transition", options=[*options, *way]) for way in ([], ["-2"]))
    same(once, twice)
    assert [transition for (transition,) in once if transition] == NORMAL


def test_tcp_that_no_table_was_asked_for_is_left_alone(wireshark, scratch, without_ip):
    path = pcap_files.write(scratch / "tcp.pcap", segments(), linktype=DLT_USER0)
    without, with_it = (wireshark.tshark("-r", path, "-V", *bound_to("tcp"), plugin=plugin).stdout
                        for plugin in (False, True))
    assert "Transmission Control Protocol" in without
    same(without.splitlines(), with_it.splitlines())


def test_other_lines_are_as_without_the_plugin(wireshark, capture):
    without, with_it = (wireshark.tshark("-r", capture[0], "-V", plugin=plugin) for plugin in (False, True))
    same(without.stdout.splitlines(), without_ours(with_it.stdout))
    assert without.stderr == with_it.stderr
