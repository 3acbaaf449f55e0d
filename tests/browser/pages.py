# SPDX-License-Identifier: MIT
"""Reports to open in a browser: the linked page with profiles that are made up.

`python pages.py NAME` prints one of them. The shape is that of src/report/json.c.
"""
import json
import sys
from pathlib import Path
from typing import NamedTuple, Optional

HERE = Path(__file__).resolve().parent
HTML = HERE.parent.parent / "html"
sys.path.insert(0, str(HTML))
import link  # noqa: E402

KINDS = ("python_s", "native_s", "system_s")
NOTHING = (0.0, 0.0, 0.0)
TICK = 0.004
CWD = "/home/ada/stations"


def page(profile, sources):
    """What src/report/html.c writes."""
    data = json.dumps({"profile": profile, "sources": sources}, ensure_ascii=False)
    return link.link(HTML).replace(link.MARKER, data.replace("<", "\\u003c"))


class Line(NamedTuple):
    """Time of one line. `total`: with own code that it calls; `own`: without anything called."""
    function: str
    first: int
    seconds: tuple = NOTHING
    total: Optional[float] = None
    own: Optional[float] = None


def seconds_of(*seconds):
    return {**dict(zip(KINDS, seconds)), "lock_s": None, "gil_s": None, "runnable_s": None}


def thread(index, name, seconds, **more):
    return {"id": index, "process": 0, "pid": 4711, "tid": 4711 + index, "name": name, "kernel_name": "python", "native": False,
            "wall_s": None, "cpu_s": None, "unsampled_s": None, "overhead_s": None, **times(*seconds), "waits": None, **more}


def wait(state, reason, s, counted=None):
    """`counted`: of a wait that has a column; all of it if not said."""
    column = state in ("io", "sleep", "child")
    return {"state": state, "reason": reason, "s": s, "counted_s": 0.0 if not column else s if counted is None else counted}


def times(*seconds):
    return {**seconds_of(*seconds), "samples": round(sum(seconds) / TICK)}


def lost(ring_full=0):
    return {"ring_full": ring_full, "torn": 0, "blocked": 0, "no_timer": 0}


def sums(lines):
    return [sum(line.seconds[i] for line in lines) for i in range(3)]


def spread(line):
    attributed = sum(line.seconds)
    return {"self_s": attributed if line.own is None else line.own,
            "total_s": attributed if line.total is None else line.total}


def profile_of(files, **run):
    """`files`: path -> (text or None, {number: Line}). `run`: what else is to be set."""
    everything = [line for _, lines in files.values() for line in lines.values()]
    total = sum(sums(everything))
    process = {"id": 0, "pid": 4711, "ppid": 4710, "command": "python -c pass", "executable": "/usr/bin/python3",
               "version": "3.13.5", "cwd": CWD, "exit": 0, "cpu_s": total, "unsampled_s": 0.0, "overhead_s": 0.0}
    profile = {
        "format": "lineprof", "format_version": 1, "command": "python -c pass", "cwd": CWD, "exit": 0,
        "python": {"version": "3.13.5", "executable": "/usr/bin/python3"},
        "started": "2026-11-20T11:24:00.000000Z", "elapsed_s": total, "rate_hz": 1 / TICK,
        "samples": round(total / TICK), "lost": lost(), "undecided": {"samples": 0, "s": 0.0}, "in_step_s": 0.0,
        "totals": {**seconds_of(*sums(everything)), "unsampled_s": 0.0, "overhead_s": 0.0, "other_processes_s": 0.0, "waits": None},
        "processes": [{**process, **times(*sums(everything))}],
        "threads": [thread(0, "python", sums(everything))],
        "files": {path: file_of(path, text, lines, total) for path, (text, lines) in files.items()},
        "functions": [], "stacks": {"functions": [], "nodes": {"parent": [], "function": [], "line": []}, "weights": [], "waits": None},
    }
    profile.update(run)
    return profile, {path: text for path, (text, _) in files.items() if text is not None}


