"""The self-check: an interpreter that was never seen is asked once, and believed only where it agrees with our walk."""

import os
import shutil
import time
from pathlib import Path

import interpreters
import pytest

WORK = "sum(i * i for i in range(300_000))\n"
SAYS = "does not pass lineprof's self-check"


@pytest.fixture
def cache(program, tmp_path):
    """An empty cache of its own for the program's runs."""
    program.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return Cache(tmp_path / "cache/lineprof/checked")


class Cache:
    def __init__(self, directory):
        self.directory = directory

    def entries(self):
        return list(self.directory.iterdir()) if self.directory.exists() else []

    def entry(self):
        (entry,) = self.entries()
        return entry

    def verdict(self):
        judge, verdict = self.entry().read_text().splitlines()
        assert judge.startswith("lineprof ")
        return verdict

    def plant(self, verdict):
        self.entry().write_text(self.entry().read_text().replace("good", verdict))


@pytest.fixture(scope="session")
def wrong_lineprof(lineprof, tmp_path_factory):
    """lineprof with a shim whose layouts LINEPROF_WRONG spoils."""
    shim = Path(lineprof).parent / "tests/integration/liblineprof.so"
    if not shim.exists():
        pytest.fail(f"{shim} is not there: build with -DLINEPROF_TESTS=ON", pytrace=False)
    directory = tmp_path_factory.mktemp("wrong")
    return str(shutil.copy(lineprof, directory)), shutil.copy(shim, directory)


@pytest.fixture
def wrong(program, cache, wrong_lineprof):
    program.lineprof = wrong_lineprof[0]
    return program


def profiled(program, ended):
    return ended.code == 0 and SAYS not in ended.err and bool(program.report()["files"])


# --- the verdict -----------------------------------------------------------------------------------------------

def test_every_interpreter_passes(program, cache, python):
    program.python = str(python)
    ended = program.run("--json", "-c", WORK)
    assert profiled(program, ended), ended.err
    assert cache.verdict() == "good"


@pytest.mark.parametrize("what, says", [
    ("function", "plain call: function of frame 0: expected look, seen <string>"),
    ("file", "plain call: file of frame 0: expected <string>, seen look"),
    ("line", "plain call: line in look: expected "),
    ("caller", "plain call: "),
    ("code", "plain call: "),
])
def test_a_wrong_row_is_caught(wrong, cache, python, what, says):
    wrong.python = str(python)
    version = ".".join(map(str, python.version))
    for _ in range(2):                  # the second time by the cache
        ended = wrong.run("--json", "-c", WORK + "raise SystemExit(7)", env={"LINEPROF_WRONG": what})
        assert ended.code == 7
        assert f"this build of Python {version} {SAYS} ({says}" in ended.one_line()
        assert not wrong.files()
        assert cache.verdict().startswith(says)


def test_only_what_is_misread_is_left_out(wrong, cache, python):
    others = [i for i in interpreters.find() if i.supported and i.minor != python.minor]
    if not others:
        pytest.skip("one version alone is on this machine")
    wrong.write("child.py", "def in_child():\n    " + WORK + "in_child()\n")
    wrong.write("parent.py", "import subprocess, sys\ndef in_parent():\n    " + WORK
                + "in_parent()\nsubprocess.run([sys.argv[1], 'child.py'], check=True)\n")
    wrong.python = str(others[0])
    spoilt = {"LINEPROF_WRONG": "function", "LINEPROF_WRONG_PYTHON": "%d.%d" % python.minor}
    ended = wrong.run("--json", "parent.py", python.path, env=spoilt)
    assert ended.code == 0 and f"lineprof: 1 process ran unprofiled: this build of Python {python.version[0]}." in ended.err
    assert SAYS in ended.err and len(cache.entries()) == 2
    report = wrong.report()
    misread = ".".join(map(str, python.version))
    samples = {True: 0, False: 0}
    for process in report["processes"]:     # a fork before the exec is one, too
        samples[process["version"] == misread] += process["samples"]
    assert samples[False] > 0 and samples[True] == 0
    names = {Path(path).name for path in report["files"]}
    assert "parent.py" in names and "child.py" not in names and "child.py" not in str(report["stacks"])
    assert report["python"]["executable"] == os.path.realpath(others[0])


# --- the cache -------------------------------------------------------------------------------------------------

def test_a_verdict_is_asked_for_once(program, cache):
    assert profiled(program, program.run("--json", "-c", WORK))
    cache.plant("planted: so it was read")
    before = cache.entry().stat()
    ended = program.run("--json", "-c", WORK)
    assert f"{SAYS} (planted: so it was read)" in ended.one_line()
    after = cache.entry().stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("other", ["lineprof 0.0.1", "lineprof {version} 1-2.3", "", "\0" * 5000])
def test_a_verdict_of_another_lineprof_is_not_believed(program, cache, other):
    program.run("--json", "-c", WORK)
    version = cache.entry().read_text().split()[1]
    cache.entry().write_text(other.format(version=version) + "\nwrong: they said\n")
    assert profiled(program, program.run("--json", "-c", WORK))
    assert cache.verdict() == "good"


