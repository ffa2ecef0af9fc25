"""Winograd's transforms: m outputs of r taps from n = m + r - 1 products, where the sum itself takes m·r.

    y = Aᵀ [(G g) ⊙ (Bᵀ d)]        d: n inputs, g: r taps; along two axes, both are applied on both sides

Filters and inputs are read as polynomials, and their values at n - 1 points and at infinity are multiplied (Winograd 1980; Lavin
and Gray 2016, section 4). Which points decides how it rounds: small ones, in pairs ±a, which also share their sums.

>>> found = transforms(2, 3)
>>> [[int(value) for value in row] for row in found.output], len(found.filters), len(found.inputs)
([[1, 1, 1, 0], [0, 1, -1, 1]], 4, 4)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body

Array = Any
Matrix = tuple[tuple[Fraction, ...], ...]
AT_ONCE = 2**14
"""Weights that are transformed at a time."""
POINTS = tuple(Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2"))


@dataclass(frozen=True)
class Transforms:
    """The matrices Aᵀ (m × n), G (n × r) and Bᵀ (n × n)."""

    output: Matrix
    filters: Matrix
    inputs: Matrix

    def __iter__(self) -> Iterator[Matrix]:
        return iter((self.output, self.filters, self.inputs))


@lru_cache(maxsize=16)
def transforms(outputs: int, taps: int) -> Transforms:
    """The transforms of so many outputs and taps."""
    n = outputs + taps - 1
    points = POINTS[: n - 1]
    last = tuple(Fraction(k == outputs - 1) for k in range(outputs))
    a = [*(tuple(p**k for k in range(outputs)) for p in points), last]
    g, b = [], []
    for p in points:
        others = [q for q in points if q != p]
        scale = prod((p - q for q in others), start=Fraction(1))
        g.append(tuple(p**k / scale for k in range(taps)))
        b.append((*_polynomial(others), Fraction(0)))
    g.append(tuple(Fraction(k == taps - 1) for k in range(taps)))
    b.append(_polynomial(points))
    return Transforms(tuple(zip(*a, strict=True)), tuple(g), tuple(b))


def _polynomial(roots: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of the product of (x - root), from the constant on."""
    made = [Fraction(1)]
    for root in roots:
        made = [low - root * high for low, high in zip([Fraction(0), *made], [*made, Fraction(0)], strict=True)]
    return tuple(made)


def numbers(matrix: Matrix, dtype: str = "float64") -> Array:
    """The matrix as an array."""
    return np.array([[float(value) for value in row] for row in matrix], dtype)


def transformed_filters(w: Array, outputs: int) -> Array:
    """G w Gᵀ for every filter and map: (filter, …, r, r) to (n, n, filter, …), computed in double precision.

    Some filters at a time: the intermediate results of all of them would take several times the memory of what is made.
    """
    n, g = outputs + w.shape[-1] - 1, numbers(transforms(outputs, w.shape[-1]).filters)
    made = np.empty((n, n, *w.shape[:-2]), np.float32)
    for some in _parts(w):
        made[:, :, some] = np.einsum("ik,...kl,jl->ij...", g, w[some].astype(np.float64), g, optimize=True)
    return made


def relative_error(w: Array, outputs: int, seed: int = 0) -> float:
    """The relative L2 error of these filters (o, c, r, r) on random inputs: all in float32, against the sum in double precision."""
    found, taps = transforms(outputs, w.shape[-1]), w.shape[-1]
    n, tiles = outputs + taps - 1, 2
    x = np.maximum(np.random.default_rng(seed).standard_normal((tiles, w.shape[1], n, n)), -0.5).astype(np.float32)
    b, a = numbers(found.inputs, "float32"), numbers(found.output, "float32")
    v = (b @ x @ b.T).transpose(2, 3, 1, 0).reshape(n * n, w.shape[1], tiles)
    views = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (taps, taps), axis=(2, 3))
    wrong = whole = 0.0
    for some in _parts(w):
        own = w[some]
        m = transformed_filters(own, outputs).reshape(n * n, *own.shape[:2]) @ v
        y = (a @ m.reshape(n, n, -1).transpose(2, 0, 1) @ a.T).reshape(len(own), tiles, outputs, outputs)
        exact = np.tensordot(own.astype(np.float64), views, ([1, 2, 3], [1, 4, 5]))
        wrong, whole = wrong + float(np.square(y - exact).sum()), whole + float(np.square(exact).sum())
    return math.sqrt(wrong / (whole + 1e-300))


