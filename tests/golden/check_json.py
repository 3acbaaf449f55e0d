#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads JSON reports as a stranger would: valid by the schema, no key twice, every sum the same.

    check_json.py GOLDEN_JSON            all cases and random recordings of that program
    check_json.py FILE...                reports made by lineprof
"""
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "profile.schema.json"
CASES = "simulate empty waits tasks text hostile huge bare many short sleepy locked cut".split()
SEEDS = 60
SHOWN = "python_s", "native_s", "system_s"
DETAIL = "lock_s", "gil_s", "runnable_s"


class Wrong(Exception):
    """What does not hold in a report."""


def no_key_twice(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Wrong(f"a key stands twice: {sorted(k for k in keys if keys.count(k) > 1)[:3]}")
    return dict(pairs)


def load(data):
    """Times as fractions: sums must agree to the nanosecond."""
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_key_twice, parse_float=Fraction)


def sums(items):
    names = ("samples",) + SHOWN + DETAIL
    return {name: sum(item.get(name) or 0 for item in items) for name in names}


def expect(what, got, expected):
    if got != expected:
        raise Wrong(f"{what}: {got}, not {expected}")


def check_sums(report):
    whole = sums([report["totals"] | {"samples": report["samples"]}])
    files = report["files"].values()
    for what in "threads", "processes", "functions":
        expect(what, sums(report[what]), whole)
    expect("weights", sums(report["stacks"]["weights"]), whole)
    expect("files", sums(files), whole)
    for path, file in report["files"].items():
        expect(f"lines of {path}", sums(file["lines"]), sums([file]))
        expect(f"functions of {path}", sums(file["functions"]), sums([file]))


def check_accounts(report):
    """The kernel's account of each process is what was sampled, our handler's own time, and the rest."""
    for name in "unsampled_s", "overhead_s":
        parts = [process[name] for process in report["processes"] if process[name] is not None]
        expect(name, report["totals"][name], sum(parts) if parts else None)
    for process in report["processes"]:
        if process["unsampled_s"]:
            cpu = sum(process[name] or 0 for name in SHOWN[:2]) + process["overhead_s"] + process["unsampled_s"]
            if cpu > process["cpu_s"]:  # system may hold waits, so only an upper limit
                raise Wrong(f"process {process['id']}: {float(cpu)} s of {float(process['cpu_s'])} s")


def waits_of(items):
    """(state, reason) -> (s, counted_s), added up."""
    waits = {}
    for item in items:
        for wait in item:
            s, counted = waits.get((wait["state"], wait["reason"]), (0, 0))
            waits[wait["state"], wait["reason"]] = (s + wait["s"], counted + wait["counted_s"])
    return waits


def check_waits_of(what, item, waits):
    """Locks and the GIL are their columns; of the rest, what counts is in system, which the kernel fills up."""
    by_state = {"lock": 0, "gil": 0}
    counted = 0
    for (state, reason), (s, part) in waits_of([waits]).items():
        by_state[state] = by_state.get(state, 0) + s
        counted += part
        if part and state in ("lock", "gil"):
            raise Wrong(f"{what}: {reason} is in no column")
    for state in "lock", "gil":
        if item.get(state + "_s") is not None:
            expect(f"{what}, {state}", by_state[state], item[state + "_s"])
    if counted > item["system_s"]:
        raise Wrong(f"{what}: {float(counted)} s of waiting in {float(item['system_s'])} s of system")
    return item["system_s"] - counted


def check_waits(report):
    stacks, whole = report["stacks"]["waits"], report["totals"]["waits"]
    lines = [line for file in report["files"].values() for line in file["lines"]]
    if whole is None:
        expect("unmeasured waits", (stacks, [t["waits"] for t in report["threads"]], [1 for n in lines if "waits" in n]),
               (None, [None] * len(report["threads"]), []))
        return
    for what, items in (("stacks", [[wait] for wait in stacks]), ("threads", [t["waits"] for t in report["threads"]]),
                        ("lines", [line.get("waits", []) for line in lines])):
        expect(f"waits of {what}", waits_of(items), waits_of([whole]))
    for item in [report["totals"]] + report["threads"] + lines:
        waits = item.get("waits", [])
        expect("longest first", [w["s"] for w in waits], sorted((w["s"] for w in waits), reverse=True))
    kernel = check_waits_of("totals", report["totals"], whole)
    for what, items in (("thread", report["threads"]), ("line", lines)):
        expect(f"kernel of each {what}",
               sum(check_waits_of(f"{what} {i}", item, item.get("waits", [])) for i, item in enumerate(items)), kernel)


def check_percentages(report):
    total = sum(report["totals"][name] or 0 for name in SHOWN)
    for file in report["files"].values():
        for line in file["lines"]:
            for name in SHOWN:
                share, seconds = line[name[:-1] + "pct"], line[name]
                expect("null", share is None, seconds is None)
                if share is not None and total and abs(share - 100 * seconds / total) > Fraction(1, 10**6):
                    raise Wrong(f"{name}: {share} % of {float(total)}")


def check_unmeasured(report):
    """A time that this run did not measure is null everywhere, or left out of short items."""
    null = {name for name in SHOWN + DETAIL if report["totals"][name] is None}
    items = report["threads"] + report["processes"] + report["functions"] + report["stacks"]["weights"]
    for file in report["files"].values():
        items += [file] + file["lines"] + file["functions"]
    for item in items:
        expect("unmeasured", {n for n in SHOWN + DETAIL if item.get(n) is None}, null)


def check_stacks(report):
    stacks, nodes = report["stacks"], report["stacks"]["nodes"]
    count = len(nodes["parent"])
    expect("columns", (len(nodes["function"]), len(nodes["line"])), (count, count))
    expect("parents first", all(p < i for i, p in enumerate(nodes["parent"])), True)
    expect("functions", all(f < len(stacks["functions"]) for f in nodes["function"]), True)
    for weight in stacks["weights"]:
        expect("weight", weight["node"] < count and weight["thread"] < len(report["threads"]), True)
    for one, other in zip(report["functions"], stacks["functions"], strict=True):
        expect("function", {k: one[k] for k in other}, other)


def check_ids(report):
    expect("processes", [p["id"] for p in report["processes"]], list(range(len(report["processes"]))))
    expect("threads", [t["id"] for t in report["threads"]], list(range(len(report["threads"]))))
    for wait in report["stacks"]["waits"] or []:
        expect("wait", wait["node"] < len(report["stacks"]["nodes"]["parent"]) and wait["thread"] < len(report["threads"]), True)
    for thread in report["threads"]:
        expect("pid", thread["pid"], report["processes"][thread["process"]]["pid"])


def check(data, validator):
    validator.validate(json.loads(data))
    report = load(data)
    for part in check_sums, check_accounts, check_waits, check_percentages, check_unmeasured, check_stacks, check_ids:
        part(report)


def reports(arguments):
    if len(arguments) == 1 and not arguments[0].endswith(".json"):
        for form in [[c] for c in CASES] + [["--random", str(n)] for n in range(SEEDS)]:
            yield " ".join(form), subprocess.run([arguments[0], *form], check=True, stdout=subprocess.PIPE).stdout
    else:
        for name in arguments:
            yield name, Path(name).read_bytes()


def main():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    count = 0
    for name, data in reports(sys.argv[1:]):
        try:
            check(data, validator)
        except (Wrong, ValueError, jsonschema.ValidationError) as error:
            sys.exit(f"{name}: {error}")
        count += 1
    if not count:
        sys.exit(__doc__)
    print(f"{count} reports hold")


if __name__ == "__main__":
    main()
