"""Figures of matplotlib: a blank one, and one written as a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from slidesum.errors import needed
from slidesum.read.atomic import write_atomically

INK, PALE = "#222222", "#8a8a8a"

_UNDATED: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""The same figure gives the same bytes."""


def blank() -> Any:
    """A white Figure, which no window shows. Raises MissingPackage without matplotlib."""
    figure = needed("matplotlib.figure", "the plot is drawn by matplotlib", "train").Figure(
        dpi=150, layout="constrained", facecolor="white"
    )
    needed("matplotlib.backends.backend_agg", "the plot is drawn by matplotlib", "train").FigureCanvasAgg(figure)
    return figure


def save(figure: Any, target: Path) -> None:
    """Write it as what the name ends in, atomically. Raises FileError where it can't be written."""
    kind = target.suffix.lower()
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind[1:], metadata=_UNDATED.get(kind))
    write_atomically(target, buffer.getvalue())
