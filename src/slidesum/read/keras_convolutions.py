"""Keras' Dense, convolutions and poolings as equations, in the order of axes and with the kernels that the model has.

    Dense                  b f, f o -> b o                               (…, f) in general: b i f, f o -> b i o
    Conv2D                 b i+u j+v c, u v c o -> b i j o
    Conv2D, groups         b i+u j+v (g c), u v c (g o) -> b i j (g o)
    DepthwiseConv2D        b i+u j+v c, u v c m -> b i j (c m)           m is 1 nearly always, and is left out then
    SeparableConv2D        the depthwise one, and a 1×1 after it: one equation of three would ask for more multiply-adds
    Conv2DTranspose        b i j c, u v o c -> b i+u j+v o
    MaxPooling2D           max b i+u j+v c -> b i j c
    GlobalMaxPooling2D     max b i j c -> b c

Channels first, the same with `b c i j`. Strides and dilations are the coefficients, `2*i+3*u`; an axis of the kernel with one cell
is written `1`. Keras' padding "same" is ours: the odd cell comes after. An average there leaves out the cells beyond the edge (as
TensorFlow does), so a mean that reads some is corrected by a constant map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slidesum.core.sized import Padding
from slidesum.core.sizes import is_number
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.keras_activations import activated
from slidesum.read.keras_call import MOST_CELLS, Beyond, Call, whole

POSITIONS, TAPS = ("i", "j", "k"), ("u", "v", "w")


def dense(call: Call) -> Tensor:
    """A weight for every value of the last axis and every output."""
    x, units = call.x, call.fields.integer("units", least=1)
    if len(x.shape) < 2:
        raise ReadError(f"{call.where} reads {x}, which has no axis of features", advice="Save the model anew.")
    kept = ["b", *_letters(call, len(x.shape) - 2)]
    arrays = {"w": call.weights.take(0, (x.shape[-1], units))}
    bias = call.flag("use_bias", True)
    if bias:
        arrays["bias"] = call.weights.take(1, (units,))
    axes = " ".join(kept)
    y = call.equation(f"{axes} f, f o -> {axes} o", x, bias="o" if bias else None, arrays=arrays)
    return activated(call, y)


def convolution(call: Call) -> Tensor:
    """Conv1D, Conv2D, Conv3D, with groups or without."""
    x, rank, first = _slid(call)
    kernel, strides, dilation = (call.numbers(name, rank) for name in ("kernel_size", "strides", "dilation_rate"))
    filters, groups = call.fields.integer("filters", least=1), call.fields.integer("groups", least=1)
    maps = x.shape[1 if first else -1]
    if not is_number(maps) or maps % groups or filters % groups:
        raise ReadError(
            f"{call.where}: {maps} maps and {filters} filters in {groups} groups", advice="The groups are of the same size."
        )
    taps = _taps(kernel)
    read, made, within = ("(g c)", "(g o)", "c") if groups > 1 else ("c", "o", "c")
    pattern = f"{_laid(first, _slides(strides, dilation, kernel), read)}, {' '.join([*taps, within, made])} -> "
    arrays = {"w": call.weights.take(0, (*kernel, maps // groups, filters))}
    bias = _bias(call, arrays, 1, filters, made)
    sizes = {"g": groups, "o": filters // groups} if groups > 1 else {}
    pattern += _laid(first, POSITIONS[:rank], made)
    y = call.equation(pattern, x, bias=bias, padding=_padding(call, kernel, dilation), arrays=arrays, sizes=sizes)
    return activated(call, y)


def depthwise(call: Call) -> Tensor:
    """Every map has flat filters of its own."""
    x, rank, first = _slid(call)
    kernel, strides, dilation = (call.numbers(name, rank) for name in ("kernel_size", "strides", "dilation_rate"))
    y = _depthwise(call, x, first, kernel, strides, dilation, bias=True)
    return activated(call, y)


def separable(call: Call) -> Tensor:
    """A depthwise convolution, then a 1×1."""
    x, rank, first = _slid(call)
    kernel, strides, dilation = (call.numbers(name, rank) for name in ("kernel_size", "strides", "dilation_rate"))
    filters = call.fields.integer("filters", least=1)
    y = _depthwise(call, x, first, kernel, strides, dilation, bias=False, at="depthwise")
    arrays = {"w": call.weights.take(1, (*(1 for _ in kernel), y.shape[1 if first else -1], filters))}
    bias = _bias(call, arrays, 2, filters, "o")
    places = POSITIONS[:rank]
    pattern = f"{_laid(first, places, 'c')}, {' '.join(['1'] * rank)} c o -> {_laid(first, places, 'o')}"
    return activated(call, call.equation(pattern, y, bias=bias, arrays=arrays))


def _depthwise(
    call: Call,
    x: Tensor,
    first: bool,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    *,
    bias: bool,
    at: str = "",
) -> Tensor:
    many, maps = call.fields.integer("depth_multiplier", least=1), x.shape[1 if first else -1]
    made, filters = ("(c m)", "c m") if many > 1 else ("c", "c 1")
    pattern = f"{_laid(first, _slides(strides, dilation, kernel), 'c')}, {' '.join(_taps(kernel))} {filters} -> "
    pattern += _laid(first, POSITIONS[: len(kernel)], made)
    arrays = {"w": call.weights.take(0, (*kernel, maps, many))}
    axes = _bias(call, arrays, 1, maps * many, made) if bias else None
    return call.equation(pattern, x, at=at, bias=axes, padding=_padding(call, kernel, dilation), arrays=arrays)


def transposed(call: Call) -> Tensor:
    """Every input value is spread over a window of every output map.

    Keras crops the whole result (N - 1)·s + k so that it is N·s long ("same"), or lengthens it to N·s where k < s ("valid");
    `output_padding` says by how much it is longer than (N - 1)·s + k mod 2, or + k.
    """
    x, rank, first = _slid(call)
    kernel, strides, dilation = (call.numbers(name, rank) for name in ("kernel_size", "strides", "dilation_rate"))
    filters, maps = call.fields.integer("filters", least=1), x.shape[1 if first else -1]
    same = call.fields.choice("padding", ("valid", "same")) == "same"
    more: tuple[int | None, ...] = (None,) * rank
    if (given := call.fields.maybe("output_padding", None)) is not None:
        more = call.whole_numbers("output_padding", given, rank, least=0)
    crops = {
        position: _cropped(d * (k - 1) + 1, s, extra, same=same)
        for position, k, s, d, extra in zip(POSITIONS, kernel, strides, dilation, more, strict=False)
    }
    slides = _slides(strides, dilation, kernel, scattered=True)
    arrays = {"w": call.weights.take(0, (*kernel, filters, maps))}
    bias = _bias(call, arrays, 1, filters, "o")
    pattern = (
        f"{_laid(first, POSITIONS[:rank], 'c')}, {' '.join(_taps(kernel, scattered=strides))} o c -> {_laid(first, slides, 'o')}"
    )
    addressed = {position: crop for position, crop, slide in zip(crops, crops.values(), slides, strict=True) if slide != position}
    padding: Padding = addressed if any(crop != (0, 0) for crop in addressed.values()) else "valid"
    return activated(call, call.equation(pattern, x, bias=bias, padding=padding, arrays=arrays))


def _cropped(span: int, stride: int, more: int | None, *, same: bool) -> tuple[int, int]:
    """The cells cropped before and after; below 0 they are added (keras.src.backend.common, for the JAX backend)."""
    if not same:
        return 0, -(max(span, stride) - span if more is None else more)
    total = stride + span - 2 if more is None else span + span % 2 - 2 + more
    left = min(total // 2 + total % 2, span - 1)
    return span - 1 - left, span - 1 - (total - left)


def pooling(call: Call) -> Tensor:
    """MaxPooling and AveragePooling of any rank."""
    x, rank, first = _slid(call)
    window = call.numbers("pool_size", rank)
    strides = call.numbers("strides", rank)
    how = "max" if call.kind.startswith("Max") else "mean"
    return pooled(call, x, how, window, strides, call.fields.choice("padding", ("valid", "same")), first)


def pooled(call: Call, x: Tensor, how: str, window: tuple[int, ...], strides: tuple[int, ...], padding: str, first: bool) -> Tensor:
    """A window's maximum or mean; a mean counts the cells that are there."""
    rank = len(window)
    places = x.shape[2:] if first else x.shape[1:-1]
    reads = padding == "same" and how == "mean" and any(k > 1 for k in window)
    inside = _inside(whole(places, "an average that reads beyond the edge"), window, strides, first) if reads else None
    slides = _slides(strides, (1,) * rank, window)
    pattern = f"{how} {_laid(first, slides, 'c')} -> {_laid(first, POSITIONS[:rank], 'c')}"
    sizes = {tap: k for tap, k in zip(TAPS, window, strict=False) if k > 1}
    rule: Padding = "same" if padding == "same" and sizes else "valid"
    corrected = inside is not None and not np.all(inside == 1)
    y = call.equation(pattern, x, at="mean" if corrected else "", padding=rule, sizes=sizes)
    if inside is None or not corrected:
        return y
    return call.combined("multiply", y, call.stored(inside, "inside", trainable=False, owns=True))


