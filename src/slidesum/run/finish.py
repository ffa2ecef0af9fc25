"""From the normal form of a result to the result: what is repeated, the axes as they were written, the bias."""

from __future__ import annotations

from collections.abc import Callable

from slidesum.core.axis import Address, indices
from slidesum.core.sized import Sized
from slidesum.plans.step import Plan
from slidesum.run.backend import Array, Backend


def finished(backend: Backend, plan: Plan) -> Callable[[Array], Array] | None:
    """The function normal result -> result without the bias, or None where they are the same."""
    sized = plan.sized
    shape = tuple(int(n) for n in sized.result_shape)
    normal_shape = tuple(int(n) for n in plan.normal.result_shape)
    opened = _opened_shape(sized)
    missing = {name for name in sized.extents if name not in plan.normal.equation.indices}
    with_ones = _opened_shape(sized, missing)
    repeats, copies = with_ones != opened, _is_view(sized)
    if not repeats and not copies and shape == normal_shape:
        return None

    def finish(y: Array) -> Array:
        if repeats:
            y = backend.repeat(backend.reshape(y, with_ones), opened)
        if copies:
            y = backend.copied(y)
        return backend.reshape(y, shape)

    return finish


def biased(backend: Backend, sized: Sized) -> Callable[[Array, Array], Array]:
    """The function (result, bias) -> result + bias, the bias laid along the axes that its equation names."""
    equation = sized.equation
    if equation.bias is None:
        return lambda y, bias: y
    names = [name for axis in equation.bias.axes for name in indices(axis)]
    extents = [int(sized.extents[name]) for name in names]
    places: list[str | None] = []
    for axis in equation.result.axes:
        places += [None] if isinstance(axis, Address) else list(indices(axis))
    order = sorted(range(len(names)), key=lambda k: places.index(names[k]))
    laid = [int(sized.extents[place]) if place in names else 1 for place in places]
    opened, shape = _opened_shape(sized), tuple(int(n) for n in sized.result_shape)

    def add(y: Array, bias: Array) -> Array:
        if order != sorted(order):
            bias = backend.transpose(backend.reshape(bias, extents), order)
        bias = backend.reshape(bias, laid)
        return y + bias if opened == shape else backend.reshape(backend.reshape(y, opened) + bias, shape)

    return add


def _opened_shape(sized: Sized, missing: set[str] | None = None) -> tuple[int, ...]:
    """The result with one axis an index or address; indices that are missing have extent one."""
    shape: list[int] = []
    for place, axis in enumerate(sized.equation.result.axes):
        if isinstance(axis, Address):
            shape.append(int(sized.slides[-1, place].extent))
        else:
            shape += [1 if missing and name in missing else int(sized.extents[name]) for name in indices(axis)]
    return tuple(shape)


def _is_view(sized: Sized) -> bool:
    """Only places change, no value: what comes out may share memory with x, windows even with each other."""
    return sized.equation.is_pooling and not sized.equation.summed and all(number == 0 for number, _ in sized.slides)
