"""Programs that give up rights, or never had them: filters of system calls, other users, other roots, no /proc.

Each runs bare and profiled, and both must agree; what could not be measured is said.
"""

import os
import signal

import pytest
from support import BUSY

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def program(transparent):
    return transparent


# --- filters of system calls -----------------------------------------------------------------------------------

# No clock in here: reading one is a system call of the program's own.
SECCOMP = """
import ctypes, os, platform, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {  # x86_64, aarch64
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62), "mmap": (9, 222),
    "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "ioctl": (16, 29),
    "mremap": (25, 216), "madvise": (28, 233), "exit": (60, 93), "futex": (202, 98), "exit_group": (231, 94),
    "sigaltstack": (131, 132), "rt_sigreturn": (15, 139), "getrusage": (98, 165), "timer_create": (222, 107),
    "timer_settime": (223, 110), "timer_delete": (226, 111), "process_vm_readv": (310, 270), "seccomp": (317, 277),
    "newfstatat": (262, 79), "getpid": (39, 172), "rt_sigprocmask": (14, 135)}
number = lambda name: NUMBERS[name][0 if X86 else 1]
class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.POINTER(Instruction))]
ALLOW, KILL = 0x7fff0000, 0x80000000
def make_filter(names, then, otherwise):
    code = [(0x20, 0, 0, 0)] + [(0x15, len(names) - i, 0, number(name)) for i, name in enumerate(names)]
    code += [(6, 0, 0, otherwise), (6, 0, 0, then)]
    return ctypes.byref(Filter(len(code), (Instruction * len(code))(*code)))
ONLY = make_filter(["read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "brk", "rt_sigaction",
                    "ioctl", "mremap", "madvise", "exit", "futex", "exit_group", "sigaltstack", "rt_sigreturn",
                    "newfstatat", "rt_sigprocmask"], ALLOW, KILL)
NOT_OURS = make_filter(["getrusage", "timer_create", "timer_settime", "timer_delete", "process_vm_readv"], KILL, ALLOW)
def burn(n=3000000):
    for i in range(n): pass
burn()
assert libc.prctl(38, 1, 0, 0, 0) == 0      # PR_SET_NO_NEW_PRIVS
"""

