"""dask: an equation on chunked arrays, one task a block of the result.

1  the result is cut along the operands' chunks, and further where a block is larger than the budget (`run/blocks.py`)
2  for every block the cells that it reads are looked up (`laws/blocks.py`), and cut out of the chunks that hold them
3  one task lays these pieces together, puts the border around them and computes the smaller equation with NumPy
4  where summed indices are cut, partial results are combined, eight at a time

Of neighbouring chunks a block gets the halo only. Nothing is computed until dask is asked to.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.core.axis import Axis, Merged, Name, One, indices
from slidesum.core.equation import Equation, Operand, Reduce
from slidesum.core.sized import Sized
from slidesum.laws.blocks import Block, Box, Reading, Span, block
from slidesum.run.blocks import Cuts, Parts, cuts, spans
from slidesum.run.border import filling
from slidesum.run.compute import DEFAULT, Options, compute, plan_for
from slidesum.run.dask_tasks import Combine, Compute, Cut, Halo, Layout, Part, Zeros
from slidesum.run.memory import default_budget
from slidesum.run.met import numpy_backend

if TYPE_CHECKING:
    import dask.array as da

MERGED_AT_ONCE = 8
"""How many partial results one task combines."""
HALO = 2
"""Parts of a chunk travel together while they are at most this part of it: a half."""


def evaluate(sized: Sized, arrays: Sequence[Any], bias: Any = None, options: Options = DEFAULT) -> da.Array:
    """The result as a dask array; of `arrays` and `bias` some are dask arrays, the others NumPy's.

    No block reads and writes more than `options.budget` bytes together, as far as the equation can be cut; the default is a quarter
    of the free memory, divided among the threads. What computes a block follows the other options. The chunks of an operand are
    read whole by whoever made it.

    >>> import dask.array as da
    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> x, w = da.arange(8, chunks=4), np.array([1, 1, 1])
    >>> y = evaluate(solve(parse("i+u, u -> i"), [(8,), (3,)], padding="same"), [x, w])
    >>> y.chunks, y.compute()
    (((4, 4),), array([ 1,  3,  6,  9, 12, 15, 18, 13]))
    """
    import dask.array as da

    operands = [x if isinstance(x, da.Array) else da.from_array(x, chunks=-1) for x in arrays]
    dtype = _result_dtype(sized.equation.reduce, [x.dtype for x in operands])
    itemsizes = [*(x.dtype.itemsize for x in operands), dtype.itemsize]
    budget = _share() if options.budget is None else options.budget
    cut = cuts(sized, [x.chunks for x in operands], itemsizes, budget)
    if options.force:
        plan_for(numpy_backend(), sized, dtype.itemsize, dtype.kind, "unwatched", options)  # refuses what can't be forced
    result = _Graph(sized, operands, dtype, cut, replace(options, budget=budget)).array()
    if bias is None:
        return result
    laid = spread(sized)
    return result + (
        evaluate(laid, [bias], options=replace(options, force=None))
        if isinstance(bias, da.Array)
        else compute(numpy_backend(), laid, [bias])
    )


def spread(sized: Sized) -> Sized:
    """The equation that lays the bias along the result: a repeat, but of extent one on the axes where nothing is repeated.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> spread(solve(parse("y[b,(o c),i] = x[b,c,i+u] * w[o,u] + a[o]"), [(2, 4, 9), (3, 3)])).result_shape
    (1, 12, 1)
    """
    bias = sized.equation.bias
    assert bias is not None
    assert sized.bias_shape is not None

    def kept(axis: Axis) -> Axis:
        return axis if isinstance(axis, Name | Merged) and set(indices(axis)) & set(bias.indices) else One()

    result = Operand(sized.equation.result.name, tuple(map(kept, sized.equation.result.axes)))
    laid = replace(
        sized, equation=Equation((bias,), result), shapes=(sized.bias_shape,), bias_shape=None, slides={}, connections=None
    )
    return replace(laid, result_shape=tuple(laid.axis_extent(-1, place, axis) for place, axis in enumerate(result.axes)))


def _result_dtype(reduce: Reduce, dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    common = np.result_type(*dtypes)
    return np.result_type(common, np.float64) if reduce == "mean" and common.kind in "biu" else common


def _share() -> int:
    return max(1, default_budget() // (os.cpu_count() or 1))


# The graph

Key = tuple[Any, ...]
Wanted = tuple[Key, Part | None]
"""A piece of an operand: the key of the chunk, and which part of it (None: all)."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A task in the making: everything but where its pieces come from."""

    block: Block
    layouts: tuple[Layout, ...]
    wanted: tuple[Wanted, ...]


