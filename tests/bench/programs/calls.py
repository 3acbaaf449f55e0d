"""Calls, generators, exceptions, attributes: the interpreter at work."""
from tail import finish


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def plus(self, other):
        return Point(self.x + other.x, self.y + other.y)


def walk(n):
    for i in range(n):
        yield Point(i, -i)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def shaky(n):
    try:
        if n % 3 == 0:
            raise KeyError(n)
        return n
    except KeyError:
        return 0


for _ in range(150):
    total = Point(0, 0)
    for point in walk(20_000):
        total = total.plus(point)
    fib(20)
    sum(shaky(i) for i in range(40_000))
finish()
