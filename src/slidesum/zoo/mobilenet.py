"""MobileNet v1: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications" (2017).

Every layer but the first is a depthwise 3×3 (a flat filter for each map) and a 1×1 that mixes the maps. Two numbers shrink the
network: the width α multiplies the maps, the resolution ρ the sides of the image. Both may be symbols, and then every count is a
formula:

    layer     maps       size          weights             multiply-adds
    conv1     32·α       112·ρ         864·α               10,838,016·α·ρ²         linear in α: the image keeps its colours
    dw2       32·α       112·ρ         288·α               3,612,672·α·ρ²          linear
    pw2       64·α       112·ρ         2,048·α²            25,690,112·α²·ρ²        quadratic
    …
    fc        1000       1             1,024,000·α         1,024,000·α             and 1000 biases
    in all                             3,139,584·α² + 1,069,504·α                  10,944·α maps have a scale and a shift each
                                       539,492,352·α²·ρ² + 28,224,000·α·ρ² + 1,024,000·α multiply-adds

With α = ρ = 1: 4,209,088 weights of layers, 4,231,976 parameters with the fc's biases and the batch norms, 568,740,352
multiply-adds (printed: 4.2 million, 569 million). The full convolutions of Table 4 have 29,281,120 and 4,867,293,184, the shallow
network of Table 5 has 2,875,328 and 307,323,392.

Where the print errs, or is loose:

- Table 2 gives 3×3 convolutions 1.19% of the multiply-adds. The first layer has 10,838,016 of 568,740,352: 1.91%. With 1.91 the
  column adds up to 100.01%, with 1.19 to 99.29%: two digits changed places.
- Table 1 gives the last depthwise layer stride 2, from 7×7 to 7×7. With stride 1 that is what comes out.
- ρ = 0.714 in Table 3 is 5/7: 224·5/7 = 160, and 14 → 10. Take 0.714 as it is, and no image has that size: 224·0.714 = 159.936.
- Millions are rounded either way: 4867.3 is printed as 4866, 290.7 as 290, 149.5 as 149, 76.5 as 76.
- Table 8 counts VGG-16's multiply-adds without, and its parameters with, the fully connected layers; see `vgg`. GoogLeNet's 1550
  and 6.8 are less than its own table asks for (1583 and 7.0); see `googlenet`.

Exact where sizes are whole: ρ in sevenths (32-pixel steps), α in 32nds.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

CONVOLUTION = {1: "b c i+u j+v, o c u v -> b o i j", 2: "b c 2*i+u 2*j+v, o c u v -> b o i j"}
DEPTHWISE = {1: "b c i+u j+v, c u v -> b c i j", 2: "b c 2*i+u 2*j+v, c u v -> b c i j"}
POINTWISE = "b c i j, o c -> b o i j"
GLOBAL = "mean b c i j -> b c"

BLOCKS: tuple[tuple[int, int], ...] = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Table 1: maps that come out of a block, and its stride."""

SHALLOW = BLOCKS[:6] + BLOCKS[11:]
"""Table 5: without the five blocks on 14×14×512."""


def mobilenet(
    *,
    width: RatioLike = 1,
    side: SizeLike = 224,
    classes: SizeLike = 1000,
    batch: SizeLike = 1,
    separable: bool = True,
    shallow: bool = False,
) -> Graph:
    """MobileNet v1, its maps multiplied by `width`, on images of `side`; `separable=False` has full convolutions instead (Table 4).

    >>> net = mobilenet(width="alpha", side="224*rho")
    >>> net["pw2"].shape, net.output.shape
    ((1, 64*alpha, 112*rho, 112*rho), (1, 1000))
    >>> mobilenet(width="3/4", side=160)["pw14"].shape
    (1, 768, 5, 5)
    """
    net = Draft("mobilenet" + "-full" * (not separable) + "-shallow" * shallow)

    def finished(x: Tensor) -> Tensor:
        name = x.layer
        return net.activation(net.norm(x, name=f"{name}-norm"), "relu", name=f"{name}-relu")

    def convolved(x: Tensor, maps: int, stride: int, name: str) -> Tensor:
        o = scaled(maps, width)
        return finished(net.conv(x, CONVOLUTION[stride], o=o, u=3, v=3, padding="same", name=name))

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = convolved(x, 32, 2, "conv1")
    for number, (maps, stride) in enumerate(SHALLOW if shallow else BLOCKS, start=2):
        if separable:
            x = finished(net.conv(x, DEPTHWISE[stride], u=3, v=3, padding="same", name=f"dw{number}"))
            x = finished(net.conv(x, POINTWISE, o=scaled(maps, width), name=f"pw{number}"))
        else:
            x = convolved(x, maps, stride, f"conv{number}")
    net.linear(net.pool(x, GLOBAL, name="pool"), classes, name="fc")
    return net.graph
