"""Comprehensions and a generator expression, a line for each part."""
from itertools import repeat

from truth import UNIT, rounds, tell

for _ in rounds():
    a = [
        all(repeat(1, 4 * UNIT))  # L:element
        for i in range(4)
        if all(repeat(1, UNIT))  # L:condition
    ]
    b = {
        i:
        all(repeat(1, 3 * UNIT))  # L:value
        for i in range(2)
    }
    c = sum(
        all(repeat(1, 2 * UNIT))  # L:generator
        for i in range(3)
    )

tell({"element": 16, "condition": 4, "value": 6, "generator": 6})
