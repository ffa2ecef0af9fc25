"""Every layer of the vocabulary as nodes of ONNX: those that have an operator use it, equations go by their plan.

The plan is that of a machine whose convolutions cost nothing beside anything else: what can be one becomes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.core.network import Node
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Dropout,
    Elementwise,
    GroupNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Opaque,
    Pad,
    Reshape,
    Softmax,
    Stored,
)
from slidesum.core.sized import Sized
from slidesum.errors import NetworkError, SizeError, UsageError
from slidesum.laws.edge import REPEATING
from slidesum.laws.shape import solve
from slidesum.plans.candidates import Setting
from slidesum.plans.choose import planned
from slidesum.plans.machine import Method
from slidesum.plans.step import Plan, Step
from slidesum.run.layers import computed, responded, response_window
from slidesum.run.steps import program
from slidesum.run.wiring import full_filters
from slidesum.write.onnx_backend import MACHINE, ONNX
from slidesum.write.onnx_functions import applied, combined
from slidesum.write.onnx_record import Record, Symbol

BACKEND = ONNX()
PREFERRED: tuple[Method, ...] = ("transposed", "library", "pooling")


def written(record: Record, node: Node, arrays: Mapping[str, Symbol], before: Sequence[Symbol]) -> Symbol:
    """The result of one layer. Raises NetworkError for a layer that can't be written."""
    match node.op:
        case Layer() as op:
            assert node.sized is not None
            filters = full_filters(BACKEND, node.sized, [arrays[operand.name] for operand in node.sized.filters])
            given = [*before, *filters]
            sized = solve(op.equation, [x.shape for x in given], op.sizes, padding=op.padding, border=op.border, extent=op.extent)
            if sized.bias_shape != node.sized.bias_shape:
                raise SizeError(f"{node.name!r} has a bias for every sample", advice="Leave the batch as it is.")
            return equation(sized, given, arrays.get("bias"))
        case Stored():
            return arrays["value"]
        case Activation(function, options):
            return applied(function, before[0], options)
        case Elementwise(function):
            return combined(function, before[0], before[1])
        case Add():
            x = before[0]
            return x if len(before) == 1 else record.node("Add" if len(before) == 2 else "Sum", before, x.shape)
        case Dropout():
            return before[0]
        case Softmax(axis):
            return record.node("Softmax", before, before[0].shape, axis=axis % before[0].ndim)
        case BatchNorm() | LayerNorm() | GroupNorm() | LocalResponseNorm():
            return _normalised(record, node, arrays, before[0])
        case Pad(cells, border):
            return _padded(record, before[0], cells, border)
        case Reshape(shape):
            return _reshaped(record, before[0], shape)
        case Opaque(kind):
            raise NetworkError(
                f"{node.name!r} is {kind}, which slidesum can count and not write",
                usual="The model it was read from has an operation that is no equation, and none of the other layers known here.",
                advice="Export the original model, or take a part of the network without it.",
            )
        case _:
            return _by_run(node, arrays, before)


def equation(sized: Sized, arrays: Sequence[Symbol], bias: Symbol | None = None) -> Symbol:
    """The result of an equation, by its plan."""
    found: Symbol = program(BACKEND, _plan(sized))(arrays, bias)
    return found


def _by_run(node: Node, arrays: Mapping[str, Symbol], before: Sequence[Symbol]) -> Symbol:
    """What has no operator of its own is computed on symbols, as it is on arrays."""
    found: Symbol = computed(BACKEND, node, arrays, before)
    return found


def _plan(sized: Sized) -> Plan:
    setting = Setting(MACHINE, 4, "f", True, 2**62)
    for method in PREFERRED if sized.slides else ():
        if (method == "transposed") == any(number < 0 for number, _ in sized.slides):
            try:
                return _whole(planned(sized, setting, method))
            except UsageError:
                continue  # it isn't shaped so
    return _whole(planned(sized, setting))


def _whole(plan: Plan) -> Plan:
    """The plan without pieces: a file has no cache to spare."""
    return replace(plan, steps=tuple(map(_unpieced, plan.steps)))


def _unpieced(step: Step) -> Step:
    return replace(step, pieces=(), inner=_unpieced(step.inner) if step.inner else None)


def _normalised(record: Record, node: Node, arrays: Mapping[str, Symbol], x: Symbol) -> Symbol:
    match node.op:
        case BatchNorm(axis, epsilon, affine) if axis % x.ndim == 1:
            maps = x.shape[1]
            usual = {"scale": np.ones(maps), "shift": np.zeros(maps)}
            held = [arrays[n] if n in arrays else record.constant(usual[n]) for n in ("scale", "shift", "mean", "variance")]
            return record.node("BatchNormalization", [x, *held], x.shape, epsilon=epsilon)
        case LayerNorm(axes, epsilon, scale, shift, True) if [a % x.ndim for a in axes] == list(range(x.ndim))[-len(axes) :]:
            shape = [x.shape[a] for a in axes]
            held = [arrays["scale"] if scale else record.constant(np.ones(shape)), *([arrays["shift"]] if shift else [])]
            return record.node("LayerNormalization", [x, *held], x.shape, axis=x.ndim - len(axes), epsilon=epsilon)
        case GroupNorm(groups, epsilon, affine) if x.ndim > 2:
            maps = x.shape[1]
            held = (
                [arrays["scale"], arrays["shift"]] if affine else [record.constant(np.ones(maps)), record.constant(np.zeros(maps))]
            )
            if groups == maps:
                return record.node("InstanceNormalization", [x, *held], x.shape, epsilon=epsilon)
            return record.node("GroupNormalization", [x, *held], x.shape, epsilon=epsilon, num_groups=groups)
        case LocalResponseNorm(size, alpha, beta, k, axis) as op:
            if axis % x.ndim == 1 and size % 2 and x.ndim == 4:
                return record.node("LRN", [x], x.shape, size=size, alpha=alpha * size, beta=beta, bias=k)
            window, padding = response_window(op, x.ndim)
            energy = equation(solve(window, [x.shape], {"t": size}, padding=padding), [x * x])
            found: Symbol = responded(op, x, energy)
            return found
        case _:
            return _by_run(node, arrays, [x])


def _padded(record: Record, x: Symbol, cells: Sequence[tuple[Any, Any]], border: Any) -> Symbol:
    modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    sides = [(int(low), int(high)) for low, high in cells]
    cropped = [(max(0, -low), n - max(0, -high)) for n, (low, high) in zip(x.shape, sides, strict=True)]
    x = x[tuple(slice(a, b) for a, b in cropped)]
    sides = [(max(0, low), max(0, high)) for low, high in sides]
    if not any(n for pair in sides for n in pair):
        return x
    shape = [n + low + high for n, (low, high) in zip(x.shape, sides, strict=True)]
    number = 0.0 if isinstance(border, str) else float(border)
    if border not in REPEATING:
        found: Symbol = BACKEND.padded(x, sides, number, shape)
        return found
    flat = [a for a, _ in sides] + [b for _, b in sides]
    return record.node("Pad", [x, record.integers(flat)], shape, mode=modes[border], sides=tuple(sides), value=None)


def _reshaped(record: Record, x: Symbol, shape: Sequence[Any]) -> Symbol:
    wanted = tuple(int(n) for n in shape)
    found: Symbol = BACKEND.reshape(x, wanted)
    if -1 in wanted and record.nodes and record.nodes[-1].output == found.name:
        record.nodes[-1].shape = wanted
    return found
