"""What takes some cells of an axis, or takes them in another order: splitting, slicing, indexing, flipping, rolling.

One range of cells is a slice, any other order a take. The samples of the batch stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slidesum.core.ops import Slice, Take
from slidesum.draft.verbs import Tensor
from slidesum.read.torch_build import Build, Translator, Unknown, growing, spend
from slidesum.read.torch_program import Call, Extent, Times, Value


def cut(build: Build, call: Call, x: Tensor, axis: int, start: int, stop: int, step: int = 1, part: str = "") -> Tensor:
    """Some cells of an axis; all of them are no layer."""
    extent = int(x.shape[axis])
    if axis in growing(call.x.shape):
        if start == 0 and step == 1 and stop >= extent:
            return x
        raise Unknown("it takes samples out of the batch")
    start, stop = min(start, extent), min(stop, extent)
    return x if (start, stop, step) == (0, extent, 1) else build.put(call, Slice(axis, start, max(start, stop), step), x, part=part)


def split(build: Build, call: Call) -> list[Tensor | None]:
    """split, chunk, tensor_split: neighbouring parts of an axis."""
    axis = call.get("dim", 0) % call.x.rank
    x, found, start = build.tensor(call.x), list[Tensor | None](), 0
    for number, value in enumerate(call.results):
        assert value is not None
        stop = start + build.shape(value)[axis]
        found.append(cut(build, call, x, axis, start, stop, part=f"part{number + 1}") if value in build.used else None)
        start = stop
    return found


def unbind(build: Build, call: Call) -> list[Tensor | None]:
    """Every cell of an axis by itself."""
    axis = call.get("dim", 0) % call.x.rank
    return [
        _selected(build, call, build.tensor(call.x), call.x.shape, axis, k, f"part{k + 1}") if value in build.used else None
        for k, value in enumerate(call.results)
    ]


def select(build: Build, call: Call) -> Tensor:
    """One cell of an axis, which then is gone."""
    axis = call.get("dim") % call.x.rank
    return _selected(build, call, build.tensor(call.x), call.x.shape, axis, call.get("index"), "")


def _selected(build: Build, call: Call, x: Tensor, shape: Sequence[Extent], axis: int, cell: int, part: str) -> Tensor:
    extent = int(x.shape[axis])
    if isinstance(shape[axis], Times):
        raise Unknown("it takes a sample out of the batch")
    cell %= extent
    one = x if extent == 1 else build.put(call, Slice(axis, cell, cell + 1), x, part="/".join(filter(None, (part, "cell"))))
    return build.reshaped(call, one, (*shape[:axis], 1, *shape[axis + 1 :]), (*shape[:axis], *shape[axis + 1 :]), part=part)


def slice_(build: Build, call: Call) -> Tensor:
    """A range of an axis, with a step."""
    axis, step = call.get("dim", 0) % call.x.rank, call.get("step", 1)
    extent = build.shape(call.x)[axis]
    start, stop, _ = slice(_plain(call.get("start")), _plain(call.get("end")), step).indices(extent)
    if isinstance(call.get("end"), Times):
        stop = extent
    return cut(build, call, build.tensor(call.x), axis, start, stop, step)


def narrow(build: Build, call: Call) -> Tensor:
    """So many cells of an axis from a start on."""
    axis, start = call.get("dim") % call.x.rank, call.get("start")
    start %= build.shape(call.x)[axis]
    return cut(build, call, build.tensor(call.x), axis, start, start + _plain(call.get("length")))


def _plain(n: Any) -> Any:
    """A bound of the batch's axis is none at all."""
    return None if isinstance(n, Times) else n


