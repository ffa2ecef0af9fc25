"""Layers that aren't equations, explained by their formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core.network import Node
from slidesum.core.ops import Activation, Add, BatchNorm, Concat, Distance, Dropout, LocalResponseNorm, Softmax
from slidesum.run.met import numpy_backend
from slidesum.show.term import Place, Term


def of_other(node: Node, values: Mapping[str, Any], before: Sequence[Any], at: Place) -> dict[str, Any]:
    """What the layer reads, and its formula with the numbers put in."""
    x = before[0]
    read: list[tuple[Place, float, float]]
    equation, reduce = "", "= value"
    match node.op:
        case Activation(function):
            value = float(x[at])
            read, equation, total = (
                [(at, value, value)],
                f"y = {function}(x)",
                float(numpy_backend().apply(function, np.asarray(value))),
            )
        case Dropout():
            value = float(x[at])
            read, equation, total = [(at, value, value)], "y = x outside training", value
        case Add():
            read = [(at, float(a[at]), float(a[at])) for a in before]
            equation, total, reduce = "y = sum of the branches", math.fsum(value for _, value, _ in read), "sum"
        case Concat(axis):
            number, inner = _branch(before, axis, at)
            value = float(before[number][inner])
            read, equation, total = [(inner, value, value)], f"y = branch {number}: {node.inputs[number]}", value
        case BatchNorm(axis, epsilon):
            scale, shift, mean, variance = (
                float(values[f"{node.name}.{n}"][at[axis]]) for n in ("scale", "shift", "mean", "variance")
            )
            value = float(x[at])
            total = (value - mean) / math.sqrt(variance + epsilon) * scale + shift
            read, equation = (
                [(at, value, value)],
                f"y = (x - {mean:.6g}) / sqrt({variance:.6g} + {epsilon:g}) * {scale:.6g} + {shift:.6g}",
            )
        case LocalResponseNorm(size, alpha, beta, k, axis):
            low = at[axis] - size // 2
            near = [_moved(at, axis, c) for c in range(low, low + size) if 0 <= c < x.shape[axis]]
            read = [(cell, float(x[cell]), float(x[cell]) ** 2) for cell in near]
            energy = math.fsum(square for _, _, square in read)
            total, equation = float(x[at]) / (k + alpha * energy) ** beta, f"y = x / ({k:g} + {alpha:g}·{energy:.6g})^{beta:g}"
        case Softmax(axis):
            row = [_moved(at, axis, c) for c in range(x.shape[axis])]
            top = max(float(x[cell]) for cell in row)
            read = [(cell, float(x[cell]), math.exp(float(x[cell]) - top)) for cell in row]
            total, equation = math.exp(float(x[at]) - top) / math.fsum(e for _, _, e in read), "y = exp(x - max) / sum exp(x - max)"
        case Distance(centres):
            pairs = list(enumerate(zip(x[at[0]], centres[at[1]], strict=True)))
            read = [((at[0], k), float(a), (float(a) - c) ** 2) for k, (a, c) in pairs]
            total, equation, reduce = math.fsum(square for _, _, square in read), "y[b,o] = sum of (x[b,f] - centre[o,f])²", "sum"
        case _:
            raise AssertionError(type(node.op).__name__)
    terms = tuple(Term({}, cell, value, (), part, False) for cell, value, part in read)
    return {
        "gist": "not an equation of the notation; computed by its formula",
        "equation": equation,
        "terms": terms,
        "partial_sums": (),
        "bias": None,
        "before": total,
        "reduce": reduce,
    }


def _moved(at: Place, axis: int, cell: int) -> Place:
    return tuple(cell if k == axis % len(at) else place for k, place in enumerate(at))


def _branch(before: Sequence[Any], axis: int, at: Place) -> tuple[int, Place]:
    left = at[axis]
    for number, branch in enumerate(before):
        if left < branch.shape[axis]:
            return number, _moved(at, axis, left)
        left -= branch.shape[axis]
    raise AssertionError("the place was checked")
