"""What only moves values in ONNX: reordering, reshaping, joining, repeating, padding.

Another order of axes is an equation (`b c i j -> b i j c`), and so are flattening, repeating and pixel shuffling; what can't be
written so keeps its name: concat, pad, reshape.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from slidesum.core.ops import Concat, Pad
from slidesum.core.sized import Border
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Constant, Known, Translator, Unknown
from slidesum.read.onnx_values import FLOATS
from slidesum.read.patterns import COPIES, LETTERS, expanded, flattened, reordered, tiled
from slidesum.read.samples import a_sample_each


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


# Joining, repeating, padding


def concat(build: Build, call: Call) -> Tensor:
    """Concat: arrays behind each other; empty ones are left out."""
    parts = [build.given(call, k) for k in range(len(call.inputs))]
    axis = int(call.get("axis", 1))
    full = [one for one in parts if 0 not in one.shape] or parts[:1]
    held = [build.as_tensor(one, call) for one in full]
    return build.put(call, Concat(axis % len(held[0].shape)), *held) if len(held) > 1 else held[0]


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
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    **dict.fromkeys(("Shape", "Size"), shape_of),
    "ConstantOfShape": filled,
}
