"""An equation and what stands beside it as the fields of a JSON object, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from slidesum.core.equation import Equation
from slidesum.core.ops import Layer
from slidesum.core.sized import BORDERS, PADDINGS, Border, Connections
from slidesum.core.sizes import Size, is_number, size
from slidesum.draft.asked import with_bias
from slidesum.errors import FileError, PatternError, SlidesumError
from slidesum.notation.parse import parse
from slidesum.notation.write import axes, named, pattern
from slidesum.read.fields import LARGEST_NUMBER, Fields, is_integer, is_real, seen

MOST_AXES = 100
MOST_PAIRS = 2**20
_BEYOND = {"inf": math.inf, "-inf": -math.inf}


def layer_out(op: Layer) -> dict[str, Any]:
    """The fields of an equation and its settings; those that have their default are left out."""
    return {**_equation_out(op.equation), **_settings_out(op)}


def size_out(value: Size) -> int | str:
    """A size as JSON: a number, or the text of a formula that reads back as the same."""
    if is_number(value):
        return int(value)
    text = str(value)
    try:
        same = size(text) == value
    except SlidesumError:
        same = False
    if not same:
        raise FileError(f"the size {text!r} can't be saved", advice="Give it a number: net.with_sizes(…).")
    return text


def _equation_out(equation: Equation) -> dict[str, Any]:
    """The pattern with the bias axes, or the named spelling where the pattern can't tell all."""
    text, bias = pattern(equation), axes(equation.bias, " ") if equation.bias else None
    try:
        told = with_bias(parse(text), bias)
    except PatternError:
        told = None
    if told == equation:
        return {"equation": text, **({"bias": bias} if bias else {})}
    return {"equation": named(equation)}


def _settings_out(op: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if op.sizes:
        found["sizes"] = {name: size_out(value) for name, value in op.sizes.items()}
    if op.padding != "valid":
        found["padding"] = _padding_out(op.padding)
    if op.border != "zero":
        found["border"] = border_out(op.border)
    if op.extent:
        found["extent"] = {name: size_out(value) for name, value in op.extent.items()}
    if op.connections is not None:
        found["connections"] = {"indices": list(op.connections.indices), "pairs": [list(p) for p in op.connections.pairs]}
    return found


def _padding_out(padding: Any) -> Any:
    match padding:
        case str():
            return padding
        case Mapping():
            return {position: _padding_out(rule) for position, rule in padding.items()}
        case tuple():
            return [size_out(n) for n in padding]
        case _:
            return size_out(padding) if is_number(padding) else [size_out(padding)] * 2


def read_equation(fields: Fields) -> Layer:
    """The equation and the settings that `layer_out` wrote."""
    equation = parse(fields.text("equation"))
    bias = fields.maybe("bias", None)
    if bias is not None:
        if not isinstance(bias, str) or not 0 < len(bias) <= 200 or equation.bias is not None:
            raise fields.wrong("bias", bias, 'the axes of the bias such as "o", once')
        equation = with_bias(equation, bias)
    return Layer(
        equation,
        _sizes(fields, "sizes") or {},
        _padding(fields, fields.maybe("padding", "valid")),
        border_in(fields, fields.maybe("border", "zero")),
        _sizes(fields, "extent"),
        _connections(fields, equation),
    )


def _sizes(fields: Fields, name: str) -> dict[str, Size] | None:
    value = fields.maybe(name, None)
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MOST_AXES:
        raise fields.wrong(name, value, 'an object such as {"o": 64, "u": 3}')
    return {index: size_in(fields, name, n) for index, n in value.items()}


def size_in(fields: Fields, name: str, value: Any) -> Size:
    """A size that stands in field `name`: a number from 0, or a formula."""
    if isinstance(value, str) and len(value) <= 200 and not value.strip().isdecimal():
        return size(value)
    if not is_integer(value) or not 0 <= value <= LARGEST_NUMBER:
        raise FileError(
            f"{fields.where}: the field {name!r} holds {seen(value)}",
            advice=f'Sizes are whole numbers from 0 to {LARGEST_NUMBER:,}, or formulas such as "k1" or "n//2".',
        )
    return int(value)


def _padding(fields: Fields, value: Any, *, nested: bool = False) -> Any:
    if isinstance(value, str) and value in PADDINGS:
        return value
    if _is_cells(value):
        return value
    if isinstance(value, list) and len(value) == 2 and all(_is_cells(n) or _is_formula(n) for n in value):
        return tuple(size(n) for n in value)
    if isinstance(value, dict) and not nested and len(value) <= MOST_AXES:
        return {position: _padding(fields, rule, nested=True) for position, rule in value.items()}
    raise fields.wrong("padding", value, f"{', '.join(PADDINGS)}, a number, [before, after], or an object by position")


def _is_cells(value: Any) -> bool:
    return is_integer(value) and abs(value) <= LARGEST_NUMBER


def _is_formula(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 200


def border_out(border: Border) -> Any:
    """A border as JSON: a word, a number, or the parts of a complex one."""
    if isinstance(border, str):
        return border
    parts = [border.real, border.imag] if isinstance(border, complex) else [border]
    if any(math.isnan(part) for part in parts):
        raise FileError("a border that is no number (nan) can't be saved", advice="Give it a number.")
    told = [next((name for name, n in _BEYOND.items() if n == part), part) for part in parts]
    return {"real": told[0], "imag": told[1]} if isinstance(border, complex) else told[0]


def border_in(fields: Fields, value: Any) -> Border:
    """The border that `border_out` wrote."""

    def real(part: Any) -> float:
        if isinstance(part, str) and part in _BEYOND:
            return _BEYOND[part]
        if is_real(part):
            return part
        raise fields.wrong("border", value, f"{', '.join(BORDERS)}, or a number")

    for border in BORDERS:
        if value == border:
            return border
    if isinstance(value, dict) and set(value) == {"real", "imag"}:
        return complex(real(value["real"]), real(value["imag"]))
    return real(value)


def _connections(fields: Fields, equation: Equation) -> Connections | None:
    value = fields.maybe("connections", None)
    if value is None:
        return None
    inner = Fields(f"{fields.where}: the connections", value)
    indices, pairs = inner.array("indices", longest=2), inner.array("pairs", longest=MOST_PAIRS)
    inner.done()
    first = equation.operands[1:2]
    if len(set(map(str, indices))) != 2 or not first or tuple(indices) != first[0].indices[:2]:
        known = ", ".join(first[0].indices[:2]) if first else "none"
        raise inner.wrong("indices", indices, f"the first two indices of the filter ({known})")
    if not all(isinstance(p, list) and len(p) == 2 and all(is_integer(n) and 0 <= n <= LARGEST_NUMBER for n in p) for p in pairs):
        raise inner.wrong("pairs", pairs, "a list of pairs of whole numbers")
    return Connections((indices[0], indices[1]), tuple((a, b) for a, b in pairs))
