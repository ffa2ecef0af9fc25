"""A comparison as a picture: accuracy against parameters, and against multiply-adds."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slidesum.errors import UsageError
from slidesum.read.atomic import write_atomically
from slidesum.train.compare import Comparison, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by everybody; shapes differ as well.
STYLES = {"1": ("#D55E00", "s"), "2.1": ("#0072B2", "^"), "2.2": ("#009E73", "o")}
INK, PALE = "#222222", "#8a8a8a"


def plot(comparison: Comparison, path: str | Path) -> Path:
    """Write the picture as PNG; returns the path.

    The lines are standard errors of a share measured on so many images: points whose lines overlap can't be told apart by this
    test. Raises UsageError where nothing was measured or matplotlib isn't installed, FileError where nothing can be written.
    """
    rows = [row for row in comparison.rows if row.accuracy is not None]
    if not rows:
        raise UsageError("there is nothing to plot: no epoch was finished", advice="Train for at least one epoch.")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "the plot is drawn by matplotlib, which isn't installed", advice="Install it: pip install 'slidesum[train]'."
        ) from None
    epochs = [row.epochs for row in rows]
    trained = f"{min(epochs)}" if len(set(epochs)) == 1 else f"{min(epochs)} to {max(epochs)}"
    figure = Figure(figsize=(10.4, 5.2), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, rows, [row.parameters for row in rows], "parameters (weights and biases)", comparison.test_images)
    _panel(right, rows, [row.macs for row in rows], "multiply-adds for one image", comparison.test_images)
    left.set_ylabel("held-out images named right", color=INK)
    right.tick_params(axis="y", length=0)
    settings = comparison.settings
    figure.suptitle("Three equations for the same two layers, trained alike", x=0.012, ha="left", color=INK, fontsize=14)
    left.set_title(
        f"{comparison.data}: {comparison.test_images} held-out images, {trained} epochs, seed {settings.seed}",
        loc="left",
        fontsize=9.5,
        color=PALE,
        pad=10,
    )
    right.set_title(
        "bars: one standard error up and down; where they overlap, chance may decide", loc="right", fontsize=9.5, color=PALE, pad=10
    )
    handles, _ = left.get_legend_handles_labels()
    names = [f"type {row.type}:  {row.equation}" for row in rows]
    figure.legend(handles, names, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5, labelcolor=INK, columnspacing=2.5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": "slidesum"})
    write_atomically(Path(path), buffer.getvalue())
    return Path(path)


def _panel(axes: Axes, rows: Sequence[Row], costs: Sequence[int], label: str, images: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

    shares = [row.accuracy or 0.0 for row in rows]
    errors = [standard_error(share, images) for share in shares]
    low = max(0.0, min(s - 1.7 * e for s, e in zip(shares, errors, strict=True)) - 0.001)
    high = max(s + 1.7 * e for s, e in zip(shares, errors, strict=True)) + 0.001
    labels = apart(shares, (high - low) * 0.055)
    for row, cost, share, error, beside in zip(rows, costs, shares, errors, labels, strict=True):
        colour, marker = STYLES.get(row.type, (INK, "o"))
        axes.errorbar(cost, share, yerr=error, color=colour, elinewidth=2, alpha=0.35, zorder=2)
        axes.plot(
            cost, share, marker=marker, color=colour, markersize=10, markeredgecolor="white", linestyle="", zorder=3, label=row.type
        )
        axes.annotate(
            f"type {row.type}: {share:.1%}",
            (cost, beside),
            xytext=(11, 0),
            textcoords="offset points",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
            color=colour,
            fontsize=10.5,
            fontweight="bold",
            zorder=4,
        )
    axes.set_xlim(0, max(costs) * 1.42)
    axes.set_ylim(low, high)
    axes.set_xlabel(label, color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.grid(True, which="major", color="#e8e8e8", linewidth=0.8, zorder=0)
    axes.tick_params(colors=INK, which="both", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALE)


def apart(heights: Sequence[float], least: float) -> list[float]:
    """The heights moved as little as needed for neighbours to be `least` apart, their order and their middle kept.

    >>> apart([1.0, 3.0, 1.0], 1.0)
    [0.5, 3.0, 1.5]
    """
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    groups: list[tuple[list[int], float]] = []
    for place in order:
        group, middle = [place], heights[place]
        while groups and middle - groups[-1][1] < least * (len(group) + len(groups[-1][0])) / 2:
            before, there = groups.pop()
            middle = (there * len(before) + middle * len(group)) / (len(before) + len(group))
            group = before + group
        groups.append((group, middle))
    found = {k: middle + (n - (len(group) - 1) / 2) * least for group, middle in groups for n, k in enumerate(group)}
    return [found[k] for k in range(len(heights))]


def standard_error(share: float, images: int) -> float:
    """Of a share measured on so many images; one image where the share is 0 or 1.

    >>> round(standard_error(0.98, 450), 4)
    0.0066
    """
    return max(1.0 / images, math.sqrt(share * (1 - share) / images))


def short(value: Any) -> str:
    """A count on an axis.

    >>> [short(n) for n in (300, 2000, 25000, 1_500_000)]
    ['300', '2k', '25k', '1.5M']
    """
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
