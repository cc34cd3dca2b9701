# SPDX-License-Identifier: GPL-2.0-or-later
"""Records captures of real TCP stacks. Run through record.sh; needs root.

    record.py                   all of them (about a minute, four at a time)
    record.py open-refused …    only these; a name is the file's name without its suffix
    record.py --list            the names
    record.py --into DIR …      write there instead of into captures/
"""
import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import recorded_close
import recorded_forged
import recorded_open
import recorded_path
import recorded_reset
from common import CAPTURES, LINKTYPE_ETHERNET, CaptureFile
from lab import Lab

SCENARIOS = {**recorded_open.SCENARIOS, **recorded_close.SCENARIOS, **recorded_reset.SCENARIOS,
             **recorded_forged.SCENARIOS, **recorded_path.SCENARIOS}


def record(name, directory):
    """Plays one scenario in a laboratory of its own."""
    file_name = next(file for file in SCENARIOS if Path(file).stem == name)
    scenario = SCENARIOS[file_name]
    settings = dict(scenario.settings)
    linktype = settings.pop("linktype", LINKTYPE_ETHERNET)
    with CaptureFile(directory / file_name, scenario.shows, linktype) as capture:
        lab = Lab(capture, **settings)
        try:
            scenario(lab)
            lab.settle()
        finally:
            lab.close()


def record_apart(name, directory):
    """In a process of its own: a scenario that hangs or fails takes no other one with it."""
    command = [sys.executable, __file__, "--into", str(directory), "--here", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    return name, done.returncode, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--into", type=Path, default=CAPTURES)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    known = [Path(file).stem for file in SCENARIOS]
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"no such recording: {', '.join(sorted(unknown))}")
    if arguments.list:
        print("\n".join(known))
    elif arguments.here:
        for name in arguments.names:
            record(name, arguments.into)
    else:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda name: record_apart(name, arguments.into), arguments.names or known))
        failed = [f"{name}:\n{stderr}" for name, code, stderr in results if code]
        sys.exit("\n".join(failed) if failed else 0)


if __name__ == "__main__":
    main()
