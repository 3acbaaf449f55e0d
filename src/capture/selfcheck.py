# SPDX-License-Identifier: MIT
# selfcheck.py - what an interpreter that was never seen is asked to do; see selfcheck.h.
#
# Run as `python -I -S -c`, on 3.8 to 3.15, with nothing but modules that are built in. Each look
# signals this thread, so that our shim takes a sample, and notes the stack as Python itself knows
# it. The first round meets fresh bytecode, the last what the interpreter has made of it by then.
# ASCII only: the words of a command line are decoded by the locale. The last line of the output is
# a dot, so that a part is not taken for the whole.
import sys
from _signal import SIGPROF, pthread_kill
from _thread import get_ident
from posix import _exit, write
from time import monotonic_ns

ROUNDS = 64
armed = False
report = []


def describe(frame):
    while frame:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        report.append("%s\t%d\t%s" % (name, frame.f_lineno, code.co_filename))
        frame = frame.f_back


def look(case):
    if armed:
        report.append("=\t%d\t%s" % (monotonic_ns(), case))
        pthread_kill(get_ident(), SIGPROF); describe(sys._getframe())   # on one line: they agree on it


def plain_call():
    total = 0
    look("plain call")
    return total


def generator():
    yield 1
    look("generator")
    yield 2


def delegating():
    yield from generator()


def run_generator():
    for item in delegating():
        pass


def callback():
    sorted([1],
           key=lambda item:
           look("C callback"))


async def inner():
    look("coroutine")


async def outer():
    await inner()


def run_coroutine():
    try:
        outer().send(None)
    except StopIteration:
        pass


def exception_handler():
    try:
        1 / 0
    except ZeroDivisionError:
        look("exception handler")
    finally:
        look("finally")


def class_body():
    class Body:
        size = 1
        look("class body")


def comprehension():
    return [look("comprehension")
            for item in (1,)]


def generator_expression():
    return list(look("generator expression")
                for item in (1,))


class Thing:
    def __init__(self):
        self.size = 1
        look("constructor")


def constructor():
    Thing()


# Names of one and of two bytes a character.
named = {}
exec(compile("def \xe9t\xe9():\n\n    look('name beyond ASCII')\n", "<\u03bb>", "exec"),
     {"look": look}, named)

for turn in range(ROUNDS):
    armed = turn in (0, ROUNDS - 1)
    plain_call()
    run_generator()
    callback()
    run_coroutine()
    exception_handler()
    class_body()
    comprehension()
    generator_expression()
    constructor()
    named["\xe9t\xe9"]()

output = ("\n".join(report) + "\n.\n").encode("utf-8")
while output:
    output = output[write(1, output):]
_exit(0)    # there is nothing to tidy up
