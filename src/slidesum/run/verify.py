"""A network run once on small random numbers, to see that every result has the shape that was told, and that every number is one.

What can't be run (a layer of a foreign model that is known by its shape alone) is left out with everything that depends on it,
and told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Opaque
from slidesum.core.sizes import Size
from slidesum.run.network import Values, refuse_symbols, run


@dataclass(frozen=True, slots=True)
class Verified:
    """What a run showed: the layers that ran, those that couldn't, and what was wrong with which."""

    ran: tuple[str, ...]
    left_out: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        told = f"{len(self.ran)} of {len(self.ran) + len(self.left_out)} layers were run on random numbers: "
        told += "; ".join(self.wrong) if self.wrong else "every shape is the one told, and every number is finite"
        return f"{told}; not run: {', '.join(self.left_out)}" if self.left_out else told


def verify(graph: Graph, values: Values, seed: int = 0) -> Verified:
    """Run the network on numbers of a normal distribution, in the declared shapes. Raises SizeError if sizes are open.

    >>> import slidesum as ss
    >>> print(ss.load("lenet5").verify())
    13 of 13 layers were run on random numbers: every shape is the one told, and every number is finite
    """
    refuse_symbols(graph)
    possible, left_out = _runnable(graph)
    chance = np.random.default_rng(seed)
    inputs = [chance.standard_normal([int(n) for n in node.shape]).astype("float32") for node in possible.inputs]
    kept = {name: array for name, array in values.items() if name.rsplit(".", 1)[0] in possible}
    with np.errstate(all="ignore"):
        results = run(possible, kept, *inputs)
    layers = [node for node in possible if node not in possible.inputs]
    wrong = []
    for node in layers:
        array = np.asarray(results[node.name])
        if array.shape != tuple(node.shape):
            wrong.append(f"{node.name} has the shape {_times(array.shape)}, and {_times(node.shape)} was told")
        bad = int(array.size - np.isfinite(array).sum())
        if bad:
            wrong.append(f"{node.name} has {bad:,} values of {array.size:,} that are not finite")
    return Verified(tuple(node.name for node in layers), left_out, tuple(wrong))


def _runnable(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """The part that can be run, and the names of the rest."""
    lost: set[str] = set()
    for node in graph:
        if isinstance(node.op, Opaque) or lost & set(node.inputs):
            lost.add(node.name)
    nodes = tuple(node for node in graph if node.name not in lost)
    heads = tuple(name for name in graph.heads if name not in lost)
    return replace(graph, nodes=nodes, heads=heads), tuple(node.name for node in graph if node.name in lost)


def _times(shape: tuple[Size, ...]) -> str:
    return "×".join(map(str, shape)) or "of a single number"
