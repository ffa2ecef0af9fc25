"""Why one output value is what it is: every term, the sums of the input maps, the bias, the activation, what is left over.

The coordinates come from `laws.explain`; here the numbers of a real run are put to them. Terms are multiplied in double precision
and summed exactly, so the residual is the rounding of the engine that ran the network and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slidesum.core.axis import indices
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Input, Layer
from slidesum.core.sized import Sized
from slidesum.errors import NetworkError, RankError, UsageError
from slidesum.laws.edge import constant
from slidesum.laws.explain import Reading, bias_cell, readings
from slidesum.laws.kind import kind
from slidesum.laws.roles import batch, roles
from slidesum.laws.shape import solve
from slidesum.notation.write import named
from slidesum.run.met import numpy_backend
from slidesum.show.exact import exact_sum
from slidesum.show.formula import finite, json_text
from slidesum.show.given import coordinates, numbers
from slidesum.show.kinds import op_kind
from slidesum.show.other import of_other
from slidesum.show.term import Place, Term, heaviest_of


@dataclass(frozen=True)
class Explanation:
    """All that made one output value.

    `before` is the value of the layer itself, summed here; `after` is what the activation behind it makes of it (None without one);
    `computed` is what the network computed, and `residual` is how far `before` is from it.
    """

    layer: str
    kind: str
    gist: str
    equation: str
    at: Place
    terms: tuple[Term, ...]
    partial_sums: tuple[tuple[str, int, float], ...]
    bias: float | None
    before: float
    activation: str | None
    after: float | None
    computed: float
    winner: Term | None = None
    reduce: str = "sum"
    inputs: tuple[str, ...] = ()

    @property
    def residual(self) -> float:
        """`before` - `computed`: the rounding of the engine; 0 where they are equal, infinities included."""
        return 0.0 if self.before == self.computed else self.before - self.computed

    @property
    def relative_residual(self) -> float:
        """|residual| over the sum of the terms' magnitudes, the scale on which a sum can be exact."""
        scale = exact_sum(abs(term.product) for term in self.terms) + abs(self.bias or 0.0)
        return abs(self.residual) / scale if scale else abs(self.residual)

    @property
    def term_title(self) -> str:
        return "input" if self.reduce == "sum" else "window"

    def folded(self, most: int | None) -> tuple[tuple[Term, ...], int]:
        """The terms to show, in their order, and how many are left out.

        Of a long sum over several input maps those of the map that weighs most, of any other those that weigh most: by the size of
        their product, or for a maximum by how near they come to winning.
        """
        if most is None or len(self.terms) <= most:
            return self.terms, 0
        candidates = range(len(self.terms))
        if len(self.partial_sums) > 1 and all(count > 1 for _, count, _ in self.partial_sums):
            heaviest = max(range(len(self.partial_sums)), key=lambda k: abs(self.partial_sums[k][2]))
            start = sum(count for _, count, _ in self.partial_sums[:heaviest])
            candidates = range(start, start + self.partial_sums[heaviest][1])
        shown = tuple(self.terms[k] for k in heaviest_of(most, candidates, lambda k: self._weight(self.terms[k])))
        return shown, len(self.terms) - len(shown)

    def folded_sums(self, most: int | None) -> tuple[tuple[tuple[str, int, float], ...], int]:
        """The sums of the input maps to show, in their order, and how many are left out: none where each is a single term."""
        if len(self.partial_sums) < 2 or all(count == 1 for _, count, _ in self.partial_sums):
            return (), 0
        count = len(self.partial_sums)
        kept = heaviest_of(count if most is None else most, range(count), lambda k: abs(self.partial_sums[k][2]))
        return tuple(self.partial_sums[k] for k in kept), count - len(kept)

    def _weight(self, term: Term) -> float:
        if term is self.winner:
            return math.inf
        return {"max": term.value, "min": -term.value}.get(self.reduce, abs(term.product))

    def ledger(self) -> Iterator[tuple[str, float]]:
        """From the terms to the value, line by line."""
        if self.reduce == "sum":
            yield f"sum of {len(self.terms)} terms", exact_sum(term.product for term in self.terms)
        if self.bias is not None:
            yield "+ bias", self.bias
        yield {"sum": "= value", "max": "largest", "min": "smallest", "mean": "mean"}.get(self.reduce, self.reduce), self.before
        if self.after is not None:
            yield f"{self.activation} of it", self.after

    def to_json(self) -> str:
        """All of it as JSON: an object with the fields of this class."""
        return json_text(self._fields())

    def document(self) -> dict[str, Any]:
        """The object that `to_json` writes; NaN and infinity are text."""
        told: dict[str, Any] = finite(self._fields())
        return told

    def _fields(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "kind": self.kind,
            "equation": self.equation,
            "at": self.at,
            "terms": [
                {
                    "indices": dict(term.indices),
                    "cell": term.cell,
                    "value": term.value,
                    "weights": [{"filter": name, "cell": cell, "weight": weight} for name, cell, weight in term.weights],
                    "product": term.product,
                    "in_border": term.in_border,
                    "winner": term is self.winner,
                    "from": self.inputs[term.origin] if self.inputs else None,
                }
                for term in self.terms
            ],
            "partial_sums": [{"map": label, "terms": count, "sum": total} for label, count, total in self.partial_sums],
            "bias": self.bias,
            "value": self.before,
            "activation": self.activation,
            "after": self.after,
            "computed": self.computed,
            "residual": self.residual,
            "relative_residual": self.relative_residual,
            "reduce": self.reduce,
        }

    def __rich__(self) -> Any:
        from slidesum.show.text import explanation_text

        return explanation_text(self)

    def text(self, *, all_terms: bool = False) -> str:
        """The explanation as plain text; `all_terms` unfolds long sums."""
        from slidesum.show.text import explanation_text, printed

        return printed(explanation_text(self, all_terms=all_terms))

    def __str__(self) -> str:
        return self.text()


