"""VGG-11, 13, 16, 19: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014), Table 1.

Stacks of 3×3 convolutions, maps doubled where max pooling halves the image, and three fully connected layers:

    configuration   layers   parameters    printed (Table 2)   multiply-adds     convolutions alone
    A               11       132,863,336   133 million          7,609,090,048     7,485,456,384
    B               13       133,047,848   133 million         11,308,466,176    11,184,832,512
    D               16       138,357,544   138 million         15,470,264,320    15,346,630,656
    E               19       143,667,240   144 million         19,632,062,464    19,508,428,800

The printed parameters are the exact ones, rounded. The paper prints no multiply-adds; others do, and count differently in one
breath: He et al. 2015 give "15.3/19.6 billion FLOPs" for VGG-16/19, where 15.3 is the convolutions of the one and 19.6 all layers
of the other (in all it is 15.5 and 19.6). Howard et al. 2017 print 15300 million multiply-adds and 138 million parameters, the ones
without and the others with the fully connected layers.

Two 3×3 layers see 5×5 cells, three see 7×7 (section 2.3): so says the column "reach".

Left open by the print: whether a bias belongs to each layer (it does, in the released weights and in Table 2's sums).
Configurations C, with 1×1 layers, and A-LRN are not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor
from slidesum.errors import UsageError

CONVOLUTION = "b c i+u-1 j+v-1, o c u v -> b o i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"

MAPS = (64, 128, 256, 512, 512)
STACKS: Mapping[int, tuple[int, ...]] = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Table 1: how many convolutions stand before each pooling, by the number of layers with weights."""


def vgg(layers: int, *, width: RatioLike = 1, side: SizeLike = 224, classes: SizeLike = 1000, batch: SizeLike = 1) -> Graph:
    """VGG with 11, 13, 16 or 19 layers; `width` multiplies the maps and the units of the hidden fully connected layers.

    >>> net = vgg(16)
    >>> net["conv5-3"].shape, net["pool5"].shape, net.output.shape
    ((1, 512, 14, 14), (1, 512, 7, 7), (1, 1000))

    Raises UsageError for another number of layers.
    """
    if layers not in STACKS:
        raise UsageError(
            f"there is no VGG with {layers} layers", usual=f"There are {', '.join(map(str, STACKS))}.", advice="Write vgg(16)."
        )
    net = Draft(f"vgg{layers}")

    def dense(x: Tensor, number: int) -> Tensor:
        x = net.activation(net.linear(x, scaled(4096, width), name=f"fc{number}"), "relu", name=f"relu{number}")
        return net.dropout(x, 0.5, name=f"dropout{number}")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    for stack, (convolutions, maps) in enumerate(zip(STACKS[layers], MAPS, strict=True), start=1):
        for number in range(1, convolutions + 1):
            x = net.conv(x, CONVOLUTION, o=scaled(maps, width), u=3, v=3, bias="o", name=f"conv{stack}-{number}")
            x = net.activation(x, "relu", name=f"relu{stack}-{number}")
        x = net.pool(x, POOLING, u=2, v=2, name=f"pool{stack}")
    x = dense(dense(x, 6), 7)
    net.linear(x, classes, name="fc8")
    return net.graph
