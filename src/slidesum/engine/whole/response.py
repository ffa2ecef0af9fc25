"""Local response normalisation: x / (k + alpha·Σx²)^beta over neighbouring maps: neighbouring lanes, or the next block's."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from slidesum.core.ops import LocalResponseNorm
from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import CUT, place, row_of, task_of


def has_code(op: LocalResponseNorm, lanes: int) -> bool:
    """Whether there is code for it: powers that are made of square roots, windows that reach no further than the next block."""
    return op.beta in (0.5, 0.75, 1.0) and op.k > 0 and op.alpha >= 0 and op.axis == 1 and op.size // 2 <= lanes


@dataclass(frozen=True)
class Response(Kernel):
    """The kernel of one window of maps."""

    size: int
    alpha: float
    beta: float
    k: float

    SLOTS = (*CUT, "columns", "x", "y", "x_rows", "y_rows", "x_sample", "y_sample", "x_block", "y_block")

    def write(self, body: Body) -> None:
        """Row by row, position by position."""
        builder = body.builder
        sample, block, first, end = task_of(body)
        x, y, step = place(body, "x", sample, block), place(body, "y", sample, block), body.given("x_block")
        zero = body.count(0)
        has_before = builder.icmp_signed(">", block, zero)
        has_behind = builder.icmp_signed("<", body.sum(block, body.count(1)), body.given("blocks"))
        before = builder.select(has_before, body.minus(zero, step), zero)
        behind = builder.select(has_behind, step, zero)

        def squares(at: Value, is_there: Value | None = None) -> Value:
            value = body.load(at)
            if is_there is not None:
                value = builder.select(is_there, value, body.zeros())
            return builder.fmul(value, value)

        def row(r: Value) -> None:
            x_row, y_row = row_of(body, "x", x, r), row_of(body, "y", y, r)

            def column(j: Value) -> None:
                here = body.times(j, body.count(self.lanes))
                at = body.lane(x_row, here)
                own = squares(at)
                low, high = squares(body.lane(at, before), has_before), squares(body.lane(at, behind), has_behind)
                below = self.size // 2
                energy = own
                for shift in range(-below, self.size - below):
                    if shift:
                        energy = builder.fadd(energy, self._shifted(body, low, own, high, shift))
                base = body.multiply_add(energy, body.constant(self.alpha), body.constant(self.k))
                body.store(builder.fdiv(body.load(at), self._power(body, base)), body.lane(y_row, here))

            body.each(body.given("columns"), column)

        body.each(end, row, first)

    def _shifted(self, body: Body, low: Value, own: Value, high: Value, shift: int) -> Value:
        """The squares of the maps that lie `shift` further."""
        kind = ir.VectorType(ir.IntType(32), self.lanes)
        if shift < 0:
            return body.builder.shuffle_vector(low, own, ir.Constant(kind, [self.lanes + shift + k for k in range(self.lanes)]))
        return body.builder.shuffle_vector(own, high, ir.Constant(kind, [shift + k for k in range(self.lanes)]))

    def _power(self, body: Body, base: Value) -> Value:
        if self.beta == 1.0:
            return base
        root = body.root(base)
        return root if self.beta == 0.5 else body.builder.fmul(root, body.root(root))
