"""Statistics > TCP State: every entry opens its window, and the window shows what is known of the capture.

Facts here are of captures that are named by them; that tables and texts agree with each other is the affair of
test/plugin/test_tables.py. An entry of the menu without a test here is a failure. Look next: program.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import csv
import shutil

import pytest

from desktop import wait_for
from program import choose_in, table_rows

MENU = ("Statistics", "TCP State")
TEXTS = "As Text"
TEXTBOOK = ("textbook-t3-curl.pcapng", 10)
SOON_STUCK = ("-o", "tcpstate.stuck_seconds:1")

# Menu entry: capture, its packets, number of rows, part of one of them.
TABLES = {
    "Exchanges: handshakes": (*TEXTBOOK, 1, {"Kind": "three_way", "SYN frame": "1", "Total (s)": "0.016633"}),
    "Exchanges: closes": ("close-last-ack-lost.pcapng", 13, 1, {"Kind": "four_segment", "Closed first": "client"}),
    "Failed Attempts: attempts": ("open-refused.pcapng", 2, 1, {"Class": "refused", "Server": "192.0.2.80:8080"}),
    "Failed Attempts: servers": ("open-refused.pcapng", 2, 1, {"Failed": "1", "Server": "192.0.2.80:8080"}),
    "Census": ("http-twelve-at-once.pcapng", 120, 2, {"State": "TIME_WAIT", "Clients": "12", "Servers": "0"}),
    "Stuck": ("close-wait-leak.pcapng", 39, 6, {"State": "CLOSE_WAIT", "Must act": "server application"}),
    "Resets": ("rst-outside-window.pcapng", 14, 1, {"Validity": "out_of_window", "Frame": "8"}),
    "Servers": ("http-twelve-at-once.pcapng", 120, 1, {"Attempts": "12", "Complete": "12", "Closed by client": "12"}),
    "Time in State": (*TEXTBOOK, 8, {"State": "FIN_WAIT_1", "Longest (s)": "0.008189"}),
    "Connections": ("reuse-time-wait-recycled.pcapng", 20, 2, {"Stream": "1", "Zeek state": "SF", "Closed first": "server"}),
}

# Entry below "As Text", or the picture: capture, its packets, what is typed where it asks, what the text has.
PICTURE = "Ladder…"
WORDS = {
    "Exchanges": (*TEXTBOOK, None, ["three_way", "8.283 ms 8.350 ms 16.633 ms", "Closes: 1 complete"]),
    "Failed Attempts": ("open-refused.pcapng", 2, None, ["Failed: 1 refused", "refused: RST to the SYN."]),
    "Census…": ("http-twelve-at-once.pcapng", 120, "", ["TIME_WAIT 12 0 12", "CLOSED 0 12 12"]),
    "Stuck…": ("close-wait-leak.pcapng", 39, "1", ["the server's application has not closed its socket for 6.224 s"]),
    "Resets": ("rst-outside-window.pcapng", 14, None, ["out_of_window", "Causes: 1 abort"]),
    "Servers": ("flood-syn.pcap", 2196, None, ["This looks like a SYN flood: 192.0.2.80:8080"]),
    "Time in State": (*TEXTBOOK, None, ["FIN_WAIT_1 1 8.189 ms 8.189 ms 8.189 ms"]),
    "Connections": ("reuse-time-wait-recycled.pcapng", 20, None, ["SF ShADadfF complete three_segment server"]),
    PICTURE: ("http-twelve-at-once.pcapng", 120, "3", ["TCP stream 3", "ESTABLISHED │", "│ CLOSE_WAIT"]),
}


def words(text):
    """The text without its layout, which the width of the window decides."""
    return " ".join(text.split())


def path_of(entry):
    return (*MENU, entry) if entry == PICTURE else (*MENU, TEXTS, entry)


def open_text(program, entry, typed=None):
    """Chooses an entry, answers what it asks, and returns the text area of the window that opens."""
    title = "TCP State: " + entry.rstrip("…")
    program.menu(*path_of(entry))
    window = program.window(title)
    if typed is not None:
        window.find("text").write(typed)
        window.find("push button", "OK").press()
        wait_for("the question to go", lambda: not window.showing)
    return wait_for(f"a text in {title}", lambda: text_with_content(program, title))


def text_with_content(program, title):
    """The window's large text, above the one for what is to be highlighted."""
    area = program.window(title).find("text")
    return area if area.text else None


