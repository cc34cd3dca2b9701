"""One answer in every mode: however Wireshark gets at a packet, the states it shows are the same.

All captures are appended into one file. The reference is tshark's
one pass with -T fields; every other way must agree with it frame by frame. And with the plugin loaded, every line of
tshark's output that is not the plugin's own is what it was without. Look next: conftest.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import collections
import gzip
import json
import random
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import pcap_files
from conftest import CAPTURES, all_captures, append, open_to_all

# As of the packet: these may not depend on the pass. (tcpstate.final.* is of the end of the capture.)
STATES = ("tcpstate.client", "tcpstate.server", "tcpstate.client.before", "tcpstate.server.before",
          "tcpstate.client.basis", "tcpstate.server.basis", "tcpstate.pair", "tcpstate.transition", "tcpstate.sender",
          "tcpstate.role_basis", "tcpstate.incarnation", "tcpstate.rst.validity")
# These hold numbers of frames, or sentences that do: a read filter gives the frames other numbers.
FRAMES = ("tcpstate.client.since", "tcpstate.server.since", "tcpstate.reason", "tcpstate.corrected",
          "tcpstate.open.syn", "tcpstate.open.synack", "tcpstate.open.ack", "tcpstate.close.fin1", "tcpstate.close.ack1",
          "tcpstate.close.fin2", "tcpstate.close.ack2")
OTHERS = ("tcpstate.client.time_in_state", "tcpstate.server.time_in_state", "tcpstate.open.kind",
          "tcpstate.open.status", "tcpstate.open.time", "tcpstate.open.syn_retransmits", "tcpstate.close.kind",
          "tcpstate.close.initiator", "tcpstate.close.time", "tcpstate.step", "tcpstate.exchange", "tcpstate.rst.cause",
          "tcpstate.conn_state", "tcpstate.history")
ALL = STATES + FRAMES + OTHERS
# With a read filter, a frame that is rejected has no number of its own: history goes by numbers, and may then be another.
WITH_READ_FILTER = STATES + tuple(name for name in OTHERS if name != "tcpstate.history")
# With ip.defragment off, a fragmented segment is not seen whole and is no segment any more.
FRAGMENTED = re.compile(r"ip-fragments")
# The heading of our subtree in -V; the brackets mean that it is not in the packet.
HEADING = re.compile(r"^\[?TCP State,")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return open_to_all(tmp_path_factory.mktemp("modes"))


@pytest.fixture(scope="module")
def reference(fields, everything):
    """{frame number: {field: value}} of one pass, for all frames."""
    rows = fields(everything, "frame.number", *ALL)
    table = {int(row[0]): dict(zip(ALL, row[1:])) for row in rows}
    with_state = sum(1 for row in table.values() if row["tcpstate.client"])
    assert len(table) > 2000 and with_state > 1800, "the reference itself is empty"
    return table


def only(table, names, keep=lambda row: True):
    """The rows that `keep` says, with the named fields, in order of frames."""
    return [tuple(row[name] for name in names) for _, row in sorted(table.items()) if keep(row)]


def has_state(row):
    return bool(row["tcpstate.client"])


def first_differences(expected, found):
    """What pytest would show as thousands of lines. The numbers in brackets are places in ALL."""
    def difference(left, right):
        if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
            return " · ".join(f"[{i}] {a!r} became {b!r}" for i, (a, b) in enumerate(zip(left, right)) if a != b)
        return f"{left!r} became {right!r}"
    different = [f"row {i + 1}: {difference(left, right)}"
                 for i, (left, right) in enumerate(zip(expected, found)) if left != right]
    if len(expected) != len(found):
        different.append(f"expected {len(expected)} rows, found {len(found)}")
    return "\n".join([f"{len(different)} differences, the first:", *different[:10]]) if different else ""


def same(expected, found):
    problem = first_differences(list(expected), list(found))
    assert not problem, problem


# --- passes and filters ---

def test_two_passes(fields, everything, reference):
    rows = fields(everything, *ALL, options=["-2"])
    same(only(reference, ALL), rows)


def test_display_filter_on_our_own_field(fields, everything, reference):
    rows = fields(everything, "frame.number", *ALL, options=["-Y", "tcpstate.transition"])
    same([(str(number), *(row[name] for name in ALL)) for number, row in sorted(reference.items())
          if row["tcpstate.transition"]], rows)


def test_display_filter_in_the_second_pass(fields, everything, reference):
    rows = fields(everything, *ALL, options=["-2", "-Y", 'tcpstate.server == "CLOSE_WAIT"'])
    same(only(reference, ALL, lambda row: "CLOSE_WAIT" in row["tcpstate.server"].split("|")), rows)


@pytest.mark.parametrize("state", ["ESTABLISHED", "LAST_ACK"])
def test_read_filter_on_our_own_field(state, fields, everything, reference):
    """The frames that the filter rejects have no number, but they count."""
    rows = fields(everything, *WITH_READ_FILTER, options=["-2", "-R", f'tcpstate.server == "{state}"'])
    same(only(reference, WITH_READ_FILTER, lambda row: state in row["tcpstate.server"].split("|")), rows)


@pytest.mark.parametrize("passes", ["tcp.flags.fin == 1", "tcp.flags.fin == 0", "tcp.flags.syn == 0", "tcp.flags == 0x10"])
def test_read_filter_that_rejects_frames(passes, fields, everything, reference):
    numbers = [int(row[0]) for row in fields(everything, "frame.number", options=["-Y", passes])]
    rows = fields(everything, *WITH_READ_FILTER, options=["-2", "-R", passes])
    same(only({number: reference[number] for number in numbers}, WITH_READ_FILTER), rows)


def test_read_filter_that_rejects_nothing_leaves_frame_numbers(fields, everything, reference):
    rows = fields(everything, *ALL, options=["-2", "-R", "frame"])
    same(only(reference, ALL), rows)


# --- formats ---

def test_json(tshark, everything, reference):
    options = [word for name in STATES for word in ("-e", name)]
    packets = json.loads(tshark("-r", everything, "-T", "json", *options).stdout)
    same(only(reference, STATES),
         [tuple("|".join(packet["_source"]["layers"].get(name, [])) for name in STATES) for packet in packets])


def test_json_of_the_whole_tree(tshark, everything, reference):
    packets = json.loads(tshark("-r", everything, "-T", "json", "--no-duplicate-keys", "-J", "tcpstate").stdout)
    found = []
    for packet in packets:
        layers = packet["_source"]["layers"].get("tcpstate", {})
        values = [layer.get("tcpstate.pair", "") for layer in (layers if isinstance(layers, list) else [layers])]
        found.append("|".join(values))
    same([row["tcpstate.pair"] for _, row in sorted(reference.items())], found)


def test_elasticsearch(tshark, everything, reference):
    options = [word for name in STATES for word in ("-e", name)]
    lines = [json.loads(line) for line in tshark("-r", everything, "-T", "ek", *options).stdout.splitlines()]
    packets = [line["layers"] for line in lines if "layers" in line]
    same(only(reference, STATES),
         [tuple("|".join(packet.get(name.replace(".", "_"), [])) for name in STATES) for packet in packets])


def test_pdml(tshark, everything, reference):
    found = []
    for packet in xml.etree.ElementTree.fromstring(tshark("-r", everything, "-T", "pdml").stdout):
        shown = collections.defaultdict(list)
        for field in packet.iterfind("proto[@name='tcpstate']//field"):
            shown[field.get("name")].append(field.get("show"))
        found.append(tuple("|".join(shown[name]) for name in STATES))
    same(only(reference, STATES), found)


def test_verbose(tshark, everything, reference):
    """One heading per TCP layer, and it says what the fields say."""
    headings = [line.strip("[]") for line in tshark("-r", everything, "-V").stdout.splitlines() if HEADING.match(line)]
    at = 0
    for _, row in sorted(reference.items()):
        count = len(row["tcpstate.client"].split("|")) if has_state(row) else 0
        if count == 1:
            heading = headings[at]
            for role in ("client", "server"):
                shown = re.search(rf"{role}: ([A-Z0-9_ →]+)", heading)[1].strip()
                assert shown.split(" → ")[-1] == row[f"tcpstate.{role}"], (heading, row)
                wanted = [word for word in row["tcpstate.transition"].split("|") if word.startswith(f"{role}→")]
                assert [f"{role}→{state}" for state in shown.split(" → ")[1:]] == wanted, (heading, row)
        at += count
    assert at == len(headings)


@pytest.mark.parametrize("way", [[], ["-2"], ["-V"], ["-Y", "tcpstate.transition"]], ids=lambda way: " ".join(way) or "plain")
def test_report_is_the_same_in_every_pass(way, tshark, everything):
    """-z alone dissects without a tree unless something wants one."""
    plain = tshark("-q", "-r", everything, "-z", "tcpstate,exchanges").stdout
    assert len(plain.splitlines()) > 100
    again = tshark("-q", "-r", everything, *[word for word in way if word != "-V"], "-z", "tcpstate,exchanges").stdout \
        if way != ["-V"] else report_part(tshark("-V", "-r", everything, "-z", "tcpstate,exchanges").stdout, plain)
    same(plain.splitlines(), again.splitlines())


def test_report_meets_every_connection_once_or_by_each_packet(tshark, everything):
    """Without a filter a report that only reads logs is told of packets that introduce a connection; else of all."""
    once = tshark("-q", "-r", everything, "-z", "tcpstate,exchanges").stdout
    same(once.splitlines(), tshark("-q", "-r", everything, "-z", "tcpstate,exchanges,frame").stdout.splitlines())


def test_several_reports_in_one_run_are_what_each_is_alone(tshark, everything):
    """Whatever else is asked for; tshark writes them in an order of its own."""
    names = ("tcpstate,census", "tcpstate,servers", "tcpstate,connections,tcp.port == 8080", "conv,tcp", "tcpstate,census")
    alone = [tshark("-q", "-r", everything, "-z", name).stdout for name in names]
    text = tshark("-q", "-r", everything, *(word for name in names for word in ("-z", name))).stdout
    for part in alone:
        assert part in text
        text = text.replace(part, "", 1)
    assert not text.strip()


def report_part(text, report):
    """Without -q the report comes after the packets."""
    return "\n".join(text.splitlines()[-len(report.splitlines()):]) + "\n"


def test_statistics_on_our_field(tshark, everything, reference):
    text = tshark("-q", "-r", everything, "-z", "io,stat,0,COUNT(tcpstate.transition)tcpstate.transition").stdout
    count = sum(len(row["tcpstate.transition"].split("|")) for row in reference.values() if row["tcpstate.transition"])
    assert re.search(rf"\|\s*{count}\s*\|", text), text


# --- where the packets come from ---

def through_standard_input(wireshark, capture, *source):
    options = [word for name in ALL for word in ("-e", name)]
    with open(capture, "rb") as stream:
        done = wireshark.tshark(*source, "-T", "fields", "-E", "aggregator=|", *options, stdin=stream)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def test_standard_input(wireshark, everything, reference):
    same(only(reference, ALL), through_standard_input(wireshark, everything, "-r", "-"))


def test_live_from_standard_input(wireshark, fields, ethernet, folder):
    """dumpcap reads the pipe. It takes one interface only, so this is the capture of Ethernet frames."""
    plain = folder / "live.pcap"
    subprocess.run(["editcap", "-F", "pcap", str(ethernet), str(plain)], check=True, capture_output=True)
    plain.chmod(0o644)
    same(fields(plain, *ALL), through_standard_input(wireshark, plain, "-i", "-"))


def test_compressed(fields, everything, reference, folder):
    packed = folder / "everything.pcapng.gz"
    with open(everything, "rb") as plain, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(plain, target)
    same(only(reference, ALL), fields(packed, *ALL))


@pytest.fixture(scope="module")
def ethernet(folder):
    """What classic pcap can hold in one file: captures of Ethernet only."""
    paths = []
    for path in all_captures():
        kind = subprocess.run(["capinfos", "-E", str(path)], capture_output=True, text=True).stdout
        if "Ethernet" in kind and "Per packet" not in kind and path.name != "flood-syn.pcap":
            paths.append(path)
    assert len(paths) > 90
    return append(paths, folder / "ethernet.pcapng")


@pytest.mark.parametrize("form", ["pcap", "nsecpcap", "snoop"])
def test_file_formats(form, fields, ethernet, folder):
    converted = folder / f"ethernet.{form}"
    subprocess.run(["editcap", "-F", form, str(ethernet), str(converted)], check=True, capture_output=True)
    converted.chmod(0o644)
    same(fields(ethernet, *STATES), fields(converted, *STATES))


@pytest.mark.parametrize("seed", [1, 2])
def test_reordered_frames_in_both_passes(seed, fields, ethernet, folder, scratch):
    """Neighbours swapped at random: other states, but the same ones in every pass, also with -R."""
    frames = pcap_files.read(ethernet, scratch)
    dice = random.Random(seed)
    for i in range(0, len(frames) - 1):
        if dice.random() < 0.3:
            frames[i], frames[i + 1] = frames[i + 1], frames[i]
    capture = pcap_files.write(folder / f"reordered-{seed}.pcap", frames)
    once = fields(capture, *ALL)
    assert any(row[0] for row in once)
    same(once, fields(capture, *ALL, options=["-2"]))
    same([row[:len(STATES)] for row in once if "CLOSED" in row[0].split("|")],
         fields(capture, *STATES, options=["-2", "-R", 'tcpstate.client == "CLOSED"']))


# --- sharkd: the GUI's way of asking for any frame at any time ---

class Sharkd:
    def __init__(self, wireshark, capture, requests):
        calls = [{"jsonrpc": "2.0", "id": 1, "method": "load", "params": {"file": str(capture)}}]
        calls += [{"jsonrpc": "2.0", "id": i + 2, "method": method, "params": params}
                  for i, (method, params) in enumerate(requests)]
        done = wireshark.run("sharkd", "-", input="\n".join(map(json.dumps, calls)) + "\n")
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert answers[0]["result"]["status"] == "OK"
        self.answers = [answer["result"] for answer in answers[1:]]


needs_sharkd = pytest.mark.skipif(shutil.which("sharkd") is None, reason="sharkd is not installed")
COLUMNS = {f"column{i}": f"{name}:0" for i, name in enumerate(STATES)}


def pairs_in_tree(nodes):
    """The values of tcpstate.pair in the tree that sharkd sends for one frame, from the filters it offers."""
    found = []
    for node in nodes:
        match = re.fullmatch(r'tcpstate\.pair == "(.*)"', node.get("f", ""))
        found += [match[1]] if match else []
        found += pairs_in_tree(node.get("n", []))
    return found


@needs_sharkd
def test_sharkd_columns(wireshark, everything, reference):
    frames, = Sharkd(wireshark, everything, [("frames", COLUMNS)]).answers
    same(only(reference, STATES), [tuple(column.replace(",", "|") for column in frame["c"]) for frame in frames])


@needs_sharkd
def test_sharkd_filter(wireshark, everything, reference):
    frames, = Sharkd(wireshark, everything, [("frames", {"filter": "tcpstate.transition"})]).answers
    assert [frame["num"] for frame in frames] == [number for number, row in sorted(reference.items())
                                                 if row["tcpstate.transition"]]


@needs_sharkd
def test_sharkd_frames_out_of_order_before_the_list(wireshark, everything, reference):
    numbers = [number for number, row in reference.items() if has_state(row)]
    random.Random(4).shuffle(numbers)
    numbers = numbers[:300]
    requests = [("frame", {"frame": number, "proto": True}) for number in numbers] + [("frames", COLUMNS)]
    *trees, frames = Sharkd(wireshark, everything, requests).answers
    same([reference[number]["tcpstate.pair"] for number in numbers],
         ["|".join(pairs_in_tree(tree["tree"])) for tree in trees])
    same(only(reference, STATES), [tuple(column.replace(",", "|") for column in frame["c"]) for frame in frames])


@needs_sharkd
def test_sharkd_loads_twice(wireshark, everything, reference):
    """Nothing of a file stays when another one, or the same, is loaded."""
    again = ("load", {"file": str(everything)})
    other = ("load", {"file": str(CAPTURES / "textbook-t2-server-closes.pcapng")})
    _, _, frames = Sharkd(wireshark, everything, [other, again, ("frames", COLUMNS)]).answers
    same(only(reference, STATES), [tuple(column.replace(",", "|") for column in frame["c"]) for frame in frames])


@needs_sharkd
def test_sharkd_taps_between_frames(wireshark, tshark, everything, reference):
    """Retaps dissect anew, with taps; a table is what tshark prints, and the states are what they were. So they are when
    a preference of the plugin changes meanwhile."""
    table = ("tap", {"tap0": "nstat:tcpstate,table-connections", "tap1": "expert", "tap2": "seqa:tcpstate"})
    change = ("setconf", {"name": "tcpstate.two_msl", "value": "0"})
    before, first, *_, second, after = Sharkd(wireshark, everything, [
        ("frames", COLUMNS), table, change, ("frame", {"frame": 7, "proto": True}), table, ("frames", COLUMNS)]).answers
    same(only(reference, STATES), [tuple(column.replace(",", "|") for column in frame["c"]) for frame in before])
    assert before == after and first == second
    shown, = (tap["tables"][0]["i"] for tap in first["taps"] if tap["type"] == "nstat")
    lines = tshark("-q", "-r", everything, "-z", "tcpstate,table-connections").stdout.splitlines()
    assert len(shown) == sum(1 for line in lines if line.endswith("|")) - 1 > 100
    assert {"expert", "flow"} < {tap["type"] for tap in first["taps"]}


# --- preferences and other dissectors ---

PREFERENCES = ["tcp.relative_sequence_numbers:FALSE", "tcp.analyze_sequence_numbers:FALSE",
               "tcp.desegment_tcp_streams:FALSE", "tcp.track_bytes_in_flight:FALSE", "tcp.calculate_timestamps:FALSE",
               "tcp.try_heuristic_first:TRUE", "tcp.no_subdissector_on_error:FALSE", "tcp.summary_in_tree:FALSE",
               "tcp.reassemble_out_of_order:TRUE",
               # our own
               "tcpstate.two_msl:0", "tcpstate.stuck_seconds:1", "tcpstate.slow_handshake:1", "tcpstate.half_open_limit:1",
               "tcpstate.info_column:FALSE", "tcpstate.report_format:json", "tcpstate.ascii:TRUE"]


@pytest.mark.parametrize("preference", PREFERENCES)
def test_preferences_change_no_state(preference, fields, everything, reference):
    same(only(reference, STATES), fields(everything, *STATES, options=["-o", preference]))


def test_without_defragmentation(fields, folder):
    whole = append([path for path in all_captures() if not FRAGMENTED.search(path.name) and path.name != "flood-syn.pcap"],
                   folder / "unfragmented.pcapng")
    same(fields(whole, *STATES), fields(whole, *STATES, options=["-o", "ip.defragment:FALSE"]))
    for path in all_captures():
        if FRAGMENTED.search(path.name):
            rows = fields(path, "frame.number", "tcpstate.client", options=["-o", "ip.defragment:FALSE"])
            assert rows == fields(path, "frame.number", "tcpstate.client", options=["-2", "-o", "ip.defragment:FALSE"])


def test_conversation_deinterlacing(fields, everything, wireshark, wireshark_version):
    """From 4.4 TCP may look up its conversations by more than addresses and ports."""
    listed = re.findall(r"^#?(\S*deinterlacing_key\S*):", wireshark.run("tshark", "-G", "defaultprefs").stdout, re.MULTILINE)
    if not listed:
        pytest.skip(f"Wireshark {'.'.join(map(str, wireshark_version))} has no deinterlacing of conversations")
    kept = ("tcpstate.client", "tcpstate.server", "tcpstate.transition")
    found = fields(everything, *kept, options=["-o", f"{listed[0]}:VLAN"])
    same(fields(everything, *kept), found)


def test_rebound_port(fields, everything, reference):
    same(only(reference, STATES), fields(everything, *STATES, options=["-d", "tcp.port==8080,http",
                                                                      "-d", "tcp.port==80,data"]))


def test_the_protocol_number_bound_to_another_dissector(tshark, everything):
    """Then there is no TCP, and no states either, but no harm."""
    done = tshark("-r", everything, "-d", "ip.proto==6,udp", "-Y", "tcpstate && ip && !ipv6 && !vxlan && !gre", "-T", "fields",
                  "-e", "frame.number")
    assert done.stdout == ""


LUA = """
-- A post-dissector that reads TCP's fields and ours, as people write them.
local p = Proto("beside", "Beside")
local seen = ProtoField.string("beside.seen", "Seen")
p.fields = {seen}
local client, flags = Field.new("tcpstate.client"), Field.new("tcp.flags")
function p.dissector(buffer, pinfo, tree)
    local value, flag = client(), flags()
    tree:add(p):add(seen, tostring(value) .. " " .. tostring(flag ~= nil))
