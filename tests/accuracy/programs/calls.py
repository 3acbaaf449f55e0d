"""Callees of pure Python in a loop: 12, 6 and 2 parts of bytecode, each on a line of its own."""
from itertools import repeat

from truth import rounds, tell

PART = 400  # steps: some microseconds, and to begin a loop is little beside it


def twelve(y):  # L:def
    for _ in repeat(None, 12 * PART): x = y + y  # L:twelve


def eight(y):  # L:def
    for _ in repeat(None, 6 * PART): x = y + y  # L:six
    for _ in repeat(None, 2 * PART): x = y + y  # L:two


for _ in rounds():
    for _ in range(10):
        twelve(1.5)  # L:call
        eight(1.5)  # L:call

tell({"twelve": 12, "six": 6, "two": 2, "def": 0, "call": 0})
