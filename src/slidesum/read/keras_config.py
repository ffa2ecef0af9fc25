"""How a Keras description writes things: references to results, constants, slices, shapes, names in the file of arrays.

{"class_name": "__keras_tensor__", "config": {"keras_history": ["conv1", 0, 0], "shape": [null, 8]}}
                                  the result of layer conv1, of its call 0, the first one; and its shape
["conv1", 0, 0]                   the same among the inputs and outputs of a model
{"class_name": "__tensor__", …}   numbers
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import LARGEST_NUMBER, is_integer, seen
from slidesum.read.keras_call import Constant

Told = tuple[int | None, ...]
Key = tuple[str, int, int]


@dataclass(frozen=True)
class Reference:
    """Whose result is read: [layer, its how many-th call, which of its results], and the shape as the file tells it."""

    key: Key
    shape: Told | None = None


def argument_of(value: Any, where: str) -> Any:
    """What stands in a call: references to results, constants, slices; numbers and texts as they are."""
    match value:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": history, **more}}:
            return Reference(_history(history, where), told_shape(more.get("shape")))
        case {"class_name": "__tensor__" | "__numpy__", "config": {"value": numbers}}:
            try:
                return Constant(np.asarray(numbers, "float32"))
            except (ValueError, TypeError):
                raise ReadError(f"{where}: a constant holds no numbers", advice="Save the model anew.") from None
        case {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}:
            return slice(start, stop, step)
        case list():
            return [argument_of(part, where) for part in value]
        case dict():
            return {key: argument_of(part, where) for key, part in value.items()}
        case _:
            return value


def references(value: Any) -> list[Reference]:
    """All references in the arguments of a call."""
    match value:
        case Reference():
            return [value]
        case list():
            return [found for part in value for found in references(part)]
        case dict():
            return [found for part in value.values() for found in references(part)]
        case _:
            return []


def resolved(value: Any, found: Mapping[tuple[str, int], Any]) -> Any:
    """The same with results in place of the references to them."""
    match value:
        case Reference((name, call, result)):
            made = found[name, call]
            if isinstance(made, Tensor) and result == 0:
                return made
            if isinstance(made, list) and result < len(made):
                return made[result]
            raise ReadError(f"there is no result {result} of the layer {name!r}", advice="Save the model anew.")
        case list():
            return [resolved(part, found) for part in value]
        case dict():
            return {key: resolved(part, found) for key, part in value.items()}
        case _:
            return value


def _history(value: Any, where: str) -> Key:
    match value:
        case [str(name), int(call), int(result)] if call >= 0 <= result:
            return name, call, result
        case _:
            raise ReadError(
                f"{where}: a result is named by {seen(value)}, not by [layer, call, result]", advice="Save the model anew."
            )


def structure(value: Any, where: str) -> Any:
    """The inputs or outputs of a model, with references in place of [layer, call, result]."""
    match value:
        case [str(), *_]:
            return Reference(_history(value, where))
        case list():
            return [structure(part, where) for part in value]
        case dict():
            return [structure(part, where) for part in value.values()]
        case _:
            raise ReadError(f"{where}: its inputs or outputs are {seen(value)}, not a list", advice="Save the model anew.")


def histories(value: Any, where: str) -> list[Key]:
    """The results that a model names as its inputs or outputs."""
    return [reference.key for reference in references(structure(value, where))]


def told_shape(value: Any) -> Told | None:
    """A shape as the file writes it; None where there is none."""
    if not isinstance(value, list) or not all(n is None or (is_integer(n) and 0 <= n <= LARGEST_NUMBER) for n in value):
        return None
    return tuple(value)


def known_dict(value: Any) -> Mapping[str, Any]:
    """An object, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def snake(name: str) -> str:
    """A class name as Keras writes it in the file of arrays: Conv2DTranspose is conv2d_transpose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
