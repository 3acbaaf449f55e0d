"""Import time: a module of one's own has its own lines, a library's belongs to the `import`."""
import gc
import sys
from itertools import repeat

from truth import UNIT, clock_cost, now, rounds, tell

library = work = 0
gc.disable()  # modules are cycles: they are collected on a line that says so
for i in rounds():
    for name in "imported", "colorsys":
        sys.modules.pop(name, None)
    import imported

    t0 = now()
    import colorsys  # L:library

    t1 = now()
    all(repeat(1, 10 * UNIT))  # L:work
    t2 = now()
    library += t1 - t0
    work += t2 - t1
    if i % 100 == 0:
        gc.collect()

clock = clock_cost() * (i + 1)
unit = (work - clock) / 10
lines = {"module": 4, "function": 4, "use": 0, "class": 2}
lines = {"imported." + name: n * unit for name, n in lines.items()}
tell(dict(lines, library=library - clock, work=work - clock))
