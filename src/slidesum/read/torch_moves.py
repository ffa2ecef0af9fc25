"""What only moves values: joining, reordering, reshaping, repeating, padding.

Another order of axes is an equation (`b c i j -> b i j c`), and so are flattening and pixel shuffling; what can't be written so
keeps its name: concat, pad, reshape.
"""

from __future__ import annotations

from functools import partial

from slidesum.core.ops import Concat, Pad
from slidesum.core.sized import Border
from slidesum.draft.verbs import Tensor
from slidesum.read.patterns import LETTERS, axes, expanded, flattened, reordered, tiled
from slidesum.read.samples import a_sample_each
from slidesum.read.torch_build import Build, Translator, Unknown, growing
from slidesum.read.torch_program import Call, Times


def same(build: Build, call: Call) -> Tensor:
    """contiguous, clone, detach …: the values as they are."""
    if call.result.dtype != call.x.dtype and not (call.result.dtype + call.x.dtype).count("float") == 2:
        raise Unknown(f"it makes {call.result.dtype} of {call.x.dtype}")
    return build.tensor(call.x)


def concat(build: Build, call: Call) -> Tensor:
    """Arrays behind each other; old models begin with an empty one."""
    parts = call.get("tensors")
    axis = call.get("dim", 0) % call.result.rank
    parts = [one for one in parts if one.shape != (0,)]
    return build.put(call, Concat(axis), *map(build.tensor, parts)) if len(parts) > 1 else build.tensor(parts[0])


def stack(build: Build, call: Call) -> Tensor:
    """Arrays behind each other along a new axis."""
    parts, axis = call.get("tensors"), call.get("dim", 0) % call.result.rank
    wide = [
        build.reshaped(call, build.tensor(one), one.shape, (*one.shape[:axis], 1, *one.shape[axis:]), part=f"part{k + 1}")
        for k, one in enumerate(parts)
    ]
    return build.put(call, Concat(axis), *wide)


def reshape(build: Build, call: Call) -> Tensor:
    """view, reshape, flatten, unflatten, squeeze, unsqueeze: whatever the call, the result's shape says it."""
    x, was, wanted = build.tensor(call.x), call.x.shape, call.result.shape
    flat = len(wanted) == 2 and 3 <= len(was) <= len(LETTERS) and was[0] == wanted[0] and build.shape(call.x)[1:] != (1,)
    if flat and call.op in ("flatten", "view", "reshape", "_unsafe_view"):
        return build.layer(call, flattened(len(was)), [call.x])
    return build.reshaped(call, x, was, wanted)


def permute(build: Build, call: Call) -> Tensor:
    """permute, transpose, movedim, t: another order of the axes."""
    rank = call.x.rank
    match call.op:
        case "permute":
            order = [a % rank for a in call.get("dims")]
        case "t" | "numpy_T":
            order = list(range(rank))[::-1]
        case "mT" | "adjoint" | "mH":
            order = [*range(rank - 2), rank - 1, rank - 2]
        case "movedim":
            source, target = (
                [a % rank for a in (value if isinstance(value, tuple) else (value,))]
                for value in (call.get("source"), call.get("destination"))
            )
            kept = [a for a in range(rank) if a not in source]
            order = [0] * rank
            for a, place in zip(source, target, strict=True):
                order[place] = a
            for place in (p for p in range(rank) if p not in target):
                order[place] = kept.pop(0)
        case _:
            first, second = call.get("dim0", 0) % rank, call.get("dim1", 1) % rank
            order = list(range(rank))
            order[first], order[second] = second, first
    if order == list(range(rank)):
        return build.tensor(call.x)
    return build.layer(call, reordered(order), [call.x])


def expand(build: Build, call: Call) -> Tensor:
    """Axes of extent one repeated, and new axes in front."""
    x, wanted = build.tensor(call.x), call.result.shape
    was = (1,) * (len(wanted) - call.x.rank) + tuple(call.x.shape)
    x = build.reshaped(call, x, call.x.shape, was, part="axes")
    if was == tuple(wanted):
        return x
    grow = [k for k, (a, b) in enumerate(zip(was, wanted, strict=True)) if a == 1 and isinstance(b, Times)]
    times = {k: n for k, n in enumerate(build.program.declared(wanted)) if was[k] == 1 != n and k not in grow}
    if times:
        pattern, sizes = expanded(len(wanted), times)
        x = build.layer(call, pattern, [x], sizes=sizes, part="repeated" if grow else "")
    return _a_sample_each(build, call, x, grow[0]) if grow else x


