"""3,000 sources of one file name and one function name: only the hot line differs.

Who called tells which it was: `call_N` runs only the source whose hot line is N.
"""
import os

from truth import SECONDS, now, tell

COUNT = 3000
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exec_same.py")


def call_2(f, end):
    f(now, end)


def call_3(f, end):
    f(now, end)


def call_4(f, end):
    f(now, end)


def call_5(f, end):
    f(now, end)


def run(gap, call):
    source = "def f(now, end):\n%s    while now() < end: pass\n%s" % ("\n" * gap, "\n" * (4 - gap))
    space = {}
    exec(compile(source, path, "exec"), space)
    call(space.pop("f"), now() + slice_ns)


calls = call_2, call_3, call_4, call_5
slice_ns = int(SECONDS * 1e9 / COUNT)
for number in range(COUNT):
    gap = number * 7 % 4
    run(gap, calls[gap])

tell(called={"file": path, "function": "f", "callers": {c.__name__: int(c.__name__[5:]) for c in calls}})
