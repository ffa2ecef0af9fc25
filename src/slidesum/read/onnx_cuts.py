"""What takes some cells of an axis in ONNX, or takes them in another order: Split, Slice, Gather.

One range of cells is a slice, any other order a take. The samples of the batch stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slidesum.core.ops import Slice, Take
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Translator, Unknown

MOST_CELLS = 2**20
"""Cells that are named one by one."""


def split(build: Build, call: Call) -> list[Tensor | None]:
    """Split: neighbouring parts of an axis, those that are read."""
    x = build.tensor(call, 0)
    axis = int(call.get("axis", 0)) % len(x.shape)
    told, count = build.integers(call, "split", 1), len(call.outputs)
    extent = int(x.shape[axis])
    size = -(-extent // max(1, int(call.get("num_outputs", count))))
    sizes = told or [min(size, extent - size * k) for k in range(count)]
    if sum(sizes) != extent or len(sizes) != count or min(sizes) < 0:
        raise Unknown(f"it cuts {extent} cells into {tuple(sizes)}")
    found, start = list[Tensor | None](), 0
    for number, n in enumerate(sizes):
        wanted = bool(call.outputs[number] and build.uses.get(call.outputs[number]))
        found.append(cut(build, call, x, axis, start, start + n, part=f"part{number + 1}") if wanted else None)
        start += n
    return found


def cut(build: Build, call: Call, x: Tensor, axis: int, start: int, stop: int, step: int = 1, part: str = "") -> Tensor:
    """Some cells of an axis; all of them are no layer."""
    extent = int(x.shape[axis])
    if (start, stop, step) == (0, extent, 1):
        return x
    if build.grows(extent):
        raise Unknown("it takes samples out of the batch")
    return build.put(call, Slice(axis, start, stop, step), x, part=part)


def slice_(build: Build, call: Call) -> Tensor:
    """Slice: from, to and step by axis; backwards it is a take."""
    x = build.tensor(call, 0)
    starts, ends = build.integers(call, "starts", 1), build.integers(call, "ends", 2)
    if starts is None or ends is None:
        raise Unknown("its bounds are missing")
    places = build.integers(call, "axes", 3) or tuple(range(len(starts)))
    steps = build.integers(call, "steps", 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(places) == len(steps) or 0 in steps:
        raise Unknown("its bounds differ in number")
    for number, (start, end, axis, step) in enumerate(zip(starts, ends, places, steps, strict=True)):
        place = axis % len(x.shape)
        extent = int(x.shape[place])
        part = "" if number == len(starts) - 1 else f"axis{place}"
        low, high, _ = slice(start, end if step > 0 or end >= -extent else None, step).indices(extent)
        if step > 0:
            x = cut(build, call, x, place, low, max(low, high), step, part=part)
        else:
            x = taken(build, call, x, place, range(low, high, step), part)
    return x


def gather(build: Build, call: Call) -> Tensor:
    """Gather with constant cells."""
    cells = build.given(call, 1)
    if isinstance(cells, Tensor):
        raise Unknown("a look-up in a table is no equation")
    x = build.tensor(call, 0)
    axis = int(call.get("axis", 0)) % len(x.shape)
    extent = int(x.shape[axis])
    if cells.numbers.size > MOST_CELLS:
        raise Unknown(f"it takes {cells.numbers.size:,} cells one by one")
    flat = [int(c) for c in np.ravel(cells.numbers)]
    if any(not -extent <= c < extent for c in flat):
        raise Unknown("it takes cells that aren't there")
    shape = (*(int(n) for n in x.shape[:axis]), *cells.shape, *(int(n) for n in x.shape[axis + 1 :]))
    part = "" if len(cells.shape) == 1 else "cells"
    y = cut(build, call, x, axis, flat[0] % extent, flat[0] % extent + 1, part=part) if len(flat) == 1 else None
    return build.reshaped(call, y or taken(build, call, x, axis, [c % extent for c in flat], part), shape)


def taken(build: Build, call: Call, x: Tensor, axis: int, cells: Sequence[int], part: str = "") -> Tensor:
    """These cells of an axis, in this order."""
    if len(cells) > MOST_CELLS:
        raise Unknown(f"it takes {len(cells):,} cells one by one")
    if list(cells) == list(range(int(x.shape[axis]))):
        return x
    if build.grows(int(x.shape[axis])):
        raise Unknown("it reorders the samples of the batch")
    return build.put(call, Take(axis, tuple(int(c) for c in cells)), x, part=part)


CUTS: dict[str, Translator] = {"Split": split, "Slice": slice_, "Gather": gather}
