"""What the plugin shows for every capture of the repository, against golden files and against captures/README.md.

The README's column "look at" is held against the plugin by parsing its sentences; the golden files hold every frame.
After a change of the rules: `pytest test/plugin/test_golden.py --update`, then review `git diff` line by line against
the README. Look next: captures/README.md.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import collections
import functools
import pathlib
import re

import pytest

from conftest import CAPTURES, all_captures

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
NAMES = [path.name for path in all_captures()]
# Floods are long and all alike: their beginning is enough for a golden file.
LONGEST = 100
STATES = ("CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT",
          "CLOSING", "LAST_ACK", "TIME_WAIT")

Frame = collections.namedtuple("Frame", "number client server client_basis server_basis transitions reasons corrected")
FIELDS = ("frame.number", "tcpstate.client", "tcpstate.server", "tcpstate.client.basis", "tcpstate.server.basis",
          "tcpstate.transition", "tcpstate.reason", "tcpstate.corrected")


@pytest.fixture(scope="module")
def frames_of(fields):
    """The frames with states of a capture, by name; read once."""
    @functools.lru_cache(maxsize=None)
    def read(name):
        rows = fields(CAPTURES / name, *FIELDS, options=["-Y", "tcpstate"])
        return [Frame(int(row[0]), *row[1:5], *(tuple(filter(None, cell.split("|"))) for cell in row[5:8]))
                for row in rows]
    return read


# --- golden files ---

def golden_text(frames):
    lines = []
    for frame in frames:
        if frame.number > LONGEST:
            break
        line = f"{frame.number:>4} {frame.client:<14} {frame.client_basis:<9} {frame.server:<14} {frame.server_basis:<9}"
        lines.append(f"{line} {', '.join(frame.transitions)}".rstrip())
        if frame.corrected:
            lines.append(f"       corrects {', '.join(frame.corrected)}")
        lines += [f"       {reason}" for reason in frame.reasons]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_golden(name, frames_of, update):
    path = GOLDEN / f"{name.split('.')[0]}.txt"
    text = golden_text(frames_of(name))
    if update:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), "no golden file yet: run with --update and review what it writes"
    assert text == path.read_text()


def test_no_golden_file_without_a_capture():
    assert {path.stem for path in GOLDEN.glob("*.txt")} <= {name.split(".")[0] for name in NAMES}


# --- the sentences of captures/README.md ---

STATE = "|".join(STATES)
ITEM = re.compile(r"(?:^|(?<=[.;,] ))((?:\d+)(?:(?:, | and | to )\d+)*)(?: onwards)?: ")
ARROW = re.compile(rf"\b(client|server)→({STATE})\b|"
                   rf"\b(client|server)(?: ({STATE}))((?:→(?:{STATE}))+)|"
                   rf"\b(client|server) back to ({STATE})\b")
BOTH = re.compile(rf"\bboth ({STATE})\b|\b({STATE}) both\b")
STANDING = re.compile(r"stay|still|assumed\)|goes on|after it|already")
NOTHING = re.compile(r"no (?:change|transition|fact changes|retraction|segment|states)|changes? no|nobody moves|"
                     r"nothing (?:more|new)|changes? nothing|: nothing\b")
STAYS = re.compile(rf"(client|server|both)(?: is)? (?:stays?|still) ({STATE})|still (client) ({STATE})")
# A sentence with one of these leaves room on purpose.
VAGUE = re.compile(r" if | or past it| at least| or LAST_ACK| each connection")


def frame_numbers(text):
    numbers = []
    for part in re.split(r", | and (?=\d)", text):
        first, _, last = part.partition(" to ")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def sentences_of(look_at):
    """[(frame numbers, what is said of them)] of one cell of the README."""
    starts = list(ITEM.finditer(look_at))
    for here, after in zip(starts, starts[1:] + [None]):
        numbers, said = frame_numbers(here[1]), look_at[here.end():after.start() if after else None].strip()
        # "15 to 17: SYN_SENT, SYN_RECEIVED, then RST: server→LISTEN" tells where it ends.
        yield numbers[-1:] if ", then " in said else numbers, said


def readme_rows():
    text = (CAPTURES / "README.md").read_text()
    for line in text.splitlines():
        cells = line.split(" | ")
        if line.startswith("| `") and len(cells) == 5:
            yield cells[0].strip("| `"), cells[2]


ROWS = dict(readme_rows())
SENTENCES = [(name, number, said) for name, look_at in ROWS.items() for numbers, said in sentences_of(look_at)
             for number in numbers]


def transitions_said(said):
    """The transitions that a sentence names, in its order."""
    found = []
    for match in ARROW.finditer(said):
        if match[1]:
            found.append(f"{match[1]}→{match[2]}")
        elif match[3]:
            found += [f"{match[3]}→{state}" for state in match[5].split("→") if state]
        else:
            found.append(f"{match[6]}→{match[7]}")
    return found


def test_the_sentences_are_understood():
    """The parser must not quietly understand less and less."""
    assert set(ROWS) == set(NAMES)
    assert len(SENTENCES) > 300
    understood = sum(1 for _, _, said in SENTENCES
                     if transitions_said(said) or BOTH.search(said) or NOTHING.search(said) or STAYS.search(said))
    assert understood > 250


@pytest.mark.parametrize("name, number, said", SENTENCES)
def test_the_readme_of_the_captures_tells_the_truth(name, number, said, frames_of):
    if VAGUE.search(said) or "With -o" in ROWS[name]:
        pytest.skip("the sentence leaves room: read it")
    frames = {frame.number: frame for frame in frames_of(name)}
    if number not in frames:
        assert NOTHING.search(said) or re.search(r"quoted|^as ", said), f"frame {number} shows no states"
        return
    frame = frames[number]
    transitions = transitions_said(said)
    both = BOTH.search(said)
    shown = f"shown: {frame}"
    if both:
        state = both[1] or both[2]
        assert (frame.client, frame.server) == (state, state), shown
        if not STANDING.search(said):
            assert frame.transitions, shown
    elif transitions:
        # "client back to" is told first but what the acknowledgement does to the other end may follow.
        assert sorted(set(transitions)) == sorted(set(frame.transitions)) or \
            list(frame.transitions)[:len(transitions)] == transitions or set(transitions) < set(frame.transitions), shown
        for role in ("client", "server"):
            order = [transition for transition in frame.transitions if transition in transitions]
            assert [word for word in order if word.startswith(role)] == \
                [word for word in transitions if word.startswith(role)] or "back to" in said, shown
    if "back to" in said or "orrected" in said:
        assert frame.corrected, shown
    if NOTHING.search(said):
        assert not frame.transitions, shown
    for match in STAYS.finditer(said):
        who, state = match[1] or match[3], match[2] or match[4]
        for role in ("client", "server") if who == "both" else (who,):
            assert getattr(frame, role) == state, shown


ALIKE = [(name, match[1]) for name, look_at in ROWS.items()
         for match in [re.search(r"[Aa]s ((?:open|close|path)-[a-z0-9-]+)", look_at)]
         if match and f"{match[1]}.pcapng" in ROWS and match[1] != "wrap-during-close" and "8 to 11" not in look_at]


@pytest.mark.parametrize("name, model", ALIKE)
def test_captures_that_show_the_same(name, model, frames_of):
    """'As open-three-way': the same transitions in the same order."""
    def story(capture):
        return [frame.transitions for frame in frames_of(capture) if frame.transitions]
    assert story(name) == story(f"{model}.pcapng")


# --- what the README says in words only ---

def all_transitions(frames):
    return [(frame.number, transition) for frame in frames for transition in frame.transitions]


@pytest.mark.parametrize("name", ["capture-span-duplicates.pcapng", "capture-span-vlan-copies.pcapng",
                                  "path-gre-and-plain-copy.pcapng", "path-vxlan-and-plain-copy.pcapng",
                                  "path-router-any-interface.pcapng"])
def test_copies_count_for_nothing(name, frames_of, fields):
    shown = all_transitions(frames_of(name))
    if "plain-copy" in name:
        # Two depths of tunnel are two connections to the plugin: each has its own life, neither goes back and forth.
        assert len(shown) in (9, 10, 18, 20)
    else:
        assert {number % 2 for number, _ in shown} == {1}
        assert len({transition for _, transition in shown}) == len(shown)
    assert not any(frame.corrected for frame in frames_of(name))
    for counts in fields(CAPTURES / name, "tcpstate.open.syn_retransmits", "tcpstate.open.synack_retransmits"):
        assert set("|".join(counts).split("|")) <= {"", "0"}


def test_twelve_connections_at_once(frames_of):
    counts = collections.Counter(transition for _, transition in all_transitions(frames_of("http-twelve-at-once.pcapng")))
    assert counts["client→TIME_WAIT"] == 12 and counts["server→LAST_ACK"] == 12 and counts["server→SYN_RECEIVED"] == 12


def test_two_lives_behind_nat(fields):
    lives = collections.defaultdict(list)
    for stream, transition in fields(CAPTURES / "path-router-nat.pcapng", "tcp.stream", "tcpstate.transition"):
        if transition:
            lives[stream].append(transition)
    first, second = lives.values()
    assert first == second and first[-1].endswith("CLOSED")


def test_flood_leaves_few_half_open(fields):
    last = {}
    for stream, server in fields(CAPTURES / "flood-syn.pcap", "tcp.stream", "tcpstate.server"):
        last[stream] = server
    counts = collections.Counter(last.values())
    assert 90 <= counts["SYN_RECEIVED"] <= 100 and counts["ESTABLISHED"] == 0 and len(last) == 2001


def test_no_flags_no_states(frames_of):
    assert frames_of("capture-snaplen-44.pcapng") == []


def test_bad_checksum_counts_only_where_the_user_asks(fields):
    capture = CAPTURES / "wild-bad-checksum.pcapng"
    def transitions(*options):
        return [(int(row[0]), row[1]) for row in fields(capture, "frame.number", "tcpstate.transition", options=options)
                if row[1]]
    asked = dict(transitions("-o", "tcp.check_checksum:TRUE"))
    assert 8 not in asked and 9 not in asked and asked[14] == "client→FIN_WAIT_1"
    unasked = dict(transitions("-o", "tcp.check_checksum:FALSE"))
    assert "FIN_WAIT_1" in unasked[8] and "CLOSED" in unasked[9]
