"""Windows of ONNX as addresses: convolutions, transposed convolutions, poolings.

Kernel, strides, dilations and pads become `2*i+u-1`; what `ceil_mode` adds at the end is padding too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.ops import Activation, Elementwise, Stored
from slidesum.core.sized import Padding
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Constant, Known, Translator, Unknown
from slidesum.read.patterns import POSITIONS, TAPS, address

MOST_COUNTED = 2**24


@dataclass(frozen=True, slots=True)
class Windows:
    """One entry a slid axis: how many cells a window has, and how it moves over the axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if min((*self.kernel, *self.strides, *self.dilations), default=1) < 1:
            raise Unknown("its kernel, strides and dilations are at least one")
        if len({len(self.kernel), len(self.strides), len(self.dilations), len(self.pads)}) > 1 or len(self.kernel) > len(POSITIONS):
            raise Unknown("its kernel, strides, dilations and pads differ in number")

    @property
    def spans(self) -> tuple[int, ...]:
        """The cells from the first to the last of a window."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    @property
    def positions(self) -> str:
        return POSITIONS[: len(self.kernel)]

    @property
    def even(self) -> bool:
        """Whether every axis is padded alike before and after, so that the address tells it."""
        return all(low == high for low, high in self.pads)

    @property
    def addresses(self) -> str:
        """`2*i+u-3 2*j+v-3`; padding that isn't even stands beside the pattern."""
        low = [low if self.even else 0 for low, _ in self.pads]
        return " ".join(map(address, self.positions, TAPS, self.strides, self.dilations, low))

    @property
    def padding(self) -> Padding:
        return "valid" if self.even else dict(zip(self.positions, self.pads, strict=True))

    @property
    def taps(self) -> str:
        return " ".join(TAPS[: len(self.kernel)])

    @property
    def sizes(self) -> dict[str, int]:
        return dict(zip(TAPS, self.kernel, strict=False))


