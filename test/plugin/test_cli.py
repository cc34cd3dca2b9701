"""Bad use of the plugin from the command line: one clear sentence and the right exit status, each.

The reports' own tests hold their output; here is only what a person or script gets for a mistake.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import csv
import io
import json
import os
import shutil
import subprocess

import pytest

import pcap_files
from conftest import ROOT, WITH_PLUGIN

CAPTURE = "textbook-t3-curl.pcapng"
REPORTS = ("exchanges", "failed", "census", "stuck", "resets", "servers", "dwell", "connections")


def complaint(done):
    """The lines of stderr that are not tshark's own noise."""
    return [line for line in done.stderr.splitlines()
            if line.strip() and not line.startswith(("Running as user", " **"))]


def refused(done, *words, status=None):
    assert done.returncode != 0 if status is None else done.returncode == status, done.stderr
    text = " ".join(complaint(done))
    for word in words:
        assert word in text, f"{word!r} is missing in: {text}"
    assert 1 <= len(complaint(done)) <= 4, text
    assert "assert" not in text.lower() and "ERROR" not in text


@pytest.fixture
def report(tshark, captures):
    def run(argument, *options, capture=CAPTURE):
        return tshark("-q", "-r", captures / capture, *options, "-z", argument, check=False)
    return run


def test_unknown_report(report):
    refused(report("tcpstate,nonsense"), "nonsense")


def test_no_report(report):
    refused(report("tcpstate"))


def test_report_with_a_letter_too_many(report):
    refused(report("tcpstate,exchangesx"))


@pytest.mark.parametrize("argument", ["tcpstate,stuck,soon", "tcpstate,census,-5", "tcpstate,ladder,x", "tcpstate,ladder",
                                      "tcpstate,census,1e999"])
def test_bad_argument(argument, report):
    done = report(argument)
    refused(done)
    assert argument.split(",")[1] in " ".join(complaint(done))


@pytest.mark.parametrize("name", REPORTS)
def test_bad_filter(name, report):
    refused(report(f"tcpstate,{name},tcp.nosuchfield == 1"), "nosuchfield")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_filter_that_matches_nothing(name, form, report):
    done = report(f"tcpstate,{name},tcp.port == 9", "-o", "tcpstate.report_format:" + form)
    assert done.returncode == 0 and not complaint(done)
    assert_says_nothing(form, done.stdout)
    assert form == "csv" or "No TCP packet passes the filter." in done.stdout


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_capture_of_zero_packets(name, form, tshark, scratch):
    empty = pcap_files.write(scratch / "empty.pcap", [])
    done = tshark("-q", "-r", empty, "-o", "tcpstate.report_format:" + form, "-z", f"tcpstate,{name}")
    assert not complaint(done)
    assert_says_nothing(form, done.stdout)


def assert_says_nothing(form, output):
    """A report without rows is valid, and in text says so."""
    if form == "text":
        assert output.startswith("No ")
    elif form == "csv":
        assert len(list(csv.reader(io.StringIO(output)))) == 1
    else:
        lists = {key: value for key, value in json.loads(output).items() if isinstance(value, list) and key != "notes"}
        assert lists and not any(lists.values())


def test_ladder_of_a_stream_that_is_not_there(report):
    done = report("tcpstate,ladder,77")
    assert "77" in done.stdout + done.stderr


@pytest.mark.parametrize("preference, word", [("tcpstate.two_msl:99999999", "two_msl"), ("tcpstate.stuck_seconds:0", "stuck_seconds"),
                                              ("tcpstate.slow_handshake:0", "slow_handshake"),
                                              ("tcpstate.half_open_limit:0", "half_open_limit")])
def test_preference_out_of_range_is_told_once(preference, word, tshark, captures):
    done = tshark("-r", captures / CAPTURE, "-o", preference, check=False)
    said = [line for line in complaint(done) if word in line]
    assert len(said) == 1 and "between" in said[0]
    assert len(done.stdout.splitlines()) == 10


@pytest.mark.parametrize("preference", ["tcpstate.two_msl:long", "tcpstate.nosuch:1"])
def test_preference_that_is_not_one(preference, tshark, captures):
    refused(tshark("-r", captures / CAPTURE, "-o", preference, check=False), "tcpstate.")


def test_filter_with_a_field_that_does_not_exist(tshark, captures):
    refused(tshark("-r", captures / CAPTURE, "-Y", 'tcpstate.clint == "CLOSED"', check=False), "tcpstate.clint")


