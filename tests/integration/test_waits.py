"""Waiting: how long, where, for what, and what of it is in the 100 %.

The truth is the program's own: its clocks, its schedule, what the kernel wrote down for it in /proc/self.
Time that other programs of the machine took from it is `runnable`, so that none of this asks for a quiet machine.
"""

import os
import subprocess

import pytest

WAITING = ("io", "sleep", "child")


@pytest.fixture
def profiled(program, python):
    program.python = str(python)

    def run(source, *options, files=()):
        script = program.write("t.py", source)
        for name, text in files:
            program.write(name, text)
        ended = program.run("--json", *options, script)
        assert ended.code == 0, ended.err
        report = program.report()
        check_sums(report)
        return Waits(report, ended)
    return run


def check_sums(report):
    """What is said of lines, threads, stacks and all is the same time."""
    def sums(waits):
        found = {}
        for wait in waits:
            key = wait["state"], wait["reason"]
            had = found.get(key, (0, 0))
            found[key] = (had[0] + wait["s"], had[1] + wait["counted_s"])
        return found

    if report["totals"]["waits"] is None:
        return
    lines = [wait for file in report["files"].values() for line in file["lines"] for wait in line.get("waits", ())]
    threads = [wait for thread in report["threads"] for wait in thread["waits"]]
    total = sums(report["totals"]["waits"])
    for other in (lines, threads, report["stacks"]["waits"]):
        assert sums(other).keys() == total.keys()
        for key, (whole, counted) in sums(other).items():
            assert whole == pytest.approx(total[key][0], abs=1e-6) and counted == pytest.approx(total[key][1], abs=1e-6)
    counted = sum(wait["counted_s"] for wait in report["totals"]["waits"] if wait["state"] in WAITING)
    assert counted <= report["totals"]["system_s"] + 1e-6


class Waits:
    def __init__(self, report, ended):
        self.report, self.out, self.err = report, ended.out.decode(), ended.err

    def lines(self, name="t.py"):
        return {line["line"]: line for path, file in self.report["files"].items() if path.endswith(name)
                for line in file["lines"]}

    def reasons(self, line, name="t.py"):
        return {wait["reason"]: wait for wait in self.lines(name).get(line, {}).get("waits", ())}

    def percent(self, line, name="t.py"):
        found = self.lines(name).get(line)
        return found["system_pct"] if found else 0

    def threads(self, name):
        return [thread for thread in self.report["threads"] if thread["name"] == name]

    def counted(self, *states):
        return sum(wait["counted_s"] for wait in self.report["totals"]["waits"] if wait["state"] in (states or WAITING))


SPIN = """\
import os, sys, threading, time
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(200))
"""
AT = SPIN.count("\n")           # lines before a program's own


# --- the line, the reason, the share -------------------------------------------------------------------------------

def test_sleep_is_nine_per_cent(profiled):
    waits = profiled(SPIN + "for _ in range(20):\n    spin(0.091)\n    time.sleep(0.009)\n")
    share = waits.percent(AT + 3)
    assert 8 <= share <= 10, share
    (reason, wait), = waits.reasons(AT + 3).items()
    assert wait["state"] == "sleep" and reason in ("clock_nanosleep", "pselect6", "select", "nanosleep"), reason
    assert wait["counted_s"] == pytest.approx(wait["s"], abs=0.01)


def test_a_read_and_a_sleep_are_halves(profiled):
    waits = profiled("import os, sys, time\nr, w = os.pipe()\n"
                     "pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'sleep 1; echo >&%d' % w], os.environ,"
                     " file_actions=[(os.POSIX_SPAWN_DUP2, w, w)])\n"
                     "os.close(w)\nos.read(r, 1)\ntime.sleep(1)\nos.waitpid(pid, 0)\n")
    assert 44 <= waits.percent(5) <= 52 and 44 <= waits.percent(6) <= 52, waits.report["totals"]
    assert waits.reasons(5)["read"]["s"] == pytest.approx(1, abs=0.1)


