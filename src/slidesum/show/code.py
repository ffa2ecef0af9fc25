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
from collections.abc import Iterable, Sequence

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
    return re.sub(r"[^A-Za-z0-9_ .,:;+*×()\[\]/-]", "", text)[: WIDTH - 20]


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
    if start < 0 or line[start] == "[" or line[stop + 1 :] not in ("", ","):
        return pad + line
    head, inside, tail = line[: start + 1], line[start + 1 : stop], line[stop:]
    if len(f"{pad}    {inside}") <= WIDTH:
        return f"{pad}{head}\n{pad}    {inside}\n{pad}{tail}"
    parts = _split(inside)
    if len(parts) == 1 and not head[:-1][-1:].isalnum():  # brackets around an expression, of which a comma would make a tuple
        return pad + line
    told = [f"{part}," for part in parts]
    if all(re.match(r"[-(\d]", part) for part in parts):  # a table of numbers: as many a line as fit
        told = _filled(told, WIDTH - indent - 4)
    return "\n".join([pad + head, *(statement(part, indent + 4) for part in told), pad + tail])


def _filled(parts: Sequence[str], width: int) -> list[str]:
    """As many of them a line as fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _outermost(line: str) -> tuple[int, int]:
    """The last bracket that isn't within another: where it opens and closes."""
    depth, start, found = 0, -1, (-1, -1)
    for place, letter, quoted in _letters(line):
        if quoted:
            continue
        if letter in "([{":
            start = place if depth == 0 else start
            depth += 1
        elif letter in ")]}":
            depth -= 1
            found = (start, place) if depth == 0 else found
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
