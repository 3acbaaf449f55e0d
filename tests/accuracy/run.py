#!/usr/bin/env python3
"""Holds lineprof's figures to programs whose truth is known.

    tests/accuracy/run.py [--quick | --full | --busy | --one-core] [--python all|quick|PATH,...]
                          [--programs NAME,...] [--runs N] [--rate HZ] [--results FILE]

Each program in programs/ marks lines with `# L:name` and tells at its end what it knows of them
(see programs/truth.py). Here they run under lineprof, and what is told decides what is compared:

    lines    shares among the marked lines   2 points + 2.6 sigma of n samples
    kinds    python, native or system        90, 90, 85 % of the line's time (busy: 85, 90, 85)
    curve    native, by the length of the operation   70 % at 200 us, 80 % at 400 us
    spelled  of sources that come and go, each by its own name on its own line: no exception
    cpu_s    report's total = getrusage within 1 %, unsampled 1 % and a tick a thread, lost 0.5 %

Also the same program on a static and on a shared interpreter: within 5 points. A limit gives way
by 2.6 sigma of the samples that there are, so that a passing program does not fail by bad luck.

--quick     one run at a high rate (classification at the default one), once more and longer where
            a share misses: under four minutes
--full      20 runs, 5,000 samples at least; the default rate has its turn; all must pass
--busy      neighbours on every core, default rate: python or native alone
--one-core  all on one core, default rate: python or native alone

A run during which no core was free is judged as --busy is, and says so.
"""
import argparse
import contextlib
import functools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
LINEPROF = os.environ.get("LINEPROF", str(HERE.parents[1] / "build/release/lineprof"))
sys.path.insert(0, str(HERE.parent))
import interpreters  # noqa: E402

TICK_RATE = 250     # Debian's kernels; on another tick the default rate differs, and so do run times alone
HIGH_RATE = 10_000
SIGMAS = 2.6
LONGER = 4
KIND_LIMITS = {"python": 0.90, "native": 0.90, "system": 0.85}
BUSY_LIMITS = dict(KIND_LIMITS, python=0.85)
CURVE_LIMITS = {"us200": 0.70, "us400": 0.80}
UNDECIDED = 0.15
FREE_CORES = 0.7    # less than this idle: the collector had to wait for a core
AGREEMENT = 0.05


@dataclass(frozen=True)
class Program:
    name: str
    samples: int = 6_500            # at least 5,000 of them on marked lines
    quick: float = 0.75             # part of them that will do for --quick; below half a second one gap shows
    needs: tuple = ()               # packages
    classifies: bool = False        # about python or native: belongs at the default rate
    top_rate: float = HIGH_RATE

    @property
    def path(self):
        return PROGRAMS / f"{self.name}.py"


ALL = {program.name: program for program in [
    *map(Program, ("loop", "callee", "calls", "comprehension", "generator", "decorator", "lambdas", "exceptions",
                   "context", "switch", "threads")),
    Program("operators", 10_000),   # the rest is in freeing, and in reading the clock
    Program("classes", 8_000),      # here in making classes
    Program("imports", 9_000),      # and here in importing
    Program("recursion", quick=0.15, top_rate=1000),  # to read 2,000 frames takes longer than the shortest period
    Program("execs", 12_000, quick=1),               # four for each of the 3,000
    Program("execs_same", quick=1),
    Program("kinds", 14 * 400, quick=0.2, classifies=True),
    Program("kinds_numpy", 2 * 400, quick=0.25, needs=("numpy",), classifies=True),
    Program("curve", quick=0.08, classifies=True),
]}


# --- running ---------------------------------------------------------------------------------------------------

class Failed(Exception):
    """lineprof did not do its work at all; the text says what it did."""


def profile(lineprof, python, program, seconds, rate=None, prefix=(), **environment):
    """(report, truth) of one run; truth is None where the program tells none."""
    with tempfile.TemporaryDirectory(prefix="lineprof-accuracy-") as directory:
        report, truth = Path(directory, "report.json"), Path(directory, "truth.json")
        command = [*prefix, lineprof, "--use-virtual-time", "--json", "-o", report, *(["--rate", f"{rate:g}"] if rate else []),
                   "--python", str(python), program, f"{seconds:.3f}"]
        done = subprocess.run([str(word) for word in command], env={**os.environ, **environment, "TRUTH": str(truth)},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120 + 20 * seconds)
        if done.returncode or not report.exists():
            raise Failed(f"exit code {done.returncode}: {' '.join(map(str, command))}\n{done.stdout[-2000:]}")
        return (json.loads(report.read_text()),
                json.loads(truth.read_text()) if truth.exists() else None)