def getitem(build: Build, call: Call) -> Tensor:
    """x[…]: whole numbers, ranges, new axes, an ellipsis, and one list of constant cells."""
    index = call.get("index")
    index = index if isinstance(index, tuple) else (index,)
    named = sum(1 for one in index if one is not None and one is not Ellipsis)
    where = next((k for k, one in enumerate(index) if one is Ellipsis), len(index))
    rest = (slice(None),) * (call.x.rank - named)
    index = (*index[:where], *rest, *index[where + 1 :])
    x, shape, axis = build.tensor(call.x), list(call.x.shape), 0
    final: list[Extent] = []
    for one in index:
        if one is None:
            final.append(1)
            continue
        match one:
            case bool():
                raise Unknown("it is indexed by a truth value")
            case int():
                if isinstance(shape[axis], Times):
                    raise Unknown("it takes a sample out of the batch")
                extent = int(x.shape[axis])
                x = x if extent == 1 else build.put(call, Slice(axis, one % extent, one % extent + 1), x, part="cell")
            case slice():
                start, stop, step = slice(_plain(one.start), _plain(one.stop), one.step).indices(int(x.shape[axis]))
                whole = isinstance(shape[axis], Times) and (start, step) == (0, 1)
                if not whole:
                    if isinstance(shape[axis], Times):
                        raise Unknown("it takes samples out of the batch")
                    x = x if (start, stop, step) == (0, int(x.shape[axis]), 1) else _sliced(build, call, x, axis, start, stop, step)
                final.append(shape[axis] if whole else int(x.shape[axis]))
            case Value() | tuple():
                cells = np.asarray(build.constant(one) if isinstance(one, Value) else one)
                if cells.dtype == bool or sum(isinstance(i, Value | tuple) for i in index) > 1:
                    raise Unknown("it is indexed by several arrays, or by a mask")
                x = _taken(build, call, x, axis, cells.reshape(-1), part="cells" if cells.ndim != 1 else "")
                final += list(cells.shape)
            case _:
                raise Unknown("it is indexed by a computed array")
        axis += 1
    held = tuple(Times(1) if isinstance(n, Times) else 0 for n in call.x.shape)
    now: tuple[Extent, ...] = tuple(shape[k] if isinstance(held[k], Times) else int(n) for k, n in enumerate(x.shape))
    return build.reshaped(call, x, now, final)


def _sliced(build: Build, call: Call, x: Tensor, axis: int, start: int, stop: int, step: int) -> Tensor:
    return build.put(call, Slice(axis, start, max(start, stop), step), x, part="cells")


def _taken(build: Build, call: Call, x: Tensor, axis: int, cells: Any, part: str = "") -> Tensor:
    extent = int(x.shape[axis])
    return build.put(call, Take(axis, tuple(int(c) % extent for c in cells)), x, part=part)


def index_select(build: Build, call: Call) -> Tensor:
    """Constant cells of an axis."""
    axis = call.get("dim") % call.x.rank
    _refuse_batch(call, axis)
    return _taken(build, call, build.tensor(call.x), axis, build.constant(call.get("index")))


def index(build: Build, call: Call) -> Tensor:
    """ATen's x[indices]: None for an axis that stays."""
    given = call.get("indices")
    return getitem(build, Call(call.op, {"self": call.x, "index": tuple(slice(None) if one is None else one for one in given)},
                               call.results, call.place))  # fmt: skip


def flip(build: Build, call: Call) -> Tensor:
    """Axes backwards."""
    x = build.tensor(call.x)
    axes = call.get("dims")
    for number, one in enumerate(axes if isinstance(axes, tuple) else (axes,)):
        axis = one % call.x.rank
        _refuse_batch(call, axis)
        spend(int(x.shape[axis]))
        x = _taken(build, call, x, axis, range(int(x.shape[axis]))[::-1], part="" if number + 1 == len(axes) else f"axis{axis}")
    return x


def roll(build: Build, call: Call) -> Tensor:
    """Axes shifted in a circle."""
    x, shifts, axes = build.tensor(call.x), call.get("shifts"), call.get("dims", ())
    shifts = shifts if isinstance(shifts, tuple) else (shifts,)
    axes = axes if isinstance(axes, tuple) else (axes,)
    if len(axes) != len(shifts):
        raise Unknown("it rolls all axes as one")
    for number, (shift, one) in enumerate(zip(shifts, axes, strict=True)):
        axis = one % call.x.rank
        _refuse_batch(call, axis)
        spend(int(x.shape[axis]))
        cells = np.roll(np.arange(int(x.shape[axis])), shift)
        x = _taken(build, call, x, axis, cells, part="" if number + 1 == len(axes) else f"axis{axis}")
    return x


def _refuse_batch(call: Call, axis: int) -> None:
    if axis in growing(call.x.shape):
        raise Unknown("it reorders the samples of the batch")


OPS: dict[str, Translator] = {
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_chunk", "unsafe_split"), split),
    "unbind": unbind,
    "select": select,
    "slice": slice_,
    "narrow": narrow,
    "getitem": getitem,
    "index": index,
    "index_select": index_select,
    "flip": flip,
    "roll": roll,
}
