"""A case: a small torch module, what it is called with, and its arithmetic as equations for the judge."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from slidesum.bench.tools.judge import Array, Loops

Weights = Mapping[str, Array]
"""A module's parameters and buffers by name."""


@dataclass(frozen=True, slots=True)
class Case:
    """`loops(run, w, x)` computes what the module does: every product in an equation that `run` is called with.

    `why` says for each tool that is off what it multiplies instead. `batch` is how many samples the example has.
    """

    name: str
    title: str
    example: tuple[int, ...]
    module: Callable[[], torch.nn.Module]
    loops: Callable[[Loops, Weights, Array], Array]
    why: str = ""
    batch: int = 1

    def make(self) -> tuple[torch.nn.Module, torch.Tensor]:
        """The module, in evaluation, and its example: the same numbers each time."""
        torch.manual_seed(0)
        return self.module().eval(), torch.randn(self.example)

    def source(self) -> str:
        """The module as one would write it: a layer of torch as it prints itself, any other as its class."""
        made = self.module()
        if type(made).__module__.startswith("torch."):
            return f"nn.{made}"
        return textwrap.dedent(inspect.getsource(type(made))).strip()


def one_equation(
    name: str,
    title: str,
    example: tuple[int, ...],
    module: Callable[[], torch.nn.Module],
    equation: str,
    *,
    array: str = "weight",
    why: str = "",
    batch: int = 1,
    **options: Any,
) -> Case:
    """A case whose arithmetic is one equation of its input and one array of the module; `options` are the loops'."""
    return Case(name, title, example, module, lambda run, w, x: run(equation, x, w[array], **options), why, batch)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found: the multiplications, the equations that made them, and how far the loops' result is from torch's."""

    macs: int
    macs_inside: int
    equations: tuple[str, ...]
    error: float


def judge(case: Case) -> Verdict:
    """Run a case's equations by loops, and compare the result with the module's."""
    module, x = case.make()
    loops = Loops()
    with torch.no_grad():
        wanted = module(x)
        found = case.loops(loops, _weights(module), x.double().numpy())
    error = (torch.from_numpy(found) - wanted).abs().max().item()
    return Verdict(loops.macs, loops.macs_inside, tuple(loops.equations), error)


def _weights(module: torch.nn.Module) -> dict[str, Any]:
    return {name: value.double().numpy() for name, value in module.state_dict().items()}
