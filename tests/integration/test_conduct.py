"""lineprof stands between a program and whoever started it: neither may notice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import BUSY, Terminal, runs, state, wait_for

def stat(path):
    try:
        return (path / "stat").read_text()
    except OSError:
        return ""


# Counts the signals it gets, says when it is ready, and ends on SIGTERM's file.
COUNTER = """
import os, signal, sys, time
count = {}
def note(number, frame):
    count[number] = count.get(number, 0) + 1
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM,
               signal.SIGALRM, signal.SIGWINCH, signal.SIGCONT):
    signal.signal(number, note)
print("ready", os.getpid(), flush=True)
end = time.monotonic() + 30
while not os.path.exists("end") and time.monotonic() < end:
    time.sleep(0.02)
time.sleep(0.2)
print(sorted(count.items()), flush=True)
"""


def started(program, *words, source=COUNTER, **options):
    """lineprof with a program that is ready, and that program's pid."""
    program.write("t.py", source)
    process = program.start("--json", *words, "t.py", **options)
    line = process.stdout.readline().split()
    assert line[0] == b"ready", process.stderr.read()
    return process, int(line[1])


def counted(program, process):
    program.write("end", "")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return dict(eval(out))


# --- the end ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source, code, err", [
    ("raise SystemExit", 0, ""),
    ("raise SystemExit(3)", 3, ""),
    ("raise SystemExit(255)", 255, ""),
    ("raise SystemExit(125)", 125, ""),
    ("raise SystemExit('text')", 1, "text\n"),
    ("1 / 0", 1, "ZeroDivisionError"),
    ("import os; os._exit(5)", 5, ""),
    ("import os; os.kill(os.getpid(), 9)", -9, ""),
    ("import os; os.kill(os.getpid(), 15)", -15, ""),
    ("import os; os.kill(os.getpid(), 6)", -6, ""),
    ("import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2)", -2, ""),
    ("import ctypes; ctypes.string_at(0)", -11, ""),
    ("raise KeyboardInterrupt", -2, "KeyboardInterrupt"),
])
def test_exit_code_and_report(program, source, code, err):
    program.write("t.py", BUSY + source + "\n")
    ended = program.run("--json", "t.py")
    bare = subprocess.run([sys.executable, "t.py"], cwd=program.directory, capture_output=True, text=True)
    assert ended.code == code == bare.returncode
    assert err in ended.err and ended.err.startswith(bare.stderr)
    assert len(ended.lines) == len(bare.stderr.splitlines()) + 1      # ours is the last
    assert program.report()["samples"] > 0
    assert program.report()["processes"][0]["exit"] == code


def test_no_core_file_of_lineprof(program):
    program.write("t.py", "import os; os.abort()")
    ended = subprocess.run(["bash", "-c", 'ulimit -c unlimited; "$@"; echo $?', "bash",
                            *program.words("--json", "t.py")], cwd=program.directory, env=program.environment,
                           capture_output=True, text=True)
    assert ended.stdout == "134\n"
    assert len([name for name in program.files() if "core" in name]) <= 1       # the program's own


@pytest.mark.parametrize("data", [b"", b"no newline", bytes(range(256)) * 3000], ids=["none", "little", "much"])
def test_output_is_untouched(program, data):
    program.write("t.py", "import sys\nd = sys.stdin.buffer.read()\nsys.stdout.buffer.write(d)\n")
    ended = program.run("--json", "t.py", input=data)
    assert (ended.code, ended.out) == (0, data) and len(ended.lines) == 1


def test_table_stands_behind_the_last_byte(program):
    program.write("t.py", BUSY + "import sys\nsys.stdout.write('x' * 100_000)\n")
    ended = program.run("--cli", "t.py")
    assert ended.out.startswith(b"x" * 100_000) and b"x" * 100_001 not in ended.out


