# SPDX-License-Identifier: GPL-2.0-or-later
"""sock_diag: the state of one TCP endpoint as the kernel's socket tables hold it at this moment.

The trace event tells nothing of request sockets (SYN_RECEIVED before the child socket exists) and of minisockets
(TIME_WAIT, and FIN_WAIT_2 of an orphan); the tables do. A minisocket is told from a full socket by its timer kind.
"""

import errno
import socket
import struct

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
TIMER_TIMEWAIT = 3
NAMES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECEIVED", 4: "FIN_WAIT_1", 5: "FIN_WAIT_2", 6: "TIME_WAIT",
         7: "CLOSED", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECEIVED"}


class Diag:
    """One netlink socket; opened in the namespace whose endpoints it asks about."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self.sock.settimeout(2)

    def query(self, family, local, lport, remote, rport):
        """(state name, 'full' | 'request' | 'minisocket') of the endpoint, or None when there is none."""
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        ident = struct.pack("!HH", lport, rport)
        ident += socket.inet_pton(af, local).ljust(16, b"\0") + socket.inet_pton(af, remote).ljust(16, b"\0")
        ident += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
        body = struct.pack("=BBBBI", af, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ident
        self.sock.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, 1, 0, 0) + body)
        answer = self.sock.recv(65536)
        kind = struct.unpack_from("=H", answer, 4)[0]
        if kind != SOCK_DIAG_BY_FAMILY:
            code = -struct.unpack_from("=i", answer, 16)[0]
            if code in (errno.ENOENT, 0):
                return None
            raise OSError(code, "sock_diag")
        state, timer = answer[17], answer[18]
        port = struct.unpack_from("!H", answer, 22)[0]
        if state == 10 or port != rport:
            return None                     # the listener answers for an endpoint that does not exist
        inode = struct.unpack_from("=I", answer, 16 + 4 + 48 + 16)[0]
        if timer == TIMER_TIMEWAIT:
            return NAMES[state], "minisocket"
        return NAMES[state], "request" if state in (3, 12) and not inode and timer == 1 else "full"
