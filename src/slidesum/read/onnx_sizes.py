"""The extents of what comes into an ONNX graph: those that the file tells, and those that it leaves open.

An open extent has a name: the file's own ("batch", "height"), or that of the input and the axis ("x.2"). It is told by this name,
or by the shapes of the inputs; otherwise it is one. The first axis of the first input, where it is open, is the batch, which stands
for any number while reading (`STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slidesum.errors import FileError, UsageError
from slidesum.read.onnx_build import MOST_AXES, STAND_IN

LARGEST_EXTENT = 2**31 - 1


class Sizes:
    """The inputs of one file, with sizes by name and the shapes that they are given."""

    def __init__(self, where: str, inputs: Sequence[Any], sizes: Mapping[str, int], shapes: Sequence[Sequence[int]] = ()) -> None:
        self.where, self.inputs = where, inputs
        for one in inputs:
            self._check_array(one)
        named = list(dict.fromkeys(name for one in inputs for _, name, _ in self._axes(one) if name is not None))
        first = next((axis for one in inputs for axis in self._axes(one)), None)
        self.batch = first[1] if first is not None else None
        self.open = tuple(name for name in named if name != self.batch)
        self._check_known(sizes, named)
        self.given = {**self._told_by(shapes), **sizes}

    @property
    def untold(self) -> tuple[str, ...]:
        """The open sizes that are taken as one, the batch left out."""
        return tuple(name for name in self.open if name not in self.given)

    @property
    def drawn(self) -> int:
        """The batch that the network is drawn for."""
        return self.given.get(self.batch or "", 1)

    def shape(self, one: Any) -> tuple[int, ...]:
        """The shape of an input. Raises FileError for an extent that no axis has."""
        shape = []
        for place, name, told in self._axes(one):
            extent = told if name is None else self.given.get(name, 1)
            if not isinstance(extent, int) or isinstance(extent, bool) or not 0 < extent <= LARGEST_EXTENT:
                raise FileError(
                    f"{self.where}: axis {place} of the input {one.name!r} has the extent {extent!r}",
                    usual=f"Extents are whole numbers from 1 to {LARGEST_EXTENT:,}.",
                    advice="Give another one, or export the model anew.",
                )
            shape.append(STAND_IN if name is not None and name == self.batch else extent)
        return tuple(shape)

    def extent(self, dim: Any) -> int | None:
        """The extent that the file tells of a result's axis, None where it tells none."""
        if dim.HasField("dim_value"):
            return int(dim.dim_value)
        if dim.dim_param and dim.dim_param == self.batch:
            return STAND_IN
        return self.given.get(dim.dim_param, 1) if dim.dim_param in self.open else None

    def _axes(self, one: Any) -> Iterator[tuple[int, str | None, int]]:
        """The number of each axis, its name if it is open, and its extent otherwise."""
        for place, dim in enumerate(one.type.tensor_type.shape.dim):
            told = dim.HasField("dim_value") and dim.dim_value >= 0
            yield place, None if told else dim.dim_param or f"{one.name}.{place}", int(dim.dim_value)

    def _check_array(self, one: Any) -> None:
        if not one.type.HasField("tensor_type") or not one.type.tensor_type.HasField("shape"):
            raise FileError(
                f"{self.where}: the input {one.name!r} is no array, or of unknown rank",
                usual="Networks are read whose inputs are arrays.",
                advice="Export the model with a shape for every input.",
            )
        if len(one.type.tensor_type.shape.dim) > MOST_AXES:
            raise FileError(
                f"{self.where}: the input {one.name!r} has {len(one.type.tensor_type.shape.dim)} axes",
                advice=f"Give it {MOST_AXES} at most.",
            )

    def _check_known(self, sizes: Mapping[str, int], named: Sequence[str]) -> None:
        odd = next((name for name in sizes if name not in named), None)
        if odd is not None:
            raise UsageError(
                f"{self.where} has no open size {odd!r}",
                usual=f"Its open sizes are {', '.join(named)}." if named else "All its sizes have numbers.",
                advice="Name one of them." if named else "Take it away.",
            )

    def _told_by(self, shapes: Sequence[Sequence[int]]) -> dict[str, int]:
        """The open sizes, from a shape for each input."""
        if not shapes:
            return {}
        found: dict[str, int] = {}
        fits = len(shapes) == len(self.inputs)
        for one, shape in zip(self.inputs, shapes, strict=False):
            axes = list(self._axes(one))
            fits = fits and len(axes) == len(shape)
            for (_, name, told), extent in zip(axes, shape, strict=False):
                fits = fits and extent == (told if name is None else found.setdefault(name, extent))
        if not fits:
            given = ", ".join("×".join(map(str, shape)) for shape in shapes)
            taken = ", ".join("×".join(str(name or told) for _, name, told in self._axes(one)) for one in self.inputs)
            raise UsageError(f"{self.where} takes {taken}, and not {given}", advice="Give an example, or a shape, that fits.")
        return found
