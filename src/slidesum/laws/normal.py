"""The normal form of a sized equation, and the putting together of equations from parts of others.

In normal form every axis is one index or one address: merged axes are opened, axes 1 dropped, the bias and what is merely repeated
are left for the end. What rewrites equations (`laws/rewrite.py`) starts from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from slidesum.core.axis import Address, Axis, Merged, Name, One, indices
from slidesum.core.equation import Equation, Operand, Reduce
from slidesum.core.sized import Sized, Slide
from slidesum.core.sizes import Size


def made(
    extents: Mapping[str, Size],
    operands: Sequence[tuple[Operand, Mapping[int, Slide]]],
    result: tuple[Operand, Mapping[int, Slide]],
    reduce: Reduce = "sum",
) -> Sized:
    """A sized equation from operands that bring the slides of their axes along."""
    arrays = [*enumerate(operands), (-1, result)]
    equation = Equation(tuple(operand for operand, _ in operands), result[0], reduce)
    slides = {(number, place): slide for number, (_, own) in arrays for place, slide in own.items()}
    used = {*equation.indices}
    sized = Sized(equation, {n: e for n, e in extents.items() if n in used}, (), (), None, slides)
    shapes = [tuple(sized.axis_extent(number, p, a) for p, a in enumerate(operand.axes)) for number, (operand, _) in arrays]
    return replace(sized, shapes=tuple(shapes[:-1]), result_shape=shapes[-1])


def normal(sized: Sized) -> Sized:
    """The equation with one index or address an axis; the bias is left out, and so are bare indices that only the result has.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> grouped = solve(parse("b (g c) i+u, (g o) c u -> b 1 (g o) i"), [(1, 4, 9), (6, 2, 3)], {"g": 2})
    >>> pattern(normal(grouped).equation)
    'b g c i+u, g o c u -> b g o i'
    """
    equation = sized.equation
    known = {name for operand in equation.operands for name in operand.indices}
    operands = [_opened(sized, number, operand) for number, operand in enumerate(equation.operands)]
    axes, slides = _opened(sized, -1, equation.result)
    entries = [(axis, slides.get(place)) for place, axis in enumerate(axes.axes)]
    kept = [(axis, slide) for axis, slide in entries if not isinstance(axis, Name) or axis.name in known]
    result = Operand(axes.name, tuple(axis for axis, _ in kept)), {k: slide for k, (_, slide) in enumerate(kept) if slide}
    return made(sized.extents, operands, result, equation.reduce)


def _opened(sized: Sized, number: int, operand: Operand) -> tuple[Operand, dict[int, Slide]]:
    axes: list[Axis] = []
    slides: dict[int, Slide] = {}
    for place, axis in enumerate(operand.axes):
        if isinstance(axis, Address):
            slides[len(axes)] = sized.slides[number, place]
            axes.append(axis)
        elif isinstance(axis, Merged):
            axes += map(Name, axis.names)
        elif not isinstance(axis, One):
            axes.append(axis)
    return Operand(operand.name, tuple(axes)), slides


def own_slides(sized: Sized, number: int, places: Iterable[int]) -> dict[int, Slide]:
    """The slides of these axes of an array, by their number among them."""
    return {k: sized.slides[number, p] for k, p in enumerate(places) if (number, p) in sized.slides}


def with_slides(sized: Sized, number: int) -> tuple[Operand, dict[int, Slide]]:
    """An array of the equation with its slides; the result has number -1."""
    operand = sized.equation.result if number < 0 else sized.equation.operands[number]
    return operand, own_slides(sized, number, range(len(operand.axes)))


def whole_axes(sized: Sized, number: int) -> dict[int, Name]:
    """A fresh name for every address of an operand, by place: all cells of its axis."""
    taken = {*sized.equation.indices}
    names: dict[int, Name] = {}
    operand = sized.equation.result if number < 0 else sized.equation.operands[number]
    for place, axis in enumerate(operand.axes):
        if isinstance(axis, Address):
            name = f"{sized.slides[number, place].position or indices(axis)[0]}_"
            while name in taken:
                name += "_"
            taken.add(name)
            names[place] = Name(name)
    return names


def commutes(slide: Slide) -> bool:
    """Whether a sum along other axes may be taken before or after what stands beyond this edge."""
    return not slide.is_padded or isinstance(slide.border, str)


def fresh_array(equation: Equation) -> str:
    """A name that no array of the equation has."""
    taken = {operand.name for _, operand in equation.arrays()}
    return next(name for k in range(1, 1000) if (name := f"t{k}") not in taken)