def file_of(path, text, lines, total):
    source = text.split("\n") if text is not None else []
    return {
        "shown": path[len(CWD) + 1:] if path.startswith(CWD + "/") else path,
        "origin": "own", "changed": False, **times(*sums(lines.values())),
        "functions": functions_of(lines.values()),
        "lines": [line_of(number, line, source, total) for number, line in sorted(lines.items())],
    }


def line_of(number, line, source, total):
    percents = {kind.replace("_s", "_pct"): 100 * s / total if total else 0.0 for kind, s in zip(KINDS, line.seconds)}
    return {"line": number, "source": source[number - 1] if 0 < number <= len(source) else None,
            "function": line.function, **times(*line.seconds), **percents, **spread(line)}


def functions_of(lines):
    by_function = {}
    for line in lines:
        by_function.setdefault((line.function, line.first), []).append(line)
    functions = [{"name": name, "line": first, **times(*sums(own)),
                  **{key: sum(spread(line)[key] for line in own) for key in ("self_s", "total_s")}}
                 for (name, first), own in by_function.items()]
    return sorted(functions, key=lambda function: -sum(function[kind] for kind in KINDS))


# ---- a believable one ------------------------------------------------------------------------------

STATIONS = {
    "simulate.py": {
        "import numpy as np": (0.08, 0.05, 0.06),
        "return smoothing.median_filter": 2.30,  # these only pass through: the time with what they call
        "stations = load(": 2.02,
        "years = np.array(": 3.42,
        "labels = label(": 6.86,
        "store.save(": 0.85,
        "main()": 13.15,
        "for row in csv.DictReader": (0.41, 0.31, 0.02),
        "reading = Reading(": (0.78, 0.18, 0.0),
        "stations.setdefault": (0.30, 0.02, 0.0),
        "for reading in readings:": (0.19, 0.0, 0.0),
        "if -60.0 <": (0.31, 0.0, 0.0),
        "year[reading.day] =": (0.26, 0.36, 0.0),
        "d = np.zeros((n, n))": (0.0, 0.004, 0.08),
        "for j in range(i + 1": (0.42, 0.0, 0.0),
        "diff = x[i] - x[j]": (0.66, 1.38, 0.02),
        "d[i, j] = d[j, i]": (1.24, 2.09, 0.03),
        "if labels[j] < 0": (0.05, 0.0, 0.0),
        "stack.extend(": (0.23, 0.66, 0.0),
    },
    "smoothing.py": {
        "padded = np.pad": (0.11, 0.04, 0.0),
        "statistics.median(": (1.31, 0.72, 0.0),
        "for i in range(len(values))": (0.12, 0.0, 0.0),
    },
    "store.py": {
        "blob = zlib.compress": (0.02, 0.41, 0.0),
        "self.file.write": (0.02, 0.0, 0.03),
        "os.fsync(": (0.0, 0.0, 0.37),
    },
}


def enclosing(source, number):
    """Name and first line of the function around a line, by indentation: enough for this program."""
    indent = len(source[number - 1]) - len(source[number - 1].lstrip())
    for i in range(number - 1, 0, -1):
        line = source[i - 1]
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth < indent:
            if line.lstrip().startswith("def "):
                return line.split("def ")[1].split("(")[0], i
            indent = depth
    return "<module>", 1


IN_PYTHON_LIBRARIES = {"statistics.median(": 0.09, "for row in csv.DictReader": 0.30, "import numpy as np": 0.0}


def marked_line(source, start, seconds):
    number = next(i + 1 for i, line in enumerate(source) if line.strip().startswith(start))
    function, first = enclosing(source, number)
    if isinstance(seconds, float):
        return number, Line(function, first, total=seconds)
    return number, Line(function, first, seconds, own=IN_PYTHON_LIBRARIES.get(start))


def believable():
    files = {}
    for name, marked in STATIONS.items():
        text = (HERE / "program" / name).read_text(encoding="utf-8")
        source = text.split("\n")
        lines = dict(marked_line(source, start, seconds) for start, seconds in marked.items())
        files[f"{CWD}/{name}"] = (text, lines)
    profile, sources = profile_of(files, command="python simulate.py readings.csv", elapsed_s=13.61)
    profile["totals"]["unsampled_s"] = 0.004
    profile["processes"][0].update(cpu_s=13.344, unsampled_s=0.004)
    profile["undecided"] = {"samples": 17, "s": 0.07}
    return profile, sources


