"""How the work is cut into tasks, as one array of numbers that the code reads: sizes, steps, and tables of planes and taps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.engine.choice import Tile, chosen
from slidesum.engine.host import Host
from slidesum.engine.problem import Problem

COPY = 2**18
"""Bytes of the copy of x that a task makes, if it can be as few: they stay in the second-level cache."""
SMALLEST = 2**17
"""Multiply-adds below which a task isn't worth a thread."""

SLOTS = (
    *("tasks", "chunks", "groups", "channels", "filters", "rows", "outer", "mid", "inner"),
    *("x_batch", "x_group", "x_channel", "x_outer", "x_mid", "x_inner"),
    *("w_group", "w_filter", "w_channel", "w_outer"),
    *("cells_outer", "cells_mid", "cells_inner", "stride_outer", "stride_mid", "stride_inner"),
    *("reach_outer", "reach_mid", "reach_inner", "row", "layer", "plane", "planes", "copy_channel", "copy_size"),
    *("padding_outer", "taps", "taps_outer", "span", "span_stored", "at_planes", "at_taps", "at_weights", "scratch"),
    *("w_inner", "taps_mid", "taps_inner", "filters_at_once", "channels_at_once", "channel_parts"),
)
"""The names of the first numbers; tables of planes and taps follow."""


@dataclass(frozen=True)
class Layout:
    """What a call needs beside its arrays: the kernel, the numbers that the code reads, the bytes of scratch a thread."""

    tile: Tile
    numbers: np.ndarray[Any, Any]
    tasks: int
    scratch: int


def laid_out(problem: Problem, host: Host, itemsize: int, threads: int) -> Layout:
    """The cheapest tile, and the tasks for so many threads."""
    lanes = host.bytes_wide // itemsize
    tile = chosen(problem, host, lanes)
    if tile.kind == "reduce":
        return _reducing(problem, tile, lanes, itemsize, threads)
    rows = _rows(problem, tile, itemsize, threads)
    plane = problem.plane(rows, lanes * (tile.wide + 2))
    taps = problem.tap_entries(plane)
    span = (rows - 1) * problem.layer + (problem.positions[1] - 1) * problem.row + problem.positions[2]
    stored = max(-(-span // lanes), tile.wide) * lanes
    copied = problem.channels * plane * len(problem.planes)
    copied = -(-copied // 16) * 16
    scratch = copied + (tile.high * stored if tile.kind == "flat" else 0)
    chunks = -(-problem.positions[0] // rows)
    if tile.kind == "band":  # the tap along the outer axis is a loop of its own
        taps = taps[: len(taps) // problem.taps[0]]
    numbers = _numbers(
        problem,
        taps,
        tasks=problem.members * chunks,
        chunks=chunks,
        rows=rows,
        plane=plane,
        copy_channel=plane * len(problem.planes),
        copy_size=copied,
        span=span,
        span_stored=stored,
        scratch=scratch,
    )
    return Layout(tile, numbers, problem.members * chunks, scratch * itemsize)


def _reducing(problem: Problem, tile: Tile, lanes: int, itemsize: int, threads: int) -> Layout:
    rows = problem.positions[0]
    plane = problem.plane(rows, 3 * lanes)
    one = plane * len(problem.planes)
    channels = max(1, min(problem.channels, 4 * COPY // (one * itemsize)))
    blocks = -(-problem.filters // tile.high)
    wanted = 1 if problem.members >= 2 * threads else min(blocks, 2 * threads, max(1, problem.macs // problem.members // SMALLEST))
    filters = -(-blocks // wanted) * tile.high
    chunks = -(-problem.filters // filters)
    taps = problem.tap_entries(plane)[:: problem.taps[2]]
    numbers = _numbers(
        problem,
        taps,
        tasks=problem.members * chunks,
        chunks=chunks,
        rows=rows,
        plane=plane,
        copy_channel=one,
        copy_size=channels * one,
        scratch=channels * one,
        filters_at_once=filters,
        channels_at_once=channels,
        channel_parts=-(-problem.channels // channels),
    )
    return Layout(tile, numbers, problem.members * chunks, channels * one * itemsize)


def _numbers(problem: Problem, taps: list[tuple[int, int]], **others: int) -> np.ndarray[Any, Any]:
    p = problem
    at_planes = len(SLOTS)
    at_taps = at_planes + 4 * len(p.planes)
    known = {
        "groups": p.groups,
        "channels": p.channels,
        "filters": p.filters,
        **dict(zip(("outer", "mid", "inner"), p.positions, strict=True)),
        **dict(zip(("x_batch", "x_group", "x_channel", "x_outer", "x_mid", "x_inner"), p.x_steps, strict=True)),
        **dict(zip(("w_group", "w_filter", "w_channel", "w_outer"), p.w_steps[:4], strict=True)),
        **dict(zip(("cells_outer", "cells_mid", "cells_inner"), p.cells, strict=True)),
        **dict(zip(("stride_outer", "stride_mid", "stride_inner"), p.strides, strict=True)),
        **dict(zip(("reach_outer", "reach_mid", "reach_inner"), p.reaches, strict=True)),
        "row": p.row,
        "layer": p.layer,
        "planes": len(p.planes),
        "padding_outer": p.padding[0],
        "taps": len(taps),
        "taps_outer": p.taps[0],
        "taps_mid": p.taps[1],
        "taps_inner": p.taps[2],
        "w_inner": p.w_steps[5],
        "at_planes": at_planes,
        "at_taps": at_taps,
        "at_weights": at_taps + len(taps),
        **others,
    }
    planes = [
        number
        for k, phase in enumerate(p.planes)
        for number in (k * known["plane"], *(r - pad for r, pad in zip(phase, p.padding, strict=True)))
    ]
    slots = [known.get(name, 0) for name in SLOTS]
    return np.array([*slots, *planes, *(entry for entry, _ in taps), *(weight for _, weight in taps)], np.int64)


def _rows(problem: Problem, tile: Tile, itemsize: int, threads: int) -> int:
    """Positions along the outer axis that one task computes."""
    outer, least = problem.positions[0], tile.high if tile.kind == "band" else 1
    bytes_a_row = problem.channels * len(problem.planes) * problem.layer * itemsize
    fitting = max(least, COPY // max(1, bytes_a_row) - problem.reaches[0])
    wanted = 1 if problem.members >= 2 * threads else max(1, min(2 * threads, problem.macs // problem.members // SMALLEST))
    chunks = max(-(-outer // fitting), min(wanted, outer // least))
    rows = max(least, -(-outer // chunks))
    return -(-rows // least) * least if outer >= least else outer