@pytest.mark.parametrize("damage", ["nothing", "half", "fifo", "link", "control"])
def test_a_damaged_cache_is_survived(program, cache, damage):
    program.run("--json", "-c", WORK)
    entry = cache.entry()
    judge = entry.read_text().splitlines()[0]
    entry.unlink()
    if damage == "fifo":
        os.mkfifo(entry)
    elif damage == "link":
        entry.symlink_to("/dev/zero")
    else:
        entry.write_text({"nothing": "", "half": judge, "control": f"{judge}\n\x1b[2J\n"}[damage])
    ended = program.run("--json", "-c", WORK)
    if damage == "control":
        assert "(?[2J)" in ended.one_line()
    else:
        assert profiled(program, ended) and cache.verdict() == "good"


@pytest.mark.parametrize("home", [None, "", "relative", "/dev/null", "/proc"])
def test_without_a_cache_every_run_asks(wrong, home):
    del wrong.environment["XDG_CACHE_HOME"]
    wrong.environment.pop("HOME", None)
    environment = {} if home is None else {"HOME": home}
    for what in ("line", "function"):
        ended = wrong.run("--json", "-c", WORK, env={**environment, "LINEPROF_WRONG": what})
        assert f"{SAYS} (plain call: {what} " in ended.one_line()
    assert not wrong.files()
    assert profiled(wrong, wrong.run("--json", "-c", WORK, env=environment))


def test_a_cache_that_may_not_be_written(program, tmp_path):
    home = tmp_path / "home"
    home.mkdir(0o555)
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)    # root writes nothing into somebody's home
    program.environment.pop("XDG_CACHE_HOME", None)
    for _ in range(2):
        assert profiled(program, program.run("--json", "-c", WORK, env={"HOME": str(home)}))
    assert not list(home.iterdir())


def test_the_home_is_the_default_place(program, tmp_path):
    program.environment.pop("XDG_CACHE_HOME", None)
    assert profiled(program, program.run("--json", "-c", WORK, env={"HOME": str(tmp_path)}))
    assert Cache(tmp_path / ".cache/lineprof/checked").verdict() == "good"


def test_a_build_without_an_id_is_known_by_its_file(program, cache, own_python):
    python = own_python("python3")
    program_image = python.read_bytes()
    note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"     # name's length, 20 bytes of id, NT_GNU_BUILD_ID
    assert program_image.count(note) == 1
    python.write_bytes(program_image.replace(note, note.replace(b"GNU", b"XYZ")))
    words = (python, "-c", WORK)
    assert profiled(program, program.command(*words))
    assert cache.entry().name.startswith("file-") and cache.verdict() == "good"
    cache.plant("planted: so it was read")
    assert "planted" in program.command(*words).one_line()
    os.utime(python, (1, 1))                    # another build at the same place
    assert profiled(program, program.command(*words))
    assert len(cache.entries()) == 2


# --- what cannot be asked --------------------------------------------------------------------------------------

@pytest.fixture
def own_python(tmp_path):
    """own_python(name): the path of an interpreter that a test may damage."""
    static = next((i for i in interpreters.find() if i.supported and i.linkage == "static"), None)
    if static is None:
        pytest.skip("no interpreter that is one file")

    def copy(name):
        return Path(shutil.copy(os.path.realpath(static), tmp_path / name))
    return copy


def test_an_application_with_python_inside_is_not_started_again(program, cache, own_python):
    application = own_python("application")
    ended = program.command(application, "-c", WORK)
    assert profiled(program, ended) and not cache.entries()


@pytest.mark.parametrize("end, seconds", [
    ("", 0),                                    # removed
    ("not a program", 0),
    ("#!/bin/sh\necho hello\n", 0),
    ("#!/bin/sh\nkill -9 $$\n", 0),
    ("#!/bin/sh\nsleep 60\n", 5),
    ("#!/bin/sh\nexec >&-\nsleep 60\n", 5),
    ("#!/bin/sh\nyes\n", 0),
])
def test_a_check_that_cannot_run_takes_nothing_away(program, cache, own_python, end, seconds):
    python = own_python("python3")
    replace = (f"import os, sys\n{WORK}os.unlink(sys.executable)\nif {end!r}:\n"
               f"    with open(sys.executable, 'w') as file: file.write({end!r})\n    os.chmod(sys.executable, 0o755)\n")
    start = time.monotonic()
    ended = program.command(python, "-c", replace)
    assert seconds <= time.monotonic() - start < seconds + 3
    assert profiled(program, ended), ended.err
    assert not cache.entries()


def test_the_check_keeps_away_from_the_terminal(program, cache):
    """Neither its input nor its output is the program's."""
    ended = program.run("--json", "-c", "print(input())", input="one\ntwo\n")
    assert ended.code == 0 and ended.out == b"one\n" and len(ended.lines) == 1
    assert cache.verdict() == "good"
