"""The ten centres of LeNet-5's output units: digits on a grid of 12 rows and 7 columns, +1 for ink and -1 for paper.

LeCun et al. 1998 designed such pictures by hand (section II.B, Figure 3) so that characters which look alike have codes which are
alike. The print shows the figure but no numbers, and no list of them was ever published. **These pictures are our drawing in the
manner of the figure, not a copy of it.** Nothing that is counted depends on them: whatever the pictures, a unit has 84 inputs.

    >>> len(BITMAPS), {len(bitmap) for bitmap in BITMAPS}, {value for bitmap in BITMAPS for value in bitmap} == {1.0, -1.0}
    (10, {84}, True)
    >>> print(drawn(BITMAPS[7]))
    #######
    #######
    .....##
    .....##
    ....##.
    ....##.
    ...##..
    ...##..
    ..##...
    ..##...
    ..##...
    ..##...
"""

from __future__ import annotations

ROWS, COLUMNS = 12, 7

_DIGITS = """
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.#####. ..###.. ####### ####### ...###. ####### .#####. ####### ####### #######
##...## .####.. ##...## ##...## ...###. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. .##.##. ######. ######. ....##. .#####. #######
##...## ...##.. ...##.. ..####. .#..##. ####### ####### ...##.. .#####. .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## .....##
.#####. .###### ####### ####### ....##. ####### ####### ..##... ####### .#####.
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
"""


def _read(art: str) -> tuple[tuple[float, ...], ...]:
    lines = [line.split() for line in art.split("\n") if line]
    return tuple(tuple(1.0 if cell == "#" else -1.0 for line in lines for cell in line[digit]) for digit in range(len(lines[0])))


BITMAPS: tuple[tuple[float, ...], ...] = _read(_DIGITS)
"""One row of 84 numbers a digit, read line by line from the top left."""


def drawn(bitmap: tuple[float, ...]) -> str:
    """A bitmap as text again; what F6 of a trained network says can be looked at in the same way."""
    cells = ["#" if value > 0 else "." for value in bitmap]
    return "\n".join("".join(cells[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS))
