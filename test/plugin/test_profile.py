"""The profile "TCP State": its filters are valid and find what they are for, its columns show, its colours can be told
apart, and its zip file holds what Wireshark imports.

The profile is the one that the build made, beside the plugin under test. Look next: plugin/profile/situations.cmake.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import csv
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import zipfile

import pytest

from conftest import Wireshark, open_to_all

NAME = "TCP State"
FILES = {"preferences", "recent", "colorfilters", "dfilter_buttons", "dfilter_macros", "dmacros"}
CAPTURE = "textbook-t3-curl.pcapng"

# Rule of colour: a capture and a frame that it is for.
COLOURED = {
    "opening": (CAPTURE, 2),
    "closing": (CAPTURE, 8),
    "half-closed": ("close-last-ack-lost.pcapng", 9),
    "corrected": ("close-last-ack-lost.pcapng", 12),
    "reset": ("open-refused.pcapng", 2),
    "reset not accepted": ("rst-in-window-challenge-ack.pcapng", 8),
    "opening fails": ("icmp-quotes-syn.pcapng", 2),
    "assumed": ("midstream-data.pcapng", 1),
    "stuck": (None, 0),  # no capture here lasts long enough: a test of its own
}

# Macro with arguments: the frames of CAPTURE that it finds.
MACROS = {
    "tcp_state:FIN_WAIT_2": "9",
    "tcp_pair:LAST_ACK;FIN_WAIT_2": "9",
    "tcp_enters:ESTABLISHED": "3",
    "tcp_waits:ESTABLISHED;0.015": "7 8",
    "tcp_opening": "1 2 3",
    "tcp_closing": "8 9 10",
    "tcp_stuck": "",
}


def made():
    """The folder of the profile that was built with the plugin."""
    return pathlib.Path(os.environ["TCPSTATE_MODULE"]).resolve().parent / "profiles" / NAME


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def unquoted(row):
    return [cell.replace("\\x22", '"') for cell in row]


def colours():
    """(name, filter, background, text); colours as (red, green, blue) up to 1."""
    for line in lines(made() / "colorfilters"):
        name, rule, background, text = re.fullmatch(r"@(.+?)@(.+)@\[([\d,]+)\]\[([\d,]+)\]", line).groups()
        yield name.removeprefix("TCP State: "), rule, *(tuple(int(part) / 65535 for part in colour.split(","))
                                                       for colour in (background, text))


def buttons():
    return [unquoted(row) for row in csv.reader(lines(made() / "dfilter_buttons"))]


def columns(path, key, first):
    """Every second text between quotation marks behind `key`, from number `first` on."""
    return re.findall(r'"([^"]*)"', path.read_text(encoding="utf-8").split(key)[1])[first::2]


@pytest.fixture(scope="module")
def home(wireshark, tmp_path_factory):
    """A user's home with the profile in it."""
    folder = open_to_all(tmp_path_factory.mktemp("profile-home"))
    shutil.copytree(made(), folder / ".config" / "wireshark" / "profiles" / NAME)
    return Wireshark(folder)


@pytest.fixture(scope="module")
def shown(home):
    """tshark with the profile."""
    return lambda *arguments, **options: home.tshark("-C", NAME, *arguments, **options)


@pytest.fixture(scope="module")
def rule_at(shown, captures):
    """The rule of colour that a frame has."""
    def rule(capture, frame, options=()):
        done = shown("-r", captures / capture, *options, "--color", "-Y", f"frame.number == {frame}", "-T", "fields",
                     "-e", "frame.coloring_rule.name")
        return done.stdout.strip().removeprefix("TCP State: ")
    return rule


def test_files_of_the_profile():
    assert {path.name for path in made().iterdir()} == FILES


def test_every_filter_is_valid(shown, captures):
    """All of them in one filter; that an invalid one among them is noticed, is seen too."""
    every = [rule for _, rule, _, _ in colours()] + [row[2] for row in buttons()]
    assert len(every) > 20
    one = " || ".join(f"({rule})" for rule in every)
    shown("-r", captures / CAPTURE, "-Y", one)
    assert shown("-r", captures / CAPTURE, "-Y", one + " || (tcpstate.nothing)", check=False).returncode != 0


def test_nothing_is_complained_of(shown, captures):
    assert shown("-r", captures / CAPTURE, "--color").stderr == ""


