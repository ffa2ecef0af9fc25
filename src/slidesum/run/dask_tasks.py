"""What runs later, and perhaps elsewhere: the tasks of `run/dask.py`. Callables that hold small facts and no array."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.equation import Reduce
from slidesum.core.sized import Sized
from slidesum.laws.blocks import Reading
from slidesum.run.backend import Array
from slidesum.run.compute import Options, compute
from slidesum.run.met import numpy_backend

Part = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a chunk. A small part is copied, so that it doesn't keep the chunk in memory."""

    part: Part

    def __call__(self, chunk: Array) -> Array:
        found = chunk[self.part]
        return found.copy() if 2 * found.size < chunk.size else found


@dataclass(frozen=True, slots=True)
class Halo:
    """The small parts of a chunk that other blocks wait for, together: a scheduler then knows when the chunk is done with."""

    parts: tuple[Part, ...]

    def __call__(self, chunk: Array) -> list[Array]:
        return [chunk[part].copy() for part in self.parts]


@dataclass(frozen=True, slots=True)
class Layout:
    """How pieces are laid together: the place of each, and what stands where no piece lies, axis by axis."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    places: tuple[Part, ...]
    gaps: tuple[tuple[Part, complex], ...]

    def __call__(self, pieces: Sequence[Array]) -> Array:
        if len(pieces) == 1 and pieces[0].shape == self.shape and all(place.step == 1 for place in self.places[0]):
            return np.asarray(pieces[0])  # one piece is all there is
        whole = np.empty(self.shape, self.dtype)
        for place, piece in zip(self.places, pieces, strict=True):
            whole[place] = piece
        for place, value in self.gaps:
            whole[place] = value
        return whole


@dataclass(frozen=True, slots=True)
class Compute:
    """A block of the result: the smaller equation of what the pieces make up, laid where it belongs.

    `taken` says where each piece is: the number of the argument, and which of its parts if that is a halo. `weight` is the share of
    this block in a mean of which it is a part only.
    """

    sized: Sized
    layouts: tuple[Layout, ...]
    taken: tuple[tuple[int, int | None], ...]
    writes: tuple[Reading, ...]
    dtype: np.dtype[Any]
    options: Options
    weight: float = 1

    def __call__(self, *given: Any) -> Array:
        pieces = (given[number] if part is None else given[number][part] for number, part in self.taken)
        arrays = [layout(list(itertools.islice(pieces, len(layout.places)))) for layout in self.layouts]
        made = compute(numpy_backend(), self.sized, arrays, None, self.options)
        return self._laid(made if self.weight == 1 else made * made.dtype.type(self.weight))

    def _laid(self, made: Array) -> Array:
        if all(len(reading.runs) == 1 and not reading.gaps for reading in self.writes):
            return Cut(tuple(slice(run.cell, run.cell + run.cells) for reading in self.writes for run in reading.runs))(made)
        whole = np.zeros([reading.extent for reading in self.writes], self.dtype)
        for runs in itertools.product(*(reading.runs for reading in self.writes)):  # a border may add several to one cell
            here = tuple(slice(run.cell, run.cell + run.cells) for run in runs)
            whole[tuple(slice(run.at, run.at + run.cells) for run in runs)] += made[here]
        return whole


@dataclass(frozen=True, slots=True)
class Zeros:
    """A block that nothing reaches."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __call__(self) -> Array:
        return np.zeros(self.shape, self.dtype)


@dataclass(frozen=True, slots=True)
class Combine:
    """Partial results as one."""

    reduce: Reduce

    def __call__(self, *parts: Array) -> Array:
        functions: dict[str, Callable[..., Array]] = {"max": np.maximum, "min": np.minimum}
        together = functions.get(self.reduce, np.add)
        whole = np.asarray(together(parts[0], parts[1]))  # two numbers give no array
        for part in parts[2:]:
            together(whole, part, out=whole)
        return whole
