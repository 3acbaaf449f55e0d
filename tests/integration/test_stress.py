"""Much of everything: calls beside ticks, execs, threads, children. Nothing is interrupted, killed or lost.

    pytest --long -s tests/integration/test_stress.py

has the full counts and prints the figures that the documents quote; the suite has less of each, on one interpreter.
"""

import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support import Transparent


@pytest.fixture
def program(lineprof, tmp_path, pytestconfig):
    directory = tmp_path / "work"
    directory.mkdir()
    return Transparent(lineprof, directory, str(pytestconfig.chosen[0]))


@pytest.fixture
def much(request):
    """much(short, long): how many of them."""
    return lambda short, long: long if request.config.getoption("--long") else short


def run(program, source, *arguments, options=(), bare=False):
    """The end of it, wall seconds, and the highest resident kB of the program and of lineprof."""
    script = program.write("t.py", source)
    words = [program.python, script, *arguments]
    if not bare:
        words = [program.lineprof, *options, "--json", "-o", program.directory / "out.json", "--python", *words]
    peak = [0]
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], cwd=program.directory, env=program.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def watch():
        while process.returncode is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            at = status.find("VmHWM:")
            peak[0] = max(peak[0], int(status[at:].split()[1]) if at > 0 else 0)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate(timeout=3600)
    watcher.join()
    return process.returncode, out.decode(), err.decode(), time.monotonic() - begin, peak[0]


def perf_is_allowed():
    return os.geteuid() == 0 or int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) <= 1


PERF = pytest.mark.skipif(not perf_is_allowed(), reason="kernel.perf_event_paranoid allows no perf events")

# --- calls -----------------------------------------------------------------------------------------------------

# Below what Python repeats by itself. pause() ends by the program's own alarm, once each.
CALLS = """
import collections, ctypes, errno, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
count = int(sys.argv[1])
class Spec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]
short = Spec(0, 20000)
semaphore = ctypes.create_string_buffer(64)
libc.sem_init(semaphore, 0, 0)
epoll = libc.epoll_create1(0)
events = ctypes.create_string_buffer(64)
r, w = os.pipe()
byte = ctypes.create_string_buffer(1)
def soon():
    at = time.clock_gettime_ns(time.CLOCK_REALTIME) + 20000
    return Spec(at // 10**9, at % 10**9)
ready = lambda: os.write(w, b"x")
calls = {
    "poll": (1, lambda: libc.poll(None, 0, 1)),
    "ppoll": (1, lambda: libc.ppoll(None, 0, ctypes.byref(short), None)),
    "nanosleep": (1, lambda: libc.nanosleep(ctypes.byref(short), None)),
    "epoll_wait": (1, lambda: libc.epoll_wait(epoll, events, 1, 1)),
    "sem_timedwait": (1, lambda: libc.sem_timedwait(semaphore, ctypes.byref(soon()))),
    "read": (1, lambda: ready() and libc.read(r, byte, 1)),
}
interrupted = collections.Counter()
for name, (_, call) in calls.items():
    for n in range(count):
        sum(range(200))         # what ticks are made of
        ctypes.set_errno(0)
        if call() < 0 and ctypes.get_errno() == errno.EINTR:
            interrupted[name] += 1
woken = []
signal.signal(signal.SIGALRM, lambda *a: woken.append(1))
for n in range(count):
    sum(range(200))
    before = len(woken)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.02)      # again, for one that comes before the call
    libc.pause()
    if len(woken) == before:
        interrupted["pause"] += 1
        while len(woken) == before: time.sleep(0.0001)
signal.setitimer(signal.ITIMER_REAL, 0)
print(sorted(interrupted.items()))
"""


def test_calls_at_the_tick(program, much):
    """None of them, without exception."""
    code, out, err, wall, _ = run(program, CALLS, much(300, 100_000))
    print(f"\n{much(300, 100_000)} calls of each kind, {wall:.0f} s, {program.profile()['samples']} samples: {out}")
    assert (code, out) == (0, "[]\n"), err


@PERF
@pytest.mark.parametrize("rate", [1000, 10000])
def test_calls_at_a_high_rate(program, much, rate):
    """Some are interrupted, as documented; those that the kernel restarts are not."""
    count = much(200, 100_000)
    code, out, err, wall, _ = run(program, CALLS, count, options=["--rate", rate])
    print(f"\n--rate {rate}, {count} calls of each kind, {wall:.0f} s, {program.profile()['samples']} samples: {out}")
    assert code == 0 and "'read'" not in out, err


# --- execs -----------------------------------------------------------------------------------------------------

EXECS = """
import os, sys
left = int(sys.argv[1])
if left % 8 == 0:                # any phase of the sampling period
    sum(i * i for i in range(left % 2000))
if left:
    os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, str(left - 1)])
print("through")
"""


@PERF
def test_execs(program, much):
    """None is killed by a signal that pends."""
    count = much(60, 10_000)
    code, out, err, wall, peak = run(program, EXECS, count, options=["--rate", 10000])
    print(f"\n{count} execs at 10,000 samples a second: {wall:.0f} s, lineprof {peak} kB")
    assert (code, out) == (0, "through\n"), err
    assert len(program.profile()["processes"]) == count + 1


