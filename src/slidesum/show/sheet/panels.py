"""Which values the sheet *Explain* tells, and how many formulas that takes: known before anything is written.

Of every layer that is an equation it tells the value farthest from 0, layer after layer while there is room; a value of more than
1,000 terms is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.axis import Merged
from slidesum.core.ops import Layer
from slidesum.core.sized import Sized
from slidesum.show.sheet.layout import LayerSheet, Layout
from slidesum.show.sheet.live import Terms, terms_of
from slidesum.show.sheet.part import Part
from slidesum.show.term import Place

MOST_TERMS = 1000
MOST_FORMULAS = 20_000
"""The sheet has so many formulas at most."""


@dataclass(frozen=True)
class Panel:
    """One layer on the sheet, with the place that stands there at first."""

    sheet: LayerSheet
    at: Place
    terms: Terms

    @property
    def sized(self) -> Sized:
        return self.terms.sized

    @property
    def columns(self) -> int:
        """How many columns of a term's row are formulas: positions, addresses, factors, their product."""
        return len(self.terms.solved) + len(self.terms.addresses) + len(self.sized.equation.operands) + 1

    @property
    def width(self) -> int:
        return len(self.terms.loops) + self.columns

    @property
    def formulas(self) -> int:
        """Those of the terms, of the indices that share an axis, and of the ledger above: sum, bias, value, activation, sheet."""
        equation = self.sized.equation
        split = sum(len(axis.names) for axis in equation.result.axes if isinstance(axis, Merged))
        ledger = 3 + (equation.bias is not None) + (self.sheet.follower is not None)
        return self.terms.count * self.columns + split + ledger


@dataclass(frozen=True)
class Panels:
    """Those that are written, and the layers for which there is no room."""

    written: tuple[Panel, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def formulas(self) -> int:
        return sum(panel.formulas for panel in self.written)


def panels_of(layout: Layout, part: Part, maps: Mapping[str, Any], room: int) -> Panels:
    """A panel a layer while there is room for so many formulas; `maps` are the numbers of a run."""
    if not part.formulas:
        return Panels()
    room = min(room, MOST_FORMULAS)
    written, left_out = [], []
    for sheet in layout.sheets:
        if not sheet.live or not isinstance(sheet.node.op, Layer) or not sheet.result.size:
            continue
        panel = _panel(sheet, maps[sheet.shown])
        if panel is None or panel.terms.count > MOST_TERMS or panel.formulas > room:
            left_out.append(sheet.node.name)
        else:
            written.append(panel)
            room -= panel.formulas
    return Panels(tuple(written), tuple(left_out))


def _panel(sheet: LayerSheet, result: Any) -> Panel | None:
    assert sheet.node.sized is not None
    at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(result))), np.shape(result)))
    terms = terms_of(sheet.node.sized, at)
    return None if terms is None else Panel(sheet, at, terms)
