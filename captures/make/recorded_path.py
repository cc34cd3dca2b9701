# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings with real programs, and of real paths: VLAN, tunnel, router, scans and floods."""
import contextlib
import random
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from scapy.all import IP, TCP

from common import CLIENT4, CLIENT_PORT, ELSEWHERE4, LINKTYPE_LINUX_SLL2, SERVER4, SERVER6, Registry
from lab import ask, close_politely, sh

SCENARIOS = Registry("recorded: curl and nginx")
recorded = SCENARIOS.add

NGINX = """
daemon off; pid {home}/pid; error_log {home}/error.log;
events {}
http {
    access_log off; default_type text/plain; keepalive_timeout {keepalive};
    client_body_temp_path {home}; proxy_temp_path {home}; fastcgi_temp_path {home};
    uwsgi_temp_path {home}; scgi_temp_path {home};
    server { listen 8080; listen [::]:8080; {server} }
}
"""


def nginx(lab, server='location / { return 200 "hello\\n"; }', keepalive=65):
    home = tempfile.TemporaryDirectory()
    lab.open.callback(home.cleanup)
    Path(home.name, "slow.txt").write_bytes(b"a line of a slow document, again and again, to fill its length\n" * 110)
    config = Path(home.name, "nginx.conf")
    config.write_text(NGINX.replace("{server}", server).replace("{home}", home.name)
                      .replace("{keepalive}", str(keepalive)))
    process = lab.server.popen("nginx", "-e", f"{home.name}/error.log", "-c", str(config))

    def stop():
        process.terminate()
        process.wait()
    lab.open.callback(stop)
    time.sleep(0.5)


def curl(lab, *arguments):
    return lab.client.popen("curl", "-sS", "--noproxy", "*", *arguments,
                            stdout=subprocess.PIPE).communicate(timeout=60)[0]


@recorded("textbook-t3-curl.pcapng")
def textbook_curl(lab):
    """Textbook trace 3: curl asks nginx, 175 bytes of request and 479 of response; the client closes, three segments.

    8: FIN at relative 176, ACK 480: client→FIN_WAIT_1. 9: 480, ACK 177: server→CLOSE_WAIT, server→LAST_ACK,
    client→FIN_WAIT_2. 10: 177, ACK 481: client→TIME_WAIT, server→CLOSED.
    """
    nginx(lab, f'location / {{ return 200 "{"." * 329}\\n"; }}')
    agent = "curl/7.88.1 (tcpstate textbook trace)"
    path = "/textbook/" + "t" * (175 - len(f"GET /textbook/ HTTP/1.1\r\nHost: {SERVER4}:8080\r\n"
                                           f"User-Agent: {agent}\r\nAccept: */*\r\n\r\n"))
    curl(lab, "-A", agent, f"http://{SERVER4}:8080{path}")


