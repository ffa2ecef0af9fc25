"""The Markdown of the measured part of docs/tools.md: one table of all, and a section for each case that tells what was printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slidesum.bench.tools.case import Case
from slidesum.bench.tools.cases import CASES
from slidesum.bench.tools.tool import Number, Reading
from slidesum.read.atomic import write_atomically

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

Results = Mapping[str, Any]


def put(text: str, results: Results) -> str:
    """The page with what stands between the two marks replaced."""
    above, _, rest = text.partition(BEGIN)
    _, _, below = rest.partition(END)
    return f"{above}{BEGIN}\n\n{measured(results)}\n{END}{below}"


def write(path: Path, results: Results) -> None:
    """Replace the measured part of a page on disk."""
    write_atomically(path, put(path.read_text(encoding="utf-8"), results).encode())


def measured(results: Results) -> str:
    """The tools, the table, and the sections."""
    readings = {(one["tool"], one["case"]): Reading(**one) for one in results["readings"]}
    names = list(results["tools"])
    return "\n".join(
        [
            *_table(results, readings, names),
            "",
            "## The tools",
            "",
            *_tools(results),
            "",
            "## Case by case",
            "",
            *(line for case in CASES.values() for line in _section(case, results["judge"][case.name], readings, names)),
        ]
    )


def _table(results: Results, readings: Mapping[tuple[str, str], Reading], names: list[str]) -> Iterator[str]:
    """Multiply-adds; what differs from the loop is marked by more than its weight."""
    yield f"| case | the loop | {' | '.join(names)} |"
    yield "|---|" + "--:|" * (len(names) + 1)
    for case in CASES.values():
        macs = results["judge"][case.name]["macs"]
        cells = [_cell(readings[name, case.name], macs) for name in names]
        yield f"| [{case.title}](#{case.name}) | {macs:,} | {' | '.join(cells)} |"
    right = [sum(_is_right(readings[name, case], results["judge"][case]["macs"]) for case in CASES) for name in names]
    yield f"| right, of {len(CASES)} | {len(CASES)} | {' | '.join(map(str, right))} |"


def _cell(reading: Reading, macs: int) -> str:
    if reading.macs is None:
        return "✗&nbsp;–"
    return _number(reading.macs) if reading.macs == macs else f"✗&nbsp;**{_number(reading.macs)}**"


def _is_right(reading: Reading, macs: int) -> bool:
    return reading.macs == macs


def _tools(results: Results) -> Iterator[str]:
    yield "| tool | version | what it counts | what was done to it |"
    yield "|---|---|---|---|"
    for name, about in results["tools"].items():
        if "unit" in about:
            yield f"| {name} | {about['version']} | {about['unit']} | {about['converted']} |"
        else:
            yield f"| {name} | | | |"
    yield ""
    yield "Measured with " + ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ", on a CPU."


def _section(
    case: Case, verdict: Mapping[str, Any], readings: Mapping[tuple[str, str], Reading], names: list[str]
) -> Iterator[str]:
    yield f"### {case.title[0].upper()}{case.title[1:]} {{: #{case.name} }}"
    yield ""
    yield "```text"
    yield case.source()
    yield "```"
    yield ""
    yield f"On {'×'.join(map(str, case.example))}; the loop multiplies **{verdict['macs']:,}** times{_inside(verdict)}:"
    yield ""
    yield "```text"
    yield from verdict["equations"]
    yield "```"
    yield ""
    yield "| printed | multiply-adds | by |"
    yield "|--:|--:|---|"
    for (printed, macs, refused), by in _grouped(case, readings, names).items():
        if refused:
            yield f"| | ✗ | {by}: {_safe(refused)} |"
        else:
            mark = "" if macs == verdict["macs"] else "✗ "
            yield f"| {_number(printed)} | {mark}{_number(macs)} | {by} |"
    yield ""
    if case.why:
        yield case.why
        yield ""


def _inside(verdict: Mapping[str, Any]) -> str:
    if verdict["macs"] == verdict["macs_inside"]:
        return ""
    return f", {verdict['macs_inside']:,} of them not with padding"


def _grouped(
    case: Case, readings: Mapping[tuple[str, str], Reading], names: list[str]
) -> dict[tuple[Number | None, Number | None, str | None], str]:
    """Who printed the same, in the order of the table."""
    found: dict[tuple[Number | None, Number | None, str | None], list[str]] = {}
    for name in names:
        one = readings[name, case.name]
        found.setdefault((one.printed, one.macs, one.refused), []).append(name)
    return {key: ", ".join(tools) for key, tools in found.items()}


def _number(number: Number | None) -> str:
    return "–" if number is None else f"{number:,}"


def _safe(text: str) -> str:
    return f"`{text.replace('`', chr(39)).replace('|', '/')}`"
