"""Running lineprof in tests: its command line, a terminal around it, a look at its report."""

import codecs
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT = 60
PROJECT = Path(__file__).resolve().parents[2]

# Enough work for samples at the kernel's tick.
BUSY = "sum(i * i for i in range(1_500_000))\n"


@dataclass
class Program:
    """lineprof in a directory of its own; `python` is what runs scripts, so that a slow shim is no matter."""

    lineprof: str
    directory: Path
    python: str = sys.executable
    environment: dict = field(default_factory=lambda: dict(os.environ, NO_COLOR="", TERM="dumb"))

    def __post_init__(self):
        self.environment["XDG_STATE_HOME"] = str(self.state)    # what others left is no matter of this test's

    @property
    def state(self):
        return self.directory.parent / "state"

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def words(self, *arguments, python=True):
        choice = ["--python", self.python] if python else []
        return [self.lineprof, *choice, *map(str, arguments)]

    def start(self, *arguments, python=True, env=None, cwd=None, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(self.words(*arguments, python=python), cwd=cwd or self.directory,
                                env={**self.environment, **(env or {})}, **options)

    def run(self, *arguments, input=None, **options):
        if input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, err = process.communicate(input.encode() if isinstance(input, str) else input, timeout=TIMEOUT)
        return Ended(process.returncode, out or b"", (err or b"").decode(errors="replace"))

    def command(self, *words, **options):
        """lineprof -- words"""
        return self.run("--json", "--", *words, python=False, **options)

    def report(self, name="lineprof-profile.json"):
        return json.loads((self.directory / name).read_text())

    def files(self):
        return sorted(str(path.relative_to(self.directory)) for path in self.directory.rglob("*") if path.is_file())


@dataclass
class Ended:
    code: int
    out: bytes
    err: str

    @property
    def lines(self):
        return self.err.splitlines()

    def one_line(self):
        """The only line on stderr, which is lineprof's."""
        assert len(self.lines) == 1, self.err
        assert self.lines[0].startswith("lineprof: "), self.err
        return self.lines[0]


class Transparent(Program):
    def both(self, source, *arguments, options=(), wrap=(), err=None, **popen):
        """Runs `source` bare and profiled, and compares; the profiled end and lineprof's own lines are returned.

        $LINEPROF_TEST_RATE is the rate of all that name none. `wrap` stands in front of both command lines. `err` changes the stderr of both before it is compared.
        """
        script = self.write("t.py", source)
        if not options and "LINEPROF_TEST_RATE" in os.environ:
            options = ["--rate", os.environ["LINEPROF_TEST_RATE"]]
        bare = self.execute([*wrap, self.python, script, *arguments], **popen)
        ours = self.execute([*wrap, self.lineprof, *options, "--json", "-o", self.directory / "out.json", "--python",
                             self.python, script, *arguments], **popen)
        said = [line for line in ours.err.splitlines() if line.startswith("lineprof: ")]
        theirs = "".join(line for line in ours.err.splitlines(True) if not line.startswith("lineprof: "))
        assert ours.out.decode() == bare.out.decode()
        clean = err or addresses_away
        assert clean(theirs) == clean(bare.err)
        assert ours.code == bare.code
        return ours, said

    def execute(self, words, env=None, **popen):
        popen = {"cwd": self.directory, "stdin": subprocess.DEVNULL, **popen}
        process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**self.environment, **(env or {})}, **popen)
        out, err = process.communicate(timeout=TIMEOUT)
        assert not left_behind(process.pid)
        return Ended(process.returncode, out, err.decode(errors="replace"))

    def profile(self):
        return json.loads((self.directory / "out.json").read_text())


def addresses_away(text):
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def left_behind(launcher, where=Path("/dev/shm")):
    """Sessions of this lineprof that are still there; other test runs have theirs. See session.h."""
    found = []
    for directory in where.glob("lineprof-*"):
        try:
            header = (directory / "session").read_bytes()
        except OSError:
            continue
        if int.from_bytes(header[12:16], sys.byteorder) == launcher:
            found.append(directory)
    return found


class Terminal:
    """A command on a pseudo-terminal of its own, as in a person's window."""

    def __init__(self, words, cwd, env, columns=80):
        self.text, self.seen = "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")     # a read may end within a character
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.system(f"stty cols {columns} rows 24")
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.execvpe(words[0], words, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:                     # EIO: everybody has closed it
            return False
        self.text += self.decoder.decode(data)
        return bool(data)

    def expect(self, pattern, seconds=TIMEOUT):
        """Waits until the pattern has appeared behind what was expected before."""
        end = time.monotonic() + seconds
        start = self.seen
        while not (found := re.search(pattern, self.text[start:])):
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} did not appear in {self.text!r}"
            if not self.read(min(left, 1)) and not self.alive():
                while self.read(0.2):
                    pass
                found = re.search(pattern, self.text[start:])
                assert found, f"ended without {pattern!r}: {self.text!r}"
                break
        self.seen = start + found.end()
        return found

    def alive(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self, seconds=TIMEOUT):
        """The exit code, or minus the signal."""
        end = time.monotonic() + seconds
        while self.alive():
            assert time.monotonic() < end, f"still there: {self.text!r}"
            self.read(0.05)
        while self.read(0.2):
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def wait_for(condition, seconds=TIMEOUT):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.01)


def state(pid):
    """R, S, T (stopped) ... of a process; None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def runs(pid):
    """Neither stopped nor ended."""
    return state(pid) in ("R", "S", "D")