def table_of(window):
    """The rows of a table's window; the blanks that make them sort and stand well are no content."""
    return [{heading.strip(): cell.strip() for heading, cell in row.items()} for row in table_rows(window.find("tree"))]


def has_row(rows, part):
    return any(part.items() <= row.items() for row in rows)


def test_every_entry_has_a_test(opened):
    program = opened(*TEXTBOOK)
    assert set(program.menu_entries(*MENU)) == {*TABLES, PICTURE, TEXTS}
    assert set(program.menu_entries(*MENU, TEXTS)) | {PICTURE} == set(WORDS)


@pytest.mark.parametrize("entry", TABLES)
def test_table(opened, entry):
    capture, packets, count, part = TABLES[entry]
    program = opened(capture, packets, *SOON_STUCK)
    program.menu(*MENU, entry)
    window = program.window("TCP State: ")
    assert capture in window.name
    wait_for(lambda: f"{part} in {table_of(window)}", lambda: has_row(table_of(window), part))
    assert len(table_of(window)) == count
    assert program.runs()


def test_tree(opened):
    """The tally is a stats tree, beside the submenu."""
    program = opened(*TEXTBOOK)
    program.menu("Statistics", "TCP State Transitions")
    tree = program.window("TCP State Transitions").find("tree")
    wait_for("the server's states", lambda: has_row(table_rows(tree), {"Topic / Item": "Server enters", "Count": "5"}))
    assert program.runs()


@pytest.mark.parametrize("entry", WORDS)
def test_text(opened, entry):
    capture, packets, typed, facts = WORDS[entry]
    program = opened(capture, packets, *SOON_STUCK)
    text = words(open_text(program, entry, typed).text)
    for fact in facts:
        assert fact in text
    assert program.runs()


@pytest.mark.parametrize("entry, typed, complaint", [
    (PICTURE, "first", 'ladder wants the number of a TCP stream (-z tcpstate,ladder,0), not "first"'),
    ("Stuck…", "0", 'stuck wants a number of seconds above 0, not "0"'),
    ("Census…", "tcp.nothing", "tcp.nothing"),
])
def test_what_cannot_be_is_said(opened, entry, typed, complaint):
    assert complaint in words(open_text(opened(*TEXTBOOK), entry, typed).text)


def test_census_at_intervals(opened):
    text = words(open_text(opened("http-twelve-at-once.pcapng", 120), "Census…", "0.02").text)
    assert "0.020 12 0 0 24 0 0 0 0 0 0 0.040 12 0 0 12 12 0 0 0 0 0" in text


def test_all_windows_at_once(opened):
    """None of them takes away what another shows."""
    program = opened(*TEXTBOOK)
    entries = [entry for entry in WORDS if not entry.endswith("…")]
    texts = {entry: open_text(program, entry) for entry in entries}
    for entry in TABLES:
        program.menu(*MENU, entry)
    titles = wait_for("all tables", lambda: table_titles(program, len(TABLES)))
    assert len(set(titles)) == len(TABLES)
    program.menu("View", "Reload")
    program.wait_loaded(10)
    wait_for("the close in the text", lambda: "Closes: 1 complete" in texts["Exchanges"].text)
    assert all(text.text for text in texts.values())


def table_titles(program, count):
    """The titles of the tables' windows, as soon as there are so many."""
    titles = [window.name for window in program.windows() if "TCP State: " in window.name and TEXTBOOK[0] in window.name]
    return titles if len(titles) == count else None


def test_text_limited_to_the_display_filter(opened):
    program = opened("http-twelve-at-once.pcapng", 120)
    area = open_text(program, "Exchanges")
    assert "Handshakes: 12 complete" in area.text
    program.filter("tcp.stream < 2")
    program.wait_loaded(120, 20)
    assert "Handshakes: 12 complete" in area.text
    program.window("TCP State: Exchanges").find("push button", "Limit to display filter").press()
    wait_for("two handshakes", lambda: "Handshakes: 2 complete" in area.text)
    assert "tcp.stream < 2" in area.text
    program.filter("")
    program.wait_loaded(120)
    program.window("TCP State: Exchanges").find("push button", "Limit to display filter").press()
    wait_for("all handshakes", lambda: "Handshakes: 12 complete" in area.text)


