"""`ss.conv`, `ss.pool`, `ss.equation`: an equation, arrays in, array out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slidesum.api.equation import Equation
from slidesum.core import equation as core
from slidesum.core.equation import Reduce
from slidesum.core.sized import Border, Padding
from slidesum.core.sizes import SizeLike
from slidesum.draft.verbs import with_bias, with_reduction
from slidesum.notation.parse import equation_of
from slidesum.run.execute import evaluate

Array = Any


def equation(text: str) -> Equation:
    """The equation that `text` writes, in either spelling.

    >>> print(equation("y[b,o,i] = x[b,c,i+u] * w[o,c,u]"))
    b c i+u, o c u -> b o i
    """
    return Equation.read(text)


def conv(
    pattern: str | Equation | core.Equation,
    /,
    *arrays: Array,
    bias: Array | None = None,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    **sizes: SizeLike,
) -> Array:
    """The sum of products that the pattern writes, on NumPy arrays or torch tensors.

    The arrays, x and w (and more), have the axes that the pattern names; the result is an array of the same library. `padding` and
    `border` say where windows start and what stands beyond the edge; `extent` gives a transposed result a few cells more; `sizes`
    are extents that no shape tells, and strides and dilations that are written as names. Raises RankError, SizeError, ArrayError,
    NotationError or MeaningError, all of them SlidesumError.

    Every filter spans all maps (type 2.2):

    >>> import numpy as np
    >>> x, w = np.ones((1, 3, 8, 8)), np.ones((16, 3, 5, 5))
    >>> conv("b c i+u j+v, o c u v -> b o i j", x, w).shape
    (1, 16, 4, 4)

    Every filter on every map separately (type 1):

    >>> conv("b c i+u j+v, o u v -> b (c o) i j", x, np.ones((16, 5, 5)), padding="same").shape
    (1, 48, 8, 8)

    With stride 2 and a bias for each filter:

    >>> conv("b c 2*i+u 2*j+v, o c u v -> b o i j", x, w, bias=np.zeros(16), padding=2).shape
    (1, 16, 4, 4)

    Transposed, because the address stands on the result:

    >>> conv("b c i j, c o u v -> b o 2*i+u 2*j+v", x, np.ones((3, 16, 2, 2))).shape
    (1, 16, 16, 16)
    """
    tree = equation_of(pattern)
    if bias is not None and tree.bias is None:
        tree = with_bias(tree, True)
    return evaluate(tree, arrays, bias, sizes, padding=padding, border=border, extent=extent)


def pool(
    pattern: str | Equation | core.Equation,
    x: Array,
    /,
    reduce: Reduce | None = None,
    *,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    **sizes: SizeLike,
) -> Array:
    """The maximum, mean, sum or minimum over what the result doesn't keep; the sum unless one is named, here or in the pattern.

    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> pool("b c 2*i+u 2*j+v -> b c i j", x, "max", u=2, v=2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    >>> pool("max b (o p) i j -> b o i j", np.ones((1, 6, 2, 2)), p=2).shape
    (1, 3, 2, 2)
    """
    tree = with_reduction(equation_of(pattern), reduce)
    return evaluate(tree, [x], None, sizes, padding=padding, border=border, extent=extent)
