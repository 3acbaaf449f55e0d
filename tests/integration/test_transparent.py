"""A program behaves as if lineprof were not there: each one here runs bare and profiled, and both must agree.

Every test runs on every interpreter. What is left in /dev/shm is looked at after each of them.
"""

import os
import re

import pytest
from support import BUSY, left_behind, wait_for

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


# --- running both ways -----------------------------------------------------------------------------------------

@pytest.fixture
def program(transparent):
    return transparent


# --- what a program can see ------------------------------------------------------------------------------------

SIGACTION = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
class Action(ctypes.Structure):
    _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_ubyte * 128), ("flags", ctypes.c_int),
                ("restorer", ctypes.c_void_p)]
def shown(number):
    action = Action()
    assert libc.sigaction(number, None, ctypes.byref(action)) == 0
    handler = action.handler or 0
    return [handler if handler < 2 else "function", bytes(action.mask[:8]).hex(), action.flags, bool(action.restorer)]
def address(name):
    return ctypes.cast(getattr(libc, name), ctypes.c_void_p).value
def set_action(number, name, flags=0, mask=()):
    action = Action(handler=address(name), flags=flags)
    for other in mask:
        action.mask[(other - 1) // 8] |= 1 << (other - 1) % 8
    assert libc.sigaction(number, ctypes.byref(action), None) == 0
def burn(seconds):
    import time
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))
PROF, SEGV, BUS = signal.SIGPROF, signal.SIGSEGV, signal.SIGBUS
"""

SEEN = SIGACTION + """
import json, resource, sys, threading, time
seen = {}
seen["signals"] = [str(signal.getsignal(number)) for number in sorted(signal.Signals)]
seen["actions"] = [shown(number) for number in (PROF, SEGV, BUS, signal.SIGALRM)]
seen["threads"] = [threading.active_count(), len(os.listdir("/proc/self/task"))]
descriptors = os.listdir("/proc/self/fd")
seen["descriptors"] = sorted(int(fd) for fd in descriptors if int(fd) < 1000 and os.path.exists("/proc/self/fd/" + fd))
seen["environment"] = sorted(item for item in os.environ.items()
                             if item[0] != "LD_PRELOAD" and not item[0].startswith("LINEPROF_"))
status = open("/proc/self/status").read().splitlines()
seen["status"] = [line for line in status if line.startswith(("Name", "Umask", "SigBlk", "SigIgn", "SigPnd", "ShdPnd",
    "NoNewPrivs", "Seccomp", "Cpus_allowed", "CoreDumping", "TracerPid"))]
seen["limits"] = [resource.getrlimit(number) for number in range(16)]
seen["itimers"] = [signal.getitimer(number) for number in (0, 1, 2)]
seen["place"] = [os.getcwd(), sys.argv, sys.executable, list(sys.flags), sys.path, os.umask(0)]
seen["priority"] = [os.nice(0), os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0),
                    open("/proc/self/oom_score_adj").read(), open("/proc/self/autogroup").read().split()[-1]
                    if os.path.exists("/proc/self/autogroup") else None]
seen["prctl"] = [libc.prctl(number) for number in (3, 7, 23, 27, 30, 39)]   # dumpable, keepcaps, ..., timer slack
word = ctypes.c_int()
seen["prctl"] += [libc.prctl(2, ctypes.byref(word)), word.value, libc.prctl(37, ctypes.byref(word)), word.value]
seen["session"] = [os.getsid(0) == os.getsid(os.getppid()), os.isatty(0), os.isatty(1), os.isatty(2)]
stack = (ctypes.c_ulong * 3)()
libc.sigaltstack(None, stack)
seen["signal stack"] = list(stack)[1:]
libc.dlerror.restype = ctypes.c_char_p
seen["dlerror"] = str(libc.dlerror())
burn(0.05)
os.nice(0)
seen["after a while"] = [ctypes.get_errno(), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))]
signal.signal(PROF, lambda *a: None); seen["python handler"] = shown(PROF)
signal.siginterrupt(PROF, False); seen["siginterrupt"] = shown(PROF)
signal.signal(PROF, signal.SIG_IGN); seen["ignored"] = shown(PROF)
signal.signal(PROF, signal.SIG_DFL); seen["default"] = shown(PROF)
for number in (PROF, SEGV, BUS):
    set_action(number, "getppid", 0x40000000 | 4, [signal.SIGUSR1, signal.SIGKILL, signal.SIGSTOP])
    seen["c handler of %d" % number] = [shown(number), str(signal.getsignal(number))]