def _parts(w: Array) -> Iterator[slice]:
    """Some filters after the other, of a few million bytes in frequencies."""
    at_once = max(1, AT_ONCE * len(w) // max(1, w.size))
    return (slice(begin, begin + at_once) for begin in range(0, len(w), at_once))


def applied(body: Body, matrix: Matrix, values: Sequence[Value]) -> list[Value]:
    """The matrix times a list of vectors; what two columns or two rows have in common is summed once."""
    rows, given = _paired_columns(body, [list(row) for row in matrix], list(values))
    made: dict[int, Value] = {}
    for i, row in enumerate(rows):
        partner = next((k for k in range(i + 1, len(rows)) if _mirrored(row, rows[k])), None)
        if i in made or partner is None:
            continue
        even = _sum(body, [v if v == other else Fraction(0) for v, other in zip(row, rows[partner], strict=True)], given)
        odd = _sum(body, [v if v != other else Fraction(0) for v, other in zip(row, rows[partner], strict=True)], given)
        made[i], made[partner] = body.builder.fadd(even, odd), body.builder.fsub(even, odd)
    return [made[i] if i in made else _sum(body, row, given) for i, row in enumerate(rows)]


def _mirrored(a: Sequence[Fraction], b: Sequence[Fraction]) -> bool:
    """Whether two rows are the same but for signs, with something equal and something opposite."""
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x or y]
    return all(abs(x) == abs(y) for x, y in pairs) and any(x == y for x, y in pairs) and any(x != y for x, y in pairs)


def _paired_columns(body: Body, rows: list[list[Fraction]], values: list[Value]) -> tuple[list[list[Fraction]], list[Value]]:
    """Where two columns are mirrored, their sum and their difference in their place."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    taken: set[int] = set()
    for j, column in enumerate(columns):
        partner = next((k for k in range(j + 1, len(columns)) if k not in taken and _mirrored(column, columns[k])), None)
        if j in taken or partner is None or len(rows) == len(columns):
            continue
        taken |= {j, partner}
        total, difference = body.builder.fadd(values[j], values[partner]), body.builder.fsub(values[j], values[partner])
        values[j], values[partner] = total, difference
        same = [x == y for x, y in zip(column, columns[partner], strict=True)]
        columns[j], columns[partner] = (
            [x if s else Fraction(0) for x, s in zip(column, same, strict=True)],
            [Fraction(0) if s else x for x, s in zip(column, same, strict=True)],
        )
    return [list(row) for row in zip(*columns, strict=True)], values


def _sum(body: Body, factors: Sequence[Fraction], values: Sequence[Value]) -> Value:
    """The sum of values times factors."""
    total = None
    for factor, value in sorted(zip(factors, values, strict=True), key=lambda pair: abs(pair[0]) != 1):
        if factor == 0:
            continue
        if total is None:
            total = value if factor == 1 else body.builder.fneg(value) if factor == -1 else _times(body, value, factor)
        elif factor == 1:
            total = body.builder.fadd(total, value)
        elif factor == -1:
            total = body.builder.fsub(total, value)
        else:
            total = body.multiply_add(value, body.constant(float(factor)), total)
    return body.zeros() if total is None else total


def _times(body: Body, value: Value, factor: Fraction) -> Value:
    return body.builder.fmul(value, body.constant(float(factor)))
