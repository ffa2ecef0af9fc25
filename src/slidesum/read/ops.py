"""Every kind of layer as the fields of a JSON object, and back: one `match` a direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slidesum.core.network import Node
from slidesum.core.ops import (
    COMBINATIONS,
    FUNCTIONS,
    OPTIONS,
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Op,
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sizes import Size
from slidesum.errors import FileError
from slidesum.laws.layer import arrays_read
from slidesum.read.fields import LARGEST_NUMBER, Fields, is_integer, is_real
from slidesum.read.layer import MOST_AXES, MOST_PAIRS, border_in, border_out, layer_out, read_equation, size_in, size_out

Shapes = Sequence[tuple[Size, ...]]

OPS = (
    "input",
    "stored",
    "equation",
    "activation",
    "elementwise",
    "add",
    "dropout",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "local_response_norm",
    "softmax",
    "concat",
    "slice",
    "take",
    "pad",
    "reshape",
    "distance",
    "opaque",
)
MOST_ARRAYS = 1000


def write_op(node: Node) -> dict[str, Any]:
    """The fields that tell what a layer does; those that have their default are left out."""
    match node.op:
        case Input(names):
            return {"op": "input", "axes": list(names), "shape": _shape_out(node.shape)}
        case Stored(shape, trainable):
            return {"op": "stored", "shape": _shape_out(shape), **_unless(True, trainable=trainable)}
        case Layer() as op:
            return {"op": "equation", **layer_out(op)}
        case Activation(function, options):
            return {"op": "activation", "function": function, **({"options": list(options)} if options else {})}
        case Elementwise(combination):
            return {"op": "elementwise", "function": combination}
        case Add():
            return {"op": "add"}
        case Dropout(rate):
            return {"op": "dropout", "rate": rate}
        case BatchNorm(axis, epsilon, affine):
            return {"op": "batch_norm", "axis": axis, "epsilon": epsilon, **_unless(True, affine=affine)}
        case LayerNorm(axes, epsilon, scale, shift, centred):
            told = _unless(True, scale=scale, shift=shift, centred=centred)
            return {"op": "layer_norm", "axes": list(axes), "epsilon": epsilon, **told}
        case GroupNorm(groups, epsilon, affine):
            return {"op": "group_norm", "groups": groups, "epsilon": epsilon, **_unless(True, affine=affine)}
        case LocalResponseNorm(span, alpha, beta, k, axis):
            return {"op": "local_response_norm", "size": span, "alpha": alpha, "beta": beta, "k": k, "axis": axis}
        case Softmax(axis):
            return {"op": "softmax", "axis": axis}
        case Concat(axis):
            return {"op": "concat", "axis": axis}
        case Slice(axis, start, stop, step):
            return {"op": "slice", "axis": axis, "start": size_out(start), "stop": size_out(stop), "step": step}
        case Take(axis, cells):
            return {"op": "take", "axis": axis, "cells": list(cells)}
        case Pad(pairs, border):
            beyond = {} if border == "zero" else {"border": border_out(border)}
            return {"op": "pad", "cells": [_shape_out(pair) for pair in pairs], **beyond}
        case Reshape(shape):
            return {"op": "reshape", "shape": _shape_out(shape)}
        case Distance(centres):
            return {"op": "distance", "centres": [list(map(_short, row)) for row in centres]}
        case Opaque(kind, shape, arrays):
            kept = {"arrays": {name: _shape_out(one) for name, one in arrays}} if arrays else {}
            return {"op": "opaque", "kind": kind, "shape": _shape_out(shape), **kept}


def read_op(fields: Fields, before: Shapes) -> Op:
    """What the layer does; `before` are the shapes of its inputs."""
    op = fields.choice("op", OPS)
    found = _read(op, fields, before)
    least, most = arrays_read(found)
    if not least <= len(before) <= (MOST_ARRAYS if most is None else most):
        raise _wrong_number(fields, op, len(before), least, most)
    return found


def _wrong_number(fields: Fields, op: str, found: int, least: int, most: int | None) -> FileError:
    numbers = ("no inputs", "one input", "two inputs")
    wanted = numbers[least] if least == most else "at least one input"
    return FileError(f"{fields.where}: {found} inputs for the op {op!r}", advice=f"Give it {wanted}.")


def _read(op: str, fields: Fields, before: Shapes) -> Op:
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
        case "stored":
            return Stored(_shape(fields), _flag(fields, "trainable"))
        case "equation":
            return read_equation(fields)
        case "activation":
            function = fields.choice("function", FUNCTIONS)
            return Activation(function, _options(fields, len(OPTIONS.get(function, ()))))
        case "elementwise":
            return Elementwise(fields.choice("function", COMBINATIONS))
        case "add":
            return Add()
        case "dropout":
            rate = fields.number("rate")
            if not 0 <= rate < 1:
                raise fields.wrong("rate", rate, "a number from 0 to below 1")
            return Dropout(rate)
        case "batch_norm":
            return BatchNorm(_axis(fields, op, before), fields.number("epsilon"), _flag(fields, "affine"))
        case "layer_norm":
            axes = fields.array("axes", longest=MOST_AXES)
            if not axes or not all(is_integer(axis) and abs(axis) <= MOST_AXES for axis in axes):
                raise fields.wrong("axes", axes, "a list of whole numbers")
            flags = (_flag(fields, name) for name in ("scale", "shift", "centred"))
            return LayerNorm(tuple(axes), fields.number("epsilon"), *flags)
        case "group_norm":
            return GroupNorm(fields.integer("groups", least=1), fields.number("epsilon"), _flag(fields, "affine"))
        case "local_response_norm":
            alpha, beta, k = fields.number("alpha"), fields.number("beta"), fields.number("k")
            return LocalResponseNorm(fields.integer("size", least=1), alpha, beta, k, _axis(fields, op, before))
        case "softmax":
            return Softmax(_axis(fields, op, before))
        case "concat":
            return Concat(_axis(fields, op, before))
        case _:
            return _read_moved(op, fields, before)


def _read_moved(op: str, fields: Fields, before: Shapes) -> Op:
    match op:
        case "slice":
            start, stop = (size_in(fields, name, fields.take(name)) for name in ("start", "stop"))
            return Slice(_axis(fields, op, before), start, stop, fields.integer("step", least=1))
        case "take":
            cells = fields.array("cells", longest=MOST_PAIRS)
            if not all(is_integer(cell) and 0 <= cell <= LARGEST_NUMBER for cell in cells):
                raise fields.wrong("cells", cells, "a list of whole numbers from 0")
            return Take(_axis(fields, op, before), tuple(cells))
        case "pad":
            pairs = fields.array("cells", longest=MOST_AXES)
            if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
                raise fields.wrong("cells", pairs, "a list of pairs [before, after], one an axis")
            border = border_in(fields, fields.maybe("border", "zero"))
            return Pad(tuple((_cells(fields, a), _cells(fields, b)) for a, b in pairs), border)
        case "reshape":
            return Reshape(_shape(fields, may_be_open=True))
        case "distance":
            rows = fields.array("centres", longest=MOST_PAIRS)
            if not all(isinstance(row, list) and row and all(map(is_real, row)) for row in rows):
                raise fields.wrong("centres", rows, "a list of lists of numbers")
            return Distance(tuple(tuple(float(v) for v in row) for row in rows))
        case _:
            arrays = fields.maybe("arrays", {})
            if not isinstance(arrays, dict) or len(arrays) > MOST_ARRAYS:
                raise fields.wrong("arrays", arrays, 'an object such as {"w": [64, 3]}')
            inner = {name: Fields(f"{fields.where}: the array {name!r}", {"shape": shape}) for name, shape in arrays.items()}
            return Opaque(fields.text("kind", longest=200), _shape(fields), tuple((n, _shape(f)) for n, f in inner.items()))


def read_shape(fields: Fields, rank: int) -> tuple[Size, ...]:
    """The shape of an input of `rank` axes."""
    found = _shape(fields)
    if len(found) != rank:
        raise fields.wrong("shape", list(found), f"a list of {rank} sizes, one an axis")
    return found


# Details


def _shape_out(shape: Sequence[Size]) -> list[int | str]:
    return [size_out(n) for n in shape]


def _shape(fields: Fields, *, may_be_open: bool = False) -> tuple[Size, ...]:
    entries = fields.array("shape", longest=MOST_AXES)
    return tuple(-1 if may_be_open and is_integer(n) and n == -1 else size_in(fields, "shape", n) for n in entries)


def _cells(fields: Fields, value: Any) -> Size:
    """Cells of a padding, which crops where they are negative."""
    if is_integer(value) and -LARGEST_NUMBER <= value < 0:
        return int(value)
    return size_in(fields, "cells", value)


def _options(fields: Fields, count: int) -> tuple[float, ...]:
    values = fields.array("options", longest=count) if count else []
    if len(values) != count or not all(map(is_real, values)):
        raise fields.wrong("options", values, f"a list of {count} numbers")
    return tuple(map(float, values))


def _flag(fields: Fields, name: str) -> bool:
    value = fields.maybe(name, True)
    if not isinstance(value, bool):
        raise fields.wrong(name, value, "true or false")
    return value


def _unless(default: bool, **flags: bool) -> dict[str, bool]:
    return {name: value for name, value in flags.items() if value != default}


def _axis(fields: Fields, op: str, before: Shapes) -> int:
    axis = fields.integer("axis")
    if not before:
        raise _wrong_number(fields, op, 0, 1, None if op == "concat" else 1)
    rank = len(before[0])
    if not -rank <= axis < rank:
        raise fields.wrong("axis", axis, f"a number from 0 to {rank - 1}" if rank else "no axis: the input has none")
    return axis


def _short(value: float) -> float | int:
    """1.0 as 1: the reader makes floating numbers of all."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
