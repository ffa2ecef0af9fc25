"""The network that grows while the nodes of an ONNX graph are translated: names, arrays, and what is handed on.

A value of ONNX is either the result of a layer or constant: an array of the file, or what follows from arrays and shapes alone. An
array becomes a filter where layers of one kind alone use it; a layer that uses the same arrays as an earlier one shares them; any
other array that is used is a `Stored` layer of its own.

The batch, where the file leaves it open, is read as `STAND_IN`, a prime: whatever is a multiple of it grows with the batch. When
all is read, the network is drawn again for the batch that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from slidesum.core.equation import Equation
from slidesum.core.ops import Layer, Op, Opaque, Reshape, Stored
from slidesum.core.sized import Border, Padding
from slidesum.draft.asked import with_bias
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SlidesumError
from slidesum.notation.parse import parse
from slidesum.read.model import Unsupported
from slidesum.read.onnx_names import Names

DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What Python raises where a file holds something else than the operators say."""
LARGEST_STORED = 2**26
"""Values of an array that the file tells of without holding it."""
MOST_AXES = 32
STAND_IN = 10007
"""The batch while reading: a prime that is no usual extent."""


class Unknown(Exception):
    """A node that no layer of the vocabulary can mean; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array that no input takes part in: its numbers, the name under which the file keeps it, and whether it is trained."""

    numbers: Any
    name: str = ""
    trainable: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.numbers.shape)


Known = Tensor | Constant


@dataclass(frozen=True, slots=True)
class Call:
    """One node: its operator (with the domain, where that isn't ONNX's own), the opset, its inputs, and its attributes."""

    op: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    path: str
    place: str
    node: Any = field(repr=False)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or what is meant when it isn't given."""
        return self.attributes.get(name, default)

    def has(self, number: int) -> bool:
        """Whether an input is given."""
        return number < len(self.inputs) and bool(self.inputs[number])


@lru_cache(maxsize=4096)
def equation(pattern: str, bias: str | None = None) -> Equation:
    """The pattern's equation, read once."""
    return with_bias(parse(pattern), bias)


class Results(dict[str, Known]):
    """What is known by name; a name that nothing makes is an error of the file."""

    def __missing__(self, name: str) -> Known:
        raise FileError(
            f"{name!r} is read, and nothing makes it",
            usual="The file is damaged, or a part of a model.",
            advice="Export the model anew.",
        )


Translator = Callable[["Build", Call], "Known | Sequence[Known | None]"]


