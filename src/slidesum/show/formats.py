"""Records that are written in several ways: for eyes, and as JSON, CSV and Markdown. They are built once; this only draws them."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from slidesum.errors import UsageError
from slidesum.laws.reach import Reach
from slidesum.show.formula import json_text, plain

FORMATS = ("table", "json", "csv", "markdown")


class Formatted(ABC):
    """A table of records with totals and notes around it."""

    @property
    @abstractmethod
    def records(self) -> Sequence[Mapping[str, Any]]:
        """The rows, all with the same keys."""

    @abstractmethod
    def document(self) -> Mapping[str, Any]:
        """Everything, for JSON."""

    @abstractmethod
    def drawn(self) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[str]]]:
        """For Markdown: columns as (title, alignment), and rows of text."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Remarks beside the table."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What the table says, in sentences; may be empty."""

    @abstractmethod
    def __rich__(self) -> Any: ...

    def to_json(self) -> str:
        """All of it as JSON; formulas are text."""
        return json_text(jsonable(self.document()))

    def to_csv(self) -> str:
        """A line a row, with a header; shapes as 1×64×28×28, texts with "; " between, the reach as `field/stride/padding`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.records[0].keys() if self.records else ["name"])
        for row in self.records:
            writer.writerow([csv_cell(value) for value in row.values()])
        return out.getvalue()

    def to_markdown(self) -> str:
        """A Markdown table, and the sentences and notes below it."""
        columns, rows = self.drawn()
        lines = ["| " + " | ".join(title for title, _ in columns) + " |", "|" + "|".join(align for _, align in columns) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in rows]
        below = [*([self.text] if self.text else []), *(f"> {note}" for note in self.notes)]
        return "\n".join(lines) + "\n" + "".join(f"\n{paragraph}\n" for paragraph in below)

    def format(self, how: str) -> str:
        """The table in one of the formats: table, json, csv, markdown."""
        match how:
            case "table":
                return str(self)
            case "json":
                return self.to_json() + "\n"
            case "csv":
                return self.to_csv()
            case "markdown":
                return self.to_markdown()
            case _:
                raise UsageError(
                    f"there is no format {how!r}", usual=f"There are {', '.join(FORMATS)}.", advice="Write one of them."
                )

    def __str__(self) -> str:
        from slidesum.show.text import printed

        return printed(self)


def jsonable(value: Any) -> Any:
    """A value of a record as JSON has it: whole numbers stay, formulas become text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Reach(field=field, stride=stride, padding=padding):
            return {"field": plain(field), "stride": plain(stride), "padding": plain(padding)}
        case Mapping():
            return {key: jsonable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [jsonable(inner) for inner in value]
        case _:
            return plain(value)


def csv_cell(value: Any) -> Any:
    """A value of a record in one cell."""
    match value:
        case None:
            return ""
        case str() | int() | float():
            return value
        case Mapping():
            return " ".join(f"{name}:{plain(r.field)}/{plain(r.stride)}/{plain(r.padding)}" for name, r in value.items())
        case tuple() if any(isinstance(inner, str) for inner in value):
            return "; ".join(value)
        case tuple():
            return "×".join(str(csv_cell(inner)) for inner in value)
        case Fraction():
            return float(value)
        case _:
            return plain(value)