def test_missing_file(tshark):
    refused(tshark("-q", "-r", "/nowhere/x.pcap", "-z", "tcpstate,exchanges", check=False), "/nowhere/x.pcap")


def test_a_file_that_is_no_capture(tshark, scratch):
    path = scratch / "text.pcap"
    path.write_text("This is no capture.\n" * 10)
    refused(tshark("-q", "-r", path, "-z", "tcpstate,exchanges", check=False), "text.pcap")


def test_unreadable_file(scratch):
    """Only a user without root's privileges cannot read it."""
    path = pcap_files.write(scratch / "secret.pcap", pcap_files.conversation())
    path.chmod(0)
    command = ["tshark", "-q", "-r", str(path)]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, HOME=str(scratch)))
    assert done.returncode != 0 and "ermission" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_disk_full(form, wireshark, captures):
    """A report that could not be written must not look like success."""
    command = [str(WITH_PLUGIN), "tshark", "-n", "-q", "-r", str(captures / "flood-syn.pcap"), "-o",
               f"tcpstate.report_format:{form}", "-z", "tcpstate,connections"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=wireshark.environment)
    assert done.returncode != 0
    assert "space" in done.stderr, done.stderr


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="only root may mount a small disk")
@pytest.mark.parametrize("form", ["csv", "json"])
def test_small_disk_full(form, wireshark, captures, scratch):
    """A disk with room for the first lines only: said once, not success, and what was written is there."""
    disk = scratch / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=8k tmpfs "$0" || exit 99; "$@" > "$0/report"; status=$?; wc -c < "$0/report"; exit $status'
    # In a chroot there is no mount to make private; whoever made it did.
    ways = [["unshare", "-m", "--propagation", way] for way in ("private", "unchanged")]
    alone = next((way for way in ways if subprocess.run([*way, "true"], capture_output=True).returncode == 0), None)
    if alone is None:
        pytest.skip("no mount here")
    done = subprocess.run([*alone, "sh", "-c", script, str(disk), str(WITH_PLUGIN), "tshark", "-n", "-q", "-r",
                           str(captures / "flood-syn.pcap"), "-o", f"tcpstate.report_format:{form}", "-z",
                           "tcpstate,connections"], capture_output=True, text=True, env=wireshark.environment)
    if done.returncode == 99:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    assert done.returncode != 0
    assert len(complaint(done)) == 1 and "No space left" in done.stderr, done.stderr
    assert 0 < int(done.stdout) <= 8192


def test_reader_of_the_output_goes_away(wireshark, captures):
    """tshark | head must end, quietly."""
    command = f"'{WITH_PLUGIN}' tshark -n -q -r '{captures / 'flood-syn.pcap'}' -z tcpstate,connections | head -n 2"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=wireshark.environment, timeout=60)
    assert done.returncode == 0 and "Segmentation" not in done.stderr


def installed_for(home, wireshark):
    """A home with the plugin where a user's own plugins are; where that is below a home, Wireshark tells."""
    told = wireshark.run("tshark", "-G", "folders").stdout
    folder = [line.split(":", 1)[1].strip() for line in told.splitlines() if line.startswith("Personal Plugins:")][0]
    personal = home / os.path.relpath(folder, wireshark.home) / "epan"
    personal.mkdir(parents=True)
    shutil.copy(os.environ["TCPSTATE_MODULE"], personal / "tcpstate.so")
    return home


def test_plugin_installed_twice(wireshark, captures, scratch):
    """For everybody and for the user: Wireshark says so in one line, takes one, and each state is shown once."""
    home = installed_for(scratch / "home", wireshark)
    done = wireshark.tshark("-r", captures / CAPTURE, "-T", "fields", "-e", "tcpstate.pair", environment={"HOME": str(home)})
    assert len(complaint(done)) == 1
    assert "'tcpstate.so' was found in multiple directories" in done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == 10 and rows[-1] == "TIME_WAIT:CLOSED"


@pytest.mark.skipif(os.getuid() != 0, reason="only root sees what root sees")
@pytest.mark.parametrize("arguments, word", [(["-T", "fields", "-e", "tcpstate.pair"], "tcpstate.pair"),
                                             (["-Y", "tcpstate.transition"], "tcpstate.transition"),
                                             (["-q", "-z", "tcpstate,exchanges"], '"tcpstate,exchanges"')])