@recorded("http-server-closes-idle-connection.pcapng", origin="recorded: ncat and nginx")
def http_server_closes_idle(lab):
    """nginx closes an idle kept-alive connection after a second; the client (ncat) follows later: the server closes
    first and keeps TIME_WAIT.

    8: server→FIN_WAIT_1. 9: client→CLOSE_WAIT, server→FIN_WAIT_2. 10: client→LAST_ACK. 11: server→TIME_WAIT,
    client→CLOSED.
    """
    nginx(lab, keepalive=1)
    ncat = lab.client.popen("ncat", SERVER4, "8080", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    ncat.stdin.write(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
    ncat.stdin.flush()
    time.sleep(1.5)
    ncat.stdin.close()
    ncat.wait(timeout=10)


@recorded("http-twelve-at-once.pcapng")
def http_twelve_at_once(lab):
    """curl fetches twelve documents over twelve connections at once: interleaved streams, all complete.

    Twelve streams: 12 three-way handshakes, 12 three-segment closes, every client ends in TIME_WAIT.
    """
    nginx(lab)
    urls = [f"http://{SERVER4}:8080/{i}" for i in range(12)]
    curl(lab, "--parallel", "--parallel-immediate", "--parallel-max", "12", "--http1.1", *urls)


@recorded("http-ipv6-timeout-in-document.pcapng")
def http_timeout(lab):
    """Over IPv6, curl gives up in the middle of a slow document: for TCP an ordinary close in three segments.

    10: client→FIN_WAIT_1. 11: server→CLOSE_WAIT, server→LAST_ACK, client→FIN_WAIT_2. 12: client→TIME_WAIT,
    server→CLOSED.
    """
    nginx(lab, "location / { limit_rate 2k; root {home}; }")
    curl(lab, "--max-time", "0.5", f"http://[{SERVER6}]:8080/slow.txt")
    time.sleep(2)


@recorded("ncat-connects-and-closes.pcapng", origin="recorded: ncat, a Python socket")
def ncat_connects_and_closes(lab):
    """ncat -z looks whether the port is open: a whole handshake and a close, without a byte.

    3: both ESTABLISHED. 4: client→FIN_WAIT_1, no data before it.
    """
    listener = lab.listen()
    ncat = lab.client.popen("ncat", "-z", SERVER4, "8080")
    server = lab.keep(listener.accept()[0])
    server.recv(1)
    server.close()
    ncat.wait(timeout=10)


@recorded("ncat-conversation-ipv6.pcapng", origin="recorded: two ncats")
def ncat_conversation(lab):
    """Two ncats over IPv6; the client's input ends, it closes its direction, the server answers and closes.

    5: client→FIN_WAIT_1. 6: covers the data only. 7: ACK of the FIN and the server's FIN: server→CLOSE_WAIT,
    server→LAST_ACK, client→FIN_WAIT_2.
    """
    server = lab.server.popen("ncat", "-6", "-l", "8080", "--sh-exec", "sort")
    time.sleep(0.3)
    client = lab.client.popen("ncat", "-6", SERVER6, "8080", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    client.communicate(b"pear\napple\nfig\n", timeout=10)
    server.wait(timeout=10)


@recorded("path-vlan.pcapng", vlan=10)
def vlan(lab):
    """curl and nginx, seen on a trunk: every frame carries the tag of VLAN 10.

    As open-three-way; the tag must not matter.
    """
    nginx(lab)
    curl(lab, f"http://{SERVER4}:8080/")


@recorded("path-vxlan.pcapng")
def vxlan(lab):
    """curl and nginx inside a VXLAN between the two hosts: the only TCP is the inner one.

    Inner TCP as open-three-way; outer UDP is nobody's business.
    """
    inner = {lab.client: ("10.42.0.10", "02:00:00:00:42:10", SERVER4),
             lab.server: ("10.42.0.80", "02:00:00:00:42:80", CLIENT4)}
    for host, (address, mac, remote) in inner.items():
        host.ip(f"link add vx0 type vxlan id 42 dstport 4789 remote {remote} dev eth0")
        host.plug("vx0", mac, f"{address}/24")
    lab.client.ip("neigh replace 10.42.0.80 lladdr 02:00:00:00:42:80 dev vx0")
    lab.server.ip("neigh replace 10.42.0.10 lladdr 02:00:00:00:42:10 dev vx0")
    nginx(lab)
    curl(lab, "http://10.42.0.80:8080/")


def put_behind_router(lab):
    """Makes the lab's server host a router with a real server behind it; returns that server's namespace."""
    lab.wire.capture = None
    inside = lab.namespace("i")
    sh(f"ip link add name eth1 netns {lab.server.name} type veth peer name eth0 netns {inside.name}")
    lab.server.plug("eth1", "02:00:00:00:00:01", "198.51.100.1/24")
    inside.plug("eth0", "02:00:00:00:00:07", f"{ELSEWHERE4}/24")
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    inside.ip("route add default via 198.51.100.1")
    lab.client.ip(f"route add 198.51.100.0/24 via {SERVER4}")
    return inside


def fetch_through_router(lab, inside):
    lab.server, router = inside, lab.server
    nginx(lab)
    with lab.sniff(router, "any"):
        curl(lab, f"http://{ELSEWHERE4}:8080/")


@recorded("path-router-any-interface.pcapng", linktype=LINKTYPE_LINUX_SLL2)
def router_any_interface(lab):
    """tcpdump -i any on a router: every segment is there twice, as it came and as it went, its TTL one lower.

    1 and 2 are one SYN, and so on in pairs, same IP identification, TTL one lower: each transition at the first, none
    at the second, no retransmission counted (rule 12).
    """
    fetch_through_router(lab, put_behind_router(lab))


@recorded("path-router-nat.pcapng", linktype=LINKTYPE_LINUX_SLL2)
def router_nat(lab):
    """tcpdump -i any on a router that translates addresses: one connection under two sets of addresses.

    Two streams, 192.0.2.10 and 198.51.100.1 to the same server, each with a whole and equal life.
    """
    inside = put_behind_router(lab)
    lab.server.run("nft 'table ip n { chain out { type nat hook postrouting priority 100; "
                   "oifname eth1 masquerade; }; }'")
    fetch_through_router(lab, inside)


class RawSender:
    """Sends segments with any addresses from the client's host, past its TCP."""

    def __init__(self, lab):
        self.socket = lab.keep(lab.client.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
        self.random = random.Random(1)

    def send(self, flags, port, source=CLIENT4, sport=CLIENT_PORT):
        segment = IP(src=source, dst=SERVER4) / TCP(sport=sport, dport=port, flags=flags, window=1024,
                                                    seq=self.random.getrandbits(32))
        self.socket.sendto(bytes(segment), (SERVER4, 0))


@recorded("scan-syn.pcapng", origin="recorded: raw sockets against Linux")
def scan_syn(lab):
    """A SYN scan of 24 ports, two of them open: RST,ACK from the closed; SYN,ACK from the open, which the scanner's
    host, having no such socket, resets.

    15 to 17: port 22: SYN_SENT, SYN_RECEIVED, then RST: server→LISTEN. Elsewhere RST,ACK: refused.
    """
    for port in (22, 80):
        lab.listen(port)
    sender = RawSender(lab)
    for port in [*range(15, 30), *range(75, 84)]:
        sender.send("S", port)
        time.sleep(0.02)


@recorded("scan-fin-null-xmas.pcapng", origin="recorded: raw sockets against Linux")
def scan_fin_null_xmas(lab):
    """FIN, null, xmas, ACK and SYN+FIN probes of an open and a closed port: no connection, no transition.

    1 to 9: no connection comes of FIN, null, xmas. 11, 13: RST to a stray ACK. 14, 15: SYN+FIN is malformed.
    """
    lab.listen(80)
    sender = RawSender(lab)
    for sport, flags in enumerate(("F", "", "FPU", "A", "SF"), CLIENT_PORT):
        for port in (80, 81):
            sender.send(flags, port, sport=sport)
            time.sleep(0.02)


def flood(lab, syns):
    """SYNs from as many made-up sources (RFC 2544 addresses), which the server's replies reach, and nobody answers."""
    lab.server.ip(f"route add 198.18.0.0/15 via {CLIENT4}")
    sender = RawSender(lab)
    for i in range(syns):
        sender.send("S", 8080, f"198.18.{i >> 8}.{i & 255}", 1024 + sender.random.randrange(60000))


@recorded("flood-syn.pcap", origin="recorded: raw sockets against Linux")
def flood_syn(lab):
    """2000 SYNs from 2000 sources, no SYN cookies: the backlog fills, later SYNs find no place, and so does a client.

    2000 attempts, about 97 of them half-open (SYN_RECEIVED), the rest unanswered; the last one, from 192.0.2.10, is a
    true client's, unanswered too.
    """
    lab.server.sysctl("net.ipv4.tcp_syncookies", 0)
    lab.server.sysctl("net.ipv4.tcp_max_syn_backlog", 128)
    lab.client.sysctl("net.ipv4.tcp_syn_retries", 1)
    lab.listen(backlog=128)
    flood(lab, 2000)
    client = lab.client_socket()
    client.settimeout(1.5)
    with contextlib.suppress(OSError):
        client.connect((SERVER4, 8080))


@recorded("flood-syn-cookies.pcapng", origin="recorded: raw sockets against Linux")
def flood_syn_cookies(lab):
    """400 SYNs from 400 sources against a small backlog with SYN cookies: every SYN is answered, and a client gets in.

    400 half-open; the last connection, from 192.0.2.10, opens and closes.
    """
    lab.server.sysctl("net.ipv4.tcp_max_syn_backlog", 64)
    listener = lab.listen(backlog=64)
    flood(lab, 400)
    client = lab.connect()
    server = lab.keep(listener.accept()[0])
    ask(client, server)
    close_politely(lab, client, server)
