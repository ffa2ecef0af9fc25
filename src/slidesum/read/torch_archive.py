"""The archive that `torch.export.save` writes, opened as data: nothing in it is ever executed.

A .pt2 file is a zip, uncompressed, with everything below one folder:

    archive_format                           "pt2"
    models/NAME.json                         the operations
    data/weights/NAME_weights_config.json    which file holds which array, with shape and strides
    data/weights/weight_0 …                  raw numbers
    data/constants/ …                        the same for constants

It may also hold pickles: sample inputs, tensors of other classes, custom objects; and compiled libraries. Sample inputs and
libraries are never opened, the others are refused, where `torch.export.load` would unpickle them. What is read is measured first:
the entries must lie in the file without compression and together be no larger than it, so memory is bounded by the file's size.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.errors import FileError
from slidesum.read.atomic import unreadable
from slidesum.read.fields import Fields, is_integer, seen
from slidesum.read.torch_program import Array

SCHEMA = 8
"""The major version of the format that is read (torch 2.5 and later)."""
MOST_ENTRIES = 100_000
LARGEST_JSON = 256 * 2**20
LARGEST_EXTENT = 2**31 - 1

DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 9: "complex32",
    10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
}  # fmt: skip
"""torch's numbers for its types."""


class Archive:
    """A .pt2 file whose entries were looked at, and can be read by name."""

    def __init__(self, source: Path | bytes, where: str) -> None:
        self.where = where
        try:
            size = len(source) if isinstance(source, bytes) else source.stat().st_size
            self.zip = zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source)
        except OSError as error:
            raise unreadable(Path(where), error) from None
        except (zipfile.BadZipFile, NotImplementedError, ValueError, IndexError):
            raise FileError(
                f"{where} is no .pt2 archive",
                usual="It was cut off, or holds something else: torch.save writes .pt files, which are pickles.",
                advice="Write it with torch.export.save(torch.export.export(model, (example,)), path).",
            ) from None
        self.root = ""
        self.entries = self._checked(size)
        if "archive_format" not in self.entries or self.read("archive_format") != b"pt2":
            raise FileError(
                f"{where} is a zip, and no .pt2 archive",
                usual="The entry archive_format is missing or says something else.",
                advice="Name a file that torch.export.save wrote.",
            )

    def _checked(self, size: int) -> Mapping[str, zipfile.ZipInfo]:
        infos = self.zip.infolist()
        if len(infos) > MOST_ENTRIES:
            raise self._refused(f"it has {len(infos):,} entries", f"At most {MOST_ENTRIES:,} are read.")
        for info in infos:
            parts = info.filename.split("/")
            if "\\" in info.filename or ".." in parts or "" in parts[:-1] or ":" in parts[0]:
                raise self._refused(f"its entry {info.filename!r} lies outside", "Names in an archive lead nowhere else.")
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                raise self._refused(f"its entry {info.filename!r} is compressed", "torch writes entries as they are.")
        total = sum(info.file_size for info in infos)
        if total > size:
            raise self._refused(f"its entries claim {total:,} bytes, and the file has {size:,}", "They overlap, or it was cut off.")
        roots = {info.filename.partition("/")[0] for info in infos}
        if len(roots) != 1:
            raise self._refused(f"it has {len(roots)} folders", "Everything stands below one.")
        self.root = roots.pop()
        found = {info.filename.partition("/")[2]: info for info in infos}
        if len(found) < len(infos):
            raise self._refused("two of its entries have one name", "Names are given once.")
        return found

    def _refused(self, what: str, usual: str) -> FileError:
        return FileError(f"{self.where} is refused: {what}", usual=usual, advice="Save the model anew with torch.export.save.")

    def read(self, name: str, largest: int | None = None) -> bytes:
        """The bytes of an entry. Raises FileError if it is missing, too large, or damaged."""
        if name not in self.entries:
            raise FileError(
                f"{self.where}: the entry {name!r} is missing",
                usual="The archive is incomplete, or was written by another version of torch.",
                advice="Save the model anew with torch.export.save.",
            )
        info = self.entries[name]
        if largest is not None and info.file_size > largest:
            raise self._refused(f"its entry {name!r} has {info.file_size:,} bytes", f"At most {largest:,} are read.")
        try:
            with self.zip.open(info) as file:
                return file.read()
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, ValueError):
            raise FileError(
                f"{self.where}: the entry {name!r} is damaged", usual="It was cut off or changed.", advice="Copy it again."
            ) from None

    def json(self, name: str) -> Fields:
        """An entry as the fields of a JSON object."""
        where = f"{self.where}: {name}"
        try:
            return Fields(where, json.loads(self.read(name, LARGEST_JSON)))
        except (ValueError, RecursionError):
            raise FileError(f"{where} is no JSON", usual="It was changed.", advice="Save the model anew.") from None

    def model(self) -> str:
        """The name of the one model that the archive holds."""
        names = [n[len("models/") : -len(".json")] for n in self.entries if n.startswith("models/") and n.endswith(".json")]
        if "model" in names:
            return "model"
        if len(names) != 1:
            compiled = any(n.startswith("data/aotinductor/") for n in self.entries)
            raise FileError(
                f"{self.where} holds {len(names)} models",
                usual="It has compiled libraries only, which are never loaded."
                if compiled and not names
                else f"They are {', '.join(names)}."
                if names
                else "There is no entry models/NAME.json.",
                advice="Save one exported program: torch.export.save(program, path).",
            )
        return names[0]

    def arrays(self, name: str) -> dict[str, Array]:
        """The weights and constants of a model by their qualified names."""
        found = {}
        for folder, config in (("weights", "weights"), ("constants", "constants")):
            path = f"data/{folder}/{name}_{config}_config.json"
            if path not in self.entries and f"data/{folder}/{name}.pt" in self.entries:
                raise self._refused("its arrays are a pickle", "Archives from before torch 2.9 keep them so; unpickling runs code.")
            entries = self.json(path).take("config")
            if not isinstance(entries, dict):
                raise FileError(f"{self.where}: {path} lists no arrays", advice="Save the model anew.")
            for key, value in entries.items():
                found[key] = self._array(folder, key, Fields(f"{self.where}: the array {key!r}", value))
        return found

    def _array(self, folder: str, name: str, fields: Fields) -> Array:
        path = fields.text("path_name", longest=200)
        if fields.take("use_pickle") is not False or path.startswith(("custom_obj_", "opaque_obj_")):
            raise FileError(
                f"{fields.where} is a pickle, which is not read",
                usual="It is a tensor of a class of its own, or a custom object; unpickling runs code.",
                advice="Export the model with plain tensors.",
            )
        if "/" in path:
            raise self._refused(f"the array {name!r} names the file {path!r}", "Files of arrays have plain names.")
        trainable = fields.take("is_param") is True
        meta = Fields(fields.where, fields.take("tensor_meta"))
        number = meta.take("dtype")
        dtype = DTYPES.get(number) if is_integer(number) else None
        if dtype is None or dtype == "complex32":
            raise meta.wrong("dtype", number, "the number of a type of torch, such as 7 for float32")
        return Array(name, self._numbers(meta, f"data/{folder}/{path}", dtype), trainable)

    def _numbers(self, meta: Fields, path: str, dtype: str) -> Any:
        shape, strides = (extents(meta, meta.take(key)) for key in ("sizes", "strides"))
        start = extents(meta, [meta.take("storage_offset")])[0]
        data = self.read(path)
        kind = np.dtype("uint16" if dtype == "bfloat16" else dtype)
        held = len(data) // kind.itemsize
        last = start + sum((n - 1) * step for n, step in zip(shape, strides, strict=False)) if prod(shape) else -1
        if len(shape) != len(strides) or last >= held or prod(shape) > max(held, 1):
            raise FileError(
                f"{meta.where} has the shape {'×'.join(map(str, shape))}, and its file {held:,} numbers",
                usual="The file was cut off or changed.",
                advice="Save the model anew.",
            )
        flat = np.frombuffer(data, kind, count=held)
        if dtype == "bfloat16":
            flat = (flat.astype("uint32") << 16).view("float32")
        view = np.lib.stride_tricks.as_strided(flat[start:], shape, [step * flat.itemsize for step in strides], writeable=False)
        return np.array(view)


def extents(fields: Fields, value: Any) -> tuple[int, ...]:
    """Extents or strides in the file's spelling: [{"as_int": 3}, …]."""
    told: list[Any] = value if isinstance(value, list) else [None]
    numbers: list[Any] = [one.get("as_int") if isinstance(one, dict) else None for one in told]
    wrong = next((n for n in numbers if not is_integer(n) or not 0 <= n <= LARGEST_EXTENT), 0)
    if wrong != 0 or len(numbers) > 64:
        raise FileError(
            f"{fields.where}: an extent is {seen(wrong)}", advice=f"Extents are whole numbers from 0 to {LARGEST_EXTENT:,}."
        )
    return tuple(numbers)
