"""Accuracy on every interpreter: one run of each program with known truth. See accuracy/run.py for the limits."""

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "accuracy"))
import run  # noqa: E402
import torn  # noqa: E402

CLASSIFIED = [program for program in run.ALL.values() if program.classifies]
TANGLE = torn.Tangle(torn.TANGLE.read_text())


@functools.lru_cache(maxsize=None)
def record(lineprof, python, program):
    """One run a session, also for those that compare two interpreters."""
    return run.judge(run.Run(lineprof), python, program, 0)


def ids(program):
    return program.name


@pytest.mark.parametrize("program", run.ALL.values(), ids=ids)
def test_truth(lineprof, python, program):
    known = record(lineprof, python, program)
    if known["skipped"]:
        pytest.skip(known["skipped"])
    assert not known["failed"]


@pytest.mark.parametrize("program", CLASSIFIED, ids=ids)
def test_static_and_shared_agree(lineprof, pytestconfig, program):
    records = [record(lineprof, python, program) for python in pytestconfig.chosen]
    compared = list(run.agreement(records))
    assert not [str(result) for result in compared if not result.ok]


def test_no_torn_stack(lineprof, python):
    line, found, well = torn.run_torn(lineprof, python, 1.0, run.high_rate(lineprof), TANGLE)
    assert well, f"{line}\n{found.most_common(10)}"


def test_tangle_is_what_it_says(python):
    unnoted, unmade = torn.check(python, TANGLE)
    assert (unnoted, unmade) == ([], [])
