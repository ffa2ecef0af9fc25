"""What is timed: our side, the peers, and what is wanted of the two.

A `Case` is a name and a promise, cheap to list; its `prepare` makes the arrays, and gives a `Duel` of sides that can be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Array = Any


class Skip(Exception):
    """A case can't be run here, and why."""


@dataclass(frozen=True, slots=True)
class Side:
    """One way to the result: `call(*arrays)`.

    `gradients` brings the gradients of its arrays to those of our first side, where the arrays differ; `layout` names the layout of
    the arrays, where a case compares layouts.
    """

    name: str
    call: Callable[..., Array]
    arrays: tuple[Array, ...]
    gradients: Callable[..., Sequence[Array]] | None = None
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Duel:
    """Both sides with their arrays; of several, the fastest counts. `macs` are those of the cheapest order, none in the padding."""

    ours: tuple[Side, ...]
    peers: tuple[Side, ...]
    macs: int

    @property
    def sides(self) -> list[Side]:
        """All of them, ours and the peers by turns."""
        most = max(len(self.ours), len(self.peers))
        return [side for k in range(most) for side in (*self.ours[k : k + 1], *self.peers[k : k + 1])]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The least ratio (the peer's time over ours) of each pass, the most extra time a call, the largest share of its memory."""

    forward: float | None = None
    backward: float | None = None
    extra_us: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison.

    needs      packages that must be installed, NumPy aside
    backward   whether forward and backward together are timed too
    least      rounds that are timed even where they take longer than the time for them
    most       rounds after which it is enough
    small      the same in small, to warm a fresh process up before its memory is measured; only cases that have it are measured
    """

    name: str
    group: str
    equation: str
    what: str
    against: str
    prepare: Callable[[], Duel]
    wanted: Wanted = Wanted()
    needs: tuple[str, ...] = ("torch",)
    backward: bool = True
    least: int = 5
    most: int = 500
    small: Callable[[], Duel] | None = None
