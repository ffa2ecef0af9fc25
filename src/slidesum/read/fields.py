"""Strict reading of a JSON object: every field is asked for by name and type, and none may be left over.

A file may come from anywhere, so nothing is believed. Each reader returns a value of the type it says, or raises FileError with
the place, what was found, and what belongs there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

from slidesum.errors import FileError, SlidesumError

Word = TypeVar("Word", bound=str)

LARGEST_NUMBER = 2**31 - 1
"""No size or coordinate in a file is larger."""


def json_value(text: str, origin: str, *, usual: str, advice: str) -> Any:
    """What a JSON text says; a field that stands twice, or a number that is none, is refused as what can't be parsed is.

    >>> json_value('{"name": "a"}', "the text", usual="", advice="")
    {'name': 'a'}
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        told = f"{origin} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise FileError(told, usual=usual, advice=advice) from None
    except (ValueError, RecursionError) as error:
        told = "its lists are nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0]
        raise FileError(f"{origin} can't be read as JSON: {told}", advice="Save the network anew.") from None


class Fields:
    """One JSON object under the eyes of a reader; `where` tells errors what it describes."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise FileError(f"{where} is {seen(value)}, not an object", advice='Write an object: {"name": …}.')
        self.where = where
        self._open: dict[str, Any] = dict(value)

    def take(self, name: str) -> Any:
        """The raw value of a field that must be there."""
        if name not in self._open:
            raise FileError(
                f"{self.where}: the field {name!r} is missing",
                usual=f"It has {', '.join(map(repr, self._open)) or 'no other fields'}.",
                advice="Add it, or save the network anew.",
            )
        return self._open.pop(name)

    def maybe(self, name: str, default: Any) -> Any:
        """The raw value of a field that may be missing."""
        return self._open.pop(name, default)

    def text(self, name: str, *, longest: int = 2000) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value or len(value) > longest:
            raise self.wrong(name, value, f"text of 1 to {longest} characters")
        return value

    def choice(self, name: str, known: Sequence[Word]) -> Word:
        value = self.take(name)
        for word in known:
            if word == value:
                return word
        raise self.wrong(name, value, f"one of {', '.join(known)}")

    def integer(self, name: str, *, least: int = -LARGEST_NUMBER) -> int:
        value = self.take(name)
        if not is_integer(value) or not least <= value <= LARGEST_NUMBER:
            raise self.wrong(name, value, f"a whole number of at least {least}" if least >= 0 else "a whole number")
        return int(value)

    def number(self, name: str) -> float:
        value = self.take(name)
        if not is_real(value):
            raise self.wrong(name, value, "a number")
        return float(value)

    def array(self, name: str, *, longest: int) -> list[Any]:
        value = self.take(name)
        if not isinstance(value, list) or len(value) > longest:
            raise self.wrong(name, value, f"a list of at most {longest:,} entries")
        return value

    def done(self) -> None:
        """Refuse fields that nobody asked for."""
        for name in self._open:
            raise FileError(
                f"{self.where}: the field {name!r} is unknown",
                usual="It is misspelt, or the file was written by a newer slidesum.",
                advice="Correct or remove it, or install the newer one.",
            )

    def wrong(self, name: str, value: Any, wanted: str) -> FileError:
        """The error for a field that holds something else than `wanted`."""
        return FileError(f"{self.where}: the field {name!r} is {seen(value)}", advice=f"Write {wanted}.")


def is_integer(value: Any) -> TypeGuard[int]:
    """A whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: Any) -> TypeGuard[float]:
    """A finite number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def seen(value: Any) -> str:
    """What stands there, in a few words.

    >>> seen([1, 2]), seen("sane"), seen(None)
    ('a list', "'sane'", 'null')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return repr(value) if len(value) <= 60 else f"{value[:57]!r}…"
        case int():
            return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
        case float():
            return repr(value)
        case Mapping():
            return "an object"
        case _:
            return "a list"


def within(where: str, error: SlidesumError, kind: type[FileError] = FileError) -> FileError:
    """The error of a lower floor, told as one of this file."""
    told = str(error).splitlines()
    usual = "\n".join([told[1][2:], *told[2:]]) if len(told) > 1 else ""
    return kind(f"{where}: {told[0]}", usual=usual)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")
