"""Runs in the interpreter under test: names of threads and attributes of objects, as we read them in its memory.

    python thread_names.py LIBRARY        prints one line a difference, exit code 1 when there was any

test_walk_live.py runs it with every Python of the machine.
"""

import _thread
import ctypes
import errno
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

STILL = ctypes.PyDLL(sys.argv[1])               # PyDLL keeps the GIL: nothing moves while we look
MOVING = ctypes.CDLL(sys.argv[1])               # CDLL gives it away: everything does
for library in STILL, MOVING:
    library.live_thread_name.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p,
                                         ctypes.c_size_t]
    library.live_attribute.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.py_object, ctypes.c_char_p,
                                       ctypes.POINTER(ctypes.c_uint64)]
    library.live_text.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.py_object, ctypes.c_char_p, ctypes.c_size_t]
VERSION = sys.version_info[0] << 8 | sys.version_info[1]
READERS = {"loads": 0, "kernel": 1, "process": 2}
SIZE = 8192
differences = []


def expect(where, found, wanted):
    if found != wanted:
        differences.append("%s: we have %r, Python %r" % (where, found, wanted))


def as_text(name):
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in name)


def read_name(library, reader, ident, size=SIZE):
    """The name, or a negative error."""
    out = ctypes.create_string_buffer(size)
    err = library.live_thread_name(VERSION, READERS[reader], ident, out, size)
    return err if err else out.value.decode()


def look(where, ident, wanted):
    for reader in READERS:
        expect("%s by %s" % (where, reader), read_name(STILL, reader, ident), wanted)


# --- threads ---------------------------------------------------------------------------------------------------

class Held:
    """Something that a thread stands in, some calls deep, while we look."""

    def __init__(self):
        self.inside, self.leave = threading.Event(), threading.Event()

    def __call__(self, depth=5):
        if depth:
            list(map(self, [depth - 1]))
        else:
            self.inside.set()
            self.leave.wait()


def hold(thread, change=lambda thread: None):
    """Looks at a thread that is running, after `change` was done to it."""
    held = thread._target or thread.function
    thread.start()
    held.inside.wait()
    change(thread)
    look("thread %r after %s" % (thread.name[:40], change.__name__), thread.ident, as_text(thread.name))
    held.leave.set()
    thread.join()


class Subclass(threading.Thread):
    def __init__(self, **options):
        self.first = 1
        super().__init__(target=Held(), **options)
        self.second = 2


class Slotted(threading.Thread):
    __slots__ = ("extra", "more")

    def __init__(self):
        super().__init__(target=Held(), name="slotted")
        self.extra = self.more = 1


class Crowded(threading.Thread):
    def __init__(self, attributes, name):
        for number in range(attributes):
            setattr(self, "attribute%d" % number, number)
        super().__init__(target=Held(), name=name)


class OtherClass(threading.Thread):
    extra = True


class Str(str):
    def __str__(self):
        return self


NAMES = ["worker-3", "two words", "größe", "大", "snake \U0001f40d", "x" * 1000, "\U0001f40d" * 1000, "", " ", "_name",
         "tab\tand\nline", "surrogate \udc80 \ud800", "é" * 256 + "x", "大" * 255 + "\U0001f40d" + "y" * 300]


def nothing(thread):
    pass


def renamed(thread):
    thread.name = "renamed " + thread.name


def renamed_to_an_object(thread):
    thread.name = 3.5


def dict_made(thread):
    thread.__dict__


def dict_grown(thread):
    for number in range(40):
        setattr(thread, "grown%d" % number, number)


def dict_with_other_keys(thread):
    thread.__dict__[3] = thread.__dict__[object] = thread.__dict__[("a", "tuple")] = 1
    thread.__dict__[b"_name"] = "bytes"


def dict_replaced(thread):
    thread.__dict__ = dict(thread.__dict__)


def dict_replaced_by_general(thread):
    thread.__dict__ = {1: 2, **{str(k): v for k, v in thread.__dict__.items()}}


def attributes_deleted(thread):
    thread.extra, thread.first = 1, 2
    del thread.extra, thread.first


def name_moved_to_the_end(thread):
    name = thread._name
    del thread._name
    thread._name = name


def class_changed(thread):
    thread.__class__ = OtherClass


def everything(thread):
    dict_made(thread), dict_grown(thread), dict_with_other_keys(thread), renamed(thread)


CHANGES = [nothing, renamed, renamed_to_an_object, dict_made, dict_grown, dict_with_other_keys, dict_replaced,
           dict_replaced_by_general, attributes_deleted, name_moved_to_the_end, class_changed, everything]


def names():
    hold(threading.Thread(target=Held()))
    hold(threading.Thread(target=Held(), daemon=True))
    for name in NAMES:
        hold(threading.Thread(target=Held(), name=name))
    hold(threading.Thread(target=Held(), name=Str("subclass of str")))
    hold(threading.Timer(0, Held()))


def kinds():
    for change in CHANGES:
        hold(threading.Thread(target=Held(), name="thread"), change)
        hold(Subclass(name="subclass"), change)
        if change is not class_changed:
            hold(Slotted(), change)
        hold(Crowded(10, "some attributes"), change)
        hold(Crowded(100, "many attributes"), change)
    for attributes in 1, 5, 17, 28, 29, 30, 31, 60, 250, 900:
        hold(Crowded(attributes, "behind %d attributes" % attributes))


def removed():
    thread = threading.Thread(target=Held(), name="gone")
    held = thread._target
    thread.start()
    held.inside.wait()
    del thread._name
    look("name removed", thread.ident, -errno.ENOENT)
    thread._name = 7
    look("name that is no str", thread.ident, -errno.EINVAL)
    thread._name = "back"
    look("name put back", thread.ident, "back")
    held.leave.set()
    thread.join()


