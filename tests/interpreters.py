#!/usr/bin/env python3
"""The interpreters of this machine that lineprof is tested with.

    tests/interpreters.py                 a table of all that were found
    tests/interpreters.py --require       ... and fail where one is missing that the package mirror brings
    tests/interpreters.py --require=all   ... and fail where any of the expected set is missing
    tests/interpreters.py --paths         paths of the supported ones, one a line
    tests/interpreters.py --packages      make numpy, greenlet and gevent ready for each of them
    tests/interpreters.py --tested FILE   what conftest.py noted in FILE; fails where one was there and not tested

Three sources: the system's own /usr/bin/python3, those that tests/pythons.sh fetched, and pyenv's. As a module:
`find()` gives the list, `packages(interpreter)` a directory for PYTHONPATH. Needs Python 3.9 and nothing else.
"""

import argparse
import fcntl
import functools
import glob
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

FIRST, LAST = (3, 8), (3, 15)          # the CPython versions that lineprof supports
PACKAGES = ("numpy", "greenlet", "gevent")
SYSTEM_CACHE = Path("/var/cache/lineprof")


def own_cache():
    """Where this user writes. Root's home is closed to others, and the tests also run as an unprivileged user."""
    if os.geteuid() == 0:
        return SYSTEM_CACHE
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineprof"


def caches():
    """Where this user reads: also what root made ready."""
    return list(dict.fromkeys([own_cache(), SYSTEM_CACHE]))


@dataclass(frozen=True)
class Interpreter:
    path: str
    version: tuple                      # (3, 12, 1)
    implementation: str                 # "cpython", "pypy"
    linkage: str                        # "shared": a libpython is loaded; "static": the executable holds it all
    source: str                         # "system", "fetched" (by pythons.sh), "pyenv" or "given"

    @property
    def label(self):
        name = "" if self.implementation == "cpython" else self.implementation
        return f"{name}{'.'.join(map(str, self.version))}-{self.linkage}"

    @property
    def minor(self):
        return self.version[:2]

    @property
    def supported(self):
        return self.implementation == "cpython" and FIRST <= self.minor <= LAST

    def __str__(self):
        return self.path

    __fspath__ = __str__                # stands in a subprocess argument list as it is


@dataclass(frozen=True)
class Expected:
    """One of the interpreters that the project promises to be tested with."""

    source: str
    minor: tuple                        # None: whichever version the system has

    def met_by(self, interpreter):
        return (interpreter.supported and interpreter.source == self.source
                and self.minor in (None, interpreter.minor))

    def __str__(self):
        version = "Python" if self.minor is None else "%d.%d" % self.minor
        return {"system": f"{version} of the system, /usr/bin/python3 (apt-get install python3)",
                "fetched": f"{version} of the newer Debian suites (run tests/pythons.sh)",
                "pyenv": f"{version} of pyenv (shared libpython)"}[self.source]


EXPECTED = ([Expected("pyenv", (3, minor)) for minor in range(8, 14)]
            + [Expected("system", None)]
            + [Expected("fetched", (3, minor)) for minor in range(13, 16)])


# --- finding ---------------------------------------------------------------------------------------------------

# Understood by 2.7 as well. The memory map tells whether a libpython was loaded: Debian's Py_ENABLE_SHARED says 1
# for an executable that is static.
PROBE = """
import sys
implementation = getattr(sys, "implementation", None)
print("%s %d.%d.%d %s" % ((implementation.name if implementation else "cpython",) + tuple(sys.version_info[:3])
      + ("shared" if "/libpython" in open("/proc/self/maps").read() else "static",)))
"""


def candidates():
    yield "system", Path("/usr/bin/python3")
    given = os.environ.get("LINEPROF_PYTHONS")
    fetched = [given] if given else [cache / "pythons" for cache in caches()]
    for path in next(filter(None, (glob.glob(f"{directory}/bin/python3.*") for directory in fetched)), []):
        yield "fetched", Path(path)
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for path in glob.glob(f"{pyenv}/versions/*/bin/python"):      # pathlib's raises where a directory is closed to us
        yield "pyenv", Path(path)


