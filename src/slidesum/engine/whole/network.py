"""A network compiled: its program, and a table that says what it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.engine.host import Host
from slidesum.engine.whole.candidates import Setting, by_estimate
from slidesum.engine.whole.emit import Emitter
from slidesum.engine.whole.plan import MACS_A_SECOND, Part, Step
from slidesum.engine.whole.program import Program
from slidesum.engine.whole.rewrite import rewritten
from slidesum.engine.whole.tuning import Tuner
from slidesum.engine.whole.units import Planned
from slidesum.engine.whole.widths import Width, can_widen
from slidesum.engine.whole.work import works

Array = Any
Row = dict[str, str | int | float]
EXPANDED = 3
"""Bytes that a call reads, in parts of those of its arrays: of transformed filters there are more."""
HEADS = ("layer", "kernel", "tile", "macs asked", "macs done", "bytes", "expected ms")


class NativeNetwork:
    """A program for a network of fixed sizes, in float, and what it is made of. Of `values` it leaves what plans need."""

    def __init__(
        self,
        graph: Graph,
        values: dict[str, Array],
        host: Host,
        threads: int,
        exact: bool,
        compute: Callable[[Node, Sequence[Array]], Array],
        tune: float | None = None,
        weights: Width = "float32",
    ) -> None:
        can_widen(host, weights)
        setting = Setting(widest(host), threads, exact, weights)
        self.tuner = None if tune is None else Tuner(tune, EXPANDED * sum(array.nbytes for array in values.values()))
        graph = rewritten(graph)
        emitter = Emitter(graph, works(graph, values, setting.lanes), setting, compute, self.tuner or by_estimate)
        planned = {work.node.owner for work in emitter.works if isinstance(work, Planned)}
        for name in [name for name in values if name.rpartition(".")[0] not in planned]:
            del values[name]  # works hold it, until they are done
        self.threads = threads
        self.program = Program(
            emitter.emitted(), [tuple(int(n) for n in node.shape) for node in graph.outputs], threads, setting.host
        )
        self.asked = emitter.asked
        self.run = self.program.run

    @property
    def arena_bytes(self) -> int:
        """The peak of what is held between layers."""
        return self.program.arena_bytes

    @property
    def weight_errors(self) -> dict[str, float]:
        """By layer, what storing its weights in half the bytes has changed, as a part of them."""
        found: dict[str, float] = {}
        for part in self.program.plan.parts:
            if part.weight_error:
                found[part.name] = max(part.weight_error, found.get(part.name, 0.0))
        return found

    def entries(self) -> list[Part | Step]:
        """Parts and steps in the order in which they are run."""
        plan = self.program.plan
        return sorted([*plan.parts, *plan.steps], key=lambda entry: (entry.level, isinstance(entry, Step)))

    def rows(self, seconds: Mapping[int, float] | None = None) -> Iterator[Row]:
        """One mapping a kernel; with measured seconds by the identity of the entry, these too."""
        told: set[str] = set()
        for entry in self.entries():
            asked = 0 if entry.name in told else self.asked.get(entry.name, 0)
            told.add(entry.name)
            row: Row = {"layer": entry.name, "kernel": "plan", "tile": "", "macs asked": asked, "macs done": asked, "bytes": 0}
            if isinstance(entry, Part):
                named = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(entry.kernel).__name__).lower()
                row |= {"kernel": named, "tile": entry.note, "macs done": entry.macs, "bytes": entry.bytes}
            expected = entry.expected if isinstance(entry, Part) else asked / MACS_A_SECOND
            row["expected ms"] = round(1e3 * expected / self.threads, 4)
            if self.tuner is not None:
                tuned = entry.seconds if isinstance(entry, Part) else None
                row["tuned ms"] = "" if tuned is None else round(1e3 * tuned, 4)
            if seconds is not None:
                row["measured ms"] = round(1e3 * seconds[id(entry)], 4)
            yield row

    def timed(self, given: Sequence[Array]) -> dict[int, float]:
        """How long each entry takes by itself in one thread: the least of three runs, by the identity of the entry."""
        found: dict[int, float] = {}
        for _ in range(3):
            for entry, seconds in self.program.timed(given):
                found[id(entry)] = min(seconds, found.get(id(entry), seconds))
        return found


def widest(host: Host) -> Host:
    """The processor with its full vectors: rows of blocks have no ends that would waste them.

    >>> widest(Host("znver4", "+avx512f,+avx512vl", 32, 32)).bytes_wide
    64
    """
    return replace(host, bytes_wide=64) if "+avx512f" in host.features.split(",") else host
