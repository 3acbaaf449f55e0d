"""Nothing is lost: however the program, lineprof or the disk gives up, there is a report, and it says what it lacks."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import BUSY, PROJECT, runs, state, wait_for

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
LOST_S = 0.1        # of work at the end that may be missing

# Writes its CPU clock down again and again, through two functions of which the second is the end.
CLOCKED = """
import os, sys, time
clock = os.open("clock.new", os.O_WRONLY | os.O_CREAT)
os.pwrite(clock, b"%24.6f %24.6f" % (0, 0), 0)
os.rename("clock.new", "clock")
def work(seconds):
    begin = time.process_time()
    while (now := time.process_time()) < begin + seconds:
        sum(range(2000))
        os.pwrite(clock, b"%24.6f" % now, 0)
def first():
    work(0.3)
def last(seconds):
    os.pwrite(clock, b"%24.6f" % time.process_time(), 25)
    work(seconds)
first()
"""


def clock(program):
    """The program's CPU time when it last said so, and when `last` began."""
    try:
        return [float(word) for word in (program.directory / "clock").read_text().split()]
    except (OSError, ValueError):
        return [0, 0]


def sampled(times):
    return sum(times[f"{kind}_s"] or 0 for kind in ("python", "native", "system"))


def under(report, name):
    """Time of stacks that have a function of that name in them."""
    functions, nodes = report["stacks"]["functions"], report["stacks"]["nodes"]
    within = []
    for parent, function in zip(nodes["parent"], nodes["function"]):
        within.append(functions[function]["name"] == name or (parent >= 0 and within[parent]))
    return sum(sampled(weight) for weight in report["stacks"]["weights"] if within[weight["node"]])


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def guard_and_program(lineprof):
    return sorted(children(lineprof), key=lambda pid: Path(f"/proc/{pid}/comm").read_text() != "lineprof-guard\n")


def check_schema(*files):
    checker = PROJECT / "tests/golden/check_json.py"
    subprocess.run([sys.executable, checker, *map(str, files)], check=True, stdout=subprocess.DEVNULL)


# --- the program's end -----------------------------------------------------------------------------------------

def killed(process, pid, program):
    os.kill(pid, signal.SIGKILL)        # by somebody, or by the kernel that is out of memory: it is the same


def interrupted_twice(process, pid, program):
    os.killpg(process.pid, signal.SIGINT)
    wait_for((program.directory / "cleaning").exists)
    time.sleep(0.2)                     # what was done in the cleaning counts as well
    os.killpg(process.pid, signal.SIGINT)


CLEANING = """try:
    last(30)
finally:
    open("cleaning", "w").close()
    last(30)
"""


@pytest.mark.parametrize("source, end, code, says", [
    ("last(30)\n", killed, -9, "killed by SIGKILL"),
    (CLEANING, interrupted_twice, -2, "killed by SIGINT"),
    ("last(0.4)\nimport ctypes; ctypes.string_at(0)\n", None, -11, "killed by SIGSEGV"),
    ("last(0.4)\nos.abort()\n", None, -6, "killed by SIGABRT"),
    ("last(0.4)\nos.kill(os.getpid(), 40)\n", None, -40, "killed by signal 40"),
    ("last(0.4)\nos._exit(3)\n", None, 3, "exit code 3"),
    ("last(0.4)\nos.execv('/bin/sh', ['sh', '-c', 'exit 4'])\n", None, 4, "exit code 4"),
], ids=["SIGKILL", "Ctrl-C twice", "SIGSEGV", "abort", "real-time signal", "_exit", "exec"])
def test_work_up_to_the_end_is_there(program, source, end, code, says):
    program.write("t.py", CLOCKED + source)
    process = program.start("--json", "--cli=table.txt", "t.py", start_new_session=True)
    if end:
        wait_for(lambda: clock(program)[0] > 0.7)
        end(process, guard_and_program(process.pid)[1], program)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    report = program.report()
    worked, began = clock(program)
    assert report["exit"] == code and "cut_short" not in report
    assert says in (program.directory / "table.txt").read_text().replace("\n", " ").replace("  ", " ")
    assert sampled(report["totals"]) >= worked - LOST_S
    if end is not interrupted_twice:
        assert under(report, "last") >= worked - began - LOST_S


