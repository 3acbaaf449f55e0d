"""The module that imports.py imports."""
from itertools import repeat

from truth import UNIT

all(repeat(1, 4 * UNIT))  # L:imported.module


def function():
    return all(repeat(1, 2 * UNIT))  # L:imported.function


table = [
    function()  # L:imported.use
    for _ in range(2)
]


class Class:
    all(repeat(1, 2 * UNIT))  # L:imported.class