end
register_postdissector(p, true)
"""


def test_a_lua_post_dissector_beside_it(fields, tshark, everything, reference, folder):
    if not re.search(r"(with |\+)Lua", " ".join(tshark("--version").stdout.split())):
        pytest.skip("this Wireshark has no Lua")
    script = folder / "beside.lua"
    script.write_text(LUA)
    rows = fields(everything, *STATES, "beside.seen", options=["-X", f"lua_script:{script}"])
    same(only(reference, STATES), [row[:-1] for row in rows])
    assert any(row[-1].endswith("true") for row in rows)


# --- what is not ours stays as it was ---

def without_ours(text):
    """tshark -V without our subtrees: the heading and the lines below it that are indented."""
    kept, ours = [], False
    for line in text.splitlines():
        if HEADING.match(line):
            ours = True
        elif ours and (line.startswith(" ") and line.strip()):
            continue
        else:
            ours = False
        if not ours:
            kept.append(line)
    return kept


@pytest.mark.parametrize("way", [[], ["-2"], ["-o", "ip.defragment:FALSE"], ["-o", "tcp.check_checksum:TRUE"]],
                         ids=lambda way: " ".join(way) or "plain")
def test_every_other_line_is_as_without_the_plugin(way, tshark, everything):
    without, with_it = (tshark("-r", everything, "-V", *way, plugin=plugin) for plugin in (False, True))
    assert len(without.stdout.splitlines()) > 100_000
    same(without.stdout.splitlines(), without_ours(with_it.stdout))
    same(without.stderr.splitlines(), with_it.stderr.splitlines())


def test_every_other_protocol_in_pdml_is_as_without_the_plugin(tshark, everything):
    ours = re.compile(r'^  <proto name="tcpstate".*?^  </proto>\n', re.MULTILINE | re.DOTALL)
    without = tshark("-r", everything, "-T", "pdml", plugin=False).stdout
    text, count = ours.subn("", tshark("-r", everything, "-T", "pdml").stdout)
    assert count > 2000
    # The head of the document names the time at which it was made.
    same(without.splitlines()[4:], text.splitlines()[4:])


def test_every_other_protocol_in_json_is_as_without_the_plugin(tshark, everything):
    def packets(**plugin):
        return json.loads(tshark("-r", everything, "-T", "json", "--no-duplicate-keys", **plugin).stdout)
    with_it = packets()
    assert sum(1 for packet in with_it if packet["_source"]["layers"].pop("tcpstate", None)) > 1800
    assert with_it == packets(plugin=False)


@pytest.mark.parametrize("passes", [[], ["-2"]], ids=["one-pass", "two-passes"])
def test_summary_lines_end_with_the_transitions_and_are_else_as_without(passes, tshark, everything, reference):
    without = tshark("-r", everything, *passes, plugin=False).stdout.splitlines()
    lines = tshark("-r", everything, *passes).stdout.splitlines()
    assert len(without) == len(lines)
    for number, (before, after) in enumerate(zip(without, lines), 1):
        assert after.startswith(before), f"frame {number}: {after}"
        told = [word for layer in re.findall(r" \[([^]]*)\]", after[len(before):]) for word in layer.split(", ")]
        assert told == list(filter(None, reference[number]["tcpstate.transition"].split("|"))), f"frame {number}: {after}"


def test_reports_of_others_are_as_without_the_plugin(tshark, everything):
    for report in ("conv,tcp", "io,phs", "endpoints,ip"):
        without = tshark("-q", "-r", everything, "-z", report, plugin=False).stdout
        # The protocol hierarchy lists every protocol, ours too.
        ours = [line for line in tshark("-q", "-r", everything, "-z", report).stdout.splitlines()
                if not line.strip().startswith("tcpstate ")]
        same(without.splitlines(), ours)


def test_plugin_disabled(tshark, fields, everything):
    off = ["--disable-protocol", "tcpstate"]
    assert all(row == ("", "") for row in fields(everything, "tcpstate.client", "tcpstate.transition", options=off))
    same(tshark("-r", everything, "-V", plugin=False).stdout.splitlines(),
         tshark("-r", everything, "-V", *off).stdout.splitlines())


def test_tcp_disabled(tshark, fields, everything):
    off = ["--disable-protocol", "tcp"]
    assert all(row == ("",) for row in fields(everything, "tcpstate.client", options=off))
    same(tshark("-r", everything, "-V", *off, plugin=False).stdout.splitlines(),
         without_ours(tshark("-r", everything, "-V", *off).stdout))


def test_writing_a_capture_is_as_without_the_plugin(tshark, everything, scratch):
    for name, plugin in (("with", True), ("without", False)):
        tshark("-r", everything, "-w", scratch / name, plugin=plugin)
    assert (scratch / "with").read_bytes() == (scratch / "without").read_bytes()
