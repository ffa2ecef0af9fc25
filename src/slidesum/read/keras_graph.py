"""The layers of a Keras description, put down in the order in which they read each other.

    Sequential      each layer reads the one before
    Functional      every call of a layer (`inbound_nodes`) tells whose results it reads: [layer, its how many-th call, its result]

Both may stand inside each other: what is inside gets the name of what is around, "encoder/conv1". A layer that is called twice is
two nodes, of which the second shares the arrays of the first. The shapes that the file tells are compared with those that follow
from the equations, where both are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from slidesum.core.ops import Input
from slidesum.core.sizes import Size, is_number, size
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import LARGEST_NUMBER, Fields, is_integer, seen
from slidesum.read.keras_call import Beyond, Call, Constant, Network, tensors, text
from slidesum.read.keras_file import Weights
from slidesum.read.keras_layers import read_call
from slidesum.read.keras_shapes import known_shape

Told = tuple[int | None, ...]
Key = tuple[str, int, int]

MOST_LAYERS = 10_000
DEEPEST = 20  # models within models
LETTERS = {1: "b", 2: "b f", 3: "b i c", 4: "b i j c", 5: "b i j k c"}
OPEN = {"i": "n", "j": "m", "k": "l"}


@dataclass(frozen=True)
class Place:
    """Where in the description we are: the network that is made, the arrays, the names around, and how deep."""

    network: Network
    where: str
    weights: Weights
    prefix: str = ""
    depth: int = 0

    def inner(self, name: str, weights: Weights) -> Place:
        """Inside a model, whose name in the network this is."""
        return Place(self.network, f"{self.where}, in {name!r}", weights, f"{name}/", self.depth + 1)


@dataclass(frozen=True)
class Spec:
    """One layer of the description: its class and options, its name, and where its arrays are."""

    module: str
    kind: str
    name: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    weights: Weights
    where: str


def read_model(place: Place, kind: str, options: Any, given: list[Tensor] | None, told: Sequence[Told | None] = ()) -> Any:
    """The results of a Sequential or Functional model, in the structure in which it hands them on.

    `given` are what it reads; None at the top, where its inputs become inputs of the network. `told` are the shapes of its outputs,
    where something around it knows them.
    """
    if place.depth > DEEPEST:
        raise ReadError(f"{place.where}: models lie within models too deeply", advice="Save a part of the model.")
    fields = Fields(f"{place.where}: the config of {kind}", options)
    if kind == "Sequential":
        return _sequential(place, fields, given, told)
    return _functional(place, fields, given, told)


def is_model(options: Any) -> bool:
    """Whether a description has layers inside."""
    return isinstance(options, dict) and isinstance(options.get("layers"), list)


# Sequential


def _sequential(place: Place, fields: Fields, given: list[Tensor] | None, told: Sequence[Told | None]) -> Any:
    specs = _specs(place, fields)
    built = _told(fields.maybe("build_input_shape", None))
    found: Any = given[0] if given else None
    if given is not None and len(given) != 1:
        raise ReadError(f"{fields.where}: it reads {len(given)} results", advice="A Sequential model reads one.")
    shapes = [_told(_dict(spec.fields.get("build_config")).get("input_shape")) for spec in specs]
    for number, spec in enumerate(specs):
        if spec.kind == "InputLayer":
            if found is None:
                found = _input(place, spec, 0)
            continue
        if found is None:
            shape = shapes[number] or built
            if shape is None:
                raise ReadError(
                    f"{fields.where}: the shape of its input isn't told",
                    usual="The model was saved before it was built.",
                    advice="Give an example input, or call the model once and save it anew.",
                )
            found = _input_of(place, "input", shape, 0)
        after = shapes[number + 1] if number + 1 < len(specs) else next(iter(told), None)
        found = _call(place, spec, [found], {}, {0: after} if after else {})
    if found is None:
        raise ReadError(f"{fields.where}: there are no layers", advice="Save a model that has some.")
    return found


# Functional


def _functional(place: Place, fields: Fields, given: list[Tensor] | None, told: Sequence[Told | None]) -> Any:
    specs = {spec.name: spec for spec in _specs(place, fields)}
    inputs = _histories(fields.take("input_layers"), fields.where)
    outputs = _counted(_structure(fields.take("output_layers"), fields.where), specs)
    calls = {(spec.name, number): _arguments(call, spec) for spec in specs.values() for number, call in enumerate(_calls(spec))}
    told_shapes: dict[Key, Told] = {}
    for args, named in calls.values():
        for reference in _references([args, named]):
            if reference.shape is not None:
                told_shapes.setdefault(reference.key, reference.shape)
    heads = [reference.key for reference in _references(outputs)]
    for head, shape in zip(heads, told, strict=False):
        if shape is not None:
            told_shapes.setdefault(head, shape)
    found: dict[tuple[str, int], Any] = {}
    if given is not None and len(given) != len(inputs):
        raise ReadError(f"{fields.where}: it has {len(inputs)} inputs and reads {len(given)} results", advice="Save it anew.")
    for number, (name, call, _) in enumerate(inputs):
        if name not in specs:
            raise ReadError(f"{fields.where}: there is no input {name!r}", advice="Save the model anew.")
        found[name, call] = given[number] if given is not None else _input(place, specs[name], number)
    for key in _order(calls, set(found), heads, fields.where):
        name, number = key
        args, named = (_resolved(part, found) for part in calls[key])
        shapes = {told_key[2]: shape for told_key, shape in told_shapes.items() if told_key[:2] == key}
        found[key] = _call(place, specs[name], args, named, shapes)
    return _resolved(outputs, found)


@dataclass(frozen=True)
class Reference:
    """Whose result is read: [layer, its how many-th call, which of its results], and the shape as the file tells it."""

    key: Key
    shape: Told | None = None


def _arguments(call: Any, spec: Spec) -> tuple[Any, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("args"), list) or not isinstance(call.get("kwargs"), dict):
        raise ReadError(
            f"{spec.where}: a call of it is {seen(call)}, not an object with args and kwargs",
            usual="The file was written by Keras 2.",
            advice="Load it with Keras 3, and save it anew.",
        )
    return _argument(call["args"], spec.where), _argument(call["kwargs"], spec.where)


def _argument(value: Any, where: str) -> Any:
    """What stands in a call: references to results, constants, slices; numbers and texts as they are."""
    match value:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": history, **more}}:
            return Reference(_history(history, where), _told(more.get("shape")))
        case {"class_name": "__tensor__" | "__numpy__", "config": {"value": numbers}}:
            try:
                return Constant(np.asarray(numbers, "float32"))
            except (ValueError, TypeError):
                raise ReadError(f"{where}: a constant holds no numbers", advice="Save the model anew.") from None
        case {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}:
            return slice(start, stop, step)
        case list():
            return [_argument(part, where) for part in value]
        case dict():
            return {key: _argument(part, where) for key, part in value.items()}
        case _:
            return value


def _references(value: Any) -> list[Reference]:
    match value:
        case Reference():
            return [value]
        case list():
            return [found for part in value for found in _references(part)]
        case dict():
            return [found for part in value.values() for found in _references(part)]
        case _:
            return []


def _resolved(value: Any, found: Mapping[tuple[str, int], Any]) -> Any:
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
            return [_resolved(part, found) for part in value]
        case dict():
            return {key: _resolved(part, found) for key, part in value.items()}
        case _:
            return value


def _order(
    calls: Mapping[tuple[str, int], Any], known: set[tuple[str, int]], heads: list[Key], where: str
) -> list[tuple[str, int]]:
    """The calls that the outputs need, each after those that it reads."""
    needs: dict[tuple[str, int], set[tuple[str, int]]] = {}
    waiting = [head[:2] for head in heads]
    while waiting:
        key = waiting.pop()
        if key in known or key in needs:
            continue
        if key not in calls:
            raise ReadError(f"{where}: there is no call {key[1]} of a layer {key[0]!r}", advice="Save the model anew.")
        needs[key] = {reference.key[:2] for reference in _references(list(calls[key]))}
        waiting.extend(needs[key])
    try:
        # in the order of the file where the graph leaves it open, so that the same file gives the same network
        rank = {key: number for number, key in enumerate(calls)}
        sorter = TopologicalSorter(
            {key: sorted(needs[key], key=lambda k: rank.get(k, -1)) for key in sorted(needs, key=rank.__getitem__)}
        )
        return [key for key in sorter.static_order() if key in needs]
    except CycleError as error:
        names = " → ".join(dict.fromkeys(name for name, _ in error.args[1]))
        raise ReadError(f"{where}: the layers read each other in a circle: {names}", advice="Save the model anew.") from None


# Layers and their calls


def _specs(place: Place, fields: Fields) -> list[Spec]:
    """The layers, with the places of their arrays: Keras numbers them by class, in the order in which they stand."""
    found: list[Spec] = []
    used: dict[str, int] = {}
    names: set[str] = set()
    for number, value in enumerate(fields.array("layers", longest=MOST_LAYERS)):
        layer = Fields(f"{place.where}: layer {number}", value)
        module = layer.maybe("module", None) or layer.maybe("registered_name", None) or "custom"
        kind, options = text(layer.take("class_name"), layer.where), layer.take("config")
        name = text(_dict(options).get("name") or value.get("name"), layer.where)
        if name in names:
            raise ReadError(f"{layer.where}: there are two layers of the name {name!r}", advice="Save the model anew.")
        names.add(name)
        snake = _snake(kind)
        operation = isinstance(module, str) and module.startswith("keras.src.ops")
        if not operation:
            used[snake] = used.get(snake, -1) + 1
        key = f"{snake}_{used[snake]}" if used.get(snake) else snake
        weights = place.weights.inside("operations", name) if operation else place.weights.inside("layers", key)
        found.append(Spec(text(module, layer.where), kind, name, value, _dict(options), weights, f"{place.where}: layer {name!r}"))
    return found


def _call(place: Place, spec: Spec, args: list[Any], named: dict[str, Any], shapes: Mapping[int, Told]) -> Any:
    """What one call of a layer makes."""
    network = place.network
    if is_model(spec.options) and spec.module.startswith("keras"):
        inner = place.inner(network.fresh(place.prefix + spec.name), spec.weights)
        outputs = [shapes.get(k) for k in range(max(shapes, default=-1) + 1)]
        return read_model(inner, spec.kind, spec.options, tensors([args, named]), outputs)
    call = Call(
        network,
        spec.where,
        place.prefix + spec.name,
        spec.kind,
        Fields(spec.where, spec.options),
        spec.weights,
        args,
        named,
        shapes.get(0),
    )
    try:
        found = read_call(call, spec.module)
    except Beyond as reason:
        return _opaque(call, shapes, str(reason))
    for number, result in enumerate(found if isinstance(found, list) else [found]):
        _compare(call, result, shapes.get(number))
    return found


def _opaque(call: Call, shapes: Mapping[int, Told], reason: str) -> Any:
    """The layer by its name and the shapes of its results, as the file tells them or its class does."""
    made: list[Tensor] = []
    for number in range(max(shapes, default=0) + 1):
        shape = _shape(call, shapes[number]) if number in shapes else None
        if shape is None and number == 0:
            shape = known_shape(call)
        if shape is None:
            raise ReadError(
                f"{call.where} ({call.kind}): the shape of its result isn't told",
                usual=f"The layer stays opaque ({reason}), and no other layer says what it hands on.",
                advice="Pass the model itself, built on sizes that are numbers, instead of the file.",
            )
        made.append(call.opaque(call.kind, shape, reason, *call.inputs, at=str(number) if number else ""))
    return made if len(made) > 1 else made[0]


def _shape(call: Call, told: Told) -> tuple[Size, ...] | None:
    """A shape of the file, whose batch is that of what the layer reads; None where more is open."""
    rest = tuple(n for n in told[1:] if n is not None)
    if not told or len(rest) < len(told) - 1:
        return None
    batch: Size = told[0] if told[0] is not None else call.inputs[0].shape[0] if call.inputs and call.inputs[0].shape else 1
    return (batch, *rest)


def _compare(call: Call, found: Tensor, told: Told | None) -> None:
    if told is None:
        return
    agree = len(told) == len(found.shape) and not any(
        n is not None and is_number(m) and n != m for n, m in zip(told[1:], found.shape[1:], strict=True)
    )
    if not agree:
        raise ReadError(
            f"{call.where} makes {tuple(found.shape)}, and the file tells of {tuple(told)}",
            usual="The description was changed or damaged.",
            advice="Save the model anew.",
        )


# Inputs


def _input(place: Place, spec: Spec, number: int) -> Tensor:
    fields = Fields(spec.where, dict(spec.options))
    shape = _told(fields.maybe("batch_shape", None) or fields.maybe("batch_input_shape", None))
    if shape is None:
        raise ReadError(f"{spec.where}: the shape of an input isn't told", advice="Save the model anew.")
    return _input_of(place, spec.name, shape, number)


def _input_of(place: Place, name: str, told: Told, number: int) -> Tensor:
    """An input of the network. What is open is told by the example, or stays a symbol; a batch is one."""
    network = place.network
    letters = LETTERS.get(len(told), " ".join(["b", *(f"a{k}" for k in range(1, len(told)))])).split() if told else []
    if network.maps_first and len(letters) > 2:
        letters = ["b", "c", *letters[1:-1]]
    example = network.examples[number] if number < len(network.examples) else None
    if example is not None and (
        len(example) != len(told) or any(n not in (None, m) for n, m in zip(told[1:], example[1:], strict=True))
    ):
        raise ReadError(
            f"{place.where}: the example has the shape {example}, and the input {name!r} takes {_shown(told)}",
            advice="Give an example that the model takes.",
        )
    shape = [
        size(example[k]) if example is not None else n if n is not None else 1 if k == 0 else size(_symbol(letters[k], number))
        for k, n in enumerate(told)
    ]
    return network.draft.place(network.fresh(place.prefix + name), Input(tuple(letters)), shape=tuple(shape))


def _symbol(letter: str, number: int) -> str:
    return OPEN.get(letter, f"n_{letter}") + (str(number + 1) if number else "")


# Small things of the description


def _calls(spec: Spec) -> list[Any]:
    found = spec.fields.get("inbound_nodes", [])
    if not isinstance(found, list):
        raise ReadError(f"{spec.where}: its calls are {seen(found)}, not a list", advice="Save the model anew.")
    return found


def _history(value: Any, where: str) -> Key:
    match value:
        case [str(name), int(call), int(result)] if call >= 0 <= result:
            return name, call, result
        case _:
            raise ReadError(
                f"{where}: a result is named by {seen(value)}, not by [layer, call, result]", advice="Save the model anew."
            )


def _structure(value: Any, where: str) -> Any:
    """The inputs or outputs of a model, with references in place of [layer, call, result]."""
    match value:
        case [str(), *_]:
            return Reference(_history(value, where))
        case list():
            return [_structure(part, where) for part in value]
        case dict():
            return [_structure(part, where) for part in value.values()]
        case _:
            raise ReadError(f"{where}: its inputs or outputs are {seen(value)}, not a list", advice="Save the model anew.")


def _counted(value: Any, specs: Mapping[str, Spec]) -> Any:
    """The outputs with calls counted from 0: those of a Functional model inside, Keras counts from 1 here, and only here."""
    if isinstance(value, list):
        return [_counted(part, specs) for part in value]
    name, call, result = value.key
    inside = name in specs and "output_layers" in specs[name].options
    return Reference((name, call - 1, result)) if inside and call else value


def _histories(value: Any, where: str) -> list[Key]:
    return [reference.key for reference in _references(_structure(value, where))]


def _told(value: Any) -> Told | None:
    """A shape as the file writes it; None where there is none."""
    if not isinstance(value, list) or not all(n is None or (is_integer(n) and 0 <= n <= LARGEST_NUMBER) for n in value):
        return None
    return tuple(value)


def _shown(told: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in told)})"


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _snake(name: str) -> str:
    """A class name as Keras writes it in the file of arrays: Conv2DTranspose is conv2d_transpose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
