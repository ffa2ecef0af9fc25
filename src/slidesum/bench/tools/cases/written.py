"""Modules as people write them: layers called twice, functions called with a parameter, layers that are never called."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from slidesum.bench.tools.case import Case, one_equation

STANDARD = "b c i+u j+v, o c u v -> b o i j"
PADDED = "b c i+u-1 j+v-1, o c u v -> b o i j"


class Twice(nn.Module):
    """One layer, called on its own result."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.conv(x))


class TwoSizes(nn.Module):
    """One layer, called on an image and on its half."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.conv(x).flatten(1), self.conv(x[:, :, ::2, ::2]).flatten(1)], 1)


class SharedFilter(nn.Module):
    """Two layers that hold one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


class Functional(nn.Module):
    """A convolution that is no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.filters)


class FunctionalTransposed(nn.Module):
    """A transposed convolution that is no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.randn(3, 4, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(x, self.filters, stride=2)


class LayerAndFunction(nn.Module):
    """A layer, and a convolution that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.filters = nn.Parameter(torch.randn(4, 4, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(self.conv(x), self.filters)


class Unused(nn.Module):
    """A head that is only used in training."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.auxiliary = nn.Conv2d(4, 10, 3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


CASES = (
    Case(
        "twice",
        "a layer called twice",
        (1, 4, 6, 6),
        Twice,
        lambda run, w, x: run(PADDED, run(PADDED, x, w["conv.weight"]), w["conv.weight"]),
    ),
    Case(
        "two-sizes",
        "a layer called on two sizes",
        (1, 3, 8, 8),
        TwoSizes,
        lambda run, w, x: np.concatenate(
            [run(STANDARD, image, w["conv.weight"]).reshape(1, -1) for image in (x, x[:, :, ::2, ::2])], axis=1
        ),
    ),
    Case(
        "shared-filter",
        "two layers with the same filter",
        (1, 4, 6, 6),
        SharedFilter,
        lambda run, w, x: run(PADDED, run(PADDED, x, w["first.weight"]), w["second.weight"]),
    ),
    one_equation(
        "functional",
        "a functional convolution",
        (1, 3, 8, 8),
        Functional,
        STANDARD,
        array="filters",
        why="torchinfo and thop look at modules, and no module is called inside. ptflops patches functions as well, but "
        "not the convolutions among them.",
    ),
    one_equation(
        "functional-transposed",
        "a functional transposed convolution",
        (1, 3, 4, 4),
        FunctionalTransposed,
        "b c i j, c o u v -> b o 2*i+u 2*j+v",
        array="filters",
        why="torchinfo, thop and ptflops do not see the call. onnx-tool sees it, and counts the positions and maps of the result.",
    ),
    Case(
        "layer-and-function",
        "a layer, and a functional convolution behind it",
        (1, 3, 6, 6),
        LayerAndFunction,
        lambda run, w, x: run(STANDARD, run(PADDED, x, w["conv.weight"]), w["filters"]),
        why="torchinfo, thop and ptflops count the layer and miss the function, without a word.",
    ),
    one_equation(
        "unused",
        "a layer that is never called",
        (1, 3, 8, 8),
        Unused,
        STANDARD,
        array="conv.weight",
    ),
)
