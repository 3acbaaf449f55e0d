"""src/python inside every real interpreter of this machine: frames, lines, code objects, names of threads, offsets.

Each test runs one of the scripts beside this file in the interpreter, with the library that is built from walk_live.c
($LINEPROF_WALK_LIVE, else the one of build/release).
"""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LIBRARY = os.environ.get("LINEPROF_WALK_LIVE", str(HERE.parents[1] / "build/release/tests/unit/libwalk_live.so"))
NO_HEADERS = 77


def run(python, script, environment=None):
    return subprocess.run([python, str(HERE / script), LIBRARY], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


def check(done):
    assert done.returncode == 0, done.stdout


def test_our_frames_are_pythons(python):
    check(run(python, "walk_live.py"))


def test_our_frames_are_pythons_in_greenlets(python, packages):
    check(run(python, "walk_live.py", packages(python, "greenlet")))


def test_no_stack_is_wrong_in_a_storm_of_signals(python):
    check(run(python, "walk_storm.py"))


def test_our_names_of_threads_are_pythons(python):
    check(run(python, "thread_names.py"))


def test_our_lines_are_pythons(python):
    check(run(python, "check_lines.py"))


def test_our_offsets_are_those_of_the_headers(python):
    done = run(python, "check_rows.py")
    if done.returncode == NO_HEADERS:
        pytest.skip(done.stdout.strip())
    check(done)
