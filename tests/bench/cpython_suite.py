#!/usr/bin/env python3
"""CPython's own tests, bare and under lineprof: each test case must end the same way.

    tests/bench/cpython_suite.py [--python PY] [--jobs 2] [--rounds 3] [--keep FOLDER] [TEST ...]

TEST is a name such as test_signal; `first` stands for those that a profiler is most likely to disturb (the
default), `all` for every one that the interpreter has, and a name behind a dash is left out: `all -first`.

Each test file runs as `PY -m test -v -u ... TEST` in a folder of its own, bare and then behind
`lineprof --json -o FILE --`, and regrtest's --junit-xml tells the outcome of every case. Where the two sides
are not alike both run again, --rounds times in all: a case is different when its outcomes on the two sides
have nothing in common, and wavers when they have.

The exit status is 1 where a case is different or a profiled run has left no profile. `first` takes ten
minutes, `all` half an hour. Needs Python 3.10; the results are in docs/transparency.md.
"""
import argparse
import collections
import functools
import fnmatch
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent

FIRST = """test_signal test_threading test_thread test_subprocess test_os test_posix test_fork1 test_wait3 test_wait4
test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver test_concurrent_futures
test_asyncio test_faulthandler test_gc test_generators test_coroutines test_exceptions test_sys test_io
test_socket test_selectors test_select test_poll test_epoll test_time test_eintr test_threadsignals
test_threading_local test_sys_settrace test_sys_setprofile test_regrtest test_cmd_line test_capi test_embed
test_pty test_resource test_ctypes test_site test_atexit""".split()

# Classes that never end on some machines, bare as well: the virtual machine's own sockets, with nobody behind them.
LEFT_OUT = {"test_socket": ["ThreadedVSOCKSocketStreamTest"]}

WHOLE = "(the whole file)"


@dataclass
class Run:
    """One side of one test file."""

    outcome: str                        # of the file: "ok", "failed", "skipped", "signal 11", "too long"
    cases: dict                         # outcome of each case
    seconds: float
    profile: tuple                      # processes and samples in it; None: bare, or it is missing


@dataclass
class File:
    name: str
    bare: list = field(default_factory=list)
    ours: list = field(default_factory=list)

    def outcomes(self, case):
        def of(run):
            return run.outcome if case == WHOLE else run.cases.get(case, "absent")
        return tuple(collections.Counter(map(of, side)) for side in (self.bare, self.ours))

    def cases(self):
        """Those to compare: none, where a run was ended before it could tell of any."""
        runs = [run.cases for run in self.bare + self.ours]
        return [*(sorted(set().union(*runs)) if all(runs) else []), WHOLE]

    def unlike(self):
        """Cases that did not have one and the same outcome in all runs."""
        return [case for case in self.cases() if len(set().union(*self.outcomes(case))) > 1]

    def different(self):
        return [case for case in self.unlike() if not set.intersection(*map(set, self.outcomes(case)))]

    def unprofiled(self):
        return any(not run.profile for run in self.ours if run.outcome != "too long")


def ask(python, code):
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()


# --- running ---------------------------------------------------------------------------------------------------

