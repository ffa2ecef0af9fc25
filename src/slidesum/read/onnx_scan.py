"""How much an ONNX file will become in memory, told from its bytes before anything is parsed.

A message of protobuf takes two bytes in a file and a hundred in memory, so a small file can be a large graph. The bytes are walked
by the schema that the `onnx` package brings: a field that holds messages is entered, any other is passed over by its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slidesum.errors import FileError

MOST_PARTS = 2**22
"""Messages and repeated numbers in one file; a network of 10,000 layers has some 100,000."""
DEEPEST = 60
"""Levels of messages in messages; protobuf itself gives up at 100."""
BYTES_A_PART = 128
"""What a message takes in memory, about."""


@dataclass(slots=True)
class Extent:
    """What was found: the parts, and the bytes that lie in numbers and text."""

    parts: int = 0
    numbers: int = 0

    @property
    def bytes(self) -> int:
        """The memory that the parsed file takes, about."""
        return self.parts * BYTES_A_PART + self.numbers


def scanned(data: Any, descriptor: Any, where: str) -> Extent:
    """The extent of a serialised message. Raises FileError if it is cut off, no protobuf, or more than any network is."""
    found = Extent()
    _scan(memoryview(data), descriptor, found, where, 0)
    return found


def _scan(data: memoryview, descriptor: Any, found: Extent, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise FileError(f"{where}: messages in messages, more than {DEEPEST} deep", advice="No ONNX model is built so.")
    fields = descriptor.fields_by_number
    for number, kind, start, stop in _entries(data, where):
        field = fields.get(number)
        found.parts += 1
        if found.parts > MOST_PARTS:
            raise FileError(
                f"{where}: more than {MOST_PARTS:,} parts",
                usual="A network of 10,000 layers has some 100,000.",
                advice="Export a part of the model, or unroll fewer loops.",
            )
        if kind != 2:
            continue
        if field is not None and field.message_type is not None:
            _scan(data[start:stop], field.message_type, found, where, depth + 1)
        elif field is not None and field.type in _VARINTS:
            found.numbers += 8 * (stop - start)
        else:
            found.numbers += stop - start


_VARINTS = frozenset({3, 4, 5, 8, 13, 14, 17, 18})
"""The types of protobuf whose numbers take one byte or more, packed: int64, uint64, int32, bool, uint32, enum, sint32, sint64."""


def _entries(data: memoryview, where: str) -> Iterator[tuple[int, int, int, int]]:
    """Every field as (number, wire type, first byte, byte behind the last) of its contents."""
    at, size = 0, len(data)
    while at < size:
        key, at = _varint(data, at, where)
        kind, start = key & 7, at
        if kind == 0:
            _, at = _varint(data, at, where)
        elif kind == 1:
            at += 8
        elif kind == 2:
            length, start = _varint(data, at, where)
            at = start + length
        elif kind == 5:
            at += 4
        else:
            raise _broken(where)
        if at > size or not key >> 3:
            raise _broken(where)
        yield key >> 3, kind, start, at


def _varint(data: memoryview, at: int, where: str) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise _broken(where)
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _broken(where: str) -> FileError:
    return FileError(
        f"{where} is no ONNX model",
        usual="It was cut off, or holds something else.",
        advice="Copy it again, or export the model anew.",
    )
