"""Network in Network: Lin, Chen, Yan, "Network in network" (2013), the network for CIFAR-10.

A convolution followed by 1×1 layers: at every place a small perceptron looks at the window. Classes are told by global average
pooling, so there is no fully connected layer at all.

    layer         maps        parameters   multiply-adds
    conv1         192×32×32       14,592      14,745,600   5×5 on three colours
    cccp1         160×32×32       30,880      31,457,280   1×1 ("cascaded cross-channel parametric pooling")
    cccp2          96×32×32       15,456      15,728,640   1×1, then max pooling 3/2 and dropout
    conv2         192×16×16      460,992     117,964,800   5×5
    cccp3, cccp4  192×16×16    2·37,056     2·9,437,184    1×1, then max pooling 3/2 and dropout
    conv3         192×8×8        331,968      21,233,664   3×3
    cccp5         192×8×8         37,056       2,359,296   1×1
    cccp6          10×8×8          1,930         122,880   1×1: one map a class
    in all                       966,986     222,486,528

What the paper prints: three mlpconv layers with max pooling behind them that halves the image, dropout on the outputs of all but
the last, global average pooling, softmax (sections 3 and 4). Figure 2 draws it. Behind the third there is no max pooling: its
maps go into the average.

What it leaves open: no number of maps, no size of a window and no count stands in the paper. They are those of the authors' own
configuration (github.com/mavenlin/cuda-convnet, NIN/cifar-10_def): with them the figures above are exact. Two of its details are
easily lost: the pooling has windows of 3 at step 2 that may hang over the edge (32 → 16 → 8, where windows within the map would
give 15 → 7), and a ReLU follows cccp6 too, so that no class's map is ever negative.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, Size, SizeLike, scaled, size
from slidesum.draft.verbs import Draft, Tensor

CONVOLUTION = "b c i+u j+v, o c u v -> b o i j"
PERCEPTRON = "b c i j, o c -> b o i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"
GLOBAL = "mean b c i j -> b c"


def nin(*, width: RatioLike = 1, side: SizeLike = 32, classes: SizeLike = 10, batch: SizeLike = 1) -> Graph:
    """Network in Network for CIFAR-10; `width` multiplies every number of maps but that of the classes.

    >>> net = nin()
    >>> net["conv2"].shape, net["cccp6"].shape, net.output.shape
    ((1, 192, 16, 16), (1, 10, 8, 8), (1, 10))
    """
    net = Draft("nin")

    def convolved(x: Tensor, number: int, window: int) -> Tensor:
        o = scaled(192, width)
        x = net.conv(x, CONVOLUTION, o=o, u=window, v=window, padding="same", bias="o", name=f"conv{number}")
        return net.activation(x, "relu", name=f"relu-conv{number}")

    def mixed(x: Tensor, number: int, maps: Size) -> Tensor:
        x = net.conv(x, PERCEPTRON, o=maps, bias="o", name=f"cccp{number}")
        return net.activation(x, "relu", name=f"relu-cccp{number}")

    def halved(x: Tensor, number: int) -> Tensor:
        x = net.pool(x, POOLING, u=3, v=3, padding="same", name=f"pool{number}")
        return net.dropout(x, 0.5, name=f"dropout{number}")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = mixed(mixed(convolved(x, 1, 5), 1, scaled(160, width)), 2, scaled(96, width))
    x = halved(x, 1)
    x = mixed(mixed(convolved(x, 2, 5), 3, scaled(192, width)), 4, scaled(192, width))
    x = halved(x, 2)
    x = mixed(mixed(convolved(x, 3, 3), 5, scaled(192, width)), 6, size(classes))
    net.pool(x, GLOBAL, name="poolg")
    return net.graph
