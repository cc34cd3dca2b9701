#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the JSON Schema of all reports: schema.py > docs/schema/reports.schema.json

Columns, their types and the words they may say are read from the lists in the sources that define them; this file types
none of them again. test/plugin/test_schema.py compares the schema in docs/ with this, and validates reports against it.
Knows the shape of a report's JSON, which is plugin/report/writer_json.c's. Look next: docs/formats.md.
"""
import json
import re

from manual import ROOT, rows

REPORTS = ROOT / "plugin" / "report"

STATES = ("core/state.h", "TCPS_STATES")
# Which list has the words of a text column: (table, key), or the key alone where it means the same in all tables.
WORDS = {
    "state": STATES, "client_state": STATES, "server_state": STATES,
    ("handshakes", "kind"): ("core/exchange.h", "TCPS_OPEN_KINDS"),
    ("closes", "kind"): ("core/exchange.h", "TCPS_CLOSE_KINDS"),
    "open_kind": ("core/exchange.h", "TCPS_OPEN_KINDS"), "open_status": ("core/exchange.h", "TCPS_OPEN_STATUSES"),
    "close_kind": ("core/exchange.h", "TCPS_CLOSE_KINDS"), "role_basis": ("core/conn.h", "TCPS_ROLE_BASES"),
    "validity": ("core/reset_words.h", "TCPS_RST_VALIDITIES"), "cause": ("core/reset_words.h", "TCPS_RST_CAUSES"),
    "class": ("report/failed.c", "FAILURES"),
}
ROLES = {"sender": ["client", "server"], "who": ["client", "server"],
         "initiator": ["client", "server", "both"], "close_initiator": ["client", "server", "both"]}

PORT = {"type": ["integer", "null"], "minimum": 0, "maximum": 65535}
TYPES = {
    "TEXT": {"type": ["string", "null"]},
    "SENTENCE": {"type": ["string", "null"]},
    "NUMBER": {"type": ["integer", "null"]},
    "DURATION": {"type": ["number", "null"], "description": "seconds, nine decimals"},
    "SECONDS": {"type": ["number", "null"], "description": "seconds, nine decimals"},
    "ENDPOINT": {"type": ["string", "null"], "description": "address"},
}


def define(text, name):
    return re.search(rf"#define {name}\b(?:\(X\))?((?:.*\\\n)*.*)\n", text)[1].replace("\\\n", "\n")


def columns(text, name):
    """[(key, type)] of an array of columns, with the columns that several reports share in their places."""
    block = re.search(rf"struct tcpstate_column {name}\[\w+\] = {{\n(.*?)\n}};", text, re.DOTALL)[1]
    shared = (REPORTS / "kinds.h").read_text()
    block = re.sub(r"\b(TCPSTATE_\w+_COLUMNS)\b", lambda match: define(shared, match[1]), block)
    for row, many in re.findall(r"#define X\(name, heading\) ({#name,.*?}),\n\s*(\w+)\(X\)", block):
        spelt = (row.replace("#name", f'"{name}"') for name in re.findall(r"X\((\w+),", define(text, many)))
        block = block.replace(row, ", ".join(spelt))
    return re.findall(r'{"(\w+)", (?:"[^"]*"|NULL|heading), TCPSTATE_COLUMN_(\w+)', block)


def words_of(table, key):
    if key in ROLES:
        return ROLES[key]
    listed = WORDS.get((table, key)) or WORDS.get(key)
    return [row[0] for row in rows(*listed) if row[0] != "none"] if listed else None


def row_schema(table, listed):
    properties = {}
    for key, kind in listed:
        properties[key] = dict(TYPES[kind])
        words = words_of(table, key) if kind == "TEXT" else None
        if words:
            properties[key]["enum"] = [*words, None]
        if kind == "ENDPOINT":
            properties[key + "_port"] = dict(PORT)
    return {"type": "object", "properties": properties, "required": list(properties)}


def tables(name):
    """{key: [schema of a row]} of the report; a table may have one of several forms."""
    text = (REPORTS / f"{name}.c").read_text()
    found = {}
    for key, array in re.findall(r'\.key = "(\w+)".*?\.columns = (\w+)', text, re.DOTALL):
        found.setdefault(key, []).append(row_schema(key, columns(text, array)))
    assert found, f"no table in {name}.c"
    return found


def report_schema(name, what):
    properties = {"report": {"const": name}}
    for key, forms in tables(name).items():
        properties[key] = {"type": "array", "items": forms[0] if len(forms) == 1 else {"anyOf": forms}}
    needed = list(properties)
    properties["totals"] = {"$ref": "#/$defs/totals"}
    properties["notes"] = {"$ref": "#/$defs/notes"}
    return {"description": what, "type": "object", "properties": properties, "required": needed}


def schema():
    reports = rows("report/kinds.h", "TCPSTATE_REPORT_KINDS")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of tcpstate as JSON",
        "description": "What tshark -q -o tcpstate.report_format:json -z tcpstate,REPORT prints. New keys may come; null "
                       "says that there is nothing to say.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name, *_ in reports],
        "$defs": {
            "totals": {"type": "object", "additionalProperties": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}},
            "notes": {"type": "array", "items": {"type": "string"}},
            **{name: report_schema(name, what) for name, _, _, what, *_ in reports},
        },
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