def test_the_loop_of_asyncio_waits_on_the_line_that_runs_it(profiled):
    waits = profiled("import asyncio\nasync def main():\n    await asyncio.sleep(0.7)\nasyncio.run(main())\n")
    assert waits.reasons(4)["epoll_wait"]["s"] == pytest.approx(0.7, abs=0.07)
    assert waits.percent(4) > 60


def test_a_program_starved_of_cpu_is_runnable(profiled):
    """Three neighbours for each of its CPUs; how long it queued the kernel tells the program itself."""
    source = SPIN + ("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
                     "kids = []\n"
                     "for _ in range(3):\n"
                     "    kids.append(os.posix_spawn('/bin/sh', ['sh', '-c', 'while :; do :; done'], {}))\n"
                     "spin(0.5)\n"
                     "print(open('/proc/self/schedstat').read().split()[1])\n"
                     "for pid in kids: os.kill(pid, 9)\n")
    waits = profiled(source)
    queued = int(waits.out) / 1e9
    totals = waits.report["totals"]
    assert queued > 0.4, queued
    assert totals["runnable_s"] == pytest.approx(queued, rel=0.1, abs=0.05)
    assert waits.counted() < 0.1, totals["waits"]
    assert sum(waits.lines()[n]["runnable_s"] for n in (3, 4, 5) if n in waits.lines()) > 0.7 * queued


GIL = """\
import threading, time
wall = {"first": 0, "second": 0}
def first():
    x = 0
    for i in range(3000000): x += i
def second():
    x = 0
    for i in range(6000000): x += i
def work():
    for function in (first, second):
        begun, cpu = time.monotonic(), time.thread_time()
        function()
        wall[function.__name__] += time.monotonic() - begun - (time.thread_time() - cpu)
team = [threading.Thread(target=work, name=f"fighter {i}") for i in range(4)]
[t.start() for t in team]
[t.join() for t in team]
print(wall["first"], wall["second"])
"""


def test_threads_that_fight_for_the_gil(profiled):
    """What each function's wall time is beyond its CPU time, it waited for the GIL or for a core."""
    waits = profiled(GIL)
    lines = waits.lines()
    found = [lines[line]["gil_s"] + lines[line]["runnable_s"] for line in (5, 8)]
    truth = [float(text) for text in waits.out.split()]
    assert found == pytest.approx(truth, rel=0.15, abs=0.2)
    assert sum(found) == pytest.approx(sum(truth), rel=0.05, abs=0.05)
    for i in range(4):
        thread, = waits.threads(f"fighter {i}")
        whole = thread["cpu_s"] + thread["gil_s"] + thread["runnable_s"] + thread["lock_s"]
        assert whole == pytest.approx(thread["wall_s"], rel=0.03, abs=0.02)
        assert thread["gil_s"] > thread["cpu_s"], thread
    assert waits.counted() < 0.05


# --- what adds nothing ---------------------------------------------------------------------------------------------

def test_whoever_waits_beside_a_busy_thread_adds_nothing(profiled):
    waits = profiled(SPIN + (
        "import socket\n"
        "def beat():\n    while True: time.sleep(1)\n"
        "def idle(end): end.recv(1)\n"
        "threading.Thread(target=beat, daemon=True, name='heartbeat').start()\n"
        "pairs = [socket.socketpair() for _ in range(50)]\n"
        "for _, end in pairs: threading.Thread(target=idle, args=(end,), daemon=True, name='idle').start()\n"
        "spin(1)\n"))
    assert waits.counted() < 0.05, waits.report["totals"]["waits"]
    heart, = waits.threads("heartbeat")
    (wait,) = [wait for wait in heart["waits"] if wait["state"] == "sleep"]
    assert wait["s"] == pytest.approx(heart["wall_s"], rel=0.05, abs=0.02)
    idlers = waits.threads("idle")
    assert len(idlers) == 50
    for thread in idlers:
        assert {wait["reason"] for wait in thread["waits"] if wait["s"] > 0.2} == {"recvfrom"}, thread["waits"]