# --- lineprof is killed ----------------------------------------------------------------------------------------

GOES_ON = CLOCKED + """
print("ready", flush=True)
late = time.monotonic() + 60
while not os.path.exists("end") and time.monotonic() < late:
    last(0.05)
open("unharmed", "w").close()
"""


def complete(program):
    """Checkpoints on disk."""
    return list(program.state.glob("lineprof/*/[0-9]*/about"))


def start_until_checkpoint(program, *words, source=GOES_ON, name="t.py"):
    program.write(name, source)
    before = len(complete(program))
    process = program.start(*words, name, start_new_session=True)
    wait_for(lambda: len(complete(program)) > before)
    return process


def kill_and_let_go(program, process):
    process.kill()
    process.wait()
    program.write("end", "")
    wait_for((program.directory / "unharmed").exists)
    process.communicate()


def recover(program, *words):
    return program.run("recover", *words, python=False)


def test_recover(program):
    process = start_until_checkpoint(program)
    assert b"ready" in process.stdout.readline()
    time.sleep(0.3)
    kill_and_let_go(program, process)

    told = [program.run("--json", "-o", "other.json", "-c", "pass").err.count("lineprof recover") for _ in range(2)]
    assert told == [1, 0]
    listed = recover(program, "--list")
    assert listed.code == 0 and b"t.py (in " in listed.out and len(listed.out.splitlines()) == 1
    table = recover(program, "--cli")       # leaves the rest to be recovered
    words = " ".join(table.out.decode().replace("\u00b7", "-").split())
    assert re.search(r"cut short: lineprof was killed (- )?covers the first 2\.", words), words     # a line may end there

    ended = recover(program)
    assert ended.code == 0 and not ended.out
    assert "t.py` of 20" in ended.one_line() and "cut short, the first 2." in ended.one_line()
    report = program.report()
    assert report["cut_short"] is True and report["exit"] is None and 2 <= report["elapsed_s"] < 4
    account = report["processes"][0]["cpu_s"]
    assert sampled(report["totals"]) > account - LOST_S and account > 0.5 and under(report, "last") > 0.2
    check_schema(program.directory / "lineprof-profile.json")
    assert '"cut_short"' in (program.directory / "lineprof-profile.html").read_text()
    assert list(program.state.glob("lineprof/*")) == []
    assert recover(program).code == recover(program, "--list").code == 1
    assert "nothing to recover" in recover(program).one_line()


def test_recover_takes_the_newest(program):
    first = start_until_checkpoint(program, name="first.py")
    second = start_until_checkpoint(program, name="second.py")
    for process in (first, second):
        process.kill()
        process.wait()
    kill_and_let_go(program, second)
    first.communicate()
    assert [b"second.py" in line for line in recover(program, "--list").out.splitlines()] == [True, False]
    ended = recover(program, "--json", "-o", "out.json")
    assert "second.py" in ended.lines[0] and "1 to recover" in ended.lines[1] and ended.code == 0
    assert "second.py" in program.report("out.json")["command"]
    program.write("theirs.json", "{}")
    refused = recover(program, "--json", "-o", "theirs.json")
    assert refused.code == 125 and "nothing was recovered" in refused.one_line()
    assert b"first.py" in recover(program, "-o", "-").out and recover(program).code == 1


@pytest.mark.parametrize("words", [["t.py"], ["--rate", "5"], ["-m", "x"], ["--"], ["-"], ["--lisst"]])
def test_recover_runs_nothing(program, words):
    program.write("t.py", "print('ran')")
    ended = recover(program, *words)
    assert ended.code == 2 and "recover runs no program" in ended.one_line() and not ended.out