def test_reader_of_the_table_has_seen_enough(program):
    program.write("t.py", BUSY + "raise SystemExit(3)\n")
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    ended = program.run("--cli", "t.py", stdout=reader.stdin)
    assert (ended.code, ended.err) == (3, "")


# --- signals ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT", "SIGALRM",
                                  "SIGWINCH", "SIGCONT"])
def test_sent_to_lineprof_alone(program, name):
    process, _ = started(program)
    number = getattr(signal, name)
    process.send_signal(number)
    time.sleep(0.3)
    process.send_signal(number)
    time.sleep(0.3)
    assert counted(program, process) == {number: 2}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_sent_to_the_group_arrives_once(program, name):
    process, _ = started(program, start_new_session=True)
    number = getattr(signal, name)
    for _ in range(5):
        os.killpg(process.pid, number)
        time.sleep(0.2)
    process.send_signal(number)
    time.sleep(0.2)
    assert counted(program, process) == {number: 6}


@pytest.mark.parametrize("name", ["ABRT", "XCPU", "PIPE", "PROF", "TRAP", "VTALRM"])
def test_a_group_that_ignores_it_lives_on(program, name):
    """`timeout -s ABRT` tells the whole group: lineprof must not die before its program."""
    number = getattr(signal, "SIG" + name)
    source = f"import os, signal, time\nsignal.signal({number:d}, signal.SIG_IGN)\nos.killpg(0, {number:d})\ntime.sleep(0.05)\n"
    ended = program.run("--json", "-c", source, start_new_session=True)
    assert ended.code == 0 and program.report()["exit"] == 0, ended.err


def test_ends_by_the_signal_that_it_passed_on(program):
    process, _ = started(program, source="import os, time\nprint('ready', os.getpid(), flush=True)\ntime.sleep(60)\n")
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM
    assert program.report()["processes"][0]["exit"] == -signal.SIGTERM


def test_interrupt_from_the_terminal(program):
    program.write("t.py", COUNTER)
    terminal = Terminal(program.words("--json", "t.py"), program.directory, program.environment)
    terminal.expect("ready")
    for _ in range(3):
        terminal.type("\x03")
        time.sleep(0.2)
    program.write("end", "")
    terminal.expect(r"\[\(2, 3\)\]")
    assert terminal.wait() == 0 and program.report()


def test_keyboard_interrupt(program):
    program.write("t.py", "import time\nprint('ready', flush=True)\nwhile True: pass\n")
    terminal = Terminal(program.words("--json", "t.py"), program.directory, program.environment)
    terminal.expect("ready")
    time.sleep(0.3)
    terminal.type("\x03")
    terminal.expect("KeyboardInterrupt")
    assert terminal.wait() == -signal.SIGINT
    assert terminal.text.count("Traceback") == 1 and program.report()["samples"] > 0


def test_quit_from_the_terminal(program):
    program.write("t.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    terminal = Terminal(program.words("--json", "t.py"), program.directory, program.environment)
    terminal.expect("ready")
    terminal.type("\x1c")
    assert terminal.wait() == -signal.SIGQUIT and program.report()


def test_interrupt_while_lineprof_starts_or_ends(program):
    """Wherever it falls: no traceback of ours, nothing left behind, and the program's or the signal's end."""
    program.write("t.py", "")
    for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1):
        process = program.start("--json", "t.py", start_new_session=True)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) in (0, 1, -2), process.stderr.read()    # 1: within Python's own start
        process.communicate()


STATUS = "print(''.join(l for l in open('/proc/self/status') if l.startswith(('SigBlk', 'SigIgn'))))\n"


@pytest.mark.parametrize("ignored, blocked", [
    ([], []),
    ([signal.SIGINT, signal.SIGQUIT], []),
    ([signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGTSTP], []),
    ([], [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, signal.SIGRTMIN + 3]),
])
def test_program_finds_signals_as_lineprof_did(program, ignored, blocked):
    program.write("t.py", STATUS)

    def set_up():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    options = {"preexec_fn": set_up, "restore_signals": False}
    ended = program.run("--json", "t.py", **options)
    bare = subprocess.run([sys.executable, "t.py"], cwd=program.directory, stdout=subprocess.PIPE, **options)
    assert ended.out == bare.stdout and ended.code == 0


