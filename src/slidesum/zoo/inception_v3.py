"""Inception v3: Szegedy et al., "Rethinking the inception architecture for computer vision" (2015), Table 1.

GoogLeNet's idea with thinner windows: 5×5 becomes two 3×3, n×n becomes 1×n and n×1, and every convolution has a batch norm.

                                  parameters   multiply-adds
    without the auxiliary head    23,834,568   5,713,216,096
    with it                       27,161,264   5,718,899,296

What the paper prints (abstract): "5 billion multiply-adds per inference", which are 5.7, and "less than 25 million parameters",
which holds without the head that is thrown away. Howard et al. 2017 (Table 10) print 5000 million multiply-adds and 23.2 million
parameters for it with the 120 classes of Stanford Dogs; there are 22.0.

Where the print errs, or leaves something open:

- Table 1 has a 3×3 to 80 maps, a 3×3/2 to 192 and a 3×3 to 288 behind the first pooling. The released network has a 1×1 to 80, a
  3×3 to 192 and a second pooling there, and comes to 35×35×288 by its first modules. Here it is as released.
- Table 1 counts 3, 5 and 2 modules. Of those on 17×17 and 8×8, the first one halves the image (Figure 10).
- Maps within modules aren't printed. They are those of the released network.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sized import Padding
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

POINT = "b c i j, o c -> b o i j"
WINDOW = {1: "b c i+u j+v, o c u v -> b o i j", 2: "b c 2*i+u 2*j+v, o c u v -> b o i j"}
POOLING = "max b c 2*i+u 2*j+v -> b c i j"
MEAN_IN_PLACE = "mean b c i+u-1 j+v-1 -> b c i j"
HEAD_POOLING = "mean b c 3*i+u 3*j+v -> b c i j"
GLOBAL = "mean b c i j -> b c"


def inception_v3(
    *,
    auxiliary: bool = False,
    width: RatioLike = 1,
    side: SizeLike = 299,
    classes: SizeLike = 1000,
    batch: SizeLike = 1,
) -> Graph:
    """Inception v3, with or without its auxiliary head; `width` multiplies every number of maps.

    >>> net = inception_v3()
    >>> [net[f"{name}/concat"].shape[1:] for name in ("5d", "6e", "7c")]
    [(288, 35, 35), (768, 17, 17), (2048, 8, 8)]
    """
    net = Draft("inception-v3-auxiliary" if auxiliary else "inception-v3")

    def conv(x: Tensor, name: str, maps: int, rows: int = 1, columns: int = 1, stride: int = 1, valid: bool = False) -> Tensor:
        o = scaled(maps, width)
        if rows == columns == 1:
            x = net.conv(x, POINT, o=o, name=name)
        else:
            padding: Padding = "valid" if valid or stride > 1 else "same"
            x = net.conv(x, WINDOW[stride], o=o, u=rows, v=columns, padding=padding, name=name)
        return net.activation(net.norm(x, epsilon=0.001, name=f"{name}-norm"), "relu", name=f"{name}-relu")

    def halved(x: Tensor, name: str) -> Tensor:
        return net.pool(x, POOLING, u=3, v=3, name=name)

    def pooled(x: Tensor, name: str, maps: int) -> Tensor:
        return conv(net.pool(x, MEAN_IN_PLACE, u=3, v=3, name=f"{name}/pool"), f"{name}/project", maps)

    def square(x: Tensor, name: str, projection: int) -> Tensor:
        """Figure 5: 5×5 windows, one of them in two steps."""
        one = conv(x, f"{name}/1x1", 64)
        five = conv(conv(x, f"{name}/5x5-reduce", 48), f"{name}/5x5", 64, 5, 5)
        twice = conv(conv(x, f"{name}/twice-reduce", 64), f"{name}/twice-1", 96, 3, 3)
        twice = conv(twice, f"{name}/twice-2", 96, 3, 3)
        return net.concat([one, five, twice, pooled(x, name, projection)], name=f"{name}/concat")

    def crossed(x: Tensor, name: str, maps: int) -> Tensor:
        """Figure 6: 7×7 windows as 1×7 and 7×1, once and twice."""
        one = conv(x, f"{name}/1x1", 192)
        once = conv(conv(x, f"{name}/once-reduce", maps), f"{name}/once-1x7", maps, 1, 7)
        once = conv(once, f"{name}/once-7x1", 192, 7, 1)
        twice = conv(conv(x, f"{name}/twice-reduce", maps), f"{name}/twice-7x1", maps, 7, 1)
        twice = conv(conv(twice, f"{name}/twice-1x7", maps, 1, 7), f"{name}/twice-7x1-2", maps, 7, 1)
        twice = conv(twice, f"{name}/twice-1x7-2", 192, 1, 7)
        return net.concat([one, once, twice, pooled(x, name, 192)], name=f"{name}/concat")

    def spread(x: Tensor, name: str) -> Tensor:
        """Figure 7: 1×3 and 3×1 side by side."""
        one = conv(x, f"{name}/1x1", 320)
        once = conv(x, f"{name}/once-reduce", 384)
        ends = [conv(once, f"{name}/once-1x3", 384, 1, 3), conv(once, f"{name}/once-3x1", 384, 3, 1)]
        twice = conv(conv(x, f"{name}/twice-reduce", 448), f"{name}/twice-3x3", 384, 3, 3)
        ends += [conv(twice, f"{name}/twice-1x3", 384, 1, 3), conv(twice, f"{name}/twice-3x1", 384, 3, 1)]
        return net.concat([one, *ends, pooled(x, name, 192)], name=f"{name}/concat")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = conv(conv(x, "1a", 32, 3, 3, stride=2), "2a", 32, 3, 3, valid=True)
    x = halved(conv(x, "2b", 64, 3, 3), "3a")
    x = halved(conv(conv(x, "3b", 80), "4a", 192, 3, 3, valid=True), "5a")
    for name, projection in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = square(x, name, projection)

    three = conv(x, "6a/3x3", 384, 3, 3, stride=2)
    twice = conv(conv(x, "6a/twice-reduce", 64), "6a/twice-1", 96, 3, 3)
    twice = conv(twice, "6a/twice-2", 96, 3, 3, stride=2)
    x = net.concat([three, twice, halved(x, "6a/pool")], name="6a/concat")
    for name, maps in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        x = crossed(x, name, maps)

    heads = []
    if auxiliary:
        head = conv(net.pool(x, HEAD_POOLING, u=5, v=5, name="aux/pool"), "aux/reduce", 128)
        head = net.pool(conv(head, "aux/5x5", 768, 5, 5, valid=True), GLOBAL, name="aux/global")
        heads.append(net.linear(head, classes, name="aux/linear"))

    three = conv(conv(x, "7a/3x3-reduce", 192), "7a/3x3", 320, 3, 3, stride=2)
    seven = conv(conv(x, "7a/7x7-reduce", 192), "7a/1x7", 192, 1, 7)
    seven = conv(conv(seven, "7a/7x1", 192, 7, 1), "7a/7x7-3x3", 192, 3, 3, stride=2)
    x = net.concat([three, seven, halved(x, "7a/pool")], name="7a/concat")
    x = spread(spread(x, "7b"), "7c")
    x = net.linear(net.dropout(net.pool(x, GLOBAL, name="pool"), 0.5, name="dropout"), classes, name="linear")
    if heads:
        net.output(x, *heads)
    return net.graph
