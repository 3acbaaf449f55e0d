"""Runs in an interpreter: every offset of its row against what its own headers say.

    python check_rows.py LIBRARY [INCLUDE]      INCLUDE: where Python.h is, if not where this Python says

LIBRARY is tests/unit/walk_live.c. Exit code 0: all equal, 1: one differs, 77: no headers here.
"""

import ctypes
import os
import subprocess
import sys
import sysconfig
import tempfile

VERSION = sys.version_info[0] << 8 | sys.version_info[1]
ABSENT = -1


def member(type_name, name):
    return "offsetof(%s, %s)" % (type_name, name)


def expected():
    """Row field -> C expression; what a version lacks is left out and must be absent in the row."""
    fields = {"object_type": member("PyObject", "ob_type"),
              "tstate_thread_id": member("PyThreadState", "thread_id"),
              "tstate_interp": member("PyThreadState", "interp"),
              "code_firstlineno": member("PyCodeObject", "co_firstlineno"),
              "code_filename": member("PyCodeObject", "co_filename"),
              "code_name": member("PyCodeObject", "co_name"),
              "code_flags": member("PyCodeObject", "co_flags"),
              "bytes_size": member("PyVarObject", "ob_size"),
              "bytes_data": member("PyBytesObject", "ob_sval"),
              "str_length": member("PyASCIIObject", "length"),
              "str_state": member("PyASCIIObject", "state"),
              "str_ascii_data": "sizeof(PyASCIIObject)",
              "str_compact_data": "sizeof(PyCompactUnicodeObject)",
              "str_kind_shift": "kind_shift()",
              "frame_code_mask": "Py_TAG_BITS" if VERSION >= 0x30e else "0"}
    threads = "tstate_head" if VERSION <= 0x30a else "threads.head"
    fields.update({"runtime_interpreters": member("_PyRuntimeState", "interpreters.head"),
                   "interp_next": member("PyInterpreterState", "next"),
                   "interp_threads": member("PyInterpreterState", threads),
                   "tstate_next": member("PyThreadState", "next")})
    if VERSION <= 0x30b:
        fields["runtime_tstate_current"] = member("_PyRuntimeState", "gilstate.tstate_current")
    fields["code_linetable"] = member("PyCodeObject", "co_linetable" if VERSION >= 0x30a else "co_lnotab")
    fields.update(frame_objects() if VERSION <= 0x30a else interpreter_frames())
    fields.update(attributes())
    return fields


def frame_objects():
    return {"tstate_frame": member("PyThreadState", "frame"),
            "frame_previous": member("PyFrameObject", "f_back"),
            "frame_code": member("PyFrameObject", "f_code"),
            "frame_instr": member("PyFrameObject", "f_lasti"),
            "frame_locals": member("PyFrameObject", "f_localsplus")}


def interpreter_frames():
    frame, code = "_PyInterpreterFrame", "PyCodeObject"
    fields = {"tstate_native_id": member("PyThreadState", "native_thread_id"),
              "frame_previous": member(frame, "previous"),
              "frame_code": member(frame, "f_executable" if VERSION >= 0x30d else "f_code"),
              "frame_instr": member(frame, "instr_ptr" if VERSION >= 0x30d else "prev_instr"),
              "frame_owner": member(frame, "owner"),
              "frame_locals": member(frame, "localsplus"),
              "code_qualname": member(code, "co_qualname"),
              "code_bytes": member(code, "co_code_adaptive"),
              "code_firsttraceable": member(code, "_co_firsttraceable"),
              "tstate_frame": member("PyThreadState", "current_frame" if VERSION >= 0x30d else "cframe")}
    if VERSION <= 0x30c:
        fields.update({"tstate_root_cframe": member("PyThreadState", "root_cframe"),
                       "cframe_current": member("_PyCFrame", "current_frame"),
                       "cframe_previous": member("_PyCFrame", "previous")})
    if VERSION == 0x30b:
        fields["frame_is_entry"] = member(frame, "is_entry")
    return fields


def attributes():
    keys = "PyDictKeysObject"
    fields = {"type_flags": member("PyTypeObject", "tp_flags"),
              "type_dictoffset": member("PyTypeObject", "tp_dictoffset"),
              "dict_keys": member("PyDictObject", "ma_keys"),
              "dict_values": member("PyDictObject", "ma_values"),
              "keys_nentries": member(keys, "dk_nentries"),
              "keys_indices": member(keys, "dk_indices"),
              "values_array": member("struct _dictvalues", "values") if VERSION >= 0x30b else "0"}
    if VERSION <= 0x30a:
        fields["keys_size"] = member(keys, "dk_size")
        return fields
    fields.update({"type_cached_keys": member("PyHeapTypeObject", "ht_cached_keys"),
                   "keys_log2_index_bytes": member(keys, "dk_log2_index_bytes"),
                   "keys_kind": member(keys, "dk_kind"),
                   "object_dict_before": before("_PyObject_DictOrValuesPointer" if VERSION == 0x30c
                                                else "_PyObject_ManagedDictPointer")})
    if VERSION == 0x30b:
        fields["object_values_before"] = before("_PyObject_ValuesPointer")
    if VERSION >= 0x30d:
        fields["values_valid"] = member("struct _dictvalues", "valid")
        fields["type_basicsize"] = member("PyTypeObject", "tp_basicsize")
    return fields


