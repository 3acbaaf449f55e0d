"""3,000 sources, one after the other, each for three periods: code objects' addresses come again.

Every source has a file, a function and a hot line of its own, known from its number, and nothing
else about it differs, lengths included. Whoever keeps a dead code object's name reports one of
them twice and the next one not at all.
"""
import os

from truth import SECONDS, now, tell

COUNT, SPREAD = 3000, 40
here = os.path.dirname(os.path.abspath(__file__))
execs = {}


def run(number):
    name = "f_%04d" % number
    path = os.path.join(here, "exec_%04d.py" % number)
    gap = number * 7 % SPREAD
    source = "def %s(now, end):\n%s    while now() < end: pass\n%s" % (
        name, "\n" * gap, "\n" * (SPREAD - gap))
    space = {}
    exec(compile(source, path, "exec"), space)
    begin = now()
    space.pop(name)(now, begin + slice_ns)
    execs[path] = {"function": name, "line": gap + 2, "s": (now() - begin) / 1e9}


slice_ns = int(SECONDS * 1e9 / COUNT)
for number in range(COUNT):
    run(number)

tell(execs=execs)
