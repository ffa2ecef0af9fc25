"""Layers that aren't equations, explained by their formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core import ops
from slidesum.core.network import Node
from slidesum.errors import NetworkError
from slidesum.laws.edge import constant, source
from slidesum.run.met import numpy_backend
from slidesum.show.exact import exact_sum, power, quotient, root, squared
from slidesum.show.term import Place, Term


def of_other(node: Node, values: Mapping[str, Any], before: Sequence[Any], at: Place) -> dict[str, Any]:
    """What the layer reads, and its formula with the numbers put in."""
    x: Any = before[0] if before else np.zeros(())
    read: list[tuple[Place, float, float]]
    origins: Sequence[int] = range(len(before))
    equation, reduce = "", "= value"
    match node.op:
        case ops.Activation(function, options):
            value = float(x[at])
            told = "".join(f", {name}={number:g}" for (name, _), number in zip(ops.OPTIONS.get(function, ()), options, strict=True))
            read, equation, total = (
                [(at, value, value)],
                f"y = {function}(x{told})",
                float(numpy_backend().apply(function, np.asarray(value), options)),
            )
        case ops.Dropout():
            value = float(x[at])
            read, equation, total = [(at, value, value)], "y = x outside training", value
        case ops.Add():
            read = [(at, float(a[at]), float(a[at])) for a in before]
            equation, total, reduce = "y = sum of the branches", exact_sum(value for _, value, _ in read), "sum"
        case ops.Concat(axis):
            number, inner = _branch(before, axis, at)
            value, origins = float(before[number][inner]), (number,)
            read, equation, total = [(inner, value, value)], f"y = branch {number}: {node.inputs[number]}", value
        case ops.Elementwise(function):
            cells = [_repeated(at, array) for array in before]
            read = [(cell, float(array[cell]), float(array[cell])) for cell, array in zip(cells, before, strict=True)]
            total = float(numpy_backend().combine(function, *(np.asarray(value) for _, value, _ in read)))
            equation = f"y = {function} of the two"
        case ops.Slice(axis, start, _, step):
            cell = _moved(at, axis, int(start) + step * at[axis])
            read, equation, total = [(cell, float(x[cell]), float(x[cell]))], "y = x at another place", float(x[cell])
        case ops.Take(axis, cells_taken):
            cell = _moved(at, axis, cells_taken[at[axis]])
            read, equation, total = [(cell, float(x[cell]), float(x[cell]))], "y = x at another place", float(x[cell])
        case ops.Reshape():
            shape = (x.size // math.prod(after), *after) if (after := _numbers(node.shape[1:])) else (x.size,)
            cell = tuple(map(int, np.unravel_index(np.ravel_multi_index(at, shape), x.shape)))
            read, equation, total = [(cell, float(x[cell]), float(x[cell]))], "y = x at another place", float(x[cell])
        case ops.Pad(beside, border):
            sources = [source(c - int(low), n, border) for c, (low, _), n in zip(at, beside, x.shape, strict=True)]
            inside = tuple(c for c in sources if c is not None)
            is_inside = len(inside) == len(at)
            total = float(x[inside] if is_inside else np.real(constant(border)))
            read = [(inside, total, total)] if is_inside else []
            equation = "y = x, or what stands beyond its edge"
        case ops.Stored():
            total = float(values[f"{node.owner}.value"][at])
            read, equation = [(at, total, total)], "y = a stored number"
        case ops.LayerNorm(axes, epsilon, scaled, shifted, centred):
            window = _window(at, x.shape, [axis % x.ndim for axis in axes])
            read, total, equation = _standardised(x, at, window, epsilon, centred)
            own = tuple(at[axis % x.ndim] for axis in axes)
            total, equation = _scaled(values, node, own, total, equation, scaled, shifted)
        case ops.GroupNorm(groups, epsilon, affine):
            size, number = x.shape[1] // groups, at[1]
            first = number // size * size
            window = [cell for cell in _window(at, x.shape, range(1, x.ndim)) if first <= cell[1] < first + size]
            read, total, equation = _standardised(x, at, window, epsilon, True)
            total, equation = _scaled(values, node, (number,), total, equation, affine, affine)
        case ops.Opaque(kind):
            raise NetworkError(
                f"{node.name!r} is {kind}, which slidesum can count and not explain",
                usual="The model it was read from has an operation that is no equation, and none of the other layers known here.",
                advice="Name another layer.",
            )
        case ops.BatchNorm(axis, epsilon, affine):
            names = ("scale", "shift", "mean", "variance") if affine else ("mean", "variance")
            kept = {n: float(values[f"{node.owner}.{n}"][at[axis]]) for n in names}
            scale, shift, mean, variance = kept.get("scale", 1.0), kept.get("shift", 0.0), kept["mean"], kept["variance"]
            value = float(x[at])
            total = quotient(value - mean, root(variance + epsilon)) * scale + shift
            read, equation = (
                [(at, value, value)],
                f"y = (x - {mean:.6g}) / sqrt({variance:.6g} + {epsilon:g}) * {scale:.6g} + {shift:.6g}",
            )
        case ops.LocalResponseNorm(size, alpha, beta, k, axis):
            low = at[axis] - size // 2
            near = [_moved(at, axis, c) for c in range(low, low + size) if 0 <= c < x.shape[axis]]
            read = [(cell, float(x[cell]), squared(float(x[cell]))) for cell in near]
            energy = exact_sum(square for _, _, square in read)
            total, equation = (
                quotient(float(x[at]), power(k + alpha * energy, beta)),
                f"y = x / ({k:g} + {alpha:g}·{energy:.6g})^{beta:g}",
            )
        case ops.Softmax(axis):
            row = [_moved(at, axis, c) for c in range(x.shape[axis])]
            top = max(float(x[cell]) for cell in row)
            read = [(cell, float(x[cell]), math.exp(float(x[cell]) - top)) for cell in row]
            share = quotient(math.exp(float(x[at]) - top), exact_sum(e for _, _, e in read))
            total, equation = share, "y = exp(x - max) / sum exp(x - max)"
        case ops.Distance(centres):
            pairs = list(enumerate(zip(x[at[0]], centres[at[1]], strict=True)))
            read = [((at[0], k), float(a), squared(float(a) - c)) for k, (a, c) in pairs]
            total, equation, reduce = exact_sum(square for _, _, square in read), "y[b,o] = sum of (x[b,f] - centre[o,f])²", "sum"
        case _:
            raise AssertionError(type(node.op).__name__)
    of_several = len(before) > 1  # then a term each, or the one of a concat
    terms = tuple(
        Term({}, cell, value, (), part, False, origins[number] if of_several else 0)
        for number, (cell, value, part) in enumerate(read)
    )
    return {
        "gist": "not an equation of the notation; computed by its formula",
        "equation": equation,
        "terms": terms,
        "partial_sums": (),
        "bias": None,
        "before": total,
        "reduce": reduce,
    }


def _repeated(at: Place, array: Any) -> Place:
    """The cell of an operand that is repeated to the result's shape."""
    return tuple(0 if n == 1 else place for place, n in zip(at[len(at) - array.ndim :], array.shape, strict=True))