# ---- others ----------------------------------------------------------------------------------------

ATTACK = "</script><img src=x onerror=alert(1)><script>alert(2)</script>\"'`${alert(3)}<!--]]>&lt;"
HIDDEN = "a\u202eb\u2066c\u200bd\x07e"


def hostile():
    """Every name that a program may choose is an attack."""
    path = f"/tmp/{ATTACK}\n{HIDDEN}/__proto__.py"
    text = f"x = '{ATTACK}'\n{HIDDEN} = '''\n</script></style>\n'''\ndef f(): # {HIDDEN}\n\treturn 1\n\n\"unended\n"
    files = {
        path: (text, {1: Line(ATTACK, 1, (1.0, 2.0, 0.5)), 2: Line(f"{HIDDEN}\n{ATTACK}", 2, (0.5, 0.0, 0.0)),
                      900: Line("__proto__", 900, (0.1, 0.1, 0.1))}),
        "__proto__": (f"{ATTACK}\n", {1: Line("constructor", 1, (0.0, 0.25, 0.0))}),
        "<string>": (None, {1: Line("<module>", 1, (0.0, 0.0, 0.2)), 0: Line("", 0, (0.1, 0.0, 0.0))}),
    }
    profile, sources = profile_of(files, command=f"python {ATTACK}\n{HIDDEN}", cwd=ATTACK, exit=-11, lost=lost(93),
                                  python={"version": ATTACK, "executable": ATTACK})
    profile["processes"][0]["command"] = profile["threads"][0]["name"] = ATTACK
    return profile, sources


def nothing():
    """Too short for a sample."""
    return profile_of({}, elapsed_s=0.003, samples=0)


def rough():
    """Few samples, most things wrong at once, system not measured, source changed or gone."""
    files = {
        "/srv/app/worker.py": ("while True:\n    pass\n", {2: Line("<module>", 1, (0.1, 0.0, 0.0))}),
        "<stdin>": (None, {3: Line("<module>", 1, (0.02, 0.0, 0.0))}),
    }
    profile, sources = profile_of(files, exit=3, elapsed_s=0.16, lost=lost(3),
                                  undecided={"samples": 9, "s": 0.036})
    profile["files"]["/srv/app/worker.py"]["changed"] = True
    profile["totals"].update(system_s=None, unsampled_s=0.02)
    profile["processes"][0]["cpu_s"] = 0.14
    return profile, sources


def short():
    """Too few samples to tell, all in buckets."""
    profile, sources = profile_of({"<interpreter>": (None, {0: Line("<start-up and shut-down>", 0, (0.02, 0.008, 0.0))})},
                                  elapsed_s=0.05)
    profile["files"]["<interpreter>"]["origin"] = "none"
    return profile, sources


def sleepy():
    """Waits that were left out; most of the time is on no line."""
    files = {
        "<interpreter>": (None, {0: Line("<start-up and shut-down>", 0, (0.3, 0.008, 0.0))}),
        f"{CWD}/poll.py": ("while busy():\n    time.sleep(0.1)\n", {
            1: Line("<module>", 1, (0.052, 0.04, 0.0)), 2: Line("<module>", 1, (0.008, 0.0, 0.012))}),
    }
    profile, sources = profile_of(files, elapsed_s=61.0)
    profile["files"]["<interpreter>"]["origin"] = "none"
    return profile, sources


def measured(item, waits, gil=0.0, runnable=0.0, samples=None):
    """`item` of a run that measured waiting."""
    item.update(lock_s=sum(w["s"] for w in waits if w["state"] == "lock"), gil_s=gil, runnable_s=runnable)
    item["waits"] = sorted(waits, key=lambda w: -w["s"])
    if samples is not None:
        item["samples"] = samples
    return item