print(json.dumps(seen, indent=1, sort_keys=True))
"""


def test_what_a_program_can_see(program):
    program.both(SEEN)


def test_files(program):
    """None but the program's own, in its directory, where temporary files are made, or in shared memory."""
    places = [program.directory, program.directory / "tmp"]
    places[1].mkdir()
    source = BUSY + """
import multiprocessing, os, subprocess, sys, tempfile
print(tempfile.gettempdir() == os.environ["TMPDIR"], sorted(os.listdir(tempfile.gettempdir())), sorted(os.listdir()))
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x"); print(len(os.listdir(tempfile.gettempdir())))
open("made", "w").close()
lock = multiprocessing.Lock()
with lock: print(sorted(os.listdir()))
os.remove("made")
"""
    program.write("out.json", "")
    program.both(source, env={"TMPDIR": str(places[1])})
    assert [sorted(os.listdir(place)) for place in places] == [["out.json", "t.py", "tmp"], []]


# --- signals that are not ours ---------------------------------------------------------------------------------

SIGNALS = {
    "its own profiling timer": """
import signal, time
count = 0
def tick(number, frame):
    global count
    count += 1
signal.signal(signal.SIGPROF, tick)
signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
start = time.process_time()
while time.process_time() - start < 0.4:
    pass
signal.setitimer(signal.ITIMER_PROF, 0)
expected = (time.process_time() - start) / 0.02
print("ticks", "right" if 0.6 * expected - 2 <= count <= 1.5 * expected + 2 else (count, expected))
""",
    "a wakeup descriptor": """
import os, signal, time
r, w = os.pipe()
for fd in (r, w):
    os.set_blocking(fd, False)
signal.signal(signal.SIGPROF, lambda *a: None)
signal.set_wakeup_fd(w)
start = time.process_time()
while time.process_time() - start < 0.1:
    pass
os.kill(os.getpid(), signal.SIGPROF)
time.sleep(0)
print(os.read(r, 1000))
""",
    "SIGPROF ignored": SIGACTION + """
import subprocess
signal.signal(PROF, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_PROF, 0.005, 0.005)
burn(0.1)
signal.setitimer(signal.ITIMER_PROF, 0)
for _ in range(3):
    os.kill(os.getpid(), PROF)
show = ["grep", "-E", "SigIgn|SigBlk|SigPnd|ShdPnd", "/proc/self/status"]
print(subprocess.run(show, stdout=subprocess.PIPE).stdout)
print(subprocess.run(show, stdout=subprocess.PIPE, close_fds=False).stdout)
print(subprocess.run(show, stdout=subprocess.PIPE, preexec_fn=lambda: None).stdout)
r, w = os.pipe()
os.waitpid(os.posix_spawn("/usr/bin/env", ["env"] + show, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)]), 0)
print(os.read(r, 1000))
try:
    os.execv("/nowhere", ["x"])
except FileNotFoundError:
    print(shown(PROF))
burn(0.05)
os.execvp("grep", show)
""",
    "SIGPROF by its default, from kill": "import os, signal\nos.kill(os.getpid(), signal.SIGPROF)\nprint('alive')\n",
    "SIGPROF by its default, from a timer":
        "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0.02)\nwhile True: pass\n",
    "SIGPROF by its default, in a thread": """
import signal, threading
signal.signal(signal.SIGPROF, lambda *a: None)
signal.signal(signal.SIGPROF, signal.SIG_DFL)
threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGPROF)).start()
while True: pass
""",
    "a handler for one time": SIGACTION + """
set_action(PROF, "getppid", 0x80000000 - 2**32)
os.kill(os.getpid(), PROF)
print("once", shown(PROF)[0], flush=True)
os.kill(os.getpid(), PROF)
print("alive")
""",
    "everything blocked": """
import signal, threading, time
def burn():
    start = time.thread_time()
    while time.thread_time() - start < 0.03:
        pass
everything = set(signal.Signals)
signal.pthread_sigmask(signal.SIG_BLOCK, everything)
burn()
print(signal.sigpending(), signal.sigtimedwait(everything, 0), signal.sigtimedwait(everything, 0.05))
burn()
signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
print(signal.sigpending(), signal.sigwait(everything))
burn()
threading.Timer(0.02, lambda: __import__("os").kill(__import__("os").getpid(), signal.SIGUSR2)).start()
print(signal.sigwaitinfo(everything).si_signo)
burn()
signal.setitimer(signal.ITIMER_PROF, 0.01)
burn()
print(signal.sigpending(), signal.sigpending(), signal.sigwaitinfo(everything).si_code, signal.sigpending())
thread = threading.Thread(target=burn)
thread.start()
thread.join()
signal.pthread_sigmask(signal.SIG_SETMASK, ())
burn()
print("unblocked")
""",
    "alarm": """
import signal, time
fired = []
signal.signal(signal.SIGALRM, lambda *a: fired.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
end = time.monotonic() + 0.2
while len(fired) < 4 and time.monotonic() < end + 5:
    time.sleep(0.01)
signal.setitimer(signal.ITIMER_REAL, 0)
print("fired", len(fired) >= 4, signal.getitimer(signal.ITIMER_PROF), signal.getitimer(signal.ITIMER_VIRTUAL))
signal.setitimer(signal.ITIMER_VIRTUAL, 50, 50)     # still armed at the end
""",
    "alarm by the second": """
import signal, time
class Late(Exception): pass
def late(*a): raise Late
signal.signal(signal.SIGALRM, late)
start = time.monotonic()
signal.alarm(1)
try:
    while True: sum(range(1000))
except Late:
    print("fired", 0.9 < time.monotonic() - start < 3, signal.alarm(0))
""",
    "its own timers, as it set them": """
import signal
for which, seconds in ((signal.ITIMER_REAL, 100), (signal.ITIMER_VIRTUAL, 200), (signal.ITIMER_PROF, 300)):
    print(signal.getitimer(which), signal.setitimer(which, seconds, 7), end=" ")
    sum(range(3000000))
    left, interval = signal.getitimer(which)
    print(seconds - 10 < left <= seconds, interval)
""",
    "SIGTERM with a handler": """
import os, signal, sys, threading, time
def end(*a):
    print("asked to end", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    while True: sum(range(1000))
finally:
    print("finally")
""",
    "SIGTERM without": """
import os, signal, threading
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    while True: sum(range(1000))
finally:
    print("finally")
""",
    "Ctrl-C": """
import os, signal, threading
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
def loop():
    while True: pass
try:
    loop()
finally:
    print("finally", flush=True)
""",
    "virtual timer": "import signal\nsignal.setitimer(signal.ITIMER_VIRTUAL, 0.02)\nwhile True: pass\n",
    "asyncio's own handlers": """
import asyncio, os, signal
async def main():
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGPROF, done.set)
    os.kill(os.getpid(), signal.SIGPROF)
    await done.wait()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGPROF)
    print(await asyncio.to_thread(sum, range(100000)) if hasattr(asyncio, "to_thread") else 4999950000)
asyncio.run(main())
os.kill(os.getpid(), signal.SIGPROF)
""",
}


