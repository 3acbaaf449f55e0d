"""Lambdas: called from Python, called back from C, and one over two lines."""
from itertools import repeat

from truth import UNIT, rounds, tell

direct = lambda: all(repeat(1, 5 * UNIT))  # L:direct
key = lambda x: all(repeat(1, UNIT)) * x  # L:key
pair = lambda: (
    all(repeat(1, 2 * UNIT)),  # L:one
    all(repeat(1, 3 * UNIT)),  # L:other
)

for _ in rounds():
    direct()  # L:call
    sorted((4, 1, 3, 2), key=key)  # L:sort
    pair()

tell({"direct": 5, "key": 4, "one": 2, "other": 3, "call": 0, "sort": 0})
