#!/usr/bin/env python3
"""What the signal handler reaches within liblineprof.so, read from its machine code.

    stack.py LIBLINEPROF.SO

- The deepest chain of calls uses less than 1 kB of stack: the handler may run on an alternate stack of 8 kB, of which a
  signal frame with AVX-512 state leaves 5.
- No library function is reached that sigsafe.allowed does not list. (sigsafe.sh looks at whole objects of the handler;
  this follows calls into all others.)
"""

import re
import subprocess
import sys
from pathlib import Path

LIMIT = 1024
HANDLERS = ("handler_on_signal", "on_fault")
OUTSIDE = {"syscall": 8, "clock_gettime": 200}      # bytes that a library's function is taken to use
OUTSIDE_OTHERS = 64
READERS = ("read_guarded", "read_by_kernel")        # mem->read
VISITOR = ("visit_frame",)                          # what frames_walk() is to call
ALLOWED = {line.split()[0] for line in (Path(__file__).parent / "sigsafe.allowed").read_text().splitlines()
           if line.strip() and not line.startswith("#")}


def disassemble(library):
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], check=True, capture_output=True,
                          text=True).stdout
    functions, lines = {}, None
    for line in text.splitlines():
        start = re.match(r"[0-9a-f]+ <([^>]+)>:$", line)
        if start:
            lines = functions.setdefault(start[1], [])
        elif lines is not None and line.startswith(" "):
            lines.append(line.split("\t", 1)[-1].strip())
    return functions


class Function:
    def __init__(self, name, instructions):
        self.frame, self.calls = 0, set()
        for instruction in instructions:
            if re.match(r"push\b", instruction):
                self.frame += 8
            elif found := re.match(r"sub +\$0x([0-9a-f]+),%rsp", instruction):
                self.frame += int(found[1], 16)
            elif found := re.match(r"(call|j\w+) +[0-9a-f]+ <([^>+]+)>", instruction):
                self.calls.add(found[2])
            elif re.match(r"call +\*", instruction):
                self.calls.update(READERS + VISITOR if re.match("frames_walk|walk_", name) else READERS)
        self.calls.discard(name)


class Graph:
    def __init__(self, functions):
        self.functions = {name: Function(name, lines) for name, lines in functions.items() if "@plt" not in name}
        self.reached = set()

    def deepest(self, name, path=()):
        """Bytes of the deepest chain from here, and the chain."""
        self.reached.add(name)
        below = [self.deepest(callee, path + (name,)) for callee in self.calls(name) if callee not in path]
        size, chain = max(below, default=(0, []))
        return self.frame(name) + 8 + size, [name, *chain]

    def calls(self, name):
        return self.functions[name].calls if name in self.functions else ()

    def frame(self, name):
        return (self.functions[name].frame if name in self.functions
                else OUTSIDE.get(name.split("@")[0], OUTSIDE_OTHERS))


def main(library):
    graph = Graph(disassemble(library))
    failed = False
    for handler in HANDLERS:
        size, chain = graph.deepest(handler)
        print(f"{handler}: {size} bytes of stack")
        for name in chain:
            print(f"    {graph.frame(name):5}  {name}")
        if size >= LIMIT:
            print(f"more than {LIMIT} bytes", file=sys.stderr)
            failed = True
    outside = {name.split("@")[0] for name in graph.reached if name not in graph.functions}
    for name in sorted(outside - ALLOWED):
        print(f"the handler reaches {name}, which tests/lint/sigsafe.allowed does not list", file=sys.stderr)
        failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