def explain(graph: Graph, values: Mapping[str, Any], maps: Mapping[str, Any], layer: str, at: Sequence[int]) -> Explanation:
    """The explanation of one value of a layer, from the activations `maps` of a run.

    The first coordinate, the batch, may be left out where it is 0. Raises NetworkError for a layer that the network doesn't have,
    UsageError for what is no place, RankError for a place outside its result, ArrayError for complex numbers.
    """
    node = graph[layer]
    missing = [name for name in (layer, *node.inputs) if name not in maps]
    if missing:
        raise UsageError(f"the activations of {missing[0]!r} are missing", advice="Pass what net.run(…) returned.")
    result = numbers(maps[layer])
    place = _place(node, at, result)
    follower = _activation_behind(graph, node)
    before = [numbers(maps[name]) for name in node.inputs]
    head: dict[str, Any] = {
        "layer": layer,
        "kind": op_kind(node),
        "at": place,
        "computed": float(result[place]),
        "activation": follower.function if follower else None,
        "inputs": node.inputs,
    }
    match node.op:
        case Layer():
            parts = _of_equation(node, values, before, place)
        case Input():
            raise NetworkError(
                f"{layer!r} is the input", usual="It isn't computed from anything.", advice="Name a layer behind it."
            )
        case _:
            parts = of_other(node, values, before, place)
    after = None if follower is None else _applied(follower, parts["before"])
    return Explanation(**head, **parts, after=after)


def _applied(activation: Activation, value: float) -> float:
    return float(numpy_backend().apply(activation.function, np.asarray(value), activation.options))


