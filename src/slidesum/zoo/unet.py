"""U-Net: Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation" (2015), Figure 1.

Down: two 3×3 convolutions and a max pooling, four times, maps doubled each time. Up: a *transposed* convolution that doubles the
sides and halves the maps, the maps of the way down put beside them, two 3×3 convolutions. At the end a 1×1 to the classes, at every
place.

    level   down: sides, maps                  up: sides, maps
    1       572 → 570 → 568,    64             392 → 390 → 388,  64   → 388×388, 2 classes
    2       284 → 282 → 280,   128             200 → 198 → 196, 128
    3       140 → 138 → 136,   256             104 → 102 → 100, 256
    4        68 →  66 →  64,   512              56 →  54 →  52, 512
    5        32 →  30 →  28, 1024

    31,030,658 parameters, 150,428,424,448 multiply-adds; in the width, 31,023,104·a² + 7,552·a + 2 parameters

What the paper prints: every one of these sides and numbers of maps (Figure 1), "in total the network has 23 convolutional layers"
(18 of 3×3, four transposed, one 1×1), and no counts. Exact: all of it.

Where it can be misread:

- Convolutions have no padding, so an image of 572×572 is segmented in its middle 388×388 alone, and what comes from the way down is
  *cropped*: `b c i+4 j+4 -> b c i j` reads from the fifth cell on. Most code that is called U-Net pads instead, and never crops.
- "Upsampling followed by a 2×2 convolution (up-convolution)" is one transposed convolution of 2×2 and stride 2, here and in the
  authors' network. Upsampled values and a 2×2 window that overlaps them would be another layer, with four times the multiply-adds.
- Sides must be even at every pooling (section 2): 16·s + 12, and at least 188.
- Two dropouts at the end of the way down; the paper gives no rate (the authors' network: one half).
"""

from __future__ import annotations

from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, Size, SizeLike, is_number, scaled, size, surely_less, tidy
from slidesum.draft.verbs import Draft, Tensor
from slidesum.errors import SizeError

CONVOLUTION = "b c i+u j+v, o c u v -> b o i j"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"
TRANSPOSED = "b c i j, c o u v -> b o 2*i+u 2*j+v"
POINT = "b c i j, o c -> b o i j"

LEVELS = 5


def unet(
    *,
    width: RatioLike = 1,
    side: SizeLike = 572,
    colours: SizeLike = 1,
    classes: SizeLike = 2,
    batch: SizeLike = 1,
) -> Graph:
    """U-Net as published; `width` multiplies every number of maps. A symbolic side is written as "16*s + 12".

    >>> net = unet()
    >>> net["down5/relu2"].shape, net["up4/crop"].shape, net.output.shape
    ((1, 1024, 28, 28), (1, 512, 56, 56), (1, 2, 388, 388))

    Raises SizeError for sides that a pooling can't halve.
    """
    if surely_less(size(side), 188):
        raise _unfit(side)
    net = Draft("unet")

    def twice(x: Tensor, maps: Size, name: str) -> Tensor:
        for number in (1, 2):
            x = net.conv(x, CONVOLUTION, o=maps, u=3, v=3, bias="o", name=f"{name}/conv{number}")
            x = net.activation(x, "relu", name=f"{name}/relu{number}")
        return x

    def cropped(x: Tensor, like: Tensor, name: str) -> Tensor:
        """The middle of x, as large as the other."""
        edges = tidy(x.shape[2] - like.shape[2])
        if not is_number(edges) or edges % 2:  # a pooling left a row unread
            raise _unfit(side)
        before = edges // 2
        return net.pool(x, f"b c i+{before} j+{before} -> b c i j", i=like.shape[2], j=like.shape[3], name=name)

    x = net.input("b c i j", b=batch, c=colours, i=side, j=side)
    skips = []
    for level in range(1, LEVELS + 1):
        x = twice(x, scaled(64 * 2 ** (level - 1), width), f"down{level}")
        if level >= LEVELS - 1:
            x = net.dropout(x, 0.5, name=f"down{level}/dropout")
        if level < LEVELS:
            skips.append(x)
            x = net.pool(x, POOLING, u=2, v=2, name=f"down{level}/pool")
    for level, skip in zip(range(LEVELS - 1, 0, -1), reversed(skips), strict=True):
        maps = scaled(64 * 2 ** (level - 1), width)
        x = net.conv(x, TRANSPOSED, o=maps, u=2, v=2, bias="o", name=f"up{level}/transposed")
        x = net.concat([cropped(skip, x, f"up{level}/crop"), x], name=f"up{level}/concat")
        x = twice(x, maps, f"up{level}")
    net.conv(x, POINT, o=classes, bias="o", name="classes")
    return net.graph


def _unfit(side: SizeLike) -> SizeError:
    return SizeError(
        f"a U-Net can't halve an image of {side} four times",
        usual="Its sides are even at every pooling when the image has 16·s + 12, and at least 188.",
        advice='Write side=572, or side="16*s + 12".',
    )