def test_an_idle_pool_adds_nothing(profiled):
    waits = profiled(SPIN + (
        "import queue\nq = queue.Queue()\n"
        "def worker():\n    while True: q.get()\n"
        "for _ in range(8): threading.Thread(target=worker, daemon=True).start()\n"
        "spin(0.7)\n"))
    line = waits.lines()[AT + 4]
    assert line["python_s"] + line["native_s"] + line["system_s"] < 0.03, line
    assert line["lock_s"] > 8 * 0.6


def test_a_parent_adds_nothing_that_waits_for_a_profiled_child(profiled):
    waits = profiled("import subprocess, sys\n"
                     "child = [sys.executable, '-S', '-E', 'child.py']\n"
                     "subprocess.run(child)\n"
                     "subprocess.run(child, capture_output=True)\n"
                     "subprocess.run(['sleep', '0.6'])\n",
                     files=[("child.py", "import time\ntime.sleep(0.6)\nprint()\n")])
    assert waits.percent(3) < 6 and waits.percent(4) < 6, waits.report["totals"]["waits"]
    assert waits.reasons(2, "child.py").popitem()[1]["counted_s"] == pytest.approx(1.2, abs=0.12)
    assert waits.lines()[5]["system_s"] == pytest.approx(0.6, abs=0.08)


FAMILY = {
    "behind a shell": "import subprocess, sys\n"
                      "subprocess.run([sys.executable + ' -S -E child.py; true'], shell=True)\n",
    "at epoll": "import asyncio, sys\n"
                "async def main():\n"
                "    child = await asyncio.create_subprocess_exec(sys.executable, '-S', '-E', 'child.py', stdout=-1)\n"
                "    await child.communicate()\n"
                "asyncio.run(main())\n",
}


@pytest.mark.parametrize("name", FAMILY)
def test_a_profiled_child_is_found(profiled, name):
    """Wherever it hangs and whatever its parent waits in, its time counts once."""
    waits = profiled(FAMILY[name], files=[("child.py", "import time\ntime.sleep(0.8)\nprint()\n")])
    assert waits.counted() == pytest.approx(0.8, abs=0.1), waits.report["totals"]["waits"]


def test_an_idle_child_explains_no_wait(profiled):
    """One that waits for its parent itself, while that waits for somebody else's end."""
    waits = profiled("import subprocess, sys\n"
                     "idle = subprocess.Popen([sys.executable, '-S', '-E', '-c', 'input()'], stdin=subprocess.PIPE)\n"
                     "import time; time.sleep(0.3)\n"
                     "other = subprocess.Popen(['sleep', '0.7'])\n"
                     "import os; os.wait()\n"
                     "idle.communicate(b'\\n')\n")
    assert waits.lines()[5]["system_s"] == pytest.approx(0.7, abs=0.12), waits.report["totals"]["waits"]


def test_waiting_deep_down(profiled):
    """A stack that takes longer to read than its thread waits."""
    waits = profiled("import sys, time\nsys.setrecursionlimit(10000)\n"
                     "def down(n):\n"
                     "    if n:\n        return down(n - 1)\n"
                     "    for _ in range(100): time.sleep(0.01)\n"
                     "down(3000)\n")
    assert waits.lines()[6]["system_s"] > 0.6, waits.report["totals"]["waits"]


def test_a_stopped_program_waits_for_nothing(profiled):
    waits = profiled(SPIN + "spin(0.2)\n"
                     "pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'sleep 1; kill -CONT %d' % os.getpid()], os.environ)\n"
                     "os.kill(os.getpid(), 19)\n"
                     "os.waitpid(pid, 0)\n")
    assert waits.counted() < 0.15, waits.report["totals"]["waits"]


