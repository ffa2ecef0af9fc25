"""A network for another batch than the declared one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from slidesum.core.network import Graph
from slidesum.draft.vary import Change, varied
from slidesum.errors import UsageError
from slidesum.run.network import refuse_symbols


def rebatched(graph: Graph, batch: Any) -> Graph:
    """The network with so many samples; the declared number, if it is None.

    >>> from slidesum.zoo.lenet5 import lenet5
    >>> rebatched(lenet5(), 8).output.shape
    (8, 10)

    Raises UsageError where it is no number, or the network can't be built with it.
    """
    refuse_symbols(graph)
    if batch is None:
        return graph
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise UsageError(f"batch= is a whole number from 1 on, not {batch!r}", advice="Write batch=16, say.")
    declared = {int(node.shape[0]) for node in graph.inputs if node.shape}
    if declared == {batch}:
        return graph
    if len(declared) != 1 or 0 in declared:
        raise UsageError(
            f"the inputs of {graph.name} have no batch in common", advice="Compile it without batch=, as it was declared."
        )
    return varied(graph, Change(batch=Fraction(batch, declared.pop())))