def test_table_limited_to_a_filter(opened):
    program = opened("http-twelve-at-once.pcapng", 120)
    program.menu(*MENU, "Exchanges: handshakes")
    window = program.window("TCP State: Completed handshakes")
    wait_for("twelve rows", lambda: len(table_of(window)) == 12)
    window.find("text", "Display filter entry").write("tcp.stream == 3")
    window.find("push button", "Apply").press()
    wait_for("one row", lambda: [row["Stream"] for row in table_of(window)] == ["3"])


@pytest.mark.parametrize("capture, packets, entry, heading", [
    ("http-twelve-at-once.pcapng", 120, "Exchanges: handshakes", "SYN frame"),
    ("http-twelve-at-once.pcapng", 120, "Exchanges: handshakes", "SYN to SYN,ACK (s)"),
    ("http-twelve-at-once.pcapng", 120, "Time in State", "Longest from frame"),  # TIME_WAIT has none
])
def test_columns_sort_as_numbers(opened, capture, packets, entry, heading):
    program = opened(capture, packets)
    program.menu(*MENU, entry)
    window = program.window("TCP State: ")

    def column():
        return [float(row[heading] or -1) for row in table_of(window)]
    def clicked_to(wanted):
        next(node for node in window.find("tree").children() if node.name.strip() == heading).click()
        try:
            return wait_for("the order", lambda: column() == wanted, 3)
        except AssertionError:
            return False  # the window was not there yet, or two clicks were taken for a double one
    numbers = wait_for("numbers", column)
    window.maximize()
    assert len(set(numbers)) > 5
    for falling in (False, True):
        wanted = sorted(numbers, reverse=falling)
        wait_for(lambda: f"{wanted}, not {column()}", lambda: clicked_to(wanted))


def test_a_table_is_saved_for_other_programs(opened, tmp_path):
    program = opened(*TEXTBOOK)
    program.menu(*MENU, "Exchanges: closes")
    window = program.window("TCP State: ")
    rows = wait_for("the close", lambda: table_of(window))
    window.find("push button", "Save as…").press()
    dialog = program.window("Save Statistics")
    choose_in(dialog, "Comma separated values (*.csv)")
    dialog.find("text", "File name:").write(str(tmp_path / "closes.csv"))
    dialog.find("push button", "Save").press()
    saved = wait_for("the file", lambda: (tmp_path / "closes.csv").exists() and (tmp_path / "closes.csv").read_text())
    headings, values = csv.reader(saved.splitlines())
    shown = {heading.strip(): value.strip() for heading, value in zip(headings, values)}
    assert {**shown, "Total (s)": float(shown["Total (s)"]), "Half-closed (s)": float(shown["Half-closed (s)"])} == \
        {**rows[0], "Total (s)": float(rows[0]["Total (s)"]), "Half-closed (s)": float(rows[0]["Half-closed (s)"])}


def test_a_text_is_copied(opened):
    """To where the program itself can paste it: an entry has the text in one line."""
    program = opened(*TEXTBOOK)
    area = open_text(program, "Connections")
    window = program.window("TCP State: Connections")
    window.find("push button", "Copy").press()
    entry = program.main.find("text", "Display filter entry", {"combo box"})
    entry.focus()

    def pasted():
        if not entry.text:
            entry.paste()  # a button that is pressed takes its time
        return words(entry.text) == words(area.text)
    wait_for(lambda: f"the text, not {entry.text!r}", pasted)


# What each text says of a capture without TCP.
WITHOUT_TCP = {
    "Exchanges": "No handshake was completed. No close was completed. Handshakes: 0 complete Closes: 0 complete",
    "Failed Attempts": "No attempt failed.",
    "Resets": "No RST.",
    "Servers": "No TCP connection.",
    "Time in State": "No TCP connection.",
    "Connections": "No TCP connection.",
}


