"""The network that grows while the calls of a torch model are translated: names, arrays, and what is handed on.

A value of the model is the result of a layer in the network. An array becomes a filter where one layer alone uses it; a layer that
the model calls twice with the same arrays shares those of its first call; any other array in use is a `Stored` layer of its own.

Layers are named by the path of their module ("layer1/0/conv1"); what is computed between modules, by its operator behind the path
("layer1/0/add"); a second one of a name is numbered ("layer1/0/relu-2").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

from slidesum.core.axis import indices
from slidesum.core.equation import Equation
from slidesum.core.ops import Elementwise, Input, Layer, Op, Opaque, Reshape, Stored
from slidesum.core.sized import Border, Padding, Sized
from slidesum.draft.asked import with_bias
from slidesum.draft.verbs import Draft, Tensor
from slidesum.errors import SlidesumError
from slidesum.laws.once import once
from slidesum.notation.parse import parse
from slidesum.read.model import Unsupported
from slidesum.read.patterns import input_axes
from slidesum.read.torch_program import Array, Call, Extent, Program, Times, Value


class Unknown(Exception):
    """A call that no layer of the vocabulary can mean; the text says why."""


@lru_cache(maxsize=4096)
def equation(pattern: str, bias: str | None = None) -> Equation:
    """The pattern's equation, read once."""
    return with_bias(parse(pattern), bias)


class Build:
    """One network in the making."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.draft = Draft(program.name)
        self.values: dict[str, Any] = {}
        self.unsupported: list[Unsupported] = []
        self.results: dict[Value, Tensor] = {}
        self.used = set(program.outputs)
        self.shared: set[Value] = set()  # the arrays that are used in several ways: by other operators, or with other arrays
        ways: dict[Value, tuple[str, tuple[Value, ...]]] = {}
        for call in program.calls:
            read = call.read
            self.used.update(read)
            arrays = tuple([v for v in read if v in program.arrays])
            for value in arrays:
                if ways.setdefault(value, (call.op, arrays)) != (call.op, arrays):
                    self.shared.add(value)
        self.keepers: dict[tuple[Value, ...], str] = {}
        self.parents = {name.rpartition(".")[0] for call in program.calls if (name := call.place.path)}
        self.counted: dict[str, int] = {}
        self.taken: dict[str, None] = {}
        for name, value in program.inputs.items():
            self.results[value] = self.draft.place(self.name(name), Input(input_axes(value.rank)), (), self.shape(value))

    # What is known

    def shape(self, value: Value) -> tuple[int, ...]:
        """The shape for the declared batch."""
        return self.program.declared(value.shape)

    def array(self, value: Value) -> Array | None:
        """The array behind a value, if it is one."""
        return self.program.arrays.get(value)

    def constant(self, value: Any) -> Any:
        """The numbers of a constant: an array that isn't trained. Raises Unknown for anything else."""
        array = self.program.arrays.get(value) if isinstance(value, Value) else None
        if array is None or array.trainable:
            raise Unknown("one of its arguments is computed, and must be constant")
        return array.numbers

    def tensor(self, value: Value) -> Tensor:
        """The value as a result in the network."""
        found = self.results.get(value)
        if found is None:
            array = self.program.arrays[value]
            found = self.stored(self.name(_clean(array.name)), array.numbers, trainable=array.trainable)
            self.results[value] = found
        return found

    def stored(self, name: str, numbers: Any, *, trainable: bool = False) -> Tensor:
        """A layer that keeps an array."""
        self.values[f"{name}.value"] = numbers
        return self.draft.place(name, Stored(tuple(numbers.shape), trainable))

    # Names

    def name(self, stem: str) -> str:
        """The stem, or the stem with a number where it is taken."""
        found, count = stem, self.counted.get(stem, 1)
        while found in self.taken:
            count += 1
            found = f"{stem}-{count}"
        self.counted[stem] = count
        self.taken[found] = None
        return found

    def named(self, call: Call, part: str = "") -> str:
        """The name for a layer of this call: its module's, or the module's and the operator's."""
        path = _clean(call.place.path)
        inside = not path or call.place.path in self.parents
        told = "/".join(filter(None, (path, _clean(call.op) if inside else "", part)))
        return self.name(told)

    # Layers

    def put(self, call: Call, op: Op, *inputs: Tensor, part: str = "", arrays: Mapping[str, Any] | None = None) -> Tensor:
        """A layer of the vocabulary, with the numbers of its arrays."""
        name = self.named(call, part)
        placed = self.draft.place(name, op, inputs)
        self.values |= {f"{name}.{short}": numbers for short, numbers in (arrays or {}).items()}
        return placed

    def layer(
        self,
        call: Call,
        pattern: str,
        inputs: Sequence[Value | Tensor],
        filters: Sequence[Value] = (),
        *,
        bias: tuple[str, Value] | None = None,
        sizes: Mapping[str, int] | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, int] | None = None,
        part: str = "",
        arranged: Callable[[Any], Any] | None = None,
        loose: str | None = None,
    ) -> Tensor:
        """An equation. Filters and the bias (its axes, its value) are kept by the layer, or shared with an earlier call of it.

        `arranged` brings a filter into the axes of the pattern. Where a filter is computed or used elsewhere too, it is one more
        input, and the pattern is `loose`, which has the filter's own axes.
        """
        given = [one if isinstance(one, Tensor) else self.tensor(one) for one in inputs]
        kept = (*filters, *((bias[1],) if bias else ()))
        if not filters or all(self._kept_alone(call, value) for value in kept):
            op = Layer(equation(pattern, bias[0] if bias else None), dict(sizes or {}), padding, border, extent)
            name = self.named(call, part)
            lender = self.keepers.get(kept) if kept else None
            placed = self.draft.place(name, op, given, shares=lender)
            sized = self.draft.node(name).sized
            assert sized is not None
            spend(_widest(sized))
            if lender is None:
                self.keepers[kept] = name
                names = [operand.name for operand in op.equation.operands[len(given) :]]
                for short, value in zip(names, filters, strict=True):
                    numbers = self.program.arrays[value].numbers
                    self.values[f"{name}.{short}"] = arranged(numbers) if arranged else numbers
                if bias:
                    self.values[f"{name}.bias"] = self.program.arrays[bias[1]].numbers
            return placed
        op = Layer(equation(loose or pattern), dict(sizes or {}), padding, border, extent)
        placed = self.draft.place(self.named(call, part), op, [*given, *map(self.tensor, filters)])
        return self._biased(call, placed, op.equation, bias) if bias else placed

    def _kept_alone(self, call: Call, value: Value) -> bool:
        """Whether an array is used in one way only: by this call, and others with the very same arrays."""
        return value in self.program.arrays and value not in self.shared

    def _biased(self, call: Call, placed: Tensor, done: Equation, bias: tuple[str, Value]) -> Tensor:
        """A bias that is computed, or used elsewhere too, is added behind the equation."""
        own = set(bias[0].replace("(", " ").replace(")", " ").split())
        axes = done.result.axes
        shape = tuple(n if set(indices(axis)) <= own and indices(axis) else 1 for axis, n in zip(axes, placed.shape, strict=True))
        shaped = self.put(call, Reshape(shape), self.tensor(bias[1]), part="bias")
        return self.put(call, Elementwise("add"), placed, shaped, part="add")

    def reshaped(self, call: Call, x: Tensor, was: Sequence[Extent], wanted: Sequence[Extent], part: str = "") -> Tensor:
        """The same values in another shape; what grows with the batch stays open."""
        shape = self.program.declared(tuple(wanted))
        if tuple(x.shape) == shape and growing(was) == growing(wanted):
            return x
        grow = growing(wanted)
        if len(grow) == 1 and prod(n for k, n in enumerate(shape) if k not in grow) > 0:
            shape = tuple(-1 if k in grow else n for k, n in enumerate(shape))
        return self.put(call, Reshape(shape), x, part=part)

    def opaque(self, call: Call, reason: str) -> None:
        """What isn't understood: one layer a result, of exact shape, listed with its place."""
        inputs = call.read
        arrays = [v for v in inputs if v in self.program.arrays and v not in self.shared and v not in self.results]
        read = [self.tensor(v) for v in inputs if v not in arrays]
        for number, value in enumerate(v for v in call.results if v is not None):
            if number and value not in self.used:
                continue
            held = {f"array{k}" if k else "w": self.program.arrays[v].numbers for k, v in enumerate(arrays)} if not number else {}
            op = Opaque(call.op, self.shape(value), tuple((name, tuple(a.shape)) for name, a in held.items()))
            self.results[value] = self.put(call, op, *read, arrays=held)
        self.unsupported.append(Unsupported(call.op, str(call.place), reason))

    def attempt(self, call: Call, translate: Translator) -> None:
        """Translate a call wholly, or leave everything as it was and keep it as an opaque layer."""
        grown: tuple[dict[Any, Any], ...] = (self.values, self.results, self.keepers, self.taken)
        before = [len(one) for one in grown]
        try:
            found = translate(self, call)
            for value, tensor in zip(call.results, [found] if isinstance(found, Tensor) else found, strict=False):
                if value is None or tensor is None:
                    if value in self.used:
                        raise Unknown("one of its results has no layer here")
                    continue
                if tuple(tensor.shape) != self.shape(value):
                    raise Unknown(f"its result has the shape {self.shape(value)}, which the equation doesn't give")
                self.results[value] = tensor
        except (Unknown, SlidesumError, *OF_OTHERS) as error:
            for one, length in zip(grown, before, strict=True):
                while len(one) > length:
                    one.popitem()
            self.counted.clear()
            self.draft.adopt(replace(self.draft.graph, nodes=tuple(n for n in self.draft.graph if n.name in self.taken)))
            foreign = isinstance(error, OF_OTHERS)
            self.opaque(call, "its arguments aren't those of this operator" if foreign else str(error).splitlines()[0])