class _Graph:
    """The tasks of one result; `array` is the table of contents."""

    def __init__(self, sized: Sized, operands: list[Any], dtype: np.dtype[Any], cut: Cuts, options: Options) -> None:
        from dask.base import tokenize

        self.sized, self.operands, self.dtype, self.cut, self.options = sized, operands, dtype, cut, options
        self.fillings = _fillings(sized, operands)
        method = (options.force, options.exact)  # not the budget: what memory is free changes no number
        token = tokenize(repr(sized), method, [x.name for x in operands], cut.chunks, sorted(cut.summed.items()))
        self.name, self.halo_name, self.part_name = f"slidesum-{token}", f"slidesum-halo-{token}", f"slidesum-part-{token}"
        self.tasks: dict[Any, Any] = {}
        self.known: dict[Any, Sized] = {}

    def array(self) -> da.Array:
        import dask.array as da
        from dask.highlevelgraph import HighLevelGraph

        along = [spans(parts) for parts in self.cut.chunks]
        partial = [
            dict(zip(self.cut.summed, part, strict=True)) for part in itertools.product(*map(spans, self.cut.summed.values()))
        ]
        planned = {
            at: [self._planned([span[k] for span, k in zip(along, at, strict=True)], part) for part in partial]
            for at in itertools.product(*(range(len(parts)) for parts in self.cut.chunks))
        }
        where = self._cut_out(wanted for plans in planned.values() for plan in plans for wanted in plan.wanted)
        for at, plans in planned.items():
            self.tasks[self.name, *at] = self._combined([self._task(plan, where) for plan in plans])
        graph = HighLevelGraph.from_collections(self.name, self.tasks, dependencies=self.operands)
        return da.Array(graph, self.name, self.cut.chunks, dtype=self.dtype)

    def _planned(self, cells: Sequence[Span], part: Box) -> _Plan:
        found = block(self.sized, cells, part)
        layouts, wanted = list[Layout](), list[Wanted]()
        for number, (x, readings) in enumerate(zip(self.operands, () if found.is_empty else found.reads, strict=False)):
            along = [_pieces(reading, parts) for reading, parts in zip(readings, x.chunks, strict=True)]
            pieces = list(itertools.product(*along))
            for piece in pieces:
                whole = all(p.stop - p.start == parts[k] for (_, k, p), parts in zip(piece, x.chunks, strict=True))
                wanted.append(((x.name, *(k for _, k, _ in piece)), None if whole else tuple(p for _, _, p in piece)))
            shape, places = tuple(reading.extent for reading in readings), tuple(tuple(p[0] for p in piece) for piece in pieces)
            layouts.append(Layout(shape, x.dtype, places, tuple(self._gaps(number, readings))))
        return _Plan(found, tuple(layouts), tuple(wanted))

    def _gaps(self, number: int, readings: Sequence[Reading]) -> Iterator[tuple[Part, complex]]:
        for place, reading in enumerate(readings):
            for low, high in reading.gaps:
                yield (*(slice(None),) * place, slice(low, high)), self.fillings[number, place]

    def _cut_out(self, wanted: Iterable[Wanted]) -> dict[Any, tuple[Key, int | None]]:
        """Tasks that cut parts out of chunks; where each part is then: a key, and its number there if that is a halo.

        Parts that are small together become one task. With a task each, dask would take chunks in an order in which many more of
        them wait in memory for their neighbours; and there would be 26 times as many tasks in three dimensions.
        """
        parts: dict[Key, dict[Any, Part]] = {}
        for key, part in wanted:
            if part is not None:
                parts.setdefault(key, {})[_ends(part)] = part
        rooms = {x.name: math.prod(map(max, x.chunks)) // HALO for x in self.operands}  # the last chunk may be thin
        where: dict[Any, tuple[Key, int | None]] = {}
        for key, found in parts.items():
            room = rooms[key[0]]
            halo: list[Part] = []
            for ends, part in sorted(found.items(), key=lambda item: math.prod(high - low for low, high in item[0])):
                room -= math.prod(high - low for low, high in ends)
                if room >= 0:
                    where[key, ends] = (self.halo_name, *key), len(halo)
                    halo.append(part)
                else:
                    where[key, ends] = (self.halo_name, *key, ends), None
                    self.tasks[where[key, ends][0]] = (Cut(part), key)
            if halo:
                self.tasks[self.halo_name, *key] = (Halo(tuple(halo)), key)
        return where

    def _task(self, plan: _Plan, where: Mapping[Any, tuple[Key, int | None]]) -> Any:
        if plan.block.is_empty:
            return (Zeros(tuple(reading.extent for reading in plan.block.writes), self.dtype),)
        sources = [(key, None) if part is None else where[key, _ends(part)] for key, part in plan.wanted]
        keys = {key: number for number, key in enumerate(dict.fromkeys(key for key, _ in sources))}
        taken = tuple((keys[key], part) for key, part in sources)
        sized, weight = self._shared(plan.block.sized), 1.0
        if self.cut.summed and self.sized.equation.reduce == "mean":
            weight = _summed(sized) / _summed(self.sized)
        return (Compute(sized, plan.layouts, taken, plan.block.writes, self.dtype, self.options, weight), *keys)

    def _combined(self, tasks: list[Any]) -> Any:
        while len(tasks) > 1:
            keys = []
            for task in tasks:
                keys.append((self.part_name, len(self.tasks)))
                self.tasks[keys[-1]] = task
            count = -(-len(keys) // MERGED_AT_ONCE)  # groups of about one size, so that none is of one
            groups = [keys[k * len(keys) // count : (k + 1) * len(keys) // count] for k in range(count)]
            tasks = [(Combine(self.sized.equation.reduce), *group) for group in groups]
        return tasks[0]

    def _shared(self, sized: Sized) -> Sized:
        """Blocks inside the array all have the same equation: it is sent once."""
        return self.known.setdefault((tuple(sized.extents.values()), sized.connections), sized)


def _ends(part: Part) -> tuple[Span, ...]:
    return tuple((p.start, p.stop) for p in part)


def _summed(sized: Sized) -> int:
    """How many values a mean is taken of."""
    return math.prod(sized.extents[name] for name in sized.equation.summed)


Piece = tuple[slice, int, slice]
"""Along one axis: where it lies in the block, the number of the chunk, which part of that chunk."""


@functools.lru_cache(maxsize=4096)
def _pieces(reading: Reading, chunks: Parts) -> tuple[Piece, ...]:
    """What a block reads along one axis, chunk by chunk."""
    edges = list(accumulate(chunks, initial=0))
    found = []
    for run in reading.runs:
        low, high = sorted((run.cell, run.cell + run.step * (run.cells - 1)))
        number = bisect_right(edges, low) - 1
        while low <= high:
            end = min(high + 1, edges[number + 1])
            if low < end:
                found.append(
                    (
                        _place(run.at, run.cell, run.step, run.cells, low, end),
                        number,
                        slice(low - edges[number], end - edges[number]),
                    )
                )
            low, number = end, number + 1
    return tuple(found)


def _place(at: int, cell: int, step: int, count: int, low: int, end: int) -> slice:
    """Where the array's cells from `low` to `end` lie in the block."""
    if step == 0:
        return slice(at, at + count, 1)
    if step > 0:
        return slice(at + low - cell, at + end - cell, 1)
    first, last = at + cell - low, at + cell - (end - 1)  # backwards
    return slice(first, last - 1 if last else None, -1)


def _fillings(sized: Sized, operands: Sequence[da.Array]) -> Mapping[tuple[int, int], complex]:
    """The number beyond the edge, for every padded address. Raises ArrayError where an array can't hold it."""
    backend = numpy_backend()
    return {
        (number, place): filling(backend, sized, slide, operands[number])
        for (number, place), slide in sized.slides.items()
        if number >= 0 and slide.is_padded
    }
