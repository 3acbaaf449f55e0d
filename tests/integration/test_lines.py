"""Whose line, in programs that once got it wrong: each of these found a defect."""

import pytest


@pytest.fixture
def profiled(program, python):
    program.python = str(python)

    def run(*arguments, expect=0):
        ended = program.run("--json", *arguments)
        assert ended.code == expect, ended.err
        return program.report()
    return run


def shares(report, name):
    """Per cent of the report's time by line of the file whose path ends in `name`."""
    return {line["line"]: line["python_pct"] + line["native_pct"] + line["system_pct"]
            for path, file in report["files"].items() if path.endswith(name) for line in file["lines"]}


def test_a_module_of_50000_lines(program, profiled):
    program.write("big.py", "x=0\n" * 50_000 + "i = 0\nwhile i < 4000000:\n    i += 1\n")
    lines = shares(profiled("big.py"), "big.py")
    assert lines[50_002] + lines[50_003] > 50, lines


GENERATED = """\
from dataclasses import dataclass
@dataclass(order=True)
class P:
    x: int
    y: int
pts = [P(i % 97, -i) for i in range(30000)]
for _ in range(6):
    sorted(pts)
"""


def test_generated_code_is_not_the_source_of_c(profiled):
    lines = shares(profiled("-c", GENERATED), "<string>")
    assert lines[8] > 50, lines
    assert not set(lines) & {4, 5}, lines


def test_the_c_of_a_child_is_its_own(profiled):
    child = "\n\ns = 0\nfor i in range(4000000):\n    s += i\n"
    report = profiled("-c", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\nprint()\nprint()\n")
    assert max(shares(report, "<string>").get(line, 0) for line in (3, 4)) < 10


def test_a_relative_script_after_chdir_and_fork(program, profiled):
    program.write("away.py", "import os\nos.chdir('/')\npid = os.fork()\n"
                             "for i in range(3000000):\n    pass\nif pid: os.waitpid(pid, 0)\n")
    lines = shares(profiled("away.py"), "/away.py")
    assert lines[4] + lines.get(5, 0) > 70, lines


def test_a_stack_too_deep_for_a_sample_says_so(program, profiled, python):
    if python.minor < (3, 11):
        pytest.skip("its C stack is not deep enough")
    program.write("deep.py", "import sys\nsys.setrecursionlimit(40000)\ndef dive(n):\n"
                             "    return dive(n - 1) if n else sum(i for i in range(4000000))\ndive(20000)\n")
    report = profiled("deep.py")
    functions, nodes = report["stacks"]["functions"], report["stacks"]["nodes"]
    roots = {functions[f]["name"] for f, parent in zip(nodes["function"], nodes["parent"]) if parent < 0}
    assert "<outermost frames>" in roots
    assert shares(report, "deep.py")[4] > 50


BLOCKED = """\
import signal, time
def spin():
    end = time.perf_counter() + .03
    while time.perf_counter() < end: pass
for _ in range(12):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})
    spin()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    spin()
"""


def test_time_under_a_blocked_signal_is_on_no_line(program, profiled):
    program.write("blocked.py", BLOCKED)
    report = profiled("blocked.py")
    assert shares(report, "blocked.py").get(8, 0) < 5
    assert report["lost"]["blocked"] > 20
    assert 0.25 < report["totals"]["unsampled_s"] < 0.6


def test_cpu_time_is_counted_once_through_exec(program, profiled):
    program.write("again.py", "import os, sys, time\nn = int(sys.argv[1])\n"
                              "end = time.process_time() + .05\nwhile time.process_time() < end: pass\n"
                              "if n: os.execv(sys.executable, [sys.executable, sys.argv[0], str(n - 1)])\n"
                              "print(time.process_time())\n")
    report = profiled("again.py", "4")
    total = sum(report["totals"][kind + "_s"] for kind in ("python", "native", "system", "unsampled", "overhead"))
    inside = max(process["cpu_s"] for process in report["processes"])
    assert len(report["processes"]) == 5
    assert total == pytest.approx(sum(process["cpu_s"] for process in report["processes"]), rel=0.01)
    assert inside < total / 2


SCRIBBLER = """\
import ctypes, time
maps = [line for line in open('/proc/self/maps') if '/lineprof-' in line and 'ring.' in line]
start, end = max((tuple(int(x, 16) for x in line.split()[0].split('-')) for line in maps), key=lambda r: r[1] - r[0])
stop = time.process_time() + .4
while time.process_time() < stop:
    ctypes.memset(start + 32768, 0x40, end - start - 32768)
print('alive')
"""


def test_a_program_that_scribbles_over_the_ring_is_not_hurt(program, python):
    program.python = str(python)
    program.write("scribbler.py", SCRIBBLER)
    ended = program.run("--json", "scribbler.py")
    assert (ended.code, ended.out) == (0, b"alive\n"), ended.err
