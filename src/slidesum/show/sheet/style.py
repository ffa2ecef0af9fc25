"""How cells look: one place for colours, sizes and number formats.

Numbers that may be changed are blue, computed ones black. A map that has negative numbers goes from blue over white, which is 0, to
red; another one from white to red; the image from white to black. All maps of a layer have one scale, so that a colour means the
same number on all of them.
"""

from __future__ import annotations

from typing import Any

SQUARE = 32
"""Pixels: the width and height of a cell."""
LABELS, INNER = 104, 46
"""Pixels: the width of the labels on the left, and of those between two arrays."""

INK, GREY, BLUE, LINK, PALE = "#1F2328", "#6E7781", "#1F4E9E", "#0B63B5", "#F3F5F8"
NEGATIVE, ZERO, POSITIVE, DARK = "#5B9BD5", "#FFFFFF", "#F0776C", "#8A8F98"

_BASE = {"font_name": "Arial", "font_size": 8, "font_color": INK, "valign": "vcenter"}
_EDGE = {"border": 1, "border_color": "#E4E8ED"}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"font_size": 15, "bold": True},
    "plain": {"font_size": 10},
    "note": {"font_size": 9, "font_color": GREY},
    "heading": {"font_size": 9, "bold": True},
    "label": {"font_color": GREY, "align": "right", "indent": 1},
    "above": {"font_color": GREY, "align": "center"},
    "link": {"font_size": 9, "font_color": LINK},
    "label_link": {"font_color": LINK, "align": "right", "indent": 1},
    "big": {"font_size": 26, "bold": True, "align": "left"},
    "head": {"font_size": 9, "bold": True, "bg_color": PALE, "bottom": 1, "bottom_color": "#C9CFD6", "text_wrap": True},
    "head_middle": {"font_size": 9, "bold": True, "bg_color": PALE, "bottom": 1, "bottom_color": "#C9CFD6", "align": "center"},
    "head_right": {"font_size": 9, "bold": True, "bg_color": PALE, "bottom": 1, "bottom_color": "#C9CFD6", "align": "right"},
    "row": {"font_size": 10},
    "row_right": {"font_size": 10, "align": "right"},
    "aside": {"font_size": 9, "font_color": GREY, "indent": 1},
    "total_label": {"font_size": 10, "bold": True, "top": 1},
    "row_link": {"font_size": 10, "font_color": LINK},
    "count": {"font_size": 10, "num_format": "#,##0", "align": "right"},
    "percent": {"font_size": 10, "num_format": "0.0", "align": "right"},
    "total": {"font_size": 10, "bold": True, "num_format": "#,##0", "top": 1, "align": "right"},
    "size": {
        "align": "center",
        "font_size": 10,
        "num_format": "#,##0",
        "font_color": BLUE,
        "bg_color": "#FFFBE6",
        "border": 1,
        "border_color": "#E3D9A8",
    },
    "typed": {
        "font_size": 11,
        "bold": True,
        "num_format": "0",
        "font_color": BLUE,
        "bg_color": "#FFFBE6",
        "border": 1,
        "border_color": "#E3D9A8",
        "align": "center",
    },
    "exact": {"font_size": 9, "num_format": "0.000000", "align": "right"},
    "exact_bold": {"font_size": 10, "bold": True, "num_format": "0.000000", "align": "right", "top": 1},
    "index": {"font_size": 9, "num_format": "0", "font_color": GREY, "align": "center"},
    "share": {"font_size": 10, "num_format": "0.0%", "align": "right"},
}


class Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._made: dict[Any, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._format(name, {**_BASE, **_STYLES[name]})

    def number(self, largest: float, *, editable: bool) -> Any:
        """For the cells of an array whose numbers are at most so large."""
        digits = next((d for limit, d in ((10, "0.00"), (100, "0.0"), (10_000, "0")) if largest < limit), "0E+0")
        told = f"{digits};-{digits};0"
        colour = BLUE if editable else INK
        look = {"font_size": 7, "num_format": told, "font_color": colour, "align": "center"}
        return self._format((told, colour), {**_BASE, **_EDGE, **look})

    def _format(self, key: Any, properties: dict[str, Any]) -> Any:
        if key not in self._made:
            self._made[key] = self._workbook.add_format(properties)
        return self._made[key]


def printed(page: Any, *, wide: bool, pages: int = 0) -> None:
    """On paper: as wide as a page, on so many pages down (0: as many as it takes)."""
    page.set_paper(9)
    if wide:
        page.set_landscape()
    page.set_margins(0.4, 0.4, 0.4, 0.4)
    page.fit_to_pages(1, pages)


def scale(smallest: float, largest: float, *, image: bool = False) -> dict[str, Any]:
    """The colour scale of an array with these extreme numbers."""
    most = max(abs(smallest), abs(largest)) or 1.0
    if smallest < 0 and not image:
        return {
            "type": "3_color_scale",
            "min_type": "num",
            "mid_type": "num",
            "max_type": "num",
            "min_value": -most,
            "mid_value": 0,
            "max_value": most,
            "min_color": NEGATIVE,
            "mid_color": ZERO,
            "max_color": POSITIVE,
        }
    low, high = (smallest, largest if largest > smallest else smallest + 1.0) if image else (0.0, most)
    return {
        "type": "2_color_scale",
        "min_type": "num",
        "max_type": "num",
        "min_value": low,
        "max_value": high,
        "min_color": ZERO,
        "max_color": DARK if image else POSITIVE,
    }
