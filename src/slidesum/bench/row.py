"""What a case comes to: one row a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.bench.case import Case, Duel
from slidesum.bench.clock import Times
from slidesum.bench.memory import Memory
from slidesum.bench.passes import FORWARD, Pass


@dataclass(frozen=True, slots=True)
class Timed:
    """One side and its times."""

    ours: bool
    name: str
    layout: str
    times: Times


@dataclass(frozen=True, slots=True)
class Row:
    """One pass of a case.

    ratio         the peer's time over ours: above one, slidesum is faster; extra_us is the difference, ours less the peer's
    wanted        the least ratio, where one is asked for; wanted_extra_us instead, where a difference is
    ours_floors   how many times the floor we take; peer_floors likewise
    sides         everything timed; of several the fastest counts, and `against` names the peer's
    layouts       the ratio for each layout, where both sides were given several
    """

    case: str
    group: str
    passes: Pass
    equation: str
    what: str
    against: str
    ours_ms: float
    peer_ms: float
    ratio: float
    extra_us: float
    wanted: float | None
    wanted_extra_us: float | None
    reached: bool | None
    floor_ms: float
    ours_floors: float
    peer_floors: float
    sides: tuple[Timed, ...]
    layouts: dict[str, float]
    memory: Memory | None = None


def row(case: Case, which: Pass, duel: Duel, times: Sequence[Times], floor_ms: float, memory: Memory | None = None) -> Row:
    """The row of what was timed, in the order of `duel.sides`."""
    timed = [Timed(side in duel.ours, side.name, side.layout, found) for side, found in zip(duel.sides, times, strict=True)]
    ours, peer = (_fastest([one for one in timed if one.ours is mine]) for mine in (True, False))
    ratio, extra_us = peer.times.ms / ours.times.ms, (ours.times.ms - peer.times.ms) * 1e3
    wanted = case.wanted.forward if which == FORWARD else case.wanted.backward
    limit = case.wanted.extra_us if which == FORWARD else None
    asked = [ratio >= wanted] if wanted is not None else []
    asked += [extra_us <= limit] if limit is not None else []
    return Row(
        case=case.name,
        group=case.group,
        passes=which,
        equation=case.equation,
        what=case.what,
        against=peer.name,
        ours_ms=ours.times.ms,
        peer_ms=peer.times.ms,
        ratio=ratio,
        extra_us=extra_us,
        wanted=wanted,
        wanted_extra_us=limit,
        reached=all(asked) if asked else None,
        floor_ms=floor_ms,
        ours_floors=ours.times.ms / floor_ms,
        peer_floors=peer.times.ms / floor_ms,
        sides=tuple(timed),
        layouts=_layouts(timed),
        memory=memory,
    )


def _fastest(sides: Sequence[Timed]) -> Timed:
    return min(sides, key=lambda one: one.times.ms)


def _layouts(timed: Sequence[Timed]) -> dict[str, float]:
    found = {}
    for layout in dict.fromkeys(one.layout for one in timed if one.layout):
        ours, peer = (_fastest([one for one in timed if one.layout == layout and one.ours is mine]) for mine in (True, False))
        found[layout] = peer.times.ms / ours.times.ms
    return found
