"""A torch model as a list of calls: what every way of capturing makes, and the only thing that the translators read.

A call has the name of an ATen operator without its overload ("conv2d", "add"), and its arguments by the names of ATen's schema, so
calls recorded from Python and calls read from a file look alike. Extents that grow with the batch are told apart:

    >>> extent(20014, batch=10007), extent(64, batch=10007)
    (Times(number=2), 64)

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Times:
    """An extent of `number` cells for every sample of the batch."""

    number: int


Extent = int | Times
Shape = tuple[Extent, ...]


def extent(number: int, batch: int) -> Extent:
    """The extent as a multiple of the batch if it is one; a batch of 0 means that none is looked for."""
    return Times(number // batch) if batch and number and number % batch == 0 else number


@lru_cache(maxsize=4096)
def extents(shape: Sequence[int], batch: int) -> Shape:
    """The shape with its extents told apart; networks repeat their shapes."""
    return tuple(extent(n, batch) for n in shape)


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A result of a call, an input, or an array; known by identity."""

    shape: Shape
    dtype: str = "float32"

    @property
    def rank(self) -> int:
        return len(self.shape)


@dataclass(frozen=True, slots=True)
class Array:
    """What a model keeps: its qualified name ("layer1.0.conv1.weight"), its numbers, and whether they are trained."""

    name: str
    numbers: Any
    trainable: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the model a call stands: the path of its module, and the source line if it is known."""

    path: str = ""
    line: str = ""

    def __str__(self) -> str:
        where = self.path.replace(".", "/") or "the model"
        return f"{where} ({self.line})" if self.line else where


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. A result that isn't a tensor is None."""

    op: str
    arguments: Mapping[str, Any]
    results: tuple[Value | None, ...]
    place: Place = field(default=Place())

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or what is meant when it isn't given."""
        return self.arguments.get(name, default)

    @property
    def read(self) -> list[Value]:
        """The values in its arguments, lists and all."""
        return _values(self.arguments.values())

    @property
    def x(self) -> Any:
        """The first argument, whatever it is called."""
        return self.arguments["self"]

    @property
    def result(self) -> Value:
        found = self.results[0]
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Program:
    """A captured model: its inputs by name, arrays, calls in the order of computation, and outputs. `batch` is the declared one.

    `remarks` tell what the model does besides: that it writes to its buffers, say.
    """

    name: str
    batch: int
    inputs: Mapping[str, Value]
    arrays: dict[Value, Array]
    """Grows while constants are computed."""
    calls: tuple[Call, ...]
    outputs: tuple[Value, ...]
    reader: str
    remarks: tuple[str, ...] = ()

    def declared(self, shape: Shape) -> tuple[int, ...]:
        """The shape for the declared batch."""
        return tuple([n.number * self.batch if isinstance(n, Times) else n for n in shape])


def _values(given: Iterable[Any]) -> list[Value]:
    found = []
    for one in given:
        if isinstance(one, Value):
            found.append(one)
        elif isinstance(one, (list, tuple)):
            found += _values(one)
    return found
