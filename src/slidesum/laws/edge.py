"""What stands beyond the edge: the one rule that padding follows, everywhere.

    mode        cells … -2 -1 | 0 1 2 3 | 4 5 …
    zero             0  0                0 0         (or any number given)
    circular         2  3                0 1
    reflect          2  1                2 1         the edge cell isn't repeated
    replicate        0  0                3 3

For `max` the border is the lowest value of the dtype, for `min` the highest, so that it never wins, unless a mode is
named that repeats cells, or a number is given.

A result has an edge too. What falls beyond it is added to the cell that the table names, and dropped where it names none.
"""

from __future__ import annotations

from slidesum.core.sized import Border, Sized

REPEATING = ("circular", "reflect", "replicate")


def source(cell: int, extent: int, border: Border) -> int | None:
    """The cell of the array whose value stands at `cell`, or None where a constant stands.

    >>> [source(c, 4, "reflect") for c in range(-2, 6)]
    [2, 1, 0, 1, 2, 3, 2, 1]
    >>> [source(c, 4, "zero") for c in (-1, 0, 4)]
    [None, 0, None]
    """
    if 0 <= cell < extent:
        return cell
    if extent == 0 or border not in REPEATING:
        return None
    if border == "circular":
        return cell % extent
    if border == "replicate":
        return 0 if cell < 0 else extent - 1
    period = 2 * (extent - 1)
    if period == 0:
        return 0
    folded = cell % period
    return min(folded, period - folded)


def held(sized: Sized, number: int, place: int, cell: int) -> int | None:
    """The cell of array `number` (-1: the result) that `cell` stands for along axis `place`, or None where it stands for none."""
    slide = sized.slides.get((number, place))
    return cell if slide is None else source(cell, slide.extent, slide.border)


def constant(border: Border) -> complex:
    """The number that stands in a constant border: 0 for "zero"."""
    return 0 if isinstance(border, str) else border
