# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes captures/README.md: its table is made of the makers' docstrings, so that it cannot say something else.

    readme.py            writes it
    readme.py --check    says whether it is up to date
"""
import sys
from pathlib import Path

import craft
import record
from common import CAPTURES

README = CAPTURES / "README.md"

HEAD = """\
# Captures

Small captures, each named by the fact it shows. The numbers in "look at" are frame numbers; the states are those that
the observer's rules give (README of the project), the sender's transition first. "Both ESTABLISHED" at a handshake's
ACK means the client by its own segment and the server by presumption: nothing yet shows that the ACK arrived.

Addresses are documentation addresses (RFC 5737, RFC 3849), benchmark addresses (RFC 2544), private ones inside tunnels,
or those of the textbook traces; payloads say nothing. No personal data. Licence of the captures, at your choice:
CC0-1.0 or GPL-2.0-or-later. The folder `kernel/` has recordings with the kernel's own transitions beside the packets
and a description of its own.

## How they were made

- *recorded*: real Linux TCP stacks (6.18) in two network namespaces, all offloads off, MTU 1500. Between them a small
  program carries every frame: it delays it (4 ms on either side of the observation point unless the scenario says
  else), captures it and, where the row says so, loses, holds, repeats or forges one. "Lost behind the observer" means
  captured but not delivered, "before the observer" neither. To record again, as root:
  `captures/make/record.sh [NAME …]` (about a minute for all). Numbers, ports and times differ from recording to
  recording, and now and then a frame more or less or another order, so look before you replace a file; then run
  `craft.py`, since some crafted captures are made out of recorded ones.
- *crafted*: written by a script, the same bytes each time: `/usr/bin/python3 captures/make/craft.py [NAME …]`; with
  `--check` it compares. "Crafted out of" takes the frames of a recorded capture.
- Large captures for benchmarks are not kept; `captures/make/bulk.py --help` makes them.
- This file is made of the descriptions in `captures/make/`: `/usr/bin/python3 captures/make/readme.py`.

Except where the row says so, every TCP checksum is right and nothing is malformed.

"""
TABLE = "| file | shows | look at | origin | make again |\n|---|---|---|---|---|"
CHAPTERS = (("textbook", "The three textbook traces"), ("open", "Opening"), ("close", "Closing"), ("rst", "Resets"),
            ("reuse", "Ports used again"), ("icmp", "ICMP"), ("idle", "Idle and blocked connections"),
            ("data", "Lost data"), ("http", "HTTP programs"), ("ncat", "ncat"), ("path", "Paths and tunnels"),
            ("capture", "What the capture saw"), ("midstream", "Begun in the middle"), ("flags", "Bad flags"),
            ("wild", "Bad numbers and checksums"), ("wrap", "Sequence numbers that wrap"),
            ("scan", "Scans"), ("flood", "Floods"))


def makers():
    """File name -> (maker, the command that makes it)."""
    both = [(record.SCENARIOS, "record.sh"), (craft.CRAFTED, "craft.py")]
    return {name: (maker, f"{command} {Path(name).stem}") for registry, command in both
            for name, maker in registry.items()}


def row(name, maker, command):
    cells = (f"`{name}`", maker.shows, maker.look_at, maker.origin, f"`{command}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def text():
    known, lines = makers(), []
    for prefix, title in CHAPTERS:
        rows = [row(name, *known.pop(name)) for name in sorted(known) if name.startswith(prefix)]
        lines += [f"## {title}", "", TABLE, *rows, ""]
    assert not known, f"no chapter for {', '.join(known)}"
    return HEAD + "\n".join(lines).rstrip() + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if README.exists() and README.read_text() == text() else "captures/README.md is not up to date")
    README.write_text(text())


if __name__ == "__main__":
    main()
