"""GoogLeNet: Szegedy et al., "Going deeper with convolutions" (2014), Table 1 and Figure 3.

An inception module looks at the same maps four ways (1×1; 3×3; 5×5; max pooling) and lays the results side by side. Before the
windows, 1×1 layers reduce the maps: that is what keeps it cheap.

    row of Table 1    maps        printed          weights     multiply-adds    weights/1024
    convolution       64×112×112  2.7K     34M        9,408    118,013,952         9.2K  (!)
    convolution       192×56×56   112K    360M      114,688    359,661,568         112K  (64 maps reduced, then 3×3)
    inception 3a      256×28×28   159K    128M      163,328    128,049,152         159K
    inception 3b      480×28×28   380K    304M      388,096    304,267,264         379K
    inception 4a      512×14×14   364K     73M      375,552     73,608,192         367K
    inception 4b      512×14×14   437K     88M      448,512     87,908,352         438K
    inception 4c      512×14×14   463K    100M      509,440     99,850,240         497K  (!)
    inception 4d      528×14×14   580K    119M      604,672    118,515,712         590K
    inception 4e      832×14×14   840K    170M      867,328    169,996,288         847K
    inception 5a      832×7×7    1072K     54M    1,042,432     51,079,168        1018K  (!)
    inception 5b      1024×7×7   1388K     71M    1,442,816     70,697,984        1409K
    linear            1000       1000K      1M    1,024,000      1,024,000        1000K
    in all                                        6,990,272  1,582,671,872   and 8,280 biases: 6,998,552 parameters

What the paper prints and what is exact: the numbers of maps of Table 1 are right, and every "ops" but two is our number of
multiply-adds, rounded (73.6 and 87.9 are 73 and 88: both ways of rounding occur). "K" is 1024, and biases aren't counted.

Where the print errs:

- The first convolution can't have 2.7K weights: 7·7·3·64 = 9,408, and 118 million multiply-adds, not 34. A *separable* layer, 7×7
  with eight filters a colour and then 1×1 to 64 maps, has 2,712 and 34,019,328. So they had one, it seems; the text never says so,
  and the released networks have the plain layer.
- 5a has 51 million multiply-adds, not 54, and 1018K weights, not 1072K. 4c has 497K, not 463K. Most of the other weights are
  printed a few per cent too small; 3b is the only one besides 5a that is too large.
- The row "convolution 3×3/1, depth 2" is two layers, 1×1 to 64 maps and 3×3 to 192. Both are in its numbers.
- "A computational budget of 1.5 billion multiply-adds" (section 1): it is 1.58, or 1.50 with the separable first layer.
- "Any uniform increase in the number of their filters results in a quadratic increase of computation" (section 3) is said of two
  *chained* layers, and only of those it holds: the first layer and the classifier grow linearly. `googlenet(width="a")` says it
  exactly: 5,956,864·a² + 1,040,688·a + 1000 parameters, 1,463,633,920·a² + 119,037,952·a multiply-adds.

torchvision's `googlenet` has batch norms, and 3×3 where Table 1 has 5×5. Left open: the constants of the response normalisation
are those of the released network (BVLC, bvlc_googlenet), whose α is a mean's.

Two auxiliary heads (section 5) sit on 4a and 4d: average pooling 5×5/3, a 1×1 to 128 maps, 1024 units, 70% dropout, 1000 classes.
They serve training alone and are thrown away, so they aren't in the table; `googlenet(auxiliary=True)` has them, 3,188,840 and
3,190,888 parameters. They are further outputs of the network; the paper adds their losses with a weight of 0.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, SizeLike, scaled
from slidesum.draft.verbs import Draft, Tensor

FIRST = "b c 2*i+u-3 2*j+v-3, o c u v -> b o i j"
POINT = "b c i j, o c -> b o i j"
WINDOW = "b c i+u j+v, o c u v -> b o i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"
POOLING_IN_PLACE = "max b c i+u-1 j+v-1 -> b c i j"
HEAD_POOLING = "mean b c 3*i+u 3*j+v -> b c i j"
GLOBAL = "mean b c i j -> b c"

MODULES: Mapping[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Table 1: maps of #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj."""

