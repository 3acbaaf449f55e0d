"""Runs in the interpreter under test: our walk of this thread against sys._getframe(), in odd places.

    python walk_live.py LIBRARY        prints one line a difference, exit code 1 when there was any

test_walk_live.py runs it with every Python of the machine.
"""

import ctypes
import sys

LIBRARY = ctypes.PyDLL(sys.argv[1])             # PyDLL keeps the GIL: nothing moves while we look
LIBRARY.live_fingerprint.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64)]
LIBRARY.live_walk.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
VERSION = sys.version_info[0] << 8 | sys.version_info[1]
READERS = {"loads": 0, "kernel": 1, "process": 2}
WHOLE = 0
SIZE = 1 << 22
BUFFER = ctypes.create_string_buffer(SIZE)      # made once: the look itself must not push a frame
differences = []


def described(frame):
    """What Python says of a stack, innermost first: (name, file, line, byte offset)."""
    stack = []
    while frame is not None:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        scale = 2 if VERSION == 0x30a and frame.f_lasti < 0 else 1      # 3.10 shows -1 as -2 or -1
        stack.append((name, code.co_filename, frame.f_lineno, max(0, frame.f_lasti * scale)))
        frame = frame.f_back
    return stack


def parsed(text):
    stack = []
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        name, file, number, offset = line.split("\t")
        stack.append((name, file, int(number), int(offset)))
    return stack


def compare(where, reader, end, ours, theirs):
    if end != WHOLE:
        differences.append("%s by %s: the walk ended with %d" % (where, reader, end))
    if len(ours) != len(theirs):
        differences.append("%s by %s: %d frames, Python has %d" % (where, reader, len(ours), len(theirs)))
    for depth, (mine, real) in enumerate(zip(ours, theirs)):
        innermost = depth == 0                  # the two looks are two calls, on one line
        if mine[:3] != real[:3] or (not innermost and mine[3] != real[3]):
            differences.append("%s by %s: frame %d is %r, Python says %r" % (where, reader, depth, mine, real))
            break


def look(where):
    for reader, number in READERS.items():
        end, theirs = LIBRARY.live_walk(VERSION, number, BUFFER, SIZE), described(sys._getframe())
        compare(where, reader, end, parsed(BUFFER.value), theirs)


# --- places ----------------------------------------------------------------------------------------------------

def plain(where):
    look(where)


def generator():
    look("generator")
    yield 1
    look("generator, resumed")
    yield 2


def delegating():
    yield from generator()


class Number(int):
    def __lt__(self, other):
        look("slot called by C, called by C")
        return int(self) < int(other)


async def leaf():
    look("coroutine")


async def middle():
    await leaf()
    async for _ in ticks():
        async with Manager():
            pass


async def ticks():
    look("asynchronous generator")
    yield 1


class Manager:
    async def __aenter__(self):
        look("async with")

    async def __aexit__(self, *exception):
        look("async with, left")

    def __enter__(self):
        look("with")

    def __exit__(self, *exception):
        look("with, left")


def handler():
    try:
        1 / 0
    except ZeroDivisionError:
        look("exception handler")
        try:
            raise KeyError
        except (
            KeyError
        ):
            look("exception handler within")
        finally:
            look("finally")


def closure():
    cell = "cell"

    def inner():
        look("closure, " + cell)
    inner()


class Constructed:
    def __init__(self):
        look("constructor")

    def __del__(self):
        look("finalizer")

    @property
    def value(self):
        look("property")

    def __getattr__(self, name):
        look("attribute")


def deep(n):
    if n:
        deep(n - 1)
    else:
        look("deep recursion")


def deep_through_c(n):
    if n:
        list(map(deep_through_c, [n - 1]))
    else:
        look("deep recursion through C")


def many_lines():
    look(
        "call"
        " over lines")
    (plain)(
        # far from the name
        "argument"
    )


def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration:
        pass


def nested_function_names():
    def größe():
        look("name that is not ASCII")
    def 大():
        look("name outside Latin-1")
    größe()
    大()


def in_a_thread():
    import threading
    thread = threading.Thread(target=plain, args=["thread"])
    thread.start()
    thread.join()


def in_a_greenlet():
    try:
        import greenlet
    except ImportError:
        return
    other = greenlet.greenlet(lambda: (look("greenlet"), main.switch(), look("greenlet, resumed")))
    main = greenlet.getcurrent()
    other.switch()
    look("main greenlet")
    deep_switch = greenlet.greenlet(lambda: sorted([1, 2], key=lambda x: other.switch() or x))
    deep_switch.switch()


def everything():
    plain("plain call")
    for _ in generator():
        pass
    list(generator())
    list(delegating())
    sorted([2, 1], key=lambda x: look("key function called by C") or x)
    sorted([Number(2), Number(1)])
    run(middle())
    handler()
    closure()
    Constructed().value
    Constructed().missing
    with Manager():
        look("with, inside")
    [look("list comprehension") for _ in range(2)]
    {look("dict comprehension"): 1 for _ in range(2)}
    sum(look("generator expression") or 1 for _ in range(2))
    deep(400)
    deep_through_c(100)
    many_lines()
    nested_function_names()
    exec(compile("def f():\n\n look('exec')\nf()", "<made up>", "exec"), globals())
    eval("look('eval')")
    sys.settrace(lambda *event: None)
    plain("traced")
    sys.settrace(None)
    in_a_thread()
    in_a_greenlet()

    class Body:
        look("class body")


# --- recognising code objects ----------------------------------------------------------------------------------

def fingerprint(code):
    value = ctypes.c_uint64()
    if LIBRARY.live_fingerprint(VERSION, id(code), ctypes.byref(value)):
        differences.append("no fingerprint of %r" % code)
    return value.value


def short_lived(number):
    """All of one name, file, first line and length; they differ in where their lines are."""
    bits = ["\n" if number >> bit & 1 else ";" for bit in range(12)]
    return compile("x = 1" + "".join(bit + "x = 1" for bit in bits), "<string>", "exec")


def recognised():
    seen = {}                               # what a handler would have noted: address and fingerprint
    reused = set()
    for number in range(3000):
        code = short_lived(number)
        table = code.co_linetable if VERSION >= 0x30a else code.co_lnotab
        key = id(code), fingerprint(code)
        if seen.setdefault(key, hash(table)) != hash(table):        # not the table: it would stay alive
            differences.append("execution %d was taken for an earlier one" % number)
        reused.add(id(code))
        exec(code, {})
        del code, table                     # their addresses are free for the next ones
    if len(reused) > 2500:
        differences.append("no address was used twice: this tests nothing")
    if fingerprint(look.__code__) != fingerprint(look.__code__):
        differences.append("a fingerprint changed")


look("module")
everything()
for _ in range(100):                    # again when the code is specialized or compiled
    plain("warm plain call"), list(delegating()), closure(), run(middle())
everything()
recognised()
print(*differences[:20], sep="\n", end="\n" if differences else "")
sys.exit(bool(differences))
