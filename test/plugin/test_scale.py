"""Captures that are made to cost: a flood of SYNs, ports used again and again, transitions without end, changed headers
by the thousand, and files loaded one after the other into one process.

TCPSTATE_SCALE=full in the environment takes the numbers of docs/robustness.md (10^6 sources, 10^5 lives, 10^6
transitions: some minutes and a gigabyte for tshark itself); without it they are a tenth to a twentieth. What is measured
is memory and the processor's time, never the clock; pytest's option -s shows the figures. Look next: test_hostile.py,
what single frames can do.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import json
import os
import shutil
import statistics
import subprocess

import pytest

import pcap_files
from conftest import WITH_PLUGIN, open_to_all
from pcap_files import ACK, FIN, SYN, conversation, tcp_frame, to_client, to_server
from test_modes import same, without_ours

FULL = os.environ.get("TCPSTATE_SCALE") == "full"
SOURCES, LIVES, TRANSITIONS = (1_000_000, 100_000, 1_000_000) if FULL else (50_000, 5_000, 100_000)
REPORTS = ("exchanges", "failed", "census", "census,1", "stuck", "resets", "servers", "dwell", "connections", "ladder,0")
# Octets that a connection may cost beyond what Wireshark itself keeps of it; it is a few hundred.
OCTETS_PER_CONNECTION = 1024
# KiB that sharkd may hold after so many files more beyond what it holds without the plugin: 20 for each, where the plugin's
# smallest block is 64. Wireshark 4.0 itself keeps 11 MiB of each. test_sanitized.py looks for small leaks, exactly.
BATCH, KIB_PER_BATCH = 30, 600


def cost(wireshark, *arguments, plugin=True):
    """(seconds of the processor, octets of memory at most) of one tshark that writes nothing, and its exit status."""
    environment = dict(wireshark.environment, **({} if plugin else {"TCPSTATE_MODULE": "none"}))
    process = subprocess.Popen([str(WITH_PLUGIN), "tshark", "-n", *map(str, arguments)], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def bounded(wireshark, path, connections):
    """Not more than three times the time, and so many octets for each connection, beyond tshark without the plugin."""
    time, memory = cost(wireshark, "-r", path)
    time_without, memory_without = cost(wireshark, "-r", path, plugin=False)
    print(f"{path.name}: {connections} connections: {time:.1f} s and {memory >> 20} MiB, "
          f"without the plugin {time_without:.1f} s and {memory_without >> 20} MiB")
    assert memory - memory_without < connections * OCTETS_PER_CONNECTION + 20_000_000, \
        f"{(memory - memory_without) / connections:.0f} octets per connection"
    assert time < 3 * time_without + 2, f"{time:.1f} s, without the plugin {time_without:.1f} s"


def test_syn_flood(wireshark, scratch):
    """Each SYN from another address: nothing may grow faster than the number of sources, or cost more at the end."""
    def sources():
        for i in range(SOURCES):
            yield tcp_frame((f"{10 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.7", 1024 + i % 60000), pcap_files.SERVER, SYN, i)
    path = pcap_files.write(scratch / "flood.pcap", sources(), step=0.00001)
    bounded(wireshark, path, SOURCES)
    report = wireshark.tshark("-q", "-r", path, "-o", "tcpstate.report_format:json", "-z", "tcpstate,servers",
                              timeout=900).stdout
    assert str(SOURCES) in report, report[:500]


def test_ports_used_again_and_again(wireshark, scratch):
    def lives():
        for life in range(LIVES):
            yield from conversation(client_isn=1000 + life * 1_000_003, server_isn=5000 + life * 3_000_017)
    path = pcap_files.write(scratch / "reuse.pcap", lives(), step=0.001)
    bounded(wireshark, path, LIVES)
    rows = wireshark.fields(path, "tcpstate.incarnation", "tcpstate.transition", timeout=900)
    assert rows[-1] == (str(LIVES), "client→TIME_WAIT|server→CLOSED")


def test_transitions_without_end(wireshark, scratch):
    """A FIN whose ACK is lost, acknowledged, sent again, ...: the log has a limit, and the packet that reaches it says so."""
    pair = [to_server(FIN | ACK, 1101, 5101), to_client(ACK, 5101, 1102)]
    path = pcap_files.write(scratch / "endless.pcap", conversation()[:7] + pair * (TRANSITIONS // 2), step=0.25)
    _, memory = cost(wireshark, "-r", path)
    _, memory_without = cost(wireshark, "-r", path, plugin=False)
    print(f"{path.name}: {TRANSITIONS} transitions: {(memory - memory_without) >> 10} KiB more than without the plugin")
    assert memory - memory_without < 40_000_000, "the log of one connection is bounded"
    said = wireshark.fields(path, "frame.number", options=["-Y", 'tcpstate.reason contains "not tracked"'], timeout=900)
    assert len(said) == 1, said[:3]


# --- changed headers ---

@pytest.fixture(scope="module")
def changed(everything, tmp_path_factory):
    """All captures in one file, with changes where TCP and IP headers are: 3,000 frames and as many changes."""
    if not os.environ.get("TCPSTATE_MUTATE"):
        pytest.skip("TCPSTATE_MUTATE names no mutate_capture; ctest sets it")
    folder = open_to_all(tmp_path_factory.mktemp("changed"))
    subprocess.run(["editcap", "-F", "pcap", "-T", "ether", str(everything), str(folder / "all.pcap")], check=True,
                   capture_output=True)

    def make(seed):
        path = folder / f"changed-{seed}.pcap"
        if not path.exists():
            subprocess.run([os.environ["TCPSTATE_MUTATE"], str(seed), "3000", str(folder / "all.pcap"), str(path)], check=True)
            path.chmod(0o644)
        return path
    return make


@pytest.mark.parametrize("seed", range(1, 21 if FULL else 4))
def test_changed_headers(seed, changed, wireshark):
    """What is not ours stays as it is without the plugin, exit status included; and both passes show the same."""
    path = changed(seed)
    without = wireshark.tshark("-r", path, "-V", plugin=False, check=False, timeout=900)
    with_plugin = wireshark.tshark("-r", path, "-V", check=False, timeout=900)
    assert without.returncode == with_plugin.returncode
    assert "tcpstate" not in with_plugin.stderr.lower()
    same(without.stdout.splitlines(), without_ours(with_plugin.stdout))
    assert with_plugin.stdout != without.stdout, "the plugin was not there"
    shown = ("frame.number", "tcpstate.pair", "tcpstate.transition", "tcpstate.reason", "tcpstate.rst.validity")
    same(*(wireshark.fields(path, *shown, options=way, timeout=900) for way in ([], ["-2"])))


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_reports_of_changed_headers(form, changed, wireshark):
    done = wireshark.tshark("-q", "-r", changed(1), "-o", f"tcpstate.report_format:{form}",
                            *(word for name in REPORTS for word in ("-z", f"tcpstate,{name}")), timeout=900)
    assert done.stdout and "tcpstate" not in done.stderr


# --- one process, many files ---

@pytest.mark.skipif(shutil.which("sharkd") is None, reason="sharkd is not installed")
def test_memory_of_files_loaded_one_after_the_other(wireshark, captures):
    """180 loads into one sharkd: what thirty files leave behind, they leave without the plugin too. Measured is what was
    asked for, the data segment: the kernel decides what is resident. The allocators of Wireshark (8 MiB at a time) and of
    the C library keep blocks for later as it comes, with the plugin or without; here each large block is the kernel's, and
    goes back at once. Of five growths the middle one counts: a loss at each file is in all of them."""
    names = [str(captures / name) for name in ("http-twelve-at-once.pcapng", "reuse-same-isn.pcapng")]

    def data_kib(process):
        with open(f"/proc/{process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmData"))

    def growth(plugin):
        environment = dict(wireshark.environment, WIRESHARK_DEBUG_WMEM_OVERRIDE="simple",
                           GLIBC_TUNABLES="glibc.malloc.mmap_threshold=32768:glibc.malloc.trim_threshold=32768",
                           **({} if plugin else {"TCPSTATE_MODULE": "none"}))
        sharkd = subprocess.Popen([str(WITH_PLUGIN), "sharkd", "-"], env=environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        held = []
        for i in range(6 * BATCH):
            for method, parameters in (("load", {"file": names[i % 2]}), ("frames", {"limit": 5}),
                                       ("frame", {"frame": 3, "proto": True})):
                call = {"jsonrpc": "2.0", "id": i + 1, "method": method, "params": parameters}
                sharkd.stdin.write(json.dumps(call) + "\n")
                sharkd.stdin.flush()
                assert sharkd.stdout.readline(), f"sharkd ended at load {i + 1}"
            if (i + 1) % BATCH == 0:
                held.append(data_kib(sharkd))
        sharkd.stdin.close()
        assert sharkd.wait(60) == 0
        return statistics.median(after - before for before, after in zip(held, held[1:]))
    with_plugin, without = growth(True), growth(False)
    print(f"sharkd: {BATCH} files more: {with_plugin} KiB more, without the plugin {without} KiB")
    assert with_plugin - without < KIB_PER_BATCH
