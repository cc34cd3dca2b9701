"""Captures live on the loopback of a network namespace of its own: live_talk.py COMMAND… (run below `unshare --net`)

Starts COMMAND, a shell command line that captures on `lo`, has one TCP conversation and waits, at each step of it,
until the command has printed what that step must show: so it is known that the states come while the capture runs.
Prints what the command printed. Knows nothing of the plugin but its states. Look next: test_live.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 30


class Log:
    """The lines that the command prints, as they come."""

    def __init__(self, stream):
        self.lines, self.coming = [], queue.Queue()
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.coming.put(line.rstrip("\n"))
        self.coming.put(None)

    def wait_for(self, text):
        """Until a new line has `text` in it. None: until there are no more."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.coming.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                sys.exit(f"no line with {text!r} within {PATIENCE} s; so far: {self.lines}")
            if line is None:
                if text is None:
                    return
                sys.exit(f"the command ended before a line with {text!r}; so far: {self.lines}")
            self.lines.append(line)
            if text is not None and text in line:
                return


def capturing():
    """The sockets that see packets, of this namespace; libpcap's, since nobody else is in it."""
    with open("/proc/net/packet", encoding="ascii") as table:
        return [line.split()[-1] for line in table][1:]


def wait_for_capture(complaints):
    """Only Wireshark 4.0 says in which file it captures; all say first that they will, and then open a socket, which is
    not the one with which they ask what the interface can do."""
    complaints.wait_for("Capturing on")
    end = time.monotonic() + PATIENCE
    sockets = []
    while not sockets or sockets != capturing():
        if time.monotonic() > end:
            sys.exit(f"nothing captures after {PATIENCE} s; so far: {complaints.lines}")
        sockets = capturing()
        time.sleep(0.5)


def talk(log, waiting):
    """One conversation. The client closes first, the server when the log has shown CLOSE_WAIT."""
    def shown(text):
        if waiting:
            log.wait_for(text)
        else:
            time.sleep(0.5)  # longer than an ACK is delayed, so that it comes before what follows

    with socket.create_server(("127.0.0.1", 8080)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        shown("ESTABLISHED:ESTABLISHED")
        client.sendall(b"request")
        server.recv(100)
        client.shutdown(socket.SHUT_WR)
        shown("FIN_WAIT_2:CLOSE_WAIT")
        server.close()
        client.recv(100)
        client.close()
        shown("TIME_WAIT:CLOSED")


def main():
    waiting = sys.argv[1] == "--waiting"
    command = sys.argv[-1]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          start_new_session=True) as program:
        log, complaints = Log(program.stdout), Log(program.stderr)
        try:
            wait_for_capture(complaints)
            talk(log, waiting)
        finally:
            os.killpg(program.pid, signal.SIGINT)
        log.wait_for(None)
    print("\n".join(log.lines))


if __name__ == "__main__":
    main()
