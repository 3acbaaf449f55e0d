"""Runs thousands of sources one after the other, so that the addresses of code objects come again.

Who keeps a dead code object's name or lines gives a source's time to another one. To tell, no
guess is needed: `spell` calls through one line for each digit of the source's number, so that every
stack says which source ran.
"""
from truth import SECONDS, now

COUNT = 3000
slice_ns = int(SECONDS * 1e9 / COUNT)


def spell(digits, call):
    """Calls with the digits in the stack."""
    if not digits:
        return call()
    digit, rest = digits[0], digits[1:]
    if digit == "0":
        return spell(rest, call)  # L:digit0
    if digit == "1":
        return spell(rest, call)  # L:digit1
    if digit == "2":
        return spell(rest, call)  # L:digit2
    if digit == "3":
        return spell(rest, call)  # L:digit3
    if digit == "4":
        return spell(rest, call)  # L:digit4
    if digit == "5":
        return spell(rest, call)  # L:digit5
    if digit == "6":
        return spell(rest, call)  # L:digit6
    if digit == "7":
        return spell(rest, call)  # L:digit7
    if digit == "8":
        return spell(rest, call)  # L:digit8
    return spell(rest, call)  # L:digit9


def run(number, path, name, gap, spread):
    """A source whose hot line stands `gap` lines below its `def`; all of a spread are equally long."""
    source = "def %s(now, end):\n%s    while now() < end: pass\n%s" % (name, "\n" * gap, "\n" * (spread - gap))
    space = {}
    exec(compile(source, path, "exec"), space)
    function, end = space.pop(name), now() + slice_ns
    spell("%04d" % number, lambda: function(now, end))
    return {"file": path, "function": name, "line": gap + 2}
