"""One call of one Keras layer, on its way into the network: what a layer's reader is given, and what it does with it.

A reader asks for the options (`fields`), the arrays (`weights`) and the results that come in (`x`, `inputs`), and puts down one
node or a few:

    call.equation("b i+u j+v c, u v c o -> b i j o", x, bias="o", arrays={"w": kernel})

The first node without `at=` has the layer's own name, its companions "name/at". What a layer does that no node can tell, it refuses
with `Beyond`, before anything was put down; the layer then stands in the network as opaque.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slidesum.core.axis import Name
from slidesum.core.equation import Equation
from slidesum.core.network import Graph
from slidesum.core.ops import Combination, Elementwise, Layer, Op, Opaque, Stored
from slidesum.core.sized import Border, Padding
from slidesum.core.sizes import Size, is_number
from slidesum.draft.asked import with_bias
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import ReadError, SlidesumError
from slidesum.notation.parse import parse
from slidesum.read.fields import LARGEST_NUMBER, Fields, is_integer, seen, within
from slidesum.read.keras_file import Array, Weights
from slidesum.read.model import Unsupported

MOST_NODES = 20_000
MOST_CELLS = 2**24  # values that are made up for a constant


class Beyond(Exception):
    """What this call does, no node of a network tells; the reason is the argument."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers that stand in the description itself."""

    array: Array


@dataclass
class Network:
    """The network so far, and its arrays."""

    draft: Draft
    examples: tuple[tuple[int, ...], ...] = ()
    """The shapes of example inputs, which tell what the file leaves open."""
    maps_first: bool = False
    """Whether the channels of its inputs stand before the positions."""
    values: dict[str, Array] = field(default_factory=dict)
    unsupported: list[Unsupported] = field(default_factory=list)
    owners: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """The nodes that keep the arrays of each layer since it was called first, by the place of its arrays in the file."""
    _used: dict[str, int] = field(default_factory=dict)

    def fresh(self, wanted: str) -> str:
        """A layer name that is free and may be one."""
        stem = re.sub(r"[^A-Za-z0-9_/-]", "_", wanted)[:150].lstrip("/-") or "layer"
        name = stem
        while name in self._used:
            self._used[stem] += 1
            name = f"{stem}-{self._used[stem]}"
        self._used[name] = 1
        return name

    def graph(self, heads: Sequence[Tensor]) -> Graph:
        """The finished network with these outputs."""
        names = tuple(dict.fromkeys(head.layer for head in heads))
        if names != (self.draft.graph.nodes[-1].name,):
            self.draft.output(*map(self.draft.tensor, names))
        return self.draft.graph


