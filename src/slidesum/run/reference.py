"""The definition: what an equation means, in plain nested loops. Slow and obviously right; every other way is tested against it.

For every combination of index values, the product of the operands is put to the cell of the result that the values address. Cells
outside an operand hold what the border says; what falls outside the result is dropped, or added where its border says; cells that
nothing reaches are 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core.axis import Address, Axis, Merged, Name
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized
from slidesum.laws.edge import constant, held


def evaluate(
    sized: Sized,
    arrays: Sequence[np.ndarray[Any, Any]],
    bias: np.ndarray[Any, Any] | None = None,
    order: Iterable[tuple[int, ...]] | None = None,
) -> np.ndarray[Any, Any]:
    """The result, loop by loop.

    `order` visits the combinations of index values (in the order of `sized.equation.indices`) in another order than nested loops
    would: the result is the same sum.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> x, w = np.array([1, 2, 3, 4]), np.array([10, 1])
    >>> evaluate(solve(parse("i+u, u -> i"), [(4,), (2,)]), [x, w])
    array([12, 23, 34])
    """
    equation = sized.equation
    collected: dict[tuple[int | None, ...], list[Any]] = {}
    for values in order or itertools.product(*(range(sized.extents[name]) for name in equation.indices)):
        at = dict(zip(equation.indices, values, strict=True))
        if not _connected(sized, at):
            continue
        cell = _held(sized, -1, equation.result, at)
        if None in cell:
            continue
        product: Any = None
        for number, (operand, array) in enumerate(zip(equation.operands, arrays, strict=True)):
            value = _value(sized, number, operand, array, at)
            product = value if product is None else product * value
        collected.setdefault(cell, []).append(product)
    y = np.zeros(sized.result_shape, _dtype(sized, arrays))
    for cell, terms in collected.items():
        y[cell] = _reduced(equation.reduce, terms)
    if bias is not None:
        y = y + _spread(sized, bias)
    return y


def _value(sized: Sized, number: int, operand: Operand, array: np.ndarray[Any, Any], at: Mapping[str, int]) -> Any:
    """The value read."""
    found = _held(sized, number, operand, at)
    if None not in found:
        return array[found]
    border = sized.slides[number, found.index(None)].border
    if sized.equation.reduce in ("max", "min") and border == "zero":
        return _never_wins(sized.equation.reduce, array.dtype)
    return array.dtype.type(constant(border))


def _held(sized: Sized, number: int, operand: Operand, at: Mapping[str, int]) -> tuple[int | None, ...]:
    """The cell that stands where these values lead, None on an axis where none does."""
    return tuple(held(sized, number, place, _cell(sized, number, place, axis, at)) for place, axis in enumerate(operand.axes))


def _never_wins(reduce: str, dtype: np.dtype[Any]) -> Any:
    """What stands in the border of a maximum or minimum, and comes out only where a window lies in the border altogether."""
    if dtype.kind == "f":
        return dtype.type(-np.inf if reduce == "max" else np.inf)
    return dtype.type(np.iinfo(dtype).min if reduce == "max" else np.iinfo(dtype).max)


def _cell(sized: Sized, number: int, place: int, axis: Axis, at: Mapping[str, int]) -> int:
    match axis:
        case Name(name):
            return at[name]
        case Merged(names):
            cell = 0
            for name in names:
                cell = cell * sized.extents[name] + at[name]
            return cell
        case Address():
            return sized.slides[number, place].cell(at)
        case _:
            return 0


def _connected(sized: Sized, at: Mapping[str, int]) -> bool:
    wired = sized.connections
    return wired is None or (at[wired.indices[0]], at[wired.indices[1]]) in wired.pairs


def _reduced(how: str, terms: list[Any]) -> Any:
    if how in ("max", "min"):
        return getattr(np, how)(terms)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total / len(terms) if how == "mean" else total


def _dtype(sized: Sized, arrays: Sequence[np.ndarray[Any, Any]]) -> np.dtype[Any]:
    common = np.result_type(*arrays)
    return (
        np.result_type(common, np.float64) if sized.equation.reduce == "mean" and not np.issubdtype(common, np.inexact) else common
    )


def _spread(sized: Sized, bias: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bias, at every cell of the result."""
    equation = sized.equation
    assert equation.bias is not None
    y = np.zeros(sized.result_shape, bias.dtype)
    for cell in np.ndindex(*sized.result_shape):
        at: dict[str, int] = {}
        for axis, place in zip(equation.result.axes, cell, strict=True):
            for name in reversed(() if isinstance(axis, Address) else _names(axis)):
                place, at[name] = divmod(place, sized.extents[name])
        y[cell] = bias[tuple(_cell(sized, -2, k, axis, at) for k, axis in enumerate(equation.bias.axes))]
    return y


def _names(axis: Axis) -> tuple[str, ...]:
    match axis:
        case Name(name):
            return (name,)
        case Merged(names):
            return names
        case _:
            return ()