def test_ignored_signals_stay_ignored(program):
    process, _ = started(program, source=COUNTER.replace("signal.SIGHUP, ", ""),
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)      # nohup
    time.sleep(0.2)
    assert counted(program, process) == {}


# --- job control -----------------------------------------------------------------------------------------------

LOOP = """
import os, time
print("ready", os.getpid(), flush=True)
while not os.path.exists("end"):
    time.sleep(0.02)
print("finished", flush=True)
"""


def shell(program):
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], program.directory,
                        {**program.environment, "PS1": "$ ", "HISTFILE": ""})
    terminal.expect(r"\$ ")
    return terminal


def command(program):
    return " ".join(f"'{word}'" for word in program.words("--json", "t.py"))


def test_stop_and_foreground(program):
    program.write("t.py", LOOP)
    terminal = shell(program)
    terminal.type(command(program) + "; echo code $?\n")
    pid = int(terminal.expect(r"ready (\d+)").group(1))
    for _ in range(2):
        terminal.type("\x1a")
        terminal.expect("Stopped")
        wait_for(lambda: state(pid) == "T")
        terminal.type("jobs\n")
        terminal.expect("Stopped")
        terminal.type("fg\n")
        terminal.expect("lineprof")
        wait_for(lambda: runs(pid))
    program.write("end", "")
    terminal.expect("finished")
    terminal.expect("lineprof-profile.json")
    terminal.type("exit\n")
    assert terminal.wait() == 0


def test_background_and_kill(program):
    program.write("t.py", LOOP)
    terminal = shell(program)
    terminal.type(command(program) + "\n")
    pid = int(terminal.expect(r"ready (\d+)").group(1))
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("bg\n")
    wait_for(lambda: runs(pid))
    terminal.type("kill %1\n")
    wait_for(lambda: state(pid) is None)
    terminal.type("wait $!; echo code $?\n")
    terminal.expect("code 143")
    terminal.type("exit\n")
    terminal.wait()


def test_program_that_stops_itself(program):
    program.write("t.py", "import os, signal\nprint('ready', flush=True)\nos.kill(os.getpid(), signal.SIGSTOP)\n"
                          "print('continued', flush=True)\n")
    terminal = shell(program)
    terminal.type(command(program) + "\n")
    terminal.expect("ready")
    terminal.expect("Stopped")
    terminal.type("fg\n")
    terminal.expect("continued")
    terminal.expect("lineprof-profile.json")
    terminal.type("exit\n")
    terminal.wait()


def test_stop_and_continue_without_a_terminal(program):
    process, pid = started(program, source=LOOP, start_new_session=True)
    os.kill(pid, signal.SIGSTOP)                # the program alone, from elsewhere ...
    wait_for(lambda: state(pid) == "T")
    time.sleep(0.2)
    assert runs(process.pid)
    os.kill(pid, signal.SIGCONT)                # ... is continued alone
    wait_for(lambda: runs(pid))
    os.killpg(process.pid, signal.SIGSTOP)
    wait_for(lambda: state(pid) == state(process.pid) == "T")
    os.killpg(process.pid, signal.SIGCONT)
    wait_for(lambda: runs(pid) and runs(process.pid))
    program.write("end", "")
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"finished\n")


# --- what the program is given ---------------------------------------------------------------------------------

DESCRIPTORS = """
import os
print(sorted(int(fd) for fd in os.listdir("/proc/self/fd") if int(fd) < 1000))
"""


def descriptors(program, words, **options):
    program.write("t.py", DESCRIPTORS)
    return subprocess.run([*words, "t.py"], cwd=program.directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=program.environment, **options).stdout