def cut():
    thread = threading.Thread(target=Held(), name="ab大\U0001f40dz")
    held = thread._target
    thread.start()
    held.inside.wait()
    lengths = {size: len(read_name(STILL, "process", thread.ident, size).encode()) for size in range(1, 14)}
    expect("cut", list(lengths.values()), [0, 1, 2, 2, 2, 5, 5, 5, 5, 9, 10, 10, 10])
    held.leave.set()
    thread.join()


def pool():
    held = [Held(), Held()]
    with ThreadPoolExecutor(2, thread_name_prefix="pool of two") as executor:
        for one in held:
            executor.submit(one)
        for one in held:
            one.inside.wait()
        found = [t for t in threading.enumerate() if t.name.startswith("pool of two")]
        expect("threads of the pool", len(found), 2)
        for thread in found:
            look("pool", thread.ident, thread.name)
        for one in held:
            one.leave.set()


def without_a_thread_object():
    held = Held()
    ident = _thread.start_new_thread(held, ())
    held.inside.wait()
    look("_thread", ident, -errno.ENOENT)
    held.leave.set()
    look("main thread", threading.get_ident(), -errno.ENOENT)

    def _bootstrap(self):
        held.inside.set()
        held.leave.wait()
    held = Held()
    ident = _thread.start_new_thread(_bootstrap, (threading.Thread(name="another's"),))
    held.inside.wait()
    look("function of that name", ident, -errno.ENOENT)
    held.leave.set()


def while_running():
    """The owner changes all that is read meanwhile: the answer is one of its names, or none."""
    names, stop = ["first name", "second ñame", "third 大", "fourth " + "x" * 300], threading.Event()

    def deep(n):
        return deep(n - 1) + 1 if n else 0

    def run():
        thread = threading.current_thread()
        while not stop.is_set():
            for number in range(100):
                deep(number % 17)
                thread.name = names[number % 4]
                setattr(thread, "attribute%d" % (number % 50), number)
            thread.__dict__ = dict(thread.__dict__)
            for number in range(50):
                delattr(thread, "attribute%d" % number)
    thread = threading.Thread(target=run, name=names[0])
    thread.start()
    found, end = {}, time.monotonic() + 1
    while time.monotonic() < end:
        for reader in READERS:
            name = read_name(MOVING, reader, thread.ident)
            found[name] = found.get(name, 0) + 1
    stop.set()
    thread.join()
    wrong = [name for name in found if isinstance(name, str) and name not in names]
    expect("while running", wrong, [])
    if not any(name in found for name in names):
        differences.append("while running, no name was found: %r" % found)


# --- objects ---------------------------------------------------------------------------------------------------

class Plain:
    pass


class Error(Exception):
    pass


class Number(int):
    pass


class Items(tuple):
    pass


class Only:
    __slots__ = ("a",)


def filled(thing, count):
    for number in range(count):
        setattr(thing, "key%d" % number, object())
    return thing


def attribute(reader, thing, name):
    value = ctypes.c_uint64()
    err = STILL.live_attribute(VERSION, READERS[reader], thing, name.encode(), ctypes.byref(value))
    return err if err else value.value


def compare(where, thing, known=None):
    """Each attribute: before vars(), which may change how they are kept, if they are known, and after it."""
    for wanted in [known] * (known is not None) + [vars(thing)]:
        for name, value in list(wanted.items())[:1000]:
            if name.isascii() and len(name) <= 64:
                expect("%s.%s" % (where, name), attribute("loads", thing, name), id(value))
        expect("%s without it" % where, attribute("process", thing, "no_such_attribute"), -errno.ENOENT)


def objects():
    for count in 0, 1, 5, 6, 29, 30, 31, 85, 86, 200, 1000:
        compare("object of %d" % count, filled(Plain(), count))
    known = {"a": 1, "b": object(), "c": "x"}
    thing = Plain()
    thing.__dict__.update(known)
    compare("object", thing, known)
    for thing in Error("x"), filled(Error("x"), 50), objects, filled(lambda: 0, 3), sys, threading, ctypes, Plain, Held:
        compare(repr(thing), thing)
    for thing in filled(Number(5), 3), filled(Number(1 << 200), 3), filled(Items("abc"), 3):
        found = attribute("loads", thing, "key1")
        expect(repr(thing), found, found if found == -errno.ENOTSUP else id(thing.key1))
    for thing in Only(), 5, None, "text", object(), []:
        expect(repr(thing), attribute("process", thing, "a"), -errno.ENOENT)
    wide = Plain()
    wide.__dict__.update((str(number), number) for number in range(70000))
    expect("wide", [attribute("process", wide, str(n)) for n in (0, 1023, 1024)],
           [id(wide.__dict__["0"]), id(wide.__dict__["1023"]), -errno.ENOENT])
    expect("long name", attribute("process", wide, "x" * 65), -errno.ENOENT)


def texts():
    out = ctypes.create_string_buffer(SIZE)
    for text in NAMES + [Str("subclass"), Str("大")]:
        for reader in READERS:
            expect("text", STILL.live_text(VERSION, READERS[reader], text, out, SIZE), 0)
            expect("text", out.value.decode(), as_text(text))
    for thing in 5, b"bytes", None, [], Plain():
        expect(repr(thing), STILL.live_text(VERSION, 2, thing, out, SIZE), -errno.EINVAL)
    expect("no room at all", STILL.live_text(VERSION, 2, "x", out, 0), -errno.EINVAL)


for part in names, kinds, removed, cut, pool, without_a_thread_object, while_running, objects, texts:
    part()
print(*differences[:20], sep="\n", end="\n" if differences else "")
sys.exit(bool(differences))
