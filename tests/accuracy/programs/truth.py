"""What the programs here share: how long to run, work of known size, and where the truth goes.

    TRUTH=file program.py [SECONDS]

A program marks its lines with `# L:name` and tells at its end what they cost, in seconds or in
any unit: only shares among its marked lines are compared. Two ways to know:

- a schedule. `all(repeat(1, n))` is one C call that takes n steps, allocates nothing and touches
  no memory; its time is proportional to n within 1 % from UNIT (about 15 us) upwards on every
  CPython, measured. So the truth is n, and no clock disturbs the line.
- the thread's own CPU clock, read on lines of its own before and after a statement. What the
  statement frees when it stores its result is inside, as it is in the line.
"""
import json
import os
import resource
import sys
import time
from itertools import repeat

now = time.thread_time_ns
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
UNIT = 4000


def rounds(part=1.0):
    """0, 1, 2 ... until this thread has used its part of SECONDS."""
    end = now() + int(SECONDS * part * 1e9)
    i = 0
    while now() < end:
        all(repeat(1, i * 7919 % UNIT))  # no round as long as the last: none keeps step with a timer
        yield i
        i += 1


def clock_cost():
    """What two reads of the clock on adjacent lines are apart: no part of a statement between."""
    seen = []
    for _ in range(2001):
        begin = now()
        end = now()
        seen.append(end - begin)
    return sorted(seen)[1000]


def tell(lines=None, **more):
    """Writes the truth and ends here and now, so that the CPU time told is all that there was."""
    more.update(lines=lines or {}, version=sys.version_info[:2])
    text = json.dumps(more)
    used = resource.getrusage(resource.RUSAGE_SELF)
    text = '%s, "cpu_s": %f}\n' % (text[:-1], used.ru_utime + used.ru_stime)
    if "TRUTH" in os.environ:
        with open(os.environ["TRUTH"], "w") as out:
            out.write(text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    os._exit(0)
