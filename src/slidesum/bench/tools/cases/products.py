"""Products of matrices: linear layers on more axes than two, matmul, einsum, a matrix that is no layer's weight."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from slidesum.bench.tools.case import one_equation


class FunctionalLinear(nn.Module):
    """A linear map that is no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(8, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.matrix)


class Matmul(nn.Module):
    """A product by its operator."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(16, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.matrix


class MatrixOnTheLeft(nn.Module):
    """One matrix for all samples, as in mixing tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(8, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.matmul(self.matrix, x)


class Einsum(nn.Module):
    """Heads put together by one matrix each."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4, 6, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bthd,hdo->bto", x, self.matrix)


CASES = (
    one_equation(
        "linear",
        "linear",
        (1, 16),
        lambda: nn.Linear(16, 8, bias=False),
        "b c, o c -> b o",
    ),
    one_equation(
        "linear-3d",
        "linear on three axes",
        (1, 5, 16),
        lambda: nn.Linear(16, 8, bias=False),
        "b t c, o c -> b t o",
        why="torchinfo multiplies the weights by the first axis of the result alone, whatever the number of axes.",
    ),
    one_equation(
        "linear-batch-free",
        "linear without a batch",
        (16,),
        lambda: nn.Linear(16, 8, bias=False),
        "c, o c -> o",
        why="torchinfo multiplies the weights by the first axis of the result, which are its eight values, and ptflops "
        "divides by a batch of 16, which are the values of the input. The export to ONNX makes a Gemm of a vector, which "
        "onnx-tool refuses.",
    ),
    one_equation(
        "functional-linear",
        "a functional linear layer",
        (1, 5, 16),
        FunctionalLinear,
        "b t c, o c -> b t o",
        array="matrix",
        why="torchinfo and thop see no module. ptflops patches functions, but has `F.linear` commented out; `nn.Linear` "
        "calls it, too, and would be counted twice.",
    ),
    one_equation(
        "matmul",
        "a product with `@`",
        (1, 5, 16),
        Matmul,
        "b t c, c o -> b t o",
        array="matrix",
        why="`@` calls `Tensor.__matmul__`; ptflops and calflops patch `torch.matmul` and `Tensor.matmul`, and do not see "
        "it. torchinfo and thop see modules only.",
    ),
    one_equation(
        "matmul-left",
        "a matrix times a batch of matrices",
        (4, 16, 5),
        MatrixOnTheLeft,
        "b c t, o c -> b o t",
        array="matrix",
        batch=4,
        why="fvcore, ptflops and calflops multiply the values of the first factor by the last axis of the second, and so "
        "lose the batch that only the second has; torchinfo and thop see modules only. ptflops' 640 is not divided by the "
        "batch, since a function made it: taken times four it is right by accident.",
    ),
    one_equation(
        "einsum",
        "einsum",
        (1, 5, 4, 6),
        Einsum,
        "b t h d, h d o -> b t o",
        array="matrix",
        why="calflops has an estimate of flops for `einsum`, and notes 0 macs. torchinfo, ptflops and thop do not look at it.",
    ),
)
