"""`conv` and `pool`: an equation, arrays in, array out. The array says which library computes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from slidesum.core.equation import Equation
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import SizeLike, is_number
from slidesum.errors import ArrayError, SizeError, UsageError
from slidesum.laws.given import known_border, known_sizes
from slidesum.laws.padding import known_padding
from slidesum.laws.shape import solve
from slidesum.run.backend import Array, Backend
from slidesum.run.windows import compute


def evaluate(
    equation: Equation,
    arrays: Sequence[Array],
    bias: Array | None = None,
    sizes: Mapping[str, SizeLike] | None = None,
    *,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
) -> Array:
    """The result of an equation on arrays of one library."""
    backend, arrays, bias = met(arrays, bias)
    backend.check([*arrays, *([bias] if bias is not None else [])], equation.reduce)
    shapes = [tuple(x.shape) for x in arrays]
    sized = solved(equation, shapes, sizes, padding=padding, border=border, extent=extent)
    symbolic = next((name for name, n in sized.extents.items() if not is_number(n)), None)
    if symbolic:
        raise SizeError(
            f"the size {symbolic}={sized.extents[symbolic]} is a symbol",
            equation.text,
            advice="Symbols are enough to count, but not to compute: give a number.",
        )
    if (bias is None) != (equation.bias is None):
        raise UsageError(
            "the equation has a bias, and no array was given for it"
            if bias is None
            else "a bias was given, and the equation has none",
            advice="Give bias= exactly when the equation adds one.",
        )
    if bias is not None and tuple(bias.shape) != sized.bias_shape:
        raise SizeError(
            f"the bias has the shape {tuple(bias.shape)}, and {tuple(sized.bias_shape or ())} is expected",
            usual="A bias has one number for each filter, and is added to its whole map.",
            advice="Give it that shape, or name its axes in the equation: '… + a[o]'.",
        )
    return compute(backend, sized, arrays, bias)


def met(arrays: Sequence[Any], bias: Any = None) -> tuple[Backend, list[Array], Array | None]:
    """The backend of these arrays, and the arrays as it holds them."""
    given = [*arrays, *([bias] if bias is not None else [])]
    tensors = [x for x in given if _is_tensor(x)]
    if not tensors:
        backend = numpy_backend()
        held = [_array(x) for x in given]
    elif len(tensors) == len(given):
        backend, held = torch_backend(), given
    else:
        other = next(type(x).__name__ for x in given if not any(x is t for t in tensors))
        raise ArrayError(
            f"a torch tensor meets a {other}",
            usual="All arrays of an equation belong to one library, so that nothing is copied unseen.",
            advice="Convert one of them: torch.as_tensor(a), or t.detach().numpy().",
        )
    return backend, held[: len(arrays)], held[-1] if bias is not None else None


@lru_cache(maxsize=1)
def numpy_backend() -> Backend:
    """The NumPy backend."""
    from slidesum.run.numpy import NumPy

    return NumPy()


@lru_cache(maxsize=1)
def torch_backend() -> Backend:
    """The torch backend."""
    from slidesum.run.torch import Torch

    return Torch()


def _is_tensor(x: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def as_numpy(x: Any) -> Array:
    """An array of any library as NumPy's; what NumPy has no dtype for becomes float32."""
    if _is_tensor(x):
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
        return x.numpy()
    return _array(x)


def _array(x: Any) -> Array:
    import numpy as np

    try:
        array = np.asarray(x)
    except ValueError:  # a list of lists that differ in length
        array = np.empty(0, object)
    if array.dtype == object:
        what = "an array of Python objects" if isinstance(x, np.ndarray) else type(x).__name__
        raise ArrayError(f"{what} is no array of numbers", advice="Give a NumPy array or a torch tensor.")
    return array


def _frozen(value: Any) -> Any:
    return frozenset(value.items()) if isinstance(value, Mapping) else value


def _opened(value: Any) -> Any:
    return dict(value) if isinstance(value, frozenset) else value


@lru_cache(maxsize=4096, typed=True)
def _cached(equation: Equation, shapes: Any, sizes: Any, padding: Any, border: Border, extent: Any) -> Sized:
    return solve(equation, shapes, _opened(sizes), padding=_opened(padding), border=border, extent=_opened(extent))


def solved(
    equation: Equation,
    shapes: Sequence[tuple[int, ...]],
    sizes: Mapping[str, SizeLike] | None,
    *,
    padding: Padding,
    border: Border,
    extent: Mapping[str, SizeLike] | None,
) -> Sized:
    """`laws.shape.solve`, remembered: a second call of the same shapes costs a dictionary look-up.

    What was given is checked before it is looked up, so that 1.0 or True isn't taken for the 1 of an earlier call.
    """
    given = _frozen(known_sizes("sizes", sizes or {})), _frozen(known_padding(padding)), known_border(border)
    return _cached(equation, tuple(shapes), *given, _frozen(known_sizes("extent", extent or {})))
