"""Small callees in a tight loop: equal Python statements, 12, 6 and 2 of them.

The way back has a line of its own, for it costs as much as a statement.
"""
from truth import rounds, tell


def twelve(y):
    x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y  # L:twelve
    return x


def eight(y):
    x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y  # L:six
    x=y+y; x=y+y  # L:two
    return x


def loop(n):
    for _ in range(n):
        twelve(1.5)
        eight(1.5)


for _ in rounds():
    loop(1000)

tell({"twelve": 12, "six": 6, "two": 2})
