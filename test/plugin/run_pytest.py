"""Runs one pytest file for ctest: run_pytest.py FILE. Exit status 77 says "skipped", which ctest shows as such.

Knows nothing of the tests. Look next: conftest.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import sys

SKIPPED = 77

try:
    import pytest
except ImportError:
    print(f"SKIPPED {sys.argv[1]}: pytest is not installed (Debian: python3-pytest)")
    sys.exit(SKIPPED)


class Count:
    """How many tests ran, so that a file in which all were skipped is not called passed."""
    ran = 0

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and not report.skipped:
            self.ran += 1


count = Count()
status = pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "--color=no", *sys.argv[1:]], plugins=[count])
if status == pytest.ExitCode.OK and count.ran == 0:
    status = SKIPPED
sys.exit(status)
