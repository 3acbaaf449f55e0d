#!/usr/bin/env python3
"""No torn stacks: every edge of a report must be one that the program can make.

    tests/accuracy/torn.py [--python all|quick|PATH,...] [--rate HZ] [--minutes M] [--check]

Profiles programs/tangle.py at the highest rate. Every frame's line must lie in its function, the
caller's line must be one that calls it, and a stack must begin where stacks begin. --check holds
the notes in tangle.py to the interpreters instead.
"""
import argparse
import ast
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import run

TANGLE = run.PROGRAMS / "tangle.py"
ROOTS = {"<module>", "worker"}
NAMELESS = {ast.Lambda: "<lambda>", ast.ListComp: "<listcomp>", ast.GeneratorExp: "<genexpr>"}


class Tangle:
    """What the source says: which functions a line calls, and which functions a line is part of."""

    def __init__(self, source):
        self.calls, self.functions = defaultdict(set), defaultdict(set)
        self.seen = set()  # the edges that hooks see
        for number, text in enumerate(source.splitlines(), 1):
            self.functions[number].add("<module>")
            for arrow, names in re.findall(r"([-~])> ([^-~]+)", text.partition("#")[2]):
                self.calls[number].update(names.split())
                self.seen.update((number, name) for name in names.split() if arrow == "-")
        self._visit(ast.parse(source))

    def _visit(self, node):
        name = NAMELESS.get(type(node)) or getattr(node, "name", None)
        if name and hasattr(node, "end_lineno"):
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno] + [decorator.lineno for decorator in decorators])
            if isinstance(node, ast.ClassDef):
                self.calls[first].add(name)
            for line in range(first, node.end_lineno + 1):
                # The first line is the outer function's as well: there it is defined.
                if line > node.lineno:
                    self.functions[line].clear()
                self.functions[line].add(name)
        for inner in ast.iter_child_nodes(node):
            self._visit(inner)

    def fault(self, caller, name, line):
        """What is wrong with the frame `name` at `line`, called by `caller`, (name, line) or None."""
        if name not in self.functions[line]:
            return f"line {line} is not in {name}"
        if caller is None:
            return None if name in ROOTS else f"a stack begins at {name}"
        if name not in self.calls[caller[1]]:
            return f"{caller[0]}:{caller[1]} does not call {name}"
        return None


def faults(report, tangle):
    """{fault: samples}, and the number of samples with a stack in the tangle."""
    functions, nodes = report["stacks"]["functions"], report["stacks"]["nodes"]
    parents = nodes["parent"]
    samples = Counter()  # of a node and of all that it called
    for weight in report["stacks"]["weights"]:
        node = weight["node"]
        while node >= 0:
            samples[node] += weight["samples"]
            node = parents[node]

    def frame(node):
        """(name, line) of the tangle's own frames, None of others and of the root's caller."""
        function = functions[nodes["function"][node]] if node >= 0 else {"file": "", "name": ""}
        ours = Path(function["file"]).name == TANGLE.name
        return (function["name"].rsplit(".", 1)[-1], nodes["line"][node]) if ours else None

    found, seen = Counter(), 0
    for node, parent in enumerate(parents):
        own, caller = frame(node), frame(parent)
        if own and parent >= 0 and not caller:
            found[f"{own[0]} is called from outside"] += samples[node]
        elif own:
            seen += samples[node] if parent < 0 else 0
            what = tangle.fault(caller, *own)
            if what:
                found[what] += samples[node]
        elif caller and caller[0] != "<module>":  # which imports
            name = functions[nodes["function"][node]]["name"]
            found[f"{caller[0]}:{caller[1]} does not call {name}"] += samples[node]
    return found, seen


RECORDER = """
import json, sys
seen = set()
def record(frame, event, arg):
    caller = frame.f_back
    if event == "call" and frame.f_code.co_filename == caller.f_code.co_filename == path:
        seen.add((caller.f_lineno, frame.f_code.co_name))
path = sys.argv[1]
sys.argv[1:] = ["0.05"]
code = compile(open(path).read(), path, "exec")
sys.setprofile(record)
exec(code, {"__name__": "__main__"})
sys.setprofile(None)
print(json.dumps(sorted(seen)))
"""


def check(python, tangle):
    """Edges that this interpreter makes and the notes lack, and the other way round."""
    output = subprocess.check_output([str(python), "-c", RECORDER, str(TANGLE)], text=True)
    made = {(line, name) for line, name in json.loads(output)}
    noted = {(line, name) for line, names in tangle.calls.items() for name in names}
    return sorted(made - noted), sorted(tangle.seen - made)


def run_torn(lineprof, python, seconds, rate, tangle):
    """A line for the table, the faults, and whether all is well."""
    report, _ = run.profile(lineprof, python, TANGLE, seconds, rate)
    found, seen = faults(report, tangle)
    whole = seen / max(1, report["samples"])
    line = (f"{python.label:18} {report['samples']:8} samples  {100 * whole:5.1f} % with a stack  "
            f"{len(report['stacks']['nodes']['parent']):6} nodes  lost {sum(report['lost'].values())}  "
            f"impossible {sum(found.values())}")
    # The rest is start-up: an interpreter whose .pth files import something has more of it.
    return line, found, not found and whole > 0.8 and report["samples"] >= 200 * seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lineprof", default=run.LINEPROF)
    parser.add_argument("--python", default="all")
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--minutes", type=float, default=0.05, help="of CPU time for each interpreter")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    tangle, failed = Tangle(TANGLE.read_text()), False
    for python in run.interpreters.select(options.python):
        if options.check:
            unnoted, unmade = check(python, tangle)
            print(f"{python.label:18} made but not noted: {unnoted or 'none'}, noted but not made: {unmade or 'none'}")
            failed |= bool(unnoted or unmade)
            continue
        left = options.minutes * 60
        while left > 0:  # a minute at a time: what fails is seen early
            line, found, well = run_torn(options.lineprof, python, min(left, 60), options.rate, tangle)
            left -= 60
            failed |= not well
            print(line, "" if well else "  FAILED", flush=True)
            for what, samples in found.most_common(10):
                print(f"    {samples:6}  {what}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
