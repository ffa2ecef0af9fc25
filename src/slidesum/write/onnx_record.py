"""Nodes of an ONNX graph, recorded while a network is computed on symbols in place of arrays.

A `Symbol` has a shape and a name, and no numbers, unless it is constant: then whatever is done to it is done at once, in NumPy, and
only what is left stands in the file. So filters are stored as the operators want them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(slots=True, eq=False)
class Recorded:
    """One node: operator, inputs, output, attributes; `shape` is the target of a Reshape or Expand."""

    op: str
    inputs: list[Symbol | None]
    output: str
    attributes: dict[str, Any]
    scope: str
    shape: tuple[int, ...] | None = None


@dataclass(slots=True, eq=False)
class Symbol:
    """A result that will be: what backends need to know of an array. Constant ones have their numbers, and what they come from."""

    record: Record
    name: str
    shape: tuple[int, ...]
    value: np.ndarray[Any, Any] | None = None
    origin: str = ""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.record.dtype

    @property
    def itemsize(self) -> int:
        return 1

    @property
    def strides(self) -> tuple[int, ...]:
        """As of an array that lies in order."""
        found = [1]
        for n in self.shape[:0:-1]:
            found.append(found[-1] * n)
        return tuple(found[::-1]) if self.shape else ()

    def __add__(self, other: Any) -> Symbol:
        return self.record.binary("Add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return self.record.binary("Add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return self.record.binary("Sub", self, other)

    def __mul__(self, other: Any) -> Symbol:
        return self.record.binary("Mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return self.record.binary("Mul", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return self.record.binary("Div", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self.record.binary("Div", other, self)

    def __pow__(self, other: Any) -> Symbol:
        return self.record.binary("Pow", self, other)

    def __getitem__(self, where: Any) -> Symbol:
        return self.record.cut(self, where if isinstance(where, tuple) else (where,))


BINARY = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power}


@dataclass(eq=False)
class Record:
    """The graph in the making, for one batch or (None) the declared one; `scope` is the layer that is being written.

    `results` has the shapes of the results as the file tells them.
    """

    dtype: np.dtype[Any]
    batch: int | None = None
    results: dict[str, list[Any]] = field(default_factory=dict)
    nodes: list[Recorded] = field(default_factory=list)
    constants: dict[str, Symbol] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    makers: dict[str, Recorded] = field(default_factory=dict)
    scope: str = ""

    # Making

    def constant(self, numbers: Any, origin: str = "") -> Symbol:
        """An array of these numbers; one that comes from the same as an earlier one is that one."""
        array = np.asarray(numbers)
        if array.dtype.kind == "f" or (array.dtype.kind in "iu" and not origin):
            array = array.astype(self.dtype, copy=False)
        if origin and origin in self.constants:
            return self.constants[origin]
        origin = origin or f"/{self.scope}/constant|{len(self.constants)}"
        self.constants[origin] = Symbol(self, "", array.shape, array, origin)
        return self.constants[origin]

    def integers(self, numbers: Any) -> Symbol:
        """An array of whole numbers: axes, bounds, cells."""
        array = np.asarray(numbers, np.int64)
        origin = f"/integers|{array.shape}|{array.tolist()}"
        if origin not in self.constants:
            self.constants[origin] = Symbol(self, "", array.shape, array, origin)
        return self.constants[origin]

    def node(
        self,
        op: str,
        inputs: Sequence[Symbol | None],
        shape: Sequence[int],
        *,
        target: tuple[int, ...] | None = None,
        **attributes: Any,
    ) -> Symbol:
        """One more node, and its result."""
        for one in inputs:
            if one is not None and not one.name:  # a constant is named when it is used: what others are made of isn't in the file
                one.name = self.fresh(one.origin.partition("|")[0])
        output = self.fresh(f"{self.scope}/{op}")
        made = Recorded(op, list(inputs), output, attributes, self.scope, target)
        self.nodes.append(made)
        self.makers[output] = made
        return Symbol(self, output, tuple(int(n) for n in shape))

    def fresh(self, stem: str) -> str:
        """The stem, or the stem with a number where it is taken."""
        count = self.counted.get(stem, 0)
        self.counted[stem] = count + 1
        return f"{stem}_{count}" if count else stem

    def maker(self, x: Symbol, op: str) -> Recorded | None:
        """The node that makes x, if it is the one recorded last and of this operator: nobody else can read x then."""
        last = self.nodes[-1] if self.nodes else None
        return last if last is not None and last.output == x.name and last.op == op and last.scope == self.scope else None

    def used(self, constant: Symbol) -> Symbol:
        """A constant that becomes the input of a node that is there already."""
        constant.name = constant.name or self.fresh(constant.origin.partition("|")[0])
        return constant

    # Arithmetic and cutting, which arrays do by themselves

    def binary(self, op: str, a: Any, b: Any) -> Symbol:
        """Two arrays, or an array and a number, value by value."""
        left, right = (one if isinstance(one, Symbol) else self.constant(np.asarray(one, self.dtype)) for one in (a, b))
        shape = np.broadcast_shapes(left.shape, right.shape)
        if left.value is not None and right.value is not None:
            return self.constant(BINARY[op](left.value, right.value), f"{left.origin}|{op}|{right.origin}")
        if op == "Add" and right.value is not None and (held := self._with_bias(left, right)) is not None:
            return held
        return self.node(op, [left, right], shape)

    def _with_bias(self, x: Symbol, bias: Symbol) -> Symbol | None:
        """The bias of a convolution or linear layer as its own third input."""
        assert bias.value is not None
        for op in ("Conv", "ConvTranspose"):
            maker = self.maker(x, op)
            if maker is not None and len(maker.inputs) == 2 and bias.shape[-x.ndim :] == self._column(x, bias):
                maker.inputs.append(self.used(self.constant(bias.value.reshape(-1), f"{bias.origin}|flat")))
                return x
        maker = self.maker(x, "MatMul")
        if maker is not None and x.ndim == 2 and bias.value.size == x.shape[1] and bias.shape[-1:] == x.shape[1:]:
            maker.op, maker.attributes = "Gemm", {}
            maker.inputs.append(self.used(self.constant(bias.value.reshape(-1), f"{bias.origin}|flat")))
            return x
        return None

    def _column(self, x: Symbol, bias: Symbol) -> tuple[int, ...]:
        """The shape of an array that has one number a map, as it meets x: (o, 1, 1), or (1, o, 1, 1)."""
        whole = (1, x.shape[1], *[1] * (x.ndim - 2))
        return whole[-len(bias.shape) :] if len(bias.shape) >= x.ndim - 1 else ()

    def cut(self, x: Symbol, where: Sequence[Any]) -> Symbol:
        """`x[where]` with slices, whole numbers and an ellipsis."""
        if x.value is not None:
            return self.constant(x.value[tuple(where)], f"{x.origin}|{where}")
        if any(one is Ellipsis for one in where):
            at = next(k for k, one in enumerate(where) if one is Ellipsis)
            where = [*where[:at], *[slice(None)] * (x.ndim - len(where) + 1), *where[at + 1 :]]
        bounds, gone, shape = [], [], list(x.shape)
        for axis, one in enumerate(where):
            if not isinstance(one, slice):
                cell = int(one) % x.shape[axis]
                bounds.append((cell, cell + 1, axis, 1))
                gone.append(axis)
                shape[axis] = 1
                continue
            start, stop, step = one.indices(x.shape[axis])
            shape[axis] = len(range(start, stop, step))
            if (start, stop, step) != (0, x.shape[axis], 1):
                bounds.append((start, stop if stop >= 0 else -(2**62), axis, step))
        if bounds:
            x = self.node("Slice", [x, *map(self.integers, zip(*bounds, strict=True))], shape)
        if gone:
            x = self.node("Squeeze", [x, self.integers(gone)], [n for k, n in enumerate(shape) if k not in gone])
        return x


def same_but(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether attributes are equal, arrays among them."""
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
