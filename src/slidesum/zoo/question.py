"""The network of the question "how do subsequent convolution layers work?": two convolutions, told apart by one equation.

    input -> 3×3, k1 filters -> ReLU -> 5×5, k2 filters -> ReLU -> max pooling 2/2 -> linear

What "k2 filters on k1 maps" means is said by the equation of the layer, and by nothing else:

    1     b c i+u j+v, o u v -> b (c o) i j     every filter on every map separately: k1·k2 maps
    2.1   b c i+u j+v, o u v -> b o i j         one flat filter over the sum of all maps: k2 maps
    2.2   b c i+u j+v, o c u v -> b o i j       a filter spans all maps (what everybody uses): k2 maps

Both convolutions have the equation of the type, padding "same" and one bias a filter. On one colour their weights are 9·k1 + 25·k2
for types 1 and 2.1 and 9·k1 + 25·k1·k2 for type 2.2, their biases k1 + k2. On several colours type 1 has k1·colours maps after
the first layer.
"""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.core.network import Graph
from slidesum.core.sizes import SizeLike
from slidesum.draft.verbs import Draft
from slidesum.errors import UsageError

TYPES: Mapping[str, str] = {
    "1": "b c i+u j+v, o u v -> b (c o) i j",
    "2.1": "b c i+u j+v, o u v -> b o i j",
    "2.2": "b c i+u j+v, o c u v -> b o i j",
}


def question(
    kind: str,
    *,
    k1: SizeLike = "k1",
    k2: SizeLike = "k2",
    n: SizeLike = "n",
    m: SizeLike = "m",
    classes: SizeLike = 10,
    colours: SizeLike = 1,
) -> Graph:
    """The network of the question in type "1", "2.1" or "2.2", for images of n rows and m columns.

    Sizes are integers or symbols.

        >>> [question(kind)["conv2"].shape for kind in TYPES]
        [(1, k1*k2, n, m), (1, k2, n, m), (1, k2, n, m)]
        >>> question("2.2", k1=8, k2=16, n=8, m=8).output.shape
        (1, 10)

    Raises UsageError for an unknown type, SizeError for a size that is none.
    """
    if kind not in TYPES:
        raise UsageError(
            f"there is no type {kind!r}",
            usual=f"The types are {', '.join(TYPES)}.",
            advice='Write question("2.2") for the layer that everybody uses.',
        )
    equation = TYPES[kind]
    net = Draft(f"type-{kind}")
    x = net.input("b c i j", b=1, c=colours, i=n, j=m)
    x = net.conv(x, equation, o=k1, u=3, v=3, padding="same", bias="o", name="conv1")
    x = net.activation(x, "relu", name="relu1")
    x = net.conv(x, equation, o=k2, u=5, v=5, padding="same", bias="o", name="conv2")
    x = net.activation(x, "relu", name="relu2")
    x = net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=2, v=2, name="pool")
    net.linear(x, classes, name="linear")
    return net.graph
