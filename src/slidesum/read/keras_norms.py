"""Keras' normalisations, and the layers that scale and shift by learned or given numbers.

A batch norm may lack its scale or its shift. It has neither then, and what is there follows as an addition or a product of its own:
no number is counted that the model doesn't have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from slidesum.core.ops import Activation, BatchNorm, Elementwise, GroupNorm, LayerNorm
from slidesum.core.sizes import Size, is_number
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import is_real
from slidesum.read.keras_call import Beyond, Call, whole
from slidesum.read.keras_file import Array


def batch_norm(call: Call) -> Tensor:
    """Scale, shift, mean and variance of every map; those that are there, in this order."""
    x = call.x
    axis = call.axis(call.fields.maybe("axis", -1), x)
    epsilon, maps = call.fields.number("epsilon"), (x.shape[axis],)
    scaled, shifted = call.flag("scale", True), call.flag("center", True)
    found = iter(call.weights.take(k, maps) for k in range(scaled + shifted + 2))
    affine = {name: next(found) for name, there in (("scale", scaled), ("shift", shifted)) if there}
    statistics = {"mean": next(found), "variance": next(found)}
    if len(affine) == 2 or not affine:
        return call.put(BatchNorm(axis, epsilon, bool(affine)), x, arrays={**affine, **statistics})
    y = call.put(BatchNorm(axis, epsilon, False), x, arrays=statistics)
    ((name, array),) = affine.items()
    function = "multiply" if name == "scale" else "add"
    return _with(call, y, function, array, (axis,), name)


def layer_norm(call: Call) -> Tensor:
    """Every sample brought to mean 0 and variance 1 along the axes."""
    x = call.x
    axes = call.axes(call.fields.maybe("axis", -1), x)
    epsilon = call.fields.number("epsilon")
    scaled, shifted = call.flag("scale", True), call.flag("center", True)
    centred = not call.flag("rms_scaling", False)
    if not centred:
        raise Beyond("its old form of rms scaling")
    shape = tuple(x.shape[k] for k in axes)
    names = [name for name, there in (("scale", scaled), ("shift", shifted)) if there]
    arrays = {name: call.weights.take(k, shape) for k, name in enumerate(names)}
    return call.put(LayerNorm(axes, epsilon, scaled, shifted), x, arrays=arrays)


def rms_norm(call: Call) -> Tensor:
    """Only the mean square is brought to 1."""
    x = call.x
    axes = call.axes(call.fields.maybe("axis", -1), x)
    scale = call.weights.take(0, tuple(x.shape[k] for k in axes))
    return call.put(LayerNorm(axes, call.fields.number("epsilon"), True, False, False), x, arrays={"scale": scale})


def group_norm(call: Call) -> Tensor:
    """The maps in groups; ours stand on axis 1, so they are moved there and back."""
    x = call.x
    axis, groups = call.axis(call.fields.maybe("axis", -1), x), call.fields.integer("groups")
    maps = x.shape[axis]
    groups = int(maps) if groups == -1 and is_number(maps) else groups
    if axis == 0 or not is_number(maps) or groups < 1 or maps % groups:
        raise ReadError(f"{call.where}: {maps} maps in {groups} groups", advice="Save the model anew.")
    scaled, shifted = call.flag("scale", True), call.flag("center", True)
    names = [name for name, there in (("scale", scaled), ("shift", shifted)) if there]
    arrays: dict[str, Array] = {name: call.weights.take(k, (maps,)) for k, name in enumerate(names)}
    both = scaled and shifted
    letters = [f"a{k}" for k in range(len(x.shape))]
    moved = [letters[0], letters[axis], *(n for k, n in enumerate(letters) if k not in (0, axis))]
    there, back = " ".join(letters), " ".join(moved)
    y = x if axis == 1 else call.equation(f"{there} -> {back}", x, at="first")
    at = "normalised" if axis != 1 or (arrays and not both) else ""
    y = call.put(GroupNorm(groups, call.fields.number("epsilon"), both), y, at=at, arrays=arrays if both else {})
    last = "" if both or not arrays else "back"
    y = y if axis == 1 else call.equation(f"{back} -> {there}", y, at=last)
    for name, array in arrays.items() if not both else ():
        y = _with(call, y, "multiply" if name == "scale" else "add", array, (axis,), name)
    return y


def normalization(call: Call) -> Tensor:
    """(x - mean) / sqrt(variance), of numbers that the model was given or has seen."""
    x, fields = call.x, call.fields
    value = fields.maybe("axis", -1)
    axes = () if value is None else call.axes(value, x)
    shape = whole([n if k in axes else 1 for k, n in enumerate(x.shape)], "its axes")
    given = [fields.maybe(name, None) for name in ("mean", "variance")]
    kept = tuple(x.shape[k] for k in axes)
    mean, variance = (
        np.asarray(call.weights.take(k, kept)) if known is None else _numbers(call, known) for k, known in enumerate(given)
    )
    try:
        mean, variance = (np.broadcast_to(a.reshape(shape) if a.size == np.prod(shape) else a, shape) for a in (mean, variance))
    except ValueError:
        raise ReadError(f"{call.where}: its mean doesn't fit {x}", advice="Save the model anew.") from None
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0)), 1e-7).astype("float32")
    mean = mean.astype("float32")
    if call.flag("invert", False):
        y = call.put(Elementwise("multiply"), x, call.stored(deviation, "deviation", trainable=False), at="scaled")
        return call.put(Elementwise("add"), y, call.stored(mean, "mean", trainable=False))
    y = call.put(Elementwise("subtract"), x, call.stored(mean, "mean", trainable=False), at="centred")
    return call.put(Elementwise("divide"), y, call.stored(deviation, "deviation", trainable=False))


def rescaling(call: Call) -> Tensor:
    """x·scale + offset, by numbers; a list has one a channel."""
    x = call.x
    scale, offset = (_numbers(call, call.fields.take(name)) for name in ("scale", "offset"))
    if scale.ndim == offset.ndim == 0:
        return call.put(Activation("affine", (float(scale), float(offset))), x)
    y = call.put(Elementwise("multiply"), x, call.stored(np.atleast_1d(scale), "scale", trainable=False), at="scaled")
    return call.put(Elementwise("add"), y, call.stored(np.atleast_1d(offset), "offset", trainable=False))


def layer_scale(call: Call) -> Tensor:
    """ConvNeXt's scale of a branch (Touvron et al. 2021, "Going deeper with image transformers", section 3)."""
    maps = (call.x.shape[-1],)
    return call.put(Elementwise("multiply"), call.x, call.stored(call.weights.take(0, maps), "gamma"))


