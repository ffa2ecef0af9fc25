"""One tool's process: asks it for the cases that are named, and prints a JSON line for each.

    python -m slidesum.bench.tools.worker fvcore transposed grouped

It ends after a case that the tool raised for, since some tools leave torch patched then; who called it goes on with a new one.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version

from slidesum.bench.tools.adapters import MODULES
from slidesum.bench.tools.cases import CASES
from slidesum.bench.tools.tool import Reading, Tool


def main(name: str, cases: list[str]) -> None:
    """The first line tells about the tool, each other one is a reading."""
    warnings.simplefilter("ignore")
    say = sys.stdout
    sys.stdout = sys.stderr  # what a tool prints is not an answer
    try:
        tool: Tool = import_module(f"slidesum.bench.tools.adapters.{MODULES[name]}").TOOL
    except Exception as error:
        print(json.dumps({"import": _words(error)}), file=say)
        return
    facts = {key: value for key, value in asdict(tool).items() if key != "count"}
    print(json.dumps({**facts, "version": version(tool.package)}), file=say, flush=True)
    for case in cases:
        reading = ask(tool, case)
        print(json.dumps(reading.to_json()), file=say, flush=True)
        if reading.refused:
            return


def ask(tool: Tool, name: str) -> Reading:
    """Whatever the tool raises, it refuses."""
    case = CASES[name]
    module, example = case.make()
    try:
        figures = tool.count(module, example, case.batch)
    except Exception as error:
        return Reading(tool.name, name, refused=_words(error))
    return Reading(tool.name, name, figures.printed, figures.macs)


def _words(error: Exception) -> str:
    """The last line of what a tool said, with the kind of its error."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