def _numbers(shape: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


def _window(at: Place, shape: Sequence[int], axes: Iterable[int]) -> list[Place]:
    """All cells that differ from `at` along these axes only."""
    wide = set(axes)
    return list(itertools.product(*(range(n) if k in wide else (at[k],) for k, n in enumerate(shape))))


def _standardised(
    x: Any, at: Place, window: Sequence[Place], epsilon: float, centred: bool
) -> tuple[list[tuple[Place, float, float]], float, str]:
    """What is read, the value brought to mean 0 and mean square 1, and how."""
    mean = exact_sum(float(x[cell]) for cell in window) / len(window) if centred else 0.0
    read = [(cell, float(x[cell]), squared(float(x[cell]) - mean)) for cell in window]
    square = exact_sum(part for _, _, part in read) / len(window)
    return read, quotient(float(x[at]) - mean, root(square + epsilon)), f"y = (x - {mean:.6g}) / sqrt({square:.6g} + {epsilon:g})"


def _scaled(
    values: Mapping[str, Any], node: Node, own: Place, total: float, equation: str, scaled: bool, shifted: bool
) -> tuple[float, str]:
    scale = float(values[f"{node.owner}.scale"][own]) if scaled else 1.0
    shift = float(values[f"{node.owner}.shift"][own]) if shifted else 0.0
    told = f"{equation} * {scale:.6g}" if scaled else equation
    return total * scale + shift, f"{told} + {shift:.6g}" if shifted else told


def _moved(at: Place, axis: int, cell: int) -> Place:
    return tuple(cell if k == axis % len(at) else place for k, place in enumerate(at))


def _branch(before: Sequence[Any], axis: int, at: Place) -> tuple[int, Place]:
    left = at[axis]
    for number, branch in enumerate(before):
        if left < branch.shape[axis]:
            return number, _moved(at, axis, left)
        left -= branch.shape[axis]
    raise AssertionError("the place was checked")
