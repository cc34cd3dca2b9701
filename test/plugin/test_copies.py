"""Every packet captured twice, as a SPAN port that mirrors both ways of a link delivers it (rule 12): all captures again,
each with a copy of every packet behind it.

Look next: plugin/core/numbers.c, which tells a copy from a retransmission; test/stories/duplicates.tcp, the single cases.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import subprocess

import pytest

from conftest import all_captures, append, open_to_all
from test_modes import same

# What is shown where a state changes, the numbers of frames left out: they differ.
SHOWN = ("tcpstate.transition", "tcpstate.open.syn_retransmits", "tcpstate.open.synack_retransmits", "tcpstate.open.status",
         "tcpstate.close.kind", "tcpstate.rst.validity", "tcpstate.rst.cause")


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    folder = open_to_all(tmp_path_factory.mktemp("doubled"))
    paths = []
    for path in all_captures():
        if path.name == "flood-syn.pcap":
            continue
        copies, both = folder / f"{path.stem}-copies.pcapng", folder / f"{path.stem}.pcapng"
        subprocess.run(["editcap", "-t", "0.0000001", str(path), str(copies)], check=True, capture_output=True)
        subprocess.run(["mergecap", "-w", str(both), str(path), str(copies)], check=True, capture_output=True)
        paths.append(both)
    return append(paths, folder / "all.pcapng")


def test_copies_change_no_state(everything, doubled, fields):
    once, twice = (fields(path, *SHOWN, options=["-Y", "tcpstate.transition"]) for path in (everything, doubled))
    assert len(once) > 500
    same(once, twice)


def test_the_copy_of_a_reset_is_named(doubled, fields):
    """Where the packet has an identification; the same answer to another segment looks like a copy where it has none."""
    shown = [validity for (validity,) in fields(doubled, "tcpstate.rst.validity",
                                                options=["-Y", "tcpstate.rst.validity && ip.id != 0"])]
    assert shown.count("copy") == shown.count("exact") + shown.count("repeated") >= 20
    causes = fields(doubled, "tcpstate.rst.cause", options=["-Y", 'tcpstate.rst.validity == "copy"'])
    assert set(causes) == {("",)}


def test_ladder_counts_copies_among_folded_data(doubled, tshark):
    ladder = tshark("-q", "-r", doubled.with_name("data-lost-and-repeated.pcapng"), "-z", "tcpstate,ladder,0").stdout
    assert "2 of them again" in ladder and "8 of them copies" in ladder


def test_report_of_resets_leaves_copies_out(doubled, tshark):
    report = tshark("-q", "-r", doubled.with_name("rst-abort-linger-0.pcapng"), "-z", "tcpstate,resets").stdout
    assert "\nCauses: 1 abort\n" in report
