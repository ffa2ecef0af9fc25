"""The terms of one value as rectangles of cells.

A term names a cell for every factor (or a number, where the border stands). Terms that follow each other become one patch while
every factor either moves by one column, all together, or stands still; lines of the same kind below each other become a rectangle.

    >>> x = [(r, c) for r in (4, 5) for c in (7, 8, 9)]
    >>> w = [(r, c) for r in (0, 1) for c in (0, 1, 2)]
    >>> patches(zip(x, w))
    [Patch(starts=((4, 7), (0, 0)), rows=2, columns=3, moves=(True, True))]
    >>> patches(zip([(4, 7), (4, 9)], [(0, 0), (0, 1)]))  # a dilated window has gaps: two terms
    [Patch(starts=((4, 7), (0, 0)), rows=1, columns=1, moves=(False, False)), \
Patch(starts=((4, 9), (0, 1)), rows=1, columns=1, moves=(False, False))]

A patch becomes text when it is known how far each factor has been moved from where it was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slidesum.show.sheet.area import Cell
from slidesum.show.sheet.names import cell, span

Factor = Cell | float
RIGHT, DOWN, STILL = (0, 1), (1, 0), (0, 0)


@dataclass(frozen=True, slots=True)
class Patch:
    """`rows` × `columns` terms: where each factor begins, and which factors move; the others stay where they are."""

    starts: tuple[Factor, ...]
    rows: int
    columns: int
    moves: tuple[bool, ...]


def patches(terms: Iterable[Sequence[Factor]]) -> list[Patch]:
    """The terms in their order, as few patches as that order gives."""
    found: list[Patch] = []
    for line in _lines(terms):
        joined = _below(found[-1], line) if found else None
        if joined is None:
            found.append(line)
        else:
            found[-1] = joined
    return found


def _lines(terms: Iterable[Sequence[Factor]]) -> Iterable[Patch]:
    line: Patch | None = None
    last: Sequence[Factor] = ()
    for term in terms:
        if line is not None:
            moves = _moves(last, term, RIGHT)
            if moves is not None and (line.columns == 1 or moves == line.moves):
                line = replace(line, columns=line.columns + 1, moves=moves)
                last = term
                continue
            yield line
        line, last = Patch(tuple(term), 1, 1, (False,) * len(term)), term
    if line is not None:
        yield line


def _below(block: Patch, line: Patch) -> Patch | None:
    if line.columns != block.columns:
        return None
    end = tuple(
        (start[0] + block.rows - 1, start[1]) if moves and isinstance(start, tuple) else start
        for start, moves in zip(block.starts, block.moves, strict=True)
    )
    moves = _moves(end, line.starts, DOWN)
    is_single = block.rows == block.columns == 1
    if moves is None or not (is_single or moves == block.moves) or (line.columns > 1 and line.moves != moves):
        return None
    return replace(block, rows=block.rows + 1, moves=moves)


def _moves(before: Sequence[Factor], after: Sequence[Factor], step: Cell) -> tuple[bool, ...] | None:
    """Which factors made this step; None if one made another, or none moved."""
    moves = []
    for a, b in zip(before, after, strict=True):
        if isinstance(a, float) or isinstance(b, float):
            if a != b:
                return None
            moves.append(False)
            continue
        made = (b[0] - a[0], b[1] - a[1])
        if made != step and made != STILL:
            return None
        moves.append(made == step)
    return tuple(moves) if any(moves) else None


def product_text(patch: Patch, sheets: Sequence[str], shifts: Sequence[Cell]) -> str:
    """The sum of the products in a patch; `sheets` are what stands before a cell of each factor, `shifts` how far it was moved.

    >>> product_text(Patch(((4, 7), (0, 0)), 2, 3, (True, True)), ["'pool'!", ""], [(0, 0), (0, 0)])
    "SUMPRODUCT('pool'!H5:J6,A1:C2)"
    >>> product_text(Patch(((4, 7), (0, 0)), 2, 3, (True, False)), ["", ""], [(1, 0), (0, 0)])
    'A1*SUM(H6:J7)'
    """
    moving: list[str] = []
    still: list[str] = []
    for factor, moves, sheet, shift in zip(patch.starts, patch.moves, sheets, shifts, strict=True):
        text = _text(factor, patch if moves else None, sheet, shift)
        (moving if moves else still).append(text)
    if len(moving) > 1:
        still.append(f"SUMPRODUCT({','.join(moving)})")
    elif moving:
        still.append(f"SUM({moving[0]})")
    return "*".join(still)


def range_text(patch: Patch, number: int, sheet: str, shift: Cell) -> str:
    """The cells of one factor."""
    return _text(patch.starts[number], patch if patch.moves[number] else None, sheet, shift)


def _text(factor: Factor, patch: Patch | None, sheet: str, shift: Cell) -> str:
    if isinstance(factor, float):
        return repr(factor) if factor >= 0 else f"({factor!r})"
    row, column = factor[0] + shift[0], factor[1] + shift[1]
    if patch is None:
        return f"{sheet}{cell(row, column)}"
    return f"{sheet}{span(row, column, row + patch.rows - 1, column + patch.columns - 1)}"
