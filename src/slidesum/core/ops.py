"""What a layer can be: equations, and a small vocabulary of others, one frozen dataclass each.

Whoever walks a network asks one `match`. An equation says by itself what it multiplies; the others count no multiply-adds, except
distances.

    from outside     Input, Stored (an array that the network keeps)
    equations        Layer
    value by value   Activation, Elementwise (two arrays), Add (many), Dropout
    normalisation    BatchNorm, LayerNorm, GroupNorm, LocalResponseNorm, Softmax
    moved, not made  Concat, Slice, Take, Pad, Reshape
    others           Distance, Opaque (known by name and shape only)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from slidesum.core.equation import Equation
from slidesum.core.sized import Border, Connections, Padding
from slidesum.core.sizes import Size

Function = Literal[
    "identity",
    "affine",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "clip",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "scaled_tanh",
    "silu",
    "hard_swish",
    "mish",
    "gelu",
    "gelu_tanh",
    "softplus",
    "softsign",
    "exp",
    "log",
    "sqrt",
    "power",
    "reciprocal",
    "abs",
    "negative",
    "sign",
    "floor",
    "ceil",
    "round",
    "erf",
    "sin",
    "cos",
]
FUNCTIONS: tuple[Function, ...] = get_args(Function)

OPTIONS: Mapping[Function, tuple[tuple[str, float], ...]] = {
    "affine": (("scale", 1.0), ("shift", 0.0)),
    "leaky_relu": (("slope", 0.01),),
    "elu": (("alpha", 1.0),),
    "celu": (("alpha", 1.0),),
    "clip": (("low", 0.0), ("high", 6.0)),
    "hard_sigmoid": (("slope", 1 / 6), ("shift", 0.5)),
    "softplus": (("beta", 1.0),),
    "power": (("exponent", 2.0),),
}
"""The numbers that a function takes, and what they are when nothing is said; the other functions take none."""

Combination = Literal["add", "subtract", "multiply", "divide", "maximum", "minimum", "power"]
COMBINATIONS: tuple[Combination, ...] = get_args(Combination)


@dataclass(frozen=True, slots=True)
class Input:
    """What comes from outside; `names` label its axes, and reach is told along them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """An array that the network keeps and hands to other layers: a class token, the scale of a branch, a constant table."""

    shape: tuple[Size, ...]
    trainable: bool = True


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that is an equation: convolution, pooling, linear, flatten …

    Its first operands are the results of the layers that it reads, the others are filters.
    """

    equation: Equation
    sizes: Mapping[str, Size]
    padding: Padding = "valid"
    border: Border = "zero"
    extent: Mapping[str, Size] | None = None
    connections: Connections | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of every value by itself, with the numbers that it takes (see `OPTIONS`).

    `scaled_tanh` is LeCun's 1.7159·tanh(2a/3), `hard_sigmoid` is clip(slope·a + shift, 0, 1), `hard_swish` is a·hard_sigmoid(a),
    `gelu_tanh` the approximation of `gelu` by a tanh (Hendrycks and Gimpel 2016).
    """

    function: Function
    options: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Two arrays value by value; axes of extent one, and leading axes that one of them lacks, are repeated."""

    function: Combination


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of arrays of one shape."""


@dataclass(frozen=True, slots=True)
class Dropout:
    """In training, zeroes a share `rate` of the values and scales the others up; otherwise nothing."""

    rate: float = 0.5


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Scale and shift of every map to the statistics of the batch (training) or the running ones (Ioffe and Szegedy 2015)."""

    axis: int = 1
    epsilon: float = 1e-5
    affine: bool = True


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Every sample's values along `axes` brought to mean 0 and variance 1 (Ba, Kiros and Hinton 2016), then scaled and shifted.

    Without `centred` only the mean square is brought to 1 (Zhang and Sennrich 2019).
    """

    axes: tuple[int, ...] = (-1,)
    epsilon: float = 1e-5
    scale: bool = True
    shift: bool = True
    centred: bool = True


@dataclass(frozen=True, slots=True)
class GroupNorm:
    """The maps of axis 1 in groups, each brought to mean 0 and variance 1 over its maps and places (Wu and He 2018).

    One map a group is instance normalisation (Ulyanov et al. 2016).
    """

    groups: int
    epsilon: float = 1e-5
    affine: bool = True


@dataclass(frozen=True, slots=True)
class LocalResponseNorm:
    """Division by the energy of neighbouring maps (Krizhevsky et al. 2012, section 3.3): x / (k + alpha·Σx²)^beta."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    axis: int = 1


@dataclass(frozen=True, slots=True)
class Softmax:
    """Numbers that add up to one along an axis."""

    axis: int = -1


@dataclass(frozen=True, slots=True)
class Concat:
    """Arrays put behind each other along an axis."""

    axis: int = 1


@dataclass(frozen=True, slots=True)
class Slice:
    """Every `step`-th cell of an axis from `start` to before `stop`."""

    axis: int
    start: Size
    stop: Size
    step: int = 1


@dataclass(frozen=True, slots=True)
class Take:
    """These cells of an axis, in this order: what is rolled, flipped or shuffled."""

    axis: int
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pad:
    """Cells (before, after) put around each axis, negative numbers crop; `border` says what they hold."""

    cells: tuple[tuple[Size, Size], ...]
    border: Border = "zero"


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same values in another shape; one extent may be -1, which is what remains: of the batch, say."""

    shape: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Distance:
    """Squared Euclidean distance to fixed centres: LeNet-5's output units (LeCun et al. 1998, section II.B, equation 7)."""

    centres: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A layer of a foreign model that is known by its name, its result's shape and the arrays it keeps, and can't be run."""

    kind: str
    shape: tuple[Size, ...]
    arrays: tuple[tuple[str, tuple[Size, ...]], ...] = ()


Op = (
    Input
    | Stored
    | Layer
    | Activation
    | Elementwise
    | Add
    | Dropout
    | BatchNorm
    | LayerNorm
    | GroupNorm
    | LocalResponseNorm
    | Softmax
    | Concat
    | Slice
    | Take
    | Pad
    | Reshape
    | Distance
    | Opaque
)