def _inside(places: Sequence[int], window: Sequence[int], strides: Sequence[int], first: bool) -> Any:
    """By how much each mean is too small: the cells of its window over those that are there."""
    factor: Any = np.ones((), "float32")
    for n, k, s in zip(places, window, strides, strict=True):
        outputs = -(-n // s)
        starts = np.arange(outputs) * s - max(0, (outputs - 1) * s + k - n) // 2
        there = np.minimum(starts + k, n) - np.maximum(starts, 0)
        factor = np.multiply.outer(factor, (k / there).astype("float32"))
        if factor.size > MOST_CELLS:
            raise Beyond("its map of windows at the edge is too large")
    return factor if first else factor[..., None]


def global_pooling(call: Call) -> Tensor:
    """All positions become one."""
    x, rank, first = _slid(call)
    how = "max" if "Max" in call.kind else "mean"
    places = POSITIONS[:rank]
    kept = ["1"] * rank if call.flag("keepdims", False) else []
    return call.equation(f"{how} {_laid(first, places, 'c')} -> {_laid(first, kept, 'c')}", x)


# Parts of patterns


def _slid(call: Call) -> tuple[Tensor, int, bool]:
    """What the layer reads, over how many axes it slides, and whether the maps come first."""
    x, rank = call.x, next(int(c) for c in call.kind if c.isdigit())
    if len(x.shape) != rank + 2:
        raise ReadError(f"{call.where} reads {x}, and needs {rank + 2} axes", advice="Save the model anew.")
    return x, rank, call.maps_first


def _laid(first: bool, places: Sequence[str], maps: str) -> str:
    return " ".join(["b", maps, *places] if first else ["b", *places, maps])


def _letters(call: Call, count: int) -> list[str]:
    return list(POSITIONS[:count]) if count <= len(POSITIONS) else [f"i{k}" for k in range(count)]


def _taps(kernel: Sequence[int], scattered: Sequence[int] = ()) -> list[str]:
    steps = scattered or (1,) * len(kernel)
    return [tap if k > 1 or (scattered and s > 1) else "1" for tap, k, s in zip(TAPS, kernel, steps, strict=False)]


def _slides(strides: Sequence[int], dilation: Sequence[int], kernel: Sequence[int], *, scattered: bool = False) -> list[str]:
    """The addresses: 2*i+3*u; without a tap where the kernel has one cell (a result that is spread keeps it)."""
    found = []
    for position, tap, s, d, k in zip(POSITIONS, TAPS, strides, dilation, kernel, strict=False):
        place = position if s == 1 else f"{s}*{position}"
        step = tap if d == 1 else f"{d}*{tap}"
        found.append(f"{place}+{step}" if k > 1 or (scattered and s > 1) else place)
    return found


def _padding(call: Call, kernel: Sequence[int], dilation: Sequence[int]) -> Padding:
    known = ("valid", "same", "causal") if len(kernel) == 1 else ("valid", "same")
    rule = call.fields.choice("padding", known)
    if all(k == 1 for k in kernel) or rule == "valid":
        return "valid"
    return {"i": (dilation[0] * (kernel[0] - 1), 0)} if rule == "causal" else "same"


def _bias(call: Call, arrays: dict[str, Any], number: int, count: Any, axes: str) -> str | None:
    if not call.flag("use_bias", True):
        return None
    arrays["bias"] = call.weights.take(number, (count,))
    return axes
