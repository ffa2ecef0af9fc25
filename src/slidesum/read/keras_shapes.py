"""Keras layers that move values without making new ones, and those that merge several results; shapes of layers that stay opaque.

Flatten         b i j c -> b (i j c)          channels first: b c i j -> b (i j c), the same vector
Permute         b i c -> b c i
RepeatVector    b f -> b r f
UpSampling2D    b i j c -> b (i u) (j v) c    the nearest value
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from slidesum.core.ops import Activation, Add, Combination, Concat, Pad, Reshape
from slidesum.core.sizes import Size, is_number, surely_differ, tidy
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import is_integer
from slidesum.read.keras_call import Beyond, Call

POSITIONS, TAPS = ("i", "j", "k"), ("u", "v", "w")

COMBINED: Mapping[str, Combination] = {
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Divide": "divide", "TrueDivide": "divide", "Power": "power",
    "Maximum": "maximum", "Minimum": "minimum",
}  # fmt: skip


def _rank(call: Call) -> int:
    return next(int(c) for c in call.kind if c.isdigit())


def _pairs(call: Call, name: str) -> list[tuple[int, int]]:
    """One pair an axis that slides, however the file shortens it."""
    value, rank = call.fields.take(name), _rank(call)
    if is_integer(value):
        value = [[value, value]] * rank
    if rank == 1 and isinstance(value, list) and len(value) == 2 and all(map(is_integer, value)):
        value = [value]
    if isinstance(value, list):
        value = [[n, n] if is_integer(n) else n for n in value]
    if not isinstance(value, list) or len(value) != rank:
        raise call.fields.wrong(name, value, f"{rank} pairs of whole numbers")
    return [call.pair(name, pair) for pair in value]


def _padded(call: Call, cells: list[tuple[int, int]]) -> Tensor:
    x = call.x
    if len(x.shape) != len(cells) + 2:
        raise ReadError(f"{call.where} reads {x}, and needs {len(cells) + 2} axes", advice="Save the model anew.")
    first = call.fields.maybe("data_format", "channels_last") == "channels_first"
    around: list[tuple[Size, Size]] = [(0, 0), (0, 0), *cells] if first else [(0, 0), *cells, (0, 0)]
    return call.put(Pad(tuple(around)), x)


def zero_padding(call: Call) -> Tensor:
    """Zeros around the positions."""
    return _padded(call, _pairs(call, "padding"))


def cropping(call: Call) -> Tensor:
    """Cells taken away around the positions."""
    return _padded(call, [(-low, -high) for low, high in _pairs(call, "cropping")])


def upsampling(call: Call) -> Tensor:
    """Every value a block of its own."""
    x, rank = call.x, _rank(call)
    if call.fields.maybe("interpolation", "nearest") != "nearest":
        raise Beyond("it interpolates, and only the nearest value is an equation here")
    if len(x.shape) != rank + 2:
        raise ReadError(f"{call.where} reads {x}, and needs {rank + 2} axes", advice="Save the model anew.")
    first = call.fields.maybe("data_format", "channels_last") == "channels_first"
    factors = call.numbers("size", rank)
    many = [f"({i} {u})" if k > 1 else i for i, u, k in zip(POSITIONS, TAPS, factors, strict=False)]
    read, made = (["b", "c", *axes] if first else ["b", *axes, "c"] for axes in (POSITIONS[:rank], many))
    sizes = {u: k for u, k in zip(TAPS, factors, strict=False) if k > 1}
    return call.equation(f"{' '.join(read)} -> {' '.join(made)}", x, sizes=sizes)


def flatten(call: Call) -> Tensor:
    """All axes but the batch become one."""
    x = call.x
    first = call.fields.maybe("data_format", "channels_last") == "channels_first"
    if len(x.shape) < 3:
        return call.put(Reshape((-1, x.shape[1] if len(x.shape) == 2 else 1)), x)
    letters = _letters(len(x.shape), first)
    order = [*letters[2:], letters[1]] if first else letters[1:]
    return call.equation(f"{' '.join(letters)} -> b ({' '.join(order)})", x)


def _letters(rank: int, first: bool = False) -> list[str]:
    places = list(POSITIONS[: rank - 2]) if rank - 2 <= len(POSITIONS) else [f"i{k}" for k in range(rank - 2)]
    return ["b", "c", *places] if first else ["b", *places, "c"][:rank]


def reshape(call: Call) -> Tensor:
    """Another shape of the same values, the batch left alone."""
    value = call.fields.array("target_shape", longest=100)
    return reshaped(call, call.x, value)


def reshaped(call: Call, x: Tensor, target: Sequence[Any]) -> Tensor:
    """x in this shape behind the batch; one extent may be -1."""
    if not all(is_integer(n) and n >= -1 for n in target) or list(target).count(-1) > 1:
        raise ReadError(f"{call.where}: {list(target)} is no shape", advice="Save the model anew.")
    rest: Size = tidy(prod(x.shape[1:]))
    known = prod(n for n in target if n != -1)
    if -1 in target and (not known or (is_number(rest) and rest % known)):
        raise ReadError(f"{call.where}: {rest} values don't fit {list(target)}", advice="Save the model anew.")
    shape = tuple(tidy(rest // known) if n == -1 else n for n in target)
    if surely_differ(tidy(prod(shape)), rest):
        raise ReadError(f"{call.where}: {rest} values don't fit {list(target)}", advice="Save the model anew.")
    return call.put(Reshape((-1, *shape)), x)


def permute(call: Call) -> Tensor:
    """The axes behind the batch in another order."""
    return permuted(call, call.x, [0, *call.numbers("dims", len(call.x.shape) - 1)])


def permuted(call: Call, x: Tensor, order: Sequence[int]) -> Tensor:
    """The axes of x in this order."""
    if sorted(order) != list(range(len(x.shape))):
        raise ReadError(f"{call.where}: {list(order)} is no order of {len(x.shape)} axes", advice="Save the model anew.")
    letters = _letters(len(x.shape)) if len(x.shape) > 2 else ["b", "f"]
    return call.equation(f"{' '.join(letters)} -> {' '.join(letters[k] for k in order)}", x)


def repeat_vector(call: Call) -> Tensor:
    """The vector n times along a new axis."""
    return call.equation("b f -> b r f", call.x, sizes={"r": call.fields.integer("n", least=1)})


def merged(call: Call) -> Tensor:
    """Several results value by value; in an average each counts alike."""
    parts = call.inputs
    if not parts or (call.kind == "Subtract" and len(parts) != 2):
        raise ReadError(f"{call.where} reads {len(parts)} results", advice="Save the model anew.")
    alike = all(part.shape == parts[0].shape for part in parts)
    at = "sum" if call.kind == "Average" else ""
    match call.kind:
        case "Add" | "Average":
            y = call.put(Add(), *parts, at=at) if alike else call.combined("add", *_ranked(call, parts), at=at)
        case _:
            y = call.combined(COMBINED[call.kind], *_ranked(call, parts))
    return call.put(Activation("affine", (1 / len(parts), 0.0)), y) if call.kind == "Average" else y


def _ranked(call: Call, parts: list[Tensor]) -> list[Tensor]:
    """Results of one rank: Keras puts missing axes behind the batch, as ones."""
    rank = max(len(part.shape) for part in parts)
    return [
        part
        if len(part.shape) == rank
        else call.put(Reshape((-1, *[1] * (rank - len(part.shape)), *part.shape[1:])), part, at=f"ones{number}")
        for number, part in enumerate(parts, start=1)
    ]


def concatenated(call: Call) -> Tensor:
    """Results behind each other along an axis."""
    parts = call.inputs
    if not parts:
        raise ReadError(f"{call.where} reads no results", advice="Save the model anew.")
    return call.put(Concat(call.axis(call.fields.maybe("axis", -1), parts[0])), *parts)


def known_shape(call: Call) -> tuple[Size, ...] | None:
    """The shape of what an opaque layer makes, where its class tells it: recurrent layers, embeddings, what keeps the shape."""
    if not call.inputs:
        return None
    shape, options = call.inputs[0].shape, call.fields
    units, many = options.maybe("units", None), options.maybe("return_sequences", False)
    match call.kind:
        case "LSTM" | "GRU" | "SimpleRNN" if is_integer(units) and len(shape) == 3:
            return (*shape[:2], units) if many else (shape[0], units)
        case "Embedding" if is_integer(made := options.maybe("output_dim", None)):
            return (*shape, made)
        case "UnitNormalization" | "SpectralNormalization" | "Masking" | "ReLU" | "Activation" | "Softmax":
            return shape
        case _:
            return None
