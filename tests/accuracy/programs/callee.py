"""A callee in a loop: the time is on its own lines, not on its `def` line and not on the call."""
from itertools import repeat

from truth import UNIT, rounds, tell


def callee():  # L:def
    all(repeat(1, 3 * UNIT))  # L:first
    all(repeat(1, 6 * UNIT))  # L:second
    return all(repeat(1, UNIT))  # L:return


for _ in rounds():
    callee()  # L:call

tell({"def": 0, "first": 3, "second": 6, "return": 1, "call": 0})
