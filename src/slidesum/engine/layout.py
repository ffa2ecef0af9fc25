"""Which micro-kernel, how large its tile, and how the work is cut into tasks; all of it as one array of numbers for the code.

rows      tile of filters × vectors along a row of y, written where it belongs
flat      the same along all rows of the copy at once, what lies between them included; then put in its place row by row.
          Less is wasted at the ends of short rows
band      tile of rows of y × vectors, for few filters: every vector of x is used for several rows
reduce    tile of filters × positions, for more taps than positions (gradients by filters): vectors run along the taps, their
          lanes are summed at the end
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.problem import Problem

Kind = Literal["rows", "flat", "band", "reduce"]
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


@dataclass(frozen=True, slots=True)
class Tile:
    """The micro-kernel and its tile: `high` filters (or rows) × `wide` vectors (or positions)."""

    kind: Kind
    high: int
    wide: int


@dataclass(frozen=True)
class Layout:
    """What a call needs beside its arrays: the kernel, the numbers that the code reads, the bytes of scratch a thread."""

    tile: Tile
    numbers: np.ndarray
    tasks: int
    scratch: int


def laid_out(problem: Problem, host: Host, itemsize: int, threads: int) -> Layout:
    """The cheapest tile, and the tasks for so many threads."""
    lanes = host.bytes_wide // itemsize
    tile = min(_tiles(problem, host, lanes), key=lambda entry: entry[0])[1]
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


def _numbers(problem: Problem, taps: list[tuple[int, int]], **others: int) -> np.ndarray:
    p = problem
    at_planes = len(SLOTS)
    at_taps = at_planes + 4 * len(p.planes)
    known = {
        **{"groups": p.groups, "channels": p.channels, "filters": p.filters},
        **dict(zip(("outer", "mid", "inner"), p.positions, strict=True)),
        **dict(zip(("x_batch", "x_group", "x_channel", "x_outer", "x_mid", "x_inner"), p.x_steps, strict=True)),
        **dict(zip(("w_group", "w_filter", "w_channel", "w_outer"), p.w_steps[:4], strict=True)),
        **dict(zip(("cells_outer", "cells_mid", "cells_inner"), p.cells, strict=True)),
        **dict(zip(("stride_outer", "stride_mid", "stride_inner"), p.strides, strict=True)),
        **dict(zip(("reach_outer", "reach_mid", "reach_inner"), p.reaches, strict=True)),
        **{"row": p.row, "layer": p.layer, "planes": len(p.planes), "padding_outer": p.padding[0]},
        **{"taps": len(taps), "taps_outer": p.taps[0], "taps_mid": p.taps[1], "taps_inner": p.taps[2], "w_inner": p.w_steps[5]},
        **{"at_planes": at_planes, "at_taps": at_taps, "at_weights": at_taps + len(taps)},
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


def _tiles(problem: Problem, host: Host, lanes: int) -> Iterator[tuple[float, Tile]]:
    """Tiles that fit the registers and the problem, each with an estimate of its cycles."""
    outer, mid, inner = problem.positions
    for high in range(1, 9):
        for wide in range(1, 13):
            if high * wide + min(high, wide) + 1 >= host.vectors:
                continue
            if problem.taps[2] > inner and problem.dilations[2] == problem.strides[2] == 1 and problem.w_steps[5] == 1:
                if high <= problem.filters and wide <= inner:
                    vectors = -(-problem.taps[2] // lanes)
                    tiles = -(-problem.filters // high) * outer * mid * -(-inner // wide)
                    yield (
                        tiles * vectors * problem.taps[0] * problem.taps[1] * _turn(high, wide, 1.5 * (high + wide)),
                        Tile("reduce", high, wide),
                    )
                continue
            work = problem.channels * math.prod(problem.taps)
            vectors = -(-inner // lanes)
            if high <= problem.filters and wide <= vectors:
                tiles = -(-problem.filters // high) * outer * mid * -(-vectors // wide)
                yield tiles * (work * _turn(high, wide, high + 1.5 * wide + 2) + 8 * high), Tile("rows", high, wide)
            span = (outer - 1) * problem.layer + (mid - 1) * problem.row + inner
            vectors = -(-span // lanes)
            if high <= problem.filters and wide <= vectors and set(problem.strides):
                tiles = -(-problem.filters // high) * -(-vectors // wide)
                copying = 2 * problem.filters * outer * mid * -(-inner // lanes) + problem.filters * outer * mid * 2
                yield tiles * (work * _turn(high, wide, high + 1.5 * wide + 2) + 8 * high) + copying, Tile("flat", high, wide)
            vectors = -(-inner // lanes)
            steps = (problem.strides[0], problem.dilations[0])
            if 1 < high <= min(outer, problem.taps[0]) and wide <= vectors and steps == (1, 1):
                tiles = problem.filters * -(-outer // high) * mid * -(-vectors // wide)
                loads = (problem.taps[0] + high - 1) * 1.5 * wide / problem.taps[0] + high
                yield tiles * (work * _turn(high, wide, loads) + 8 * high), Tile("band", high, wide)


def _turn(high: int, wide: int, loads: float) -> float:
    """Cycles of one turn of the innermost loop: two products or two loads a cycle, and four cycles until a sum is there."""
    return max(high * wide / 2, loads / 2, 4.0)
