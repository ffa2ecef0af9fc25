"""A network on arrays: every layer in turn, on whatever backend the input belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Opaque
from slidesum.core.sizes import is_number
from slidesum.errors import FileError, SizeError, UsageError
from slidesum.laws.parameters import kept_parameters, parameters
from slidesum.run.backend import Array
from slidesum.run.layers import computed, constants
from slidesum.run.met import as_numpy, met

Values = Mapping[str, Array]
"""The arrays of a network by "layer.array": "conv1.w", "conv1.bias"."""


def initial_values(graph: Graph, seed: int = 0, dtype: str = "float32") -> dict[str, np.ndarray[Any, Any]]:
    """Random arrays to begin with, the same for the same seed. See `laws.parameters` for the distribution."""
    refuse_symbols(graph)
    random = np.random.default_rng(seed)
    values = {}
    for node in graph:
        for parameter in kept_parameters(node):
            shape = tuple(parameter.shape)
            if parameter.start is not None:
                array = np.full(shape, parameter.start)
            else:
                bound = 1 / sqrt(max(1, parameter.fan_in))
                array = random.uniform(-bound, bound, shape)
            values[f"{node.name}.{parameter.name}"] = array.astype(dtype)
    return values


def checked_values(graph: Graph, values: Values) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays as NumPy arrays.

    Raises FileError if arrays are missing, superfluous, or of another shape than the network says.
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"the arrays of a network are a dict, not {type(values).__name__}", advice="Give them by 'layer.array'.")
    wanted = {f"{node.name}.{p.name}": tuple(p.shape) for node in graph for p in kept_parameters(node)}
    found = {}
    for name, shape in wanted.items():
        if name not in values:
            raise FileError(
                f"the array {name!r} is missing",
                usual=f"{graph.name} needs {len(wanted)} arrays.",
                advice="Give the arrays that belong to this network.",
            )
        found[name] = as_numpy(values[name])
        if found[name].shape != shape:
            raise FileError(
                f"the array {name!r} has the shape {found[name].shape}, and {shape} is needed",
                advice="Give the arrays that belong to this network.",
            )
    extra = next((name for name in values if name not in wanted), None)
    if extra:
        raise FileError(
            f"the array {extra!r} belongs to no layer",
            usual=f"The layers of {graph.name} are {', '.join(n.name for n in graph)}.",
            advice="Give the arrays that belong to this network.",
        )
    return found


def run(graph: Graph, values: Values, *inputs: Array) -> dict[str, Array]:
    """Every activation by the name of its layer, in the order computed.

    It is computed in the precision of the input. Integers, as pictures often are, become numbers of the arrays' dtype.
    """
    refuse_symbols(graph)
    held = checked_values(graph, values)
    backend, arrays, _ = met(inputs)
    if held:
        dtype = np.result_type(*held.values())
        arrays = [backend.promoted(x, dtype.name) for x in arrays]
    return walk(graph, fitted_inputs(graph, arrays), lambda node, before: result_of(node, held, before, arrays[0]))


def walk(graph: Graph, given: Mapping[str, Array], layer: Callable[[Node, list[Array]], Array]) -> dict[str, Array]:
    """Visit the nodes in order; `layer` makes the result of one from those before."""
    found: dict[str, Array] = {}
    for node in graph:
        found[node.name] = given[node.name] if isinstance(node.op, Input) else layer(node, [found[name] for name in node.inputs])
    return found


def fitted_inputs(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """The arrays that the network begins with, by the names of its inputs."""
    if len(inputs) != len(graph.inputs):
        raise UsageError(
            f"{graph.name} has {len(graph.inputs)} inputs, and {len(inputs)} were given", advice="Give one array an input."
        )
    return {node.name: fitted(node, x) for node, x in zip(graph.inputs, inputs, strict=True)}


def fitted(node: Node, x: Array) -> Array:
    """The input with the axes the network names: leading axes of extent one may be left out, and the batch may differ."""
    missing = len(node.shape) - x.ndim
    if missing > 0 and all(n == 1 for n in node.shape[:missing]):
        x = x.reshape((*(1 for _ in range(missing)), *x.shape))
    names = " ".join(node.op.names) if isinstance(node.op, Input) else ""
    if x.ndim != len(node.shape) or any(a != b for a, b in zip(x.shape[1:], node.shape[1:], strict=True)):
        raise SizeError(
            f"the input has the shape {tuple(x.shape)}, and the network expects {tuple(node.shape)}",
            usual=f"Its axes are {names}; the first may have any extent.",
            advice="Crop or scale the image, or give the network other sizes.",
        )
    return x


def result_of(node: Node, values: Values, before: Sequence[Array], like: Array) -> Array:
    """The result of one layer as it computes when nothing is being trained; `like` is an array of the library that computes."""
    return prepared(node, values, like)(before)


def prepared(node: Node, values: Values, like: Array) -> Callable[[Sequence[Array]], Array]:
    """What computes the layer from the results that it reads: its arrays are looked up once."""
    backend = met([like])[0]
    kept = () if isinstance(node.op, Opaque) else parameters(node)
    arrays = {p.name: backend.constant(values[f"{node.owner}.{p.name}"], like) for p in kept}
    return partial(computed, backend, node, {**arrays, **constants(backend, node, like)})


def refuse_symbols(graph: Graph) -> None:
    """Raise SizeError if sizes are still symbols."""
    if not all(is_number(n) for node in graph for n in node.shape) or graph.symbols:
        raise SizeError(
            f"{graph.name} has open sizes: {', '.join(graph.symbols)}",
            usual="Symbols are enough to count, but not to compute.",
            advice=f"Give them numbers: net.with_sizes({', '.join(f'{s}=8' for s in graph.symbols)}).",
        )
