"""torch: the library's own convolutions and poolings, products of matrices, and windows that are views.

What torch itself differentiates well is left to autograd; the rest is differentiated by gradient equations (`torch_autograd.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F

from slidesum.core.equation import Reduce
from slidesum.core.ops import Combination, Function
from slidesum.errors import ArrayError
from slidesum.plans.geometry import Geometry
from slidesum.plans.machine import METHODS, Machine, Method
from slidesum.plans.step import Plan, Step
from slidesum.run.backend import Array, Backend, Backward, Labels, Laying, Run, Watched
from slidesum.run.memory import free_bytes
from slidesum.run.native import available
from slidesum.run.product import product
from slidesum.run.torch_autograd import Differentiated, watched
from slidesum.run.torch_convolution import empty, folded, unfolded
from slidesum.run.torch_fold import added_by_index, added_by_slices
from slidesum.run.torch_functions import COMBINATIONS, FUNCTIONS

MACHINE = Machine(
    "torch",
    slid=3,
    poolings=frozenset({"max", "mean"}),
    methods=frozenset(METHODS),
    multiplies_by_convolving=True,
    efficiency={
        "library": 0.5,
        "direct": 0.8,
        "unfolded": 0.5,
        "transposed": 0.3,
        "folded": 0.2,
        "windows": 0.3,
        "matmul": 0.7,
        "fft": 0.1,
    },
)
PLAIN = replace(MACHINE, methods=MACHINE.methods - {"direct"})
TRACED = replace(PLAIN, methods=PLAIN.methods - {"unfolded", "folded"})
OWN_GRADIENTS = {"sum", "matmul", "library", "transposed", "pooling"}


def _differentiates(step: Step) -> bool:
    """Whether torch's own derivative of a step is as good as the gradient equations; of few taps, that of their convolutions."""
    if step.inner is not None:
        return step.inner.method == "library" and int(step.sized.extents[step.tap]) <= 16
    return step.method in OWN_GRADIENTS


