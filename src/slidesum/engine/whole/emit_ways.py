"""Filters in a given way, as parts: one `match` for all ways."""

from __future__ import annotations

from typing import Any

from slidesum.engine.whole.candidates import Setting
from slidesum.engine.whole.emit_depthwise import depthwise_part
from slidesum.engine.whole.emit_filters import direct_parts
from slidesum.engine.whole.emit_winograd import bias_in_blocks, filters_in_frequencies, winograd_part
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Part
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Mapwise, Summed, Transformed, Way

Array = Any


def parts_of(
    work: Filters,
    x: Spot,
    y: Spot,
    other: Spot | None,
    way: Way,
    setting: Setting,
    level: int,
    transformed: Array | None = None,
) -> tuple[list[Part], int]:
    """The parts, and the values of scratch that a thread needs; `transformed` are the filters in frequencies, if they are known."""
    host, threads = setting.host, setting.threads
    match way:
        case Summed():
            return direct_parts(work, x, y, other, way, host, threads, level, setting.width), 0
        case Transformed():
            if transformed is None:
                transformed = filters_in_frequencies(work, way, x.maps, y.maps)
            arrays = transformed, bias_in_blocks(work, y.maps)
            part, scratch = winograd_part(work, x, y, other, way, arrays, host, level)
            return [part], scratch
        case Mapwise():
            return [depthwise_part(work, x, y, way, host, threads, level)], 0
