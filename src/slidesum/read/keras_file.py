"""A `.keras` file as data: a zip of JSON and HDF5, of which nothing is executed and nothing believed.

    config.json         the layers: classes by name, their options, who reads whom
    model.weights.h5    the arrays: layers/conv2d_1/vars/0
    metadata.json       the version of Keras
    assets/…            vocabularies and the like, which aren't read

Keras itself makes objects of what `config.json` names, and a Lambda layer there holds Python bytecode. Here class names are looked
up in a table, and bytecode stays a text that nobody reads. Of the HDF5 file only plain arrays are read: a link to another place or
another file, data kept outside, and compressed arrays (which Keras doesn't write) are refused, and an array must lie in the file as
large as it says before memory is taken for it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.sizes import Size, is_number
from slidesum.errors import MissingPackage, ReadError
from slidesum.read.archive import Archive
from slidesum.read.fields import Fields, json_value

try:
    import h5py
except ModuleNotFoundError:
    raise MissingPackage("h5py isn't installed", advice="Install it: pip install 'slidesum[keras]'.") from None

Array = np.ndarray[Any, Any]

CONFIG, WEIGHTS, METADATA, ASSETS = "config.json", "model.weights.h5", "metadata.json", "assets/"
LARGEST_CONFIG = 64 * 2**20
LARGEST_WEIGHTS = 2**40
MOST_ARRAYS = 1000  # of one layer
DEEPEST = 8  # groups within the group of one layer


def open_keras(path: Path) -> tuple[Fields, Weights]:
    """The model's description and its arrays. Raises FileError for whatever is no such file."""
    with Archive(path, lambda name: name in (CONFIG, WEIGHTS, METADATA) or name.startswith(ASSETS)) as archive:
        told = archive.read(CONFIG, LARGEST_CONFIG)
        stored = archive.read(WEIGHTS, LARGEST_WEIGHTS)
    where = f"{path}: {CONFIG}"
    try:
        text = told.decode()
    except UnicodeDecodeError:
        raise ReadError(f"{where} is no text", advice="Save the model anew.") from None
    value = json_value(text, where, usual="It was damaged, or isn't from Keras.", advice="Save the model anew.")
    return Fields(where, value), Weights(Store(stored, f"{path}: {WEIGHTS}"), ())


class Store:
    """An HDF5 file in memory, of which arrays are read by their path."""

    def __init__(self, data: bytes, where: str) -> None:
        self.where, self._bytes, self._taken = where, len(data), 0
        self._known: dict[tuple[str, ...], Array] = {}
        try:
            self._file = h5py.File(io.BytesIO(data), "r")
        except _BROKEN:
            raise ReadError(f"{where} is no HDF5 file", usual="It was cut off or damaged.", advice="Save the model anew.") from None

    def find(self, path: tuple[str, ...]) -> Any:
        """The group or array at this path, None where there is none; never through a link."""
        found: Any = self._file
        for name in path:
            if not isinstance(found, h5py.Group):
                return None
            links = found.id.links
            if not links.exists(name.encode()):
                return None
            if links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
                raise ReadError(
                    f"{self.where}: {'/'.join(path)} is a link to another place",
                    usual="Keras writes no links; this one may lead out of the file.",
                    advice="Check where the file comes from.",
                )
            found = found[name]
        return found

    def names(self, path: tuple[str, ...]) -> list[str]:
        """What lies in a group, by name."""
        group = self._guarded(path)
        return sorted(group.keys()) if isinstance(group, h5py.Group) else []

    def shape(self, path: tuple[str, ...]) -> tuple[int, ...] | None:
        """The shape of an array, its claims checked; None where there is no array."""
        found = self._guarded(path)
        if not isinstance(found, h5py.Dataset):
            return None
        try:
            self._check(found, "/".join(path))
        except _BROKEN:
            raise self._unreadable(path) from None
        return tuple(found.shape)

    def read(self, path: tuple[str, ...]) -> Array:
        """An array whose shape was asked for before; asked for twice, it is the same one."""
        if path in self._known:
            return self._known[path]
        found = self._guarded(path)
        self._taken += found.size * found.dtype.itemsize
        if self._taken > self._bytes:  # many names for one place in the file
            raise ReadError(
                f"{self.where}: its arrays claim more than {self._bytes:,} bytes together, which is all it has",
                advice="Check where the file comes from.",
            )
        try:
            array: Array = np.asarray(found[()])
        except _BROKEN:
            raise self._unreadable(path) from None
        self._known[path] = array.astype(array.dtype.newbyteorder("="), copy=False)
        return self._known[path]

    def _guarded(self, path: tuple[str, ...]) -> Any:
        try:
            return self.find(path)
        except _BROKEN:
            raise self._unreadable(path) from None

    def _check(self, found: Any, name: str) -> None:
        def refused(what: str) -> ReadError:
            return ReadError(f"{self.where}: the array {name} {what}", advice="Save the model anew with Keras.")

        kind = found.dtype
        if kind.kind not in "fiub" or kind.itemsize > 8 or found.shape is None:
            raise refused(f"holds {kind}, which isn't read")
        layout = found.id.get_create_plist().get_layout()
        if found.is_virtual or found.external or layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
            raise refused("is no plain array: compressed, or kept elsewhere")
        size = prod(found.shape) * kind.itemsize
        start = found.id.get_offset() or 0
        if size != found.id.get_storage_size() or start + size > self._bytes:
            raise refused(f"claims {size:,} bytes that the file doesn't have")

    def _unreadable(self, path: tuple[str, ...]) -> ReadError:
        return ReadError(
            f"{self.where}: {'/'.join(path)} can't be read", usual="The file was damaged.", advice="Save the model anew."
        )


