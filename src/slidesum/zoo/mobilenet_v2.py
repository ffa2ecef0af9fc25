"""MobileNet v2: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018), Table 2.

A block expands its few maps by a 1×1 (t times as many), looks around by a depthwise 3×3, and mixes them down again by a 1×1 that no
nonlinearity follows. Where the shape stays, the input is added: the residual connects the *thin* ends.

    width   side   parameters   of them in norms   multiply-adds   printed (Table 4)
    1.0     224    3,504,872    34,112             300,774,272     3.4M   300M
    1.4     224    6,108,776    47,936             582,195,824     6.9M   585M

Exact: 300 million multiply-adds. Where the print errs:

- 3.4 million parameters are 3,470,760 without the batch norms, and 6.9 million are 6,060,840. The table that came with the authors'
  own networks (tensorflow/models, slim/nets/mobilenet) says 3.47 and 6.06, and 582 for the 585 million multiply-adds.
- The width multiplier is said to thin the network uniformly. The authors' code rounds every number of maps to a multiple of eight,
  never down by more than a tenth, and leaves the last 1×1 at 1280 maps when the width is below one (section 4). So it is here when
  the width is a number. With a symbol there is no rounding: formulas are of the network that is thinned uniformly.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import Ratio, RatioLike, Size, SizeLike, is_number, ratio, scaled
from slidesum.draft.verbs import Draft, Tensor

CONVOLUTION = "b c 2*i+u-1 2*j+v-1, o c u v -> b o i j"
DEPTHWISE = {1: "b c i+u-1 j+v-1, c u v -> b c i j", 2: "b c 2*i+u-1 2*j+v-1, c u v -> b c i j"}
POINTWISE = "b c i j, o c -> b o i j"
GLOBAL = "mean b c i j -> b c"

BLOCKS: tuple[tuple[int, int, int, int], ...] = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2: expansion t, maps c, repetitions n, stride s of the first of them."""


def mobilenet_v2(*, width: RatioLike = 1, side: SizeLike = 224, classes: SizeLike = 1000, batch: SizeLike = 1) -> Graph:
    """MobileNet v2, its maps multiplied by `width`.

    >>> net = mobilenet_v2()
    >>> net["block2/add"].shape, net["conv-last"].shape, net.output.shape
    ((1, 24, 56, 56), (1, 1280, 7, 7), (1, 1000))
    """
    net = Draft("mobilenet-v2")
    factor = ratio(width)

    def normalised(x: Tensor) -> Tensor:
        return net.norm(x, name=f"{x.layer}-norm")

    def clipped(x: Tensor) -> Tensor:
        return net.activation(normalised(x), "relu6", name=f"{x.layer}-relu6")

    def block(x: Tensor, number: int, expansion: int, maps: Size, stride: int) -> Tensor:
        y = x
        if expansion > 1:
            y = clipped(net.conv(y, POINTWISE, o=scaled(x.shape[1], expansion), name=f"block{number}/expand"))
        y = clipped(net.conv(y, DEPTHWISE[stride], u=3, v=3, name=f"block{number}/dw"))
        y = normalised(net.conv(y, POINTWISE, o=maps, name=f"block{number}/project"))
        return net.add(y, x, name=f"block{number}/add") if x.shape == y.shape else y

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = clipped(net.conv(x, CONVOLUTION, o=_maps(32, factor), u=3, v=3, name="conv1"))
    number = 0
    for expansion, maps, repetitions, first_stride in BLOCKS:
        for repetition in range(repetitions):
            x = block(x, number, expansion, _maps(maps, factor), 1 if repetition else first_stride)
            number += 1
    last = _maps(1280, factor) if not is_number(factor) or factor > 1 else 1280
    x = clipped(net.conv(x, POINTWISE, o=last, name="conv-last"))
    x = net.dropout(net.pool(x, GLOBAL, name="pool"), 0.2, name="dropout")
    net.linear(x, classes, name="fc")
    return net.graph


def _maps(published: int, factor: Ratio) -> Size:
    """So many maps, a multiple of eight and not below nine tenths; a formula where the factor is one."""
    if not is_number(factor):
        return scaled(published, factor)
    wanted = published * factor
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if 10 * nearest < 9 * wanted else nearest
