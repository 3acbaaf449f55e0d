"""Context switches by yield: generators and coroutines taken in turn by a small scheduler."""
import collections
import types
from itertools import repeat

from truth import UNIT, rounds, tell


@types.coroutine
def pause():
    yield  # L:pause


def ping():
    while True:
        all(repeat(1, UNIT))  # L:ping
        yield


def pong():
    while True:
        yield
        all(repeat(1, 3 * UNIT))  # L:pong


async def inner():
    all(repeat(1, 2 * UNIT))  # L:inner
    await pause()
    all(repeat(1, 4 * UNIT))  # L:resumed


async def outer():
    while True:
        await inner()  # L:await
        await pause()


ready = collections.deque([ping(), pong(), outer()])
for _ in rounds():
    for _ in range(6):  # the coroutine's turn: once to `inner`, once to its rest
        task = ready.popleft()
        task.send(None)
        ready.append(task)

tell({"ping": 2, "pong": 6, "inner": 2, "resumed": 4, "pause": 0, "await": 0})
