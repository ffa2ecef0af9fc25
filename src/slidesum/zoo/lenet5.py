"""LeNet-5: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition" (1998), section II.B.

What the paper prints, and what comes out here:

    layer    maps       parameters   connections   what it is
    C1       6×28×28           156       122,304   5×5, every filter spans the input
    S2       6×14×14            12         5,880   sum of 2×2 values · coefficient + bias, one pair a map
    C3       16×10×10        1,516       151,600   5×5, of 96 pairs of maps 60 are connected (Table I)
    S4       16×5×5             32         2,000   as S2
    C5       120×1×1        48,120        48,120   5×5 on 5×5 maps: a convolution with one position
    F6       84             10,164        10,164   fully connected
    OUTPUT   10                  0           840   squared distance to ten fixed bitmaps
    in all                  60,000       340,908

Exact: every number of that table, and that all the printed ones add up. Where the print can be misread:

- A *connection* is a value that flows into a unit, the bias included: C1 has 28·28·6·(25 + 1) connections, and 28·28·6·25
  multiply-adds. The 340,908 contain the 840 of the output, which the text doesn't print apart and whose "parameters" are fixed, so
  that they aren't among the 60,000. Of S2 and S4 the four values and the bias are connections; the one coefficient that multiplies
  their sum is a parameter and no connection.
- Our multiply-adds of S2 and S4 multiply each of the four values by the coefficient, as the equation says. Adding first would ask
  for a quarter of them; the number that comes out is the same.
- "The result is passed through a sigmoidal function" (S2) doesn't mean the logistic sigmoid: every layer up to F6 is squashed by
  the one function of equation 6, f(a) = A·tanh(S·a), with A = 1.7159 and S = 2/3 (Appendix A). f(1) = 1 and f(-1) = -1: hence
  bitmaps of ±1.
- The pooling is no mean and no maximum: subsampling here *learns* a coefficient and a bias a map. Most code that is called LeNet-5
  has neither this, nor the table of C3, nor the output units; with a full C3 and a linear output it comes to 61,706 parameters.
- Figure 2 says "Gaussian connections" at the output. No Gaussian is computed: equation 7 is a squared distance, a *penalty*; the
  smallest one wins.
- The pictures of Figure 3 were never published as numbers: see `bitmaps`.
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sized import Connections
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.zoo.bitmaps import BITMAPS

CONVOLUTION = "b c i+u j+v, o c u v -> b o i j"
SUBSAMPLING = "b c 2*i+u 2*j+v, c -> b c i j"

TABLE_I: tuple[tuple[int, ...], ...] = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)
"""Table I: which maps of S2 each of the sixteen maps of C3 reads."""


def lenet5() -> Graph:
    """LeNet-5 as published, for one image of 32×32.

    >>> net = lenet5()
    >>> net["C3"].shape, net.output.shape
    ((1, 16, 10, 10), (1, 10))
    """
    wired = Connections(("o", "c"), tuple((o, c) for o, maps in enumerate(TABLE_I) for c in maps))
    net = Draft("lenet5")

    def squashed(x: Tensor) -> Tensor:
        return net.activation(x, "scaled_tanh", name=f"{x.layer}-squash")

    x = net.input("b c i j", b=1, c=1, i=32, j=32)
    x = squashed(net.conv(x, CONVOLUTION, o=6, u=5, v=5, bias="o", name="C1"))
    x = squashed(net.conv(x, SUBSAMPLING, u=2, v=2, bias="c", name="S2"))
    x = squashed(net.conv(x, CONVOLUTION, o=16, u=5, v=5, bias="o", connections=wired, name="C3"))
    x = squashed(net.conv(x, SUBSAMPLING, u=2, v=2, bias="c", name="S4"))
    x = squashed(net.conv(x, CONVOLUTION, o=120, u=5, v=5, bias="o", name="C5"))
    x = squashed(net.linear(x, 84, name="F6"))
    net.distance(x, BITMAPS, name="OUTPUT")
    return net.graph
