"""How a module computes its equation: by its plan, or by kernels that learn; what is the same at every call is remembered."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any

import torch

from slidesum.core.equation import Equation, Reduce
from slidesum.draft.asked import with_bias, with_reduction
from slidesum.notation.parse import parse
from slidesum.notation.write import axes, named
from slidesum.run import calls
from slidesum.run.compute import DEFAULT, made_for_all
from slidesum.run.execute import solved
from slidesum.run.torch import Torch
from slidesum.run.torch_autograd import signature
from slidesum.run.torch_learning import Lesson, lesson

BACKEND = Torch()


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def evaluate(
    spelling: Any, sizes: Any, padding: Any, border: Any, extent: Any, bias: torch.Tensor | None, *arrays: torch.Tensor
) -> torch.Tensor:
    """An equation, as `spelled` writes it, on tensors.

    To `torch.compile` this is one node of its graph: all but the tensors are plain constants, and solving the shapes isn't traced
    but run. A symbolic size is pinned to its number, so a call of another shape compiles anew.
    """
    equation = read(*spelling)
    tensors = [*arrays, *([bias] if bias is not None else [])]
    if not equation.is_pooling:
        tensors = _autocast(tensors)
    looks = signature(tensors)
    key = looks and (spelling, sizes, padding, type(border), border, extent, bias is None, looks)
    run = calls.known(key) if key else None
    if run is None:
        BACKEND.check(tensors, equation.reduce)
        shapes = [tuple(map(operator.index, x.shape)) for x in arrays]
        sized = solved(equation, shapes, dict(sizes), padding=dict(padding) or "valid", border=border, extent=dict(extent))
        run = made_for_all(BACKEND, sized, tensors[: len(arrays)], DEFAULT)
        if key:
            calls.remember(key, run)
    result: torch.Tensor = run(tensors[: len(arrays)], tensors[-1] if bias is not None else None)
    return result


def _autocast(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Under `torch.autocast` products are computed in its dtype, as those of `nn.Conv2d` are."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    dtype = torch.get_autocast_dtype(device)
    return [x.to(dtype) if x.is_floating_point() and x.dtype != torch.float64 else x for x in tensors]


@lru_cache(maxsize=1024)
def read(text: str, bias: str, reduce: Reduce) -> Equation:
    """The equation that is spelled so."""
    equation = parse(text)
    if bias:
        equation = with_bias(equation, bias)
    return equation if equation.reduce == reduce else with_reduction(equation, reduce)


def spelled(equation: Equation) -> tuple[str, str, Reduce]:
    """The text of an equation, its bias and its reduction: as the user wrote it, so that messages point at known words."""
    bias = axes(equation.bias, " ") if equation.bias else ""
    for text, beside in ((equation.text, bias), (equation.text, "")):
        if text and parse(text).reduce in ("sum", equation.reduce) and read(text, beside, equation.reduce) == equation:
            return text, beside, equation.reduce
    return named(equation), "", equation.reduce


@lru_cache(maxsize=256)
def taught(
    spelling: Any, sizes: Any, padding: Any, border: Any, extent: Any, x: tuple[int, ...], w: tuple[int, ...], threads: int
) -> Lesson | None:
    """The kernels for x and w of these shapes, if there are any."""
    sized = solved(read(*spelling), [x, w], dict(sizes), padding=dict(padding) or "valid", border=border, extent=dict(extent))
    return lesson(sized, threads)