def added_scale(call: Call) -> Tensor:
    """Inception-ResNet's sum: the first, and the second times a number."""
    scale = call.fields.number("scale")
    first, second = call.inputs
    return call.put(Elementwise("add"), first, call.put(Activation("affine", (scale, 0.0)), second, at="scaled"))


def _with(call: Call, x: Tensor, function: Any, array: Array, axes: tuple[int, ...], at: str) -> Tensor:
    """x and an array that stands along these axes, value by value."""
    shape: list[Size] = [n if k in axes else 1 for k, n in enumerate(x.shape)][min(axes) :]
    kept = call.stored(np.asarray(array).reshape(whole(shape, "a scale")), at)
    last = call.name not in call.network.draft.graph
    return call.put(Elementwise(function), x, kept, at="" if last else f"{at}-applied")


def _numbers(call: Call, value: Any) -> Array:
    flat: list[Any] = [value]
    while any(isinstance(n, list) for n in flat):
        flat = [m for n in flat for m in (n if isinstance(n, list) else [n])]
    if not flat or not all(map(is_real, flat)):
        raise ReadError(f"{call.where}: numbers are needed", advice="Save the model anew.")
    try:
        return np.asarray(value, "float32")
    except (ValueError, OverflowError):
        raise ReadError(f"{call.where}: numbers are needed", advice="Save the model anew.") from None
