"""A network as readable JSON, and back.

    {"format": "slidesum/1",
     "name": "two layers",
     "layers": [
      {"name": "input", "op": "input", "inputs": [], "axes": ["b", "c", "i", "j"], "shape": [1, 1, "n", "m"]},
      {"name": "conv1", "op": "equation", "inputs": ["input"], "equation": "b c i+u j+v, o c u v -> b o i j", "bias": "o",
       "sizes": {"o": "k1", "u": 3, "v": 3}, "padding": "same"},
      …

An equation is written as its pattern, with the bias axes beside it; where a pattern can't tell everything (operands with names
of their own), in the named spelling, which can. Symbols and formulas are text. A field that has its default is left out. Shapes
are not in the file, the input's excepted: reading builds the network anew, so every shape is solved from the equations.

A file may come from a stranger. Whatever it holds, reading it gives a network or a FileError, and takes little memory and time:
the limits stand below.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Layer, Op, Opaque, Pad, Reshape, Slice, Stored
from slidesum.core.sizes import Size, is_number
from slidesum.draft.replay import replay
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SlidesumError
from slidesum.laws.parameters import parameters
from slidesum.read.fields import LARGEST_NUMBER, Fields, json_value, seen, within
from slidesum.read.ops import read_op, read_shape, write_op

FORMAT = "slidesum/1"
MOST_LAYERS = 10_000
MOST_TERMS = 10_000  # terms that the sizes of one layer may have when multiplied out
MOST_TAPS = 2**24  # values that the indices of one address may take together


def to_json(graph: Graph, **more: Any) -> str:
    """The network as text, one line a layer. `more` are further fields of the document.

    Raises FileError for what the format can't tell, such as a formula that can't be read back.
    """
    head = {"format": FORMAT, "name": graph.name, **({"outputs": list(graph.heads)} if graph.heads else {}), **more}
    lines = [f" {_text(name)}: {_text(value)}," for name, value in head.items()]
    layers = ",\n".join(f"  {_text(_written(node))}" for node in graph)
    return "\n".join(["{", *lines, ' "layers": [', layers, " ]}", ""]).replace("{\n ", "{", 1)


def from_json(text: str, origin: str = "the text") -> Graph:
    """The network that `to_json` wrote; every shape is solved anew.

    >>> net = Draft("halves")
    >>> x = net.pool(net.input("b i", b=1, i="n"), "mean b 2*i+u -> b i", u=2, name="half")
    >>> from_json(to_json(net.graph)) == net.graph
    True

    Raises FileError, with `origin` as the place, for anything that is no such network.
    """
    return graph_of(document(text, origin))


def document(text: str, origin: str) -> Fields:
    """The fields of the outermost object, its format checked."""
    value = json_value(
        text,
        origin,
        usual="A network is saved as NAME.json with NAME.safetensors beside it.",
        advice="Name the JSON file of a saved network.",
    )
    fields = Fields(origin, value)
    found = fields.maybe("format", None)
    if found != FORMAT:
        raise FileError(
            f"{origin} is no saved network: its format is {seen(found)}",
            usual=f"This slidesum reads {FORMAT!r}.",
            advice="Name the JSON file of a saved network, or install a newer slidesum.",
        )
    return fields


def graph_of(fields: Fields) -> Graph:
    """The network of a document, which must hold nothing else."""
    draft = Draft(fields.text("name", longest=200))
    layers = fields.array("layers", longest=MOST_LAYERS)
    heads = fields.maybe("outputs", [])
    fields.done()
    if not layers:
        raise FileError(f"{fields.where}: there are no layers", advice="Save a network that has some.")
    shapes: dict[str, tuple[Size, ...]] = {}
    for number, value in enumerate(layers):
        layer = Fields(f"{fields.where}: layer {number}", value)
        name = layer.text("name", longest=200)
        layer.where = f"{fields.where}: layer {name!r}"
        try:
            _put(draft, name, layer, shapes)
        except FileError:
            raise
        except SlidesumError as error:
            raise within(layer.where, error) from None
    if not isinstance(heads, list) or not all(isinstance(name, str) and name in shapes for name in heads):
        raise fields.wrong("outputs", heads, "a list of names of layers")
    draft.output(*map(draft.tensor, heads))
    return draft.graph


def _put(draft: Draft, name: str, fields: Fields, shapes: dict[str, tuple[Size, ...]]) -> None:
    """Put one layer on the draft, after all that can be refused without solving, and before the rest is believed."""
    inputs = fields.array("inputs", longest=1000)
    for source in inputs:
        if not isinstance(source, str) or source not in shapes:
            raise FileError(
                f"{fields.where}: there is no earlier layer {seen(source)}",
                usual="A layer reads layers that stand before it.",
                advice="Correct the name, or the order.",
            )
    before = [shapes[source] for source in inputs]
    op = read_op(fields, before)
    shape = read_shape(fields, len(op.names)) if isinstance(op, Input) else ()
    shares = fields.maybe("shares", None)
    if shares is not None and (not isinstance(shares, str) or shares not in shapes):
        raise fields.wrong("shares", shares, "the name of an earlier layer")
    fields.done()
    _refuse_long(fields.where, [*_given(op, shape), *(n for one in before for n in one)])
    replay(draft, Node(name, op, tuple(inputs), shape, shares=shares))
    node = draft.graph.output
    _refuse_large(fields.where, node)
    shapes[name] = node.shape


# Limits: what a file may cost


def _given(op: Op, shape: tuple[Size, ...]) -> tuple[Size, ...]:
    match op:
        case Layer(sizes=sizes, extent=extent):
            return (*sizes.values(), *(extent or {}).values())
        case Stored(shape=shape) | Reshape(shape=shape):
            return shape
        case Opaque(shape=shape, arrays=arrays):
            return (*shape, *(n for _, one in arrays for n in one))
        case Slice(start=start, stop=stop):
            return (start, stop)
        case Pad(cells=cells):
            return tuple(n for pair in cells for n in pair)
        case _:
            return shape


def _refuse_long(where: str, sizes: list[Size]) -> None:
    """Formulas are multiplied with each other when a layer is solved; their product must stay short."""
    terms = math.prod(len(getattr(n, "args", ())) if getattr(n, "is_Add", False) else 1 for n in sizes)
    if terms > MOST_TERMS or sum(len(str(n)) for n in sizes) > MOST_TERMS:
        raise FileError(
            f"{where}: the formulas of its sizes are too long", advice='Give single symbols: "k1" in place of "a + b + c".'
        )


def _refuse_large(where: str, node: Node) -> None:
    """No array with more elements than a file may ask for, no window that takes for ever to count."""
    for what, extents in _products(node):
        if all(is_number(n) for n in extents) and math.prod(extents) > (
            most := MOST_TAPS if what == "an address" else LARGEST_NUMBER
        ):
            raise FileError(
                f"{where}: {what} of {' × '.join(map(str, extents))} is too large",
                usual=f"At most {most:,} are read from a file.",
                advice="Give smaller sizes.",
            )


def _products(node: Node) -> Iterator[tuple[str, tuple[Size, ...]]]:
    yield "a result", node.shape
    if node.sized is not None:
        for shape in node.sized.shapes[node.sized.inputs :]:
            yield "a filter", shape
        for slide in node.sized.slides.values():
            yield "an address", tuple(node.sized.extents[name] for name, _ in slide.steps)
    for parameter in parameters(node) if node.sized is None else ():
        yield "an array", parameter.shape


# Details of the text


def _written(node: Node) -> dict[str, Any]:
    told = write_op(node)
    shared = {"shares": node.shares} if node.shares else {}
    return {"name": node.name, "op": told.pop("op"), "inputs": list(node.inputs), **shared, **told}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
