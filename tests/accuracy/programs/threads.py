"""Three threads that compute and one that sleeps: each thread's lines by its own CPU clock."""
import threading
import time

from truth import SECONDS, now, tell

lines = {}
done = threading.Event()


def alpha(end):
    while now() < end:  # L:alpha
        sum(range(200))  # L:alpha


def beta(end):
    while now() < end:  # L:beta
        [x * x for x in range(100)]  # L:beta


def gamma(end):
    while now() < end:  # L:gamma
        sorted(range(300))  # L:gamma


def worker(function, part):
    begin = now()
    function(begin + int(SECONDS * part * 1e9))
    lines[function.__name__] = now() - begin


def sleeper():
    while not done.is_set():
        time.sleep(0.05)  # L:sleeper


plan = (alpha, 0.5), (beta, 0.3), (gamma, 0.2)
threads = [threading.Thread(target=worker, args=job) for job in plan]
idle = threading.Thread(target=sleeper)
for thread in threads + [idle]:
    thread.start()
for thread in threads:
    thread.join()
done.set()
idle.join()
tell(dict(lines, sleeper=0))
