# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the scripted captures, byte for byte the same each time. Some are made out of recorded ones in captures/.

    craft.py            all of them, into captures/
    craft.py NAME …     only these; a name is the file's name without its suffix
    craft.py --list     the names
    craft.py --check    makes nothing; says which files in captures/ differ from what the scripts make, and fails if any
"""
import argparse
import sys
import tempfile
from pathlib import Path

import crafted_connections
import crafted_paths
from common import CAPTURES, CaptureFile

CRAFTED = {**crafted_connections.CRAFTED, **crafted_paths.CRAFTED}


def craft(file_name, directory):
    maker = CRAFTED[file_name]
    path = directory / file_name
    with CaptureFile(path, maker.shows, **maker.settings) as capture:
        for seconds, frame in maker():
            capture.write(frame, seconds)
    return path


def differing(names):
    """The names whose file in captures/ is absent or not what the script makes."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            made, kept = craft(name, Path(scratch)), CAPTURES / name
            if not kept.exists() or made.read_bytes() != kept.read_bytes():
                yield name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    known = {Path(file).stem: file for file in CRAFTED}
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"no such crafted capture: {', '.join(sorted(unknown))}")
    wanted = [known[name] for name in arguments.names or known]
    if arguments.list:
        print("\n".join(known))
    elif arguments.check:
        wrong = list(differing(wanted))
        sys.exit(f"differ from what the scripts make: {', '.join(wrong)}" if wrong else 0)
    else:
        for name in wanted:
            craft(name, CAPTURES)


if __name__ == "__main__":
    main()
