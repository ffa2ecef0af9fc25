"""AlexNet: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks" (2012), section 3.

What comes out here, for one image of 227×227, with the paper's two groups:

    layer    maps        parameters   multiply-adds   what it is
    conv1    96×55×55        34,944     105,415,200   11×11, stride 4; then ReLU, response normalisation, max pooling 3/2
    conv2    256×27×27      307,456     223,948,800   5×5, two groups; then as conv1
    conv3    384×13×13      885,120     149,520,384   3×3, the one convolution that sees the maps of both groups
    conv4    384×13×13      663,936     112,140,288   3×3, two groups
    conv5    256×13×13      442,624      74,760,192   3×3, two groups; then max pooling 3/2
    fc6      4096        37,752,832      37,748,736   on 256×6×6; dropout
    fc7      4096        16,781,312      16,777,216   dropout
    fc8      1000         4,097,000       4,096,000
    in all               60,965,224     724,406,816   659,272 neurons

One tower without groups (`groups=1`) has 62,378,344 parameters and 1,135,256,096 multiply-adds.

What the paper prints:

- "60 million parameters and 650,000 neurons" (abstract). Both agree with the table: 60,965,224 and 659,272.
- Kernels of 5×5×48, 3×3×256, 3×3×192 and 3×3×192 (section 3.5): 48 and 192 are half of 96 and 384, one group's.
- Response normalisation with k = 2, n = 5, α = 10⁻⁴, β = 0.75 (section 3.3), after the ReLU of conv1 and conv2.
- Overlapping pooling: windows of 3, step 2 (section 3.4).

Where the print errs, or leaves something open:

- Images are "224×224" (section 3.5, Figure 2). 11×11 windows at stride 4 don't fit that without a remainder: (224 - 11)/4 = 53.25.
  The 55×55 maps of the layers that follow ask for 227×227. (Padding 224 by two cells gives the same counts.)
- Figure 2 says that conv1 has 253,440 neurons. 96·55·55 is 290,400; 253,440 is 96·2,640, and 2,640 is no square. The figure's other
  numbers (186,624, 64,896, 64,896, 43,264, 4096, 4096, 1000) are those of the table. With 253,440 they add up to 622,312, with
  290,400 to 659,272, which the abstract rounds to 650,000.
- The paper normalises over "adjacent kernel maps". Whether that reaches from one group into the other isn't said; here it does.
- torchvision's `alexnet` is another network (Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks"):
  64, 192, 384, 256 and 256 maps, no normalisation, 61,100,840 parameters and 714,188,480 multiply-adds.
- What is a kernel "on the other GPU" is a group here: the paper's two GPUs are one equation, `(g o) c u v` with g = 2.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

FIRST = "b c 4*i+u 4*j+v, o c u v -> b o i j"
CONVOLUTION = "b c i+u j+v, o c u v -> b o i j"
GROUPED = "b (g c) i+u j+v, (g o) c u v -> b (g o) i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"


def alexnet(groups: int = 2, *, width: RatioLike = 1, side: SizeLike = 227, classes: SizeLike = 1000, batch: SizeLike = 1) -> Graph:
    """AlexNet as published, or ungrouped (`groups=1`); `width` multiplies the maps and the units of fc6 and fc7.

    >>> net = alexnet()
    >>> net["conv1"].shape, net["pool5"].shape, net.output.shape
    ((1, 96, 55, 55), (1, 256, 6, 6), (1, 1000))
    """
    net = Draft({1: "alexnet-one-tower", 2: "alexnet"}.get(groups, f"alexnet-{groups}-groups"))

    def convolved(x: Tensor, number: int, maps: int, window: int, groups: int) -> Tensor:
        each = scaled(scaled(maps, width), f"1/{groups}")
        if groups == 1:
            x = net.conv(x, CONVOLUTION, o=each, u=window, v=window, padding="same", bias="o", name=f"conv{number}")
        else:
            x = net.conv(x, GROUPED, g=groups, o=each, u=window, v=window, padding="same", bias="(g o)", name=f"conv{number}")
        return net.activation(x, "relu", name=f"relu{number}")

    def pooled(x: Tensor, number: int) -> Tensor:
        return net.pool(x, POOLING, u=3, v=3, name=f"pool{number}")

    def normalised(x: Tensor, number: int) -> Tensor:
        return net.norm(x, "lrn", size=5, alpha=1e-4, beta=0.75, k=2.0, name=f"norm{number}")

    def dense(x: Tensor, number: int) -> Tensor:
        x = net.activation(net.linear(x, scaled(4096, width), name=f"fc{number}"), "relu", name=f"relu{number}")
        return net.dropout(x, 0.5, name=f"dropout{number}")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = net.activation(net.conv(x, FIRST, o=scaled(96, width), u=11, v=11, bias="o", name="conv1"), "relu", name="relu1")
    x = pooled(normalised(x, 1), 1)
    x = pooled(normalised(convolved(x, 2, 256, 5, groups), 2), 2)
    x = convolved(x, 3, 384, 3, 1)
    x = convolved(x, 4, 384, 3, groups)
    x = pooled(convolved(x, 5, 256, 3, groups), 5)
    x = dense(dense(x, 6), 7)
    net.linear(x, classes, name="fc8")
    return net.graph