class Weights:
    """The arrays of one layer, and of those inside it: a place in the store."""

    def __init__(self, store: Store, path: tuple[str, ...]) -> None:
        self._store, self.path = store, path

    def inside(self, *names: str) -> Weights:
        """The place of a part."""
        return Weights(self._store, (*self.path, *names))

    @property
    def count(self) -> int:
        """How many arrays the layer has of its own."""
        return len(self._store.names((*self.path, "vars")))

    def take(self, number: int, shape: tuple[Size, ...]) -> Array:
        """The layer's array of this number, which must have this shape."""
        path = (*self.path, "vars", str(number))
        found = self._store.shape(path)
        if found is None:
            raise ReadError(
                f"{self._store.where}: the array {'/'.join(path)} is missing",
                usual="The model was saved before it was built, or the file was damaged.",
                advice="Call the model once on data, and save it anew.",
            )
        if len(found) != len(shape) or any(is_number(n) and n != m for n, m in zip(shape, found, strict=True)):
            raise ReadError(
                f"{self._store.where}: the array {'/'.join(path)} has the shape {found}, and {tuple(shape)} is needed",
                usual="The description and the arrays aren't of one model.",
                advice="Save the model anew.",
            )
        array = self._store.read(path)
        if array.dtype.kind != "f":
            raise ReadError(
                f"{self._store.where}: the array {'/'.join(path)} holds {array.dtype}, and floating numbers are needed",
                usual="The model was quantised.",
                advice="Save it before that.",
            )
        return array

    def all(self) -> Mapping[str, Array]:
        """Every array at this place and below, by its path in words: "0", "cell_0"; whole numbers (seeds) are left out."""
        found: dict[str, Array] = {}

        def visit(path: tuple[str, ...], depth: int) -> None:
            for name in self._store.names(path):
                below = (*path, name)
                shape = self._store.shape(below)
                if shape is None:
                    if depth < DEEPEST:
                        visit(below, depth + 1)
                    continue
                array = self._store.read(below)
                if array.dtype.kind == "f":
                    found["_".join(part for part in below[len(self.path) :] if part != "vars")] = array
                if len(found) > MOST_ARRAYS:
                    raise ReadError(
                        f"{self._store.where}: {'/'.join(self.path)} has over {MOST_ARRAYS:,} arrays",
                        advice="No layer has so many; don't trust the file.",
                    )

        visit(self.path, 0)
        return found


_BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, UnicodeError)
