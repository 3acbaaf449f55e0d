"""Runs in an interpreter: our line of every code unit in its standard library, against its own words.

    python check_lines.py LIBRARY [FILES]       FILES: how many source files, spread over the library (200)

An instruction without a line takes that of the nearest earlier one that has a line, else the first line of the code.
LIBRARY is tests/unit/walk_live.c.
"""

import ctypes
import dis
import os
import sys
import sysconfig
import warnings

LIBRARY = ctypes.PyDLL(sys.argv[1])
LIBRARY.live_lines.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint32,
                               ctypes.POINTER(ctypes.c_int)]
ADDR2LINE = ctypes.pythonapi.PyCode_Addr2Line
ADDR2LINE.argtypes = [ctypes.py_object, ctypes.c_int]
FILES = int(sys.argv[2]) if len(sys.argv) > 2 else 200
VERSION = sys.version_info[0] << 8 | sys.version_info[1]


def sources():
    found = []
    for folder, folders, names in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages", "__pycache__")]
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    found.sort()
    return found[::max(1, len(found) // FILES)]


def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)


def compiled(path):
    try:
        with open(path, "rb") as file:
            return list(codes(compile(file.read(), path, "exec")))
    except (SyntaxError, ValueError, RecursionError):       # lib2to3 and the test suite have such on purpose
        return []


def ours(code, units):
    table = code.co_linetable if VERSION >= 0x30a else code.co_lnotab
    lines = (ctypes.c_int * units)()
    LIBRARY.live_lines(VERSION, table, len(table), code.co_firstlineno, units, lines)
    return list(lines)


def ranges(code):
    """(start, end, line or None), in the order of addresses."""
    if hasattr(code, "co_lines"):
        return list(code.co_lines())
    starts = list(dis.findlinestarts(code))
    ends = [start for start, _ in starts[1:]] + [len(code.co_code)]
    return [(start, end, line) for (start, line), end in zip(starts, ends)]


def theirs(code, units):
    lines, last = [], code.co_firstlineno
    for start, end, line in ranges(code):
        if start < end and line is not None:
            last = line
        lines += [last] * ((min(end, units * 2) - start) // 2)
    return lines


def interpreters_own(code, units):
    """What tracebacks use, one call for each code unit; -1 where there is no line."""
    return [ADDR2LINE(code, unit * 2) for unit in range(units)]


def differences(code):
    units = len(code.co_code) // 2
    mine = ours(code, units)
    if mine != theirs(code, units):
        return [("co_lines", mine, theirs(code, units))]
    own = interpreters_own(code, units)
    if any(b not in (-1, a) for a, b in zip(mine, own)):
        return [("PyCode_Addr2Line", mine, own)]
    return []


def main():
    warnings.simplefilter("ignore")
    files = objects = units = without = 0
    for path in sources():
        found = compiled(path)
        files += bool(found)
        for code in found:
            objects += 1
            units += len(code.co_code) // 2
            without += sum(end - start for start, end, line in ranges(code) if line is None) // 2
            for name, mine, expected in differences(code):
                index = next((i for i, pair in enumerate(zip(mine, expected)) if pair[0] != pair[1]), -1)
                print("%s, %s: unit %d is %r, %s says %r" % (path, code, index, mine[index:index + 1], name,
                                                          expected[index:index + 1]))
                return 1
    print("%d files, %d code objects, %d code units, %d of them without a line" % (files, objects, units, without))
    return 0 if objects else 1


sys.exit(main())
