"""try, raise, except, else and finally, with an exception that passes through a frame."""
from itertools import repeat

from truth import UNIT, rounds, tell


def fails():
    try:
        all(repeat(1, 2 * UNIT))  # L:before
        raise KeyError
    finally:
        all(repeat(1, UNIT))  # L:passing


def handles(fail):
    try:
        if fail:
            fails()
        all(repeat(1, 3 * UNIT))  # L:whole
    except KeyError:
        all(repeat(1, 5 * UNIT))  # L:handler
    else:
        all(repeat(1, UNIT))  # L:else
    finally:
        all(repeat(1, 2 * UNIT))  # L:finally


for _ in rounds():
    handles(True)
    handles(False)

tell({"before": 2, "passing": 1, "whole": 3, "handler": 5, "else": 1, "finally": 4})
