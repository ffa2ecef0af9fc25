"""A maxout network: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks" (2013), the network for CIFAR-10.

A maxout unit is the largest of k linear functions of its input: *pooling across maps*. `max b (o p) i j -> b o i j` says it: of o·p
maps, p neighbours become one. There is no other nonlinearity.

    layer   units         parameters    multiply-adds    what it is
    h0      96×16×16          37,056       40,144,896    8×8, 96·2 maps of 33×33; maxout over 2; max pooling 4/2
    h1      192×7×7        2,359,680      530,841,600    8×8, 192·2 maps of 15×15; maxout over 2; max pooling 4/2
    h2      192×5×5        1,843,584      149,299,200    5×5, 192·2 maps of 9×9; maxout over 2; max pooling 2/2
    h3      500           12,002,500       12,000,000    500·5 units on 192×5×5; maxout over 5
    y       10                 5,010            5,000    softmax
    in all                16,247,830      732,290,696

What the paper prints: three convolutional maxout layers, a fully connected maxout layer, a fully connected softmax layer, and
no number of any of them (section 5.2). The numbers are those of the authors' configuration (github.com/lisa-lab/pylearn2,
scripts/papers/maxout/cifar10.yaml), from which the figures above follow exactly.

Left open by both: pooling windows may hang over the edge there (33 → 16, 15 → 7, 9 → 5), so they do here. A maximum over pieces and
one over places may be taken in either order. Dropout, in training alone, keeps 80% of the input and half of every hidden layer.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

PIECES = "b c i+u j+v, (o p) c u v -> b (o p) i j"
DENSE_PIECES = "b c i j, (o p) c i j -> b (o p)"
MAXOUT = "max b (o p) i j -> b o i j"
DENSE_MAXOUT = "max b (o p) -> b o"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"


def maxout(*, width: RatioLike = 1, side: SizeLike = 32, classes: SizeLike = 10, batch: SizeLike = 1) -> Graph:
    """The maxout network for CIFAR-10; `width` multiplies every number of units.

    >>> net = maxout()
    >>> net["h0/pieces"].shape, net["h0/maxout"].shape, net["h0/pool"].shape
    ((1, 192, 33, 33), (1, 96, 33, 33), (1, 96, 16, 16))
    """
    net = Draft("maxout")

    def layer(x: Tensor, name: str, maps: int, window: int, padding: int, pool: int) -> Tensor:
        o = scaled(maps, width)
        x = net.conv(x, PIECES, o=o, p=2, u=window, v=window, padding=padding, bias="(o p)", name=f"{name}/pieces")
        x = net.pool(x, MAXOUT, o=o, p=2, name=f"{name}/maxout")
        x = net.pool(x, POOLING, u=pool, v=pool, padding={"i": (0, 1), "j": (0, 1)}, name=f"{name}/pool")
        return net.dropout(x, 0.5, name=f"{name}/dropout")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = net.dropout(x, 0.2, name="dropout")
    x = layer(x, "h0", 96, window=8, padding=4, pool=4)
    x = layer(x, "h1", 192, window=8, padding=3, pool=4)
    x = layer(x, "h2", 192, window=5, padding=3, pool=2)
    units = scaled(500, width)
    x = net.conv(x, DENSE_PIECES, o=units, p=5, bias="(o p)", name="h3/pieces")
    x = net.pool(x, DENSE_MAXOUT, o=units, p=5, name="h3/maxout")
    net.linear(net.dropout(x, 0.5, name="h3/dropout"), classes, name="y")
    return net.graph