def test_virtual_time_leaves_waiting_out(profiled):
    waits = profiled(SPIN + "spin(0.3)\ntime.sleep(0.5)\n", "--use-virtual-time")
    totals = waits.report["totals"]
    assert totals["lock_s"] is None and totals["gil_s"] is None and totals["runnable_s"] is None
    assert totals["waits"] is None and totals["system_s"] < 0.2


# --- whose time it is ----------------------------------------------------------------------------------------------

def test_every_nanosecond_of_a_thread_has_a_name(profiled):
    """Sleeps, locks, work and I/O by a schedule; for each thread wall = CPU + run queue + waits."""
    waits = profiled(SPIN + (
        "import socket\n"
        "a, b = socket.socketpair()\n"
        "lock = threading.Lock(); lock.acquire()\n"
        "def sleeper(): time.sleep(0.9)\n"
        "def locker():\n    lock.acquire()\n    spin(0.1)\n"
        "def reader(): b.recv(1); spin(0.2)\n"
        "team = [threading.Thread(target=f, name=f.__name__) for f in (sleeper, locker, reader)]\n"
        "[t.start() for t in team]\n"
        "time.sleep(0.4)\na.send(b'x')\ntime.sleep(0.3)\nlock.release()\n[t.join() for t in team]\n"))
    for name, state, seconds in (("sleeper", "sleep", 0.9), ("locker", "lock", 0.7), ("reader", "io", 0.4)):
        thread, = waits.threads(name)
        found = sum(wait["s"] for wait in thread["waits"] if wait["state"] == state)
        assert found == pytest.approx(seconds, abs=0.06), (name, thread)
        named = thread["cpu_s"] + thread["runnable_s"] + sum(wait["s"] for wait in thread["waits"])
        assert named == pytest.approx(thread["wall_s"], abs=0.02), (name, thread)
    main, = waits.threads("MainThread")
    assert main["native"] is False


def test_cpu_of_children_that_are_not_ours(profiled):
    waits = profiled("import subprocess\n"
                     "subprocess.run(['/bin/sh', '-c', 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'])\n"
                     "import resource\nu = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(u.ru_utime + u.ru_stime)\n")
    assert waits.report["totals"]["other_processes_s"] == pytest.approx(float(waits.out), abs=0.06)


# --- what may not be read ------------------------------------------------------------------------------------------

UNREADABLE = SPIN + """\
import ctypes
if os.getuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 0)       # PR_SET_DUMPABLE
for _ in range(10):
    spin(0.05)
    time.sleep(0.05)
"""


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_program_that_may_not_be_read(profiled):
    waits = profiled(UNREADABLE)
    assert waits.counted() == pytest.approx(0.5, abs=0.1), waits.report["totals"]
    assert "reason unknown" in {wait["reason"] for wait in waits.report["totals"]["waits"]}
    assert waits.err.count("may not be") == 1, waits.err


# --- native threads ------------------------------------------------------------------------------------------------

POOL = """\
#include <pthread.h>
#include <time.h>
static void *spin(void *unused)
{
    struct timespec t;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < 400);
    return unused;
}
void work(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], 0, spin, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], 0);
}
"""


def test_native_threads_work_for_the_line_that_waits_for_them(profiled, program):
    """As a BLAS does: two threads of a library's compute, and Python waits for them in it."""
    library = program.write("pool.c", POOL).with_suffix(".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-pthread", "-o", library, library.with_suffix(".c")], check=True)
    waits = profiled(f"import ctypes\nwork = ctypes.CDLL({str(library)!r}).work\nfor _ in range(2):\n    work()\n")
    line = waits.lines()[4]
    assert line["native_s"] + line["system_s"] == pytest.approx(1.6, rel=0.1)
    assert line["native_threads_s"] == pytest.approx(1.6, rel=0.1)
    helpers = [thread for thread in waits.report["threads"] if thread["native"] and thread["cpu_s"] > 0.3]
    assert len(helpers) == 4 and all(thread["samples"] > 40 for thread in helpers)
