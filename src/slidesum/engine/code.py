"""Writing a function of LLVM's intermediate code: counting in 64 bits, loops that carry values along, vectors of one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

Value = Any
"""A value of the code that is written: llvmlite's own type, which has no annotations."""
INT, BIT, POINTER = ir.IntType(64), ir.IntType(1), ir.PointerType()
Body = Callable[[Value, list[Value]], Sequence[Value]]
"""(index, what the last turn left) -> what is carried to the next."""


class Code:
    """A function being written.

    number   the type of one value, float or double
    lanes    values of a vector
    """

    def __init__(self, function: Any, number: Any, lanes: int) -> None:
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.module = function.module
        self.number, self.lanes, self.vector = number, lanes, ir.VectorType(number, lanes)
        self.bytes = 4 if number == ir.FloatType() else 8

    def count(self, value: int) -> Value:
        return ir.Constant(INT, value)

    def sum(self, *values: Value) -> Value:
        total, *others = values
        for value in others:
            total = self.builder.add(total, value)
        return total

    def times(self, a: Value, b: Value) -> Value:
        return self.builder.mul(a, b)

    def minus(self, a: Value, b: Value) -> Value:
        return self.builder.sub(a, b)

    def least(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def most(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.icmp_signed(">", a, b), a, b)

    def loop(
        self, stop: Value, body: Body, carried: Sequence[Value] = (), start: Value | None = None, step: int = 1
    ) -> list[Value]:
        """for index in range(start, stop, step): carried = body(index, carried). The values carried out."""
        builder, start = self.builder, self.count(0) if start is None else start
        before = builder.block
        turn, end = builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed("<", start, stop), turn, end)
        builder.position_at_end(turn)
        index = builder.phi(INT)
        values = [builder.phi(value.type) for value in carried]
        after = list(body(index, list(values)))
        following = builder.add(index, self.count(step))
        last = builder.block
        builder.cbranch(builder.icmp_signed("<", following, stop), turn, end)
        index.add_incoming(start, before)
        index.add_incoming(following, last)
        builder.position_at_end(end)
        out = [builder.phi(value.type) for value in carried]
        for phi, through, first, then in zip(values, out, carried, after, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(then, last)
            through.add_incoming(first, before)
            through.add_incoming(then, last)
        return out

    def each(self, stop: Value, body: Callable[[Value], None], start: Value | None = None, step: int = 1) -> None:
        """for index in range(start, stop, step): body(index)."""

        def turn(index: Value, carried: list[Value]) -> list[Value]:
            body(index)
            return carried

        self.loop(stop, turn, (), start, step)

    def at(self, pointer: Value, index: Value) -> Value:
        """The address `index` values behind a pointer."""
        return self.builder.gep(pointer, [index], source_etype=self.number)

    def entry(self, table: Value, index: Value) -> Value:
        """One integer of a table."""
        return self.builder.load(self.builder.gep(table, [index], source_etype=INT), typ=INT)

    def value(self, pointer: Value) -> Value:
        return self.builder.load(pointer, typ=self.number)

    def load(self, pointer: Value, mask: Value | None = None) -> Value:
        """A vector, wherever it lies; lanes that are masked out aren't read, and are 0."""
        if mask is None:
            return self.builder.load(pointer, align=self.bytes, typ=self.vector)
        return self.builder.call(self._masked("load"), [pointer, ir.Constant(ir.IntType(32), self.bytes), mask, self.zeros()])

    def store(self, vector: Value, pointer: Value, mask: Value | None = None) -> None:
        """A vector, wherever it is to lie; lanes that are masked out aren't written."""
        if mask is None:
            self.builder.store(vector, pointer, align=self.bytes)
        else:
            self.builder.call(self._masked("store"), [vector, pointer, ir.Constant(ir.IntType(32), self.bytes), mask])

    def mask(self, count: Value) -> Value:
        """The first `count` lanes."""
        lanes = ir.Constant(ir.VectorType(INT, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", lanes, self._spread(count, ir.VectorType(INT, self.lanes)))

    def zeros(self) -> Value:
        return ir.Constant(self.vector, [0.0] * self.lanes)

    def spread(self, value: Value) -> Value:
        """A vector of one value."""
        return self._spread(value, self.vector)

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """a·b + c, lane by lane, rounded once."""
        fma = self._intrinsic(f"llvm.fma.{self._suffix}", self.vector, [self.vector] * 3)
        return self.builder.call(fma, [a, b, c])

    def spread_whole(self, value: Value) -> Value:
        """A vector of one 64-bit integer."""
        return self._spread(value, ir.VectorType(INT, self.lanes))

    def gathered(self, pointers: Value, mask: Value, otherwise: Value) -> Value:
        """The values that a vector of addresses points to; lanes that are masked out are those of `otherwise`."""
        whole = ir.IntType(32)
        kinds = [ir.VectorType(POINTER, self.lanes), whole, ir.VectorType(BIT, self.lanes), self.vector]
        gather = self._intrinsic(f"llvm.masked.gather.{self._suffix}.v{self.lanes}p0", self.vector, kinds)
        return self.builder.call(gather, [pointers, ir.Constant(whole, self.bytes), mask, otherwise])

    def totals(self, vectors: Sequence[Value]) -> Value:
        """The vector of the sums of the lanes of up to as many vectors: neighbours are added, of two vectors at a time."""
        left = [*vectors, *[self.zeros()] * (self.lanes - len(vectors))]
        one = ir.VectorType(ir.IntType(32), self.lanes)
        even, odd = (ir.Constant(one, [*range(start, 2 * self.lanes, 2)]) for start in (0, 1))
        while len(left) > 1:
            pairs = zip(left[::2], left[1::2], strict=True)
            left = [self.builder.fadd(*(self.builder.shuffle_vector(a, b, part) for part in (even, odd))) for a, b in pairs]
        return left[0]

    def transposed(self, vectors: Sequence[Value]) -> list[Value]:
        """As many vectors as a vector has lanes: lane k of vector n becomes lane n of vector k."""
        made, kind = list(vectors), ir.VectorType(ir.IntType(32), self.lanes)
        step = 1
        while step < self.lanes:
            low = [lane if not lane & step else self.lanes + lane - step for lane in range(self.lanes)]
            high = [lane + step if not lane & step else self.lanes + lane for lane in range(self.lanes)]
            for n in range(self.lanes):
                if not n & step:
                    pair = made[n], made[n + step]
                    made[n], made[n + step] = (self.builder.shuffle_vector(*pair, ir.Constant(kind, part)) for part in (low, high))
            step *= 2
        return made

    def _spread(self, value: Value, kind: Any) -> Value:
        none = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(none, value, self.count(0))
        return self.builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count))

    @property
    def _suffix(self) -> str:
        return f"v{self.lanes}f{8 * self.bytes}"

    def _masked(self, verb: str) -> Any:
        lanes = [ir.IntType(32), ir.VectorType(BIT, self.lanes)]
        name = f"llvm.masked.{verb}.{self._suffix}.p0"
        if verb == "load":
            return self._intrinsic(name, self.vector, [POINTER, *lanes, self.vector])
        return self._intrinsic(name, ir.VoidType(), [self.vector, POINTER, *lanes])

    def _intrinsic(self, name: str, result: Any, parameters: Sequence[Any]) -> Any:
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(result, parameters), name)
