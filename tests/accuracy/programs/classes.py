"""Class bodies: their own lines, a nested class, a method that the body calls."""
import gc
from itertools import repeat

from truth import UNIT, rounds, tell

gc.disable()  # classes are cycles: they are collected on a line that says so
for i in rounds():

    class Outer:
        all(repeat(1, 4 * UNIT))  # L:body

        def method():
            return all(repeat(1, 2 * UNIT))  # L:method

        class Inner:
            all(repeat(1, 3 * UNIT))  # L:inner

        value = [
            method(),  # L:use
            all(repeat(1, UNIT)),  # L:value
        ]

    if i % 100 == 0:
        gc.collect()

tell({"body": 4, "method": 2, "inner": 3, "use": 0, "value": 1})
