"""Standard convolutions of ResNet, GoogLeNet and VGG against F.conv2d, in both memory layouts; each side's better one counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import macs, slidesum, tensors


@dataclass(frozen=True, slots=True)
class Layer:
    """Maps in and out, the side of the image and of the filter, and the stride. One image."""

    maps: int
    filters: int
    cells: int
    taps: int
    stride: int = 1

    @property
    def padding(self) -> int:
        return self.taps // 2

    @property
    def equation(self) -> str:
        step = "" if self.stride == 1 else f"{self.stride}*"
        if self.taps == 1:
            return f"b c {step}i {step}j, o c -> b o i j"
        return f"b c {step}i+u {step}j+v, o c u v -> b o i j"

    def __str__(self) -> str:
        stride = "" if self.stride == 1 else f", stride {self.stride}"
        return f"{self.maps} → {self.filters} maps, {self.taps}×{self.taps}{stride}, {self.cells}×{self.cells}"


LAYERS = {
    "resnet-stem-7x7": Layer(3, 64, 224, 7, 2),
    "resnet-3x3-64": Layer(64, 64, 56, 3),
    "resnet-3x3-128": Layer(128, 128, 28, 3),
    "resnet-3x3-256": Layer(256, 256, 14, 3),
    "resnet-3x3-512": Layer(512, 512, 7, 3),
    "resnet-1x1-expand": Layer(64, 256, 56, 1),
    "resnet-1x1-reduce": Layer(256, 64, 56, 1),
    "resnet-1x1-stride-2": Layer(256, 512, 56, 1, 2),
    "googlenet-3x3": Layer(96, 128, 28, 3),
    "googlenet-5x5": Layer(16, 32, 28, 5),
    "vgg-3x3": Layer(3, 64, 224, 3),
}


def layer(it: Layer) -> Duel:
    """Both sides get the image and the filters in the same layout."""
    import torch

    x, w = tensors((1, it.maps, it.cells, it.cells), (it.filters, it.maps, *[it.taps] * (2 if it.taps > 1 else 0)))
    ours, peers = [], []
    options: dict[str, Any] = {"padding": it.padding} if it.taps > 1 else {}
    for layout, memory_format in (("NCHW", torch.contiguous_format), ("channels-last", torch.channels_last)):
        laid = x.contiguous(memory_format=memory_format)
        filters = w.contiguous(memory_format=memory_format) if w.ndim == 4 else w
        ours.append(slidesum(it.equation, laid, filters, layout=layout, **options))
        peers.append(Side(f"F.conv2d, {layout}", partial(_library, it), (laid, filters), layout=layout))
    return Duel(tuple(ours), tuple(peers), macs(it.equation, x, w, **options))


def _library(it: Layer, x: Any, w: Any) -> Any:
    from torch.nn import functional as F

    return F.conv2d(x, w if w.ndim == 4 else w[:, :, None, None], stride=it.stride, padding=it.padding)


CASES = tuple(
    Case(
        name=name,
        group="standard",
        equation=it.equation,
        what=str(it),
        against="F.conv2d, the better of NCHW and channels-last",
        prepare=partial(layer, it),
        wanted=Wanted(0.98, 0.98),
    )
    for name, it in LAYERS.items()
)
