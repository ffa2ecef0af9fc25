"""What one run of a side is: forward, or forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from slidesum.bench.case import Array, Duel, Side

Pass = Literal["forward", "forward+backward"]
FORWARD: Pass = "forward"
BACKWARD: Pass = "forward+backward"


def forward(side: Side) -> Callable[[], Array]:
    """A call that gives the result."""
    call, arrays = side.call, side.arrays
    return lambda: call(*arrays)


def backward(side: Side) -> Callable[[], None]:
    """A call that leaves the gradients of all arrays, by a fixed gradient of the result in the result's own layout."""
    import torch

    call, arrays = side.call, side.arrays
    y = call(*arrays).detach()
    dy = torch.empty_like(y).copy_(torch.randn(y.shape, generator=torch.Generator().manual_seed(1)))

    def both() -> None:
        for array in arrays:
            array.grad = None
        call(*arrays).backward(dy)

    return both


def gradients(side: Side) -> list[Array]:
    """What the last backward left, as our first side would have it."""
    found = [array.grad.detach() for array in side.arrays]
    return list(side.gradients(*found)) if side.gradients else found


@contextmanager
def calls(duel: Duel, which: Pass) -> Iterator[list[Callable[[], Any]]]:
    """The calls of all sides; while they are used, their arrays know whether gradients are wanted."""
    if which == FORWARD:
        yield [forward(side) for side in duel.sides]
        return
    arrays = [array for side in duel.sides for array in side.arrays]
    for array in arrays:
        array.requires_grad_(True)
    try:
        yield [backward(side) for side in duel.sides]
    finally:
        for array in arrays:
            array.requires_grad_(False)
            array.grad = None
