"""Remarks that a user should see beside a result that is right: cells that no window reads."""

from __future__ import annotations

from collections.abc import Iterator

from slidesum.core.sized import Sized
from slidesum.core.sizes import is_number, tidy
from slidesum.laws.padding import window_span


def unread(sized: Sized) -> Iterator[str]:
    """A sentence for every axis whose last cells lie behind the last window.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> solve(parse("4*i+u, u -> i"), [(224,), (11,)]).notes
    ('i: the last cell is left unread of the 224 on axis 0 of x (windows of 11, step 4)',)
    """
    for (number, place), slide in sorted(sized.slides.items()):
        if number < 0 or slide.position is None:
            continue
        span, reach = (
            window_span([(abs(step), sized.extents[name]) for name, step in steps]) for steps in (slide.taps, slide.steps)
        )
        cells = tidy(slide.extent + slide.padding[0] - reach)
        if not is_number(cells) or cells <= 0:
            continue
        last = "cell is" if cells == 1 else f"{cells} cells are"
        yield (
            f"{slide.position}: the last {last} left unread of the {slide.extent} on axis {place} "
            f"of {sized.equation.operands[number].name} (windows of {span}, step {abs(slide.stride)})"
        )