def test_columns_show(shown, captures):
    done = shown("-r", captures / CAPTURE)
    row = done.stdout.splitlines()[8]
    assert "FIN_WAIT_2 LAST_ACK server→CLOSE_WAIT,server→LAST_ACK,client→FIN_WAIT_2" in row
    assert "[server→" not in row  # the Info column need not repeat them


def test_columns_have_widths():
    formats = columns(made() / "preferences", "gui.column.format:", 1)
    widths = columns(made() / "recent", "column.width:", 0)
    assert widths == [re.sub(r"(%Cus:.*):0:R", r"\1", column) for column in formats]


@pytest.mark.parametrize("name", [name for name in COLOURED if name != "stuck"])
def test_colour_of_a_situation(rule_at, name):
    assert rule_at(*COLOURED[name]) == name


def test_colour_of_what_is_stuck(rule_at, captures, scratch):
    """A half-closed connection whose open end goes on after two minutes."""
    scapy = pytest.importorskip("scapy.all")
    packets = scapy.rdpcap(str(captures / "close-half-closed-server-sends-on.pcapng"))
    packets[-1].time += 120
    path = scratch / "late.pcap"
    scapy.wrpcap(str(path), packets)
    assert rule_at(path, len(packets) - 1) != "stuck"
    path.write_bytes(b"")
    packets[-2].time += 120
    scapy.wrpcap(str(path), packets)
    assert rule_at(path, len(packets) - 1) == "stuck"


def test_every_rule_of_colour_is_tested():
    assert {name for name, *_ in colours()} == set(COLOURED)


def test_an_open_connection_keeps_the_themes_colours(rule_at):
    assert rule_at(CAPTURE, 5) == ""


@pytest.mark.parametrize("macro", MACROS)
def test_macro(shown, captures, macro):
    done = shown("-r", captures / CAPTURE, "-Y", "${" + macro + "}", "-T", "fields", "-e", "frame.number")
    assert " ".join(done.stdout.split()) == MACROS[macro]


def test_both_files_have_the_same_macros():
    """dfilter_macros is for Wireshark up to 4.2, dmacros for 4.4 and later; one of the two is untested here."""
    old = {name: text for name, text in (unquoted(row) for row in csv.reader(lines(made() / "dfilter_macros")))}
    new = dict(re.fullmatch(r'"(\w+)" (.+)', line).groups() for line in lines(made() / "dmacros"))
    assert old == new and set(old) == {macro.split(":")[0] for macro in MACROS}


# ---- colours that everybody can tell apart ----

def linear(colour):
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]


def luminance(colour):
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(colour)))


def contrast(one, other):
    """As the Web Content Accessibility Guidelines 2.1 define it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# How each kind of colour blindness sees linear red, green and blue (Machado, Oliveira, Fernandes 2009, severity 1).
SIGHT = {
    "all three": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def lab(colour, sight):
    """CIE L*a*b* of what is seen."""
    seen = [min(max(sum(a * b for a, b in zip(row, linear(colour))), 0), 1) for row in sight]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (sum(a * b for a, b in zip(row, seen)) / white for row, white in zip(rows, (0.9505, 1, 1.089)))
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def test_text_is_readable():
    for name, _, background, text in colours():
        assert contrast(background, text) >= 7, name  # level AAA


@pytest.mark.parametrize("sight", SIGHT)
def test_backgrounds_can_be_told_apart(sight):
    """A distance of 2.3 is just noticeable side by side; rows are seen from afar."""
    for (one, _, a, _), (other, _, b, _) in itertools.combinations(colours(), 2):
        distance = sum((p - q) ** 2 for p, q in zip(lab(a, SIGHT[sight]), lab(b, SIGHT[sight]))) ** 0.5
        assert distance > 8, f"{one} and {other}: {distance:.1f}"


# ---- the zip file ----

def test_the_zip_file_holds_the_profile(tmp_path):
    build = made().parents[2]
    if not (build / "CMakeCache.txt").exists() or shutil.which("cmake") is None:
        pytest.skip("the plugin is not in its build tree")
    subprocess.run(["cmake", "--build", build, "--target", "profile-zip"], check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(made().parents[1] / "tcpstate-profile.zip") as file:
        assert {name for name in file.namelist() if not name.endswith("/")} == {f"{NAME}/{name}" for name in FILES}
        file.extractall(tmp_path)
    for name in FILES:
        assert (tmp_path / NAME / name).read_bytes() == (made() / name).read_bytes()
