"""Calls, generators, exceptions and callbacks without rest: whoever reads a stack here at the wrong
moment reads a torn one.

A line's note names the functions that it can call, and no other edge exists: after `->` those that
the interpreter's own hooks see, after `~>` those that they do not see or only in some versions (the
moment in which a generator is made, a comprehension that is inlined). Stacks begin at `<module>` and
at `worker`. torn.py holds reports to this, and this to the interpreters.
"""
import _thread
import sys
import time

now = time.thread_time_ns


class Failure(Exception):
    pass


def leaf(x):
    return x + 1


def middle(x):
    return leaf(leaf(x))  # -> leaf


def many(a, b=1, *args, c=2, **rest):
    return leaf(a)  # -> leaf


# Recursion, also across the chunks in which 3.11 and later keep frames.


def recurse(n):
    if n:
        return recurse(n - 1)  # -> recurse
    return leaf(n)  # -> leaf


def recurses():
    recurse(3)  # -> recurse
    recurse(150)  # -> recurse


# Exceptions.


def fails(n):
    if n:
        fails(n - 1)  # -> fails
    raise Failure


def cleans(n):
    try:
        fails(n)  # -> fails
    finally:
        leaf(n)  # -> leaf


def catches(n):
    try:
        cleans(n)  # -> cleans
    except Failure:
        leaf(n)  # -> leaf
    try:
        None.nothing
    except AttributeError:
        pass


# Generators: resumed, delegated to, closed, thrown into.


def numbers(n):
    for i in range(n):
        yield leaf(i)  # -> leaf


def delegates(n):
    yield from numbers(n)  # -> numbers
    yield middle(n)  # -> middle


def consumes(n):
    for x in delegates(n):  # -> delegates
        leaf(x)  # -> leaf


def receives():
    while True:
        try:
            yield 1
        except Failure:
            leaf(1)  # -> leaf


def throws():
    generator = receives()  # ~> receives
    next(generator)  # -> receives
    generator.throw(Failure())  # -> receives
    generator.close()  # -> receives


def abandons():
    generator = numbers(5)  # ~> numbers
    next(generator)  # -> numbers
    del generator  # ~> numbers


# Coroutines.


class Pause:
    def __await__(self):
        yield


async def inner(x):
    await Pause()  # -> __await__
    return leaf(x)  # -> leaf


async def outer(x):
    return await inner(x)  # -> inner


def drives():
    coroutine = outer(1)  # ~> outer
    coroutine.send(None)  # -> outer
    try:
        coroutine.send(None)  # -> outer
    except StopIteration:
        pass


# Objects: whatever the interpreter calls on its own account.


class Base:
    def __new__(cls, x):
        return object.__new__(cls)


class Thing(Base):
    def __init__(self, x):
        self.x = leaf(x)  # -> leaf

    def __getattr__(self, name):
        return leaf(0)  # -> leaf

    @property
    def twice(self):
        return middle(self.x)  # -> middle

    def __add__(self, other):
        return self.x

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return bool(leaf(0))  # -> leaf

    def __call__(self):
        return many(1, 2, 3, c=4, d=5)  # -> many

    def __del__(self):
        leaf(2)  # -> leaf


def objects():
    thing = Thing(1)  # -> __new__ __init__
    thing.missing  # -> __getattr__
    thing.twice  # -> twice
    thing + thing  # -> __add__
    thing()  # -> __call__
    with thing:  # -> __enter__ ~> __exit__
        fails(1)  # -> fails ~> __exit__
    del thing  # -> __del__


# C that calls back, functions without a name, functions in functions.


def keyed(x):
    return -leaf(x)  # -> leaf


def wraps(function):
    def wrapper(x):
        return function(x)  # -> wrapped

    return wrapper


@wraps  # ~> wraps
def wrapped(x):  # ~> wraps
    return middle(x)  # -> middle


def callbacks():
    sorted((3, 1, 2), key=keyed)  # -> keyed
    list(map(middle, (1, 2, 3)))  # -> middle
    wrapped(1)  # -> wrapper
    (lambda x: leaf(x))(1)  # -> <lambda> leaf
    [leaf(x) for x in (1, 2)]  # -> leaf ~> <listcomp>
    sum(leaf(x) for x in (1, 2))  # -> <genexpr> leaf
    sum(numbers(4))  # -> numbers


def everything():
    recurses()  # -> recurses
    for n in range(4):
        catches(n)  # -> catches
        consumes(n)  # -> consumes
        throws()  # -> throws
        abandons()  # -> abandons
        drives()  # -> drives
        objects()  # -> objects
        callbacks()  # -> callbacks


def loop(seconds):
    end = now() + int(seconds * 1e9)
    while now() < end:
        everything()  # -> everything


def worker(seconds, done):
    loop(seconds)  # ~> loop
    done.release()


if __name__ == "__main__":
    seconds = (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0) / 2
    done = _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(worker, (seconds, done))  # switches in the midst of everything
    loop(seconds)  # -> loop
    done.acquire()
