"""A generator's lines before and after its yield, a delegate's, and the consumer's."""
from itertools import repeat

from truth import UNIT, rounds, tell


def delegate():
    all(repeat(1, 2 * UNIT))  # L:delegate
    yield 1


def generator():
    for _ in range(3):
        all(repeat(1, UNIT))  # L:before
        yield 0  # L:yield
        all(repeat(1, 4 * UNIT))  # L:after
    yield from delegate()  # L:from


for _ in rounds():
    for _ in generator():
        all(repeat(1, 2 * UNIT))  # L:consumer

tell({"before": 3, "yield": 0, "after": 12, "from": 0, "delegate": 2, "consumer": 8})
