"""Resizing an axis is a constant matrix: a row for every new cell, which says what it takes from the old ones.

The coordinate of a new cell in the old axis, its neighbours and their shares are those of ONNX's operator Resize (opset 19);
Upsample is the same with the older rule of coordinates. Nearest gives rows with a single 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor
from typing import Any

import numpy as np

from slidesum.core.ops import Stored
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Translator, Unknown
from slidesum.read.onnx_cuts import taken
from slidesum.read.patterns import COPIES, along, axes

MOST_CELLS = 2**24
"""Cells of a matrix."""

Matrix = Any


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


def maps(build: Build, call: Call, shape: Sequence[int]) -> dict[int, Matrix]:
    """The matrices of the axes that change."""
    mode = str(call.get("mode", "nearest"))
    scales, sizes, places = _wanted(build, call, shape)
    rule = str(call.get("coordinate_transformation_mode", "half_pixel"))
    if call.op == "Upsample" or (call.op == "Resize" and call.opset < 11):
        rule = "asymmetric"
    if mode not in ("nearest", "linear", "cubic", "bilinear") or rule not in _RULES:
        raise Unknown(f"it resizes by {mode!r} and {rule!r}")
    if call.get("antialias", 0):
        raise Unknown("it smoothes before it resizes")
    nearest = str(call.get("nearest_mode", "round_prefer_floor")) if rule != "asymmetric" or call.opset >= 11 else "floor"
    if call.op == "Upsample" or call.opset < 11:
        nearest = "floor"
    found = {}
    for k, place in enumerate(places):
        extent, scale, size = int(shape[place]), scales[k], sizes[k]
        if extent * size > MOST_CELLS or size < 1 or extent < 1:
            raise Unknown(f"it makes {size} cells of {extent}")
        at = np.asarray([_RULES[rule](i, scale, size, extent) for i in range(size)], np.float64)
        if mode == "nearest":
            matrix = _nearest(at, extent, nearest)
        else:
            matrix = _weighed(at, extent, float(call.get("cubic_coeff_a", -0.75)) if mode == "cubic" else None, call)
        if matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, np.eye(extent)):
            if build.grows(extent):
                raise Unknown("it resizes the batch")
            found[place] = matrix
    return found


def _wanted(build: Build, call: Call, shape: Sequence[int]) -> tuple[list[float], list[int], list[int]]:
    """By axis that is named: the scale, and the new extent."""
    places = [n % len(shape) for n in call.get("axes") or range(len(shape))]
    where = 1 if call.op == "Upsample" or call.opset < 11 else 2
    held = call.get("scales") if call.get("scales") is not None else build.maybe(call, where)
    scales = [float(s) for s in np.ravel(held)] if held is not None and np.size(held) else []
    wanted = build.maybe(call, 3) if where == 2 else None
    sizes = [int(n) for n in np.ravel(wanted)] if wanted is not None else []
    if sizes and len(sizes) == len(places):
        ratios = [n / shape[p] for n, p in zip(sizes, places, strict=True)]
        policy = call.get("keep_aspect_ratio_policy", "stretch")
        if policy == "stretch":
            return ratios, sizes, places
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        return [ratio] * len(places), [floor(ratio * shape[p] + 0.5) for p in places], places
    if len(scales) != len(places) or min(scales, default=1) <= 0:
        raise Unknown("it says neither scales nor sizes for every axis")
    return scales, [floor(shape[p] * s) for s, p in zip(scales, places, strict=True)], places


def _pytorch(i: int, s: float, size: int, extent: int) -> float:
    return (i + 0.5) / s - 0.5 if size > 1 else 0.0


def _corners(i: int, s: float, size: int, extent: int) -> float:
    return i * (extent - 1) / (s * extent - 1) if size > 1 else 0.0


def _symmetric(i: int, s: float, size: int, extent: int) -> float:
    adjustment = size / (s * extent)
    return extent / 2 * (1 - adjustment) + (i + 0.5) / s - 0.5


_RULES: Mapping[str, Callable[[int, float, int, int], float]] = {
    "half_pixel": lambda i, s, size, extent: (i + 0.5) / s - 0.5,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": _pytorch,
    "align_corners": _corners,
    "asymmetric": lambda i, s, size, extent: i / s,
}


def _nearest(at: Any, extent: int, rule: str) -> Matrix:
    match rule:
        case "round_prefer_floor":
            cells = np.ceil(at - 0.5)
        case "round_prefer_ceil":
            cells = np.floor(at + 0.5)
        case "floor":
            cells = np.floor(at)
        case "ceil":
            cells = np.ceil(at)
        case _:
            raise Unknown(f"it takes cells by the rule {rule!r}")
    return np.eye(extent)[np.clip(cells, 0, extent - 1).astype(int)]


def _weighed(at: Any, extent: int, cubic: float | None, call: Call) -> Matrix:
    """Two neighbours, or four with the weights of Keys (1981), equation 4; beyond the edge stands the edge."""
    low = np.floor(at).astype(int)
    share = at - low
    matrix = np.zeros((len(at), extent))
    rows = np.arange(len(at))
    if cubic is None:
        near = {0: 1 - share, 1: share}
    else:
        a = cubic
        near = {
            -1: ((a * (share + 1) - 5 * a) * (share + 1) + 8 * a) * (share + 1) - 4 * a,
            0: ((a + 2) * share - (a + 3)) * share * share + 1,
            1: ((a + 2) * (1 - share) - (a + 3)) * (1 - share) ** 2 + 1,
            2: ((a * (2 - share) - 5 * a) * (2 - share) + 8 * a) * (2 - share) - 4 * a,
        }
    outside = call.get("exclude_outside", 0)
    for step, weight in near.items():
        cells = low + step
        inside = (cells >= 0) & (cells < extent)
        kept = weight * inside if outside else weight
        np.add.at(matrix, (rows, np.clip(cells, 0, extent - 1)), kept)
    return matrix / matrix.sum(1, keepdims=True) if outside else matrix


RESIZES: dict[str, Translator] = dict.fromkeys(("Resize", "Upsample"), resize)
