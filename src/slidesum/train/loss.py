"""What a network is trained for, and what it answers: both follow from its last layer.

    a linear layer    its numbers are logits                cross entropy                            the largest wins
    a softmax         its numbers are probabilities         the negative logarithm of the right one  the largest wins
    distances         its numbers are penalties             LeCun et al. 1998, equation 9            the smallest wins

Equation 9, for the penalties y of one image whose class is D:

    E = y_D + log(exp(-j) + Σ_i exp(-y_i))

The first term pulls the right penalty down. The second pushes the others up: it lets the classes compete. j > 0 keeps penalties
that are large already from being pushed further; the paper gives no number for it. Written here as -log of a softmax over the
classes and one more of penalty j, it can't overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slidesum.core.network import Graph
from slidesum.core.ops import Add, BatchNorm, Distance, Layer, Softmax
from slidesum.errors import UsageError

LARGE_PENALTY = 10.0
"""j of equation 9. Right penalties end well below it, wrong ones above: see tests/train."""


@dataclass(frozen=True)
class Goal:
    """`loss(outputs, labels)` is what training makes small, averaged over the batch; `answer(outputs)` are the classes named."""

    name: str
    loss: Callable[[Tensor, Tensor], Tensor]
    answer: Callable[[Tensor], Tensor]


def goal(graph: Graph, classes: int) -> Goal:
    """The goal of a network with so many classes. Raises UsageError where its last layer can't answer."""
    last = graph.output
    if len(last.shape) != 2 or last.shape[1] != classes:
        raise UsageError(
            f"{graph.name} ends with the shape {last.shape}, and there are {classes} classes",
            usual="A classifier ends with one number a class and nothing else.",
            advice=f"End it with net.linear(x, {classes}).",
        )
    match last.op:
        case Layer() | Add() | BatchNorm():
            return Goal("cross entropy", functional.cross_entropy, _largest)
        case Softmax():
            return Goal("negative log-likelihood", _of_probabilities, _largest)
        case Distance():
            return Goal("competing penalties", competing_penalties, _smallest)
        case _:
            raise UsageError(
                f"{graph.name} ends with {last.name!r}, which isn't trained for classes",
                usual="Logits (a linear layer), a softmax, or distances are.",
                advice=f"End it with net.linear(x, {classes}).",
            )


def competing_penalties(penalties: Tensor, labels: Tensor, j: float = LARGE_PENALTY) -> Tensor:
    """Equation 9, averaged: penalties (n, classes), labels (n,).

    >>> round(float(competing_penalties(torch.tensor([[0.0, 50.0]]), torch.tensor([0]))), 4)
    0.0
    """
    standing = torch.full_like(penalties[:, :1], j)
    return functional.cross_entropy(-torch.cat([penalties, standing], 1), labels)


def _of_probabilities(probabilities: Tensor, labels: Tensor) -> Tensor:
    return functional.nll_loss(probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log(), labels)


def _largest(outputs: Tensor) -> Tensor:
    return outputs.argmax(1)


def _smallest(outputs: Tensor) -> Tensor:
    return outputs.argmin(1)
