"""What only moves values in ONNX: reordering, reshaping, cutting, joining, repeating, padding, resizing.

Another order of axes is an equation (`b c i j -> b i j c`), and so are flattening, repeating and pixel shuffling; what can't be
written so keeps its name: concat, slice, take, pad, reshape.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from slidesum.core.ops import Concat, Pad, Slice, Stored, Take
from slidesum.core.sized import Border
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Constant, Known, Translator, Unknown
from slidesum.read.onnx_resize import maps
from slidesum.read.onnx_values import FLOATS
from slidesum.read.patterns import COPIES, LETTERS, along, axes, expanded, flattened, reordered, tiled
from slidesum.read.samples import a_sample_each

MOST_CELLS = 2**20
"""Cells that are named one by one."""


def same(build: Build, call: Call) -> Known:
    """Identity: the values as they are."""
    return build.given(call, 0)


def cast(build: Build, call: Call) -> Known:
    """Cast: between floating numbers, or from integers to them, the values stay as they are."""
    from onnx import helper

    kind = build.kinds.get(call.inputs[0], 1)
    to = call.get("to") if call.op == "Cast" else build.kinds.get(call.inputs[1], 1)
    whole = (2, 3, 4, 5, 6, 7, 12, 13)
    if (to in FLOATS and kind in (*FLOATS, *whole)) or (kind in whole and to in (6, 7)):
        found = build.given(call, 0)
        if isinstance(found, Tensor):
            return found
        return Constant(found.numbers.astype(helper.tensor_dtype_to_np_dtype(to)), found.name, found.trainable)
    raise Unknown("it rounds, or compares with zero")


# Reordering and reshaping


def transpose(build: Build, call: Call) -> Tensor:
    """Transpose: another order of the axes."""
    x = build.tensor(call, 0)
    rank = len(x.shape)
    order = list(call.get("perm") or range(rank)[::-1])
    if order == list(range(rank)):
        return x
    if sorted(order) != list(range(rank)):
        raise Unknown(f"its order of axes is {order}")
    return build.layer(call, reordered(order), [x])


def reshape(build: Build, call: Call) -> Tensor:
    """Reshape: 0 keeps an extent, -1 is what remains."""
    x = build.tensor(call, 0)
    told = build.integers(call, "shape", 1)
    if told is None:
        raise Unknown("its shape is missing")
    shape = [int(x.shape[k]) if n == 0 and not call.get("allowzero", 0) else n for k, n in enumerate(told) if n or k < len(x.shape)]
    if shape.count(-1) == 1:
        rest = prod(n for n in shape if n != -1)
        if rest == 0 or prod(x.shape) % rest:
            raise Unknown(f"it makes {tuple(told)} of {tuple(x.shape)}")
        shape[shape.index(-1)] = int(prod(x.shape)) // rest
    return shaped(build, call, x, shape)


def flatten(build: Build, call: Call) -> Tensor:
    """Flatten: the axes before one, and those from it on."""
    x = build.tensor(call, 0)
    axis = int(call.get("axis", 1))
    axis = axis + len(x.shape) if axis < 0 else axis
    return shaped(build, call, x, (prod(map(int, x.shape[:axis])), prod(map(int, x.shape[axis:]))))


def shaped(build: Build, call: Call, x: Tensor, shape: Sequence[int]) -> Tensor:
    """A reshape; one that flattens all axes but the first is an equation."""
    rank = len(x.shape)
    if len(shape) == 2 and 3 <= rank <= len(LETTERS) and shape[0] == x.shape[0] and prod(shape) == prod(map(int, x.shape)) > 0:
        return build.layer(call, flattened(rank), [x])
    return build.reshaped(call, x, shape)


def squeeze(build: Build, call: Call) -> Tensor:
    """Squeeze: axes of extent one left out."""
    x = build.tensor(call, 0)
    told = build.integers(call, "axes", 1)
    gone = {n % len(x.shape) for n in told} if told is not None else {k for k, n in enumerate(x.shape) if n == 1}
    if any(x.shape[k] != 1 for k in gone):
        raise Unknown("it squeezes an axis of several cells")
    return build.reshaped(call, x, [int(n) for k, n in enumerate(x.shape) if k not in gone])


def unsqueeze(build: Build, call: Call) -> Tensor:
    """Unsqueeze: axes of extent one put in."""
    x = build.tensor(call, 0)
    told = build.integers(call, "axes", 1) or ()
    rank = len(x.shape) + len(told)
    new = {n % rank for n in told}
    if len(new) < len(told):
        raise Unknown("it names an axis twice")
    left = iter(int(n) for n in x.shape)
    return build.reshaped(call, x, [1 if k in new else next(left) for k in range(rank)])


# Joining and cutting


def concat(build: Build, call: Call) -> Tensor:
    """Concat: arrays behind each other; empty ones are left out."""
    parts = [build.given(call, k) for k in range(len(call.inputs))]
    axis = int(call.get("axis", 1))
    full = [one for one in parts if 0 not in one.shape] or parts[:1]
    held = [build.as_tensor(one, call) for one in full]
    return build.put(call, Concat(axis % len(held[0].shape)), *held) if len(held) > 1 else held[0]


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


# Repeating, padding


def expand(build: Build, call: Call) -> Tensor:
    """Expand: axes of extent one repeated, and new axes in front."""
    x = build.tensor(call, 0)
    told = build.integers(call, "shape", 1) or ()
    rank = max(len(told), len(x.shape))
    was = [1] * (rank - len(x.shape)) + [int(n) for n in x.shape]
    told = (1,) * (rank - len(told)) + tuple(told)
    wanted = [a if b == 1 else b for a, b in zip(was, told, strict=True)]
    if any(a not in (1, b) for a, b in zip(was, wanted, strict=True)):
        raise Unknown(f"it makes {told} of {tuple(was)}")
    x = build.reshaped(call, x, was, part="axes")
    grow = [k for k, (a, b) in enumerate(zip(was, wanted, strict=True)) if a == 1 and build.grows(b)]
    times = {k: n for k, n in enumerate(wanted) if was[k] == 1 != n and k not in grow}
    if times:
        pattern, sizes = expanded(rank, times)
        x = build.layer(call, pattern, [x], sizes=sizes, part="repeated" if grow else "")
    return _a_sample_each(build, call, x, grow[0]) if grow else x


def _a_sample_each(build: Build, call: Call, x: Tensor, axis: int) -> Tensor:
    """A copy for every sample, as many as the first input has that has a batch."""
    found = next(((n.name, n.shape) for n in build.draft.graph.inputs if any(build.grows(int(e)) for e in n.shape)), None)
    if found is None:
        raise Unknown("it repeats for every sample, and no input has a batch")
    name, shape = found
    batch = [k for k, n in enumerate(shape) if build.grows(int(n))]
    return a_sample_each(partial(build.put, call), build.draft.tensor(name), batch, x, axis)


def tile(build: Build, call: Call) -> Tensor:
    """Tile: the whole behind itself."""
    x = build.tensor(call, 0)
    times = build.integers(call, "repeats", 1) or ()
    if len(times) != len(x.shape) or len(times) > len(COPIES):
        raise Unknown("it doesn't say how often for every axis")
    several = {k: n for k, n in enumerate(times) if n != 1}
    if not several:
        return x
    if any(build.grows(n) for n in times):
        grow = [k for k, n in enumerate(times) if build.grows(n)]
        if len(several) > 1 or x.shape[grow[0]] != 1 or times[grow[0]] < 1:
            raise Unknown("it repeats the batch")
        return _a_sample_each(build, call, x, grow[0])
    pattern, sizes = tiled(len(times), several)
    return build.layer(call, pattern, [x], sizes=sizes)


def pad(build: Build, call: Call) -> Tensor:
    """Pad: constant, reflect, edge or wrap; negative pads crop."""
    x = build.tensor(call, 0)
    flat = build.integers(call, "pads", 1) or build.integers(call, "paddings", 1) or ()
    rank, mode = len(x.shape), call.get("mode", "constant")
    places = build.integers(call, "axes", 3) or tuple(range(rank))
    if len(flat) != 2 * len(places):
        raise Unknown(f"its pads are {flat}")
    cells = [(0, 0)] * rank
    for k, place in enumerate(places):
        cells[place % rank] = (flat[k], flat[len(places) + k])
    held = build.maybe(call, 2)
    value = float(call.get("value", 0.0)) if held is None or not np.size(held) else float(np.ravel(held)[0])
    borders: dict[str, Border] = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    border = borders.get(mode, "zero" if value == 0 else value)
    if not any(n for pair in cells for n in pair):
        return x
    return build.put(call, Pad(tuple(cells), border), x)


# Places and maps


def depth_to_space(build: Build, call: Call) -> Tensor:
    """DepthToSpace: maps become places (Shi et al. 2016, section 3.2)."""
    x, n = build.tensor(call, 0), int(call.get("blocksize", 1))
    merged = "(u v c)" if call.get("mode", "DCR") == "DCR" else "(c u v)"
    return build.layer(call, f"b {merged} i j -> b c (i u) (j v)", [x], sizes={"u": n, "v": n})


def space_to_depth(build: Build, call: Call) -> Tensor:
    """SpaceToDepth: places become maps."""
    x, n = build.tensor(call, 0), int(call.get("blocksize", 1))
    merged = "(u v c)" if call.get("mode", "DCR") == "DCR" else "(c u v)"
    return build.layer(call, f"b c (i u) (j v) -> b {merged} i j", [x], sizes={"u": n, "v": n})


def resize(build: Build, call: Call) -> Tensor:
    """Resize: repeated cells, other cells, or every axis times a constant matrix."""
    x = build.tensor(call, 0)
    letters = axes(len(x.shape))
    found = maps(build, call, [int(n) for n in x.shape])
    whole = {
        k: m.shape[0] // m.shape[1]
        for k, m in found.items()
        if m.shape[0] % m.shape[1] == 0 and np.array_equal(m, np.repeat(np.eye(m.shape[1]), m.shape[0] // m.shape[1], axis=0))
    }
    if len(whole) == len(found):
        copies = dict(zip(whole, COPIES, strict=False))
        right = " ".join(f"({n} {copies[k]})" if k in whole else n for k, n in enumerate(letters))
        return (
            build.layer(call, f"{' '.join(letters)} -> {right}", [x], sizes={copies[k]: n for k, n in whole.items()})
            if whole
            else x
        )
    for number, (k, matrix) in enumerate(found.items(), start=1):
        part = "" if number == len(found) else f"axis{number}"
        if ((matrix == 0) | (matrix == 1)).all() and (matrix.sum(1) == 1).all():
            x = taken(build, call, x, k, [int(n) for n in matrix.argmax(1)], part)
            continue
        name = build.names.fresh(build.names.of_call(call, f"matrix{number}"))
        build.values[f"{name}.value"] = matrix.astype(np.float32)
        stored = build.draft.place(name, Stored(tuple(matrix.shape), trainable=False))
        x = build.layer(call, along(letters, k), [x, stored], part=part)
    return x


def shape_of(build: Build, call: Call) -> Constant:
    """Shape, Size: known without the values."""
    shape = [int(n) for n in build.given(call, 0).shape]
    if call.op == "Size":
        return Constant(np.asarray(prod(shape), np.int64))
    start, end = call.get("start", 0), call.get("end")
    return Constant(np.asarray(shape[slice(start, end)], np.int64))


def filled(build: Build, call: Call) -> Constant:
    """ConstantOfShape: one number everywhere; it takes memory only where it is used."""
    shape = tuple(int(n) for n in np.ravel(build.constant(call, 0)))
    if any(n < 0 for n in shape):
        raise Unknown(f"its shape is {shape}")
    value: Any = call.get("value")
    one = np.zeros((), np.float32) if value is None else np.ravel(value)[0]
    return Constant(np.broadcast_to(one, shape))


MOVES: dict[str, Translator] = {
    **dict.fromkeys(("Identity",), same),
    **dict.fromkeys(("Cast", "CastLike"), cast),
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    **dict.fromkeys(("Resize", "Upsample"), resize),
    **dict.fromkeys(("Shape", "Size"), shape_of),
    "ConstantOfShape": filled,
}
