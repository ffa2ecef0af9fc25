"""Sizes and numbers as people read them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def pretty(value: Any) -> str:
    """A size for the eye: 1,234,567 or 25·k1·k2·m·n or ⌊n/2⌋.

    >>> from slidesum.core.sizes import size
    >>> pretty(1234567), pretty(size("25*k1**2 + floor(n/2)"))
    ('1,234,567', '25·k1² + ⌊n/2⌋')
    """
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Fraction):
        return str(value)
    text = re.sub(r"\*\*(\d+)", lambda power: power.group(1).translate(_SUPERSCRIPTS), str(value))
    text = re.sub(r"floor\(([^()]*)\)", r"⌊\1⌋", text)
    text = re.sub(r"ceiling\(([^()]*)\)", r"⌈\1⌉", text)
    return text.replace("*", "·")


def plain(value: Any) -> int | float | str:
    """A size for machines: the integer, or the formula as text that `core.sizes.size` reads back."""
    if isinstance(value, int):
        return value
    if isinstance(value, Fraction):
        return float(value)
    return str(value)


def json_text(document: Any) -> str:
    """JSON that every reader takes: it has no spelling for NaN and infinity, so they are text.

    >>> print(json_text({"value": float("-inf")}))
    {
      "value": "-Infinity"
    }
    """
    return json.dumps(finite(document), indent=2, ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """The same with NaN and infinity as text, for JSON."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case Mapping():
            return {key: finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [finite(inner) for inner in value]
        case _:
            return value


def times(sizes: Sequence[Any]) -> str:
    """Extents side by side: 28×28."""
    return _times(tuple(sizes))


@lru_cache(maxsize=4096)
def _times(sizes: tuple[Any, ...]) -> str:
    return "×".join(f"({text})" if " " in (text := pretty(n)) else text for n in sizes)


def number(value: float, digits: int = 5) -> str:
    """A measured value, with the decimal points of a column below each other; tiny and huge ones by their exponent.

    >>> number(0.125), number(-3.0), number(1.5e-7)
    ('0.12500', '-3.00000', '1.5e-07')
    """
    ordinary = value == 0 or 10.0 ** (1 - digits) <= abs(value) < 1e6
    return f"{value:.{digits}f}" if ordinary else f"{value:.{digits}g}"


def broken(text: str, width: int) -> str:
    """A formula in lines of at most `width`: broken before a sign, and behind '·' or '×' only where a term is longer than a line.

    Nothing is broken within brackets; what has no such place is left too long.

    >>> print(broken("25·k1·k2·m·⌊n/2 + 1⌋ + 9·k1", 12))
    25·k1·k2·m·
    ⌊n/2 + 1⌋
    + 9·k1
    """
    if len(text) <= width:
        return text.strip()
    terms: list[list[str]] = []
    for piece in pieces(text):
        if not terms or piece.startswith(("+ ", "- ")):
            terms.append([])
        terms[-1].append(piece)
    lines = [""]
    for term in terms:
        whole = "".join(term)
        if lines[-1] and len((lines[-1] + whole).rstrip()) > width:
            lines.append("")
        for piece in term:
            if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def pieces(text: str) -> list[str]:
    """What of a formula stays together.

    >>> pieces("k1·⌊m/2 + 1⌋ + 9")
    ['k1·', '⌊m/2 + 1⌋ ', '+ 9']
    """
    if not any(letter in " ·×" for letter in text):
        return [text]
    found, depth = [""], 0
    for before, letter in zip(" " + text, text, strict=False):
        after_break = before in "·×" or (before == " " and letter not in " ·" and found[-1].strip() not in ("+", "-"))
        if found[-1].strip() and depth == 0 and after_break:
            found.append("")
        depth += (letter in "(⌊⌈") - (letter in ")⌋⌉")
        found[-1] += letter
    return found
