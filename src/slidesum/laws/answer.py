"""Which value of a classifier's result names its answer: the largest score, or the smallest distance.

LeNet-5 ends with squared distances to fixed centres, which are penalties (LeCun et al. 1998, section II.B): the smallest one wins.
"""

from __future__ import annotations

from slidesum.core.network import Node
from slidesum.core.ops import Distance


def smallest_wins(output: Node) -> bool:
    """Whether the smallest value of this layer is the answer, and not the largest.

    >>> from slidesum.zoo.lenet5 import lenet5
    >>> from slidesum.zoo.vgg import vgg
    >>> smallest_wins(lenet5().output), smallest_wins(vgg(16).output)
    (True, False)
    """
    return isinstance(output.op, Distance)
