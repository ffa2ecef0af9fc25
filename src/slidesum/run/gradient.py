"""The gradients of an equation on arrays: its gradient equations, run like any other.

    d sum(seed·y) / d operand      one equation an operand (`laws/gradient.py`), on the arrays of the layer and the seed

What a pooling's gradient multiplies with is made here: the share of a mean, and the winner of a maximum or minimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slidesum.core.equation import Equation, Operand, Reduce
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import SizeLike, prod
from slidesum.errors import ArrayError, SizeError
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.run.backend import Array, Backend, Watched
from slidesum.run.compute import DEFAULT, Options, Program, compute, made
from slidesum.run.execute import refuse_bias, refuse_symbols, solved
from slidesum.run.met import library, met, met_chunked


def evaluate_gradient(
    equation: Equation,
    name: str,
    seed: Array,
    arrays: Sequence[Array],
    bias: Array | None = None,
    sizes: Mapping[str, SizeLike] | None = None,
    *,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    options: Options = DEFAULT,
) -> Array:
    """The gradient of sum(seed·y) by the array called `name`, or by the bias; all arrays are of one library.

    Raises UsageError for a name that the equation doesn't have, SizeError for a seed that isn't shaped like the result, and what
    `evaluate` raises.
    """
    gradient(equation, name)
    chunked = any(library(x) == "dask" for x in (seed, *arrays, bias))
    backend, (seed, *arrays), bias = met_chunked([seed, *arrays], bias) if chunked else met([seed, *arrays], bias)
    backend.check([seed, *arrays], equation.reduce)
    sized = solved(equation, [tuple(x.shape) for x in arrays], sizes, padding=padding, border=border, extent=extent)
    refuse_symbols(sized)
    if bias is not None:
        refuse_bias(sized, bias)
    if tuple(seed.shape) != sized.result_shape:
        raise SizeError(
            f"the gradient by {equation.result.name} has the shape {tuple(seed.shape)}, and {sized.result_shape} is expected",
            usual="It says for every value of the result how much it counts, so it has the result's shape.",
            advice="Give it that shape, or the padding, extent and sizes that the result was computed with.",
        )
    if chunked:
        return _chunkwise(sized, arrays, seed, name, options)
    (found,) = gradients(backend, sized, arrays, seed, [name], options)
    return found


def _chunkwise(sized: Sized, arrays: Sequence[Array], seed: Array, name: str, options: Options) -> Array:
    """The gradient equation on dask arrays."""
    from slidesum.run.dask import evaluate

    if sized.equation.reduce != "sum" or any(_is_complex(x) for x in (seed, *arrays)):
        raise ArrayError(
            "the gradient of dask arrays is that of products and sums of real numbers",
            usual="What wins a maximum, and a conjugate, are not computed chunk by chunk.",
            advice="Call .compute() on the arrays first.",
        )
    at = next((k for k, operand in enumerate(sized.equation.operands) if operand.name == name), None)
    given = [seed] if at is None else [*arrays[:at], seed, *arrays[at + 1 :]]
    return evaluate(gradient_of(sized, name), given, None, options)


def gradients(
    backend: Backend, sized: Sized, arrays: Sequence[Array], seed: Array, wanted: Sequence[str], options: Options = DEFAULT
) -> list[Array]:
    """The gradients of sum(seed·y) by the arrays named, the bias among them if it is; `seed` has the shape of y.

    Of complex numbers they are what torch's differentiation gives, so that a step against them makes a loss smaller.

    >>> import numpy as np
    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.run.met import numpy_backend
    >>> x, seed = np.array([3.0, 1, 4, 1, 5]), np.array([10.0, 20])
    >>> gradients(numpy_backend(), solve(parse("max 2*i+u -> i"), [(5,)], {"u": 3}), [x], seed, ["x"])
    [array([ 0.,  0., 10.,  0., 20.])]
    """
    return Gradients(backend, sized, options)(arrays, seed, wanted)


class Gradients:
    """The gradients of one equation: their equations are derived once, and planned once for each way arrays are watched."""

    def __init__(self, backend: Backend, sized: Sized, options: Options = DEFAULT) -> None:
        self.backend, self.sized, self.options = backend, sized, options
        self._places = {operand.name: k for k, operand in enumerate(sized.equation.operands)}
        self._programs: dict[tuple[str, Watched, Any], Program] = {}

    def __call__(self, arrays: Sequence[Array], seed: Array, wanted: Sequence[str]) -> list[Array]:
        """As `gradients`."""
        reduce = self.sized.equation.reduce
        if reduce == "mean" and "int" in str(seed.dtype):
            seed = seed / 1  # as the mean of integers is a floating number
        factors = _factors(self.backend, self.sized, arrays, seed) if reduce != "sum" else []
        return [self._one(name, arrays, seed, factors) for name in wanted]

    def _one(self, name: str, arrays: Sequence[Array], seed: Array, factors: Sequence[Array]) -> Array:
        at = self._places.get(name)
        given = [_conjugate(seed)] if at is None else [*arrays[:at], _conjugate(seed), *arrays[at + 1 :], *factors]
        key = name, self.backend.watched(given), seed.dtype
        if key not in self._programs:
            self._programs[key] = made(self.backend, gradient_of(self.sized, name), given, self.options, key[1])
        # so it is the conjugate of the others, and of the border that they are read with
        found = _conjugate(self._programs[key](given, None))
        real = at is not None and _is_complex(found) and not _is_complex(arrays[at])
        return found.real if real else found


def _factors(backend: Backend, sized: Sized, arrays: Sequence[Array], seed: Array) -> list[Array]:
    """What the gradient of a pooling multiplies with, if anything."""
    summed = [sized.extents[name] for name in sized.equation.summed]
    if not summed:
        return []
    if sized.equation.reduce == "mean":
        one = backend.reshape(backend.constant([1], seed), [1] * len(summed))
        return [backend.repeat(one / (prod(summed) or 1), summed)]
    return [_winner(backend, sized, arrays[0], seed)]


def _winner(backend: Backend, sized: Sized, x: Array, seed: Array) -> Array:
    """1 where a window has the value that comes out of it, else 0, with an axis an index.

    Of equal values the first one wins, in the order of the summed indices, and NaN wins against any number. A border that never
    wins isn't taken for a value that is as low: where a window lies in it altogether, nothing wins.
    """
    equation, slides = sized.equation, sized.slides
    back = gradient_of(sized, equation.operands[0].name)
    axes, shape = back.equation.operands[-1].axes, back.shapes[-1]
    kept, count = shape[: -len(equation.summed)], prod(shape[-len(equation.summed) :])
    unfolded = replace(sized, equation=replace(equation, result=Operand("windows", axes), reduce="sum"), result_shape=shape)

    def windows(x: Array, border: Border) -> Array:
        filled = {k: replace(slide, border=border) if slide.border == "zero" else slide for k, slide in slides.items()}
        return backend.reshape(compute(backend, replace(unfolded, slides=filled), [x]), (*kept, count))

    def extreme(x: Array, how: Reduce) -> Array:
        return backend.reshape(backend.reduce(x, [len(kept)], how), (*kept, 1))

    values = windows(x, backend.lowest(x, highest=equation.reduce == "min"))
    if not count:
        return backend.reshape(values * backend.constant([1], seed), shape)
    wins = (values == extreme(values, equation.reduce)) | (values != values)
    if any(slide.border == "zero" and max(slide.padding) > 0 for slide in slides.values()):
        ones = backend.repeat(backend.reshape(backend.constant([1], x), [1] * x.ndim), x.shape)
        wins = wins & (windows(ones, "zero") == 1)
    early = backend.promoted(wins, "int64")
    early = early * backend.constant(list(range(count, 0, -1)), early)
    return backend.reshape((wins & (early == extreme(early, "max"))) * backend.constant([1], seed), shape)


def _conjugate(x: Array) -> Array:
    return x.real - 1j * x.imag if _is_complex(x) else x


def _is_complex(x: Array) -> bool:
    return "complex" in str(x.dtype)
