"""Filters of which not all pairs of maps are connected: kept one entry a connection, computed with as a full array."""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.sized import Sized
from slidesum.laws.parameters import stored_shape
from slidesum.run.backend import Array, Backend


def full_filters(backend: Backend, sized: Sized, filters: Sequence[Array]) -> list[Array]:
    """The filters in the shapes that the equation says, with zeros where no connection is."""
    return [
        x if stored_shape(sized, number) == sized.shapes[number] else _spread(backend, sized, number, x)
        for (number, _), x in zip(sized.numbered_filters, filters, strict=True)
    ]


def _spread(backend: Backend, sized: Sized, number: int, kept: Array) -> Array:
    wired = sized.connections
    assert wired is not None
    shape = sized.shapes[number]
    nowhere = len(wired.pairs)
    where = {pair: k for k, pair in enumerate(wired.pairs)}
    cells = [where.get((a, b), nowhere) for a in range(shape[0]) for b in range(shape[1])]
    with_zero = backend.pad(kept, 0, 0, 1, 0)
    return backend.reshape(backend.take(with_zero, 0, cells), shape)
