"""What reduces or repeats without weights: poolings, means and sums over axes, upsampling.

max_pool2d, 3/2, padding 1     max b c 2*i+u-1 2*j+v-1 -> b c i j
mean over the places           mean b c i j -> b c 1 1
nearest upsampling by 2        b c i j -> b c (i u) (j v)
bilinear upsampling            b c i j, p i -> b c p j   and   b c i j, q j -> b c i q, with constant matrices
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from slidesum.core.ops import Activation, Elementwise, Take
from slidesum.draft.verbs import Tensor
from slidesum.read.patterns import POSITIONS, TAPS, address, along, reduced
from slidesum.read.torch_build import Build, Translator, Unknown, spend
from slidesum.read.torch_products import numbers
from slidesum.read.torch_program import Call

Numbers = npt.NDArray[np.float64]


def pool(build: Build, call: Call) -> Tensor | tuple[Tensor, None]:
    """max_pool and avg_pool in one to three dimensions, also those that return indices, if nobody reads them."""
    rank = int(call.op[call.op.index("pool") + 4])
    kernel = numbers(call.get("kernel_size"), rank)
    stride = numbers(call.get("stride") or kernel, rank)
    dilation, pads = numbers(call.get("dilation", 1), rank), numbers(call.get("padding", 0), rank)
    lead = " ".join("bc"[2 - (call.x.rank - rank) :])
    extents, wanted = build.shape(call.x)[-rank:], build.shape(call.result)[-rank:]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    behind = [(m - 1) * s + span - n - p for m, s, span, n, p in zip(wanted, stride, spans, extents, pads, strict=True)]
    longer = any(after > p for after, p in zip(behind, pads, strict=True))  # ceil_mode: windows that begin inside and end outside
    low = (0,) * rank if longer else pads
    slid = " ".join(map(address, POSITIONS, TAPS, stride, dilation, low))
    padding = {POSITIONS[k]: (pads[k], max(behind[k], pads[k])) for k in range(rank)} if longer else None
    sizes = dict(zip(TAPS, kernel, strict=False))
    positions = " ".join(POSITIONS[:rank])

    def reduced(how: str, part: str = "") -> Tensor:
        return build.layer(
            call, f"{how} {lead} {slid} -> {lead} {positions}", [call.x], sizes=sizes, padding=padding or "valid", part=part
        )

    if "max" in call.op:
        found = reduced("max")
        return found if len(call.results) == 1 else (found, None)
    override = call.get("divisor_override")
    outside = longer or any(pads)
    if override:
        return build.put(call, Activation("affine", (1 / override, 0.0)), reduced("sum", "sum"))
    if not outside or (call.get("count_include_pad", True) and not longer):
        return reduced("mean")
    counted = call.get("count_include_pad", True)
    spend(*wanted)
    axes = [_counts(*one, counted=counted) for one in zip(wanted, stride, kernel, extents, pads, strict=True)]
    cells = axes[0]
    for axis in axes[1:]:
        cells = cells[..., None] * axis
    total = build.stored(build.named(call, "cells"), cells.astype(call.x.dtype))
    return build.put(call, Elementwise("divide"), reduced("sum", "sum"), total)


def _counts(places: int, stride: int, kernel: int, extent: int, pad: int, *, counted: bool) -> Numbers:
    """By how many cells each window of an axis is divided: those inside, or inside the padding too."""
    starts = np.arange(places) * stride - pad
    low, high = (-pad, extent + pad) if counted else (0, extent)
    return np.minimum(starts + kernel, high) - np.maximum(starts, low)


def adaptive(build: Build, call: Call) -> Tensor | tuple[Tensor, None]:
    """adaptive_avg_pool and adaptive_max_pool: windows of such a size that so many places remain."""
    rank = int(call.op[call.op.index("pool") + 4])
    how = "max" if "max" in call.op else "mean"
    extents, wanted = build.shape(call.x)[-rank:], build.shape(call.result)[-rank:]
    lead = " ".join("bc"[2 - (call.x.rank - rank) :])
    found: Tensor
    if wanted == extents:
        found = build.tensor(call.x)
    elif all(m == 1 for m in wanted):
        found = build.layer(call, f"{how} {lead} {' '.join(POSITIONS[:rank])} -> {lead} {' '.join('1' * rank)}", [call.x])
    elif all(n % m == 0 for n, m in zip(extents, wanted, strict=True)):
        steps = [n // m for n, m in zip(extents, wanted, strict=True)]
        slid = " ".join(map(address, POSITIONS, TAPS, steps, (1,) * rank, (0,) * rank))
        sizes = dict(zip(TAPS, steps, strict=False))
        found = build.layer(call, f"{how} {lead} {slid} -> {lead} {' '.join(POSITIONS[:rank])}", [call.x], sizes=sizes)
    elif how == "max":
        raise Unknown(f"its windows differ in size: {extents} cells for {wanted} places")
    else:
        found = _by_matrices(build, call, [_averaging(n, m) for n, m in zip(extents, wanted, strict=True)])
    return found if len(call.results) == 1 else (found, None)


def _averaging(extent: int, places: int) -> Numbers:
    spend(places, extent)
    matrix = np.zeros((places, extent))
    for place in range(places):
        low, high = place * extent // places, -(-(place + 1) * extent // places)
        matrix[place, low:high] = 1 / (high - low)
    return matrix


def _by_matrices(build: Build, call: Call, matrices: Sequence[Numbers]) -> Tensor:
    """Every axis of places times a constant matrix."""
    x = build.tensor(call.x)
    lead = "bc"[2 - (len(x.shape) - len(matrices)) :]
    letters = [*lead, *POSITIONS[: len(matrices)]]
    for number, matrix in enumerate(matrices):
        if matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, np.eye(len(matrix))):
            continue
        kept = build.stored(build.named(call, f"matrix{number + 1}"), matrix.astype(call.x.dtype))
        pattern = along(letters, len(lead) + number)
        x = build.layer(call, pattern, [x, kept], part="" if number == len(matrices) - 1 else f"axis{number + 1}")
    return x


def reduction(build: Build, call: Call) -> Tensor | tuple[Tensor, None]:
    """mean, sum, amax, amin over axes; max and min over one, if nobody reads where they are."""
    how = {"mean": "mean", "sum": "sum", "amax": "max", "amin": "min", "max": "max", "min": "min"}[call.op]
    rank, axes = call.x.rank, call.get("dim")
    taken = {a % rank for a in (axes if isinstance(axes, tuple) else (axes,))} if axes not in (None, ()) else set(range(rank))
    if len(taken) == rank:
        raise Unknown("it reduces every axis, the batch too")
    found = build.layer(call, reduced(how, rank, taken, kept=bool(call.get("keepdim", False))), [call.x])
    return found if len(call.results) == 1 else (found, None)


def norm(build: Build, call: Call) -> Tensor:
    """The Euclidean length along axes."""
    order, axes = call.get("ord", call.get("p", 2)), call.get("dim")
    if order not in (2, None):
        raise Unknown(f"it is a norm of the order {order}")
    rank = call.x.rank
    taken = {a % rank for a in (axes if isinstance(axes, tuple) else (axes,))} if axes not in (None, ()) else set(range(rank))
    if len(taken) == rank:
        raise Unknown("it reduces every axis, the batch too")
    return _length(build, call, build.tensor(call.x), taken, kept=call.get("keepdim", False))


def _length(build: Build, call: Call, x: Tensor, taken: set[int], *, kept: bool, part: str = "") -> Tensor:
    squares = build.put(call, Activation("power", (2.0,)), x, part="squares")
    total = build.layer(call, reduced("sum", len(x.shape), taken, kept=kept), [squares], part="sum")
    return build.put(call, Activation("sqrt"), total, part=part)


def weight_norm(build: Build, call: Call) -> Tensor:
    """A direction and a length for every filter: g·v / |v| (Salimans and Kingma 2016, equation 2)."""
    v, g = build.tensor(call.get("v")), build.tensor(call.get("g"))
    others = set(range(len(v.shape))) - {call.get("dim", 0) % len(v.shape)}
    length = _length(build, call, v, others, kept=True, part="length")
    return build.put(call, Elementwise("multiply"), v, build.put(call, Elementwise("divide"), g, length, part="scale"))


def nearest(build: Build, call: Call) -> Tensor:
    """Every value repeated, or where the factor isn't whole, the cells that are nearest."""
    x, wanted = build.tensor(call.x), build.shape(call.result)
    rank = call.x.rank - 2
    factors = [m / n for m, n in zip(wanted[2:], x.shape[2:], strict=True)]
    if all(f == int(f) and f >= 1 for f in factors):
        if all(f == 1 for f in factors):
            return x
        axes = [f"({POSITIONS[k]} {TAPS[k]})" if factors[k] > 1 else POSITIONS[k] for k in range(rank)]
        sizes = {TAPS[k]: int(f) for k, f in enumerate(factors) if f > 1}
        return build.layer(call, f"b c {' '.join(POSITIONS[:rank])} -> b c {' '.join(axes)}", [call.x], sizes=sizes)
    half = 0.5 if "exact" in call.op else 0.0
    spend(max(wanted))
    for k, (m, n) in enumerate(zip(wanted[2:], build.shape(call.x)[2:], strict=True)):
        scale = np.float32(1 / given) if (given := _factor(call, k)) else np.float32(n) / np.float32(m)
        cells = np.minimum(np.floor((np.arange(m, dtype=np.float32) + np.float32(half)) * scale).astype(int), n - 1)
        x = build.put(call, Take(k + 2, tuple(map(int, cells))), x, part=f"axis{k + 1}" if k + 1 < rank else "")
    return x


