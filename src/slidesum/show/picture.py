"""A small grey image in a terminal: two characters a pixel, from blank to full block."""

from __future__ import annotations

from typing import Any

_SHADES = " ░▒▓█"


def drawn(image: Any, mark: tuple[int, int] | None = None) -> str:
    """The image as lines of text, its smallest value blank and its largest a full block; `mark` brackets one pixel.

    >>> print(drawn([[0, 1], [1, 0]]))
      ██
    ██
    """
    rows = [[float(v) for v in row] for row in image]
    low, high = min(map(min, rows)), max(map(max, rows))
    scale = (len(_SHADES) - 1) / (high - low) if high > low else 0.0
    lines = []
    for i, row in enumerate(rows):
        cells = [_SHADES[round((value - low) * scale)] * 2 for value in row]
        if mark is not None and mark[0] == i:
            cells[mark[1]] = "[]"
        lines.append("".join(cells).rstrip())
    return "\n".join(lines)
