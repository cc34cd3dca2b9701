"""Hostile captures: no crash, exit status 0, and nothing believed that no TCP would.

Headers cut at every octet, lies about the header's length, all 512 combinations of flags, files cut short, captures
mutated at random with fixed seeds. With TCPSTATE_PRELOAD naming a sanitizer's runtime, the same under the sanitizer;
with valgrind installed, a sample under memcheck. Look next: pcap_files.py, which makes the frames.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import itertools
import os
import re
import shutil
import struct
import subprocess

import pytest

import pcap_files
from conftest import CAPTURES, ROOT, append, open_to_all
from pcap_files import ACK, FIN, PSH, RST, SYN, conversation, read_with_times, to_client, to_server
from test_cli import REPORTS
from test_modes import same, without_ours

SHOWN = ("frame.number", "tcpstate.client", "tcpstate.server", "tcpstate.transition")
MUTATION_SEEDS = range(1, 9)
NORMAL = ["client→SYN_SENT", "server→SYN_RECEIVED", "client→ESTABLISHED|server→ESTABLISHED", "client→FIN_WAIT_1",
          "server→CLOSE_WAIT|client→FIN_WAIT_2", "server→LAST_ACK", "client→TIME_WAIT|server→CLOSED"]


@pytest.fixture(scope="module")
def survives(wireshark):
    """Reads a capture in the ways that touch all of the plugin; returns the rows of SHOWN."""
    def read(capture, status=(0,)):
        preload = os.environ.get("TCPSTATE_PRELOAD")
        environment = {"LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0"} if preload else None
        shown = [word for name in SHOWN for word in ("-e", name)]
        outputs = []
        for options in (["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", *shown], ["-2", "-V"],
                        ["-q", "-z", "tcpstate,exchanges", "-z", "tcpstate,connections"]):
            done = wireshark.tshark("-r", capture, *options, check=False, environment=environment)
            assert done.returncode in status, f"exit status {done.returncode}: {done.stderr[-2000:]}"
            assert "Dissector bug" not in done.stdout and "Sanitizer" not in done.stderr
            outputs.append(done.stdout)
        return [tuple(line.split("\t")) for line in outputs[0].splitlines()]
    return read


def transitions(rows):
    return [row[3] for row in rows if row[3]]


@pytest.fixture(scope="module")
def survive_together(survives, tmp_path_factory):
    """Lives of one connection, each put on a client address of its own and all in one capture: starting tshark costs
    more than reading them. Returns the rows of each life."""
    def read(lives):
        packets = [relocated(frame, (f"198.18.{index >> 8}.{index & 255}", 40000))
                   for index, life in enumerate(lives) for frame in life]
        rows = survives(pcap_files.write(open_to_all(tmp_path_factory.mktemp("lives")) / "c.pcap", packets))
        assert len(rows) == len(packets)
        at = iter(rows)
        return [list(itertools.islice(at, len(life))) for life in lives]
    return read


def relocated(frame, client):
    """The frame with another client address in the place of 192.0.2.10."""
    return frame.replace(pcap_files.address(pcap_files.CLIENT[0]), pcap_files.address(client[0]))


def test_conversation_of_this_file_is_a_normal_one(survives, scratch):
    rows = survives(pcap_files.write(scratch / "c.pcap", conversation()))
    assert transitions(rows) == NORMAL


# --- headers ---

def test_header_cut_at_every_octet_in_the_capture(survives, scratch):
    """The frame was longer on the wire. A segment whose flags and numbers are not there says nothing."""
    fin = to_server(FIN | ACK, 1101, 5101)
    whole = conversation()
    cut = [(fin[:length], len(fin)) for length in range(14, len(fin))]
    rows = survives(pcap_files.write(scratch / "c.pcap", whole[:7] + cut + whole[7:]))
    numbered = {int(row[0]): row for row in rows}
    # Up to the flags, 14 octets into TCP, nothing can be known.
    for length, number in zip(range(14, len(fin)), range(8, 8 + len(cut))):
        if length < 14 + 20 + 14:
            assert not numbered[number][3], f"{length} octets: {numbered[number]}"
    assert transitions(rows)[-1] == NORMAL[-1]


def test_header_cut_at_every_octet_on_the_wire(survives, scratch):
    """The frame ends there: IP says so too, or does not."""
    fin, whole = to_server(FIN | ACK, 1101, 5101), conversation()
    cut = []
    for length in range(14, len(fin)):
        cut.append(fin[:length])
        if length > 34:
            cut.append(fin[:16] + (length - 14).to_bytes(2, "big") + fin[18:length])
    rows = survives(pcap_files.write(scratch / "c.pcap", whole[:7] + cut + whole[7:]))
    assert not any(row[3] for row in rows[7:7 + len(cut)]), "a header that is not whole is no segment"
    assert transitions(rows) == NORMAL


@pytest.fixture(scope="module")
def rows_of_liars(survive_together):
    """The rows of a connection with a wrong header length in its eighth frame, by that length."""
    whole = conversation()
    return survive_together([whole[:7] + [to_server(FIN | ACK, 1101, 5101, offset=offset, options=b"\1" * 8)] + whole[7:]
                             for offset in range(16)])


@pytest.mark.parametrize("offset", range(16))
def test_header_length_that_lies(offset, rows_of_liars):
    """Below 5 and beyond the segment's end the header is bogus: it proves nothing."""
    rows = rows_of_liars[offset]
    if offset < 5 or offset > 7:
        assert not rows[7][3], rows[7]
        assert transitions(rows) == NORMAL


