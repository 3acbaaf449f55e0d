"""Straight-line C operators, about 7, 23, 12 and 58 per cent, by the clock."""
from truth import clock_cost, now, rounds, tell

SIZES = 40000, 53000, 61000, 79000, 97000
spent = [0, 0, 0, 0]


def operators(n):
    t0 = now()
    x = [0] * n  # L:repeat
    t1 = now()
    y = x + x  # L:add
    t2 = now()
    z = y[::2]  # L:slice
    t3 = now()
    s = sorted(z, reverse=True)  # L:sorted
    t4 = now()
    for i, t in enumerate((t1 - t0, t2 - t1, t3 - t2, t4 - t3)):
        spent[i] += t


for i in rounds():
    operators(SIZES[i % len(SIZES)])

clock = clock_cost() * (i + 1)
tell(dict(zip(("repeat", "add", "slice", "sorted"), (s - clock for s in spent))))