@functools.lru_cache(maxsize=None)
def high_rate(lineprof):
    """The high rate where this machine allows one, else None: the default."""
    with contextlib.suppress(Failed):
        report, _ = profile(lineprof, sys.executable, ALL["loop"].path, 0.3, HIGH_RATE)
        if report["samples"] > 0.3 * TICK_RATE * 2:
            return HIGH_RATE
    return None


class Idle:
    """How many cores had nothing to do, on average, while the block ran."""

    def __enter__(self):
        self.begin = self._now()
        return self

    def __exit__(self, *error):
        (idle, wall), (idle_before, wall_before) = self._now(), self.begin
        self.cores = (idle - idle_before) / (wall - wall_before)

    @staticmethod
    def _now():
        idle = int(Path("/proc/stat").read_text().split()[4])
        return idle / os.sysconf("SC_CLK_TCK"), time.monotonic()


@contextlib.contextmanager
def neighbours(count):
    """Processes that want every core for themselves."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


# --- a report, by markers ----------------------------------------------------------------------------------------

@dataclass
class Times:
    samples: int = 0
    s: dict = field(default_factory=lambda: dict.fromkeys(("python", "native", "system"), 0.0))

    def add(self, line):
        self.samples += line["samples"]
        for kind in self.s:
            self.s[kind] += line[kind + "_s"] or 0

    @property
    def total(self):
        return sum(self.s.values())

    def share(self, kind):
        return self.s[kind] / self.total if self.total else 0.0


@functools.lru_cache(maxsize=None)
def markers():
    """{(file name, line): marker} of all programs."""
    return {(path.name, number): found[1]
            for path in PROGRAMS.glob("*.py")
            for number, text in enumerate(path.read_text().splitlines(), 1)
            for found in [re.search(r"# L:(\S+)", text)] if found}


def marked(report):
    """{marker: Times}"""
    times = defaultdict(Times)
    for path, file in report["files"].items():
        for line in file["lines"]:
            marker = markers().get((Path(path).name, line["line"]))
            if marker:
                times[marker].add(line)
    return times


# --- checks: each yields Results ---------------------------------------------------------------------------------

@dataclass
class Result:
    what: str
    value: float
    limit: float
    ok: bool
    n: int = 0
    truth: object = None

    @property
    def strain(self):
        """1 is the limit."""
        if self.truth is None:
            return self.limit / self.value if self.value else math.inf if self.limit else 0
        return abs(self.value - self.truth) / self.limit if self.limit else math.inf if self.value else 0

    def __str__(self):
        if self.truth is None:
            return f"{self.what} {self.value:.3f} (limit {self.limit:.3f}, n {self.n})"
        return f"{self.what} {self.value:.4f} for {self.truth:.4f} (+-{self.limit:.4f}, n {self.n})"


def near(what, value, truth, limit, n=0):
    return Result(what, value, limit, abs(value - truth) <= limit, n, truth)


def at_least(what, value, limit, n=0):
    return Result(what, value, limit, value >= limit, n)


def at_most(what, value, limit, n=0):
    return near(what, value, 0, limit, n)


def sigma(p, n):
    return math.sqrt(max(p * (1 - p), 0) / n) if n else 1.0


def check_lines(report, truth, run):
    times, known = marked(report), truth["lines"]
    n = sum(times[marker].samples for marker in known)
    whole, reported = sum(known.values()), sum(times[marker].total for marker in known) or 1
    if run.mode == "full":
        yield at_least("samples", n, 5000)
    for marker, value in known.items():
        p = value / whole
        yield near(marker, times[marker].total / reported, p, 0.02 + SIGMAS * sigma(p, n), n)


def check_kinds(report, truth, run):
    times = marked(report)
    for marker, kind in truth["kinds"].items():
        limit, n = run.kind_limits[kind], times[marker].samples
        yield at_least(f"{marker} {kind}", times[marker].share(kind), limit - SIGMAS * sigma(limit, n), n)
    if run.crowded:
        yield at_most("undecided", report["undecided"]["samples"] / max(1, report["samples"]), UNDECIDED)


def check_curve(report, truth, run):
    times = marked(report)
    for marker in truth["curve"]:
        limit, n = CURVE_LIMITS.get(marker, 0) if not run.crowded else 0, times[marker].samples
        yield at_least(f"{marker} native", times[marker].share("native"),
                       limit and limit - SIGMAS * sigma(limit, n), n)


def check_spelled(report, truth, run):
    """Of sources that came and went, each sample is on its own line of its own name: the stack spells whose it is."""
    functions, nodes, known = report["stacks"]["functions"], report["stacks"]["nodes"], truth["spelled"]

    def frame(node):
        function = functions[nodes["function"][node]]
        return Path(function["file"]).name, function["name"], nodes["line"][node]

    seen, wrong = Counter(), Counter()
    for weight in report["stacks"]["weights"]:
        leaf = frame(weight["node"])
        if not leaf[0].startswith("exec_") or leaf[1] == "<module>":
            continue
        digits, node = "", nodes["parent"][weight["node"]]
        while node >= 0 and len(digits) < 4:
            file, _, line = frame(node)
            digits = markers().get((file, line), "").replace("digit", "") + digits
            node = nodes["parent"][node]
        source = known.get(digits, {"file": "", "function": None, "line": None})
        seen[digits] += weight["samples"]
        if leaf not in [(Path(source["file"]).name, source["function"], line) for line in (source["line"], 1)]:
            wrong[f"{leaf} in {digits}"] += weight["samples"]
    for what, samples in wrong.most_common(5):
        print(f"    {samples} {what}")
    yield at_least("samples in sources", sum(seen.values()), 0.5 * report["samples"])
    yield at_most("samples on another source's line", sum(wrong.values()), 0)
    # A neighbour takes some sources' ticks away, and so does the host.
    if truth["samples"] >= 4 * len(known) and not run.crowded:
        yield at_most("sources not seen", sum(not seen[number] for number in known) / len(known), 0.01)


def check_totals(report, truth, run):
    cpu, totals = truth["cpu_s"], report["totals"]
    told = sum(totals.get(kind + "_s") or 0 for kind in ("python", "native", "system", "unsampled", "overhead"))
    lost = sum(report["lost"].values())
    yield near("CPU total / getrusage", told / cpu, 1, 0.01)
    yield at_most("unsampled s", totals["unsampled_s"], 0.01 * max(cpu, 1) + len(report["threads"]) / TICK_RATE)
    # As for unsampled time, a run of less than a second is allowed what one of a second is.
    yield at_most("lost", lost / max(lost + report["samples"], report["rate_hz"]), 0.005)
    if not run.crowded:  # where the tick often meets a neighbour
        yield at_least("samples a CPU second", report["samples"] / cpu, 200)


CHECKS = {"lines": check_lines, "kinds": check_kinds, "curve": check_curve, "spelled": check_spelled,
          "cpu_s": check_totals}


# --- a run of many -------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Run:
    """How the programs are run, and by which limits they are judged."""

    lineprof: str = LINEPROF
    mode: str = "quick"
    rate: float = None              # given by the caller
    prefix: tuple = ()

    @property
    def crowded(self):
        return self.mode in ("busy", "one_core")

    @property
    def kind_limits(self):
        return BUSY_LIMITS if self.crowded else KIND_LIMITS

    def rate_of(self, program, number):
        """None is lineprof's default: for python or native, and for all programs in the first of many runs."""
        if program.classifies or self.crowded or (self.mode == "full" and number == 0):
            return self.rate
        return self.rate or high_rate(self.lineprof) and program.top_rate

    def samples_of(self, program, rate):
        if self.mode != "quick":
            # Two seconds: hosts were seen to stop a machine for 16 ms while the thread's clock ran on, on one line.
            return program.samples * (LONGER if rate else 1)
        # 5,000 samples are 20 s at the default rate: too long where that has to serve for all.
        return round(program.samples * program.quick * (1 if rate or program.classifies else 0.25))

    def once(self, python, program, number=0, longer=1):
        """The Results of one run, its report, and whether the machine was too busy for more than --busy asks."""
        rate = self.rate_of(program, number)
        samples = self.samples_of(program, rate) * longer
        environment = {}
        if program.needs:
            environment["PYTHONPATH"] = interpreters.packages(python, *program.needs)
        with Idle() as idle:
            report, truth = profile(self.lineprof, python, program.path, samples / (rate or TICK_RATE), rate,
                                    self.prefix, **environment)
        if truth is None:
            raise Failed(f"{program.name} told no truth")
        truth["samples"] = samples
        judge = self if idle.cores >= FREE_CORES else replace(self, mode="busy")
        return [result for key, check in CHECKS.items() if truth.get(key)
                for result in check(report, truth, judge)], report, judge.crowded

    def settle(self, python, program, number=0):
        """As `once`; but shares that miss in a quick run are judged by a longer one."""
        answer = self.once(python, program, number)
        bad = [result for result in answer[0] if not result.ok]
        if self.mode == "quick" and bad and all(result.n for result in bad):
            return self.once(python, program, number, longer=LONGER)
        return answer


