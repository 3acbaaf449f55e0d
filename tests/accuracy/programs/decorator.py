"""Decorated functions: the wrapper's lines, the wrapped one's, and the decoration itself."""
import functools
from itertools import repeat

from truth import UNIT, rounds, tell


def decorate(cost):
    def decorator(function):
        all(repeat(1, 2 * UNIT))  # L:decoration

        @functools.wraps(function)
        def wrapper(*args):
            all(repeat(1, cost * UNIT))  # L:wrapper
            return function(*args)  # L:forward

        return wrapper

    return decorator


for _ in rounds():

    @decorate(1)
    @decorate(2)
    def wrapped(n):
        all(repeat(1, n * UNIT))  # L:wrapped

    wrapped(5)  # L:call
    wrapped(5)  # L:call

tell({"decoration": 4, "wrapper": 6, "forward": 0, "wrapped": 10, "call": 0})
