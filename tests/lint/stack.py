#!/usr/bin/env python3
"""What the signal handler reaches within liblineprof.so, read from its machine code.

    stack.py LIBLINEPROF.SO

- The deepest chain of calls uses less than 1 kB of stack: the handler may run on an alternate stack of 8 kB, of which a
  signal frame with AVX-512 state leaves 4.5, and a fault in a guarded read may put another such frame on top. (A thread
  that blocks SIGSEGV reads through the kernel and cannot fault: it may use a little more.)
- No library function is reached that sigsafe.allowed does not list. (sigsafe.sh looks at whole objects of the handler;
  this follows calls into all others.)
"""

import re
import subprocess
import sys
from pathlib import Path

HANDLERS = ("handler_on_signal", "on_fault")
LIMITS = {"read_guarded": 1024, "read_by_kernel": 1152}      # by what mem->read is
NEVER = "seccomp"                                            # by way of syscall(): the handler asks for other calls
VISITOR = "visit_frame"                                      # what frames_walk() is to call
# Bytes that a library's function is taken to use.
OUTSIDE, OUTSIDE_OTHERS = {"syscall": 8, "__errno_location": 8, "clock_gettime": 200}, 64
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
    """Its frame, and per function it calls how much more there is on the stack then: arguments, for the moment."""

    def __init__(self, name, instructions):
        self.frame, self.calls, self.indirect = 0, {}, None
        more, has_frame = 0, False
        for instruction in instructions:
            if re.match(r"push\b", instruction):
                self.frame += 8
            elif found := re.match(r"sub +\$0x([0-9a-f]+),%rsp", instruction):
                if has_frame:
                    more += int(found[1], 16)
                else:
                    self.frame += int(found[1], 16)
                has_frame = True
            elif found := re.match(r"add +\$0x([0-9a-f]+),%rsp", instruction):
                more = max(0, more - int(found[1], 16))
            elif found := re.match(r"(call|j\w+) +[0-9a-f]+ <([^>+]+)>", instruction):
                self.calls[found[2]] = max(more, self.calls.get(found[2], 0))
            elif re.match(r"call +\*", instruction):
                self.indirect = max(more, self.indirect or 0)
        self.calls.pop(name, None)
        self.visits = re.match("frames_walk|walk_", name) is not None


class Graph:
    def __init__(self, functions, reader):
        self.functions = {name: Function(name, lines) for name, lines in functions.items() if "@plt" not in name}
        for function in self.functions.values():
            if function.indirect is not None:
                function.calls.setdefault(reader, function.indirect)
                if function.visits:
                    function.calls.setdefault(VISITOR, function.indirect)
        self.reached = set()

    def deepest(self, name, path=()):
        """Bytes of the deepest chain from here, with the return address, and the chain."""
        self.reached.add(name)
        if name not in self.functions:
            return OUTSIDE.get(name.split("@")[0], OUTSIDE_OTHERS), [name]
        function = self.functions[name]
        size, chain = 0, []
        for callee, more in function.calls.items():
            if callee not in path and callee != NEVER:
                below, its_chain = self.deepest(callee, path + (name,))
                size, chain = max((size, chain), (more + below, its_chain))
        return function.frame + 8 + size, [name, *chain]


def main(library):
    code, failed, reached = disassemble(library), False, set()
    for reader, limit in LIMITS.items():
        graph = Graph(code, reader)
        for handler in HANDLERS:
            size, chain = graph.deepest(handler)
            print(f"{handler} with {reader}: {size} bytes of stack, {limit} allowed")
            print("   ", ", ".join(f"{name} {graph.functions[name].frame}" if name in graph.functions else name
                                   for name in chain))
            failed |= size >= limit
        reached |= {name.split("@")[0] for name in graph.reached if name not in graph.functions}
    if failed:
        print("the signal handler uses too much stack", file=sys.stderr)
    for name in sorted(reached - ALLOWED):
        print(f"the handler reaches {name}, which tests/lint/sigsafe.allowed does not list", file=sys.stderr)
        failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
