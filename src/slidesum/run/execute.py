"""`conv` and `pool`: an equation, arrays in, array out. The array says which library computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from slidesum.core.equation import Equation
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import SizeLike, is_number
from slidesum.errors import SizeError, UsageError
from slidesum.laws.given import known_border, known_sizes
from slidesum.laws.padding import known_padding
from slidesum.laws.shape import solve
from slidesum.plans.machine import METHODS
from slidesum.run.backend import Array
from slidesum.run.compute import DEFAULT, Options, Program, made_for_all
from slidesum.run.met import library, met, met_chunked


def evaluate(
    equation: Equation,
    arrays: Sequence[Array],
    bias: Array | None = None,
    sizes: Mapping[str, SizeLike] | None = None,
    *,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    options: Options = DEFAULT,
) -> Array:
    """The result of an equation on arrays of one library."""
    run, arrays, bias = prepared(equation, arrays, bias, sizes, padding=padding, border=border, extent=extent, options=options)
    return run(arrays, bias)


def prepared(
    equation: Equation,
    arrays: Sequence[Array],
    bias: Array | None,
    sizes: Mapping[str, SizeLike] | None,
    *,
    padding: Padding,
    border: Border,
    extent: Mapping[str, SizeLike] | None,
    options: Options,
) -> tuple[Program, Sequence[Array], Array | None]:
    """The function that computes an equation on arrays like these, and the arrays as their library holds them."""
    chunked = any(library(x) == "dask" for x in (*arrays, bias))
    backend, arrays, bias = met_chunked(arrays, bias) if chunked else met(arrays, bias)
    given = [*arrays, *([bias] if bias is not None else [])]
    backend.check(given, equation.reduce)
    sized = solved(equation, [tuple(x.shape) for x in arrays], sizes, padding=padding, border=border, extent=extent)
    refuse_symbols(sized)
    refuse_bias(sized, bias)
    if chunked:
        from slidesum.run.dask import evaluate as chunkwise

        return lambda arrays, bias: chunkwise(sized, arrays, bias, options), arrays, bias
    return made_for_all(backend, sized, arrays, options), arrays, bias


def known_options(plan: Any, exact: Any, memory: Any) -> Options:
    """The options of a call. Raises UsageError for what is none."""
    if plan is not None and not isinstance(plan, str):
        raise UsageError(f"plan= is the name of a method, not {plan!r}", advice=f"Write one of {', '.join(METHODS)}.")
    if not isinstance(exact, bool):
        raise UsageError(f"exact= is True or False, not {exact!r}", advice="Write exact=False to allow Fourier transforms.")
    if memory is not None and (isinstance(memory, bool) or not hasattr(memory, "__index__") or memory <= 0):
        raise UsageError(f"memory= is a number of bytes, not {memory!r}", advice="Write memory=2**30, say.")
    return Options(plan, exact, None if memory is None else int(memory))


def refuse_symbols(sized: Sized) -> None:
    """Raise SizeError where a size is a symbol."""
    symbolic = next((name for name, n in sized.extents.items() if not is_number(n)), None)
    if symbolic:
        raise SizeError(
            f"the size {symbolic}={sized.extents[symbolic]} is a symbol",
            sized.equation.text,
            advice="Symbols are enough to count, but not to compute: give a number.",
        )


def refuse_bias(sized: Sized, bias: Array | None) -> None:
    """Raise where a bias is missing, superfluous, or of another shape than the equation says."""
    if (bias is None) != (sized.equation.bias is None):
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