@pytest.mark.parametrize("name", SIGNALS)
def test_signals(program, name):
    program.both(SIGNALS[name])


FAULTS = {
    "a fault": "ctypes.string_at(0)",
    "a fault with faulthandler": "import faulthandler; faulthandler.enable(); ctypes.string_at(0)",
    "kill": "os.kill(os.getpid(), SEGV)",
    "kill with faulthandler": "import faulthandler; faulthandler.enable(); os.kill(os.getpid(), SEGV)",
    "faulthandler's own": "import faulthandler; faulthandler.enable(); faulthandler._sigsegv()",
    "abort": "os.abort()",
    "a fault that is ignored": "signal.signal(SEGV, signal.SIG_IGN); os.kill(os.getpid(), SEGV); print('here', "
                               "flush=True); ctypes.string_at(0)",
    "a fault while blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, [SEGV]); burn(0.05); ctypes.string_at(0)",
    "a handler in C": "set_action(SEGV, '_exit'); ctypes.string_at(0)",
    "a handler in C with more": "set_action(SEGV, '_exit', 4 | 0x40000000); os.kill(os.getpid(), SEGV)",
    "a handler in C for one time": "set_action(SEGV, 'getppid', 0x80000000 - 2**32); os.kill(os.getpid(), SEGV); "
                                   "print('once', flush=True); ctypes.string_at(0)",
    "a bus error": "import mmap, tempfile; f = tempfile.TemporaryFile(); f.write(b'x' * 5000); f.flush(); "
                   "m = mmap.mmap(f.fileno(), 0); f.truncate(0); print(m[4500])",
    "no room for a frame": "import resource; resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20)); "
                           "libc.qsort.argtypes = None; sys = __import__('sys'); sys.setrecursionlimit(10**6); "
                           "f = lambda g: [g(g) for _ in (1,)]; x = type('X', (), {'__repr__': lambda s: str([s])})(); "
                           "C = ctypes.CFUNCTYPE(None)\n"
                           "def deeper(): C(deeper)()\n"
                           "deeper()",
    "in a thread": "import threading; t = threading.Thread(target=ctypes.string_at, args=(0,)); t.start(); t.join()",
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(program, name):
    """The same end and the same words; profiled up to there."""
    program.both(SIGACTION + "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nburn(0.03)\n"
                 + FAULTS[name] + "\nprint('alive')\n",
                 err=lambda text: re.sub(r"(?m)^\n?Extension modules:.*$|0x[0-9a-f]+", "", text).strip())
    assert program.profile()["samples"] > 0


def test_core_is_dumped_as_ever(program):
    program.both("""
import ctypes, os, resource, signal
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
for limit in (0, hard):
    for crash in (lambda: ctypes.string_at(0), lambda: os.kill(os.getpid(), signal.SIGSEGV),
                  lambda: os.kill(os.getpid(), signal.SIGPROF)):
        pid = os.fork()
        if pid == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (limit, hard))
            crash()
        status = os.waitpid(pid, 0)[1]
        print(os.WTERMSIG(status), os.WCOREDUMP(status))
""")


def test_dump_traceback_later(program):
    program.both("""
import faulthandler, time
def work():
    end = time.monotonic() + 0.5
    while time.monotonic() < end: pass
faulthandler.dump_traceback_later(0.25)
work()
""", err=lambda text: re.sub(r"0x[0-9a-f]+", "", text))


# --- processes -------------------------------------------------------------------------------------------------

PROCESSES = {
    "fork": """
import os
print(sum(range(1000)), flush=True)
for code in (0, 3, 255):
    pid = os.fork()
    if pid == 0:
        sum(range(100000))
        os._exit(code)
    print(os.waitpid(pid, 0)[1])
pid = os.fork()
if pid == 0:
    raise SystemExit("from the child")
print(os.waitpid(pid, 0)[1])
""",
    "fork in threads": """
import os, threading
def child(n):
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=sum, args=(range(10000),)).start()
        os._exit(n)
    ended.append(os.waitpid(pid, 0)[1] >> 8)
ended = []
threads = [threading.Thread(target=child, args=(n,)) for n in range(8)]
import warnings
warnings.simplefilter("ignore")
for t in threads: t.start()
for t in threads: t.join()
print(sorted(ended))
""",
    "fork and exec": """
import os, sys
for words in (["/bin/echo", "a"], [sys.executable, "-c", "print('b', __import__('os').environ.get('X'))"]):
    pid = os.fork()
    if pid == 0:
        os.execve(words[0], words, dict(os.environ, X="1"))
    print(os.waitpid(pid, 0)[1], flush=True)
pid = os.fork()
if pid == 0:
    try:
        os.execvp("no-such-program-anywhere", ["x"])
    except FileNotFoundError as error:
        print(error, flush=True)
    fd = os.open("/bin/echo", os.O_RDONLY)
    os.execve(fd, ["echo", "by descriptor"], os.environ)
print(os.waitpid(pid, 0)[1])
os.execlp("sh", "sh", "-c", "echo $0 in $(pwd); exit 7")
""",
    "subprocess": """
import subprocess, sys
run = lambda words, **options: print(subprocess.run(words, stdout=-1, stderr=-1, **options))
run([sys.executable, "-c", "import sys; print(sys.argv, len(sys.path)); sys.exit(5)", "a b"])
run([sys.executable, "-"], input=b"print(6 * 7)")
run([sys.executable, "-S", "-E", "-c", "print(__name__)"], close_fds=False)
run([sys.executable, "-c", "import os; print(os.environ)"], env={"A": "1"})
run("echo $((1 + 1)); exit 4", shell=True)
run(["cat"], input=b"x" * 100000 and b"y", start_new_session=True, preexec_fn=lambda: None)
print(subprocess.getstatusoutput("kill -SEGV $$"), __import__("os").system("exit 3"), __import__("os").popen("echo p").read())
""",
    "posix_spawn": """
import os, sys
for spawn in (os.posix_spawn, os.posix_spawnp):
    pid = spawn(sys.executable, [sys.executable, "-c", "print(sum(range(10)))"], os.environ)
    print(os.waitpid(pid, 0)[1], flush=True)
try:
    os.posix_spawn("/nowhere", ["x"], {})
except FileNotFoundError as error:
    print(error)
""",
    "daemon": """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    open("pid", "w").write(str(os.getpid()))
    os.close(0); os.close(1); os.close(2)
    time.sleep(0.3)
    os._exit(0)
os.wait()
print("started")
""",
    "threads": """
import os, threading, time
total = []
def work(n):
    total.append(sum(range(n)))
for _ in range(4):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(50)]
    for t in threads: t.start()
    for t in threads: t.join()
print(len(total), sum(total), threading.active_count())
end = time.monotonic() + 5      # the kernel may show an ended one for a moment
while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < end:
    time.sleep(0.001)
print(len(os.listdir("/proc/self/task")))
threading.stack_size(32768)
t = threading.Thread(target=work, args=(100000,)); t.start(); t.join()
print(len(total))
""",
    "daemon threads at the end": """
import threading, time
def spin():
    while True: sum(range(100))
for _ in range(3): threading.Thread(target=spin, daemon=True).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(0.1)
print("end")
""",
    "pthread_exit": """
import ctypes, os, threading, time
libc = ctypes.CDLL(None)
threading.Thread(target=libc.pthread_exit, args=(None,), daemon=True).start()
end = time.monotonic() + 10
while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < end:
    time.sleep(0.005)
print(len(os.listdir("/proc/self/task")), flush=True)
os._exit(9)
""",
    "an end while others run": """
import os, threading
def spin():
    while True: sum(range(100))
for _ in range(3): threading.Thread(target=spin, daemon=True).start()
sum(range(1000000))
print("end", flush=True)
os._exit(4)
""",
}


@pytest.mark.parametrize("name", PROCESSES)
def test_processes(program, name):
    program.both(PROCESSES[name])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(program, method):
    program.both(f"""
import multiprocessing, os, sys
def work(n):
    return sum(i * i for i in range(n * 1000))
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    with context.Pool(2) as pool:
        print(pool.map(work, range(8)))
    process = context.Process(target=sys.exit, args=(6,))
    process.start(); process.join()
    print(process.exitcode)
    process = context.Process(target=os.kill, args=(0, 0))
    process.start(); process.join()
    print(process.exitcode)
""")
    assert len(program.profile()["processes"]) >= 4


def test_a_daemon_outlives_lineprof(program, tmp_path):
    """It goes on unharmed, forks and runs programs of its own, when lineprof and its session are gone."""
    source = """
import os, subprocess, sys, threading, time, signal
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2): os.dup2(null, fd)
    while not os.path.exists("go"): time.sleep(0.01)
    start = time.process_time()
    while time.process_time() - start < 0.1: pass
    thread = threading.Thread(target=sum, args=(range(100000),)); thread.start(); thread.join()
    said = subprocess.run([sys.executable, "-c", "print(6 * 7)"], stdout=-1, stderr=-1)
    pid = os.fork()
    if pid == 0:
        os._exit(sum(range(5)))
    status = os.waitpid(pid, 0)[1]
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGPROF)
    open("result.new", "w").write(repr((said.returncode, said.stdout, said.stderr, status)))
    os.rename("result.new", "result")
    os._exit(0)
os.wait()
"""
    program.write("t.py", source)
    ended = program.run("--json", "t.py")
    assert ended.code == 0 and len(ended.lines) == 1
    program.write("go", "")
    wait_for((program.directory / "result").exists)
    assert (program.directory / "result").read_text() == repr((0, b"42\n", b"", 10 << 8))


def test_lineprof_is_killed(program):
    """The program goes on; nothing remains but what it had mapped, since the guard tidies up."""
    program.write("t.py", """
import os, time
open("pid", "w").write(str(os.getpid()))
while not os.path.exists("go"): time.sleep(0.01)
start = time.process_time()
while time.process_time() - start < 0.2: pass
pid = os.fork()
if pid == 0: os._exit(3)
open("result.new", "w").write(str(os.waitpid(pid, 0)[1]))
os.rename("result.new", "result")
""")
    process = program.start("--json", "t.py")
    wait_for((program.directory / "pid").exists)
    process.kill()
    process.wait()
    wait_for(lambda: not left_behind(process.pid))
    program.write("go", "")
    wait_for((program.directory / "result").exists)
    assert (program.directory / "result").read_text() == str(3 << 8)
    process.stdout.close(), process.stderr.close()


# --- exec ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate", [None, 5000])
def test_exec_of_itself(program, rate, pytestconfig):
    """A signal that is pending when exec puts SIGPROF back to its default would kill the program."""
    all_of_them = str(pytestconfig.chosen[0]) == program.python
    program.both("""
import os, sys
left = int(sys.argv[1])
sum(i * i for i in range(20000))
if left:
    os.execv(sys.executable, [sys.executable, "-S", "-E", "-s", __file__, str(left - 1)])
print("through")
""", 200 if all_of_them else 15, options=["--rate", rate] if rate else [])


def test_exec_beside_threads(program):
    program.both("""
import os, sys, threading
left = int(sys.argv[1])
def spin():
    while True: sum(range(100))
for _ in range(3): threading.Thread(target=spin, daemon=True).start()
sum(i * i for i in range(20000))
if left:
    os.execv(sys.executable, [sys.executable, "-S", "-E", "-s", __file__, str(left - 1)])
print("through", flush=True)
os._exit(0)
""", 8, options=["--rate", 5000])


# --- interrupted calls -----------------------------------------------------------------------------------------

def test_no_call_is_interrupted(program):
    """Blocking calls beside the ticks of their own thread: none ends early, none fails with EINTR."""
    program.both(SIGACTION + """
import select, threading, time
libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
def short(call, *arguments):
    result = call(*arguments)
    return result, ctypes.get_errno() if result < 0 else 0
class Spec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]
def feed():
    for _ in range(40):
        time.sleep(0.003)
        os.write(w, b"x")
results = {}
def note(name, result):
    results.setdefault(name, set()).add(result)
feeder = threading.Thread(target=feed)
feeder.start()
buffer = ctypes.create_string_buffer(10)
for _ in range(40):
    burn(0.002)
    note("read", short(libc.read, r, buffer, 1))
feeder.join()
for _ in range(25):
    burn(0.004)
    note("poll", short(libc.poll, None, 0, 1))
    note("select", short(libc.select, 0, None, None, None, ctypes.byref(Spec(0, 1000))))
    note("nanosleep", short(libc.nanosleep, ctypes.byref(Spec(0, 1000000)), None))
    start = time.monotonic()
    time.sleep(0.001)
    note("sleep", time.monotonic() - start >= 0.001)
print(results)
woken = []
signal.signal(signal.SIGALRM, lambda *a: woken.append(1))
for n in range(10):
    burn(0.004)
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    signal.pause()
    assert len(woken) == n + 1
print("woken", len(woken))
""")


# A blocking call that enters the kernel slowly, so that most ticks fall in there.
SLOW_OPEN = """
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
os.mkfifo("fifo")
name = "fifo"
for n in range(38):
    os.symlink("./" * 1900 + name, "link%d" % n)
    name = "link%d" % n
signal.signal(signal.SIGALRM, lambda *a: None)
if os.fork() == 0:                                      # frees a call that was not interrupted
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.4)
        try: os.close(os.open("fifo", os.O_WRONLY | os.O_NONBLOCK))
        except OSError: pass
    os._exit(0)
late = 0
for _ in range(40):
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    fd = libc.open(name.encode(), os.O_RDONLY)
    if fd >= 0:
        os.close(fd)
        late += time.monotonic() - start > 0.1
print("interrupted", late <= 2 or late, flush=True)     # on a busy machine a timer fires before the call
"""


def test_its_own_signals_interrupt_calls(program, pytestconfig):
    """Our tick may wait beside the program's signal: it must not have the interrupted call restarted."""
    if str(pytestconfig.chosen[0]) != program.python:
        pytest.skip("the kernel's business, once is enough")
    for directory in ("bare", "profiled"):
        (program.directory / directory).mkdir()
    script = program.write("t.py", SLOW_OPEN)
    words = [program.lineprof, "--json", "-o", program.directory / "out.json", "--python", program.python, script]
    assert program.execute([program.python, script], cwd=program.directory / "bare").out == b"interrupted True\n"
    assert program.execute(words, cwd=program.directory / "profiled").out == b"interrupted True\n"


# --- narrow places ---------------------------------------------------------------------------------------------

WORK = BUSY + """
import os, threading, time
t = threading.Thread(target=sum, args=(range(300000),)); t.start(); t.join()
while len(os.listdir("/proc/self/task")) > 1: time.sleep(0.001)     # else 3.12 may warn of threads at the fork
pid = os.fork()
if pid == 0: os._exit(2)
print("done", os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("limit", ["-n 10", "-n 24", "-i 0", "-i 1", "-i 3", "-f 0", "-f 100", "-v 400000",
                                   "-s 256", "-l 0"])
def test_limits(program, limit):
    """What lineprof cannot have it says, and the program runs unharmed, or not at all."""
    wrap = ["/bin/sh", "-c", f'ulimit {limit} && exec "$@"', "sh"]
    script = program.write("t.py", WORK)
    bare = program.execute([*wrap, program.python, script])
    if bare.code:
        pytest.skip("the program itself needs more")
    ours = program.execute([*wrap, program.lineprof, "--json", "-o", program.directory / "out.json", "--python",
                            program.python, script])
    assert ours.code in (0, 125)                # 125: no session, or no room for the report
    assert ours.out == bare.out or ours.code == 125, ours.err
    assert [line for line in ours.lines if line.startswith("lineprof: ")]
    if ours.code == 0 and (program.directory / "out.json").exists() and limit in ("-i 0", "-i 1"):
        assert program.profile()["lost"]["no_timer"] > 0


@ROOT
@pytest.mark.parametrize("size", ["4k", "512k", "1400k"])
def test_shared_memory_is_full(program, size):
    """No room for the session, for a ring, for a child's ring."""
    ours, said = program.both(WORK, wrap=["unshare", "-m", "sh", "-c",
                                          f'mount -t tmpfs -o size={size} none /dev/shm && exec "$@"', "sh"])
    assert said


@ROOT
def test_elsewhere(program):
    """A child in another root or pid namespace: it runs, and says no word more."""
    program.both("""
import os, subprocess, sys
if not os.path.isdir("root/bin"):
    os.makedirs("root/bin", exist_ok=True)
    for name in ("lib", "lib64", "usr"): os.makedirs("root/" + name, exist_ok=True)
def enter():
    os.chroot("root")
script = "for d in lib lib64 usr bin; do mount --rbind /$d root/$d; done; exec chroot root /bin/echo inside"
print(subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=-1, stderr=-1))
print(subprocess.run(["unshare", "-m", "sh", "-c", script.replace("exec chroot root /bin/echo inside",
    "exec %s -c \\"import os; os.chroot('root'); os.execv('/bin/echo', ['echo', 'inside'])\\"" % sys.executable)],
    stdout=-1, stderr=-1))
print(subprocess.run(["unshare", "-pf", sys.executable, "-c", "import os; print(os.getpid(), sum(range(2000000)))"],
    stdout=-1, stderr=-1))
""")


def test_a_program_of_another_class(program):
    """The 32-bit loader would say that it cannot preload the shim. (An image is enough; it cannot run here.)"""
    header = b"\x7fELF\x01\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (3).to_bytes(2, "little")
    (program.directory / "old").write_bytes(header.ljust(200, b"\0"))
    (program.directory / "old").chmod(0o755)
    (program.directory / "script").write_text("#! /usr/bin/env cat\nread by cat\n")
    (program.directory / "script").chmod(0o755)
    program.both("""
import os, subprocess, sys
for words in (["./old"], ["./script"]):
    try:
        print(subprocess.run(words, stdout=-1, stderr=-1))
    except OSError as error:
        print(error)
""")


@pytest.mark.parametrize("how", ["removed before", "removed inside"])
def test_directory_is_gone(program, how):
    gone = program.directory / "gone"
    script = program.write("t.py", BUSY + ("" if how == "removed before" else
        "import os\nos.mkdir('x'); os.chdir('x'); os.rmdir('../x')\n") + "print('done')\n")
    words = [program.lineprof, "--json", "-o", program.directory / "out.json", "--python", program.python, script]
    wrap = ["sh", "-c", f"mkdir {gone}; cd {gone}; " + ("rmdir ../gone; " if how == "removed before" else "")
            + '"$@"', "sh"]
    ended = program.execute([*wrap, *words])
    assert (ended.code, ended.out) == (0, b"done\n"), ended.err
    assert "done" not in ended.err and program.profile()["samples"] > 0


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
                                         {"PYTHONIOENCODING": "latin-1"}, {"LD_PRELOAD": "libm.so.6"},
                                         {"LD_BIND_NOW": "1"}, {"PYTHONMALLOC": "malloc"}, {"PYTHONDEVMODE": "1"}],
                         ids=lambda e: "-".join(map("=".join, e.items())))
