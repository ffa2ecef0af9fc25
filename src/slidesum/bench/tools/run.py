"""All tools over all cases, each in processes of its own; and the judge."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from slidesum.bench.tools.adapters import MODULES
from slidesum.bench.tools.case import judge
from slidesum.bench.tools.cases import CASES
from slidesum.bench.tools.tool import Reading


def measure(tools: Sequence[str] = tuple(MODULES), report: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Everything as JSON: the judge's verdicts, the tools with their versions, and their readings."""
    verdicts = {}
    for case in CASES.values():
        report(f"judge: {case.name}")
        found = judge(case)
        verdicts[case.name] = {"macs": found.macs, "macs_inside": found.macs_inside, "equations": list(found.equations)}
    about, readings = {}, []
    for name in tools:
        report(name)
        about[name], answers = ask_all(name, list(CASES))
        readings += [reading.to_json() for reading in answers]
    return {"versions": versions(), "judge": verdicts, "tools": about, "readings": readings}


def ask_all(name: str, cases: list[str]) -> tuple[dict[str, Any], list[Reading]]:
    """A tool's answers; a new process for what is left after a refusal or a crash."""
    about: dict[str, Any] = {}
    readings: list[Reading] = []
    while left := cases[len(readings) :]:
        command = [sys.executable, "-m", "slidesum.bench.tools.worker", name, *left]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        if lines and "import" in lines[0]:
            why = f"could not be imported: {lines[0]['import']}"
            return {"name": name}, [Reading(name, case, refused=why) for case in cases]
        about = lines.pop(0) if lines else about
        readings += [Reading(**line) for line in lines]
        if len(lines) < len(left) and not (lines and "refused" in lines[-1]):
            readings.append(Reading(name, left[len(lines)], refused=f"its process ended with status {ended.returncode}"))
    return about, readings


def versions() -> dict[str, str]:
    """Of what the modules are made with."""
    import platform
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "onnx", "numpy")}}