def read_cases(path):
    """Outcome of each case in regrtest's XML. A case of which a subtest failed has no name there: it is absent."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    found = collections.defaultdict(list)
    for case in root.iter("testcase"):
        children = [child.tag for child in case if child.tag in ("error", "failure", "skipped")]
        if case.get("name"):
            found[case.get("name")].append(children[0] if children else case.get("outcome", "ok"))
    return {name: " ".join(sorted(outcomes)) for name, outcomes in found.items()}


def outcome_of(status, text):
    """What the file as a whole came to. regrtest ends with 0 for a skipped one, lineprof by the same signal."""
    if status < 0:
        return f"signal {-status}"
    if status == 0:
        return "skipped" if "1 test skipped" in text else "ok"
    return "failed" if status in (1, 2, 3) else f"status {status}"


def read_profile(path):
    try:
        profile = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return None
    return len(profile["processes"]), profile["samples"]


@functools.cache
def resources(python):
    """What tests may use: time as well, but no network and no screen."""
    known = ask(python, "from test.libregrtest.cmdline import RESOURCE_NAMES; print(*RESOURCE_NAMES)")
    return ",".join(name for name in ("subprocess", "cpu", "walltime") if name in known)


def command(options, python, test, folder, profiled):
    words = [python, "-m", "test", "-v", "-u", resources(python), *options.words]
    for name in LEFT_OUT.get(test, []):
        words += ["-i", name]
    words += ["--junit-xml", f"{folder}/cases.xml", test]
    if not profiled:
        return words
    return [options.lineprof, *options.options, "--json", "-o", f"{folder}/report.json", "--", *words]


def run(options, python, test, profiled, log):
    with tempfile.TemporaryDirectory(prefix="suite-", ignore_cleanup_errors=True) as folder:
        work = Path(folder, "work")
        work.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["TMPDIR"] = str(work)
        begin = time.monotonic()
        with open(log, "w") as file:
            child = subprocess.Popen(command(options, python, test, folder, profiled), cwd=work, env=environment,
                                     stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        try:
            outcome = outcome_of(child.wait(options.limit), Path(log).read_text(errors="replace"))
        except subprocess.TimeoutExpired:
            outcome = "too long"
            child.terminate()                           # lineprof passes it on, and takes its session away
            time.sleep(1)
        try:
            os.killpg(child.pid, signal.SIGKILL)        # what a test has left behind
        except ProcessLookupError:
            pass
        child.wait()
        return Run(outcome, read_cases(f"{folder}/cases.xml"), time.monotonic() - begin,
                   read_profile(f"{folder}/report.json"))


def compare(options, python, test):
    file = File(test)
    for n in range(options.rounds):
        for profiled, side in ((False, file.bare), (True, file.ours)):
            log = f"{options.keep}/{test}.{'ours' if profiled else 'bare'}.{n + 1}"
            side.append(run(options, python, test, profiled, log))
        if file.bare[0].outcome == "too long" or not file.unlike():
            break
    return file


# --- telling ---------------------------------------------------------------------------------------------------

def counted(counter):
    return ", ".join(outcome if len(counter) == 1 else f"{count} x {outcome}"
                     for outcome, count in sorted(counter.items()))


def tell(file):
    bare, ours = file.bare[-1], file.ours[-1]
    print(f"{file.name:<36} {len(bare.cases):>5} cases  {bare.outcome:<9} {ours.outcome:<9} "
          f"{bare.seconds:6.1f} s {ours.seconds:6.1f} s")
    different = file.different()
    for case in file.unlike():
        print("    %s: %s: bare %s; profiled %s" % ("DIFFERS" if case in different else "wavers", case,
                                                    *map(counted, file.outcomes(case))))
    if file.unprofiled():
        print("    NO PROFILE")
    sys.stdout.flush()


def summary(version, files):
    first = [file.bare[0] for file in files]
    outcomes = collections.Counter(run.outcome for run in first)
    cases = [outcome for run in first for outcome in run.cases.values()]
    profiles = [run.profile for file in files for run in file.ours if run.profile]
    different = sum(len(file.different()) for file in files)
    row = {"Python": version, "files": len(files), "files skipped": outcomes["skipped"],
           "files too long": outcomes["too long"], "cases": len(cases),
           "cases skipped": cases.count("skipped"), "different": different,
           "wavering": sum(len(file.unlike()) for file in files) - different,
           "processes": sum(processes for processes, _ in profiles), "samples": sum(samples for _, samples in profiles)}
    for cells in (row, ["---"] * len(row), row.values()):
        print("|", " | ".join(map(str, cells)), "|")


# --- which -----------------------------------------------------------------------------------------------------

def available(python):
    """The test files that this interpreter has; empty where it came without the package."""
    return set(ask(python, "import pkgutil, test; print(*(m.name for m in pkgutil.iter_modules(test.__path__) "
                           "if m.name.startswith('test_')))"))


def chosen(names, there):
    lists = {"first": FIRST, "all": sorted(there)}
    tests = []
    for name in names or ["first"]:
        if name.startswith("-"):
            tests = [test for test in tests if test not in lists.get(name[1:], [name[1:]])]
        else:
            tests += lists.get(name, [name])
    return [test for test in dict.fromkeys(tests) if test in there]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lineprof", default=PROJECT / "build/release/lineprof")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, metavar="SECONDS", help="of one run of one file")
    parser.add_argument("--options", type=str.split, default=[], metavar="'--rate 1000'", help="more of lineprof's")
    parser.add_argument("--words", type=str.split, default=[], metavar="'-m PATTERN'", help="more words for regrtest")
    parser.add_argument("--keep", metavar="FOLDER", help="for the output of the tests")
    options, names = parser.parse_known_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)    # ignored in a shell's background job, and inherited
    version = ".".join(ask(options.python, "import sys; print(*sys.version_info[:3])"))
    tests = chosen(names, available(options.python))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        options.keep = options.keep or folder
        os.makedirs(options.keep, exist_ok=True)
        files = []
        for file in pool.map(lambda test: compare(options, options.python, test), tests):
            files.append(file)
            tell(file)
    summary(version, files)
    sys.exit(1 if any(file.different() or file.unprofiled() for file in files) else 0)


if __name__ == "__main__":
    main()
