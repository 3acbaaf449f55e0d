"""Beside other tools: what looks into the program from within (profilers, tracers of Python) and from outside.

Each program runs bare and profiled, and both must agree.
"""

import shutil
import subprocess
import time

import pytest
from support import BUSY, TIMEOUT, wait_for

WORK = """
def work(n):
    total = 0
    for i in range(n):
        total += i % 7
    return total
"""


@pytest.fixture
def program(transparent):
    return transparent


def needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed")


# --- within ----------------------------------------------------------------------------------------------------

WITHIN = {
    "tracemalloc": """
import tracemalloc
tracemalloc.start(5)
kept = [bytes(1000) for _ in range(2000)]
work(200000)
snapshot = tracemalloc.take_snapshot()
tracemalloc.stop()
top = [s for s in snapshot.statistics("lineno") if s.traceback[0].filename == __file__ and s.size > 1000000]
print([(s.traceback[0].lineno, s.count // 100) for s in top])
""",
    "cProfile": """
import cProfile, pstats
profile = cProfile.Profile()
profile.enable()
for _ in range(10): work(100000)
profile.disable()
rows = pstats.Stats(profile).stats
print(sorted((key[2], row[:2]) for key, row in rows.items()))
""",
    "settrace": """
import sys, threading
seen = {}
def trace(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        key = frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno
        seen[key] = seen.get(key, 0) + 1
    return trace
threading.settrace(trace)
sys.settrace(trace)
work(100000)
t = threading.Thread(target=work, args=(100000,)); t.start(); t.join()
sys.settrace(None); threading.settrace(None)
print(sorted(seen.items()), sys.gettrace())
""",
    "setprofile": """
import sys
seen = {}
def note(frame, event, argument):
    name = frame.f_code.co_name if event in ("call", "return") else argument.__name__
    seen[name, event] = seen.get((name, event), 0) + 1
sys.setprofile(note)
for _ in range(200): work(5000); sorted(range(1000)); sum(range(1000))
sys.setprofile(None)
print(sorted(seen.items()))
""",
    "trace": "import trace\nt = trace.Trace(count=1, trace=0)\nt.runfunc(work, 200000)\n"
             "print(sorted((line, n) for (name, line), n in t.results().counts.items() if name == __file__))\n",
    "sys.monitoring": """
import sys
if not hasattr(sys, "monitoring"):
    raise SystemExit("not in this Python")
m, seen = sys.monitoring, {}
def note(name):
    def add(code, *more):
        if code.co_filename == __file__:
            key = name, code.co_name, more[0] - code.co_firstlineno if name == "LINE" else None
            seen[key] = seen.get(key, 0) + 1
    return add
print([m.get_tool(n) for n in range(6)])
m.use_tool_id(m.COVERAGE_ID, "coverage")
names = ["PY_START", "PY_RETURN", "LINE", "CALL", "JUMP"]
for name in names: m.register_callback(m.COVERAGE_ID, getattr(m.events, name), note(name))
m.set_events(m.COVERAGE_ID, sum(getattr(m.events, name) for name in names))
work(100000)
m.set_events(m.COVERAGE_ID, 0)
print(sorted(seen.items(), key=str))
""",
    "faulthandler on a signal": """
import faulthandler, os, signal, sys
faulthandler.register(signal.SIGUSR1, chain=False)
work(2000000)
os.kill(os.getpid(), signal.SIGUSR1)
faulthandler.register(signal.SIGPROF, chain=False)
work(1000000)
os.kill(os.getpid(), signal.SIGPROF)
print(faulthandler.unregister(signal.SIGPROF), int(signal.getsignal(signal.SIGPROF)), flush=True)
os.kill(os.getpid(), signal.SIGPROF)
""",
    "a sampling profiler in Python": """
import collections, signal, time
seen = collections.Counter()
signal.signal(signal.SIGPROF, lambda number, frame: seen.update([frame.f_code.co_name]))
signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
end = time.process_time() + 0.5
while time.process_time() < end: work(10000)
signal.setitimer(signal.ITIMER_PROF, 0)
print(max(seen, key=seen.get), 25 <= sum(seen.values()) <= 60 or seen)
""",
    "gc callbacks and audit hooks": """
import gc, sys
seen = []
if hasattr(sys, "addaudithook"): sys.addaudithook(lambda name, arguments: seen.append(name))
gc.callbacks.append(lambda phase, info: seen.append(phase))
work(2000000)
gc.collect()
print(seen)
""",
}


@pytest.mark.parametrize("name", WITHIN)
def test_within(program, name):
    program.both(WORK + WITHIN[name] + BUSY)
    assert program.profile()["samples"] > 0


# --- from outside ----------------------------------------------------------------------------------------------

# Its output is what a debugger or tracer must not change, nor we beside it.
OUTSIDE = WORK + """
import os, subprocess, sys, threading, time
print(work(3000000), flush=True)
threads = [threading.Thread(target=work, args=(1000000,)) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(subprocess.run([sys.executable, "-S", "-c", "print(sum(range(1000000)))"], stdout=-1).stdout)
print("done", flush=True)
sys.exit(3)
"""


@pytest.fixture
def once(program, pytestconfig):
    if str(pytestconfig.chosen[0]) != program.python:
        pytest.skip("the kernel's business, once is enough")
    return program


@needs("strace")
def test_under_strace(once):
    """strace -f around lineprof: no call of the program's restarts or fails for our sake."""
    program = once
    ended, _ = program.both(OUTSIDE, wrap=["strace", "-f", "-qq", "-o", program.directory / "calls"])
    assert ended.code == 3 and program.profile()["samples"] > 0
    calls = (program.directory / "calls").read_text()
    assert "SIGPROF" in calls and "ERESTART" not in "".join(
        line for line in calls.splitlines(True) if "SIGCHLD" not in line and "futex" not in line and "wait" not in line)


WAITS = WORK + """
import os, sys, time
open("pid.new", "w").write(str(os.getpid()))
os.rename("pid.new", "pid")
while not os.path.exists("go"): work(20000)
""" + OUTSIDE


@pytest.mark.parametrize("tool", [
    pytest.param(["strace", "-f", "-qq", "-o", "calls", "-p"], marks=needs("strace"), id="strace"),
    pytest.param(["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "bt 3", "-ex", "detach", "-p"],
                 marks=needs("gdb"), id="gdb"),
    pytest.param(["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "handle SIGPROF nostop noprint pass",
                  "-ex", "continue", "-p"], marks=needs("gdb"), id="gdb to the end")])
def test_attached(once, tool):
    """To the running program, and either gone again or there to the end."""
    program = once
    script = program.write("t.py", WAITS)
    program.write("go", "")
    bare = program.execute([program.python, script])
    for name in ("go", "pid"):
        (program.directory / name).unlink()
    process = subprocess.Popen([program.lineprof, "--json", "-o", "out.json", "--python", program.python, script],
                               cwd=program.directory, env=program.environment, stdout=-1, stderr=-1)
    wait_for((program.directory / "pid").exists)
    pid = (program.directory / "pid").read_text()
    attached = subprocess.Popen([*tool, pid], cwd=program.directory, stdin=subprocess.DEVNULL, stdout=-1,
                                stderr=subprocess.STDOUT)
    time.sleep(0.5)
    program.write("go", "")
    out, err = process.communicate(timeout=TIMEOUT)
    said = attached.communicate(timeout=TIMEOUT)[0].decode()
    assert (process.returncode, out) == (bare.code, bare.out), (err, said)
    assert program.profile()["samples"] > 0
    assert len(err.splitlines()) == 1, err
