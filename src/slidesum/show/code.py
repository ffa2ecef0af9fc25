"""Small things of Python source: literals, names, and lines that aren't too long.

Whatever text goes into source is a literal made by `repr`, a name made by `identifier`, or a remark made by `remark`: what comes
from a file can be read in the source, and never be a part of it.

    >>> identifier("block/1-conv"), identifier("2"), identifier("class"), remark('x"\"\"; import os\\n')
    ('block_1_conv', 'layer_2', 'class_', 'x; import os')
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable

WIDTH = 120


def identifier(text: str) -> str:
    """A Python name that reminds of the text."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    name = name if name and not name[0].isdigit() else f"layer_{name}"
    name = name.lstrip("_") or "layer"
    name = name if not name[0].isdigit() else f"layer_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def remark(text: str) -> str:
    """Text for a comment or a docstring: one line without quotes and backslashes."""
    return re.sub(r"[^A-Za-z0-9_ .,:;+*×()\[\]/-]", "", text)[:WIDTH - 20]


def number(value: float | complex) -> str:
    """A number as Python reads it."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def sequence(parts: Iterable[object]) -> str:
    """A tuple; a single part keeps its comma."""
    told = [str(part) for part in parts]
    return f"({told[0]},)" if len(told) == 1 else f"({', '.join(told)})"


def text(value: str) -> str:
    """A string literal in double quotes, where that is plain."""
    told = repr(value)
    return f'"{told[1:-1]}"' if told[0] == "'" and '"' not in told and "\\" not in told else told


def statement(line: str, indent: int = 8) -> str:
    """A statement, broken within its last outermost brackets where it is too long."""
    pad = " " * indent
    if len(pad + line) <= WIDTH or "\n" in line:
        return pad + line
    start, stop = _outermost(line)
    if start < 0:
        return pad + line
    head, inside, tail = line[: start + 1], line[start + 1 : stop], line[stop:]
    if len(f"{pad}    {inside}") <= WIDTH and not line[start] == "[":
        return f"{pad}{head}\n{pad}    {inside}\n{pad}{tail}"
    parts = _split(inside)
    return "\n".join([pad + head, *(statement(f"{part},", indent + 4) for part in parts), pad + tail])


def _outermost(line: str) -> tuple[int, int]:
    """Where the first bracket opens that closes as the last one of the line."""
    depth, start, found = 0, -1, (-1, -1)
    for place, letter, quoted in _letters(line):
        if quoted:
            continue
        if letter in "([{":
            start = place if depth == 0 else start
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0 and place - start > found[1] - found[0]:
                found = (start, place)
    return found


def _split(inside: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for place, letter, quoted in _letters(inside):
        if quoted:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(inside[begin:place].strip())
            begin = place + 1
    parts.append(inside[begin:].strip())
    return [part for part in parts if part]


def _letters(line: str) -> Iterable[tuple[int, str, bool]]:
    """Every character with its place, and whether it lies in a string."""
    quote = ""
    escaped = False
    for place, letter in enumerate(line):
        inside = bool(quote)
        if quote:
            if letter == quote and not escaped:
                quote = ""
            escaped = letter == "\\" and not escaped
        elif letter in "\"'":
            quote, inside = letter, True
        yield place, letter, inside