def agreement(records):
    """Where a minor version is there both static and shared: the same kinds within 5 points."""
    kinds = defaultdict(lambda: defaultdict(list))
    for record in records:
        for result in record["results"]:
            if result["truth"] is None and result["what"].endswith(("python", "native", "system")):
                key = tuple(record["python"].split(".")[:2]), record["program"], result["what"]
                kinds[key][record["linkage"]].append((result["value"], result["n"]))
    for (minor, program, what), sides in sorted(kinds.items()):
        if len(sides) < 2 or program == "curve":
            continue
        (a, n), (b, m) = [(sum(v * k for v, k in side) / (sum(k for _, k in side) or 1), sum(k for _, k in side))
                          for side in sides.values()]
        noise = math.hypot(sigma(a, n), sigma(b, m))
        yield near(f"{'.'.join(minor)} {program} {what}, static and shared", a - b, 0, AGREEMENT + SIGMAS * noise)


def judge(run, python, program, number):
    """One run as a record for the results file."""
    record = {"program": program.name, "python": python.label, "linkage": python.linkage, "run": number,
              "results": [], "rate_hz": None, "samples": 0, "busy": None, "failed": None, "skipped": None}
    try:
        results, report, crowded = run.settle(python, program, number)
        record.update(rate_hz=report["rate_hz"], samples=report["samples"], busy=crowded, results=[
            {**vars(result), "ok": bool(result.ok)} for result in results])
        bad = [str(result) for result in results if not result.ok]
        worst = max([r for r in results if r.n] or results, key=lambda result: result.strain)
        record["failed"] = "; ".join(bad) or None
        shown = record["failed"] or f"nearest: {worst}"
    except interpreters.Unavailable as reason:
        shown = record["skipped"] = str(reason)
    except (Failed, subprocess.TimeoutExpired) as reason:
        shown = record["failed"] = str(reason)
    print(f"{python.label:17} {program.name:14} {record['samples']:6} samples  "
          f"{'FAILED' if record['failed'] else 'skipped' if record['skipped'] else 'ok':7} "
          f"{'busy' if record['busy'] else '    '} {shown}", flush=True)
    return record


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_mutually_exclusive_group()
    for name in "quick", "full", "busy", "one-core":
        modes.add_argument("--" + name, dest="mode", action="store_const", const=name.replace("-", "_"))
    parser.set_defaults(mode="quick")
    parser.add_argument("--lineprof", default=LINEPROF)
    parser.add_argument("--python", default="all")
    parser.add_argument("--programs", default="")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--results", type=Path)
    return parser.parse_args()


def main():
    options = arguments()
    run = Run(options.lineprof, options.mode, options.rate,
              ("taskset", "-c", "0") if options.mode == "one_core" else ())
    programs = [ALL[name] for name in options.programs.split(",") if name] or \
        [program for program in ALL.values() if program.classifies or not run.crowded]
    records = []
    with neighbours(os.cpu_count() if options.mode == "busy" else 0):
        for number in range(options.runs or (20 if options.mode == "full" else 1)):
            for python in interpreters.select(options.python):
                records += [judge(run, python, program, number) for program in programs]
    between = list(agreement(records))
    for result in between:
        if not result.ok:
            print("FAILED ", result)
    failed = sum(bool(record["failed"]) for record in records) + sum(not result.ok for result in between)
    print(f"{len(records)} runs, {len(between)} comparisons of static and shared, {failed} failed")
    if options.results:
        options.results.write_text(json.dumps({"runs": records, "agreement": [vars(r) for r in between]}, indent=1))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
