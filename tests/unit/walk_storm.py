"""Runs in the interpreter under test: a signal every 80 microseconds, a walk in each, no wrong caller allowed.

    python walk_storm.py LIBRARY [SECONDS]

The interpreter is met between any two instructions, so also while it changes a chain. A walk may then fail, and few
do; what it must never do is crash, or give a stack that cannot be. Every caller's line here names what it calls.
"""

import ctypes
import linecache
import sys
import time
from collections import Counter

LIBRARY = ctypes.PyDLL(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 1.5
LIBRARY.live_storm_end.restype = ctypes.c_size_t
LIBRARY.live_storm_stack.restype = ctypes.c_char_p
LIBRARY.live_storm_stack.argtypes = [ctypes.c_size_t]
LIBRARY.live_line.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint32]
VERSION = sys.version_info[0] << 8 | sys.version_info[1]
ENDS = ["whole", "stopped", "empty", "torn"]


def leaf(x):
    return x + 1


def numbers(n):
    for i in range(n):
        yield leaf(i)


def delegating(n):
    yield from numbers(n)


def raising(x):
    if leaf(x):
        raise ValueError(x)


def catching(x):
    try:
        raising(x)
    except ValueError:
        return leaf(x)


def key(x):
    return leaf(-x)


def recursive(n):
    return recursive(n - 1) if n else leaf(n)


class Thing:
    def __init__(self, x):
        self.x = leaf(x)

    def __lt__(self, other):
        return leaf(self.x) < other.x

    def __eq__(self, other):
        return leaf(self.x) == other.x


async def awaited(x):
    return leaf(x)


async def awaiting(x):
    return await awaited(x)


def ready(x):
    coroutine = awaiting(x)
    try:
        coroutine.send(None)        # calls awaiting()
    except StopIteration:
        return leaf(x)


def closing():
    suspended = numbers(5)
    next(suspended)                 # calls numbers()
    suspended.close()               # resumes numbers()


def work(until):
    while time.monotonic() < until:
        for _ in numbers(3): pass
        list(delegating(3))
        catching(1)
        sorted(range(3), key=key)
        recursive(5)
        first, second = Thing(1), Thing(2)
        first < second              # calls __lt__()
        first == second             # calls __eq__()
        ready(1)
        closing()


def main():
    LIBRARY.live_storm_begin(VERSION, 80)
    work(time.monotonic() + SECONDS)
    return LIBRARY.live_storm_end()


FUNCTIONS = [leaf, numbers, delegating, raising, catching, key, recursive, awaited, awaiting, ready, closing, work,
             main, Thing.__init__, Thing.__lt__, Thing.__eq__]
CODES = {id(function.__code__): function.__code__ for function in FUNCTIONS}
CODES[id(sys._getframe().f_code)] = sys._getframe().f_code
BUILTIN = {"__init__": "Thing("}    # named otherwise by the one that calls it


def line_of(code, offset):
    table = code.co_linetable if VERSION >= 0x30a else code.co_lnotab
    return LIBRARY.live_line(VERSION, table, len(table), code.co_firstlineno, offset)


def wrong(stack):
    """What cannot be in this stack, or None."""
    if not stack or stack[-1][0].co_name != "<module>":
        return "does not end in the module"
    for (callee, _), (caller, offset) in zip(stack, stack[1:]):
        number = line_of(caller, offset)
        if BUILTIN.get(callee.co_name, callee.co_name) not in linecache.getline(caller.co_filename, number):
            return "%s called by %s at line %d" % (callee.co_name, caller.co_name, number)
    return None


ends, faults = Counter(), Counter()
for index in range(main()):
    end, *frames = LIBRARY.live_storm_stack(index).decode().splitlines()
    ends[ENDS[int(end)]] += 1
    if ENDS[int(end)] != "whole":
        continue
    stack = [tuple(map(int, frame.split())) for frame in frames]
    if all(address in CODES for address, _ in stack):
        faults[wrong([(CODES[address], offset) for address, offset in stack])] += 1
    else:
        faults["a code object that does not exist"] += 1

total = sum(ends.values())
failed = {fault: count for fault, count in faults.items() if fault}
lost = total - ends["whole"]
print("%d walks, %s" % (total, ", ".join("%d %s" % (count, end) for end, count in ends.items())))
for fault, count in failed.items():
    print("%d times: %s" % (count, fault))
sys.exit(bool(failed) or ends["empty"] > 0 or lost > total / 50)
