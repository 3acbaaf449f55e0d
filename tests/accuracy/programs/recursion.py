"""Recursion 2,000 deep: the lines on the way down, at the bottom and on the way up."""
import sys
from itertools import repeat

from truth import UNIT, rounds, tell

DEPTH = 2000
STEP = UNIT // 4


def down(n):
    if n == 0:
        return all(repeat(1, 1000 * STEP))  # L:bottom
    if n % 4 == 0:
        all(repeat(1, 2 * STEP))  # L:down
    down(n - 1)
    if n % 4 == 0:
        all(repeat(1, 6 * STEP))  # L:up


sys.setrecursionlimit(DEPTH + 500)
for _ in rounds():
    down(DEPTH)

tell({"bottom": 1000, "down": DEPTH // 4 * 2, "up": DEPTH // 4 * 6}, depth=DEPTH)
