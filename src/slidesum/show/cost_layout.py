"""How a cost grows, in a terminal, by Rich."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slidesum.show.columns import GAP, Column, grid, kept
from slidesum.show.formula import broken, pretty

if TYPE_CHECKING:
    from slidesum.show.cost import Cost

INDENT = 2


class _ByWidth:
    """Drawn when the width is known."""

    def __init__(self, cost: Cost) -> None:
        self.cost = cost

    def __rich_console__(self, console: Console, options: Any) -> Any:
        yield _drawn(self.cost, options.max_width - INDENT)


def cost_text(cost: Cost) -> Any:
    """The formulas with their exponents, the points, and what to know about them."""
    return _ByWidth(cost)


def _drawn(cost: Cost, width: int) -> Any:
    from slidesum.show.cost import MEANING

    head = Text(f"{cost.graph.name}: how its cost grows", style="bold")
    parts: list[Any] = [head]
    parts += [Padding(Text(MEANING[word], style="dim"), (0, 0, 0, INDENT)) for word in cost.grown.vary]
    parts.append(Padding(_formulas(cost, width), (1, 0, 0, INDENT)))
    columns, rows = cost.drawn()
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    less = ("result bytes", "backward", "parameters ×", "parameters", "multiply-adds ×")
    points = kept([Column(title, cells[k]) for k, (title, _) in enumerate(columns)], width, less)
    parts.append(Padding(grid(points, width), (1, 0, 0, INDENT)))
    parts += [Padding(Text(f"note  {note}", style="yellow"), (0, 0, 0, INDENT)) for note in cost.notes]
    if cost.text:
        parts.append(Padding(Text(cost.text), (1, 0, 0, INDENT)))
    return Group(*parts)


def _formulas(cost: Cost, width: int) -> Any:
    """A formula a line, with its exponents behind it."""
    from slidesum.show.cost import TITLES, power

    lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
    lines.add_column(style="bold", no_wrap=True)
    lines.add_column(overflow="fold")
    room = width - GAP - max(map(len, TITLES.values()))
    if cost.grown.formulas is None:
        name = cost.variables[0]
        for key, fit in cost.fit.items():
            terms = [f"{c:.4g}·{name}**{len(fit.coefficients) - 1 - k}" for k, c in enumerate(fit.coefficients)]
            lines.add_row(TITLES[key], Text(broken(f"≈ {pretty(' + '.join(terms))}", room) + f"   within {100 * fit.error:.2g}%"))
        return lines
    for key, formula in cost.polynomial.items():
        found = cost.exponents[key].items()
        grows = [f"grows as {power(v, leading)}, here as {v}^{local:.2f}" for v, (leading, local) in found if leading]
        lines.add_row(TITLES[key], Text(f"{broken(grouped(formula), room)}\n") + Text("; ".join(grows) or "stays", style="dim"))
    return lines


def grouped(formula: Any) -> str:
    """The formula with its large numbers in groups of three digits.

    >>> from slidesum.core.sizes import size
    >>> grouped(size("1234567*a**2 + 12*a"))
    '1,234,567·a² + 12·a'
    """
    text = str(formula) if isinstance(formula, int) else pretty(formula)
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits.group()):,}", text)
