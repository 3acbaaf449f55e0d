"""`with`: a class, a generator by contextlib, and an exit that swallows an exception."""
import contextlib
from itertools import repeat

from truth import UNIT, rounds, tell


class Manager:
    def __enter__(self):
        all(repeat(1, 2 * UNIT))  # L:enter

    def __exit__(self, *error):
        all(repeat(1, 3 * UNIT))  # L:exit
        return True


@contextlib.contextmanager
def generated():
    all(repeat(1, UNIT))  # L:setup
    try:
        yield
    finally:
        all(repeat(1, 2 * UNIT))  # L:teardown


for _ in rounds():
    with Manager(), generated():
        all(repeat(1, 5 * UNIT))  # L:body
    with Manager():
        raise ValueError

tell({"enter": 4, "exit": 6, "setup": 1, "teardown": 2, "body": 5})