def probe(source, path):
    """The interpreter at a path, or None where there is none that runs."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "LD_PRELOAD"}
    try:
        answer = subprocess.run([str(path), "-S", "-c", PROBE], env=environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=60, check=True).stdout
        implementation, version, linkage = answer.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(str(path), tuple(map(int, version.split("."))), implementation, linkage, source)


@functools.lru_cache(maxsize=None)
def find():
    """Every interpreter of this machine, each once, by version; the unsupported ones too."""
    unique = {}
    for source, path in candidates():
        try:
            unique.setdefault(path.resolve(strict=True), (source, path))
        except OSError:                 # not there, or not ours to see
            continue
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda candidate: probe(*candidate), unique.values())
    return sorted(filter(None, found), key=lambda i: (i.version, i.linkage, i.path))


def select(choice):
    """The supported interpreters that `all`, `quick`, `some`, `few` or a list of paths with commas stands for."""
    if choice not in ("all", "quick", "some", "few"):
        return [given(path) for path in choice.split(",")]
    supported = [i for i in find() if i.supported]
    if choice == "all":
        return supported
    if choice == "few":     # the system's own, and of the others the newest shared and the newest of all
        shared = [i for i in supported if i.linkage == "shared"]
        newest = sorted(supported, key=lambda i: i.minor)
        chosen = [i for i in supported if i.source == "system"] + shared[-1:] + newest[-1:]
        return list(dict.fromkeys(chosen))
    if choice == "some":    # one for each way to keep frames: 3.8 to 3.10, 3.11, 3.12, 3.13 and later
        wanted = [(3, 8), (3, 12), (3, 13), max(i.minor for i in supported)]
        first = {i.minor: i for i in reversed(supported)}
        return [i for i in supported if i.source == "system" or (i.minor in wanted and first[i.minor] is i)]
    # One a minor version, the shared one where there is one, and the system's own.
    minors = {i.minor: i for i in sorted(supported, key=lambda i: i.linkage == "shared")}
    return [i for i in supported if i in minors.values() or i.source == "system"]


def given(path):
    known = {os.path.realpath(i): i for i in find()}
    interpreter = known.get(os.path.realpath(path)) or probe("given", path)
    if interpreter is None:
        raise ValueError(f"{path} is not a Python that runs; choose all, quick, some, few, or paths with commas between them")
    return interpreter


def missing():
    return [wanted for wanted in EXPECTED if not any(map(wanted.met_by, find()))]


# --- packages --------------------------------------------------------------------------------------------------

class Unavailable(Exception):
    """A package that this interpreter cannot have: no wheel of it (nothing is compiled for a test), or no network."""


def packages(interpreter, *names):
    """The directory to put on PYTHONPATH, made on first use with all of PACKAGES that have a wheel.

    Raises Unavailable, with a message for people, where one of `names` is not in it.
    """
    directory, versions = _made(interpreter) or _make(interpreter)
    without = [name for name in names if not versions.get(name)]
    if without:
        raise Unavailable(f"no wheel of {', '.join(without)} for {interpreter.label}")
    return directory


def _made(interpreter):
    for cache in caches():
        home = cache / "packages" / _key(interpreter)
        try:
            return str(next(home.glob("lib/python*/site-packages"))), json.loads((home / "wheels.json").read_text())
        except (OSError, StopIteration, ValueError):
            continue
    return None


def _key(interpreter):
    return f"{interpreter.label}-{interpreter.source}"


def _make(interpreter):
    """A virtual environment gives each interpreter the pip that fits it; only its site-packages is used after."""
    home = own_cache() / "packages" / _key(interpreter)
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{home}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)            # two test runs at once share one download
        made = _made(interpreter)
        if made:
            return made
        print(f"fetching {', '.join(PACKAGES)} for {interpreter.label}", file=sys.stderr)
        _run([interpreter, "-m", "venv", "--clear", home])
        versions = {name: _install(home / "bin/python", name) for name in PACKAGES}
        (home / "wheels.json").write_text(json.dumps(versions))
    return _made(interpreter)


_registry_is_down = None                # the message of the first failure: a registry that is down is asked once a run


def _install(python, name):
    """The version that pip installed, None where no wheel fits."""
    global _registry_is_down
    if _registry_is_down:
        raise Unavailable(_registry_is_down)
    try:
        _run([python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--retries=2",
              "--only-binary=:all:", name])
    except Unavailable as error:
        if "No matching distribution" not in str(error):
            raise
        if "Retrying" not in str(error):        # without a network pip ends with the same words
            return None
        _registry_is_down = f"the Python package registry does not answer, so no {', '.join(PACKAGES)}"
        raise Unavailable(_registry_is_down) from error
    return _run([python, "-c", f"from importlib.metadata import version; print(version('{name}'))"]).strip()


def _run(command):
    command = list(map(str, command))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


# --- command ---------------------------------------------------------------------------------------------------

def table():
    rows = [(i.label, "yes" if i.supported else "no", i.source, i.path) for i in find()]
    widths = [max(map(len, column)) for column in zip(*rows, ("interpreter", "supported", "source", "path"))]
    for row in [("interpreter", "supported", "source", "path"), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def counts(outcomes):
    return ", ".join(f"{outcomes[o]} {o}" for o in ("passed", "failed", "skipped") if outcomes[o]) or "no test ran"


def report_tested(path):
    outcomes = defaultdict(Counter)
    for line in Path(path).read_text().splitlines():
        interpreter, outcome, count = line.rsplit(" ", 2)
        outcomes[interpreter][outcome] += int(count)
    supported = [i for i in find() if i.supported]
    for interpreter in supported:
        print(f"{interpreter.label:<18} {counts(outcomes[interpreter.path])}")
    for wanted in missing():
        print(f"skipped, not on this machine: {wanted}")
    return 0 if all(outcomes[i.path]["passed"] for i in supported) else 1


def describe_packages(interpreter):
    try:
        packages(interpreter)
    except Unavailable as reason:
        return f"{interpreter.label}: {reason}"
    versions = _made(interpreter)[1]
    return " ".join([f"{interpreter.label}:", *(f"{name} {version or 'without wheel'}" for name, version in versions.items())])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", nargs="?", const="mirror", choices=("mirror", "all"))
    parser.add_argument("--paths", action="store_true")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("--tested", metavar="FILE")
    options = parser.parse_args()

    if options.paths:
        print(*(i for i in find() if i.supported), sep="\n")
        return 0
    if options.tested:
        return report_tested(options.tested)
    table()
    failed = False
    for wanted in missing():
        fatal = options.require == "all" or (options.require == "mirror" and wanted.source != "pyenv")
        print(f"{'missing' if fatal else 'skipped, not on this machine'}: {wanted}")
        failed |= fatal
    if options.packages:
        with ThreadPoolExecutor(2) as pool:
            print(*pool.map(describe_packages, (i for i in find() if i.supported)), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