def waiting():
    """A server: threads that wait for the network, for locks and for a core, and a child that failed."""
    text = ("def client(connection):\n    while data := connection.recv(4096):\n        requests.put(data)\n\n"
            "while request := requests.get():\n    answer(request)\n    time.sleep(0.01)\n")
    path = f"{CWD}/server.py"
    received, slept, locked = wait("io", "recvfrom", 424.0, 5.0), wait("sleep", "clock_nanosleep", 1.0), wait("lock", "futex", 8.8)
    hostile_wait = wait("io", ATTACK, 0.5, 0.0)
    profile, sources = profile_of({path: (text, {
        2: Line("client", 1, (0.0, 0.0, 5.0)), 5: Line("<module>", 5, NOTHING), 6: Line("<module>", 5, (0.4, 1.6, 0.1)),
        7: Line("<module>", 5, (0.0, 0.0, 1.0))})}, command="python server.py", elapsed_s=10.0, samples=525)
    lines = {line["line"]: line for line in profile["files"][path]["lines"]}
    for number, waits in ((2, [received, hostile_wait]), (5, [locked]), (7, [slept])):
        measured(lines[number], waits, samples=0)
    measured(lines[6], [], gil=0.4, runnable=2.5, samples=525)
    lines[6]["native_threads_s"] = 0.6
    everything = [received, hostile_wait, locked, slept]
    main = thread(0, "MainThread", (0.4, 1.6, 1.1), wall_s=10.0, cpu_s=2.12, unsampled_s=0.02, overhead_s=0.0)
    profile["threads"] = [measured(main, [locked, slept], gil=0.4, runnable=2.5, samples=525)]
    for index in range(1, 48):
        one = thread(index, f"client-{index}" if index > 1 else ATTACK, (0.0, 0.0, 5.0 / 47), wall_s=9.9, cpu_s=0.001)
        waits = [wait("io", "recvfrom", 424.0 / 47, 5.0 / 47)] + ([hostile_wait] if index == 1 else [])
        profile["threads"].append(measured(one, waits, samples=0))
    measured(profile["totals"], everything, gil=0.4, runnable=2.5)
    profile["stacks"]["waits"] = []
    process = profile["processes"][0]
    process.update(command="/usr/bin/python server.py", cpu_s=2.15)
    measured(process, [], gil=0.4, runnable=2.5, samples=525)
    del process["waits"]
    child = {**process, "id": 1, "pid": 4799, "ppid": 4711, "command": f"/usr/bin/python -c {ATTACK}", "exit": -9, "cpu_s": 0.001,
             **seconds_of(*NOTHING), "samples": 0}
    profile["processes"].append(child)
    for item in (profile["files"][path], *profile["files"][path]["functions"]):
        item.update(lock_s=0.0, gil_s=0.0, runnable_s=0.0)
    return profile, sources


def locked():
    """Nothing but waiting for a lock, and too few samples to tell more."""
    profile, sources = profile_of({f"{CWD}/poll.py": ("lock.acquire()\nlock.acquire()\n", {
        1: Line("<module>", 1, (0.02, 0.0, 0.0)), 2: Line("<module>", 1, NOTHING)})}, elapsed_s=5.0)
    waits = [wait("lock", "futex", 4.9)]
    measured(profile["files"][f"{CWD}/poll.py"]["lines"][1], waits)
    measured(profile["totals"], waits)
    measured(profile["threads"][0], waits)
    return profile, sources


def huge(count=50_000):
    """A generated file of many lines, a third of them with time."""
    text = "".join(f"value_{i} = compute({i}, 'text', option=None)  # line {i + 1}\n" for i in range(count))
    lines = {i: Line(f"f{i // 10}", i // 10 * 10 + 1, (0.001 * (i % 7), 0.002 * (i % 5), 0.0))
             for i in range(1, count + 1, 3)}
    lines[count - 500] = Line("hot", count - 500, (20.0, 30.0, 0.0))
    return profile_of({"/srv/app/generated.py": (text, lines)})


PAGES = {make.__name__: make for make in (believable, hostile, nothing, rough, short, sleepy, waiting, locked, huge)}

if __name__ == "__main__":
    sys.stdout.write(page(*PAGES[sys.argv[1]]()))
