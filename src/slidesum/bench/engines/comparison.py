"""What was found: a row an engine, the machine's limit, and their file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from slidesum.bench.clock import Times
from slidesum.bench.machine import Machine
from slidesum.bench.peak import Peak
from slidesum.read.atomic import write_atomically

AGREES = 1e-4
"""The relative L2 error up to which a result in float32 is the same as the one in double precision."""


@dataclass(slots=True)
class Row:
    """An engine: "timed", or "not installed", "left out", "failed", with the reason.

    prepared_s    seconds until it had computed once
    error         of its first results: the largest relative L2 error of an output
    agrees        whether that is small enough
    seconds       of each round
    ratio         its median over slidesum's
    share         of the limit: the least time that the machine allows for the sums, over its median
    """

    engine: str
    state: str = "timed"
    why: str = ""
    prepared_s: float = 0.0
    error: float = 0.0
    agrees: bool = True
    seconds: list[float] = field(default_factory=list)
    times: Times | None = None
    ratio: float | None = None
    share: float | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether something has to be told of it."""
        return self.state == "failed" or not self.agrees


@dataclass(slots=True)
class Comparison:
    """A network, by all engines. `bytes` are those of the arrays, the inputs and the results: what has to be read or written."""

    net: str
    batch: int
    threads: int
    rounds: int
    date: str
    machine: Machine
    macs: int
    bytes: int
    against: str = "float64"
    peak: Peak | None = None
    limit_ms: float | None = None
    rows: list[Row] = field(default_factory=list)
    stopped: bool = False

    @property
    def best_other(self) -> Row | None:
        """The fastest of those that aren't slidesum, if it agrees."""
        others = [row for row in self.rows if row.times is not None and row.agrees and not row.engine.startswith("slidesum")]
        return min(others, key=lambda row: row.times.ms if row.times else 0.0, default=None)

    @property
    def is_wrong(self) -> bool:
        """Whether an engine failed or disagrees."""
        return any(row.is_wrong for row in self.rows)

    def settle(self) -> None:
        """Medians, ratios and shares, of the rounds so far."""
        for row in self.rows:
            row.times = Times.of(row.seconds) if row.seconds else None
        own = next((row.times for row in self.rows if row.engine == "slidesum"), None)
        self.limit_ms = self.peak.floor_ms(self.macs, self.bytes) if self.peak else None
        for row in self.rows:
            if row.times is not None:
                row.ratio = row.times.ms / own.ms if own else None
                row.share = self.limit_ms / row.times.ms if self.limit_ms else None

    def to_json(self) -> str:
        """Everything, with the seconds of every round."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the JSON, atomically. Raises FileError where that can't be done."""
        write_atomically(path, self.to_json().encode())