def test_options_that_lie(survive_together):
    """Option lengths of 0, 1 and beyond the header: the numbers and flags still count."""
    lies = [(kind, length) for kind in (2, 3, 5, 8, 34, 253) for length in (0, 1, 2, 255)]
    lives = [[to_server(SYN, 1000, offset=7, options=bytes([*lie, 0, 0, 0, 0, 0, 0]))] + conversation()[1:] for lie in lies]
    for lie, rows in zip(lies, survive_together(lives)):
        assert transitions(rows)[0] == NORMAL[0], lie


@pytest.fixture(scope="module")
def flag_rows(wireshark, tmp_path_factory):
    """Every combination of flags put into a connection of its own at three places: one capture, one run each."""
    folder = open_to_all(tmp_path_factory.mktemp("flags"))
    table = {}
    for place, seq in ((3, 1001), (7, 1101), (9, 1102)):
        packets = []
        for flags in range(512):
            client = (f"198.18.{flags >> 8}.{flags & 255}", 40000)
            life = [relocated(frame, client) for frame in conversation()]
            odd = relocated(to_server(flags, seq, 5101 if place > 5 else 5001), client)
            packets += life[:place] + [odd] + life[place:]
        capture = pcap_files.write(folder / f"flags-{place}.pcap", packets, step=0.001)
        rows = wireshark.fields(capture, *SHOWN)
        table[place] = [rows[i * 12:i * 12 + 12] for i in range(512)]
    return table


@pytest.mark.parametrize("place", [3, 7, 9])
def test_all_combinations_of_flags(place, flag_rows):
    for flags, rows in enumerate(flag_rows[place]):
        assert len(rows) == 12
        odd, shown = rows[place], f"flags {flags:#05x} after frame {place}: {rows[place]}"
        syn, fin, rst, ack = flags & SYN, flags & FIN, flags & RST, flags & ACK
        if not rst and (syn and fin or not (syn or fin or ack)):
            assert not odd[3], f"malformed, and yet: {shown}"
        if fin and not (syn or rst or ack):
            assert not odd[3], f"FIN without ACK, and yet: {shown}"
        if not (syn or fin or rst):
            assert not odd[3], f"nothing to change a state: {shown}"
            assert transitions(rows) == NORMAL, shown
        if rst:
            assert "client→CLOSED" in odd[3], f"an exact RST, whatever else is set: {shown}"


# --- files ---

def test_snaplen_54(survives, scratch):
    """Options and payload are cut off, numbers and flags are there."""
    cut = [(frame[:54], len(frame)) for frame in conversation()]
    assert transitions(survives(pcap_files.write(scratch / "c.pcap", cut))) == NORMAL


def test_zero_packets(survives, scratch):
    assert not survives(pcap_files.write(scratch / "c.pcap", []))