def test_a_normal_end_leaves_nothing(program):
    """The copy that writes is nobody's concern: of no signal, and without a descriptor of the program's world."""
    process = start_until_checkpoint(program, "--json")
    os.killpg(process.pid, signal.SIGWINCH)
    wait_for(lambda: len(children(process.pid)) == 2)       # the program and the guard
    program.write("end", "")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and len(err.splitlines()) == 1
    assert "cut_short" not in program.report() and list(program.state.glob("lineprof/*")) == []
    assert (program.state / "lineprof").stat().st_mode & 0o77 == 0


def test_a_short_run_touches_no_disk(program):
    program.write("t.py", BUSY)
    program.run("--json", "t.py")
    assert not program.state.exists()


def test_no_place_for_checkpoints(program):
    """Nothing is said of it but by recover, where it matters."""
    program.write("t.py", CLOCKED + "while time.monotonic() < float(sys.argv[1]): last(0.05)\n")
    env = {"XDG_STATE_HOME": "/proc/nowhere"}
    ended = program.run("--json", "t.py", str(time.monotonic() + 2.4), env=env)
    assert ended.code == 0 and "elapsed" not in ended.one_line() and program.report()["elapsed_s"] > 2
    for env in (env, {"XDG_STATE_HOME": "", "HOME": ""}, {"XDG_STATE_HOME": "", "HOME": "/nowhere"}):
        said = program.run("recover", python=False, env=env)
        assert said.code == 1 and "nothing to recover" in said.one_line()


# --- what stays in shared memory -------------------------------------------------------------------------------

SESSION = """
import os, time
session = [e for e in open("/proc/self/environ").read().split(chr(0)) if e.startswith("LINEPROF_SESSION=")]
print(session[0].partition("=")[2], flush=True)
late = time.monotonic() + 60
while not os.path.exists("end") and time.monotonic() < late: sum(range(10000))
open("unharmed", "w").close()
"""


def test_next_start_sweeps_shared_memory(program):
    """Launcher and guard killed at once: nobody is left to tidy up. Who lives is left alone."""
    program.write("t.py", SESSION)
    living, dead = (program.start("--json", "-o", f"{n}.json", "t.py") for n in range(2))
    kept, left = (process.stdout.readline().decode().strip() for process in (living, dead))
    guard, target = guard_and_program(dead.pid)
    os.kill(dead.pid, signal.SIGSTOP)       # so that neither sees the other's end
    os.kill(guard, signal.SIGKILL)
    dead.kill()
    dead.wait()
    wait_for(lambda: state(guard) in (None, "Z"))
    assert os.path.isdir(left) and runs(target)
    program.run("--json", "-o", "next.json", "-c", "pass")
    assert not os.path.exists(left) and os.path.isdir(kept) and runs(target)
    program.write("end", "")
    wait_for((program.directory / "unharmed").exists)
    living.communicate(timeout=30)
    wait_for(lambda: state(target) in (None, "Z"))
    dead.communicate()
    assert living.returncode == 0 and not os.path.exists(kept)


# --- a disk is full --------------------------------------------------------------------------------------------

