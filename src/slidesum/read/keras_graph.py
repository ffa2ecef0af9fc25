"""The layers of a Keras description, put down in the order in which they read each other.

    Sequential      each layer reads the one before
    Functional      every call of a layer (`inbound_nodes`) tells whose results it reads: [layer, its how many-th call, its result]

Both may stand inside each other: what is inside gets the name of what is around, "encoder/conv1". A layer that is called twice is
two nodes, of which the second shares the arrays of the first. The shapes that the file tells are compared with those that follow
from the equations, where both are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from slidesum.core.sizes import Size, is_number
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import Fields, seen
from slidesum.read.keras_call import Beyond, Call, Network, tensors, text
from slidesum.read.keras_config import (
    Key,
    Reference,
    Told,
    argument_of,
    histories,
    known_dict,
    references,
    resolved,
    snake,
    structure,
    told_shape,
)
from slidesum.read.keras_file import Weights
from slidesum.read.keras_inputs import input_of
from slidesum.read.keras_layers import read_call
from slidesum.read.keras_shapes import known_shape

MOST_LAYERS = 10_000
DEEPEST = 20  # models within models


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
    built = told_shape(fields.maybe("build_input_shape", None))
    found: Any = given[0] if given else None
    if given is not None and len(given) != 1:
        raise ReadError(f"{fields.where}: it reads {len(given)} results", advice="A Sequential model reads one.")
    shapes = [told_shape(known_dict(spec.fields.get("build_config")).get("input_shape")) for spec in specs]
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
            found = input_of(place.network, place.where, f"{place.prefix}input", shape, 0)
        after = shapes[number + 1] if number + 1 < len(specs) else next(iter(told), None)
        found = _call(place, spec, [found], {}, {0: after} if after else {})
    if found is None:
        raise ReadError(f"{fields.where}: there are no layers", advice="Save a model that has some.")
    return found


# Functional


def _functional(place: Place, fields: Fields, given: list[Tensor] | None, told: Sequence[Told | None]) -> Any:
    specs = {spec.name: spec for spec in _specs(place, fields)}
    inputs = histories(fields.take("input_layers"), fields.where)
    outputs = _counted(structure(fields.take("output_layers"), fields.where), specs)
    calls = {(spec.name, number): _arguments(call, spec) for spec in specs.values() for number, call in enumerate(_calls(spec))}
    told_shapes: dict[Key, Told] = {}
    for args, named in calls.values():
        for reference in references([args, named]):
            if reference.shape is not None:
                told_shapes.setdefault(reference.key, reference.shape)
    heads = [reference.key for reference in references(outputs)]
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
        args, named = (resolved(part, found) for part in calls[key])
        shapes = {told_key[2]: shape for told_key, shape in told_shapes.items() if told_key[:2] == key}
        found[key] = _call(place, specs[name], args, named, shapes)
    return resolved(outputs, found)


def _arguments(call: Any, spec: Spec) -> tuple[Any, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("args"), list) or not isinstance(call.get("kwargs"), dict):
        raise ReadError(
            f"{spec.where}: a call of it is {seen(call)}, not an object with args and kwargs",
            usual="The file was written by Keras 2.",
            advice="Load it with Keras 3, and save it anew.",
        )
    return argument_of(call["args"], spec.where), argument_of(call["kwargs"], spec.where)


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
        needs[key] = {reference.key[:2] for reference in references(list(calls[key]))}
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
        name = text(known_dict(options).get("name") or value.get("name"), layer.where)
        if name in names:
            raise ReadError(f"{layer.where}: there are two layers of the name {name!r}", advice="Save the model anew.")
        names.add(name)
        stem = snake(kind)
        operation = isinstance(module, str) and module.startswith("keras.src.ops")
        if not operation:
            used[stem] = used.get(stem, -1) + 1
        key = f"{stem}_{used[stem]}" if used.get(stem) else stem
        weights = place.weights.inside("operations", name) if operation else place.weights.inside("layers", key)
        where = f"{place.where}: layer {name!r}"
        found.append(Spec(text(module, layer.where), kind, name, value, known_dict(options), weights, where))
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
    shape = told_shape(fields.maybe("batch_shape", None) or fields.maybe("batch_input_shape", None))
    if shape is None:
        raise ReadError(f"{spec.where}: the shape of an input isn't told", advice="Save the model anew.")
    return input_of(place.network, place.where, place.prefix + spec.name, shape, number)


# Small things of the description


def _calls(spec: Spec) -> list[Any]:
    found = spec.fields.get("inbound_nodes", [])
    if not isinstance(found, list):
        raise ReadError(f"{spec.where}: its calls are {seen(found)}, not a list", advice="Save the model anew.")
    return found


def _counted(value: Any, specs: Mapping[str, Spec]) -> Any:
    """The outputs with calls counted from 0: those of a Functional model inside, Keras counts from 1 here, and only here."""
    if isinstance(value, list):
        return [_counted(part, specs) for part in value]
    name, call, result = value.key
    inside = name in specs and "output_layers" in specs[name].options
    return Reference((name, call - 1, result)) if inside and call else value
