#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Links the viewer's modules, style and template into one page. Run by CMake; needs Python alone.

    link.py SOURCE_DIR OUTPUT

Modules are plain ES modules that keep to two forms, so that a regular expression reads them:

    import { a, b } from './x.js';
    export function f ..., export class C ..., export const c = ...

Each becomes a function of its own that returns what it exports, in the order of their imports.
Anything else (a cycle, a name that is not exported, another form) stops the build with a message.
The page carries hashes of its own script and style in its Content-Security-Policy, and exactly one
MARKER, where src/report/html.c puts the data.
"""
import base64
import hashlib
import re
import sys
from pathlib import Path

MARKER = "@LINEPROF_DATA@"  # the same in src/report/html.c
ENTRY = "main.js"
LIMIT = 200_000  # bytes without data

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

IMPORT = re.compile(r"^import \{([^{}]*)\} from '\./([\w.-]+\.js)';\n", re.M)
EXPORT = re.compile(r"^export (?=(?:function|class|const) (\w+)\b)", re.M)
OTHER_FORM = re.compile(r"^\s*(?:import|export)\b.*|\bimport\s*[(.].*", re.M)
FORBIDDEN = {
    "script": ("</script", "<!--", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"),
    "style": ("</style", "url(", "@import"),
}


class LinkError(Exception):
    """What is wrong with a source, in words for the person who builds."""


def names_of(text):
    return [name.strip() for name in text.split(",") if name.strip()]


class Module:
    """One file: what it imports (name -> names), what it exports, and its body as a function."""

    def __init__(self, path):
        self.name = path.name
        text = path.read_text(encoding="utf-8")
        self.imports = [(source, names_of(names)) for names, source in IMPORT.findall(text)]
        text = IMPORT.sub("", text)
        self.exports = EXPORT.findall(text)
        self.body = EXPORT.sub("", text).strip()
        other = OTHER_FORM.search(self.body)
        if other:
            raise LinkError(f"{self.name}: link.py does not know this form: {other.group().strip()}")

    def linked(self):
        lines = [f"const {variable(self.name)} = (() => {{"]
        lines += [f"const {{ {', '.join(names)} }} = {variable(source)};" for source, names in self.imports]
        lines += [self.body, f"return {{ {', '.join(self.exports)} }};", "})();", ""]
        return "\n".join(lines)


def variable(name):
    return "module_" + re.sub(r"\W", "_", name[: -len(".js")])


def ordered(modules):
    """Modules so that each comes after those it imports, from ENTRY; every file must be reached."""
    done, path = [], []

    def visit(name, asker):
        if name not in modules:
            raise LinkError(f"{asker}: there is no module {name}")
        if name in path:
            raise LinkError("modules import each other: " + " -> ".join(path[path.index(name):] + [name]))
        module = modules[name]
        if module in done:
            return
        path.append(name)
        for source, names in module.imports:
            visit(source, name)
            for wanted in names:
                if wanted not in modules[source].exports:
                    raise LinkError(f"{name}: {source} does not export {wanted}")
        path.pop()
        done.append(module)

    visit(ENTRY, "link.py")
    unused = sorted(set(modules) - {module.name for module in done})
    if unused:
        raise LinkError("nobody imports " + ", ".join(unused))
    return done


def refuse(kind, text):
    for word in FORBIDDEN[kind]:
        if word in text:
            raise LinkError(f"the {kind} holds {word!r}, which this page must not")


def sha256(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def fill(template, slots):
    for name, text in slots.items():
        if template.count("{{" + name + "}}") != 1:
            raise LinkError(f"template.html: {{{{{name}}}}} must stand there once")
        before, after = template.split("{{" + name + "}}")
        template = before + text + after
    return template


def link(source):
    """The whole page, with MARKER in place of the data."""
    source = Path(source)
    modules = {path.name: Module(path) for path in sorted((source / "src").glob("*.js"))}
    script = "'use strict';\n" + "".join(module.linked() for module in ordered(modules))
    style = (source / "style.css").read_text(encoding="utf-8")
    refuse("script", script)
    refuse("style", style)
    page = fill(
        (source / "template.html").read_text(encoding="utf-8"),
        {
            "policy": POLICY.format(script=sha256(script), style=sha256(style)),
            "style": style,
            "data": MARKER,
            "script": script,
        },
    )
    if page.count(MARKER) != 1:
        raise LinkError(f"the page must hold {MARKER} exactly once")
    if len(page.encode()) > LIMIT:
        raise LinkError(f"the page has {len(page.encode())} bytes without data, the limit is {LIMIT}")
    return page


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: link.py SOURCE_DIR OUTPUT")
    try:
        page = link(arguments[0])
    except (LinkError, OSError, UnicodeDecodeError) as error:
        sys.exit(f"link.py: {error}")
    Path(arguments[1]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