OF_OTHERS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, AssertionError)
"""What a translator raises when a file gives an operator arguments that it doesn't have."""

MOST_CELLS = 2**24
"""So many cells of a table or a mask are made at most, and so many values may the indices of one address take together."""


@once
def _widest(sized: Sized) -> int:
    """How many values the indices of one address take together, at most: such windows would take for ever to count."""
    return max((prod(int(sized.extents[index]) for index, _ in slide.steps) for slide in sized.slides.values()), default=0)


def spend(*extents: int) -> None:
    """Raise Unknown before a table of this size is made."""
    if prod(extents) > MOST_CELLS:
        raise Unknown(f"it needs a table of {prod(extents):,} cells")


Translator = Callable[[Build, Call], Tensor | Sequence[Tensor | None]]
"""What makes layers of one call: the layer of its result, or of each of them."""


def growing(shape: Sequence[Extent]) -> tuple[int, ...]:
    """The axes whose extents grow with the batch."""
    return tuple(k for k, n in enumerate(shape) if isinstance(n, Times))


@lru_cache(maxsize=4096)
def _clean(path: str) -> str:
    """A path as a layer's name: letters, digits, '_', '-' and '/'.

    >>> _clean("layer1.0.conv1"), _clean("~odd.name")
    ('layer1/0/conv1', '_odd/name')
    """
    return re.sub(r"[^A-Za-z0-9_/-]", "_", path.replace(".", "/")).lstrip("/-")
