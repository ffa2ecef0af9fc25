"""The arrays that a layer keeps: names, shapes, and how they begin. Those that it shares are counted where they are kept.

Filters and biases begin as torch begins those of `nn.Conv2d`: uniform between ±1/sqrt(fan_in), where fan_in is the number of terms
in the sum of one output value (He et al. 2015 with a = sqrt(5), as in torch.nn.modules.conv).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from slidesum.core.axis import Name
from slidesum.core.network import Node
from slidesum.core.ops import BatchNorm, GroupNorm, Layer, LayerNorm, Opaque, Stored
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size, surely_less
from slidesum.errors import MeaningError, SizeError
from slidesum.laws.count import fan_in
from slidesum.laws.once import MOST, once


@dataclass(frozen=True, slots=True)
class Parameter:
    """One array of a layer. `start` says how it begins; a constant start is a number, a uniform one has fan_in."""

    name: str
    shape: tuple[Size, ...]
    role: Literal["weights", "biases", "statistics"]
    start: float | None = None
    fan_in: Size = 1

    @property
    def trainable(self) -> bool:
        return self.role != "statistics"


def parameters(node: Node) -> tuple[Parameter, ...]:
    """The arrays of a layer, filters first.

    A filter whose pairs are not all connected keeps one entry a connection in place of its two axes: nothing is stored that doesn't
    exist.
    """
    match node.op:
        case Layer():
            assert node.sized is not None
            return _of_equation(node.sized)
        case BatchNorm(axis=axis, affine=affine):
            return _of_batch_norm((node.shape[axis],), affine)
        case LayerNorm(axes=axes, scale=scale, shift=shift):
            return _scaled(tuple(node.shape[axis] for axis in axes), scale, shift)
        case GroupNorm(affine=affine):
            return _scaled((node.shape[1],), affine, affine)
        case Stored(shape=shape, trainable=trainable):
            return (Parameter("value", shape, "weights" if trainable else "statistics", start=0.0),)
        case Opaque(arrays=arrays):
            return tuple(Parameter(name, shape, "weights", start=0.0) for name, shape in arrays)
        case _:
            return ()


def kept_parameters(node: Node) -> tuple[Parameter, ...]:
    """The arrays that are kept under this layer's name: none where it shares those of an earlier one."""
    return () if node.shares else parameters(node)


@lru_cache(maxsize=MOST)
def _of_batch_norm(maps: tuple[Size, ...], affine: bool) -> tuple[Parameter, ...]:
    return (
        *_scaled(maps, affine, affine),
        Parameter("mean", maps, "statistics", start=0.0),
        Parameter("variance", maps, "statistics", start=1.0),
    )


@lru_cache(maxsize=MOST)
def _scaled(shape: tuple[Size, ...], scale: bool, shift: bool) -> tuple[Parameter, ...]:
    scales = (Parameter("scale", shape, "weights", start=1.0),) if scale else ()
    return (*scales, Parameter("shift", shape, "biases", start=0.0)) if shift else scales


@once
def _of_equation(sized: Sized) -> tuple[Parameter, ...]:
    terms = fan_in(sized)
    found = [
        Parameter(operand.name, stored_shape(sized, number), "weights", fan_in=terms) for number, operand in sized.numbered_filters
    ]
    if sized.bias_shape is not None:
        found.append(Parameter("bias", sized.bias_shape, "biases", fan_in=terms))
    return tuple(found)


def sizes_needed(sized: Sized) -> dict[str, Size]:
    """The extents that a layer's arrays depend on: all but those of the input that may change from call to call.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> sizes_needed(solve(parse("b c i+u, o c u -> b o i"), [(8, 3, 224), (64, 3, 7)]))
    {'o': 64, 'c': 3, 'u': 7}
    """
    equation = sized.equation
    on_arrays = {name for operand in equation.operands[1:] for name in operand.indices}
    on_arrays |= set(equation.bias.indices) if equation.bias else set()
    return {name: sized.extents[name] for name in equation.indices if name in on_arrays or name not in equation.result.indices}


def check_connections(sized: Sized) -> None:
    """Raise MeaningError or SizeError if the connections are none of this layer's."""
    wired = sized.connections
    if wired is None:
        return
    both = [operand for operand in sized.filters if set(wired.indices) <= set(operand.indices)]
    if not both or any(operand.axes[:2] != tuple(map(Name, wired.indices)) for operand in both):
        raise MeaningError(
            f"the connections are between {' and '.join(map(repr, wired.indices))}, which are no filter's first two axes",
            sized.equation.text,
            usual="A filter keeps one entry a connection in place of these two axes.",
            advice="Write them first on the filter, in this order.",
        )
    limits = [sized.extents[name] for name in wired.indices]
    for pair in wired.pairs:
        if any(n < 0 or surely_less(limit - 1, n) for n, limit in zip(pair, limits, strict=True)) or wired.pairs.count(pair) > 1:
            raise SizeError(
                f"there is no connection {pair}, or it is given twice",
                sized.equation.text,
                usual=f"{' and '.join(f'{name!r} has {limit}' for name, limit in zip(wired.indices, limits, strict=True))}.",
                advice="Count from 0, and give every connection once.",
            )


def stored_shape(sized: Sized, number: int) -> tuple[Size, ...]:
    """The shape in which operand `number` is kept: connected pairs take one axis."""
    shape, wired = sized.shapes[number], sized.connections
    if wired is None or not set(wired.indices) <= set(sized.equation.operands[number].indices):
        return shape
    return (len(wired.pairs), *shape[2:])
