"""Lines of one kind each: Python bytecode, one long native operation, the kernel at work."""
import json
import os
import re
import resource
import zlib

from truth import now, rounds, tell

BUFFER = bytearray(1 << 22)
HAYSTACK = list(range(1_000_000))
SHUFFLED = [i * 7919 % 100_003 for i in range(100_000)]
TEXT = b"".join(b"%d apples and %d pears\n" % (i, i * i) for i in range(20_000))
DOCUMENT = json.dumps([[i, i / 7, "name %d" % i, None, True] for i in range(40_000)])
# One object in each stretch of the memory that parsing takes, or all of it would go back to the
# kernel and come again with every call: a tenth of the line's time, and truly system.
HELD = json.loads(DOCUMENT)[::50]


class Point:
    def __init__(self):
        self.x = self.y = 1

    def move(self, x):
        self.x = x  # L:method


def integers(n):
    i = 0
    while i < n:  # L:int
        i += 1  # L:int


def floats(n):
    x = 1.0
    for _ in range(n):  # L:float
        x = x * 0.5 + 1.0  # L:float


def attributes(n):
    point = Point()
    for _ in range(n):  # L:attribute
        point.x = point.y  # L:attribute


def methods(n):
    point = Point()
    for i in range(n):  # L:method
        point.move(i)  # L:method


def dictionary(n):
    d = dict.fromkeys(range(1024))
    for i in range(n):  # L:dict
        d[i & 1023] = i  # L:dict


def appends(n):
    for _ in range(n // 1000):
        out = []
        for i in range(1000):  # L:append
            out.append(i)  # L:append


def contains():
    -1 in HAYSTACK  # L:contains


def sorts():
    sorted(SHUFFLED)  # L:sorted


def backtracks():
    PATTERN.match(SUBJECT)  # L:regex


def compresses():
    zlib.compress(TEXT)  # L:zlib


def parses():
    json.loads(DOCUMENT)  # L:json


def raises():
    3 ** 200_000  # L:power


def random():
    os.urandom(1 << 20)  # L:urandom


def zeros():
    ZERO.readinto(BUFFER)  # L:zero


def pathological():
    """A pattern that backtracks for some milliseconds on this machine."""
    for length in range(14, 40):
        subject = "a" * length + "b"
        begin = now()
        PATTERN.match(subject)
        if now() - begin > 5_000_000:
            return subject


def kernel_makes_random():
    """Not with glibc 2.41 and later: there the vDSO makes it, in user mode."""
    begin = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(20):
        random()
    end = resource.getrusage(resource.RUSAGE_SELF)
    return end.ru_stime - begin.ru_stime > end.ru_utime - begin.ru_utime


PATTERN = re.compile(r"(a+)+$")
SUBJECT = pathological()
ZERO = open("/dev/zero", "rb", buffering=0)
KINDS = {
    "int": ("python", integers, 50_000),
    "float": ("python", floats, 50_000),
    "attribute": ("python", attributes, 50_000),
    "method": ("python", methods, 50_000),
    "dict": ("python", dictionary, 50_000),
    "append": ("python", appends, 50_000),
    "contains": ("native", contains),
    "sorted": ("native", sorts),
    "regex": ("native", backtracks),
    "zlib": ("native", compresses),
    "json": ("native", parses),
    "power": ("native", raises),
    "zero": ("system", zeros),
}
if kernel_makes_random():
    KINDS["urandom"] = "system", random

if __name__ == "__main__":
    for kind, function, *args in KINDS.values():
        for _ in rounds(1 / len(KINDS)):
            function(*args)
    tell(kinds={name: row[0] for name, row in KINDS.items()})