def test_environments(program, environment):
    program.both("# coding: utf-8\n" + BUSY + "import os, sys\nprint(ascii('\xe4\u4e2d'), sys.getfilesystemencoding(), "
                 "sys.stdout.encoding, os.environ.get('LC_ALL'))\n", env=environment)


def test_becomes_another_user(program):
    if os.geteuid():
        pytest.skip("needs root")
    program.both("import os\nos.setgid(65534); os.setuid(65534)\n" + WORK)
    assert program.profile()["samples"] > 0


def test_closes_what_is_not_its_own(program):
    program.both("import os\nos.closerange(3, 4096)\n" + WORK + "os.closerange(0, 4096)\n")


# --- coroutines that switch stacks -----------------------------------------------------------------------------

def stacks(profile):
    """Every stack that was sampled, as its functions' names, outermost first."""
    functions, nodes = profile["stacks"]["functions"], profile["stacks"]["nodes"]
    for node in {weight["node"] for weight in profile["stacks"]["weights"]}:
        path = []
        while node >= 0:
            path.append(functions[nodes["function"][node]]["name"])
            node = nodes["parent"][node]
        yield path[::-1]


SWITCHING = {
    "greenlet": """
from greenlet import getcurrent, greenlet
def leaf(n):
    return sum(i for i in range(n))
def inner():
    while True:
        leaf(2000)
        main.switch()
def outer():
    inner()
def run():
    workers = [greenlet(outer) for _ in range(5)]
    for _ in range(300):
        for w in workers: w.switch()
    print("done")
main = getcurrent()
run()
""",
    "gevent": """
import gevent
from gevent import monkey
monkey.patch_all()
import subprocess, sys, threading, time
def leaf(n):
    return sum(i for i in range(n))
def inner():
    for _ in range(200):
        leaf(2000)
        gevent.sleep(0)
def outer():
    inner()
gevent.joinall([gevent.spawn(outer) for _ in range(4)])
t = threading.Thread(target=outer); t.start(); t.join()
print(subprocess.check_output([sys.executable, "-c", "print(1)"]), "done")
""",
}


