"""`ss.conv`, `ss.pool`, `ss.gradient`, `ss.equation`: an equation, arrays in, array out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slidesum.api.equation import Equation
from slidesum.core import equation as core
from slidesum.core.equation import Reduce
from slidesum.core.sized import Border, Padding
from slidesum.core.sizes import SizeLike
from slidesum.draft.asked import with_bias, with_reduction
from slidesum.notation.parse import equation_of
from slidesum.run import calls
from slidesum.run.execute import evaluate, known_options, prepared
from slidesum.run.gradient import evaluate_gradient

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
    plan: str | None = None,
    exact: bool = True,
    memory: int | None = None,
    **sizes: SizeLike,
) -> Array:
    """The sum of products that the pattern writes, on arrays of NumPy, torch, JAX or dask.

    The arrays, x and w (and more), have the axes that the pattern names; the result is an array of the same library. `padding` and
    `border` say where windows start and what stands beyond the edge; `extent` gives a transposed result a few cells more; `sizes`
    are extents that no shape tells, and strides and dilations that are written as names.

    How it is computed follows from the equation (`ss.plan` shows it). `plan` forces a method, such as "windows"; `exact=False`
    allows Fourier transforms for large filters, as float64 always does: their error is the rounding unit times the norms of x and
    w, not times each value. `memory` are the bytes that may be held beside operands and result (a quarter of what is free). Raises
    SpaceError before anything is allocated that doesn't fit, RankError, SizeError, ArrayError, NotationError or MeaningError, all
    of them SlidesumError.

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
    options = (plan, exact, memory)
    key = calls.key(pattern, arrays, bias, padding, border, extent, sizes, options)
    if key is not None and (run := calls.known(key)) is not None:
        return run(arrays, bias)
    tree = equation_of(pattern)
    if bias is not None and tree.bias is None:
        tree = with_bias(tree, True)
    run, held, bias = prepared(
        tree, arrays, bias, sizes, padding=padding, border=border, extent=extent, options=known_options(*options)
    )
    if key is None:  # the first arrays of their library: now it is known what they look like
        key = calls.key(pattern, held, bias, padding, border, extent, sizes, options)
    if key is not None:
        calls.remember(key, run)
    return run(held, bias)


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


def gradient(
    pattern: str | Equation | core.Equation,
    name: str,
    dy: Array,
    /,
    *arrays: Array,
    bias: Array | None = None,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    plan: str | None = None,
    exact: bool = True,
    memory: int | None = None,
    **sizes: SizeLike,
) -> Array:
    """The gradient of sum(dy · y) by the array called `name`, where y is what `conv` or `pool` gives for the same arguments.

    `dy` has the shape of y, the arrays are all operands of the layer, and the result has the shape of the one named: "x", "w", … or
    "a", the bias. Of equal values the first is the maximum. `plan`, `exact` and `memory` are those of `conv`. Raises what `conv`
    raises, UsageError for a name that no array has, and SizeError for a `dy` of another shape.

    >>> import numpy as np
    >>> x, w, dy = np.ones((1, 3, 8, 8)), np.ones((16, 3, 3, 3)), np.ones((1, 16, 3, 3))
    >>> gradient("b c 2*i+u 2*j+v, o c u v -> b o i j", "x", dy, x, w).shape
    (1, 3, 8, 8)
    >>> gradient("b c 2*i+u 2*j+v, o c u v -> b o i j", "a", dy, x, w, bias=np.zeros(16))
    array([9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9., 9.])
    >>> gradient("max i+u -> i", "x", [10, 20, 30], [3, 1, 4, 1, 5], u=3)
    array([ 0,  0, 30,  0, 30])
    """
    tree = equation_of(pattern)
    if bias is not None and tree.bias is None:
        tree = with_bias(tree, True)
    options = known_options(plan, exact, memory)
    return evaluate_gradient(tree, name, dy, arrays, bias, sizes, padding=padding, border=border, extent=extent, options=options)