def test_file_cut_in_the_middle_of_a_packet(survives, scratch, wireshark):
    """tshark itself says so with an exit status of its own; what came before is shown."""
    path = pcap_files.write(scratch / "c.pcap", conversation())
    data = path.read_bytes()
    for length in (len(data) - 1, len(data) - 30, len(data) - 60, 24 + 16 + 54 + 7):
        path.write_bytes(data[:length])
        without = wireshark.tshark("-r", path, plugin=False, check=False)
        assert without.returncode > 0 and "cut short" in without.stderr
        rows = survives(path, status=(without.returncode,))
        assert transitions(rows) == NORMAL[:len(transitions(rows))] and transitions(rows)


def test_unknown_link_type(survives, scratch):
    survives(pcap_files.write(scratch / "c.pcap", conversation(), linktype=147))


def test_time_goes_backwards(survives, scratch):
    path = pcap_files.write(scratch / "c.pcap", conversation(), step=-1.5)
    assert transitions(survives(path)) == NORMAL


def test_no_frame_has_a_time(survives, scratch, wireshark):
    """pcapng's Simple Packet Blocks carry no time stamp."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    path = scratch / "c.pcapng"
    path.write_bytes(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0)) +
                     b"".join(block(3, struct.pack("<I", len(frame)) + frame) for frame in conversation()))
    path.chmod(0o644)
    assert transitions(survives(path)) == NORMAL


def test_one_forged_segment_poisons_nothing(survive_together):
    """Numbers from everywhere in the 32 bits, in both names, in the middle of a connection."""
    whole, distances, lives = conversation(), [], []
    for distance in (2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1 - 2**24, 2**30, 2**29, 1 << 26):
        for forged in (to_server(PSH | ACK, 1101 + distance, 5101, payload=b"z"), to_client(ACK, 5101 + distance, 1101),
                       to_client(ACK, 5101, 1101 + distance), to_server(ACK, 1101, 5101 + distance)):
            distances.append(distance)
            lives.append(whole[:7] + [forged] + whole[7:])
    for distance, rows in zip(distances, survive_together(lives)):
        assert transitions(rows) == NORMAL, f"distance {distance:#x}"


# --- one forged segment in real connections ---

MASK = 0xFFFFFFFF
# What was told of a frame: the connection must go on telling the same.
TOLD = ("frame.number", "tcpstate.pair")


def is_plain(frames):
    """Ethernet, IPv4 without options and fragments, whole TCP headers, one pair of addresses and ports."""
    pairs = set()
    for _, frame in frames:
        if len(frame) < 54 or frame[12:15] != b"\x08\x00\x45" or frame[23] != 6 or int.from_bytes(frame[20:22], "big") & 0x3FFF:
            return False
        ends = ((frame[26:30], frame[34:36]), (frame[30:34], frame[36:38]))
        pairs.add(min(ends, ends[::-1]))
    return len(pairs) == 1


def numbers(frame):
    """SEG.SEQ, SEG.ACK, flags and the sequence space that a plain frame takes."""
    seq, ack, first = struct.unpack_from("!IIH", frame, 38)
    flags = first & 0x1FF
    length = int.from_bytes(frame[16:18], "big") - 20 - (first >> 12) * 4
    return seq, ack, flags, length + bool(flags & SYN) + bool(flags & FIN)


def forged(frame, flags, seq, ack, offset=5):
    """A bare segment of the frame's sender, with numbers of the forger's."""
    segment = frame[34:38] + struct.pack("!IIHHHH", seq & MASK, ack & MASK, offset << 12 | flags, 1000, 0, 0)
    return frame[:16] + (20 + len(segment)).to_bytes(2, "big") + b"\x1e\x61" + frame[20:34] + segment


def forgeries(frames):
    """What a forger might send behind these frames who does not know the numbers, from each end."""
    last = {frame[26:38]: frame for _, frame in frames}
    if len(last) < 2 or any(numbers(frame)[2] & (RST | SYN) for frame in last.values()):
        return
    for frame in last.values():
        seq, ack, _, space = numbers(frame)
        for far in (0x48000000, 0x80000000, 0xB8000000):
            next_one, far_ack = seq + space, ack + far
            yield forged(frame, RST, next_one + far, 0)
            yield forged(frame, RST | ACK, next_one + far, far_ack)
            yield forged(frame, FIN | ACK, next_one + far, ack)
            yield forged(frame, FIN | ACK, next_one, far_ack)
            yield forged(frame, ACK, next_one, far_ack)
            yield forged(frame, PSH | ACK, next_one + far, ack)
        for flags in (0, FIN, SYN | FIN, FIN | PSH):
            yield forged(frame, flags, next_one, ack)
        for flags in (FIN | RST | ACK, SYN | RST):
            yield forged(frame, flags, next_one + 0x48000000, ack)
        yield forged(frame, RST, next_one, ack, offset=4)
        yield forged(frame, FIN | ACK, next_one, ack, offset=15)


def with_client(frame, number):
    """The frame with another address in the place of the one that is lower: each life gets a connection of its own."""
    at = 26 if frame[26:30] < frame[30:34] else 30
    return frame[:at] + (0x0A000000 + number).to_bytes(4, "big") + frame[at + 4:]


def test_one_forged_segment_in_real_connections(wireshark, scratch):
    """Recordings of real kernels, told again with one forged segment at a place: every frame but that one shows what it
    shows without it."""
    packets, times, lives = [], [], []

    def add(name, frames, extra=None, place=None):
        lives.append((name, len(packets), len(frames), place))
        for i, (time, frame) in enumerate(frames + [(0, b"")]):
            if i == place:
                packets.append(with_client(extra, len(lives)))
                times.append(frames[i - 1][0] + 1000)
            if frame:
                packets.append(with_client(frame, len(lives)))
                times.append(time)

    for path in sorted((CAPTURES / "kernel").glob("*.middle.pcap")):
        frames = read_with_times(path, scratch)
        if len(frames) > 30 or path.name.startswith("forged") or not is_plain(frames):
            continue
        add(path.name, frames)
        for place in range(2, len(frames) + 1, 3):
            for extra in forgeries(frames[:place]):
                add(path.name, frames, extra, place)
    assert len(lives) > 5000
    rows = wireshark.fields(pcap_files.write(scratch / "c.pcap", packets, times=times), *TOLD, timeout=900)
    assert len(rows) == len(packets)
    for name, start, count, place in lives:
        shown = [row[1] for row in rows[start:start + count + (place is not None)]]
        if place is None:
            expected = shown
            continue
        odd = shown.pop(place)
        assert shown == expected, f"{name}: with a segment put in behind frame {place} (frame {start + place + 1})"
        assert odd == shown[place - 1], f"{name}: a segment put in behind frame {place}"


def test_tcp_in_ip_in_ip_as_deep_as_it_goes(survives, scratch):
    """Each layer of IP says that IP follows; Wireshark stops somewhere, and so do we."""
    frames = []
    for depth in (1, 10, 60, 100, 250):
        for frame in conversation()[:3]:
            packet = frame[14:]
            for _ in range(depth):
                packet = b"\x45\0" + (len(packet) + 20).to_bytes(2, "big") + b"\0\0\x40\0\x40\x04\0\0\xc0\0\2\1\xc0\0\2\2" + packet
            frames.append(frame[:14] + packet)
    survives(pcap_files.write(scratch / "c.pcap", frames))


def test_same_addresses_and_ports_many_times(wireshark, scratch):
    """2,000 lives on one 4-tuple."""
    packets = []
    for life in range(2000):
        packets += conversation(client_isn=1000 + life * 1_000_003, server_isn=5000 + life * 3_000_017)
    path = pcap_files.write(scratch / "c.pcap", packets, step=0.001)
    rows = wireshark.fields(path, "tcpstate.incarnation", "tcpstate.transition")
    assert rows[-1][0] == "2000"
    assert sum(1 for row in rows if row[1] == "client→TIME_WAIT|server→CLOSED") == 2000


def test_a_connection_that_changes_its_state_without_end(wireshark, scratch):
    """Every segment a transition: FIN, its ACK, FIN again, ... Memory is bounded; what is dropped is said."""
    whole = conversation()
    pair = [to_server(FIN | ACK, 1101, 5101), to_client(ACK, 5101, 1102)]
    # A quarter of a second apart: nobody can take them for copies of one packet.
    path = pcap_files.write(scratch / "c.pcap", whole[:7] + pair * 20_000, step=0.25)
    # Linear it takes a few seconds of the processor, however busy the machine; what walks the log anew for every packet
    # takes minutes.
    shown = [word for name in ("tcpstate.transition", "tcpstate.reason") for word in ("-e", name)]
    done = wireshark.run("prlimit", "--cpu=40", "tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", *shown)
    rows = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    assert len(rows) == 40_007
    changes = sum(1 for row in rows if row[0])
    said = [row[1] for row in rows if "not tracked" in row[1]]
    assert changes >= 40_000 or len(said) == 1, f"{changes} changes and {len(said)} words about what was dropped"


# --- mutations ---

@pytest.fixture(scope="module")
def mutated(everything, tmp_path_factory):
    """All captures in one, with octets changed at random by editcap with fixed seeds; seed None: as they are."""
    folder = open_to_all(tmp_path_factory.mktemp("mutated"))

    def make(seed):
        if seed is None:
            return everything
        path = folder / f"mutated-{seed}.pcapng"
        rate, offset = (0.002, 0.01, 0.05, 0.2)[seed % 4], (0, 14, 34)[seed % 3]
        subprocess.run(["editcap", "-E", str(rate), "-o", str(offset), "--seed", str(seed), str(everything),
                        str(path)],
                       check=True, capture_output=True)
        path.chmod(0o644)
        return path
    return make


@pytest.mark.parametrize("seed", MUTATION_SEEDS)
def test_mutated_captures(seed, mutated, survives, wireshark):
    """No crash; and what the plugin does not own stays as it is without it, exit status included."""
    path = mutated(seed)
    survives(path)
    without = wireshark.tshark("-r", path, "-V", plugin=False, check=False)
    with_plugin = wireshark.tshark("-r", path, "-V", check=False)
    assert without.returncode == with_plugin.returncode
    same(without.stdout.splitlines(), without_ours(with_plugin.stdout))


@pytest.mark.parametrize("seed", list(MUTATION_SEEDS)[:4])
def test_mutated_captures_in_two_passes(seed, mutated, wireshark):
    path = mutated(seed)
    once, twice = (wireshark.fields(path, *SHOWN, "tcpstate.reason", options=way) for way in ([], ["-2"]))
    same(once, twice)


@pytest.mark.parametrize("way", [[], ["-2"]], ids=["one-pass", "two-passes"])
def test_inputs_that_the_fuzzer_found(way, wireshark, survives, scratch):
    """What the plugin does not own stays as it is without it; each frame the same in every pass is the fuzzer's own check."""
    inputs = sorted((ROOT / "test" / "fuzz" / "plugin-corpus").iterdir())
    whole = append(inputs, scratch / "corpus.pcapng")
    survives(whole)
    without, with_it = (wireshark.tshark("-r", whole, "-V", *way, plugin=plugin) for plugin in (False, True))
    same(without.stdout.splitlines(), without_ours(with_it.stdout))
    assert without.stderr == with_it.stderr and len(with_it.stdout) > len(without.stdout)