@pytest.mark.parametrize("package", SWITCHING)
def test_switched_stacks_are_whole(program, python, packages, package):
    environment = packages(python, package)
    program.both(SWITCHING[package], env={"PYTHONPATH": environment["PYTHONPATH"]})
    profile = program.profile()
    assert profile["lost"]["torn"] <= max(2, 0.01 * profile["samples"])
    leaves = [stack for stack in stacks(profile) if "leaf" in stack]
    assert leaves
    for stack in leaves:
        at = stack.index("leaf")
        assert stack[at - 2:at] == ["outer", "inner"], stack


# --- threads that cannot take a tick -----------------------------------------------------------------------------

BLOCKED = """\
import ctypes, select, signal, time
libc = ctypes.CDLL(None, use_errno=True)
every, none = (ctypes.c_ulong * 16)(*[2**64 - 1] * 16), (ctypes.c_ulong * 16)()
def timespec(seconds): return (ctypes.c_long * 2)(int(seconds), int(seconds % 1 * 1e9))
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
spin(0.1)
pending = libc.signalfd(-1, every, 0o4000)
print("signalfd", select.select([pending], [], [], 0)[0])
print("ppoll", libc.ppoll(None, 0, timespec(0.05), none))
spin(0.05)
print("pselect", libc.pselect(0, None, None, None, timespec(0.05), none))
spin(0.05)
print("rt_sigtimedwait", libc.syscall(128, every, None, timespec(0), 8))
signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
spin(0.05)
signal.setitimer(signal.ITIMER_REAL, 0.05)
print("sigsuspend", libc.sigsuspend(none))
signal.pthread_sigmask(signal.SIG_SETMASK, [])
spin(0.2)
"""

SMALL_STACK = """\
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
class stack_t(ctypes.Structure):
    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]
least = libc.getauxval(51) or 2048          # AT_MINSIGSTKSZ
for size in least, least + 464, 8192:
    room = ctypes.create_string_buffer(b"x" * 4096, 4096 + size)
    stack = stack_t(ctypes.addressof(room) + 4096, 0, size)
    assert libc.sigaltstack(ctypes.byref(stack), None) == 0
    end = time.thread_time() + 0.1
    while time.thread_time() < end: pass
    print(size, room.raw[:4096] == b"x" * 4096)
    off = stack_t(None, 2, 0)
    libc.sigaltstack(ctypes.byref(off), None)
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of this CPU's system calls")
def test_a_blocked_tick_is_never_seen(program):
    program.both(BLOCKED)


def test_a_small_alternate_stack_is_not_ours(program):
    program.both(SMALL_STACK)