def test_root_has_no_plugins(arguments, word, wireshark, captures, scratch):
    """Wireshark loads no user's plugin as root and does not say why: that it runs as root, and what it then does not know.
    The README has the rest."""
    home = installed_for(scratch / "home", wireshark)
    done = subprocess.run(["tshark", "-n", "-r", str(captures / CAPTURE), *arguments], capture_output=True, text=True,
                          env=dict(wireshark.environment, HOME=str(home)))
    assert done.returncode != 0 and not done.stdout
    assert 'Running as user "root"' in done.stderr and word in complaint(done)[0] + complaint(done)[1]
    assert "Wireshark that **runs as root** loads no plugins of a user." in readme()


def test_a_plugin_for_another_version_is_refused_by_name(wireshark, wireshark_version, captures, scratch):
    """What the user of another Wireshark sees: which file, and which version it was made for, as the README says."""
    folder = scratch / "plugins" / "{}.{}".format(*wireshark_version) / "epan"
    folder.mkdir(parents=True)
    other = compile_for_another_version(folder / "tcpstate.so", wireshark_version)
    if other is not None:
        pytest.skip(other)
    command = ["env", f"WIRESHARK_PLUGIN_DIR={scratch / 'plugins'}", "tshark", "-n", "-r", str(captures / CAPTURE)]
    if os.getuid() == 0:
        command = [str(WITH_PLUGIN), "-m", "none", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=wireshark.environment)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 10
    assert len(complaint(done)) == 1
    said = "was compiled for Wireshark version "
    assert "tcpstate.so" in done.stderr and f"{said}{wireshark_version[0]}.{wireshark_version[1] + 2}" in done.stderr
    assert f'Another Wireshark says that `tcpstate.so` "{said}…"' in readme()


def readme():
    """Its words, wherever its lines end."""
    return " ".join((ROOT / "README.md").read_text().split())


def compile_for_another_version(target, version):
    """A plugin of nothing but the wrong version. Returns why it could not be made, or None."""
    if shutil.which("cc") is None:
        return "there is no C compiler"
    source = target.with_suffix(".c")
    source.write_text(f'const char plugin_version[] = "0"; const char plugin_release[] = "0.0";\n'
                      f"const int plugin_want_major = {version[0]}; const int plugin_want_minor = {version[1] + 2};\n"
                      "void plugin_register(void) {}\nunsigned plugin_describe(void) { return 1; }\n")
    done = subprocess.run(["cc", "-shared", "-fPIC", "-o", str(target), str(source)], capture_output=True, text=True)
    source.unlink()
    return done.stderr or None


# --- the scripts ---

def demo(*arguments, cwd):
    """As a user runs it, but with the plugin under test instead of a build."""
    return subprocess.run([str(ROOT / "scripts" / "demo.sh"), *map(str, arguments)], capture_output=True, text=True,
                          cwd=cwd, timeout=300)


def test_demo_prints_what_the_readme_shows(wireshark, scratch):
    done = demo(cwd=scratch)
    assert done.returncode == 0 and not complaint(done), done.stderr
    table, _, rest = done.stdout.partition("\n\n")
    assert f"```\n{table}\n…\n```" in (ROOT / "README.md").read_text()
    assert "Handshakes: 1 complete" in rest


def test_demo_takes_a_capture_beside_the_caller(wireshark, scratch):
    shutil.copy(ROOT / "captures" / "open-refused-ipv6.pcapng", scratch / "mine.pcapng")
    done = demo("mine.pcapng", cwd=scratch)
    assert done.returncode == 0 and "[2001:db8::" in done.stdout and "client→CLOSED" in done.stdout


def test_demo_says_when_there_is_no_tcp(wireshark, scratch):
    udp = pcap_files.to_server(0, 0)
    pcap_files.write(scratch / "udp.pcap", [udp[:23] + b"\x11" + udp[24:]])
    done = demo("udp.pcap", cwd=scratch)
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr == "demo.sh: there is no TCP in udp.pcap\n"


def test_demo_says_when_it_is_no_capture(wireshark, scratch):
    (scratch / "text.pcap").write_text("no capture\n" * 20)
    done = demo("text.pcap", cwd=scratch)
    assert done.returncode != 0 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "cannot read" in done.stderr


@pytest.mark.parametrize("arguments, word", [(["missing.pcap"], "missing.pcap"), (["a", "b"], "one capture"), (["."], "directory")])
def test_demo_refuses_in_one_sentence(arguments, word, scratch):
    done = demo(*arguments, cwd=scratch)
    assert done.returncode != 0 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and word in done.stderr
