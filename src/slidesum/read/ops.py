"""Every kind of layer as the fields of a JSON object, and back: one `match` a direction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from slidesum.core.equation import Equation
from slidesum.core.network import Node
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Function,
    Input,
    Layer,
    LocalResponseNorm,
    Op,
    Softmax,
)
from slidesum.core.sized import BORDERS, PADDINGS, Border, Connections
from slidesum.core.sizes import Size, is_number, size, surely_differ
from slidesum.draft.verbs import with_bias
from slidesum.errors import FileError, PatternError, SlidesumError
from slidesum.notation.parse import parse
from slidesum.notation.write import axes, named, pattern
from slidesum.read.fields import LARGEST_NUMBER, Fields, is_integer, is_real, seen

Shapes = Sequence[tuple[Size, ...]]

OPS = (
    "input",
    "equation",
    "activation",
    "batch_norm",
    "local_response_norm",
    "softmax",
    "dropout",
    "concat",
    "add",
    "distance",
)
MOST_AXES = 100
MOST_PAIRS = 2**20
_BEYOND = {"inf": math.inf, "-inf": -math.inf}


def write_op(node: Node) -> dict[str, Any]:
    """The fields that tell what a layer does; those that have their default are left out."""
    match node.op:
        case Input(names):
            return {"op": "input", "axes": list(names), "shape": [size_out(n) for n in node.shape]}
        case Layer() as op:
            return {"op": "equation", **_equation_out(op.equation), **_settings_out(op)}
        case Activation(function):
            return {"op": "activation", "function": function}
        case BatchNorm(axis, epsilon):
            return {"op": "batch_norm", "axis": axis, "epsilon": epsilon}
        case LocalResponseNorm(span, alpha, beta, k, axis):
            return {"op": "local_response_norm", "size": span, "alpha": alpha, "beta": beta, "k": k, "axis": axis}
        case Softmax(axis):
            return {"op": "softmax", "axis": axis}
        case Dropout(rate):
            return {"op": "dropout", "rate": rate}
        case Concat(axis):
            return {"op": "concat", "axis": axis}
        case Add():
            return {"op": "add"}
        case Distance(centres):
            return {"op": "distance", "centres": [list(map(_short, row)) for row in centres]}


def read_op(fields: Fields, before: Shapes) -> Op:
    """What the layer does; `before` are the shapes of its inputs."""
    op = fields.choice("op", OPS)
    least, most = {"input": (0, 0), "concat": (1, 1000), "add": (1, 1000)}.get(op, (1, 1))
    if not least <= len(before) <= most:
        wanted = "no inputs" if most == 0 else "one input" if most == 1 else "at least one input"
        raise FileError(f"{fields.where}: {len(before)} inputs for the op {op!r}", advice=f"Give it {wanted}.")
    match op:
        case "input":
            names = fields.array("axes", longest=MOST_AXES)
            if (
                not names
                or len(set(map(str, names))) != len(names)
                or not all(isinstance(n, str) and n.isidentifier() for n in names)
            ):
                raise fields.wrong("axes", names, 'a list of different names such as ["b", "c", "i", "j"]')
            return Input(tuple(names))
        case "equation":
            return _read_equation(fields)
        case "activation":
            return Activation(fields.choice("function", get_args(Function)))  # type: ignore[arg-type]
        case "batch_norm":
            return BatchNorm(_axis(fields, before), fields.number("epsilon"))
        case "local_response_norm":
            alpha, beta, k = fields.number("alpha"), fields.number("beta"), fields.number("k")
            return LocalResponseNorm(fields.integer("size", least=1), alpha, beta, k, _axis(fields, before))
        case "softmax":
            return Softmax(_axis(fields, before))
        case "dropout":
            rate = fields.number("rate")
            if not 0 <= rate < 1:
                raise fields.wrong("rate", rate, "a number from 0 to below 1")
            return Dropout(rate)
        case "concat":
            axis = _axis(fields, before)
            _refuse_unequal(fields, before, beside=axis % len(before[0]))
            return Concat(axis)
        case "add":
            _refuse_unequal(fields, before, beside=None)
            return Add()
        case _:
            rows = fields.array("centres", longest=MOST_PAIRS)
            if not all(isinstance(row, list) and row and all(map(is_real, row)) for row in rows):
                raise fields.wrong("centres", rows, "a list of lists of numbers")
            return Distance(tuple(tuple(float(v) for v in row) for row in rows))


def read_shape(fields: Fields, rank: int) -> tuple[Size, ...]:
    """The shape of an input of `rank` axes."""
    entries = fields.array("shape", longest=MOST_AXES)
    if len(entries) != rank:
        raise fields.wrong("shape", entries, f"a list of {rank} sizes, one an axis")
    return tuple(_size(fields, "shape", value) for value in entries)


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


# An equation and what stands beside it


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
        found["border"] = _border_out(op.border)
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


def _read_equation(fields: Fields) -> Layer:
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
        _border(fields, fields.maybe("border", "zero")),
        _sizes(fields, "extent"),
        _connections(fields, equation),
    )


def _sizes(fields: Fields, name: str) -> dict[str, Size] | None:
    value = fields.maybe(name, None)
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MOST_AXES:
        raise fields.wrong(name, value, 'an object such as {"o": 64, "u": 3}')
    return {index: _size(fields, name, n) for index, n in value.items()}


def _size(fields: Fields, name: str, value: Any) -> Size:
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


def _border_out(border: Border) -> Any:
    if isinstance(border, str):
        return border
    parts = [border.real, border.imag] if isinstance(border, complex) else [border]
    if any(math.isnan(part) for part in parts):
        raise FileError("a border that is no number (nan) can't be saved", advice="Give it a number.")
    told = [next((name for name, n in _BEYOND.items() if n == part), part) for part in parts]
    return {"real": told[0], "imag": told[1]} if isinstance(border, complex) else told[0]


def _border(fields: Fields, value: Any) -> Border:
    def real(part: Any) -> Any:
        if isinstance(part, str) and part in _BEYOND:
            return _BEYOND[part]
        if is_real(part):
            return part
        raise fields.wrong("border", value, f"{', '.join(BORDERS)}, or a number")

    if isinstance(value, str) and value in BORDERS:
        return value  # type: ignore[return-value]
    if isinstance(value, dict) and set(value) == {"real", "imag"}:
        return complex(real(value["real"]), real(value["imag"]))
    return real(value)  # type: ignore[no-any-return]


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


# Shared checks


def _axis(fields: Fields, before: Shapes) -> int:
    axis, rank = fields.integer("axis"), len(before[0])
    if not -rank <= axis < rank:
        raise fields.wrong("axis", axis, f"a number from 0 to {rank - 1}" if rank else "no axis: the input has none")
    return axis


def _refuse_unequal(fields: Fields, before: Shapes, beside: int | None) -> None:
    for shape in before[1:]:
        agree = len(shape) == len(before[0]) and not any(
            surely_differ(a, b) for k, (a, b) in enumerate(zip(shape, before[0], strict=True)) if k != beside
        )
        if not agree:
            raise FileError(
                f"{fields.where}: the inputs have the shapes {before[0]} and {shape}",
                usual="They meet, and can't.",
                advice="Name inputs of one shape.",
            )


def _short(value: float) -> float | int:
    """1.0 as 1: the reader makes floating numbers of all."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
