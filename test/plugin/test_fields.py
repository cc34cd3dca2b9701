"""Every field that scripts depend on is registered, with its type; and the README's table says the same.

The list below is the contract: a field may be added, none may change or vanish. Look next: plugin/host/fields.c.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import re

import pytest

from conftest import ROOT

STRING, FRAME, TIME, NUMBER = "FT_STRING", "FT_FRAMENUM", "FT_RELATIVE_TIME", "FT_UINT32"
CONTRACT = {
    STRING: "client server client.before server.before client.basis server.basis pair transition reason sender "
            "role_basis open.kind open.status close.kind close.initiator step exchange rst.validity rst.cause "
            "conn_state history final.client final.server",
    FRAME: "client.since server.since corrected open.syn open.synack open.ack close.fin1 close.ack1 close.fin2 "
           "close.ack2",
    TIME: "client.time_in_state server.time_in_state open.time open.time_syn_synack open.time_synack_ack close.time "
          "close.half_closed_time",
    NUMBER: "incarnation open.syn_retransmits open.synack_retransmits",
}
TYPES = {f"tcpstate.{name}": kind for kind, names in CONTRACT.items() for name in names.split()}
STATES = ("UNKNOWN", "CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2",
          "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT")
README_TYPES = {"string": STRING, "frame number": FRAME, "time": TIME, "number": NUMBER}


@pytest.fixture(scope="module")
def registered(wireshark):
    """{field: (title, type, description)} of all our fields; expert infos are FT_NONE and left out."""
    found = {}
    for line in wireshark.run("tshark", "-G", "fields").stdout.splitlines():
        cells = line.split("\t")
        if cells[0] == "F" and cells[2].startswith("tcpstate.") and cells[3] != "FT_NONE":
            assert cells[2] not in found, f"{cells[2]} is registered twice"
            found[cells[2]] = (cells[1], cells[3], cells[7] if len(cells) > 7 else "")
    return found


@pytest.mark.parametrize("name", TYPES)
def test_field_is_registered_with_its_type(name, registered):
    assert registered[name][1] == TYPES[name]


def test_every_field_has_title_and_description(registered):
    for name, (title, _, description) in registered.items():
        assert title and description.endswith("."), f"{name}: {title!r} {description!r}"
        assert description != title


def test_no_field_that_nobody_describes(registered):
    assert set(registered) == set(TYPES)


def test_names_are_what_wireshark_wants(registered):
    for name in registered:
        assert re.fullmatch(r"[a-z][a-z0-9_.]*[a-z0-9]", name)


def test_protocol_is_registered(wireshark):
    lines = [line.split("\t") for line in wireshark.run("tshark", "-G", "protocols").stdout.splitlines()]
    assert ["TCP State", "TCP State", "tcpstate"] in [line[:3] for line in lines]


def readme_table():
    """{field: type} of the README's table; a row may name several fields: `tcpstate.a`, `.b`."""
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (`tcpstate\.[^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    table = {}
    for names, kind, *_ in rows:
        for name in re.findall(r"`([^`]+)`", names):
            table["tcpstate" + name if name.startswith(".") else name] = kind.split(",")[0].strip()
    return table


def test_readme_has_every_field_with_its_type(registered):
    assert {name: README_TYPES.get(kind) for name, kind in readme_table().items()} == \
        {name: kind for name, (_, kind, _) in registered.items()}


def test_only_states_of_the_rfc_are_shown(fields, captures):
    names = [name for name in TYPES if re.fullmatch(r"tcpstate\.(final\.)?(client|server)(\.before)?", name)]
    shown = set()
    for capture in ("textbook-t3-curl.pcapng", "close-simultaneous.pcapng", "midstream-data.pcapng", "scan-syn.pcapng"):
        for row in fields(captures / capture, *names, options=["-2"]):
            shown |= set("|".join(row).split("|")) - {""}
    assert shown <= set(STATES) and len(shown) >= 10


def test_filters_of_the_readme_are_valid(tshark, captures):
    """Every display filter in backquotes that names our fields must compile."""
    text = (ROOT / "README.md").read_text() + "".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
    filters = {found for found in re.findall(r"`([^`\n]+)`", text)
               if re.match(r"!?\(?tcpstate\.[a-z_.]+ *(==|!=|>|<|in |contains|matches|&&|\|\|)", found)}
    assert len(filters) >= 8
    for found in sorted(filters):
        tshark("-r", captures / "textbook-t3-curl.pcapng", "-Y", found.replace("\\|", "|"))


def test_readme_has_every_report():
    """The list of reports stands in plugin/report/kinds.h; the README's table has the same ones in the same order."""
    listed = re.findall(r"^    X\((\w+), \w+, \"", (ROOT / "plugin" / "report" / "kinds.h").read_text(), re.MULTILINE)
    table = re.search(r"^\| report \|.*?\n\n", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    assert re.findall(r"^\| `(\w+)", table, re.MULTILINE) == listed and len(listed) >= 9


def test_readme_lists_the_words_of_each_vocabulary():
    """Kinds and statuses are lists in the core's headers; the README's rows spell all of them."""
    text = (ROOT / "README.md").read_text()
    header = (ROOT / "plugin" / "core" / "exchange.h").read_text()
    for name, field in (("OPEN_KINDS", "open.kind"), ("OPEN_STATUSES", "open.status"), ("CLOSE_KINDS", "close.kind")):
        words = re.findall(r"X\((\w+)\)", re.search(rf"#define TCPS_{name}\(X\)(.*?)\n\n", header + "\n\n", re.DOTALL)[1]
                           .split("#define")[0])
        row = re.search(rf"^\| `tcpstate.{field}` \| string \| (.*?) \|", text, re.MULTILINE)[1]
        assert row.split(", ") == [word for word in words if word != "none"]
    header = (ROOT / "plugin" / "core" / "reset_words.h").read_text()
    for start, field in (("RST_VALID", "rst.validity"), ("RST_CAUSE", "rst.cause")):
        block = re.search(rf"#define TCPS_{start}\w*\(X\)(.*?)\n\n", header, re.DOTALL)[1]
        row = re.search(rf"^\| `tcpstate.{field}` \| string \| (.*?) \|", text, re.MULTILINE)[1]
        assert row.split(", ") == [word for word in re.findall(r"X\((\w+),", block) if word != "none"]
