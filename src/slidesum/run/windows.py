"""Any equation on any backend: pad, view windows, multiply and sum, fold. No loop over positions.

1  every operand is padded where its addresses need it, and every address becomes one axis an index (a view, no copy)
2  all operands now have bare indices only: one einsum, or one reduction for a pooling
3  addresses of the result are folded: what falls on one cell is summed
4  where the windows would be too large, all but the padding is done piece by piece
"""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.axis import Address, Name, indices
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized
from slidesum.errors import ArrayError, SizeError
from slidesum.laws.edge import REPEATING
from slidesum.run.backend import Array, Backend
from slidesum.run.border import padded, unpadded

MOST_INDICES = 52
"""As many as einsum has letters."""


Ranges = dict[str, tuple[int, int]]
"""Of these indices only the values from, up to."""


def by_windows(backend: Backend, sized: Sized, arrays: Sequence[Array], pieces: Sequence[tuple[str, int]] = ()) -> Array:
    """The result of a normal equation; `pieces` names indices of which only so many values are computed at once."""
    if sized.equation.reduce != "sum":
        _refuse_nothing(sized)
    ready = [padded_along(backend, sized, number, x) for number, x in enumerate(arrays)]
    return _in_pieces(backend, sized, ready, tuple(pieces), {})


def padded_along(backend: Backend, sized: Sized, number: int, x: Array) -> Array:
    """An operand with what stands beyond its edges."""
    for (owner, place), slide in sized.slides.items():
        x = padded(backend, sized, slide, x, place) if owner == number else x
    return x


def _in_pieces(
    backend: Backend, sized: Sized, arrays: Sequence[Array], pieces: tuple[tuple[str, int], ...], ranges: Ranges
) -> Array:
    if not pieces:
        return _product(backend, sized, arrays, ranges)
    (name, count), *more = pieces
    whole = int(sized.extents[name])
    parts = (
        _in_pieces(backend, sized, arrays, tuple(more), {**ranges, name: (first, min(whole, first + count))})
        for first in range(0, whole, count)
    )
    axes = [axis.name if isinstance(axis, Name) else "" for axis in sized.equation.result.axes]
    if name in axes:
        shape = [_extent(sized, n, ranges) if n else int(sized.result_shape[k]) for k, n in enumerate(axes)]
        return backend.stitched(parts, axes.index(name), shape, arrays[0])
    y = next(parts)
    for part in parts:
        y = y + part
    return y


def _extent(sized: Sized, name: str, ranges: Ranges) -> int:
    first, stop = ranges.get(name, (0, int(sized.extents[name])))
    return stop - first


def _product(backend: Backend, sized: Sized, arrays: Sequence[Array], ranges: Ranges) -> Array:
    equation = sized.equation
    opened = [
        _opened(backend, sized, number, operand, x, ranges)
        for number, (operand, x) in enumerate(zip(equation.operands, arrays, strict=True))
    ]
    named = [name for axis in equation.result.axes for name in indices(axis)]
    flat = list(dict.fromkeys(named))
    if equation.reduce != "sum":
        x, names = opened[0]
        summed = [k for k, name in enumerate(names) if name not in flat]
        x = backend.reduce(x, summed, equation.reduce) if summed else x
        opened = [(x, [name for name in names if name in flat])]
    known = {name for _, names in opened for name in names}
    for name in flat:
        if name not in known:  # on the result only: the values are repeated along it
            opened.append((backend.constant([1] * _extent(sized, name, ranges), opened[0][0]), [name]))
    label = {name: k for k, name in enumerate(dict.fromkeys((*flat, *(n for _, names in opened for n in names))))}
    if len(label) > MOST_INDICES:
        raise ArrayError(
            f"the equation has {len(label)} indices, and no library sums over more than {MOST_INDICES}",
            advice="Merge axes that always go together, or compute it in two equations.",
        )
    y = backend.einsum([(x, [label[n] for n in names]) for x, names in opened], [label[n] for n in flat])
    return _folded(backend, sized, _on_diagonals(backend, y, flat, named))


def _on_diagonals(backend: Backend, y: Array, names: list[str], named: list[str]) -> Array:
    """y, which has an axis a name, with an axis for each of `named`: a name that stands there again lies on a diagonal."""
    if names == named:
        return y
    again = [name for name in names for _ in range(named.count(name) - 1)]
    for name in again:
        at = names.index(name)
        n = y.shape[at]
        y = backend.fold(y, at, 0, [n + 1], n * n)
        y = backend.reshape(y, [*y.shape[:at], n, n, *y.shape[at + 1 :]])
        names = [*names[:at], name, *names[at:]]
    places = {name: iter([k for k, other in enumerate(names) if other == name]) for name in names}
    return backend.transpose(y, [next(places[name]) for name in named])


def _refuse_nothing(sized: Sized) -> None:
    equation = sized.equation
    empty = next((name for name in equation.summed if sized.extents[name] == 0), None)
    if empty:
        raise SizeError(
            f"there is no {equation.reduce} of nothing, and {empty!r} has the extent 0",
            equation.text,
            advice="Give an array that has values along it.",
        )


def _opened(backend: Backend, sized: Sized, number: int, operand: Operand, x: Array, ranges: Ranges) -> tuple[Array, list[str]]:
    """The operand, padded already, with one axis an index: addresses as windows."""
    names: list[str] = []
    for place, axis in enumerate(operand.axes):
        at = len(names)
        if isinstance(axis, Address):
            slide = sized.slides[number, place]
            firsts = {n: ranges[n][0] for n in indices(axis) if n in ranges}
            base = int(slide.start + slide.padding[0]) + sum(int(step) * firsts.get(n, 0) for n, step in slide.steps)
            steps = [int(step) for _, step in slide.steps]
            x = backend.windows(x, at, base, steps, [_extent(sized, n, ranges) for n, _ in slide.steps])
        elif isinstance(axis, Name) and axis.name in ranges:
            x = x[(slice(None),) * at + (slice(*ranges[axis.name]),)]
        names += indices(axis)
    return x, names


def _folded(backend: Backend, sized: Sized, y: Array) -> Array:
    at = 0
    for place, axis in enumerate(sized.equation.result.axes):
        if isinstance(axis, Address):
            slide, (low, high) = sized.slides[-1, place], sized.slides[-1, place].padding
            steps = [step for _, step in slide.steps]
            if slide.border in REPEATING:
                y = backend.fold(y, at, slide.start + low, steps, low + slide.extent + high)
                y = unpadded(backend, slide, y, at)
            else:
                y = backend.fold(y, at, slide.start, steps, slide.extent)
            at += 1
        else:
            at += len(indices(axis))
    return y
