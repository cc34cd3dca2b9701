# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark's sharkd as a process that reads one capture after the other, with the plugin.

Loading a capture takes it a tenth of the time that starting tshark takes, and there are hundreds. Knows nothing of
states. Look next: scripts/with-plugin.sh, which names the plugin to load; test_kernel_truth.py, which asks.
"""
import itertools
import json
import os
import pathlib
import subprocess

# sharkd keeps 11 MB of every capture that it loads, with a plugin or without (4.0): a new process from time to time.
LOADS = 50
WITH_PLUGIN = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "with-plugin.sh"


class Failed(RuntimeError):
    """sharkd is not there, ended, or refused."""


class Sharkd:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.start()

    def start(self):
        self.loads = 0
        try:
            self.process = subprocess.Popen([str(WITH_PLUGIN), "sharkd", "-"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                                            env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC"))
        except OSError as error:
            raise Failed(str(error)) from error

    def ask(self, method, **parameters):
        """The result of one request. What sharkd prints beside its answers is passed over."""
        number = next(self.numbers)
        try:
            self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                                                 "params": parameters}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(f"sharkd ended before it was asked {method} {parameters}") from error
        for line in self.process.stdout:
            if line.startswith("{"):
                answer = json.loads(line)
                if answer.get("id") == number and "result" in answer:
                    return answer["result"]
                raise Failed(f"sharkd, asked {method} {parameters}, answered {line.strip()}")
        raise Failed(f"sharkd ended with status {self.process.wait()} when it was asked {method} {parameters}; "
                     "does scripts/with-plugin.sh sharkd - say why?")

    def knows(self, field):
        """Is there such a field?"""
        found = self.ask("complete", field=field).get("field", [])
        return any(entry["f"] == field for entry in found)

    def frames(self, capture, fields):
        """(frame number, {field: value}) of all frames. Several values of a field are joined by commas.

        Without a display filter: sharkd remembers which frames a filter lets through, also beyond the next load.
        """
        if self.loads == LOADS:
            self.close()
            self.start()
        self.loads += 1
        self.ask("load", file=str(capture))
        columns = {f"column{i}": f"{field}:0" for i, field in enumerate(fields)}
        for frame in self.ask("frames", **columns):
            yield frame["num"], dict(zip(fields, frame["c"]))

    def close(self):
        """Ends the process, which must be as well as it was."""
        self.process.stdin.close()
        self.process.stdout.read()
        status = self.process.wait(timeout=60)
        if status != 0:
            raise Failed(f"sharkd ended with status {status}")