def mounted(program, mounts, *words):
    """lineprof where small file systems are mounted, as [(path, size)]."""
    script = "".join(f"mount -t tmpfs -o size={size} none {path}; " for path, size in mounts)
    process = subprocess.run(["unshare", "-m", "sh", "-c", script + 'cd . && "$@"; code=$?; ls -A small; exit $code', "sh",
                              *program.words(*words)], cwd=program.directory, env=program.environment, timeout=60,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return process.returncode, process.stdout.split(), process.stderr.splitlines()


@ROOT
@pytest.mark.parametrize("code", [0, 3])
def test_no_room_for_the_report(program, code):
    """It is kept for recover; nothing half-written lies where it should have been."""
    program.write("t.py", BUSY + f"raise SystemExit({code})\n")
    (program.directory / "small").mkdir()
    ended, files, said = mounted(program, [("small", "32k")], "-o", "small/a.json", "t.py")
    assert ended == (code or 125) and set(files) <= {"a.json"}
    assert len(said) == 1 and "No space left on device (kept: `lineprof recover`" in said[0]
    hint = program.run("--json", "-o", "b.json", "-c", "pass")
    assert "could not be written: `lineprof recover` makes it" in hint.err
    recovered = recover(program)
    assert recovered.code == 0 and "whole" in recovered.one_line()
    report = program.report()
    assert report["exit"] == code and "cut_short" not in report and report["samples"] > 0
    check_schema(program.directory / "lineprof-profile.json")


@ROOT
def test_no_room_for_checkpoints(program):
    program.write("t.py", CLOCKED + "while time.monotonic() < float(sys.argv[1]): last(0.05)\n")
    program.state.mkdir()
    (program.directory / "small").symlink_to(program.state)
    ended, files, said = mounted(program, [(program.state, "32k")], "--json", "t.py", str(time.monotonic() + 2.6))
    assert ended == 0 and files == ["lineprof"] and len(said) == 1
    assert program.report()["elapsed_s"] > 2


@ROOT
def test_no_page_left_in_shared_memory(program):
    """The session goes elsewhere."""
    program.write("t.py", BUSY)
    program.write("fill.sh", "head -c 65536 /dev/zero >/dev/shm/full 2>/dev/null; exec \"$@\"\n")
    (program.directory / "small").mkdir()
    words = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=16k none /dev/shm; exec sh fill.sh "$@"', "sh"]
    ended = subprocess.run([*words, *program.words("--json", "t.py")], cwd=program.directory, env=program.environment,
                           capture_output=True, timeout=60)
    assert ended.returncode == 0 and program.report()["samples"] > 0, ended.stderr


@ROOT
def test_no_room_for_a_childs_ring(program):
    program.write("t.py", BUSY + "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])\n")
    (program.directory / "small").mkdir()
    ended, _, said = mounted(program, [("/dev/shm", "1400k")], "--json", "--cli=table.txt", "t.py")
    assert ended == 0 and "1 Python ran unprofiled" in said[0]
    assert program.report()["unprofiled_processes"] == 1 and program.report()["samples"] > 0
    assert "1 process unprofiled" in (program.directory / "table.txt").read_text()


# --- what is kept, and for how long ----------------------------------------------------------------------------

def test_old_folders_go(program):
    program.write("t.py", BUSY)
    assert program.run("-o", "/dev/full", "t.py").code == 125
    model, = program.state.glob("lineprof/*")
    now = time.time_ns()
    day = 24 * 3600 * 10**9
    for age in range(1, 14):
        copy = model.with_name(f"{now - age * day}-1")
        shutil.copytree(model, copy)
        about, = copy.glob("*/about")
        about.write_bytes(b"\0".join([b"%d" % (now - age * day), *about.read_bytes().split(b"\0")[1:]]))
    (model.with_name(f"{now}-2")).mkdir()           # never got as far as its first report
    (model.with_name(f"{now}-2") / "lock").touch()
    assert len(recover(program, "--list").out.splitlines()) == 10
    assert len(list(program.state.glob("lineprof/*"))) == 10
    for about in program.state.glob("lineprof/*/*/about"):
        about.write_bytes(b"\0".join([b"%d" % (now - 31 * day), *about.read_bytes().split(b"\0")[1:]]))
    assert recover(program, "--list").code == 1 and list(program.state.glob("lineprof/*")) == []


def test_damaged_folders_are_no_trouble(program):
    folder = program.state / "lineprof" / "123-4"
    for damage in (b"", b"\0\0\0", b"x" * 100, b"1\0002\0001\0command\0cwd\0"):
        (folder / "1").mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
        (folder / "1" / "about").write_bytes(damage)
        assert recover(program).code == 1
    (program.state / "lineprof" / "note").write_text("somebody's")
    assert recover(program).code == 1 and (program.state / "lineprof" / "note").exists()
