"""A saved network: one file, or two that belong together.

    NAME.slidesum        a zip of `network.json` and `values.safetensors`
    NAME.json            which tells the network, and beside it
    NAME.safetensors     which holds its arrays

    {"format": "slidesum/1", "name": "type-2.2", "values": {"sha256": "9f2c…"}, "layers": [ … ]}

The JSON is the same in both (see `document`). It names the checksum of the arrays, so two parts that don't belong together are
noticed. Files are written beside their old selves and renamed, of a pair the JSON last; the same network gives the same bytes. A
network whose sizes are symbols has no arrays, and is saved without.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slidesum.core.network import Graph
from slidesum.errors import FileError
from slidesum.read.archive import Archive, packed
from slidesum.read.arrays import Arrays, arrays_in, arrays_out, checksum, most_bytes
from slidesum.read.atomic import unreadable, write_atomically
from slidesum.read.document import document, graph_of, to_json

LARGEST_JSON = 16 * 2**20  # bytes; 10,000 layers take about 2 MB
ENDING = ".slidesum"
NETWORK, VALUES = "network.json", "values.safetensors"


def save(path: str | Path, graph: Graph, values: Mapping[str, Any] | None) -> tuple[Path, ...]:
    """Write the network, and its arrays if it has any; returns the files written.

    `path` is NAME.slidesum for one file, NAME or NAME.json for two. The arrays are keyed by "layer.array", as everywhere. Raises
    FileError if they don't fit the network, or can't be written.
    """
    whole, told, kept = _files(path)
    data, digest = (None, {}) if values is None else arrays_out(graph, values)
    text = to_json(graph, **({} if data is None else {"values": digest})).encode()
    if whole:
        write_atomically(whole, packed({NETWORK: text, **({} if data is None else {VALUES: data})}))
        return (whole,)
    if data is not None:
        write_atomically(kept, data)
    write_atomically(told, text)
    return (told,) if data is None else (told, kept)


def load(path: str | Path, *, mapped: bool = False) -> tuple[Graph, Arrays | None]:
    """The network and its arrays, None if it was saved without.

    `path` is what `save` was given, or NAME.safetensors. Mapped, large arrays are read when somebody looks at them, and the file
    has to stay as it is until they are let go (see `read.mapped`). Raises FileError for whatever isn't as `save` leaves it.
    """
    whole, told, kept = _files(path)
    if whole:
        return _load_one(whole, mapped)
    graph, wanted = _network(_start(told), str(told))
    if wanted is None:
        return graph, None
    try:
        with kept.open("rb") as file:
            return graph, arrays_in(file, str(kept), graph, wanted, mapped=mapped)
    except OSError as error:
        raise unreadable(kept, error) from None


def paths(path: str | Path) -> tuple[Path, Path]:
    """The two files of a network saved as a pair.

    >>> [str(p) for p in paths("out/type-2.2")]
    ['out/type-2.2.json', 'out/type-2.2.safetensors']
    """
    return _files(path)[1:]


def _files(path: str | Path) -> tuple[Path | None, Path, Path]:
    """The one file, if it is to be one, and the two."""
    if not isinstance(path, str | os.PathLike):
        raise FileError(f"{path!r} is no path of a network", advice="Write for example folder/name.")
    folder, path = str(path).endswith(("/", os.sep)), Path(path)
    if folder or path.name in ("", ".", "..") or path.is_dir():
        raise FileError(f"{path} is a folder, not the name of a network", advice="Write for example folder/name.")
    one = path.name.endswith(ENDING) and path.name != ENDING
    stem = next(
        (path.name[: -len(end)] for end in (".json", ".safetensors") if path.name.endswith(end) and path.name != end), path.name
    )
    return path if one else None, path.with_name(f"{stem}.json"), path.with_name(f"{stem}.safetensors")


def _load_one(path: Path, mapped: bool) -> tuple[Graph, Arrays | None]:
    with Archive(path, (NETWORK, VALUES).__contains__) as archive:
        where = f"{path}: {NETWORK}"
        graph, wanted = _network(archive.read(NETWORK, LARGEST_JSON), where)
        if wanted is None and VALUES in archive:
            raise FileError(f"{where} tells of no arrays, and {VALUES} holds some", advice="Save the network anew.")
        if wanted is None:
            return graph, None
        where, part = f"{path}: {VALUES}", archive.part(VALUES) if mapped else None
        if part is not None:
            return graph, arrays_in(archive.file, where, graph, wanted, part=part, mapped=True)
        data = archive.read(VALUES, most_bytes(graph))
    return graph, arrays_in(io.BytesIO(data), where, graph, wanted)


def _network(data: bytes, where: str) -> tuple[Graph, str | None]:
    """The network, and the checksum of its arrays."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{where} is no text", advice="Name the JSON file of a saved network.") from None
    fields = document(text, where)
    digest = fields.maybe("values", None)
    graph = graph_of(fields)
    return graph, None if digest is None else checksum(where, digest)


def _start(path: Path) -> bytes:
    """A JSON file whole, unless it is larger than one is."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_JSON + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > LARGEST_JSON:
        raise FileError(
            f"{path} is larger than {LARGEST_JSON // 2**20} MB",
            advice="Name the JSON file of a saved network; arrays stand beside it.",
        )
    return data
