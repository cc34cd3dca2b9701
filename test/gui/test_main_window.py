"""Wireshark's main window with the plugin: columns, details in any order, filters, preferences, reload.

Asserts on what the program shows. The textbook capture is one connection: handshake in frames 1 to 3, the client's FIN
in 8, the server's in 9, the last ACK in 10. Look next: program.py, test_reports.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pytest

from desktop import wait_for
from program import table_rows

TEXTBOOK = "textbook-t3-curl.pcapng"
FIELDS = ("tcpstate.client", "tcpstate.server", "tcpstate.transition")
COLUMNS = 'gui.column.format:"No.","%m","Client","%Cus:tcpstate.client:0:R","Server","%Cus:tcpstate.server:0:R",' \
          '"Transition","%Cus:tcpstate.transition:0:R","Info","%i"'
# What the "TCP State" line of the details says, by frame.
SUMMARIES = {
    1: "client: CLOSED → SYN_SENT, server: LISTEN",
    2: "client: SYN_SENT, server: LISTEN → SYN_RECEIVED",
    3: "client: SYN_SENT → ESTABLISHED, server: SYN_RECEIVED → ESTABLISHED",
    5: "client: ESTABLISHED, server: ESTABLISHED",
    8: "client: ESTABLISHED → FIN_WAIT_1, server: ESTABLISHED",
    9: "client: FIN_WAIT_1 → FIN_WAIT_2, server: ESTABLISHED → CLOSE_WAIT → LAST_ACK",
    10: "client: FIN_WAIT_2 → TIME_WAIT, server: LAST_ACK → CLOSED",
}


def expected_rows(tshark, path):
    """The rows of our columns, from tshark."""
    output = tshark("-r", path, "-T", "fields", "-e", "frame.number", *(f"-e{field}" for field in FIELDS))
    return [line.split("\t") for line in output.splitlines()]


def shown_rows(program):
    return [[row["No."], row["Client"], row["Server"], row["Transition"]] for row in program.packets()]


def summary(program):
    """The TCP State line of the details, without its name."""
    line = next(line for line in program.details() if "TCP State" in line)
    return line.strip("[]").removeprefix("TCP State, ")


def test_columns_show_the_states(opened, tshark, captures):
    program = opened(TEXTBOOK, 10, "-o", COLUMNS)
    assert program.title == TEXTBOOK
    rows = shown_rows(program)
    assert rows == expected_rows(tshark, captures / TEXTBOOK)
    assert rows[8] == ["9", "FIN_WAIT_2", "LAST_ACK", "server→CLOSE_WAIT,server→LAST_ACK,client→FIN_WAIT_2"]


def test_info_column_tells_transitions(opened):
    info = opened(TEXTBOOK, 10).column("Info")
    assert info[0].endswith(" [client→SYN_SENT]")
    assert info[8].endswith(" [server→CLOSE_WAIT, server→LAST_ACK, client→FIN_WAIT_2]")
    assert not info[4].endswith("]")


def test_packets_selected_out_of_order(opened):
    program = opened(TEXTBOOK, 10)
    for number in (10, 1, 9, 3, 8, 2, 5, 10):
        program.select(number)
        assert summary(program) == SUMMARIES[number]


def test_details_of_a_packet(opened):
    program = opened(TEXTBOOK, 10)
    program.select(9)
    program.expand("TCP State")
    details = [line.strip("[]") for line in program.details()]
    for line in ("Both: FIN_WAIT_2:LAST_ACK", "Transition: server→CLOSE_WAIT", "Transition: server→LAST_ACK",
                 "Transition: client→FIN_WAIT_2", "Sender: server", "Roles by: syn",
                 "Client at the end: TIME_WAIT", "Server at the end: CLOSED"):
        assert line in details
    transitions = [line for line in details if line.startswith("Transition: ")]
    assert transitions == ["Transition: " + transition for transition in (
        "server→CLOSE_WAIT", "server→LAST_ACK", "client→FIN_WAIT_2")]


def test_a_frame_number_leads_to_its_packet(opened):
    program = opened(TEXTBOOK, 10)
    program.select(10)
    program.expand("TCP State")
    program.expand("Close: ")

    def followed():
        if program.details()[0].startswith("Frame 8:"):
            return True
        program.detail(r"FIN.*: 8\b").click("b1d")
        try:
            return wait_for("packet 8", lambda: program.details()[0].startswith("Frame 8:"), 3)
        except AssertionError:
            return False  # on a machine that is busy between them, two clicks are not a double click
    wait_for("packet 8 after a double click on its number", followed)


def test_display_filters(opened):
    program = opened(TEXTBOOK, 10)
    for text, displayed in (
            ('tcpstate.transition', 6),
            ('tcpstate.server == "ESTABLISHED"', 6),
            ('tcpstate.client in {"FIN_WAIT_1", "TIME_WAIT"}', 2),
            ('tcpstate.transition == "client→FIN_WAIT_1"', 1),
            ('tcpstate.final.client != "TIME_WAIT"', 0)):
        program.filter(text)
        program.wait_loaded(10, displayed)
        assert len(program.packets()) == displayed
        program.filter("")
        program.wait_loaded(10)


def test_display_filter_hides_nothing_from_the_states(opened, tshark, captures):
    """What is not displayed has happened all the same."""
    program = opened(TEXTBOOK, 10, "-o", COLUMNS)
    program.filter("frame.number > 8")
    program.wait_loaded(10, 2)
    assert shown_rows(program) == expected_rows(tshark, captures / TEXTBOOK)[8:]


@pytest.mark.parametrize("option", ["-R", "-Y"])
def test_filters_of_the_command_line(opened, option):
    loaded = {"-R": 6, "-Y": 10}[option]
    program = opened(TEXTBOOK, loaded, option, "tcpstate.transition", "-o", COLUMNS, displayed=6)
    rows = shown_rows(program)
    assert [row[1:3] for row in rows] == [
        ["SYN_SENT", "LISTEN"], ["SYN_SENT", "SYN_RECEIVED"], ["ESTABLISHED", "ESTABLISHED"],
        ["FIN_WAIT_1", "ESTABLISHED"], ["FIN_WAIT_2", "LAST_ACK"], ["TIME_WAIT", "CLOSED"]]
    assert all(row[3] for row in rows)


def test_a_preference_changes_the_info_column(opened):
    """Off and on again in the preferences dialog; Wireshark dissects anew by itself."""
    program = opened(TEXTBOOK, 10)
    before = program.column("Info")
    for wanted in (False, True):
        dialog = program.preferences("TCP State")
        box = dialog.find("check box", "Show transitions in the Info column")
        assert box.has_state("CHECKED") != wanted
        box.press()
        wait_for("the mark in the box", lambda: box.has_state("CHECKED") == wanted)
        dialog.find("push button", "OK").press()
        wait_for("the Info column to change", lambda: ("[client→SYN_SENT]" in program.column("Info")[0]) == wanted)
        program.wait_loaded(10)
        assert any("→FIN_WAIT_1]" in info for info in program.column("Info")) == wanted
    assert program.column("Info") == before


def test_reload_reads_the_file_anew(start, tshark, captures, tmp_path):
    """The file has grown meanwhile, as one that is written to: the states go on, from the beginning."""
    path = tmp_path / "growing.pcapng"
    tshark("-r", captures / TEXTBOOK, "-c", "8", "-w", path)
    program = start("-r", path, "-o", COLUMNS)
    program.wait_loaded(8)
    assert shown_rows(program)[7] == ["8", "FIN_WAIT_1", "ESTABLISHED", "client→FIN_WAIT_1"]
    program.filter('tcpstate.final.server == "ESTABLISHED"')
    program.wait_loaded(8)
    path.write_bytes((captures / TEXTBOOK).read_bytes())
    program.menu("View", "Reload")
    program.wait_loaded(10, 0)
    program.filter("")
    program.wait_loaded(10)
    assert shown_rows(program) == expected_rows(tshark, captures / TEXTBOOK)
    program.menu("View", "Reload")
    program.wait_loaded(10)
    assert shown_rows(program) == expected_rows(tshark, captures / TEXTBOOK)


def test_expert_information(opened):
    program = opened("rst-outside-window.pcapng", 14)
    program.menu("Analyze", "Expert Information")
    window = program.window("Expert Information")
    shown = wait_for("entries", lambda: [row["Summary"] for row in table_rows(window.find("tree"))])
    for summary in ("RST outside the window", "Opening handshake complete", "Close complete, both FINs acknowledged"):
        assert summary in shown
