"""What a kernel is: a few numbers that its code depends on, and the writing of that code. Everything else it reads from a table.

    void kernel(numbers, task, scratch)

`numbers` are 64-bit integers: addresses of arrays and tables, distances in values, counts. A task is a part of the work that one
thread does by itself; `scratch` is memory of that thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from slidesum.engine.code import INT, POINTER, Code, Value

KERNEL = ir.FunctionType(ir.VoidType(), [POINTER, INT, POINTER])
NAME = "kernel"


@dataclass(frozen=True)
class Kernel(ABC):
    """One kind of kernel with its sizes; equal ones have the same code.

    lanes   values of a vector
    """

    lanes: int

    SLOTS: ClassVar[Sequence[str]] = ()
    """The names of the numbers that it reads, in their order."""

    @abstractmethod
    def write(self, body: Body) -> None:
        """The code of one task."""

    def module(self) -> ir.Module:
        """The module with the one function."""
        made = ir.Module(name=NAME)
        function = ir.Function(made, KERNEL, NAME)
        body = Body(function, self)
        self.write(body)
        body.builder.ret_void()
        return made


class Body(Code):
    """The function being written: code, and what it was called with."""

    def __init__(self, function: ir.Function, kernel: Kernel) -> None:
        super().__init__(function, ir.FloatType(), kernel.lanes)
        self.numbers, self.task, self.scratch = function.args
        self.slots = {name: k for k, name in enumerate(kernel.SLOTS)}

    def given(self, name: str) -> Value:
        """One of the numbers."""
        return self.entry(self.numbers, self.count(self.slots[name]))

    def address(self, name: str) -> Value:
        """One of the numbers that is an address."""
        return self.builder.inttoptr(self.given(name), POINTER)

    def split(self, value: Value, by: Value) -> tuple[Value, Value]:
        """Quotient and remainder of what isn't negative."""
        return self.builder.udiv(value, by), self.builder.urem(value, by)

    def constant(self, value: float) -> Value:
        """A vector of one number."""
        return ir.Constant(self.vector, [float(value)] * self.lanes)

    def lane(self, pointer: Value, index: Value | int) -> Value:
        """The address `index` values behind a pointer."""
        return self.at(pointer, self.count(index) if isinstance(index, int) else index)

    def rounded(self, x: Value) -> Value:
        """The nearest whole number of every lane."""
        return self.builder.call(self._intrinsic(f"llvm.rint.{self._suffix}", self.vector, [self.vector]), [x])

    def prefetch(self, pointer: Value) -> None:
        """Ask for a line of memory that is read soon; nothing happens where there is none."""
        kind = ir.IntType(32)
        ask = self._intrinsic("llvm.prefetch.p0", ir.VoidType(), [POINTER, kind, kind, kind])
        self.builder.call(ask, [pointer, *(ir.Constant(kind, n) for n in (0, 3, 1))])

    def result(self, vector: Value, pointer: Value, past: bool) -> None:
        """A vector of a result; `past` the caches, if it wouldn't stay there until it is read (vectors lie where they fit then)."""
        stored = self.builder.store(vector, pointer, align=self.bytes * (self.lanes if past else 1))
        if past:
            stored.set_metadata("nontemporal", self.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))

    def settled(self, past: bool) -> None:
        """Whoever is told that the results are there finds them."""
        if past:
            self.builder.fence("seq_cst")

    def root(self, x: Value) -> Value:
        """The square root of every lane."""
        return self.builder.call(self._intrinsic(f"llvm.sqrt.{self._suffix}", self.vector, [self.vector]), [x])

    def put(self, value: Value, pointer: Value) -> None:
        """One value to memory."""
        self.builder.store(value, pointer, align=self.bytes)

    def room(self, vectors: int) -> Value:
        """Memory for so many vectors, as long as the function runs."""
        with self.builder.goto_entry_block():
            made = self.builder.alloca(self.vector, vectors)
            made.align = self.bytes * self.lanes
        return made
