"""How a cost grows, as a picture: multiples of the declared network on logarithmic axes, where a power is a straight line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slidesum.draft.grow import SYMBOLS
from slidesum.errors import UsageError
from slidesum.show.figure import INK, PALE, blank, save
from slidesum.show.formula import pretty

if TYPE_CHECKING:
    from slidesum.show.cost import Cost

# Okabe and Ito's colours, told apart by everybody; shapes differ as well.
STYLES = {"parameters": ("#0072B2", "o"), "macs": ("#D55E00", "s"), "activation_bytes": ("#009E73", "^")}
WORDS = {symbol: word for word, symbol in SYMBOLS.items()}
SUFFIXES = (".png", ".svg")


def plot(cost: Cost, path: str | Path) -> Path:
    """Write the picture as PNG or SVG; of several variables the first is drawn, the others being 1.

    Raises UsageError for another kind of file and where there are fewer than two points, MissingPackage without matplotlib,
    FileError where nothing can be written.
    """
    from slidesum.show.cost import TITLES

    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a plot is a .png or a .svg, not {target.name!r}", advice="Name the file cost.png or cost.svg.")
    name = cost.variables[0]
    rows = [row for row in cost.points if all(row[other] == 1 for other in cost.variables[1:])]
    if len(rows) < 2:
        raise UsageError("a plot needs at least two points", advice="Give more of them, as in --at 0.5,1,2.")
    figure = blank()
    figure.set_size_inches(7.2, 5.4)
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes = figure.subplots()
    places = [float(row[name]) for row in rows]
    declared = cost.grown.counted({})
    for key, (colour, marker) in STYLES.items():
        if declared[key]:
            heights = [row[key] / declared[key] for row in rows]
            exponents = cost.exponents.get(key, {}).get(name)
            slope = f", here as {name}^{exponents[1]:.2f}" if exponents and exponents[0] else ", stays" if exponents else ""
            axes.plot(places, heights, color=colour, marker=marker, label=f"{TITLES[key]}{slope}", lw=1.8, ms=6)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}×"))
        axis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.set_xlabel(f"{WORDS[name]} {name}", color=INK)
    axes.set_ylabel("multiples of the declared network", color=INK)
    axes.grid(color="#dddddd", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    size = f"{pretty(declared['parameters'])} parameters, {pretty(declared['macs'])} multiply-adds"
    axes.set_title(f"{cost.graph.name}, declared: {size}", loc="left", fontsize=9.5, color=PALE)
    save(figure, target)
    return target
