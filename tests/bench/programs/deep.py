"""Work at the bottom of 200 frames, as in a web framework or a test runner."""
from tail import finish


def dive(depth, work):
    return work() if depth == 0 else dive(depth - 1, work)


def work():
    total = 0
    for i in range(30_000):
        total += i * i % 7
    return total


for _ in range(1600):
    dive(200, work)
finish()
