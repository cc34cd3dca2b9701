"""The JSON Schema of the reports: it is the one that the sources imply, and every report of every capture is valid by it,
with exactly the keys that it names. Addresses and ports stand in keys of their own, times have nine decimals.

Look next: scripts/schema.py, which writes docs/schema/reports.schema.json; docs/formats.md.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import copy
import json
import re
import subprocess
import sys

import jsonschema
import pytest

from conftest import ROOT, all_captures

REPORTS = ("exchanges", "failed", "census", "census,0.5", "stuck,1", "resets", "servers", "dwell", "connections",
           "ladder,0")
JSON = ("-o", "tcpstate.report_format:json")


@pytest.fixture(scope="module")
def schema():
    return json.loads((ROOT / "docs" / "schema" / "reports.schema.json").read_text())


@pytest.fixture(scope="module")
def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def documents(text):
    """The JSON documents that stand one after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        document, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        found.append(document)
    return found


def test_schema_is_what_the_sources_imply(schema):
    written = subprocess.run([sys.executable, "-B", ROOT / "scripts" / "schema.py"], check=True, capture_output=True)
    assert json.loads(written.stdout) == schema, "run scripts/schema.py > docs/schema/reports.schema.json"


@pytest.mark.parametrize("capture", [path.name for path in all_captures()])
def test_reports_are_valid(capture, tshark, captures, schema, validator):
    done = tshark("-q", "-r", captures / capture, *JSON, *(word for name in REPORTS for word in ("-z", f"tcpstate,{name}")))
    found = documents(done.stdout)
    assert sorted(document["report"] for document in found) == sorted(name.split(",")[0] for name in REPORTS)
    for document in found:
        validator.validate(document)
        named = schema["$defs"][document["report"]]["properties"]
        assert set(document) <= set(named)
        for key, rows in document.items():
            forms = named[key].get("items", {}) if isinstance(rows, list) else {}
            forms = forms.get("anyOf", [forms]) if "properties" in forms or "anyOf" in forms else []
            assert not forms or all(any(set(row) == set(form["properties"]) for form in forms) for row in rows)


def test_what_is_wrong_is_refused(tshark, captures, validator):
    """A word that no list has, a time as text, an address with its port, a missing key."""
    done = tshark("-q", "-r", captures / "textbook-t1-client-closes.pcapng", *JSON, "-z", "tcpstate,exchanges")
    right = json.loads(done.stdout)
    assert validator.is_valid(right)
    for key, value in (("kind", "four_way"), ("time", "0.02"), ("client_port", "62534"), ("syn", 1.5)):
        wrong = copy.deepcopy(right)
        wrong["handshakes"][0][key] = value
        assert not validator.is_valid(wrong), key
    del right["closes"][0]["initiator"]
    assert not validator.is_valid(right)


def test_precision_and_addresses(tshark, captures):
    for report in ("connections", "exchanges", "failed"):
        done = tshark("-q", "-r", captures / "open-three-way-ipv6.pcapng", *JSON, "-z", f"tcpstate,{report}")
        times = re.findall(r'"(?:ts|start|duration|\w*time\w*|waited)": (-?[\d.]+)', done.stdout)
        assert all(re.fullmatch(r"-?\d+\.\d{9}", time) for time in times) and (times or report == "failed")
        assert re.findall(r'"client": "([^"]*)"', done.stdout) in ([], ["2001:db8::10"], ["2001:db8::10"] * 2)
