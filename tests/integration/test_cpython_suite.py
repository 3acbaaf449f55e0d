"""A short part of CPython's own tests ends the same bare and under lineprof.

tests/bench/cpython_suite.py compares all of them; docs/transparency.md tells the results.
"""

import sys
from argparse import Namespace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
import cpython_suite  # noqa: E402

# With the cases that only wait for long left out.
TESTS = {"test_signal": ["test_siginterrupt_*", "test_without_siginterrupt", "test_wakeup_fd_*",
                         "test_interprocess_signal"], "test_os": [], "test_time": [],
         "test_thread": [], "test_generators": [], "test_coroutines": []}


@pytest.fixture(scope="module")
def tested(pytestconfig):
    """One interpreter that has its tests, the system's own if it can be."""
    for interpreter in sorted(pytestconfig.chosen, key=lambda i: i.source != "system"):
        if set(TESTS) <= cpython_suite.available(str(interpreter)):
            return str(interpreter)
    pytest.skip("no interpreter with its own tests (Debian: libpython3.N-testsuite)")


@pytest.mark.parametrize("test", TESTS)
def test_same_outcomes(lineprof, tested, tmp_path, test):
    leave_out = [word for name in TESTS[test] for word in ("-i", name)]
    options = Namespace(lineprof=lineprof, rounds=3, limit=120, keep=tmp_path, options=[], words=leave_out)
    file = cpython_suite.compare(options, tested, test)
    assert len(file.bare[0].cases) > 20 and not file.unprofiled()
    assert {case: file.outcomes(case) for case in file.different()} == {}