HEADS: Mapping[str, str] = {"4a": "aux1", "4d": "aux2"}


def googlenet(
    *,
    auxiliary: bool = False,
    width: RatioLike = 1,
    side: SizeLike = 224,
    classes: SizeLike = 1000,
    batch: SizeLike = 1,
) -> Graph:
    """GoogLeNet, with or without its auxiliary heads; `width` multiplies every number of maps, and the units of the heads.

    >>> net = googlenet()
    >>> net["3a/concat"].shape, net["5b/concat"].shape, net.output.shape
    ((1, 256, 28, 28), (1, 1024, 7, 7), (1, 1000))
    >>> [node.name for node in googlenet(auxiliary=True).outputs]
    ['linear', 'aux1/fc2', 'aux2/fc2']
    """
    net = Draft("googlenet-auxiliary" if auxiliary else "googlenet")

    def point(x: Tensor, maps: int, name: str) -> Tensor:
        return net.activation(net.conv(x, POINT, o=scaled(maps, width), bias="o", name=name), "relu", name=f"{name}-relu")

    def window(x: Tensor, maps: int, cells: int, name: str) -> Tensor:
        x = net.conv(x, WINDOW, o=scaled(maps, width), u=cells, v=cells, padding="same", bias="o", name=name)
        return net.activation(x, "relu", name=f"{name}-relu")

    def inception(x: Tensor, name: str) -> Tensor:
        one, reduce_3, three, reduce_5, five, project = MODULES[name]
        branches = (
            point(x, one, f"{name}/1x1"),
            window(point(x, reduce_3, f"{name}/3x3-reduce"), three, 3, f"{name}/3x3"),
            window(point(x, reduce_5, f"{name}/5x5-reduce"), five, 5, f"{name}/5x5"),
            point(net.pool(x, POOLING_IN_PLACE, u=3, v=3, name=f"{name}/pool"), project, f"{name}/project"),
        )
        return net.concat(branches, name=f"{name}/concat")

    def head(x: Tensor, name: str) -> Tensor:
        x = point(net.pool(x, HEAD_POOLING, u=5, v=5, name=f"{name}/pool"), 128, f"{name}/1x1")
        x = net.activation(net.linear(x, scaled(1024, width), name=f"{name}/fc1"), "relu", name=f"{name}/fc1-relu")
        return net.linear(net.dropout(x, 0.7, name=f"{name}/dropout"), classes, name=f"{name}/fc2")

    def normalised(x: Tensor, number: int) -> Tensor:
        return net.norm(x, "lrn", size=5, alpha=1e-4 / 5, beta=0.75, k=1.0, name=f"norm{number}")

    def halved(x: Tensor, number: int) -> Tensor:
        return net.pool(x, POOLING, u=3, v=3, padding="same", name=f"pool{number}")

    x = net.input("b c i j", b=batch, c=3, i=side, j=side)
    x = net.conv(x, FIRST, o=scaled(64, width), u=7, v=7, bias="o", name="conv1")
    x = normalised(halved(net.activation(x, "relu", name="conv1-relu"), 1), 1)
    x = window(point(x, 64, "conv2-reduce"), 192, 3, "conv2")
    x = halved(normalised(x, 2), 2)
    heads = []
    for name in MODULES:
        x = inception(x, name)
        if auxiliary and name in HEADS:
            heads.append(head(x, HEADS[name]))
        if name in ("3b", "4e"):
            x = halved(x, int(name[0]))
    x = net.dropout(net.pool(x, GLOBAL, name="pool5"), 0.4, name="dropout")
    x = net.linear(x, classes, name="linear")
    if heads:
        net.output(x, *heads)
    return net.graph