FILTERS = {
    "by prctl": "print(libc.prctl(22, 2, ONLY)); burn(); print('done')",
    "by seccomp": "print(libc.syscall(number('seccomp'), 1, 0, ONLY)); burn(); print('done')",
    "for all threads": "import threading\ntotal = []\n"
                       "def work(): burn(); burn(); total.append(1)\n"
                       "threads = [threading.Thread(target=work) for _ in range(3)]\n"
                       "for t in threads: t.start()\n"
                       "print(libc.syscall(number('seccomp'), 1, 1, ONLY)); burn()\n"
                       "for t in threads: t.join()\nprint('done', total)",
    "and an end by _exit": "libc.prctl(22, 2, ONLY); burn(); os.write(1, b'done'); os._exit(7)",
    "and what is forbidden": "libc.prctl(22, 2, ONLY); burn(); os.write(1, b'now'); os.getppid()",
    "strict mode": "print('confined', flush=True); libc.prctl(22, 1); burn(); os.write(1, b'done\\n'); "
                   "libc.syscall(number('exit'), 3)",
    "that is refused": "print(libc.prctl(22, 2, None), libc.syscall(number('seccomp'), 1, 99, ONLY), "
                       "libc.syscall(number('seccomp'), 2, 0, ctypes.byref(ctypes.c_uint(ALLOW)))); burn(); burn()",
    "and children": "libc.prctl(22, 2, NOT_OURS); burn()\n"
                    "words = [sys.executable, '-c', 'for i in range(3000000): pass\\nprint(6 * 7)']\n"
                    "print(subprocess.run(words, stdout=-1, stderr=-1).stdout, os.system('\"%s\" -c \"%s\"' % (words[0], words[2])))\n"
                    "pid = os.fork()\n"
                    "if pid == 0: burn(); os._exit(4)\n"
                    "print(os.waitpid(pid, 0)[1]); t = threading.Thread(target=burn); t.start(); t.join()\n"
                    "sys.stdout.flush(); os.execv(words[0], words)",
    "and its own handlers": "import signal\nlibc.prctl(22, 2, ONLY)\n"
                            "signal.signal(signal.SIGPROF, lambda *a: None); print(signal.getsignal(signal.SIGPROF) is None)",
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter(program, name):
    """From where the program confines itself there is no system call of ours, and the report goes up to there."""
    ended, said = program.both(SECCOMP + FILTERS[name] + "\n")
    assert ended.out, ended.err
    assert program.profile()["samples"] > 0
    assert any("seccomp filter" in line for line in said) == (name != "that is refused"), said


def test_filter_that_is_not_seen(program):
    """Installed past the functions that libraries see: if it kills for a call of ours, the cause is said."""
    script = program.write("t.py", SECCOMP + "import ctypes.util\nlibc = ctypes.CDLL('libc.so.6')\n"
                           "print(libc.prctl(22, 2, NOT_OURS), flush=True)\nburn(20000000)\n")
    ended = program.execute([program.lineprof, "--json", "-o", program.directory / "out.json", "--python",
                             program.python, script])
    assert (ended.code, ended.out) == (-signal.SIGSYS, b"0\n")
    assert "killed by SIGSYS" in ended.err and program.profile()["samples"] > 0


# --- rights ----------------------------------------------------------------------------------------------------

# Work that needs no file and no descriptor.
IMPORTS = """
import ctypes, os, resource, tempfile, threading, warnings
t = threading.Thread(target=int); t.start(); t.join()     # 3.8 loads libgcc then
"""
WORK = BUSY + """
t = threading.Thread(target=sum, args=(range(300000),)); t.start(); t.join()
warnings.simplefilter("ignore")
pid = os.fork()
if pid == 0: sum(range(1000000)); os._exit(2)
print("done", os.waitpid(pid, 0)[1], flush=True)
""" + BUSY

GIVEN_UP = {
    "readers": "print(ctypes.CDLL(None).prctl(4, 0, 0, 0, 0))",      # PR_SET_DUMPABLE
    "descriptors": "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "all descriptors": "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
    "pending signals": "resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))",
    "the session": "print(os.environ.pop('LINEPROF_SESSION', None) and None)",
    "the directory": "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
}


@pytest.mark.parametrize("name", GIVEN_UP)
def test_gives_up(program, name):
    ended, _ = program.both(IMPORTS + GIVEN_UP[name] + "\n" + WORK)
    assert ended.out.endswith(b"done 512\n")
    assert program.profile()["samples"] > 0


# Each child, which cannot join us any more, is counted.
BECOMES = {
    "setresuid": "os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)",
    "for a while": "os.seteuid(65534); " + "sum(range(3000000)); os.seteuid(0); os.setresuid(65534, 65534, 0)",
    "chroot": "os.mkdir('root%d' % os.getpid()); os.chroot('root%d' % os.getpid()); os.chdir('/')",
}


@ROOT
@pytest.mark.parametrize("name", BECOMES)
def test_becomes(program, name):
    ended, said = program.both(IMPORTS + BECOMES[name] + "\n" + WORK)
    assert ended.out == b"done 512\n"
    assert program.profile()["samples"] > 0
    assert len(program.profile()["processes"]) == 1 and any("1 Python ran unprofiled" in line for line in said), said


# --- places ----------------------------------------------------------------------------------------------------

@ROOT
@pytest.mark.parametrize("where", ["/dev/shm", "/proc", "cwd"])
def test_place_is_missing(program, where):
    """Hidden by a mount of nothing, which is read-only."""
    hidden = program.directory / "cwd" if where == "cwd" else where
    (program.directory / "cwd").mkdir()
    ended, said = program.both(IMPORTS + WORK, cwd=program.directory / "cwd", wrap=[
        "unshare", "-m", "sh", "-c", f'mount -t tmpfs -o ro none {hidden} && cd {program.directory / "cwd"} && exec "$@"',
        "sh"])
    assert ended.out == b"done 512\n"
    assert program.profile()["samples"] > 0 and len(program.profile()["processes"]) == 2


@ROOT
def test_report_has_no_place(program):
    """The current directory is read-only: said, and the program's end is its own."""
    (program.directory / "cwd").mkdir()
    script = program.write("t.py", BUSY + "raise SystemExit(3)\n")
    hide = 'mount -t tmpfs -o ro none cwd && cd cwd && exec "$@"'
    ended = program.execute(["unshare", "-m", "sh", "-c", hide, "sh", program.lineprof, "--json", "--python",
                             program.python, script])
    assert ended.code in (3, 125) and "lineprof-profile.json" in ended.err, ended.err
