"""R3D-18: Tran et al., "A closer look at spatiotemporal convolutions for action recognition" (2018), section 3.2 and Table 1.

ResNet-18 with one more axis: filters slide over time t as well as over rows and columns, and nothing else changes. There is no 3-D
layer in slidesum; the equation has another letter.

    stage    maps           parameters     multiply-adds    what it is
    conv1    64×16×56×56        28,352     1,416,167,424    3×7×7, stride 1×2×2
    conv2    64×16×56×56       442,880    22,196,256,768    two blocks of two 3×3×3
    conv3    128×8×28×28     1,557,760     9,762,242,560    two blocks, the first of stride 2 along all three axes
    conv4    256×4×14×14     6,228,480     4,881,121,280
    conv5    512×2×7×7      24,908,800     2,440,560,640
    fc       400               205,200           204,800
    in all                  33,371,472    40,696,553,472

What the paper prints: 33.4 million parameters for R3D with 18 layers (Table 2), the 400 classes of Kinetics, clips of 16 frames of
112×112. Layers of Table 1: 3×7×7 with stride 1×2×2, then 3×3×3. Batch norms follow convolutions, which have no biases.

Left open: how a shortcut changes the shape. As in ResNet's option B it is a 1×1×1 convolution of stride 2 with a batch norm.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, Size, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

FIRST = "b c t+r-1 2*i+u-3 2*j+v-3, o c r u v -> b o t i j"
WINDOW = {
    1: "b c t+r-1 i+u-1 j+v-1, o c r u v -> b o t i j",
    2: "b c 2*t+r-1 2*i+u-1 2*j+v-1, o c r u v -> b o t i j",
}
POINT = "b c 2*t 2*i 2*j, o c -> b o t i j"
GLOBAL = "mean b c t i j -> b c"


def r3d18(
    *,
    width: RatioLike = 1,
    frames: SizeLike = 16,
    side: SizeLike = 112,
    classes: SizeLike = 400,
    batch: SizeLike = 1,
) -> Graph:
    """R3D with 18 layers, for clips of so many frames; `width` multiplies every number of maps.

    >>> net = r3d18()
    >>> net["conv1"].shape, net["5-2/add"].shape, net.output.shape
    ((1, 64, 16, 56, 56), (1, 512, 2, 7, 7), (1, 400))
    """
    net = Draft("r3d18")

    def convolved(x: Tensor, maps: Size, stride: int, name: str) -> Tensor:
        x = net.conv(x, WINDOW[stride], o=maps, r=3, u=3, v=3, name=name)
        return net.norm(x, name=f"{name}-norm")

    def block(x: Tensor, maps: Size, stride: int, name: str) -> Tensor:
        y = net.activation(convolved(x, maps, stride, f"{name}/conv1"), "relu", name=f"{name}/relu1")
        y = convolved(y, maps, 1, f"{name}/conv2")
        if stride != 1:
            x = net.norm(net.conv(x, POINT, o=maps, name=f"{name}/project"), name=f"{name}/project-norm")
        return net.activation(net.add(y, x, name=f"{name}/add"), "relu", name=f"{name}/relu2")

    x = net.input("b c t i j", b=batch, c=3, t=frames, i=side, j=side)
    x = net.norm(net.conv(x, FIRST, o=scaled(64, width), r=3, u=7, v=7, name="conv1"), name="conv1-norm")
    x = net.activation(x, "relu", name="relu1")
    for stage, maps in enumerate((64, 128, 256, 512), start=2):
        for number in (1, 2):
            stride = 2 if stage > 2 and number == 1 else 1
            x = block(x, scaled(maps, width), stride, f"{stage}-{number}")
    net.linear(net.pool(x, GLOBAL, name="pool"), classes, name="fc")
    return net.graph