def linear_upsampling(build: Build, call: Call) -> Tensor:
    """Linear, bilinear and trilinear interpolation: every axis times a constant matrix of two values a row."""
    pairs = zip(build.shape(call.x)[2:], build.shape(call.result)[2:], strict=True)
    aligned = call.get("align_corners", False)
    return _by_matrices(build, call, [_interpolating(n, m, aligned, _factor(call, k)) for k, (n, m) in enumerate(pairs)])


def _interpolating(extent: int, places: int, aligned: bool, factor: float | None) -> Numbers:
    spend(places, extent)
    if aligned:
        at = np.arange(places) * ((extent - 1) / (places - 1) if places > 1 else 0.0)
    else:
        at = np.maximum((np.arange(places) + 0.5) * (1 / factor if factor else extent / places) - 0.5, 0)
    low = np.minimum(at.astype(int), extent - 1)
    high, share = np.minimum(low + 1, extent - 1), at - low
    matrix = np.zeros((places, extent))
    np.add.at(matrix, (np.arange(places), low), 1 - share)
    np.add.at(matrix, (np.arange(places), high), share)
    return matrix


def _factor(call: Call, axis: int) -> float | None:
    """The factor that was asked for, which torch takes in place of the ratio of the extents."""
    names = ("scales",) if call.x.rank == 3 else ("scales_d", "scales_h", "scales_w")[-(call.x.rank - 2) :]
    given = call.get("scale_factors")
    factor = given[axis] if given else call.get(names[axis])
    return None if factor is None else float(factor)


OPS: dict[str, Translator] = {
    **{f"{how}_pool{n}d": pool for how in ("max", "avg") for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": pool for n in (1, 2, 3)},
    **{f"{how}_pool{n}d": adaptive for how in ("adaptive_avg", "adaptive_max", "_adaptive_avg") for n in (1, 2, 3)},
    **dict.fromkeys(("mean", "sum", "amax", "amin", "max", "min"), reduction),
    **dict.fromkeys(("linalg_vector_norm", "norm"), norm),
    "_weight_norm": weight_norm,
    **{f"{exact}upsample_nearest{e}{n}d": nearest for exact in ("", "_") for e in ("", "_exact") for n in (1, 2, 3)},
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), linear_upsampling),
}