@pytest.mark.skipif(shutil.which("randpkt") is None, reason="randpkt is not installed")
def test_random_packets(survives, scratch):
    path = scratch / "random.pcapng"
    done = subprocess.run(["randpkt", "-b", "200", "-c", "500", "-t", "tcp", str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"randpkt: {done.stderr.strip()}")
    path.chmod(0o644)
    survives(path)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.parametrize("seed", [None, 2], ids=["all-captures", "changed"])
def test_no_error_under_valgrind(seed, wireshark, mutated, scratch):
    """memcheck, which sees what is read before it was written, as test_sanitized.py does not. What libwireshark itself
    does is not ours: only stacks with our code count."""
    log = scratch / "valgrind.xml"
    log.touch()
    log.chmod(0o666)
    done = wireshark.run("valgrind", "-q", "--leak-check=no", "--xml=yes", f"--xml-file={log}", "tshark", "-n", "-r",
                         mutated(seed), *(["-c", "600"] if seed else []), "-2", "-V",
                         *(word for name in (*REPORTS, "ladder,3") for word in ("-z", f"tcpstate,{name}")), check=False,
                         timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "TCP State" in done.stdout
    errors = re.findall(r"<error>.*?</error>", log.read_text(), re.DOTALL)
    ours = [error for error in errors if "tcpstate" in error or "tcps_" in error]
    assert not ours, ours[0]
