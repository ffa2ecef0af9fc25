"""Which type? How many layers of a network are of which kind, and what that means, in words.

A weighted layer is an equation with filters; one that is used twice is one layer. Layers are told by family: a convolution in
groups is one of type 2.2 within every group. `MEANS` says what a family does with maps; of a family that isn't there, the gist of
its kind (`laws.kind`) is told. Whether an activation stands before or behind the sum over maps is read off the layer that it
follows.

    >>> import slidesum as ss
    >>> found = types(ss.load("type-1").graph)
    >>> print(found)
    3 weighted layers: 2 convolutions of type 1, 1 linear. Type 1: every filter runs over every map separately, and the maps
    share its weights; k1 maps and k2 filters give k1·k2 maps. Linear: every output has a weight for every value that it
    reads. Pooling mixes no maps. ReLU stands where no maps were summed.
    >>> found.kinds
    {'type 1': 2, 'linear': 1}
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Layer
from slidesum.core.sizes import Size, prod
from slidesum.laws.kind import Kind, kind
from slidesum.laws.roles import with_role

FAMILIES: Mapping[str, tuple[str, str]] = {
    "type 1": ("convolution of type 1", "convolutions of type 1"),
    "type 2.1": ("convolution of type 2.1", "convolutions of type 2.1"),
    "type 2.2": ("convolution of type 2.2", "convolutions of type 2.2"),
    "1×1": ("1×1 convolution", "1×1 convolutions"),
    "depthwise": ("depthwise convolution", "depthwise convolutions"),
    "depthwise separable": ("depthwise separable convolution", "depthwise separable convolutions"),
    "transposed": ("transposed convolution", "transposed convolutions"),
}
"""One and several of a family; others are called as their kind."""

GROUPED: Mapping[str, str] = {"grouped": "type 2.2", "grouped 1×1": "1×1", "transposed grouped": "transposed"}
"""What a layer in groups is within each of them."""

MEANS: Mapping[str, str] = {
    "type 1": "Type 1: every filter runs over every map separately, and the maps share its weights; "
    "k1 maps and k2 filters give k1·k2 maps.",
    "type 2.1": "Type 2.1: a flat filter runs over the sum of all maps, which share its weights; k2 filters give k2 maps.",
    "type 2.2": "Type 2.2: a filter spans {maps} and has weights of its own for each; k2 filters give k2 maps.",
    "1×1": "1×1: a filter spans {maps}, with one weight for each, and looks at no neighbours; k2 filters give k2 maps.",
    "depthwise": "Depthwise: every map has flat filters of its own and is summed with no other.",
    "linear": "Linear: every output has a weight for every value that it reads.",
    "transposed": "Transposed: every value is spread over a window of {outputs}, with weights of its own for each.",
}

SPELT: Mapping[str, str] = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
}


@dataclass(frozen=True, slots=True)
class Types:
    """The kinds of the weighted layers with their numbers, in the order in which they appear, and sentences about them."""

    kinds: Mapping[str, int]
    sentences: tuple[str, ...]

    @property
    def weighted_layers(self) -> int:
        return sum(self.kinds.values())

    def __str__(self) -> str:
        return textwrap.fill(" ".join(self.sentences), 120)


def types(graph: Graph) -> Types:
    """How many weighted layers are of which kind, and what that means."""
    weighted = [(node, _kind(node)) for node in graph if _has_filters(node) and node.shares is None]
    families: dict[str, list[tuple[Node, Kind]]] = {}
    for node, found in weighted:
        families.setdefault(GROUPED.get(found.name, found.name), []).append((node, found))
    told = ", ".join(_counted(family, layers) for family, layers in families.items())
    head = f"{_number(len(weighted), 'weighted layer', 'weighted layers')}{': ' if told else ''}{told}."
    means = [_meaning(family, layers) for family, layers in families.items()]
    return Types(dict(Counter(found.name for _, found in weighted)), (head, *means, *_poolings(graph), *_activations(graph)))


def _has_filters(node: Node) -> bool:
    return isinstance(node.op, Layer) and len(node.op.equation.operands) > len(node.inputs)


def _kind(node: Node) -> Kind:
    assert isinstance(node.op, Layer)
    return kind(node.op.equation, node.sized)


def _counted(family: str, layers: list[tuple[Node, Kind]]) -> str:
    """Such as "5 convolutions of type 2.2 (2 of them in 2 groups)"."""
    grouped = Counter(str(_groups(node)) for node, found in layers if found.name in GROUPED)
    wired = sum(1 for node, _ in layers if node.sized and node.sized.connections)
    parts = [f"{'all' if n == len(layers) else f'{n} of them'} in {groups} groups" for groups, n in grouped.items()]
    parts += [f"{'all' if wired == len(layers) else f'{wired} of them'} with a table of connections"] if wired else []
    remark = f" ({', '.join(parts)})" if parts else ""
    return _number(len(layers), *FAMILIES.get(family, (family, family))) + remark


def _groups(node: Node) -> Size:
    assert node.sized is not None
    return prod(node.sized.extents[name] for name in with_role(node.sized.equation, "own"))


def _meaning(family: str, layers: list[tuple[Node, Kind]]) -> str:
    if family not in MEANS:
        name, gist = layers[0][1].name, layers[0][1].gist
        return f"{name[0].upper()}{name[1:]}: {gist}."
    grouped = sum(1 for _, found in layers if found.name in GROUPED)
    where = "" if not grouped else " of its group" if grouped == len(layers) else " (of its group, where there are groups)"
    return MEANS[family].format(maps=f"all maps{where}", outputs=f"every output map{where}")


def _poolings(graph: Graph) -> Iterator[str]:
    """What the layers without filters do with maps."""
    found = [(node, _kind(node).name) for node in graph if isinstance(node.op, Layer) and len(node.op.equation.operands) == 1]
    across = [name for _, name in found if name.endswith("pooling across maps")]
    windows = [node for node, name in found if name.endswith(" pooling") and not name.startswith("global ")]
    if windows and not any(with_role(node.sized.equation, "pooled") for node in windows if node.sized):
        yield "Pooling within a map mixes no maps." if across else "Pooling mixes no maps."
    if across:
        yield "Pooling across maps makes one map of several."
    if any(name.startswith("global ") for _, name in found):
        yield "Global pooling makes one number of every map."


def _activations(graph: Graph) -> Iterator[str]:
    """Whether each function stands behind a sum over maps."""
    sums: dict[str, bool | None] = {}
    behind: dict[str, Counter[bool]] = {}
    for node in graph:
        before = [sums[name] for name in node.inputs if sums[name] is not None]
        sums[node.name] = _sums_maps(node) if _has_filters(node) else all(before) if before else None
        if isinstance(node.op, Activation) and before:
            behind.setdefault(node.op.function, Counter())[all(before)] += 1
    for function, places in behind.items():
        name = SPELT.get(function, function)
        if not places[False]:
            yield f"{name} stands after the sum over the maps."
        elif not places[True]:
            yield f"{name} stands where no maps were summed."
        else:
            yield f"{name} stands {places[True]} times after the sum over the maps, {places[False]} times where none were summed."


def _sums_maps(node: Node) -> bool:
    assert node.sized is not None
    return bool(with_role(node.sized.equation, "summed", "pooled"))


def _number(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"
