"""SqueezeNet: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50× fewer parameters and <0.5MB model size" (2016), Table 1.

A fire module squeezes the maps by a 1×1, then expands them by a 1×1 and a 3×3 side by side. There is no linear layer: the last 1×1
has a map a class, and its mean is the answer, as in Network in Network.

    side   parameters   multiply-adds   what comes out of conv1
    224    1,248,424     818,924,576    109×109
    227    1,248,424     832,667,936    111×111

What the paper prints: 1,248,424 parameters, which is exact, and no multiply-adds. Where it errs:

- "Input image 224×224×3", and 111×111 maps behind a first layer of 7×7 and stride 2. Without padding that asks for 227×227, and so
  do the 55, 27 and 13 that follow. Here the side is 224 as printed; `squeezenet(side=227)` gives the sides of the table.
- Howard et al. 2017 (Table 9) print 1700 million multiply-adds for it, about twice as many as there are. Multiplications and
  additions counted apart would be 1,665 million at 227×227; that this is how they came to it is our guess.

Left open: poolings of 3/2 may hang over the edge (109 → 54), as in the authors' network.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

FIRST = "b c 2*i+u 2*j+v, o c u v -> b o i j"
POINT = "b c i j, o c -> b o i j"
WINDOW = "b c i+u-1 j+v-1, o c u v -> b o i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"
GLOBAL = "mean b c i j -> b c"

FIRES: tuple[tuple[int, int], ...] = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Table 1, fire2 to fire9: maps of the squeeze, and of either expansion."""


def squeezenet(*, width: RatioLike = 1, side: SizeLike = 224, classes: SizeLike = 1000, batch: SizeLike = 1) -> Graph:
    """SqueezeNet 1.0; `width` multiplies every number of maps but that of the classes.

    >>> net = squeezenet(side=227)
    >>> net["conv1"].shape, net["fire4/concat"].shape, net["fire9/concat"].shape
    ((1, 96, 111, 111), (1, 256, 55, 55), (1, 512, 13, 13))
    """
    net = Draft("squeezenet")

    def active(x: Tensor) -> Tensor:
        return net.activation(x, "relu", name=f"{x.layer}-relu")

    def halved(x: Tensor, number: int) -> Tensor:
        past = {"i": (0, 1), "j": (0, 1)}
        return net.pool(x, POOLING, u=3, v=3, padding=past, name=f"pool{number}")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = halved(active(net.conv(x, FIRST, o=scaled(96, width), u=7, v=7, bias="o", name="conv1")), 1)
    for number, (squeeze, expand) in enumerate(FIRES, start=2):
        name, maps = f"fire{number}", scaled(expand, width)
        x = active(net.conv(x, POINT, o=scaled(squeeze, width), bias="o", name=f"{name}/squeeze"))
        one = active(net.conv(x, POINT, o=maps, bias="o", name=f"{name}/1x1"))
        three = active(net.conv(x, WINDOW, o=maps, u=3, v=3, bias="o", name=f"{name}/3x3"))
        x = net.concat([one, three], name=f"{name}/concat")
        if number in (4, 8):
            x = halved(x, number)
    x = net.dropout(x, 0.5, name="dropout")
    x = active(net.conv(x, POINT, o=classes, bias="o", name="conv10"))
    net.pool(x, GLOBAL, name="pool10")
    return net.graph