def _of_equation(node: Node, values: Mapping[str, Any], given: Sequence[Any], at: Place) -> dict[str, Any]:
    op = node.op
    assert isinstance(op, Layer)
    assert node.sized is not None
    sized = sized_for(node, [x.shape for x in given])
    factors = [*given, *(numbers(values[f"{node.owner}.{operand.name}"]) for operand in sized.filters)]
    terms = [_term(sized, factors, reading) for reading in readings(sized, at)]
    reduce = op.equation.reduce
    winner = None
    bias = _bias(node, sized, values, at)
    if reduce in ("max", "min"):
        terms = [term for term in terms if not (term.in_border and op.border == "zero")]
        lost = next((term for term in terms if math.isnan(term.value)), None)  # NaN wins, as in every library
        winner = lost or (max if reduce == "max" else min)(terms, key=lambda term: term.value, default=None)
        before = winner.value if winner else -math.inf if reduce == "max" else math.inf
    else:
        before = exact_sum(term.product for term in terms)
        before = before / len(terms) if reduce == "mean" and terms else before + (bias or 0.0)
    told = kind(op.equation, sized)
    return {
        "gist": told.gist,
        "equation": named(sized.equation),
        "terms": tuple(terms),
        "partial_sums": tuple(_partial_sums(sized, terms)) if reduce == "sum" else (),
        "bias": bias,
        "before": before,
        "winner": winner,
        "reduce": reduce,
    }


def sized_for(node: Node, shapes: Sequence[Sequence[int]]) -> Sized:
    """The equation of a layer for results of these shapes: a batch may have another extent than the declared one."""
    op = node.op
    assert isinstance(op, Layer)
    assert node.sized is not None
    known = [*map(tuple, shapes), *node.sized.shapes[len(shapes) :]]
    sized = solve(op.equation, known, op.sizes, padding=op.padding, border=op.border, extent=op.extent, connections=op.connections)
    return replace(sized, inputs=len(shapes))


def _term(sized: Sized, factors: Sequence[Any], reading: Reading) -> Term:
    beyond = float(np.real(constant(sized.border)))

    def read(number: int, array: Any) -> float:
        source = reading.sources[number]
        return beyond if source is None else float(array[_kept_cell(sized, number, source)])

    value, *others = (read(number, array) for number, array in enumerate(factors))
    weights = tuple(
        (operand.name, reading.cells[number], other)
        for number, (operand, other) in enumerate(zip(sized.equation.operands[1:], others, strict=True), start=1)
    )
    product = value
    for _, _, weight in weights:
        product = product * weight + 0.0  # no negative zeros
    return Term(reading.values, reading.cells[0], value, weights, product, reading.in_border)


def _kept_cell(sized: Sized, number: int, cell: Place) -> Place:
    """Where a weight is kept: pairs that are connected take one axis."""
    wired = sized.connections
    if wired is None or not set(wired.indices) <= set(sized.equation.operands[number].indices):
        return cell
    return (wired.pairs.index((cell[0], cell[1])), *cell[2:])


def _bias(node: Node, sized: Sized, values: Mapping[str, Any], at: Place) -> float | None:
    if sized.equation.bias is None:
        return None
    return float(numbers(values[f"{node.owner}.bias"])[bias_cell(sized, at)])


def _partial_sums(sized: Sized, terms: Sequence[Term]) -> Iterator[tuple[str, int, float]]:
    """The sums by input map: by the summed indices of the first axis of x, the batch left aside, that holds some beside taps."""
    role = roles(sized.equation)
    axes = sized.equation.operands[0].axes[1 if batch(sized.equation) else 0 :]
    summed = ([name for name in indices(axis) if role[name] in ("summed", "pooled")] for axis in axes)
    names = next(filter(None, summed), [])
    groups: dict[Place, list[float]] = {}
    for term in terms:
        groups.setdefault(tuple(term.indices[n] for n in names), []).append(term.product)
    for key, products in groups.items():
        yield " ".join(f"{n}={v}" for n, v in zip(names, key, strict=True)) or "all", len(products), exact_sum(products)


def _activation_behind(graph: Graph, node: Node) -> Activation | None:
    users = graph.users(node.name)
    if len(users) == 1 and isinstance(users[0].op, Activation) and not isinstance(node.op, Activation):
        return users[0].op
    return None


def _place(node: Node, at: Sequence[int], result: Any) -> Place:
    told = coordinates(at)
    place = (0, *told) if len(told) == result.ndim - 1 else told
    if len(place) != result.ndim or not all(0 <= p < n for p, n in zip(place, result.shape, strict=True)):
        raise RankError(
            f"{node.name} has no value at {told}",
            usual=f"Its result has the shape {tuple(result.shape)}, counted from 0; only the batch may be left out.",
            advice="Give coordinates inside it.",
        )
    return place