# --- threads ---------------------------------------------------------------------------------------------------

LIVING = """
import os, signal, sys, threading
count, total, gate = int(sys.argv[1]), [], threading.Event()
threading.stack_size(65536)
def work(n):
    if n % 3 == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    gate.wait()
    total.append(sum(range(50000)))
threads = [threading.Thread(target=work, args=(n,), daemon=n % 2 == 0) for n in range(count)]
for t in threads: t.start()
print(len(os.listdir("/proc/self/task")))
gate.set()
for t in threads: t.join()
for n in range(20):
    threading.Thread(target=lambda: [sum(range(1000)) for _ in iter(int, 1)], daemon=True).start()
print(len(total), sum(total), flush=True)
sys.stderr.write([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0] + "\\n")
sys.exit(6)
"""

ENDED = """
import sys, threading
done, left = [], int(sys.argv[1])
threading.stack_size(65536)
def work(n): done.append(sum(range(n % 100)))
while left:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(min(50, left))]
    for t in threads: t.start()
    for t in threads: t.join()
    left -= len(threads)
print(len(done), sum(done))
sys.stderr.write([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0] + "\\n")
sys.exit(6)
"""


@pytest.mark.parametrize("kind", ["living", "ended"])
def test_threads(program, much, kind):
    """All get to their end, and the memory of both sides is bounded."""
    source, count = {"living": (LIVING, much(200, 1000)), "ended": (ENDED, much(2000, 20000))}[kind]
    bare = run(program, source, count, bare=True)
    ours = run(program, source, count)
    more = int(ours[2].split("\n")[0]) - int(bare[2])
    print(f"\n{count} threads {kind}: target {more:+} kB, lineprof {ours[4]} kB, wall {bare[3]:.2f} -> {ours[3]:.2f} s")
    assert bare[:2] == ours[:2] and ours[0] == 6, ours
    # A signal's frame and its handler touch pages of each thread's stack that it did not reach itself.
    assert more < 4096 + 20 * count and ours[4] < 20_000 + count
    profile = program.profile()
    assert len(profile["threads"]) >= count and profile["lost"]["no_timer"] == 0


# --- children --------------------------------------------------------------------------------------------------

CHILDREN = """
import os, sys, time
kind, count = sys.argv[1], int(sys.argv[2])
begin = time.monotonic()
busy = 0
for n in range(count):
    if kind == "paced":
        time.sleep(max(0, begin + n / 200 - time.monotonic()))
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        sum(range(30000))
        os._exit(n % 7)
    assert os.waitpid(pid, 0)[1] >> 8 == n % 7
    busy += time.monotonic() - start
print(time.monotonic() - begin, busy)
"""


@pytest.mark.parametrize("kind", ["paced", "at once"])
def test_children(program, much, kind):
    """200 short ones a second, or one behind the other: each is in the report."""
    count = much(100, 2000)
    walls, busy = [], []
    for _ in range(much(1, 5)):
        bare = run(program, CHILDREN, kind, count, bare=True)
        ours = run(program, CHILDREN, kind, count)
        assert (bare[0], ours[0]) == (0, 0), ours
        first, second = [[float(x) for x in end[1].split()] for end in (bare, ours)]
        walls.append(second[0] / first[0])
        busy.append((second[1] - first[1]) / count * 1000)
        assert len(program.profile()["processes"]) == count + 1
    print(f"\n{count} children {kind}: wall x {statistics.median(walls):.3f}, {statistics.median(busy):+.2f} ms a child "
          f"of {first[1] / count * 1000:.2f}, lineprof {ours[4]} kB")
    assert statistics.median(walls) < 1.03 or kind == "at once"


# --- sums ------------------------------------------------------------------------------------------------------

SUMS = """
import os, resource, sys, zlib
for n in range(60):
    sum(i * i for i in range(30000))
    zlib.compress(os.urandom(300000))
    bytearray(3000000)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime)
"""


@pytest.mark.parametrize("rate", [None, 100, pytest.param(1000, marks=PERF), pytest.param(10000, marks=PERF)])
def test_sums(program, rate):
    """Weights are measured, so the report's sum is the kernel's account at any rate."""
    code, out, err, *_ = run(program, SUMS, options=["--rate", rate] if rate else [])
    totals = program.profile()["totals"]
    reported = sum(value or 0 for name, value in totals.items() if name.endswith("_s"))
    print(f"\n--rate {rate}: getrusage {float(out):.3f} s, reported {reported:.3f}, {program.profile()['samples']} samples")
    assert code == 0 and abs(reported - float(out)) <= 0.01 * float(out) + 0.012, (totals, out)


@pytest.mark.skipif(int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) < 2, reason="all are allowed them")
def test_no_perf_events(program):
    """One clear line, and the kernel's tick."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    ended, said = program.both(SUMS.replace("print(", "("), options=["--rate", 5000], wrap=drop)
    assert len(said) == 2 and "kernel.perf_event_paranoid is" in said[0], said
    assert program.profile()["rate_hz"] <= 1000