class Build:
    """One network in the making."""

    def __init__(self, name: str, names: Names, uses: Mapping[str, int], *, batch: bool) -> None:
        self.draft = Draft(name)
        self.names = names
        self.uses = uses
        self.batch = batch
        self.known: dict[str, Known] = Results()
        self.kinds: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        self.unsupported: list[Unsupported] = []
        self.notes: list[str] = []
        self.keepers: dict[tuple[Any, ...], str] = {}
        self.stored: dict[int, Tensor] = {}
        self.held: list[Any] = []  # so that no id is used twice

    # What is known

    def given(self, call: Call, number: int) -> Known:
        """An input of a node, whatever it is."""
        if not call.has(number):
            raise Unknown(f"input {number} is missing")
        return self.known[call.inputs[number]]

    def constant(self, call: Call, number: int) -> Any:
        """The numbers of an input that is constant. Raises Unknown where it is computed."""
        found = self.given(call, number)
        if isinstance(found, Tensor):
            raise Unknown(f"input {number} is computed, and must be constant")
        return found.numbers

    def maybe(self, call: Call, number: int) -> Any:
        """The numbers of a constant input, or None where it isn't given."""
        return self.constant(call, number) if call.has(number) else None

    def integers(self, call: Call, attribute: str, number: int) -> tuple[int, ...] | None:
        """Whole numbers that older opsets have as an attribute, and newer ones as an input."""
        if call.get(attribute) is not None:
            told = call.get(attribute)
            return tuple(told) if isinstance(told, list | tuple) else (int(told),)
        held = self.maybe(call, number)
        return None if held is None else tuple(int(n) for n in np.ravel(held))

    def tensor(self, call: Call, number: int) -> Tensor:
        """An input as a result in the network; a constant is stored."""
        return self.as_tensor(self.given(call, number), call)

    def as_tensor(self, found: Known, call: Call) -> Tensor:
        """Anything known as a result in the network."""
        if isinstance(found, Tensor):
            return found
        key = id(found.numbers)
        if key not in self.stored:
            numbers = np.asarray(found.numbers)
            if numbers.dtype.kind not in "fiu":
                raise Unknown(f"an array of {numbers.dtype} is no array of numbers here")
            if numbers.size > LARGEST_STORED and 0 in numbers.strides:
                raise Unknown(f"it repeats a number {numbers.size:,} times")
            name = self.names.fresh(self.names.of_array(found.name) or self.names.of_call(call, "constant"))
            self.values[f"{name}.value"] = self.numbers_of(numbers)
            self.held.append(found.numbers)
            self.stored[key] = self.draft.place(name, Stored(tuple(numbers.shape), found.trainable))
        return self.stored[key]

    def numbers_of(self, numbers: Any) -> Any:
        """An array as the network keeps it: in a floating dtype that NumPy has."""
        numbers = np.asarray(numbers)
        if numbers.dtype not in (np.float16, np.float32, np.float64):
            return numbers.astype(np.float32)
        return numbers if numbers.flags.writeable else numbers.copy()

    def grows(self, extent: int) -> bool:
        """Whether an extent grows with the batch."""
        return self.batch and extent > 0 and extent % STAND_IN == 0

    # Layers

    def put(self, call: Call, op: Op, *inputs: Tensor, part: str = "", arrays: Mapping[str, Any] | None = None) -> Tensor:
        """A layer of the vocabulary, with the numbers of its arrays; with those of an earlier one, it shares them."""
        name = self.names.fresh(self.names.of_call(call, part))
        kept = dict(arrays or {})
        key = (type(op), *(id(numbers) for numbers in kept.values()))
        lender = self.keepers.get(key) if kept else None
        if lender is not None:
            return self.draft.place(name, op, inputs, shares=lender)
        placed = self.draft.place(name, op, inputs)
        if kept:
            self.keepers[key] = name
            self.held += kept.values()
        self.values |= {f"{name}.{short}": self.numbers_of(numbers) for short, numbers in kept.items()}
        return placed

    def layer(
        self,
        call: Call,
        pattern: str,
        inputs: Sequence[Tensor],
        filters: Sequence[Any] = (),
        *,
        bias: tuple[str, Any] | None = None,
        sizes: Mapping[str, int] | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, int] | None = None,
        part: str = "",
        arranged: Callable[[Any], Any] | None = None,
    ) -> Tensor:
        """An equation. `filters` are arrays as the file has them; `arranged` brings the first into the axes of the pattern."""
        op = Layer(equation(pattern, bias[0] if bias else None), dict(sizes or {}), padding, border, extent)
        kept = [*filters, *([bias[1]] if bias else [])]
        key = (Layer, pattern, *map(id, kept))
        lender = self.keepers.get(key) if kept else None
        name = self.names.fresh(self.names.of_call(call, part))
        placed = self.draft.place(name, op, inputs, shares=lender)
        if kept and lender is None:
            self.keepers[key] = name
            self.held += kept
            shorts = [operand.name for operand in op.equation.operands[len(inputs) :]]
            for short, numbers in zip(shorts, filters, strict=True):
                found = self.numbers_of(numbers)
                self.values[f"{name}.{short}"] = arranged(found) if arranged else found
            if bias:
                self.values[f"{name}.bias"] = self.numbers_of(bias[1])
        return placed

    def reshaped(self, call: Call, x: Tensor, shape: Sequence[int], part: str = "") -> Tensor:
        """The same values in another shape; what grows with the batch stays open."""
        shape = tuple(int(n) for n in shape)
        if len(shape) > MOST_AXES:
            raise Unknown(f"its result has {len(shape)} axes")
        if tuple(x.shape) == shape:
            return x
        growing = [k for k, n in enumerate(shape) if self.grows(n)]
        alike = not self.batch and len(shape) > 0 and len(x.shape) > 0 and shape[0] == x.shape[0]
        if alike and prod(shape[1:]) > 0:
            growing = [0]
        if len(growing) == 1 and prod(n for k, n in enumerate(shape) if k != growing[0]) > 0:
            shape = tuple(-1 if k in growing else n for k, n in enumerate(shape))
        return self.put(call, Reshape(shape), x, part=part)

    # What isn't understood

    def attempt(self, call: Call, translate: Translator, shapes: Callable[[str], Sequence[tuple[int, ...]]]) -> None:
        """Translate a node wholly, or leave everything as it was and keep it as an opaque layer."""
        grown: tuple[dict[Any, Any], ...] = (self.values, self.keepers, self.stored, self.names.taken)
        before = [len(one) for one in grown]
        try:
            found = translate(self, call)
            results = [found] if isinstance(found, Tensor | Constant) else list(found)
            for number, name in enumerate(call.outputs):
                result = results[number] if number < len(results) else None
                if name and result is None and self.uses.get(name):
                    raise Unknown(f"its result {number} is used, which no layer here gives")
                if name and result is not None:
                    self.known[name] = result
        except (Unknown, SlidesumError, *DAMAGE) as error:
            for one, length in zip(grown, before, strict=True):
                while len(one) > length:
                    one.popitem()
            graph = self.draft.graph
            self.draft.adopt(replace(graph, nodes=graph.nodes[: before[-1]]))
            told = not isinstance(error, DAMAGE)
            why = str(error).splitlines()[0] if told else "its attributes or inputs aren't what it takes"
            self.opaque(call, why, shapes(why))

    def opaque(self, call: Call, reason: str, shapes: Sequence[tuple[int, ...]]) -> None:
        """What isn't understood: one layer a result, of exact shape, listed with its place."""
        self.unsupported.append(Unsupported(call.op, call.place, reason))
        inputs = [self.known[name] for name in call.inputs if name]
        read = [one for one in inputs if isinstance(one, Tensor)]
        kept = [one for one in inputs if isinstance(one, Constant) and one.trainable]
        for number, (name, shape) in enumerate(zip(call.outputs, shapes, strict=True)):
            if not name or (number and not self.uses.get(name)):
                continue
            arrays = {f"array{k}" if k else "w": one.numbers for k, one in enumerate(kept)} if not number else {}
            op = Opaque(call.op, shape, tuple((short, tuple(a.shape)) for short, a in arrays.items()))
            self.known[name] = self.put(call, op, *read, arrays=arrays)


def plain_number(value: Any) -> float:
    """A number as its author wrote it, before it was rounded to 32 bits.

    >>> plain_number(9.999999747378752e-06)
    1e-05
    """
    return float(str(np.float32(value))) if np.float32(value) == value else float(value)


def declared(op: Op, batch: int) -> Op:
    """A layer with `batch` where it was read with the stand-in."""

    def size(n: Any) -> Any:
        return n // STAND_IN * batch if isinstance(n, int) and n > 0 and n % STAND_IN == 0 else n

    match op:
        case Opaque() | Reshape() | Stored():
            return replace(op, shape=tuple(map(size, op.shape)))
        case Layer():
            return replace(op, sizes={name: size(n) for name, n in op.sizes.items()})
        case _:
            return op
