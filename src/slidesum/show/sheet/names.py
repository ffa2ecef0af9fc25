"""What things are called in a workbook: columns, cells, ranges, sheets and defined names.

A sheet's name has 31 characters at most and none of `[ ] : * ? / \\`; a defined name has letters, digits and `_`, begins with no
digit, and is no cell. Both are told apart without regard to case. What a model calls its layers is made to fit.

    >>> cell(0, 0), cell(4, 27), span(0, 0, 1, 2), span(4, 27, 4, 27)
    ('A1', 'AB5', 'A1:C2', 'AB5')
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_SHEET = 31
LONGEST_NAME = 100
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ufffe\uffff]")
_UNNAMED = re.compile(r"[^A-Za-z0-9_]+")
_RESERVED = {"history"}  # Excel keeps it for itself
_CELL = re.compile(r"([A-Za-z]{1,3}\d+|[Rr]\d*|[Cc]\d*|[Rr]\d*[Cc]\d*|true|false)\Z", re.IGNORECASE)


@lru_cache(maxsize=2**15)
def column(number: int) -> str:
    """The letters of a column, counted from 0.

    >>> column(0), column(25), column(26), column(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell(row: int, col: int) -> str:
    """A cell by its row and column, counted from 0."""
    return f"{column(col)}{row + 1}"


def fixed(row: int, col: int) -> str:
    """The same, and it stays where it is when the formula is copied.

    >>> fixed(4, 27)
    '$AB$5'
    """
    return f"${column(col)}${row + 1}"


def span(top: int, left: int, bottom: int, right: int) -> str:
    """A range, both corners included."""
    first = cell(top, left)
    return first if (top, left) == (bottom, right) else f"{first}:{cell(bottom, right)}"


def fixed_span(top: int, left: int, bottom: int, right: int) -> str:
    """A range that stays where it is."""
    return f"{fixed(top, left)}:{fixed(bottom, right)}"


def quoted(sheet: str) -> str:
    """A sheet's name as formulas write it: always in quotes, since C1 alone is a cell.

    >>> quoted("it's")
    "'it''s'!"
    """
    return "'" + sheet.replace("'", "''") + "'!"


class SheetNames:
    """Names for sheets, each given once."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED)

    def named(self, wanted: str) -> str:
        """The name, made to fit.

        >>> names = SheetNames()
        >>> names.named("layer1/0/conv"), names.named("Layer1-0-conv"), names.named("=1+1"), names.named("x" * 40)
        ('layer1-0-conv', 'Layer1-0-conv (2)', '=1+1', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')
        """
        base = _FORBIDDEN.sub("-", wanted).strip("'")[:LONGEST_SHEET].strip("'") or "layer"
        return _once(base, self._taken, LONGEST_SHEET, " ({})")


class DefinedNames:
    """Names for ranges, each given once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def named(self, wanted: str) -> str:
        """The name, made to fit.

        >>> names = DefinedNames()
        >>> names.named("conv1.w"), names.named("layer1/0.w"), names.named("1.w"), names.named("conv1-w")
        ('conv1_w', 'layer1_0_w', '_1_w', 'conv1_w_2')
        """
        base = _UNNAMED.sub("_", wanted)[:LONGEST_NAME]
        if not base or base[0].isdigit() or _CELL.match(base):
            base = f"_{base}"
        return _once(base, self._taken, LONGEST_NAME, "_{}")


def _once(base: str, taken: set[str], longest: int, more: str) -> str:
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        ending = more.format(number)
        name = base[: longest - len(ending)] + ending
    taken.add(name.casefold())
    return name
