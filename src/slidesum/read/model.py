"""What a reader of foreign models hands on: the network, its arrays, how it was read, and what couldn't be understood.

Nothing is dropped silently. What a reader doesn't know stays in the network as an `Opaque` layer, and stands in `unsupported` with
its place; `understood` makes an error of the list for those who want all or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slidesum.core.network import Graph
from slidesum.errors import ReadError


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One operation that became an opaque layer: its kind in the foreign model, its place there, and why.

    >>> print(Unsupported("aten.grid_sampler", "stn/sample (model.py:12)", "it has no equation"))
    aten.grid_sampler at stn/sample (model.py:12): it has no equation
    """

    kind: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Model:
    """A foreign model as a network. `values` are keyed "layer.array"; `reader` names the way it was read, such as "torch.export".

    `notes` are remarks for the table, such as parameters that take no part in the result, or "layer: remark".
    """

    graph: Graph
    values: Mapping[str, Any]
    reader: str
    unsupported: tuple[Unsupported, ...] = ()
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What should stand under the table: how it was read, notes, and what stayed opaque."""
        return (f"read by {self.reader}", *self.notes, *(f"not supported: {one}" for one in self.unsupported))

    def understood(self) -> Model:
        """This model if every operation became a layer. Raises ReadError, which lists the others."""
        if not self.unsupported:
            return self
        several = f"{len(self.unsupported)} operations are" if len(self.unsupported) > 1 else "one operation is"
        raise ReadError(
            f"{self.graph.name}: {several} not supported\n" + "\n".join(f"    {one}" for one in self.unsupported),
            usual="Without strict they stay in the network as opaque layers, which are counted but can't be run.",
            advice="Read it without strict, or replace them in the model.",
        )
