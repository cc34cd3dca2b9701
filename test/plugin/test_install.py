"""Installing, for everybody and for one user, puts the plugin where Wireshark finds it; removing leaves nothing.

Works in staging folders and in homes of its own: nothing of this machine's Wireshark is touched. The Debian package is
tried in a clean root by scripts/package.sh. Look next: plugin/install/install.cmake.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import CAPTURES, ROOT, open_to_all

SCRIPT = ROOT / "plugin" / "install" / "user.cmake"


@pytest.fixture(scope="module")
def tree(wireshark):
    """The build tree that the plugin under test was made in."""
    tree = pathlib.Path(os.environ["TCPSTATE_MODULE"]).parents[1]
    if not (tree / "CMakeCache.txt").exists():
        pytest.skip("TCPSTATE_MODULE is not in a build tree")
    return tree


@pytest.fixture
def home():
    """A home of its own, not below pytest's folder, which the user that root becomes may not enter."""
    with tempfile.TemporaryDirectory(prefix="tcpstate-home.") as folder:
        yield open_to_all(pathlib.Path(folder))


def run(*command, check=True, **variables):
    """`command` with more variables in its environment. tshark runs as another user than root, for whom it loads nothing.
    """
    if os.geteuid() == 0 and command[0] == "tshark":
        command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WIRESHARK_"))}
    environment.update({name: str(value) for name, value in variables.items()}, LC_ALL="C.UTF-8")
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, encoding="utf-8")
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def series(wireshark_version):
    return ".".join(map(str, wireshark_version))


def test_for_everybody_and_away_again(tree, scratch, wireshark_version):
    (scratch / "usr").mkdir()
    run("cmake", "--install", tree, DESTDIR=scratch)
    files = files_below(scratch)
    assert [name for name in files if name.endswith(f"/wireshark/plugins/{series(wireshark_version)}/epan/tcpstate.so")]
    assert "usr/share/man/man7/tcpstate.7.gz" in files
    assert "usr/share/doc/tcpstate/README.md" in files and "usr/share/doc/tcpstate/docs/inference.md" in files
    assert "usr/share/doc/tcpstate/captures/textbook-t3-curl.pcapng" in files
    assert "usr/share/wireshark/profiles/TCP State/colorfilters" in files
    run("cmake", "--build", tree, "--target", "uninstall", DESTDIR=scratch)
    assert files_below(scratch) == []


def test_what_was_there_before_stays(tree, scratch):
    neighbour = scratch / "usr" / "share" / "doc" / "tcpstate" / "mine.txt"
    neighbour.parent.mkdir(parents=True)
    neighbour.write_text("mine")
    run("cmake", "--install", tree, DESTDIR=scratch)
    run("cmake", "--build", tree, "--target", "uninstall", DESTDIR=scratch)
    assert files_below(scratch) == ["usr", "usr/share", "usr/share/doc", "usr/share/doc/tcpstate",
                                    "usr/share/doc/tcpstate/mine.txt"]


def test_for_one_user_and_away_again(tree, home, wireshark_version):
    run("cmake", "--build", tree, "--target", "install-user", HOME=home)
    assert f".local/lib/wireshark/plugins/{series(wireshark_version)}/epan/tcpstate.so" in files_below(home)
    capture = shutil.copy(CAPTURES / "textbook-t3-curl.pcapng", home)
    run("chmod", "-R", "a+rX", home)
    shown = run("tshark", "-C", "TCP State", "-r", capture, "-T", "fields", "-e", "tcpstate.pair", HOME=home).stdout
    assert shown.splitlines()[-1] == "TIME_WAIT:CLOSED"
    os.remove(capture)
    run("cmake", "--build", tree, "--target", "uninstall-user", HOME=home)
    assert files_below(home) == []


def test_a_profile_that_its_user_changed_is_the_users(tree, home):
    colours = home / ".config" / "wireshark" / "profiles" / "TCP State" / "colorfilters"
    run("cmake", "--build", tree, "--target", "install-user", HOME=home)
    colours.write_text("mine")
    run("cmake", "--build", tree, "--target", "install-user", HOME=home)
    assert colours.read_text() == "mine" and (colours.parent / "preferences").exists()
    done = run("cmake", "--build", tree, "--target", "uninstall-user", HOME=home)
    assert colours.read_text() == "mine" and "Changed since, and so left:" in done.stdout
    assert [path.name for path in colours.parent.iterdir()] == ["colorfilters"]


def test_a_user_is_told_that_the_plugin_is_for_another_wireshark(tree, home):
    module = tree / "plugin" / "tcpstate.so"
    done = run("cmake", "-D", "ACTION=install", "-D", f"MODULE={module}", "-D", "PROFILE=/none", "-D", "SERIES=3.6",
               "-P", SCRIPT, HOME=home, check=False)
    told = " ".join(done.stderr.split())
    assert done.returncode != 0 and "This plugin was built for Wireshark 3.6, but the tshark that is here" in told
    assert files_below(home) == []


def test_the_version_stands_in_one_place(tree, wireshark):
    """In CMakeLists.txt; plugin and package take it from there, and the newest heading of CHANGELOG.md is about it."""
    version = re.search(r"^project\(tcpstate VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
    line = next(line for line in wireshark.run("tshark", "-G", "plugins").stdout.splitlines() if "tcpstate.so" in line)
    assert line.split()[1] == version
    assert re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version
    assert f'set(CPACK_PACKAGE_VERSION "{version}")' in (tree / "CPackConfig.cmake").read_text()


def test_removing_what_was_never_installed_says_so(tree, scratch):
    script = ROOT / "plugin" / "install" / "remove.cmake"
    done = run("cmake", "-D", f"MANIFEST={scratch}/none", "-P", script, check=False)
    assert done.returncode != 0 and "Nothing was installed" in done.stderr


@pytest.mark.skipif(not shutil.which("dpkg-shlibdeps"), reason="no dpkg-dev here, so no Debian package")
def test_the_package_depends_on_this_series_of_wireshark(tree, scratch, wireshark_version):
    major, minor = wireshark_version
    run("cpack", "--config", tree / "CPackConfig.cmake", "-G", "DEB", "-B", scratch)
    package, = scratch.glob("*.deb")
    assert package.name.startswith("tcpstate_") and f"+ws{major}.{minor}-1_" in package.name
    depends = run("dpkg-deb", "--field", package, "Depends").stdout
    assert f"wireshark-common (>= {major}.{minor}~)" in depends
    assert f"wireshark-common (<< {major}.{minor + 1}~)" in depends and "libwireshark" in depends
    listed = run("dpkg-deb", "--contents", package).stdout
    for name in ("epan/tcpstate.so", "man7/tcpstate.7.gz", "tcpstate/copyright", "tcpstate/changelog.Debian.gz"):
        assert name in listed
