"""How many combinations of index values stay inside the arrays: multiply-adds without the padding.

Addresses that share no index don't influence each other, so the count is a product over groups of addresses. In each group one
index is counted in closed form, as the length of an interval, and only the others are enumerated: a 224-pixel axis with 11 taps
costs 11 steps, not 2464.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slidesum.core.sized import Sized, Slide
from slidesum.core.sizes import Size, ceil_div, floor_div, is_number, largest, prod, smallest, tidy


def combinations_inside(sized: Sized) -> Size:
    """The number of combinations of all index values for which no address lies in the padding.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> combinations_inside(solve(parse("i+u-1, u -> i"), [(5,), (3,)]))
    13
    """
    counted: set[str] = set()
    product: Size = 1
    for group in _groups(tuple(sized.slides.values())):
        names = {name for slide in group for name, _ in slide.steps}
        counted |= names
        product = product * _count(group, {name: sized.extents[name] for name in names})
    rest = (name for name in sized.equation.indices if name not in counted)
    return tidy(product * sized.combinations(rest))


def _groups(slides: Sequence[Slide]) -> Iterator[list[Slide]]:
    """Slides that share an index, directly or through others, belong together."""
    waiting = list(slides)
    while waiting:
        group = [waiting.pop(0)]
        names = {name for name, _ in group[0].steps}
        while joined := [s for s in waiting if names & {name for name, _ in s.steps}]:
            group += joined
            waiting = [s for s in waiting if s not in joined]
            names |= {name for s in joined for name, _ in s.steps}
        yield group


def _count(group: list[Slide], extents: Mapping[str, Size]) -> Size:
    if not any(slide.is_padded for slide in group):
        return prod(extents.values())
    closed = max(extents, key=lambda name: (not is_number(extents[name]), extents[name] if is_number(extents[name]) else 0))
    others = [name for name in extents if name != closed]
    numbers = [name for name in others if is_number(extents[name])]
    formulas = [name for name in others if not is_number(extents[name])]
    total: Any = 0
    for values in itertools.product(*(range(extents[name]) for name in numbers)):
        at: dict[str, Any] = dict(zip(numbers, values, strict=True))
        total = total + _interval(group, closed, extents, at | _dummies(formulas))
    return tidy(_summed(total, formulas, extents))


def _interval(group: list[Slide], closed: str, extents: Mapping[str, Size], at: Mapping[str, Any]) -> Any:
    """How many values of `closed` keep every address inside, the other values being `at`."""
    low: Size = 0
    high = extents[closed]
    for slide in group:
        step: Any = dict(slide.steps).get(closed, 0)
        base: Any = slide.start + sum(s * at[name] for name, s in slide.steps if name != closed)
        if is_number(step) and step < 0:  # counted from the far end it runs forwards
            base, step = base + step * (extents[closed] - 1), -step
            low, high = tidy(extents[closed] - high), tidy(extents[closed] - low)
            low, high = _narrow(low, high, base, step, slide.extent)
            low, high = tidy(extents[closed] - high), tidy(extents[closed] - low)
        elif is_number(step) and step == 0:
            if not 0 <= base < slide.extent:
                return 0
        else:
            low, high = _narrow(low, high, base, step, slide.extent)
    return largest(0, tidy(high - low))


def _narrow(low: Size, high: Size, base: Any, step: Size, cells: Size) -> tuple[Size, Size]:
    first = ceil_div(tidy(-base), step)
    beyond = tidy(floor_div(tidy(cells - 1 - base), step) + 1)
    return largest(low, first), smallest(high, beyond)


def _dummies(names: list[str]) -> dict[str, Any]:
    if not names:
        return {}
    import sympy

    return {name: sympy.Symbol(name, integer=True, nonnegative=True) for name in names}


def _summed(total: Any, names: list[str], extents: Mapping[str, Size]) -> Any:
    if not names:
        return total
    import sympy

    return sympy.Sum(total, *((symbol, 0, extents[name] - 1) for name, symbol in _dummies(names).items()))
