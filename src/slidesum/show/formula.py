"""Sizes and numbers as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
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


def times(sizes: Sequence[Any]) -> str:
    """Extents side by side: 28×28."""
    return "×".join(f"({text})" if " " in (text := pretty(n)) else text for n in sizes)


def number(value: float, digits: int = 5) -> str:
    """A measured value, with the decimal points of a column below each other; tiny and huge ones by their exponent.

    >>> number(0.125), number(-3.0), number(1.5e-7)
    ('0.12500', '-3.00000', '1.5e-07')
    """
    ordinary = value == 0 or 10.0 ** (1 - digits) <= abs(value) < 1e6
    return f"{value:.{digits}f}" if ordinary else f"{value:.{digits}g}"
