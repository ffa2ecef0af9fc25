"""The gradient of an equation is an equation: the array asked for and the result change places.

    y[b,o,i]      = x[b,c,2*i+u] * w[o,c,u]
    dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]        a strided convolution's is a transposed one
    dw[o,c,u]     = x[b,c,2*i+u] * dy[b,o,i]    positions and taps change roles: a dilated one

It holds because every term is linear in each operand: the derivative of the sum by `x[…]` gathers, for that cell, the other factors
of all terms in which it stands. A pooling has one factor more, an operand made for the purpose:

    y[b,c,i]      = mean x[b,c,2*i+u]
    dx[b,c,2*i+u] = dy[b,c,i] * share[u]             one over the number of values that the mean is of
    y[b,c,i]      = max x[b,c,2*i+u]
    dx[b,c,2*i+u] = dy[b,c,i] * winner[b,c,i,u]      1 where x is the value that came out, else 0

With sizes, the slides change places too. A convolution's padding becomes the transposed one's cropping, number for number, and a
border that repeats cells adds to the cells that it repeated.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import replace

from slidesum.core.axis import Address, Axis, Name, Rest, indices
from slidesum.core.equation import Equation, Operand
from slidesum.core.sized import Sized, Slide
from slidesum.core.sizes import tidy
from slidesum.errors import UsageError
from slidesum.laws.edge import REPEATING
from slidesum.laws.once import once
from slidesum.laws.padding import window_span

SHARE = "share"
WINNER = "winner"


def gradient(equation: Equation, name: str) -> Equation:
    """The equation of the gradient by the array called `name`, or by the bias. Raises UsageError if there is no such array.

    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import named
    >>> named(gradient(parse("b c 2*i+u, o c u -> b o i"), "x"))
    'dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]'
    >>> named(gradient(parse("max b c 2*i+u 2*j+v -> b c i j"), "x"))
    'dx[b,c,2*i+u,2*j+v] = dy[b,c,i,j] * winner[b,c,i,j,u,v]'
    """
    names = [operand.name for operand in equation.operands]
    arrays = [*names, *([equation.bias.name] if equation.bias else [])]
    if name not in arrays:
        raise UsageError(
            f"the equation has no operand {name!r}",
            usual=f"Its arrays are {', '.join(arrays)}.",
            advice="Name one of them.",
        )
    result = _unused(f"d{name}", arrays)
    seed = Operand(_unused(f"d{equation.result.name}", [*arrays, result]), equation.result.axes)
    if name not in names:
        assert equation.bias is not None
        return Equation((replace(seed, axes=_cells(equation)),), Operand(result, equation.bias.axes))
    at = names.index(name)
    operands = [*equation.operands[:at], seed, *equation.operands[at + 1 :]]
    if equation.reduce != "sum" and (summed := _summed_axes(equation)):
        factor, axes = (SHARE, summed) if equation.reduce == "mean" else (WINNER, _window_axes(equation))
        operands.append(Operand(_unused(factor, [*arrays, result, seed.name]), axes))
    return Equation(tuple(operands), Operand(result, equation.operands[at].axes))


@once
def gradient_of(sized: Sized, name: str) -> Sized:
    """The same with its sizes: every cell of the gradient stands where the array's cell stood.

    Cells that no window reads stay, with a gradient of 0. A gradient of a gradient is one more of the kind.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> back = gradient_of(solve(parse("b c 2*i+u-1, o c u -> b o i"), [(1, 2, 8), (3, 2, 3)]), "x")
    >>> back.shapes, back.result_shape, back.slides[-1, 2].padding
    (((1, 3, 4), (3, 2, 3)), (1, 2, 8), (1, 0))
    >>> gradient_of(back, "dy").result_shape
    (1, 3, 4)
    """
    equation = gradient(sized.equation, name)
    at = next((k for k, operand in enumerate(sized.equation.operands) if operand.name == name), None)
    if at is None:
        return _of_bias(sized, equation)
    slides: dict[tuple[int, int], Slide] = {}
    for (number, place), slide in sized.slides.items():
        if number == at:
            slides[-1, place] = _scattering(sized, slide)
        else:
            slides[at if number < 0 else number, place] = slide
    for number, place, address in equation.addresses():
        slides[number, place] = replace(slides[number, place], position=equation.position(number, address))
    shapes = [sized.result_shape if k == at else shape for k, shape in enumerate(sized.shapes)]
    shapes += [tuple(sized.extents[n] for n in operand.indices) for operand in equation.operands[len(shapes) :]]
    return replace(
        sized,
        equation=equation,
        shapes=tuple(shapes),
        result_shape=sized.shapes[at],
        bias_shape=None,
        slides=slides,
        notes=(),
    )


def _of_bias(sized: Sized, equation: Equation) -> Sized:
    assert sized.bias_shape is not None
    extents = {
        name: sized.axis_extent(-1, place, axis) if isinstance(axis, Address) else sized.extents[name]
        for place, (axis, cells) in enumerate(zip(sized.equation.result.axes, equation.operands[0].axes, strict=True))
        for name in indices(cells)
    }
    return Sized(equation, extents, (sized.result_shape,), sized.bias_shape, None, {}, sized.border)


def _scattering(sized: Sized, slide: Slide) -> Slide:
    """An operand's slide on a result, where as much is cropped behind as is reached there."""
    low, _ = slide.padding
    reached = window_span([(abs(step), sized.extents[name]) for name, step in slide.steps])
    border = slide.border if slide.border in REPEATING else "zero"
    return replace(slide, padding=(low, tidy(reached - low - slide.extent)), border=border)


def _cells(equation: Equation) -> tuple[Axis, ...]:
    """The result's axes for a sum over its cells: an address would name some of them several times, and others never."""
    return tuple(Name(equation.position(-1, axis) or "") if isinstance(axis, Address) else axis for axis in equation.result.axes)


def _summed_axes(equation: Equation) -> tuple[Axis, ...]:
    """What the reduction runs over, one axis an index."""
    kept = set(_opened(equation.result))
    return tuple(axis for axis in _window_axes(equation) if axis not in kept)


def _window_axes(equation: Equation) -> tuple[Axis, ...]:
    """What the pooled operand runs over, one axis an index: first what the result keeps, then what is summed."""
    there = dict.fromkeys(_opened(equation.operands[0]))
    return tuple(dict.fromkeys([*(axis for axis in _opened(equation.result) if axis in there), *there]))


def _opened(operand: Operand) -> Iterator[Axis]:
    for axis in operand.axes:
        yield from [axis] if isinstance(axis, Rest) else map(Name, indices(axis))


def _unused(name: str, taken: Collection[str]) -> str:
    """The name, with the first number behind it that makes it one of its own."""
    return next(n for k in itertools.count(1) if (n := name if k == 1 else f"{name}{k}") not in taken)
