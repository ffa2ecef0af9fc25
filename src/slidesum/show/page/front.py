"""The modules of `front/` as one: what a notebook's widget and a single file need, made without a bundler.

Imports are lines of the form `import { a, b } from "./file.js";`. A module stands behind those that it imports, its import lines
and the word `export` are left out, and its top-level names are nobody else's (a test holds the modules to that). Comments that
stand on lines of their own are left out too: they are a quarter of the text.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

ENTRY = "page.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/)[\s\S])*\*/|//[^\n]*)\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)


@cache
def script(entry: str = ENTRY) -> str:
    """One ES module; that of the page has the default export `{ render }` as anywidget calls it."""
    return "\n".join(_COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text))) for text in modules(entry).values())


@cache
def style() -> str:
    """The style sheets behind each other."""
    folder = files(__package__) / "front"
    return "\n".join(one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda f: f.name) if one.name.endswith(".css"))


@cache
def modules(entry: str = ENTRY) -> dict[str, str]:
    """The modules by their file names, each behind those that it imports."""
    found: dict[str, str] = {}
    _visit(entry, found, ())
    return found


def _visit(name: str, found: dict[str, str], waiting: tuple[str, ...]) -> None:
    if name in found:
        return
    assert name not in waiting, f"{' imports '.join((*waiting, name))}: modules that import each other have no order"
    text = (files(__package__) / "front" / name).read_text("utf-8")
    for imported in _IMPORT.findall(text):
        _visit(imported, found, (*waiting, name))
    found[name] = text
