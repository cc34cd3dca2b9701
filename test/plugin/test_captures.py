"""The captures are what their README says: nothing missing, none without a row, the crafted ones made again alike.

Knows files and Wireshark's own fields, no plugin. Look next: captures/README.md; test_golden.py, for what the plugin
shows of them.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import importlib.util
import re
import subprocess
import sys

import pytest

from conftest import CAPTURES, all_captures

MAKE = CAPTURES / "make"
FILES = [path.name for path in all_captures()]

needs_scapy = pytest.mark.skipif(importlib.util.find_spec("scapy") is None, reason="Scapy is not installed")

# These have wrong checksums, or none in the capture, because that is what they show.
WITHOUT_GOOD_CHECKSUMS = {"open-self-connect.pcapng", "wild-bad-checksum.pcapng", "capture-snaplen-54.pcapng",
                          "capture-snaplen-44.pcapng"}
LARGEST = 200_000


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def test_every_capture_has_a_row_and_every_row_a_capture():
    rows = re.findall(r"^\| `([^`]+)` \|", (CAPTURES / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == FILES
    assert len(rows) >= 40


@needs_scapy
def test_readme_says_what_the_makers_say():
    done = run(sys.executable, str(MAKE / "readme.py"), "--check")
    assert done.returncode == 0, done.stderr


@needs_scapy
def test_crafted_captures_are_made_again_byte_for_byte():
    done = run(sys.executable, str(MAKE / "craft.py"), "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FILES)
def test_capture_is_small(name):
    assert (CAPTURES / name).stat().st_size < LARGEST


def frames_matching(display_filter, paths, directory):
    """The summary lines of the frames that match, in all the captures with one start of tshark."""
    merged = directory / "merged.pcapng"
    run("mergecap", "-a", "-w", str(merged), *map(str, paths))
    done = run("tshark", "-n", "-o", "tcp.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE",
               "-r", str(merged), "-Y", display_filter)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what, display_filter, names", [
    ("malformed", "_ws.malformed", FILES),
    ("larger than the path takes, an offload artefact", "frame.len > 1518", FILES),
    ("without a good checksum", "tcp.srcport && !icmp && !icmpv6 && !(tcp.checksum.status == 1)",
     sorted(set(FILES) - WITHOUT_GOOD_CHECKSUMS)),
])
def test_no_frame_is(what, display_filter, names, tmp_path):
    paths = [CAPTURES / name for name in names]
    if frames_matching(display_filter, paths, tmp_path):
        wrong = [path.name for path in paths if frames_matching(display_filter, [path], tmp_path)]
        pytest.fail(f"frames {what} in {', '.join(wrong)}")


@pytest.mark.parametrize("kind, packets", [("short", 11), ("long", 400), ("flood", 2), ("lossy", 11)])
def test_bulk_captures_have_the_packets_asked_for_and_good_checksums(kind, packets, tmp_path):
    path = tmp_path / "bulk.pcap"
    done = run(sys.executable, str(MAKE / "bulk.py"), "--connections", "110", "--packets-per-connection", str(packets),
               "--kind", kind, str(path))
    written = int(done.stderr.split()[0])
    assert written == 110 * packets or kind == "lossy" and 110 * packets < written < 110 * packets * 1.2
    assert len(frames_matching("tcp.checksum.status == 1", [path], tmp_path).splitlines()) == written
    assert frames_matching("_ws.malformed || ip.checksum.status == 0", [path], tmp_path) == ""


@pytest.mark.parametrize("name, frame, flags, seq, ack", [
    ("textbook-t1-client-closes", 1, "S", 3401804541, 0),
    ("textbook-t1-client-closes", 2, "SA", 2666924726, 3401804542),
    ("textbook-t1-client-closes", 8, "FA", 3401804619, 2666924970),
    ("textbook-t1-client-closes", 9, "FA", 2666924970, 3401804620),
    ("textbook-t1-client-closes", 10, "A", 3401804620, 2666924971),
])
def test_textbook_trace_one_has_its_absolute_numbers(name, frame, flags, seq, ack):
    assert numbers(name, relative=False)[frame - 1] == (flags, seq, ack)


def test_textbook_trace_two_has_its_lengths():
    assert lengths("textbook-t2-server-closes") == [279, 525]


def test_textbook_trace_three_has_its_lengths_and_relative_numbers():
    assert lengths("textbook-t3-curl") == [175, 479]
    assert numbers("textbook-t3-curl")[-3:] == [("FA", 176, 480), ("FA", 480, 177), ("A", 177, 481)]


def fields(name, *wanted, relative=True):
    options = [part for field in wanted for part in ("-e", field)]
    done = run("tshark", "-n", "-o", f"tcp.relative_sequence_numbers:{str(relative).upper()}", "-r",
               str(CAPTURES / f"{name}.pcapng"), "-T", "fields", *options)
    return [line.split("\t") for line in done.stdout.splitlines()]


def numbers(name, relative=True):
    """(flags, SEG.SEQ, SEG.ACK) of each frame; flags in the order FSRPA."""
    return [("".join(letter for letter in "FSRPA" if letter in flags), int(seq), int(ack))
            for flags, seq, ack in fields(name, "tcp.flags.str", "tcp.seq", "tcp.ack", relative=relative)]


def lengths(name):
    return [int(length) for (length,) in fields(name, "tcp.len") if length != "0"]
