"""Reach through the layers of a network: what each makes of the reach of every array that it reads.

An axis that a layer reads as a whole (softmax, layer normalisation, a reshape that mixes it with others) is absorbed: from then on
nothing moves along it. Equations have `laws.reach.follow`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from slidesum.core.network import Node
from slidesum.core.ops import Concat, Distance, Elementwise, GroupNorm, Layer, LayerNorm, Opaque, Pad, Reshape, Slice, Softmax, Take
from slidesum.core.sizes import Size, is_number, tidy
from slidesum.laws.reach import Reach, Reaches, absorbed, follow

Shape = tuple[Size, ...]


def through(node: Node, before: Sequence[tuple[Shape, Reaches]]) -> list[Reaches]:
    """The reach of the layer's result by way of each of its inputs; the shapes are those of the inputs."""
    branches = [reaches for _, reaches in before]
    match node.op:
        case Layer():
            assert node.sized is not None
            return [follow(node.sized, reaches, number) for number, reaches in enumerate(branches)]
        case Distance():
            return _absorbing(branches, lambda axis: axis == 1)
        case Softmax(axis=axis):
            return _absorbing(branches, lambda a: a == axis % len(node.shape))
        case LayerNorm(axes=axes):
            wide = {axis % len(node.shape) for axis in axes}
            return _absorbing(branches, lambda a: a in wide)
        case GroupNorm() | Opaque():
            return _absorbing(branches, lambda a: a > 0)
        case Concat(axis=axis) if len(branches) > 1:  # along it a place no longer tells the cell
            return _absorbing(branches, lambda a: a == axis % len(node.shape))
        case Take(axis=axis):
            return _absorbing(branches, lambda a: a == axis % len(node.shape))
        case Slice(axis=axis, start=start, step=step):
            return _moved(branches, axis % len(node.shape), tidy(-start), step, node.shape)
        case Pad(cells=cells):
            for place, (low, _) in enumerate(cells):
                branches = _moved(branches, place, low, 1, node.shape)
            return branches
        case Reshape():
            kept = _kept_axes(before[0][0], node.shape)
            return _absorbing(branches, lambda a: a >= kept)
        case Elementwise():
            return [_broadcast(shape, reaches, node.shape) for shape, reaches in before]
        case _:
            return branches


def _absorbing(branches: Sequence[Reaches], wide: Callable[[int], bool]) -> list[Reaches]:
    """Axes along which the whole is read."""
    return [
        {name: absorbed(r) if r.along is not None and wide(r.along) else r for name, r in branch.items()} for branch in branches
    ]


def _moved(branches: Sequence[Reaches], place: int, low: Size, step: int, shape: Shape) -> list[Reaches]:
    """Place t of the result is place step·t - low of the input."""

    def one(reach: Reach) -> Reach:
        if reach.along != place:
            return reach
        padding, stride = tidy(reach.padding + low * reach.stride), tidy(reach.stride * step)
        return replace(reach, padding=padding, stride=stride, cells=shape[place])

    return [{name: one(reach) for name, reach in branch.items()} for branch in branches]


def _kept_axes(before: Shape, after: Shape) -> int:
    """How many leading axes a reshape leaves as they are."""
    pairs = zip(before, after, strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))


def _broadcast(shape: Shape, reaches: Reaches, result: Shape) -> Reaches:
    """Axes count from the last; where one cell is repeated, all places read it."""
    beside = len(result) - len(shape)

    def one(reach: Reach) -> Reach:
        if reach.along is None:
            return reach
        repeated = is_number(shape[reach.along]) and shape[reach.along] == 1 and result[reach.along + beside] != 1
        return absorbed(reach) if repeated else replace(reach, along=reach.along + beside)

    return {name: one(reach) for name, reach in reaches.items()}