def test_a_capture_without_tcp(start, tshark, captures, tmp_path):
    """An ICMP error that quotes a TCP header is none."""
    path = tmp_path / "icmp.pcapng"
    tshark("-r", captures / "icmp-quotes-syn.pcapng", "-Y", "icmp", "-w", path)
    program = start("-r", path)
    program.wait_loaded(1)
    said = {entry: words(open_text(program, entry).text) for entry in WORDS if not entry.endswith("…")}
    assert said == WITHOUT_TCP
    program.menu(*MENU, "Exchanges: closes")
    assert table_of(program.window("TCP State: Completed closes")) == []


def test_windows_follow_to_another_file(start, captures, tmp_path):
    """A text by itself. A table stays with its file, as all of Wireshark's do; one opened anew has the new file's rows."""
    files = [tmp_path / f"set_0000{number}_2026010100000{number}.pcapng" for number in (1, 2)]
    for capture, path in zip((TEXTBOOK[0], "http-twelve-at-once.pcapng"), files):
        shutil.copy(captures / capture, path)
    program = start("-r", files[0])
    program.wait_loaded(10)
    area = open_text(program, "Exchanges")
    assert "Closes: 1 complete" in area.text
    program.menu(*MENU, "Exchanges: closes")
    old = program.window(files[0].name)
    wait_for("one close", lambda: len(table_of(old)) == 1)
    program.menu("File", "File Set", "Next File")
    program.wait_loaded(120)
    wait_for(lambda: f"twelve closes in {area.text}", lambda: "Closes: 12 complete" in area.text)
    program.menu(*MENU, "Exchanges: closes")
    new = program.window("Completed closes · " + files[1].name)
    wait_for("twelve closes", lambda: len(table_of(new)) == 12)
    assert len(table_of(old)) == 1
    program.menu("File", "File Set", "Previous File")
    program.wait_loaded(10)
    wait_for(lambda: f"one close in {area.text}", lambda: "Closes: 1 complete" in area.text)


def test_windows_follow_a_preference(opened):
    """TIME_WAIT that lasts no time is over at the end of the capture. A text follows by itself; Wireshark's tables, all
    of them, stay as they are until their filter is applied again."""
    program = opened("http-twelve-at-once.pcapng", 120)
    area = open_text(program, "Census…", "")
    program.menu(*MENU, "Census")
    window = program.window("TCP State: Endpoints per state")
    wait_for("the table", lambda: has_row(table_of(window), {"State": "TIME_WAIT", "Clients": "12"}))
    assert "TIME_WAIT 12 0 12" in words(area.text)
    dialog = program.preferences("TCP State")
    entry = number_beside(dialog, "TIME_WAIT lasts (seconds)")
    entry.focus()
    entry.write("")
    wait_for("an empty entry", lambda: not entry.text)
    program.desktop.type("0")  # what is typed is taken; what is written as above is only shown
    wait_for("the new number", lambda: entry.text == "0")
    dialog.find("push button", "OK").press()
    wait_for(lambda: f"everybody closed in {area.text}", lambda: "CLOSED 12 12 24" in words(area.text))
    window.find("push button", "Apply").press()
    wait_for(lambda: f"everybody closed in {table_of(window)}",
             lambda: has_row(table_of(window), {"State": "CLOSED", "Clients": "12", "Servers": "12"}))


def number_beside(dialog, label):
    """The entry in the line of a label."""
    left, top, _, height = dialog.find("label", label).area()

    def beside(entry):
        area = entry.area()
        return area[0] > left and area[1] < top + height and top < area[1] + area[3]
    return next(entry for entry in dialog.all("text") if entry.showing and beside(entry))


def test_windows_follow_a_reload(start, tshark, captures, tmp_path):
    path = tmp_path / "growing.pcapng"
    tshark("-r", captures / TEXTBOOK[0], "-c", "8", "-w", path)
    program = start("-r", path)
    program.wait_loaded(8)
    area = open_text(program, "Exchanges")
    assert "Closes: 0 complete, 1 closing" in area.text
    path.write_bytes((captures / TEXTBOOK[0]).read_bytes())
    program.menu("View", "Reload")
    program.wait_loaded(10)
    wait_for(lambda: f"the close in {area.text}", lambda: "Closes: 1 complete" in area.text)
