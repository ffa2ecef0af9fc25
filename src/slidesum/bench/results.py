"""All rows of a run with the machine they were taken on, and their file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from slidesum.bench.machine import Machine
from slidesum.bench.peak import Peak
from slidesum.bench.row import Row
from slidesum.read.atomic import write_atomically


@dataclass(slots=True)
class Results:
    """What was measured so far.

    `skipped` are cases that can't be run here, `refused` those where something was wrong, such as sides that disagree, each with
    the reason; `stopped` tells whether the run was ended before all cases were done.
    """

    date: str
    machine: Machine
    peak: Peak
    rows: list[Row] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    def to_json(self) -> str:
        """Everything, with the quartiles of every side."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the JSON, atomically. Raises FileError where that can't be done."""
        write_atomically(path, self.to_json().encode())
