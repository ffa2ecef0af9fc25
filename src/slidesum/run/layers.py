"""What a layer computes when nothing is being trained: one `match`. Equations are evaluated; the others are a few lines each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slidesum.core.equation import Equation
from slidesum.core.network import Node
from slidesum.core.ops import (
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
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sized import Sized, Slide
from slidesum.errors import NetworkError
from slidesum.notation.parse import parse
from slidesum.run.backend import Array, Backend
from slidesum.run.border import padded
from slidesum.run.execute import evaluate
from slidesum.run.wiring import full_filters


def computed(backend: Backend, node: Node, arrays: Mapping[str, Array], before: Sequence[Array]) -> Array:
    """The result of one layer, from the arrays that it keeps (by their short names: w, bias, scale …) and those that it reads.

    Who computes it often gives its constants as arrays, too: see `constants`.

    Raises NetworkError for a layer that only its name is known of.
    """
    match node.op:
        case Layer() as op:
            assert node.sized is not None
            filters = full_filters(backend, node.sized, [arrays[operand.name] for operand in node.sized.filters])
            bias = arrays["bias"] if op.equation.bias is not None else None
            given = [*before, *filters]
            return evaluate(op.equation, given, bias, op.sizes, padding=op.padding, border=op.border, extent=op.extent)
        case Stored():
            return arrays["value"]
        case Activation(function, options):
            return backend.apply(function, before[0], options)
        case Elementwise(function):
            return backend.combine(function, before[0], before[1])
        case Add():
            return _added(before)
        case Dropout():
            return before[0]
        case BatchNorm() | LayerNorm() | GroupNorm() | LocalResponseNorm() | Softmax():
            return _normalised(backend, node, arrays, before[0])
        case Concat(axis):
            return backend.concat(before, axis)
        case Slice() | Take() | Pad() | Reshape():
            return _moved(backend, node, before[0])
        case Distance(centres):
            x = before[0]
            known = arrays["centres"] if "centres" in arrays else backend.constant(centres, x)
            difference = backend.reshape(x, (x.shape[0], 1, x.shape[1])) - known
            return backend.reduce(difference * difference, [2], "sum")
        case Opaque(kind):
            raise NetworkError(
                f"{node.name!r} is {kind}, which slidesum can count and not compute",
                usual="The model it was read from has an operation that is no equation, and none of the other layers known here.",
                advice="Run the original model, or take a part of the network without it.",
            )
        case Input():
            raise AssertionError("an input isn't computed")


def constants(backend: Backend, node: Node, like: Array) -> dict[str, Array]:
    """The numbers that a layer brings with it, as arrays by the names that `computed` knows them by."""
    return {"centres": backend.constant(node.op.centres, like)} if isinstance(node.op, Distance) else {}


def _added(before: Sequence[Array]) -> Array:
    total = before[0]
    for other in before[1:]:
        total = total + other
    return total


def _normalised(backend: Backend, node: Node, arrays: Mapping[str, Array], x: Array) -> Array:
    match node.op:
        case BatchNorm(axis, epsilon, affine):
            held = {name: _along(backend, array, (axis,), x) for name, array in arrays.items()}
            scale = held["scale"] if affine else 1
            y = (x - held["mean"]) * (scale / (held["variance"] + epsilon) ** 0.5)
            return y + held["shift"] if affine else y
        case LayerNorm(axes, epsilon, scale, shift, centred):
            places = sorted(axis % x.ndim for axis in axes)
            y = _standardised(backend, x, places, epsilon, centred=centred)
            y = y * _along(backend, arrays["scale"], axes, x) if scale else y
            return y + _along(backend, arrays["shift"], axes, x) if shift else y
        case GroupNorm(groups, epsilon, affine):
            grouped = backend.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
            places = list(range(2, x.ndim + 1))
            y = backend.reshape(_standardised(backend, grouped, places, epsilon, centred=True), x.shape)
            return y * _along(backend, arrays["scale"], (1,), x) + _along(backend, arrays["shift"], (1,), x) if affine else y
        case LocalResponseNorm() as op:
            window, padding = response_window(op, x.ndim)
            return responded(op, x, evaluate(window, [x * x], None, {"t": op.size}, padding=padding))
        case Softmax(axis):
            powers = backend.exp(x - _kept(backend, backend.reduce(x, [axis % x.ndim], "max"), [axis % x.ndim], x))
            return powers / _kept(backend, backend.reduce(powers, [axis % x.ndim], "sum"), [axis % x.ndim], x)
        case _:
            raise AssertionError(f"{type(node.op).__name__} doesn't normalise")


def _moved(backend: Backend, node: Node, x: Array) -> Array:
    match node.op:
        case Slice(axis, start, stop, step):
            return x[(*(slice(None),) * (axis % x.ndim), slice(start, stop, step))]
        case Take(axis, cells):
            return backend.take(x, axis % x.ndim, cells)
        case Reshape(shape):
            return backend.reshape(x, [int(n) for n in shape])
        case Pad(cells, border):
            letters = " ".join(f"a{k}" for k in range(x.ndim))
            for place, (low, high) in enumerate(cells):
                slide = Slide((("t", 1),), -low, x.shape[place], (low, high), "t", border)
                identity = Sized(parse(f"{letters} -> {letters}"), {}, (), (), None, {}, border)
                x = padded(backend, identity, slide, x, place)
            return x
        case _:
            raise AssertionError(f"{type(node.op).__name__} computes")


def _standardised(backend: Backend, x: Array, places: Sequence[int], epsilon: float, *, centred: bool) -> Array:
    """Mean 0 and mean square 1 over these axes; uncentred, only the latter."""
    if centred:
        x = x - _kept(backend, backend.reduce(x, places, "mean"), places, x)
    return x / (_kept(backend, backend.reduce(x * x, places, "mean"), places, x) + epsilon) ** 0.5


def response_window(op: LocalResponseNorm, rank: int) -> tuple[Equation, tuple[int, int]]:
    """The neighbouring maps as an equation over t, their number, and its padding."""
    letters = [f"a{k}" for k in range(rank)]
    slid = [f"{name}+t" if k == op.axis else name for k, name in enumerate(letters)]
    below = op.size // 2
    return parse(f"{' '.join(slid)} -> {' '.join(letters)}"), (below, op.size - 1 - below)


def responded(op: LocalResponseNorm, x: Array, energy: Array) -> Array:
    """The values divided by the energy of their window."""
    return x / (op.k + op.alpha * energy) ** op.beta


def _along(backend: Backend, array: Array, axes: Sequence[int], x: Array) -> Array:
    """An array over some axes of x, in their order, shaped so that it meets them."""
    places = [axis % x.ndim for axis in axes]
    if places != sorted(places):
        array = backend.transpose(array, [places.index(place) for place in sorted(places)])
    return backend.reshape(array, [n if k in places else 1 for k, n in enumerate(x.shape)])


def _kept(backend: Backend, reduced: Array, places: Sequence[int], x: Array) -> Array:
    return backend.reshape(reduced, [1 if k in places else n for k, n in enumerate(x.shape)])