def test_no_descriptor_leaks(program):
    read, write = os.pipe()
    for options in ({}, {"pass_fds": [read, write]}):
        bare = descriptors(program, [sys.executable], **options)
        assert descriptors(program, program.words("--json"), **options) == bare
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("closed", [[0], [2], [0, 2]])
def test_closed_descriptors_stay_closed(program, closed):
    program.write("t.py", "import os\nopen('fds', 'w').write(repr([os.path.exists(f'/proc/self/fd/{n}') "
                          "and os.readlink(f'/proc/self/fd/{n}') for n in range(3)]))\n")
    redirections = " ".join(f"{fd}>&-" for fd in closed)

    def run(words):
        subprocess.run(["sh", "-c", f'"$@" {redirections}', "sh", *words], cwd=program.directory,
                       env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        return (program.directory / "fds").read_text()

    assert run(program.words("--json", "t.py")) == run([sys.executable, "t.py"])


def test_preload_of_the_person_is_kept(program):
    source = program.write("theirs.c", "int answer(void) { return 42; }\n")
    library = program.directory / "theirs.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    program.write("t.py", BUSY + "import ctypes\nprint(ctypes.CDLL(None).answer())\n")
    ended = program.run("--json", "t.py", env={"LD_PRELOAD": str(library)})
    assert ended.out == b"42\n" and program.report()["samples"] > 0


def test_arguments_arrive_as_they_are(program):
    program.write("t.py", "import os, sys\nprint([os.fsencode(a) for a in sys.argv[1:]])\n")
    words = ["", " ", "a b", "--x=$HOME", "*", "\udcff\udcfe", "new\nline", "ö"]
    expected = str([os.fsencode(word) for word in words])
    assert program.run("--json", "t.py", *words).out.decode().strip() == expected


def test_lineprof_within_lineprof(program):
    program.write("t.py", BUSY)
    inner = program.words("--json", "-o", "inner.json", "t.py")
    assert program.command(*inner).code == 0
    assert program.report("inner.json")["samples"] > 0


# --- nothing is left behind ------------------------------------------------------------------------------------

SESSION = """
import os, time
session = [e for e in open("/proc/self/environ").read().split(chr(0)) if e.startswith("LINEPROF_SESSION=")]
print("ready", os.getpid(), session[0].partition("=")[2], flush=True)
time.sleep(0.3)
while not os.path.exists("end"):
    time.sleep(0.02)
print("finished", flush=True)
"""


@pytest.mark.parametrize("end", ["program", "lineprof", "both"])
def test_session_is_removed(program, end):
    program.write("t.py", SESSION)
    process = program.start("--json", "t.py")
    _, pid, session = process.stdout.readline().split()
    assert os.path.isdir(session)
    if end != "program":
        process.kill()                          # the guard tidies up
        process.wait(20)
        wait_for(lambda: not os.path.exists(session), 10)
        assert runs(int(pid))                   # and the program runs on
    if end == "both":
        os.kill(int(pid), signal.SIGKILL)
    else:
        program.write("end", "")
        assert process.stdout.readline() == b"finished\n"
    process.communicate(timeout=20)
    assert not os.path.exists(session)


def test_only_the_program_is_waited_for(program):
    """A daemon that the program leaves behind outlives the run, and does not hold it up."""
    program.write("t.py", "import subprocess\nsubprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL, "
                          "stderr=subprocess.DEVNULL)\n")
    begin = time.monotonic()
    assert program.run("--json", "t.py").code == 0
    assert time.monotonic() - begin < 10


def test_no_process_of_ours_stays(program):
    process, _ = started(program, source=LOOP, start_new_session=True)
    group = f" {process.pid} {process.pid} "    # pgrp and session in /proc/PID/stat

    def members():
        return [path for path in Path("/proc").glob("[0-9]*") if state(path.name) and group in stat(path)]

    assert len(members()) == 3                  # lineprof, its guard, the program
    program.write("end", "")
    process.communicate(timeout=20)
    assert not members()
