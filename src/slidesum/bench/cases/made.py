"""What the cases are made of: random arrays, our side, and the multiply-adds of an equation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from slidesum.api.equation import Equation
from slidesum.api.functions import conv
from slidesum.bench.case import Array, Side

SAME: dict[str, Any] = {"padding": "same"}


def tensors(*shapes: tuple[int, ...]) -> tuple[Any, ...]:
    """Random float32 tensors, the same ones every time."""
    import torch

    random = torch.Generator().manual_seed(0)
    return tuple(torch.randn(shape, generator=random) for shape in shapes)


def arrays(*shapes: tuple[int, ...]) -> tuple[Any, ...]:
    """Random float32 arrays of NumPy, the same ones every time."""
    random = np.random.default_rng(0)
    return tuple(random.standard_normal(shape, dtype="float32") for shape in shapes)


def slidesum(equation: str, *operands: Array, layout: str = "", **options: Any) -> Side:
    """Our side: one call."""
    return Side("slidesum", partial(conv, equation, **options), operands, layout=layout)


def macs(equation: str, *operands: Any, **options: Any) -> int:
    """The multiply-adds of an equation of two operands, those in the padding left out."""
    read = Equation.read(equation)
    names = [operand.name for operand in read.tree.operands]
    shapes: dict[str, Any] = {name: tuple(map(int, x.shape)) for name, x in zip(names, operands, strict=True)}
    return int(read.sized(**shapes, **options).macs_inside)
