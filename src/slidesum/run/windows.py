"""Any equation on any backend: pad, view windows, multiply and sum, fold. No loop over positions.

1  every operand is padded where its addresses need it, and every address becomes one axis an index (a view, no copy)
2  all operands now have bare indices only: one einsum, or one reduction for a pooling
3  addresses of the result are folded: what falls on one cell is summed
4  the bias is added, merged axes are merged
"""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.axis import Address, Name, indices
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized
from slidesum.errors import ArrayError, SizeError
from slidesum.run.backend import Array, Backend
from slidesum.run.border import padded

MOST_INDICES = 52
"""As many as einsum has letters."""


def compute(backend: Backend, sized: Sized, arrays: Sequence[Array], bias: Array | None = None) -> Array:
    """The result of an equation; `arrays` have the shapes that `sized` says."""
    result = backend.library(sized, arrays)
    if result is None:
        result = _by_windows(backend, sized, arrays)
    if bias is not None:
        result = result + _laid_along(backend, sized, bias)
    if _is_view(sized):
        result = backend.copied(result)
    return backend.reshape(result, sized.result_shape)


def _is_view(sized: Sized) -> bool:
    """Only places change, no value: what comes out may share memory with x, windows even with each other."""
    return sized.equation.is_pooling and not sized.equation.summed and all(number == 0 for number, _ in sized.slides)


def _by_windows(backend: Backend, sized: Sized, arrays: Sequence[Array]) -> Array:
    equation = sized.equation
    opened = [
        _opened(backend, sized, number, operand, x)
        for number, (operand, x) in enumerate(zip(equation.operands, arrays, strict=True))
    ]
    flat = [name for axis in equation.result.axes for name in indices(axis)]
    if equation.reduce != "sum":
        x, names = opened[0]
        summed = [k for k, name in enumerate(names) if name not in flat]
        if summed:
            _refuse_nothing(sized)
            x = backend.reduce(x, summed, equation.reduce)
        opened = [(x, [name for name in names if name in flat])]
    known = {name for _, names in opened for name in names}
    for name in flat:
        if name not in known:  # on the result only: the values are repeated along it
            opened.append((backend.constant([1] * sized.extents[name], opened[0][0]), [name]))
    label = {name: k for k, name in enumerate(dict.fromkeys((*flat, *(n for _, names in opened for n in names))))}
    if len(label) > MOST_INDICES:
        raise ArrayError(
            f"the equation has {len(label)} indices, and no library sums over more than {MOST_INDICES}",
            advice="Merge axes that always go together, or compute it in two equations.",
        )
    taps = {name for slide in sized.slides.values() for name, _ in slide.taps}.difference(flat)
    y = backend.einsum(
        [(x, [label[n] for n in names]) for x, names in opened],
        [label[n] for n in flat],
        [label[n] for n in label if n in taps],
    )
    return _folded(backend, sized, y)


def _refuse_nothing(sized: Sized) -> None:
    equation = sized.equation
    empty = next((name for name in equation.summed if sized.extents[name] == 0), None)
    if empty:
        raise SizeError(
            f"there is no {equation.reduce} of nothing, and {empty!r} has the extent 0",
            equation.text,
            advice="Give an array that has values along it.",
        )


def _opened(backend: Backend, sized: Sized, number: int, operand: Operand, x: Array) -> tuple[Array, list[str]]:
    """The operand with one axis an index: merged axes split, addresses as windows."""
    names: list[str] = []
    for place, axis in enumerate(operand.axes):
        at = len(names)
        if isinstance(axis, Address):
            slide = sized.slides[number, place]
            x = padded(backend, sized, slide, x, at)
            base = slide.start + slide.padding[0]
            x = backend.windows(x, at, base, [step for _, step in slide.steps], [sized.extents[n] for n, _ in slide.steps])
        elif not isinstance(axis, Name):
            parts = [sized.extents[name] for name in indices(axis)]
            x = backend.reshape(x, [*x.shape[:at], *parts, *x.shape[at + 1 :]])
        names += indices(axis)
    return x, names


def _folded(backend: Backend, sized: Sized, y: Array) -> Array:
    at = 0
    for place, axis in enumerate(sized.equation.result.axes):
        if isinstance(axis, Address):
            slide = sized.slides[-1, place]
            y = backend.fold(y, at, slide.start, [step for _, step in slide.steps], slide.extent)
            at += 1
        else:
            at += len(indices(axis))
    return y


def _laid_along(backend: Backend, sized: Sized, bias: Array) -> Array:
    """The bias with an axis for each axis of the opened result, of extent one where it doesn't run."""
    equation = sized.equation
    assert equation.bias is not None
    names = [name for axis in equation.bias.axes for name in indices(axis)]
    bias = backend.reshape(bias, [sized.extents[name] for name in names])
    places: list[str | None] = []
    for axis in equation.result.axes:
        places += [None] if isinstance(axis, Address) else list(indices(axis))
    order = sorted(range(len(names)), key=lambda k: places.index(names[k]))
    bias = backend.transpose(bias, order)
    return backend.reshape(bias, [sized.extents[place] if place in names else 1 for place in places])