class Torch(Backend):
    """Tensors of torch, on any device."""

    name = "torch"
    watches = ("unwatched", "recorded", "traced")

    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        first = arrays[0]
        for x in arrays:
            if x.dtype == torch.bool:
                raise ArrayError(
                    "no sums and products of dtype torch.bool", advice="Convert the tensor to numbers, for example with x.float()."
                )
            if x.layout != torch.strided:
                raise ArrayError(f"a tensor is {x.layout}", advice="Make it dense first, with x.to_dense().")
            if x.dtype != first.dtype:
                raise ArrayError(
                    f"the tensors have the dtypes {first.dtype} and {x.dtype}",
                    usual="torch doesn't promote in convolutions.",
                    advice=f"Convert one of them, for example with .to({first.dtype}).",
                )
            if x.device != first.device:
                raise ArrayError(
                    f"the tensors are on {first.device} and {x.device}",
                    advice=f"Move one of them, for example with .to({str(first.device)!r}).",
                )
            if x.dtype.is_complex and reduce in ("max", "min"):
                raise ArrayError(f"complex numbers have no {reduce}", advice="Pool the absolute values, x.abs().")

    def number(self, arrays: Sequence[Array]) -> tuple[int, str]:
        dtype = arrays[0].dtype
        return dtype.itemsize, "c" if dtype.is_complex else "f" if dtype.is_floating_point else "i"

    def watched(self, arrays: Sequence[Array]) -> Watched:
        return watched(arrays)

    def near(self, arrays: Sequence[Array]) -> bool:
        return all(x.is_cpu for x in arrays)

    def machine_for(self, watched: Watched, near: bool) -> Machine:
        if watched == "traced":
            return TRACED
        return MACHINE if near and available() else PLAIN

    def free_bytes(self, arrays: Sequence[Array] = ()) -> int:
        device = arrays[0].device if arrays else torch.device("cpu")
        return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else free_bytes()

    def differentiates(self, plan: Plan) -> bool:
        return len(plan.sized.equation.operands) == 1 or all(map(_differentiates, plan.steps))

    def differentiable(self, run: Run, backward: Backward) -> Run:
        apply: Any = Differentiated.apply
        return lambda arrays: apply(run, backward, *arrays)

    def constant(self, values: Any, like: Array) -> Array:
        return torch.as_tensor(values, dtype=like.dtype, device=like.device)

    def promoted(self, x: Array, dtype: str) -> Array:
        wanted = getattr(torch, dtype)
        if not (x.dtype.is_floating_point or x.dtype.is_complex):
            return x.to(wanted)
        return x.to(torch.promote_types(x.dtype, wanted)) if wanted.is_complex else x

    def copied(self, x: Array) -> Array:
        return x.clone(memory_format=torch.contiguous_format)

    def reshape(self, x: Array, shape: Sequence[int]) -> Array:
        return x.reshape(shape)

    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        return x.permute(tuple(order))

    def take(self, x: Array, axis: int, cells: Sequence[int]) -> Array:
        return x.index_select(axis, torch.tensor(cells, dtype=torch.long, device=x.device))

    def pad(self, x: Array, axis: int, low: int, high: int, value: complex) -> Array:
        if isinstance(value, complex) or abs(value) in (2**63 - 1, 2**63):  # more than the float that F.pad goes through can tell
            shape = list(x.shape)
            sides = []
            for n in (low, high):
                shape[axis] = max(0, n)
                sides.append(torch.full(shape, value, dtype=x.dtype, device=x.device))
            kept = x.narrow(axis, max(0, -low), x.shape[axis] - max(0, -low) - max(0, -high))
            return torch.cat([sides[0], kept, sides[1]], axis)
        widths = [0, 0] * (x.ndim - 1 - axis) + [low, high]
        return F.pad(x, widths, value=value)

    def windows(self, x: Array, axis: int, base: int, steps: Sequence[int], extents: Sequence[int]) -> Array:
        lowest = base + sum(step * (n - 1) for step, n in zip(steps, extents, strict=True) if step < 0)
        if 0 in extents:
            return x.new_zeros((*x.shape[:axis], *extents, *x.shape[axis + 1 :]))
        spans = [1 + sum(abs(s) * (n - 1) for s, n in list(zip(steps, extents, strict=True))[k:]) for k in range(len(steps) + 1)]
        x = x.narrow(axis, lowest, spans[0])
        for k, step in enumerate(steps):
            x = x.unfold(axis + k, spans[k + 1], abs(step)).movedim(-1, axis + k + 1)
        x = x.squeeze(axis + len(steps))
        backwards = [axis + k for k, step in enumerate(steps) if step < 0]
        return x.flip(backwards) if backwards else x

    def fold(self, x: Array, axis: int, base: int, steps: Sequence[int], extent: int) -> Array:
        if watched([x]) != "unwatched":
            return added_by_index(x, axis, base, steps, extent)
        return added_by_slices(x, axis, base, steps, extent)

    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
        if len(operands) == 2 and (y := product(self, torch.matmul, operands[0], operands[1], result)) is not None:
            return y
        flat: list[Any] = [part for x, labels in operands for part in (x, list(labels))]
        return torch.einsum(*flat, list(result)).to(operands[0][0].dtype)  # small integers would come back as int64

    def reduce(self, x: Array, axes: Sequence[int], how: Reduce) -> Array:
        if how == "mean" and not (x.dtype.is_floating_point or x.dtype.is_complex):
            x = x.to(torch.get_default_dtype())
        if how == "mean":
            return x.mean(dim=tuple(axes))
        if how == "sum":
            return x.sum(dim=tuple(axes), dtype=x.dtype)
        kept = [k for k in range(x.ndim) if k not in axes]
        flat = x.permute(*kept, *axes).flatten(len(kept))  # one winner takes the gradient, as in max pooling
        return (flat.max(-1) if how == "max" else flat.min(-1)).values

    def lowest(self, x: Array, *, highest: bool = False) -> complex:
        if x.dtype.is_floating_point:
            return math.inf if highest else -math.inf
        limits = torch.iinfo(x.dtype)
        return limits.max if highest else limits.min

    def concat(self, parts: Sequence[Array], axis: int) -> Array:
        return torch.cat(list(parts), axis)

    def apply(self, function: Function, x: Array, options: Sequence[float] = ()) -> Array:
        return FUNCTIONS[function](x, *options)

    def combine(self, function: Combination, x: Array, y: Array) -> Array:
        return COMBINATIONS[function](x, y)

    def exp(self, x: Array) -> Array:
        return torch.exp(x)

    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        return x.flip(tuple(axes))

    def repeat(self, x: Array, shape: Sequence[int]) -> Array:
        return x.expand(tuple(shape))

    def stitched(self, pieces: Iterable[Array], axis: int, shape: Sequence[int], like: Array) -> Array:
        if watched([like]) != "unwatched":
            return torch.cat(list(pieces), axis)
        y = empty(tuple(shape), like)
        at = 0
        for piece in pieces:
            y.narrow(axis, at, piece.shape[axis]).copy_(piece)
            at += piece.shape[axis]
        return y

    def convolution(self, geometry: Geometry, method: Method) -> Callable[[Array, Array], Array]:
        if method == "unfolded":
            return lambda x, w: unfolded(x, w, geometry)
        g = geometry
        convolve, strides, padding, dilations, groups = CONVOLUTIONS[g.slid], g.strides, g.padding, g.dilations, g.groups
        if method == "library":
            return lambda x, w: convolve(x, w, None, strides, padding, dilations, groups)
        last = torch.channels_last if g.slid == 2 else torch.channels_last_3d
        return lambda x, w: convolve(
            x.contiguous(memory_format=last), w.contiguous(memory_format=last), None, strides, padding, dilations, groups
        )

    def kernel(self, geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
        from slidesum.run.torch_native import direct  # needs what `available` found

        return direct(geometry, laying)

    def transposed(self, x: Array, w: Array, geometry: Geometry, method: Method) -> Array:
        g = geometry
        if method == "folded":
            return folded(x, w, g)
        return TRANSPOSED[g.slid](x, w, None, g.strides, 0, 0, g.groups, g.dilations)

    def pooled(self, x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
        g = geometry
        if how == "max":
            return MAX_POOLINGS[g.slid](x, windows, g.strides, 0, g.dilations)
        return MEAN_POOLINGS[g.slid](x, windows, g.strides)

    def spectrum(self, x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
        transform = torch.fft.fftn if x.dtype.is_complex else torch.fft.rfftn
        return transform(x, tuple(sizes), tuple(axes))

    def signal(self, spectrum: Array, axes: Sequence[int], sizes: Sequence[int], like: Array) -> Array:
        transform = torch.fft.ifftn if like.dtype.is_complex else torch.fft.irfftn
        return transform(spectrum, tuple(sizes), tuple(axes))


CONVOLUTIONS: dict[int, Any] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
TRANSPOSED: dict[int, Any] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX_POOLINGS: dict[int, Any] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEAN_POOLINGS: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
