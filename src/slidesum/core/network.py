"""A network: a graph of named layers, in the order in which they are computed.

Most layers are equations. The others are a small vocabulary, one frozen dataclass each; whoever walks the graph asks one `match`.
A node keeps what was asked (`op`, symbols and all) and what follows from it (`shape`, and the sized equation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from slidesum.core.equation import Equation
from slidesum.core.sized import Border, Connections, Padding, Sized
from slidesum.core.sizes import Size, symbols
from slidesum.errors import NetworkError

Function = Literal["relu", "relu6", "sigmoid", "tanh", "scaled_tanh", "silu", "gelu", "identity"]


@dataclass(frozen=True, slots=True)
class Input:
    """What comes from outside; `names` label its axes, and reach is told along them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that is an equation: convolution, pooling, linear, flatten …"""

    equation: Equation
    sizes: Mapping[str, Size]
    padding: Padding = "valid"
    border: Border = "zero"
    extent: Mapping[str, Size] | None = None
    connections: Connections | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of every value by itself; `scaled_tanh` is LeCun's 1.7159·tanh(2a/3)."""

    function: Function


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Scale and shift of every map to the statistics of the batch (training) or the running ones (Ioffe and Szegedy 2015)."""

    axis: int = 1
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True)
class LocalResponseNorm:
    """Division by the energy of neighbouring maps (Krizhevsky et al. 2012, section 3.3): x / (k + alpha·Σx²)^beta."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    axis: int = 1


@dataclass(frozen=True, slots=True)
class Softmax:
    """Numbers that add up to one along an axis."""

    axis: int = -1


@dataclass(frozen=True, slots=True)
class Dropout:
    """In training, zeroes a share `rate` of the values and scales the others up; otherwise nothing."""

    rate: float = 0.5


@dataclass(frozen=True, slots=True)
class Concat:
    """Arrays put behind each other along an axis."""

    axis: int = 1


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of arrays of one shape."""


@dataclass(frozen=True, slots=True)
class Distance:
    """Squared Euclidean distance to fixed centres: LeNet-5's output units (LeCun et al. 1998, section II.B, equation 7)."""

    centres: tuple[tuple[float, ...], ...]


Op = Input | Layer | Activation | BatchNorm | LocalResponseNorm | Softmax | Dropout | Concat | Add | Distance


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of a network: its name, what it does, where its inputs come from, and the shape of its result."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: tuple[Size, ...]
    sized: Sized | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as data. Nodes stand in the order of computation; the last one is the output."""

    name: str
    nodes: tuple[Node, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes) or "none"
        raise NetworkError(f"{self.name} has no layer {name!r}", usual=f"Its layers are {known}.", advice="Name one of them.")

    def __contains__(self, name: object) -> bool:
        return any(node.name == name for node in self.nodes)

    @property
    def inputs(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if isinstance(node.op, Input))

    @property
    def output(self) -> Node:
        if not self.nodes:
            raise NetworkError(f"{self.name} has no layers", advice="Begin with net.input(…).")
        return self.nodes[-1]

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The layers that no other reads, the output last: the heads of a network with several."""
        read = {name for node in self.nodes for name in node.inputs} - {self.output.name}
        return tuple(node for node in self.nodes if node.name not in read)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in its sizes, sorted."""
        return tuple(sorted({name for node in self.nodes for value in node.shape for name in symbols(value)} | _hidden(self)))

    def users(self, name: str) -> tuple[Node, ...]:
        """The layers that read this one."""
        return tuple(node for node in self.nodes if name in node.inputs)


def _hidden(graph: Graph) -> set[str]:
    """Symbols that no result shows, such as the size of a filter under padding."""
    sized = [node.sized for node in graph.nodes if node.sized is not None]
    return {name for s in sized for value in s.extents.values() for name in symbols(value)}