def _a_sample_each(build: Build, call: Call, x: Tensor, axis: int) -> Tensor:
    """A copy for every sample, as many as the first input has."""
    value = next(v for v in build.program.inputs.values() if growing(v.shape))
    return a_sample_each(partial(build.put, call), build.tensor(value), growing(value.shape), x, axis)


def repeat(build: Build, call: Call) -> Tensor:
    """repeat and tile: the whole behind itself; repeat_interleave: every cell behind itself."""
    x, rank = build.tensor(call.x), call.x.rank
    if call.op == "repeat_interleave":
        axis, times = call.get("dim"), call.get("repeats")
        if axis is None or not isinstance(times, int):
            raise Unknown("it flattens first, or repeats cells differently often")
        times = tuple(times if k == axis % rank else 1 for k in range(rank))
    else:
        times = call.get("repeats", call.get("dims"))
    if len(times) < rank:
        times = (1,) * (rank - len(times)) + tuple(times)
    was = (1,) * (len(times) - rank) + tuple(call.x.shape)
    grow = [k for k, (a, b) in enumerate(zip(was, times, strict=True)) if a == 1 and isinstance(b, Times)]
    if any(isinstance(n, Times) for k, n in enumerate(times) if k not in grow):
        raise Unknown("it repeats the batch")
    x = build.reshaped(call, x, call.x.shape, was, part="axes")
    several = {k: n for k, n in enumerate(times) if n != 1 and k not in grow}
    if several:
        pattern, sizes = tiled(len(times), several, each=call.op == "repeat_interleave")
        x = build.layer(call, pattern, [x], sizes=sizes, part="repeated" if grow else "")
    return _a_sample_each(build, call, x, grow[0]) if grow else x


def pixel_shuffle(build: Build, call: Call) -> Tensor:
    """Maps become places (Shi et al. 2016, section 3.2), or the other way round."""
    if call.x.rank != 4:
        raise Unknown("it has no batch")
    if call.op == "pixel_shuffle":
        r = call.get("upscale_factor")
        return build.layer(call, "b (c u v) i j -> b c (i u) (j v)", [call.x], sizes={"u": r, "v": r})
    r = call.get("downscale_factor")
    return build.layer(call, "b c (i u) (j v) -> b (c u v) i j", [call.x], sizes={"u": r, "v": r})


def channel_shuffle(build: Build, call: Call) -> Tensor:
    """The groups of maps interleaved (Zhang et al. 2018, section 3.1)."""
    places = " ".join(axes(call.x.rank)[2:])
    return build.layer(call, f"b (g c) {places} -> b (c g) {places}", [call.x], sizes={"g": call.get("groups")})


def pad(build: Build, call: Call) -> Tensor:
    """Cells around the last axes; torch names the pairs from the last axis on."""
    pairs = call.get("pad", call.get("padding"))
    rank = call.x.rank
    cells = [(0, 0)] * rank
    for k in range(len(pairs) // 2):
        cells[rank - 1 - k] = (pairs[2 * k], pairs[2 * k + 1])
    mode = call.get("mode", "constant") if call.op == "pad" else call.op.split("_")[0]
    value = call.get("value") or 0.0
    borders: dict[str, Border] = {
        "constant": "zero" if value == 0 else float(value), "reflect": "reflect", "reflection": "reflect",
        "replicate": "replicate", "replication": "replicate", "circular": "circular",
    }  # fmt: skip
    if any(cells[k] != (0, 0) for k in growing(call.x.shape)):
        raise Unknown("it pads the batch")
    x = build.tensor(call.x)
    return x if all(pair == (0, 0) for pair in cells) else build.put(call, Pad(tuple(cells), borders[mode]), x)


OPS: dict[str, Translator] = {
    **dict.fromkeys(
        ("contiguous", "clone", "detach", "alias", "to", "_to_copy", "type_as", "float", "double", "lift_fresh_copy"), same
    ),
    **dict.fromkeys(("requires_grad", "lift_fresh", "detach_copy", "positive", "view_as_real_copy"), same),
    "cat": concat,
    "stack": stack,
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "view_as", "reshape_as", "ravel"),
        reshape,
    ),
    **dict.fromkeys(("permute", "transpose", "movedim", "t", "numpy_T", "mT", "adjoint", "mH"), permute),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), expand),
    **dict.fromkeys(("repeat", "tile", "repeat_interleave"), repeat),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), pixel_shuffle),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), channel_shuffle),
    "pad": pad,
    **{f"{how}_pad{n}d": pad for how in ("reflection", "replication") for n in (1, 2, 3)},
    "constant_pad_nd": pad,
}
