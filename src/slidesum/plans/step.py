"""A plan: a few steps, each a smaller equation and the method that computes it. It prints itself as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.notation.write import named
from slidesum.plans.lowering import Lowering
from slidesum.plans.machine import Machine, Method


@dataclass(frozen=True, slots=True)
class Step:
    """One equation by one method.

    makes      the name of the array it makes
    sized      its equation, in normal form
    operands   where its arrays are found: the plan's own operands by their number, then the results of the steps before
    method     see `plans.machine.Method`
    lowering   where the method is a library's: how the equation is laid onto it
    inner      where the method is "taps": what is computed for every value of `tap`, and summed
    pieces     where windows would be too large: indices, and how many of their values are computed at once
    macs, bytes_read, bytes_written, bytes_held   multiply-adds, bytes, and the bytes held beside operands and result meanwhile
    seconds    what it costs on the nominal machine
    """

    makes: str
    sized: Sized
    operands: tuple[int, ...]
    method: Method
    macs: int
    bytes_read: int
    bytes_written: int
    bytes_held: int = 0
    seconds: float = 0.0
    lowering: Lowering | None = field(default=None, repr=False)
    tap: str = ""
    inner: Step | None = None
    pieces: tuple[tuple[str, int], ...] = ()

    @property
    def how(self) -> str:
        """The method in words, innermost last."""
        loops = f"taps {self.tap}: {self.inner.how}" if self.inner else self.method
        return loops + "".join(f", {count} {name} at once" for name, count in self.pieces)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that compute an equation on a machine.

    sized     the equation asked for, as it was given
    normal    the same in normal form: what the steps compute
    itemsize  the bytes of one value
    others    the methods that could be asked for instead
    """

    sized: Sized
    normal: Sized
    steps: tuple[Step, ...]
    machine: Machine
    itemsize: int
    budget: int
    others: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-adds of all steps."""
        return sum(step.macs for step in self.steps)

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written by all steps."""
        return sum(step.bytes_read + step.bytes_written for step in self.steps)

    @property
    def bytes_held(self) -> int:
        """The most bytes held at once beside the operands and the result."""
        between = 0
        most = 0
        for step in self.steps[:-1]:
            between += step.bytes_written
            most = max(most, between + step.bytes_held)
        return max(most, between + self.steps[-1].bytes_held) if self.steps else most

    @property
    def bytes_needed(self) -> int:
        """`bytes_held` and the result."""
        return self.bytes_held + int(prod(self.sized.result_shape)) * self.itemsize

    @property
    def seconds(self) -> float:
        """What it is expected to cost on the nominal machine."""
        return sum(step.seconds for step in self.steps)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of the steps."""
        return tuple(step.method for step in self.steps)

    def rows(self) -> Iterator[dict[str, str | int]]:
        """One mapping a step: step, computes, by, macs, bytes read, bytes written, bytes held."""
        for number, step in enumerate(self.steps, start=1):
            yield {
                "step": number,
                "computes": named(step.sized.equation),
                "by": step.how,
                "macs": step.macs,
                "bytes read": step.bytes_read,
                "bytes written": step.bytes_written,
                "bytes held": step.bytes_held,
            }

    def __str__(self) -> str:
        rows = [{k: f"{v:,}" if isinstance(v, int) else v for k, v in row.items()} for row in self.rows()]
        heads = ("step", "computes", "by", "macs", "bytes read", "bytes written", "bytes held")
        total = dict.fromkeys(heads, "") | {"computes": "in all", "macs": f"{self.macs:,}"}
        total |= {"bytes read": f"{sum(s.bytes_read for s in self.steps):,}"}
        total |= {"bytes written": f"{sum(s.bytes_written for s in self.steps):,}", "bytes held": f"{self.bytes_held:,}"}
        return "\n".join(line.rstrip() for line in _table(heads, [*rows, total]))


def _table(heads: Sequence[str], rows: Sequence[dict[str, str]]) -> Iterator[str]:
    width = {head: max(len(head), *(len(row[head]) for row in rows)) for head in heads}
    left = ("computes", "by")
    for row in (dict(zip(heads, heads, strict=True)), *rows):
        yield "  ".join(f"{row[head]:<{width[head]}}" if head in left else f"{row[head]:>{width[head]}}" for head in heads)
