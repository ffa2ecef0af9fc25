"""A zip from anywhere, read without believing it.

What stands in its directory is checked before anything is inflated: which entries there are, each once; stored or deflated, nothing
else; and how large they will be.

    a stored entry     is as large as it says, and the file holds it
    a deflated entry   grows at most to `MOST_INFLATED` bytes, and to no more than `ratio` times its size in the file, which is all
                       that deflate can do

Nothing is ever unpacked to a folder, so a name can't lead anywhere.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from slidesum.errors import FileError
from slidesum.read.atomic import unreadable

MOST_INFLATED = 2**30
LARGEST_DIRECTORY = 2**20
RATIO = 1032  # a deflated byte stands for at most so many (zlib's own technical details)
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LOCAL = struct.Struct("<4s22xHH")
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


class Archive:
    """An open zip whose entries were checked; use it as a context."""

    def __init__(self, path: Path, known: Callable[[str], bool]) -> None:
        self.path = path
        try:
            self.file: BinaryIO = path.open("rb")
        except OSError as error:
            raise unreadable(path, error) from None
        try:
            self._entries = self._directory(known)
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @property
    def names(self) -> tuple[str, ...]:
        """What it holds."""
        return tuple(self._entries)

    @property
    def inflated(self) -> int:
        """The bytes that all of it would take."""
        return sum(entry.file_size for entry in self._entries.values())

    def read(self, name: str, most: int) -> bytes:
        """The bytes of an entry, which may be at most `most`."""
        if name not in self._entries:
            raise FileError(
                f"{self.path} has no entry {name!r}", usual="It is another kind of zip.", advice="Check which file this is."
            )
        entry = self._entries[name]
        if entry.file_size > most:
            raise FileError(
                f"{self.path}: the entry {name!r} has {entry.file_size:,} bytes, and at most {most:,} are read",
                advice="Nothing that belongs there is so large; don't trust the file.",
            )
        try:
            with self._zip.open(entry) as file:
                data = file.read(entry.file_size)
                file.read(1)  # the end is where the checksum is compared
        except _BROKEN:
            raise self._damaged(f"the entry {name!r} can't be read") from None
        if len(data) != entry.file_size:
            raise self._damaged(f"the entry {name!r} has {len(data):,} bytes, and {entry.file_size:,} are announced")
        return data

    def part(self, name: str) -> tuple[int, int] | None:
        """Where the bytes of an entry begin in the file, and how many there are; None for one that isn't there as it is."""
        entry = self._entries.get(name)
        if entry is None or entry.compress_type != zipfile.ZIP_STORED:
            return None
        self.file.seek(entry.header_offset)
        local = self.file.read(_LOCAL.size)
        if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
            raise self._damaged(f"the entry {name!r} can't be read")
        *_, named, extra = _LOCAL.unpack(local)
        begin = entry.header_offset + _LOCAL.size + named + extra
        if begin + entry.file_size > self.file.seek(0, io.SEEK_END):
            raise self._damaged(f"the entry {name!r} can't be read")
        return begin, entry.file_size

    def _directory(self, known: Callable[[str], bool]) -> dict[str, zipfile.ZipInfo]:
        size = self.file.seek(0, io.SEEK_END)
        listed = _directory_size(self.file, size)
        if listed is None:
            raise FileError(
                f"{self.path} is no zip file", usual="It was cut off, or holds something else.", advice="Check which file this is."
            )
        if listed > LARGEST_DIRECTORY:
            raise FileError(
                f"{self.path} lists {listed:,} bytes of entries, and at most {LARGEST_DIRECTORY:,} are read",
                advice="Nothing that belongs there has so many; don't trust the file.",
            )
        try:
            self._zip = zipfile.ZipFile(self.file)
            entries = self._zip.infolist()
        except _BROKEN:
            raise self._damaged("its directory can't be read") from None
        if any(entry.header_offset < 0 for entry in entries):
            raise self._damaged("its directory can't be read")
        found: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            # the name as it stands in the file: `filename` is what zipfile makes of it, cut at a zero byte
            self._check(entry, entry.orig_filename, found, known)
            found[entry.filename] = entry
        return found

    def _check(self, entry: zipfile.ZipInfo, name: str, found: Mapping[str, zipfile.ZipInfo], known: Callable[[str], bool]) -> None:
        def refused(what: str) -> FileError:
            return FileError(f"{self.path}: the entry {name[:80]!r} {what}", advice="Check where the file comes from.")

        if not known(name):
            raise refused("doesn't belong there")
        if name in found:
            raise refused("stands there twice")
        if entry.flag_bits & 0x1:
            raise refused("is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refused("is neither stored nor deflated")
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise refused(f"is stored in {entry.compress_size:,} bytes, and is said to have {entry.file_size:,}")
        if entry.compress_type == zipfile.ZIP_DEFLATED and entry.file_size > min(MOST_INFLATED, RATIO * entry.compress_size):
            raise refused(f"would grow from {entry.compress_size:,} bytes to {entry.file_size:,}")

    def _damaged(self, what: str) -> FileError:
        return FileError(f"{self.path}: {what}", usual="It was cut off or damaged.", advice="Copy it again, or save it anew.")


def packed(entries: Mapping[str, bytes]) -> bytes:
    """A zip with these entries, the same bytes for the same entries: text deflated, arrays stored, no dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(entry, data)
    return buffer.getvalue()


_BROKEN: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    IndexError,
    OSError,
)


def _directory_size(file: Any, size: int) -> int | None:
    """How many bytes the list of entries takes: zipfile reads it whole, so it is looked at before. None where there is none.

    The end record is the last 22 bytes (a zip with a comment is none of ours); a large file has another one before it.
    """
    file.seek(max(0, size - 98))
    tail = file.read(98)
    end = tail[-22:]
    if len(end) < 22 or end[:4] != _END or end[-2:] != b"\x00\x00":
        return None
    listed: int = struct.unpack("<L", end[12:16])[0]
    if len(tail) == 98 and tail[-42:-38] == _LOCATOR:
        if tail[:4] != _END_64:
            return None
        listed = max(listed % 0xFFFFFFFF, struct.unpack("<Q", tail[40:48])[0])
    return listed
