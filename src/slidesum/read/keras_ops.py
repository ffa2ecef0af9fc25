"""Calls of `keras.ops` in a model, and of Python's operators: `x + y`, `x[:, 0]`, `ops.mean(x, axis=1)`.

The arguments stand in the call, the options beside it; either may hold numbers in place of results. A number becomes an affine
function where it can (x + 2, 3 - x, x / 4), constants that are arrays become stored ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slidesum.core.ops import Activation, Combination, Concat, Elementwise, Pad, Reshape, Slice, Softmax
from slidesum.core.sized import Border
from slidesum.core.sizes import Size, is_number, tidy
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import is_integer, is_real
from slidesum.read.keras_activations import FUNCTIONS
from slidesum.read.keras_attention import spaced
from slidesum.read.keras_call import Beyond, Call, Constant
from slidesum.read.keras_shapes import COMBINED, permuted


def _option(call: Call, place: int, name: str, default: Any = None) -> Any:
    """An option of an operation, which stands in its config or in its call."""
    found = call.fields.maybe(name, None)
    return call.argument(place, name, default) if found is None else found


# Value by value


def function(call: Call) -> Tensor:
    """A function of every value: ops.relu, ops.exp."""
    op = FUNCTIONS[_small(call.kind)]
    match call.kind:
        case "Gelu":
            op = Activation("gelu_tanh" if _option(call, 1, "approximate", True) else "gelu")
        case "LeakyRelu":
            op = Activation("leaky_relu", (float(_option(call, 1, "negative_slope", 0.2)),))
        case "Elu" | "Celu":
            op = Activation(op.function, (float(_option(call, 1, "alpha", 1.0)),))
    return call.put(op, call.x)


def _small(kind: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and k else c.lower() for k, c in enumerate(kind))


def clip(call: Call) -> Tensor:
    """Values held between two numbers."""
    low, high = _option(call, 1, "x_min"), _option(call, 2, "x_max")
    if not is_real(low) or not is_real(high):
        raise Beyond("it clips by results")
    return call.put(Activation("clip", (float(low), float(high))), call.x)


def arithmetic(call: Call) -> Tensor:
    """Add, Subtract, Multiply, Divide, Power, Maximum, Minimum of two results, or of a result and a number."""
    a, b = call.argument(0, "x1"), call.argument(1, "x2")
    kind = COMBINED[call.kind]
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return call.put(Elementwise(kind), a, b)
    op = _affine(kind, a, b)
    if op is not None:
        return call.put(op, call.x)
    if kind == "divide" and is_real(a):
        y = call.put(Activation("reciprocal"), call.x, at="reciprocal")
        return call.put(Activation("affine", (float(a), 0.0)), y)
    parts = [
        side if isinstance(side, Tensor) else call.stored(_array(side), f"constant{k}", trainable=False)
        for k, side in enumerate((a, b), start=1)
    ]
    return call.put(Elementwise(kind), *parts)


def _affine(kind: Combination, a: Any, b: Any) -> Activation | None:
    """One function of the values, where the other side is a number."""
    number = float(a) if is_real(a) else float(b) if is_real(b) else None
    if number is None:
        return None
    right = is_real(b)
    match kind:
        case "add":
            return Activation("affine", (1.0, number))
        case "subtract":
            return Activation("affine", (1.0, -number) if right else (-1.0, number))
        case "multiply":
            return Activation("affine", (number, 0.0))
        case "divide" if right and number:
            return Activation("affine", (1 / number, 0.0))
        case "power" if right:
            return Activation("power", (number,))
        case _:
            return None


def _array(value: Any) -> Any:
    match value:
        case Constant(array):
            return array if array.ndim else array.reshape(1)
        case _ if is_real(value):
            return np.full(1, value, "float32")
        case _:
            raise Beyond("one of its operands is no array")


# Over axes


def reduction(call: Call) -> Tensor:
    """Mean, Max, Min, Sum over axes."""
    x = call.x
    value = _option(call, 1, "axis")
    axes = tuple(range(len(x.shape))) if value is None else call.axes(value, x)
    if 0 in axes or not axes:
        raise Beyond("it reduces the batch, or nothing")
    keep = bool(_option(call, 2, "keepdims", False))
    names = ["b", *(f"a{k}" for k in range(1, len(x.shape)))]
    kept = [("1" if keep else "") if k in axes else name for k, name in enumerate(names)]
    return call.equation(f"{call.kind.lower()} {' '.join(names)} -> {' '.join(filter(None, kept))}", x)


def softmax(call: Call) -> Tensor:
    """Numbers that add up to one."""
    axes = call.axes(_option(call, 1, "axis", -1), call.x)
    if len(axes) != 1:
        raise Beyond("its softmax runs over several axes")
    return call.put(Softmax(axes[0]), call.x)


def concatenate(call: Call) -> Tensor:
    """Results behind each other."""
    parts = call.inputs
    return call.put(Concat(call.axis(_option(call, 1, "axis", 0), parts[0])), *parts)


def matmul(call: Call) -> Tensor:
    """The product of two stacks of matrices with the same axes before them."""
    x, y = call.inputs if len(call.inputs) == 2 else (None, None)
    if x is None or y is None or len(x.shape) != len(y.shape) or len(x.shape) < 3 or x.shape[:-2] != y.shape[:-2]:
        raise Beyond("it repeats one of the stacks, or multiplies by a constant")
    stack = " ".join(["b", *(f"h{k}" for k in range(len(x.shape) - 3))])
    return call.equation(f"{stack} i c, {stack} c j -> {stack} i j", x, y)


def einsum(call: Call) -> Tensor:
    """ops.einsum, which is an equation already."""
    pattern = spaced(str(_option(call, 0, "subscripts", ""))[:200], call.where)
    operands = pattern.split(" -> ")[0].split(", ")
    if len(operands) != len(call.inputs) or "..." in pattern:
        raise Beyond("its equation has an ellipsis, or constants")
    return call.equation(pattern, *call.inputs)


# Moved


def transpose(call: Call) -> Tensor:
    """The axes in another order."""
    axes = _option(call, 1, "axes")
    order = list(range(len(call.x.shape)))[::-1] if axes is None else [call.axis(n, call.x) for n in axes]
    if order[:1] != [0]:
        raise Beyond("it moves the batch")
    return permuted(call, call.x, order)


def reshape(call: Call) -> Tensor:
    """Another shape, the batch first or -1."""
    x, shape = call.x, _option(call, 1, "newshape")
    if not isinstance(shape, list) or not shape or not all(is_integer(n) for n in shape) or shape[0] not in (-1, x.shape[0]):
        raise Beyond("its shape doesn't begin with the batch")
    if shape[0] != -1 and -1 in shape:
        raise Beyond("its shape leaves open what is known")
    return call.put(Reshape((-1, *shape[1:])), x)


def expand_dims(call: Call) -> Tensor:
    """A new axis of one."""
    x, value = call.x, _option(call, 1, "axis")
    places = sorted(n % (len(x.shape) + 1) for n in [value] if is_integer(n))
    if places[:1] in ([], [0]):
        raise Beyond("it puts an axis before the batch")
    return call.put(Reshape(_after_batch([*x.shape[: places[0]], 1, *x.shape[places[0] :]])), x)


def squeeze(call: Call) -> Tensor:
    """Axes of one taken away."""
    x, value = call.x, _option(call, 1, "axis")
    axes = [k for k, n in enumerate(x.shape) if k and is_number(n) and n == 1] if value is None else call.axes(value, x)
    if 0 in axes:
        raise Beyond("it takes the batch away")
    return call.put(Reshape(_after_batch([n for k, n in enumerate(x.shape) if k not in axes])), x)


def _after_batch(shape: list[Size]) -> tuple[Size, ...]:
    return (-1, *shape[1:])


BORDERS: Mapping[str, Border] = {"constant": "zero", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(call: Call) -> Tensor:
    """Cells around: zeros, a number, or what lies inside."""
    x, width = call.x, _option(call, 1, "pad_width")
    border = BORDERS.get(str(_option(call, 2, "mode", "constant")))
    value = call.named.get("constant_values")
    if border is None or (value not in (None, 0) and not is_real(value)):
        raise Beyond("its kind of padding")
    if not isinstance(width, list) or len(width) != len(x.shape):
        raise Beyond("its pad_width isn't one pair an axis")
    return call.put(Pad(tuple(call.pair("pad_width", pair) for pair in width), float(value) if value else border), x)


def get_item(call: Call) -> Tensor:
    """x[:, 2:, None, 0]: slices, new axes, and single cells."""
    x, key = call.argument(0, "x"), call.argument(1, "key")
    entries = key if isinstance(key, list) else [key]
    if not isinstance(x, Tensor):
        raise Beyond("it takes a part of a constant")
    if any(not (entry is None or is_integer(entry) or isinstance(entry, slice)) for entry in entries):
        raise Beyond("it takes cells by a list, an ellipsis or another result")
    taken = sum(entry is not None for entry in entries)
    if taken > len(x.shape):
        raise ReadError(f"{call.where}: it takes more axes than {x} has", advice="Save the model anew.")
    entries = [*entries, *[slice(None)] * (len(x.shape) - taken)]
    if entries[0] != slice(None):
        raise Beyond("it takes a part of the batch")
    parts: list[Slice] = []
    shape: list[Size] = []
    axis = 0
    for entry in entries:
        if entry is None:
            shape.append(1)
            continue
        extent = x.shape[axis]
        if entry != slice(None):
            parts.append(_slice(slice(entry, entry + 1 or None) if is_integer(entry) else entry, axis, extent))
            extent = len(range(*(int(n) for n in (parts[-1].start, parts[-1].stop, parts[-1].step))))
        if not is_integer(entry):
            shape.append(extent)
        axis += 1
    reshaped = not parts or any(not isinstance(entry, slice) for entry in entries)
    for number, part in enumerate(parts, start=1):
        x = call.put(part, x, at=f"cells{number}" if reshaped or number < len(parts) else "")
    return call.put(Reshape(_after_batch(shape)), x) if reshaped else x


def _slice(part: slice, axis: int, extent: Size) -> Slice:
    if not is_number(extent) or not all(n is None or is_integer(n) for n in (part.start, part.stop, part.step)):
        raise Beyond("it takes a part of what is open")
    if part.step == 0:
        raise Beyond("it takes steps of nothing")
    start, stop, step = part.indices(int(extent))
    if step < 1 or start >= stop:
        raise Beyond("it runs backwards, or takes nothing")
    return Slice(axis, start, stop, step)


def split(call: Call) -> list[Tensor]:
    """Parts of one axis, each a slice."""
    x, parts = call.x, _option(call, 1, "indices_or_sections")
    axis = call.axis(_option(call, 2, "axis", 0), x)
    extent = x.shape[axis]
    if axis == 0 or not is_number(extent) or not is_integer(parts) or parts < 1 or extent % parts or parts > 1000:
        raise Beyond("its parts aren't of the same size")
    length = int(tidy(extent // parts))
    return [call.put(Slice(axis, k * length, (k + 1) * length), x, at=str(k)) for k in range(parts)]


OPERATIONS: Mapping[str, Callable[[Call], Any]] = {
    **dict.fromkeys(("Relu", "Relu6", "Selu", "Elu", "Celu", "LeakyRelu", "Gelu", "Silu", "Mish", "Sigmoid", "Tanh"), function),
    **dict.fromkeys(("HardSigmoid", "HardSilu", "HardTanh", "Softsign", "Softplus", "Exp", "Log", "Sqrt", "Square"), function),
    **dict.fromkeys(("Sin", "Cos", "Sign", "Floor", "Ceil", "Round", "Erf", "Reciprocal", "Negative", "Abs", "Absolute"), function),
    **dict.fromkeys(COMBINED, arithmetic),
    **dict.fromkeys(("Mean", "Max", "Min", "Sum"), reduction),
    "Clip": clip,
    "Softmax": softmax,
    "Concatenate": concatenate,
    "Matmul": matmul,
    "Einsum": einsum,
    "Transpose": transpose,
    "Reshape": reshape,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Pad": pad,
    "GetItem": get_item,
    "Split": split,
}
