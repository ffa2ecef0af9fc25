"""What an adapter hands on: how a tool is asked, in which unit it answers, and what was done to make multiply-adds of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

Number = int | float


@dataclass(frozen=True, slots=True)
class Figures:
    """`printed` is the total that the tool tells, `macs` the same in multiply-adds of products alone."""

    printed: Number
    macs: Number


@dataclass(frozen=True, slots=True)
class Tool:
    """`count(module, example, batch)` asks the tool; whatever it raises is a result, too.

    `unit` says in the page's words what the tool counts, and `converted` what the adapter does about it.
    """

    name: str
    package: str
    unit: str
    converted: str
    count: Callable[[torch.nn.Module, torch.Tensor, int], Figures]


@dataclass(frozen=True, slots=True)
class Reading:
    """One tool's answer for one case: figures, or why there are none."""

    tool: str
    case: str
    printed: Number | None = None
    macs: Number | None = None
    refused: str | None = None

    def to_json(self) -> dict[str, object]:
        """Without what isn't there."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class Refusal(Exception):
    """A tool gave no answer, in its own words."""


def whole(number: Number) -> Number:
    """An integer where it is one.

    >>> whole(48.0), whole(3.5)
    (48, 3.5)
    """
    return int(number) if number == int(number) else float(number)