@dataclass
class Call:
    """A call: which layer, its options and arrays, and what it is given."""

    network: Network
    where: str
    name: str
    kind: str
    fields: Fields
    weights: Weights
    args: list[Any]
    named: dict[str, Any]
    told: tuple[int | None, ...] | None = None
    """The shape of the result as the file tells it."""

    def __post_init__(self) -> None:
        known = self.network.owners.get(self.weights.path)
        self._kept: list[str] = [] if known is None else known
        self._shared = None if known is None else iter(known)
        self.network.owners.setdefault(self.weights.path, self._kept)

    # What comes in

    @property
    def inputs(self) -> list[Tensor]:
        """All results that are read, in order."""
        return tensors([*self.args, *self.named.values()])

    @property
    def x(self) -> Tensor:
        """The one result that is read."""
        if len(self.inputs) != 1:
            raise ReadError(f"{self.where} reads {len(self.inputs)} results", advice="A layer of its class reads one.")
        return self.inputs[0]

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument of the call, by its place or its name."""
        return self.args[place] if place < len(self.args) else self.named.get(name, default)

    # Options

    def numbers(self, name: str, count: int, *, least: int = 1) -> tuple[int, ...]:
        """One whole number an axis; a single one stands for all."""
        return self.whole_numbers(name, self.fields.take(name), count, least=least)

    def whole_numbers(self, name: str, value: Any, count: int, *, least: int = 1) -> tuple[int, ...]:
        """The same of a value that was taken already."""
        found = [value] * count if is_integer(value) else value
        if not isinstance(found, list) or len(found) != count:
            raise self.fields.wrong(name, value, f"a whole number, or a list of {count}")
        if not all(is_integer(n) and least <= n <= LARGEST_NUMBER for n in found):
            raise self.fields.wrong(name, value, f"whole numbers of at least {least}")
        return tuple(found)

    def pair(self, name: str, value: Any) -> tuple[int, int]:
        """The cells before and behind, from 0."""
        low, high = self.whole_numbers(name, value, 2, least=0)
        return low, high

    def axis(self, value: Any, x: Tensor) -> int:
        """An axis of x, counted from its start."""
        if not is_integer(value) or not -len(x.shape) <= value < len(x.shape):
            raise ReadError(
                f"{self.where}: there is no axis {seen(value)}",
                usual=f"What it reads has {len(x.shape)} axes.",
                advice="Save the model anew.",
            )
        return int(value) % len(x.shape)

    def axes(self, value: Any, x: Tensor) -> tuple[int, ...]:
        """Several axes of x, sorted; one number is one axis."""
        return tuple(sorted({self.axis(n, x) for n in (value if isinstance(value, list) else [value])}))

    def flag(self, name: str, default: bool) -> bool:
        """A yes or no."""
        value = self.fields.maybe(name, default)
        if not isinstance(value, bool):
            raise self.fields.wrong(name, value, "true or false")
        return value

    @property
    def maps_first(self) -> bool:
        """Whether the channels stand before the positions."""
        return self.fields.choice("data_format", ("channels_last", "channels_first")) == "channels_first"

    # What is put down

    def put(self, op: Op, *inputs: Tensor, at: str = "", arrays: Mapping[str, Array] | None = None, owns: bool = False) -> Tensor:
        """A node; its arrays are kept once however often the layer is called, those that it owns each time."""
        network = self.network
        if len(network.draft.graph.nodes) >= MOST_NODES:
            raise ReadError(f"{self.where}: the network has over {MOST_NODES:,} layers", advice="Read a part of it.")
        name = network.fresh(f"{self.name}/{at}" if at else self.name)
        shares = next(self._shared) if self._shared and arrays and not owns else None
        try:
            found = network.draft.place(name, op, inputs, shares=shares)
        except SlidesumError as error:
            raise within(self.where, error, ReadError) from None
        if arrays and shares is None:
            network.values |= {f"{name}.{key}": array for key, array in arrays.items()}
            if not owns:
                self._kept.append(name)
        return found

    def equation(
        self,
        pattern: str,
        *inputs: Tensor,
        at: str = "",
        bias: str | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        arrays: Mapping[str, Array] | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> Tensor:
        """An equation of these inputs; the arrays tell the sizes of its filters."""
        equation = with_bias(parse(pattern), bias)
        told = {**_extents(equation, len(inputs), arrays or {}), **(sizes or {})}
        return self.put(Layer(equation, told, padding, border), *inputs, at=at, arrays=arrays)

    def stored(self, array: Array, at: str, *, trainable: bool = True, owns: bool = False) -> Tensor:
        """An array of the layer as a result that others read; one that was made up for this call is `owns`."""
        return self.put(Stored(tuple(array.shape), trainable), at=at, arrays={"value": np.asarray(array)}, owns=owns)

    def combined(self, function: Combination, *inputs: Tensor, at: str = "") -> Tensor:
        """Results value by value, from left to right."""
        found = inputs[0]
        for number, other in enumerate(inputs[1:], start=2):
            last = number == len(inputs)
            found = self.put(Elementwise(function), found, other, at=at if last else f"{at}{number}")
        return found

    def opaque(self, kind: str, shape: tuple[Size, ...], reason: str, *inputs: Tensor, at: str = "") -> Tensor:
        """A layer of which only the shape is known."""
        arrays = self.weights.all() if not at else {}
        told = tuple((name, tuple(array.shape)) for name, array in arrays.items())
        found = self.put(Opaque(kind, shape, told), *inputs, at=at, arrays=arrays)
        self.network.unsupported.append(Unsupported(kind, found.layer, reason))
        return found


def _extents(equation: Equation, read: int, arrays: Mapping[str, Array]) -> dict[str, int]:
    """What the filters tell of the indices that no input does."""
    known = {name for operand in equation.operands[:read] for name in operand.bare}
    return {
        axis.name: int(extent)
        for operand in equation.operands[read:]
        for axis, extent in zip(operand.axes, arrays[operand.name].shape, strict=True)
        if isinstance(axis, Name) and axis.name not in known
    }


def whole(shape: Sequence[Size], what: str) -> tuple[int, ...]:
    """A shape of numbers, where symbols won't do."""
    if not all(is_number(n) for n in shape):
        raise Beyond(f"{what} needs sizes that are numbers; give an example input")
    return tuple(int(n) for n in shape)


def text(value: Any, where: str) -> str:
    """A class or function name."""
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ReadError(f"{where}: a name is {seen(value)}", advice="Save the model anew.")
    return value


def tensors(value: Any) -> list[Tensor]:
    """The results in the arguments of a call, in order."""
    match value:
        case Tensor():
            return [value]
        case list():
            return [found for part in value for found in tensors(part)]
        case dict():
            return [found for part in value.values() for found in tensors(part)]
        case _:
            return []
