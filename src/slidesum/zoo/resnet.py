"""ResNet-18, 34, 50, 101, 152: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015), Table 1.

A block computes what is to be added to its input. Where the shape changes, a 1×1 convolution brings the input along (option B).

                       parameters   multiply-adds                                   printed
                                    stride in the 3×3        stride in the 1×1      (Table 1)
    ResNet-18          11,689,512    1,814,073,344            (no 1×1 in a block)     1.8·10⁹
    ResNet-34          21,797,672    3,663,761,408                                    3.6·10⁹
    ResNet-50          25,557,032    4,089,184,256           3,857,973,248            3.8·10⁹
    ResNet-101         44,549,160    7,801,405,440           7,570,194,432            7.6·10⁹
    ResNet-152         60,192,808   11,513,626,624          11,282,415,616           11.3·10⁹

What the paper prints are "FLOPs (multiply-adds)". A bottleneck block reduces maps by a 1×1, looks around by a 3×3, and expands by a
1×1. In the paper the *first* 1×1 of a stage has the stride (`style="paper"`), and the printed numbers are those: 3.86·10⁹ became
3.8. What is called ResNet-50 today has the stride in the 3×3 (`style="3x3"`, the default here and in torchvision): the weights are
the same, the 1×1 no longer throws away three quarters of what it is given, and there are 6% more multiply-adds. But it sees less:
three of its 3×3 windows stand before a stride and not behind it, so one output of ResNet-50 reads 427×427 cells, and 483×483 in the
paper's style. A third style has the stride in the 3×3 of a stage's *last* block (`style="last"`, TF-Slim): 483 again, and the
receptive fields printed by Araujo, Norris and Sim (Distill, 2019) for resnet_v1 are of this one.

What the print leaves open or gets wrong:

- Table 1 has no row for the shortcuts, and no parameters at all. Of the three options of section 3.3, ResNet-18 and 34 of Table 2
  have A (zeros in place of new maps, no parameters), the others of Tables 3 to 5 B. Here all have B.
- 3.6·10⁹ for ResNet-34 is with A: the three projections add 19 million, which makes 3.66.
- 3.86 is printed as 3.8; the other numbers are rounded.
- Convolutions have no biases; each is followed by a batch norm, whose scale and shift are counted. Its statistics are not.
- "3×3 max pool, stride 2" on 112×112 must have padding to give 56×56: one cell before, or, in style "last", one after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, Size, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor
from slidesum.errors import UsageError

FIRST = "b c 2*i+u-3 2*j+v-3, o c u v -> b o i j"
WINDOW = {1: "b c i+u-1 j+v-1, o c u v -> b o i j", 2: "b c 2*i+u-1 2*j+v-1, o c u v -> b o i j"}
POINT = {1: "b c i j, o c -> b o i j", 2: "b c 2*i 2*j, o c -> b o i j"}
SUBSAMPLING = "b c 2*i 2*j -> b c i j"
POOLING = "max b c 2*i+u-1 2*j+v-1 -> b c i j"
POOLING_AFTER = "max b c 2*i+u 2*j+v -> b c i j"
GLOBAL = "mean b c i j -> b c"

Style = Literal["3x3", "paper", "last"]
MAPS = (64, 128, 256, 512)
BLOCKS: Mapping[int, tuple[int, int, int, int]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
"""Table 1: the blocks of each stage. 200 layers are those of He et al. 2016 ("Identity mappings …"), here with blocks of 2015."""


def resnet(
    layers: int,
    *,
    style: Style = "3x3",
    width: RatioLike = 1,
    side: SizeLike = 224,
    classes: SizeLike = 1000,
    batch: SizeLike = 1,
) -> Graph:
    """ResNet with 18, 34, 50, 101, 152 or 200 layers; blocks are bottlenecks from 50 on. `width` multiplies every number of maps.

    >>> net = resnet(50)
    >>> net["2-3/add"].shape, net["5-3/add"].shape, net.output.shape
    ((1, 256, 56, 56), (1, 2048, 7, 7), (1, 1000))

    Raises UsageError for another number of layers or another style.
    """
    if layers not in BLOCKS or style not in get_args(Style):
        raise UsageError(
            f"there is no ResNet of {layers} layers in style {style!r}",
            usual=f"There are {', '.join(map(str, BLOCKS))} layers, and the styles {', '.join(get_args(Style))}.",
            advice="Write resnet(50).",
        )
    net = Draft(f"resnet{layers}")
    block = _bottleneck if layers >= 50 else _basic

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = net.norm(net.conv(x, FIRST, o=scaled(64, width), u=7, v=7, name="conv1"), name="norm1")
    x = net.activation(x, "relu", name="relu1")
    if style == "last":
        x = net.pool(x, POOLING_AFTER, u=3, v=3, padding="same", name="pool1")
    else:
        x = net.pool(x, POOLING, u=3, v=3, name="pool1")
    for stage, (blocks, maps) in enumerate(zip(BLOCKS[layers], MAPS, strict=True), start=2):
        halving = {"last": blocks if stage < 5 else 0}.get(style, 1 if stage > 2 else 0)
        for number in range(1, blocks + 1):
            x = block(net, x, f"{stage}-{number}", scaled(maps, width), 2 if number == halving else 1, style)
    net.linear(net.pool(x, GLOBAL, name="pool5"), classes, name="fc")
    return net.graph


def _bottleneck(net: Draft, x: Tensor, name: str, maps: Size, stride: int, style: Style) -> Tensor:
    first, second = (stride, 1) if style == "paper" else (1, stride)
    y = net.norm(net.conv(x, POINT[first], o=maps, name=f"{name}/conv1"), name=f"{name}/norm1")
    y = net.activation(y, "relu", name=f"{name}/relu1")
    y = net.norm(net.conv(y, WINDOW[second], o=maps, u=3, v=3, name=f"{name}/conv2"), name=f"{name}/norm2")
    y = net.activation(y, "relu", name=f"{name}/relu2")
    y = net.norm(net.conv(y, POINT[1], o=scaled(maps, 4), name=f"{name}/conv3"), name=f"{name}/norm3")
    return _added(net, x, y, name, stride)


def _basic(net: Draft, x: Tensor, name: str, maps: Size, stride: int, style: Style) -> Tensor:
    y = net.norm(net.conv(x, WINDOW[stride], o=maps, u=3, v=3, name=f"{name}/conv1"), name=f"{name}/norm1")
    y = net.activation(y, "relu", name=f"{name}/relu1")
    y = net.norm(net.conv(y, WINDOW[1], o=maps, u=3, v=3, name=f"{name}/conv2"), name=f"{name}/norm2")
    return _added(net, x, y, name, stride)


def _added(net: Draft, x: Tensor, y: Tensor, name: str, stride: int) -> Tensor:
    """The block's input added, brought to the shape of y where it has another."""
    if x.shape[1] != y.shape[1]:
        x = net.norm(net.conv(x, POINT[stride], o=y.shape[1], name=f"{name}/project"), name=f"{name}/project-norm")
    elif stride != 1:
        x = net.pool(x, SUBSAMPLING, name=f"{name}/subsample")
    return net.activation(net.add(y, x, name=f"{name}/add"), "relu", name=f"{name}/relu")