def windows(call: Call, cells: Sequence[Any], kernel: Sequence[int]) -> Windows:
    """The windows that the attributes of a convolution or pooling tell of."""
    rank = len(kernel)
    strides = tuple(call.get("strides") or (1,) * rank)
    dilations = tuple(call.get("dilations") or (1,) * rank)
    auto = call.get("auto_pad", "NOTSET")
    flat = tuple(call.get("pads") or (0,) * (2 * rank)) if auto == "NOTSET" else (0,) * (2 * rank)
    if len(flat) != 2 * rank or len(cells) != rank:
        raise Unknown(f"its pads are {flat}, and {rank} axes slide")
    found = Windows(tuple(kernel), strides, dilations, tuple(zip(flat[:rank], flat[rank:], strict=True)))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max(0, (-(-n // s) - 1) * s + span - n) for n, s, span in zip(cells, strides, found.spans, strict=True)]
        pads = [(t // 2, t - t // 2) if auto == "SAME_UPPER" else (t - t // 2, t // 2) for t in totals]
        found = Windows(tuple(kernel), strides, dilations, tuple(pads))
    elif auto not in ("NOTSET", "VALID"):
        raise Unknown(f"its auto_pad is {auto!r}")
    return found


def conv(build: Build, call: Call) -> Tensor:
    """Conv: every filter over the maps of its group."""
    x, w = build.tensor(call, 0), build.given(call, 1)
    shape = tuple(int(n) for n in w.shape)
    groups = _groups(call, x, shape, shape[1] if len(shape) > 1 else 0, shape[0])
    win = windows(call, x.shape[2:], shape[2:])
    return _filtered(build, call, x, w, win, groups, transposed=False)


def conv_transpose(build: Build, call: Call) -> Tensor:
    """ConvTranspose: the addresses stand on the result."""
    x, w = build.tensor(call, 0), build.given(call, 1)
    shape = tuple(int(n) for n in w.shape)
    groups = _groups(call, x, shape, 0, shape[0])
    win, extent = _scattering(call, [int(n) for n in x.shape[2:]], shape[2:])
    return _filtered(build, call, x, w, win, groups, transposed=True, extent=extent)


def _groups(call: Call, x: Tensor, shape: tuple[int, ...], inner: int, divided: int) -> int:
    groups, channels = int(call.get("group", 1)), int(x.shape[1]) if len(x.shape) > 2 else 0
    fits = groups > 0 and len(shape) == len(x.shape) and divided % groups == 0
    if not fits or (inner * groups if inner else shape[0]) != channels:
        raise Unknown(f"its filters {shape} in {groups} groups don't fit {channels} maps")
    return groups


def _filtered(
    build: Build, call: Call, x: Tensor, w: Known, win: Windows, groups: int, *, transposed: bool, extent: Any = None
) -> Tensor:
    """The equation with its filter, by the number of groups; a bias that isn't constant is added behind it."""
    shape, sizes = tuple(int(n) for n in w.shape), win.sizes
    filters = shape[1] if transposed else shape[0] // groups
    if groups == 1:
        of_x, of_w, of_y = "c", "c o" if transposed else "o c", "o"
    elif shape[0] == groups and shape[1] == 1:
        of_x = of_w = of_y = "c"
        shape = (shape[0], *shape[2:])
    else:
        of_x, of_w, of_y = "(g c)", "(g c) o" if transposed else "(g o) c", "(g o)"
        sizes = {"g": groups} | sizes
    if of_y != "c":
        sizes["o"] = filters
    still = " ".join(win.positions)
    left, right = (still, win.addresses) if transposed else (win.addresses, still)
    pattern = f"b {of_x} {left}, {of_w} {win.taps} -> b {of_y} {right}"
    bias = build.given(call, 2) if call.has(2) else None
    kept = (of_y, bias.numbers) if isinstance(bias, Constant) and isinstance(w, Constant) else None
    part = "product" if bias is not None and kept is None else ""
    if isinstance(w, Constant):
        inputs, numbers = [x], [w.numbers]
    else:
        inputs, numbers = [x, build.reshaped(call, w, shape, part="filters")], []
    y = build.layer(
        call, pattern, inputs, numbers, bias=kept, sizes=sizes, padding=win.padding, extent=extent, part=part,
        arranged=lambda a: a.reshape(shape),
    )  # fmt: skip
    if not part:
        return y
    assert bias is not None
    shaped = build.reshaped(call, build.as_tensor(bias, call), (1, int(y.shape[1]), *[1] * len(win.kernel)), part="bias")
    return build.put(call, Elementwise("add"), y, shaped)


def _scattering(call: Call, cells: Sequence[int], kernel: tuple[int, ...]) -> tuple[Windows, dict[str, int] | None]:
    """The windows of a transposed convolution, and extents where they are longer than the windows ask for.

    The rule for output_shape is that of ONNX: what is cropped is divided evenly, an odd cell first, or at the end if SAME_UPPER.
    """
    rank = len(kernel)
    strides = tuple(call.get("strides") or (1,) * rank)
    dilations = tuple(call.get("dilations") or (1,) * rank)
    more = tuple(call.get("output_padding") or (0,) * rank)
    auto, wanted = call.get("auto_pad", "NOTSET"), call.get("output_shape")
    flat = tuple(call.get("pads") or (0,) * (2 * rank))
    plain = Windows(kernel, strides, dilations, ((0, 0),) * rank)
    if len(more) != rank or len(cells) != rank or len(flat) != 2 * rank:
        raise Unknown("its attributes differ in number")
    if auto in ("SAME_UPPER", "SAME_LOWER") and not wanted:
        wanted = [n * s for n, s in zip(cells, strides, strict=True)]
    pads = list(zip(flat[:rank], flat[rank:], strict=True)) if auto == "NOTSET" else [(0, 0)] * rank
    if wanted:
        whole = [s * (n - 1) + m + span for n, s, m, span in zip(cells, strides, more, plain.spans, strict=True)]
        totals = [n - w for n, w in zip(whole, list(wanted)[-rank:], strict=True)]
        halves = [(t // 2, t - t // 2) if auto == "SAME_UPPER" else (t - t // 2, t // 2) for t in totals]
        pads = [(0, t) if t < 0 else pair for t, pair in zip(totals, halves, strict=True)]
    if any(more) and all(low == high for low, high in pads) and all(m < s for m, s in zip(more, strides, strict=True)):
        ends = zip(POSITIONS, cells, strides, plain.spans, pads, more, strict=False)
        return Windows(kernel, strides, dilations, tuple(pads)), {
            i: s * (n - 1) + span - low - high + m for i, n, s, span, (low, high), m in ends if m
        }
    return Windows(kernel, strides, dilations, tuple((low, high - m) for (low, high), m in zip(pads, more, strict=True))), None


def max_pool(build: Build, call: Call) -> Tensor:
    """MaxPool: what lies beyond the edge never wins."""
    x = build.tensor(call, 0)
    win = _pooling(call, x)
    return _pooled(build, call, x, win, "max")


def average_pool(build: Build, call: Call) -> Tensor:
    """AveragePool: over the cells of the window, or over those that lie inside only; then a sum, and a table of counts."""
    x = build.tensor(call, 0)
    cells = [int(n) for n in x.shape[2:]]
    win, unrounded = _pooling(call, x), windows(call, cells, call.get("kernel_shape"))
    inside = not call.get("count_include_pad", 0)
    beside = [(0, 0)] * len(cells) if inside else unrounded.pads
    counts = [_counted(n, win, k, beside[k]) for k, n in enumerate(cells)]
    if all((count == k).all() for count, k in zip(counts, win.kernel, strict=True)):
        return _pooled(build, call, x, win, "mean")
    total = _pooled(build, call, x, win, "sum", part="sum")
    table = np.ones((), np.float64)
    for count in counts:
        table = np.multiply.outer(table, count)
    name = build.names.fresh(build.names.of_call(call, "cells"))
    build.values[f"{name}.value"] = table.astype(np.float32)
    stored = build.draft.place(name, Stored(tuple(table.shape), trainable=False))
    return build.put(call, Elementwise("divide"), total, stored)


def _counted(cells: int, win: Windows, axis: int, beside: tuple[int, int]) -> Any:
    """How many cells of each window lie in the array with `beside` cells around it."""
    k, s, d = win.kernel[axis], win.strides[axis], win.dilations[axis]
    low, high = win.pads[axis]
    count = (cells + low + high - win.spans[axis]) // s + 1
    if count * k > MOST_COUNTED:
        raise Unknown(f"its windows have {count * k:,} cells along an axis")
    starts = s * np.arange(count) - low
    read = starts[:, None] + d * np.arange(k)
    return ((read >= -beside[0]) & (read < cells + beside[1])).sum(1)


def _pooling(call: Call, x: Tensor) -> Windows:
    """The windows of a pooling, with the padding that `ceil_mode` adds: a last window that begins inside."""
    cells = [int(n) for n in x.shape[2:]]
    kernel = call.get("kernel_shape")
    if not kernel or len(kernel) != len(cells):
        raise Unknown("its kernel doesn't fit its input")
    win = windows(call, cells, kernel)
    if not call.get("ceil_mode", 0):
        return win
    pads = []
    for n, s, span, (low, high) in zip(cells, win.strides, win.spans, win.pads, strict=True):
        count = -(-(n + low + high - span) // s) + 1
        if (count - 1) * s >= n + low:
            count -= 1
        pads.append((low, (count - 1) * s + span - n - low))
    return Windows(win.kernel, win.strides, win.dilations, tuple(pads))


def _pooled(build: Build, call: Call, x: Tensor, win: Windows, how: str, part: str = "") -> Tensor:
    if set(win.kernel) | set(win.strides) == {1} and win.even and not any(low for low, _ in win.pads):
        return x
    prefix = "" if how == "sum" else f"{how} "
    pattern = f"{prefix}b c {win.addresses} -> b c {' '.join(win.positions)}"
    return build.layer(call, pattern, [x], sizes=win.sizes, padding=win.padding, part=part)


def lp_pool(build: Build, call: Call) -> Tensor:
    """LpPool: the root of the sum of powers."""
    power = float(call.get("p", 2))
    x = build.put(call, Activation("abs"), build.tensor(call, 0), part="abs")
    powers = build.put(call, Activation("power", (power,)), x, part="power")
    total = _pooled(build, call, powers, _pooling(call, x), "sum", part="sum")
    return build.put(call, Activation("power", (1 / power,)), total)


def global_pool(build: Build, call: Call) -> Tensor:
    """GlobalAveragePool, GlobalMaxPool: over all cells of a map."""
    x = build.tensor(call, 0)
    how = "mean" if call.op == "GlobalAveragePool" else "max"
    slid = POSITIONS[: len(x.shape) - 2]
    return build.layer(call, f"{how} b c {' '.join(slid)} -> b c {' '.join('1' for _ in slid)}", [x])


WINDOWS: dict[str, Translator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
}
