"""The plugin inside tshark and sharkd with the address, undefined-behaviour and leak sanitizers: no report of ours.

The module that TCPSTATE_MODULE names must have been built with them (preset "asan"); their runtime is loaded first of
all into every program here. libwireshark itself is not instrumented, so each block of its pools comes from malloc of its
own (WIRESHARK_DEBUG_WMEM_OVERRIDE): the sanitizer sees an access beyond a block, and one after a pool was freed.
Leaks: what Wireshark's own programs leave behind is not ours; a stack with tcpstate.so in it is. Look next:
test_hostile.py, the same captures without sanitizers.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import Wireshark, open_to_all

RUNTIME = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip() \
    if shutil.which("gcc") else ""
pytestmark = [pytest.mark.skipif(not os.path.isabs(RUNTIME), reason="gcc has no runtime of the address sanitizer here"),
              pytest.mark.skipif(not os.environ.get("TCPSTATE_MODULE"), reason="TCPSTATE_MODULE names no plugin")]

# Nothing in Wireshark's programs ever removes a report that -z asked for: it lives until the program ends.
KEPT_BY_WIRESHARK = ("start_requested_stats",)
REPORTS = ("exchanges", "failed", "census", "census,0.5", "stuck", "resets", "servers", "dwell", "connections",
           "ladder,0", "ladder,3")
MUTATION_SEEDS = range(1, 3)


def reports(form):
    return ["-o", f"tcpstate.report_format:{form}", *(word for name in REPORTS for word in ("-z", f"tcpstate,{name}"))]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Runs a program under the sanitizers; fails on what they report of the plugin. CompletedProcess.

    Not the fixture `wireshark`: that asks `tshark -G plugins`, which starts all programs for capturing, and with the
    runtime in each of them does not come to an end."""
    wireshark = Wireshark(open_to_all(tmp_path_factory.mktemp("home")))
    folder = open_to_all(tmp_path_factory.mktemp("reports"))

    def run(program, *arguments, leaks=True, **options):
        for old in folder.iterdir():
            old.unlink()
        # The whole stack for each block costs time, but without it nobody knows whose a leak is.
        asan = f"log_path={folder}/asan:exitcode=0:detect_leaks={int(leaks)}:malloc_context_size=40:" \
               f"fast_unwind_on_malloc={int(not leaks)}"
        done = wireshark.run("env", f"LD_PRELOAD={RUNTIME}", f"ASAN_OPTIONS={asan}", "UBSAN_OPTIONS=print_stacktrace=1",
                             "WIRESHARK_DEBUG_WMEM_OVERRIDE=simple", program, *arguments, check=False, **options)
        told = done.stderr + "".join(path.read_text(errors="replace") for path in folder.iterdir())
        problem = ours(told)
        assert not problem, problem[:4000]
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Dissector bug" not in done.stdout
        return done
    return run


def ours(told):
    """The first report that concerns the plugin, or an empty string."""
    for error in re.findall(r"ERROR: AddressSanitizer: .*|runtime error: .*", told):
        return told[told.index(error):]
    for leak in re.findall(r"^(?:Direct|Indirect) leak of .*?\n\n", told, re.DOTALL | re.MULTILINE):
        if "tcpstate.so" in leak and not any(word in leak for word in KEPT_BY_WIRESHARK):
            return leak
        assert "<unknown module>" not in leak, "the plugin was unloaded before the leaks were counted"
    return ""


def test_the_module_is_sanitized():
    """Else everything here would pass whatever happens."""
    symbols = subprocess.run(["nm", "-D", os.environ["TCPSTATE_MODULE"]], capture_output=True, text=True).stdout
    assert "__asan_report_load" in symbols and "__ubsan_handle" in symbols


def test_a_leak_is_told():
    told = "Direct leak of 8 byte(s) in 1 object(s) allocated from:\n    #0 malloc\n    #1 feed ({}+0x1)\n\n"
    assert ours(told.format("/x/tcpstate.so")) and not ours(told.format("/usr/lib/libwireshark.so.16"))


def test_nothing_leaks(clean, captures):
    """One capture with every report: the whole stack of each block, which tells whose a leak is, is slow."""
    done = clean("tshark", "-n", "-r", captures / "reuse-same-isn.pcapng", "-2", "-V", *reports("text"))
    assert "TIME_WAIT" in done.stdout, "the plugin is not loaded"


def test_all_captures_in_one_pass(clean, everything):
    assert "TIME_WAIT" in clean("tshark", "-n", "-r", everything, "-V", *reports("text"), leaks=False).stdout


def test_all_captures_in_two_passes(clean, everything):
    done = clean("tshark", "-n", "-r", everything, "-2", "-V", *reports("csv"), leaks=False)
    assert "at the end" in done.stdout


def test_all_captures_with_a_read_filter(clean, everything):
    clean("tshark", "-n", "-r", everything, "-2", "-R", "tcpstate.transition", "-T", "fields", "-e", "tcpstate.reason",
          *reports("json"), leaks=False)


@pytest.mark.skipif(not os.environ.get("TCPSTATE_MUTATE"), reason="TCPSTATE_MUTATE names no mutate_capture; ctest sets it")
@pytest.mark.parametrize("seed", MUTATION_SEEDS)
def test_mutated_captures(seed, clean, everything, scratch):
    """3,000 frames with 4,000 changes; the fuzzers go further (test/fuzz)."""
    plain, changed = scratch / "plain.pcap", scratch / "changed.pcap"
    subprocess.run(["editcap", "-F", "pcap", "-T", "ether", str(everything), str(plain)], check=True, capture_output=True)
    subprocess.run([os.environ["TCPSTATE_MUTATE"], str(seed), "4000", str(plain), str(changed)], check=True)
    changed.chmod(0o644)
    clean("tshark", "-n", "-r", changed, *(["-2"] if seed % 2 else []), "-V", *reports("text"), leaks=False)


@pytest.mark.skipif(shutil.which("sharkd") is None, reason="sharkd is not installed")
def test_files_loaded_and_dropped(clean, captures):
    """Frames asked for in any order, a file dropped for the next one, twice over. Whether memory grows: test_scale.py."""
    calls = []
    for name in ("close-simultaneous", "path-vxlan", "reuse-same-isn", "icmp-quotes-syn", "capture-snaplen-54") * 2:
        calls.append({"method": "load", "params": {"file": str(captures / f"{name}.pcapng")}})
        calls += [{"method": "frame", "params": {"frame": frame, "proto": True}} for frame in (3, 1, 2)]
        calls.append({"method": "frames", "params": {"filter": "tcpstate.transition"}})
    lines = [json.dumps({"jsonrpc": "2.0", "id": i, **call}) for i, call in enumerate(calls)]
    done = clean("sharkd", "-", input="\n".join(lines) + "\n", leaks=False)
    assert done.stdout.count('"id":') == len(calls), done.stdout[:500]