def before(function):
    """How far before an object the word is to which the function of pycore_object.h points."""
    return "(char *)&words[8] - (char *)%s((PyObject *)&words[8])" % function


# Objects/dict-common.h of 3.8 to 3.10, which is installed nowhere.
DICT_KEYS = """
struct _dictkeysobject {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};
"""

# What src/python/object.c knows of every row.
FLAGS = """
_Static_assert(Py_TPFLAGS_UNICODE_SUBCLASS == 1ul << 28, "FLAG_STR_SUBCLASS");
%s%s
""" % ("""
_Static_assert(Py_TPFLAGS_MANAGED_DICT == 1 << 4, "FLAG_MANAGED_DICT");
_Static_assert(DICT_KEYS_GENERAL == 0, "entry_words");
_Static_assert(sizeof(PyDictKeyEntry) == 24 && sizeof(PyDictUnicodeEntry) == 16, "entry_words");
""" if VERSION >= 0x30b else "", """
_Static_assert(Py_TPFLAGS_INLINE_VALUES == 1 << 2, "FLAG_INLINE_VALUES");
""" if VERSION >= 0x30d else "")

# What the walker knows of every row: who owns a frame (src/python/frames.c).
OWNERS = """
_Static_assert(FRAME_OWNED_BY_GENERATOR == 1, "OWNER_GENERATOR");
%s
""" % {0x30c: '_Static_assert(FRAME_OWNED_BY_CSTACK == 3, "OWNER_STUB");',
       0x30d: '_Static_assert(FRAME_OWNED_BY_CSTACK == 3, "OWNER_STUB");',
       0x30e: '_Static_assert(FRAME_OWNED_BY_INTERPRETER == 3, "OWNER_STUB");',
       0x30f: '_Static_assert(FRAME_OWNED_BY_INTERPRETER == 3, "OWNER_STUB");'}.get(VERSION, "")

PROGRAM = """
#define Py_BUILD_CORE 1
#define NDEBUG 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
%(includes)s
%(keys)s
%(flags)s
%(owners)s
static int kind_shift(void)
{
    PyASCIIObject text;
    unsigned bits = 0;
    memset(&text, 0, sizeof text);
    text.state.kind = 7;
    memcpy(&bits, &text.state, sizeof bits);
    return __builtin_ctz(bits);
}
int main(void)
{
    void *words[16] = {0};
    (void)words;
%(prints)s
    return 0;
}
"""


def program():
    headers = ["pycore_pystate.h"] if VERSION <= 0x308 else ["pycore_runtime.h", "pycore_interp.h"]
    if VERSION >= 0x30b:
        headers += ["pycore_frame.h", "pycore_code.h", "pycore_object.h", "pycore_dict.h"]
    if VERSION >= 0x30e:
        headers += ["pycore_stackref.h", "pycore_interpframe.h"]
    includes = "".join("#include <internal/%s>\n" % header for header in headers)
    prints = "".join('    printf("%s %%d\\n", (int)(%s));\n' % item for item in expected().items())
    return PROGRAM % {"includes": includes, "keys": DICT_KEYS if VERSION <= 0x30a else "", "flags": FLAGS,
                      "owners": OWNERS if VERSION >= 0x30b else "", "prints": prints}


def compiled(include):
    with tempfile.TemporaryDirectory() as directory:
        source, binary = os.path.join(directory, "rows.c"), os.path.join(directory, "rows")
        with open(source, "w") as file:
            file.write(program())
        # Debian's pyconfig.h includes the one of the architecture from beside python3.X.
        folders = [include, os.path.join(include, "internal"), os.path.dirname(include)]
        platform = sysconfig.get_path("platinclude")
        command = [os.environ.get("CC", "cc"), "-std=gnu11", "-w", source, "-o", binary]
        subprocess.check_call(command + ["-I" + folder for folder in folders + [platform]])
        return parsed(subprocess.check_output([binary]))


def parsed(text):
    return {name: int(value) for name, value in (line.split() for line in text.decode().splitlines())}


def main():
    library = ctypes.PyDLL(sys.argv[1])
    library.live_row.restype = ctypes.c_char_p
    include = sys.argv[2] if len(sys.argv) > 2 else sysconfig.get_path("include")
    if not os.path.exists(os.path.join(include, "internal", "pycore_pystate.h")):
        print("no headers in", include)
        return 77
    row, headers = parsed(library.live_row(VERSION)), compiled(include)
    wrong = ["%s: the row has %d, the headers %d" % (name, value, headers.get(name, ABSENT))
             for name, value in row.items() if value != headers.get(name, ABSENT)]
    unknown = sorted(set(headers) - set(row))
    print(*wrong, *unknown, "%d fields compared" % len(row), sep="\n")
    return 1 if wrong or unknown or not row else 0


if __name__ == "__main__":
    sys.exit(main())
