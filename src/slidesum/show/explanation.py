"""Why one output value is what it is: every term, the sums of the input maps, the bias, the activation, what is left over.

The coordinates come from `laws.explain`; here the numbers of a real run are put to them. Terms are multiplied and summed in double
precision with `math.fsum`, so the residual is the rounding of the engine that ran the network and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.network import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Graph,
    Input,
    Layer,
    LocalResponseNorm,
    Node,
    Softmax,
)
from slidesum.core.sized import Sized
from slidesum.errors import NetworkError, RankError, UsageError
from slidesum.laws.edge import constant
from slidesum.laws.explain import Reading, bias_cell, readings
from slidesum.laws.kind import kind
from slidesum.laws.roles import with_role
from slidesum.laws.shape import solve
from slidesum.notation.write import named
from slidesum.run.execute import numpy_backend
from slidesum.show.table import op_kind

Place = tuple[int, ...]

_BATCH_NORM = ("scale", "shift", "mean", "variance")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the sum.

    `cell` is where x is read; it lies outside the array where `in_border` holds. `weights` has an entry (name, cell, value) for
    each filter, and `product` is the value times all of them.
    """

    indices: Mapping[str, int]
    cell: Place
    value: float
    weights: tuple[tuple[str, Place, float], ...]
    product: float
    in_border: bool


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

    @property
    def residual(self) -> float:
        """`before` - `computed`: the rounding of the engine."""
        return self.before - self.computed

    @property
    def relative_residual(self) -> float:
        """|residual| over the sum of the terms' magnitudes, the scale on which a sum can be exact."""
        scale = math.fsum(abs(term.product) for term in self.terms) + abs(self.bias or 0.0)
        return abs(self.residual) / scale if scale else abs(self.residual)

    @property
    def term_title(self) -> str:
        return "input" if self.reduce == "sum" else "window"

    def folded(self, most: int | None) -> tuple[tuple[Term, ...], int]:
        """The terms to show, and how many are left out: of a long sum, those of the input map that weighs most."""
        if most is None or len(self.terms) <= most:
            return self.terms, 0
        heaviest = max(range(len(self.partial_sums)), key=lambda k: abs(self.partial_sums[k][2]))
        start = sum(count for _, count, _ in self.partial_sums[:heaviest])
        shown = self.terms[start : start + min(most, self.partial_sums[heaviest][1])]
        return shown, len(self.terms) - len(shown)

    def ledger(self) -> Iterator[tuple[str, float]]:
        """From the terms to the value, line by line."""
        if self.reduce == "sum":
            yield f"sum of {len(self.terms)} terms", math.fsum(term.product for term in self.terms)
        if self.bias is not None:
            yield "+ bias", self.bias
        yield {"sum": "= value", "max": "largest", "min": "smallest", "mean": "mean"}.get(self.reduce, self.reduce), self.before
        if self.after is not None:
            yield f"{self.activation} of it", self.after

    def to_json(self) -> str:
        """All of it as JSON: an object with the fields of this class."""
        document = {
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
        }
        return json.dumps(document, indent=2, ensure_ascii=False)

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

    Leading coordinates may be left out where they are 0 (the batch). Raises NetworkError for a layer that the network doesn't have,
    RankError for a place outside its result.
    """
    node = graph[layer]
    missing = [name for name in (layer, *node.inputs) if name not in maps]
    if missing:
        raise UsageError(f"the activations of {missing[0]!r} are missing", advice="Pass what net.run(…) returned.")
    result = _numbers(maps[layer])
    place = _place(node, at, result)
    follower = _activation_behind(graph, node)
    before = [_numbers(maps[name]) for name in node.inputs]
    head: dict[str, Any] = {
        "layer": layer,
        "kind": op_kind(node),
        "at": place,
        "computed": float(result[place]),
        "activation": follower,
    }
    match node.op:
        case Layer():
            parts = _of_equation(node, values, before[0], place)
        case Input():
            raise NetworkError(
                f"{layer!r} is the input", usual="It isn't computed from anything.", advice="Name a layer behind it."
            )
        case _:
            parts = _of_other(node, values, before, place)
    after = None if follower is None else float(numpy_backend().apply(follower, np.asarray(parts["before"])))  # type: ignore[arg-type]
    return Explanation(**head, **parts, after=after)


def _of_equation(node: Node, values: Mapping[str, Any], x: Any, at: Place) -> dict[str, Any]:
    op = node.op
    assert isinstance(op, Layer)
    assert node.sized is not None
    shapes = [x.shape, *node.sized.shapes[1:]]
    sized = solve(op.equation, shapes, op.sizes, padding=op.padding, border=op.border, extent=op.extent, connections=op.connections)
    filters = [_numbers(values[f"{node.name}.{operand.name}"]) for operand in sized.filters]
    terms = [_term(sized, x, filters, reading) for reading in readings(sized, at)]
    reduce = op.equation.reduce
    winner = None
    bias = _bias(node, sized, values, at)
    if reduce in ("max", "min"):
        terms = [term for term in terms if not (term.in_border and op.border == "zero")]
        winner = (max if reduce == "max" else min)(terms, key=lambda term: term.value, default=None)
        before = winner.value if winner else 0.0
    else:
        before = math.fsum(term.product for term in terms)
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


def _term(sized: Sized, x: Any, filters: Sequence[Any], reading: Reading) -> Term:
    source = reading.sources[0]
    value = float(np.real(constant(sized.border))) if source is None else float(x[source])
    weights = tuple(
        (operand.name, cell, float(array[_kept_cell(sized, number, cell)]))
        for number, (operand, array, cell) in enumerate(zip(sized.filters, filters, reading.cells[1:], strict=True), start=1)
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
    return float(_numbers(values[f"{node.name}.bias"])[bias_cell(sized, at)])


def _partial_sums(sized: Sized, terms: Sequence[Term]) -> Iterator[tuple[str, int, float]]:
    """The sums by input map: by the summed indices that are no taps."""
    names = with_role(sized.equation, "summed", "pooled", "rank")
    groups: dict[Place, list[float]] = {}
    for term in terms:
        groups.setdefault(tuple(term.indices[n] for n in names), []).append(term.product)
    for key, products in groups.items():
        yield " ".join(f"{n}={v}" for n, v in zip(names, key, strict=True)) or "all", len(products), math.fsum(products)


def _of_other(node: Node, values: Mapping[str, Any], before: Sequence[Any], at: Place) -> dict[str, Any]:
    """Layers that aren't equations: what they read, and the formula with its numbers."""
    x = before[0]
    read: list[tuple[Place, float, float]]
    equation, reduce = "", "= value"
    match node.op:
        case Activation(function):
            value = float(x[at])
            read, equation, total = (
                [(at, value, value)],
                f"y = {function}(x)",
                float(numpy_backend().apply(function, np.asarray(value))),
            )
        case Dropout():
            value = float(x[at])
            read, equation, total = [(at, value, value)], "y = x outside training", value
        case Add():
            read = [(at, float(a[at]), float(a[at])) for a in before]
            equation, total, reduce = "y = sum of the branches", math.fsum(value for _, value, _ in read), "sum"
        case Concat(axis):
            number, inner = _branch(before, axis, at)
            value = float(before[number][inner])
            read, equation, total = [(inner, value, value)], f"y = branch {number}: {node.inputs[number]}", value
        case BatchNorm(axis, epsilon):
            scale, shift, mean, variance = (
                float(values[f"{node.name}.{n}"][at[axis]]) for n in ("scale", "shift", "mean", "variance")
            )
            value = float(x[at])
            total = (value - mean) / math.sqrt(variance + epsilon) * scale + shift
            read, equation = (
                [(at, value, value)],
                f"y = (x - {mean:.6g}) / sqrt({variance:.6g} + {epsilon:g}) * {scale:.6g} + {shift:.6g}",
            )
        case LocalResponseNorm(size, alpha, beta, k, axis):
            low = at[axis] - size // 2
            near = [_moved(at, axis, c) for c in range(low, low + size) if 0 <= c < x.shape[axis]]
            read = [(cell, float(x[cell]), float(x[cell]) ** 2) for cell in near]
            energy = math.fsum(square for _, _, square in read)
            total, equation = float(x[at]) / (k + alpha * energy) ** beta, f"y = x / ({k:g} + {alpha:g}·{energy:.6g})^{beta:g}"
        case Softmax(axis):
            row = [_moved(at, axis, c) for c in range(x.shape[axis])]
            top = max(float(x[cell]) for cell in row)
            read = [(cell, float(x[cell]), math.exp(float(x[cell]) - top)) for cell in row]
            total, equation = math.exp(float(x[at]) - top) / math.fsum(e for _, _, e in read), "y = exp(x - max) / sum exp(x - max)"
        case Distance(centres):
            pairs = list(enumerate(zip(x[at[0]], centres[at[1]], strict=True)))
            read = [((at[0], k), float(a), (float(a) - c) ** 2) for k, (a, c) in pairs]
            total, equation, reduce = math.fsum(square for _, _, square in read), "y[b,o] = sum of (x[b,f] - centre[o,f])²", "sum"
        case _:
            raise AssertionError(type(node.op).__name__)
    terms = tuple(Term({}, cell, value, (), part, False) for cell, value, part in read)
    return {
        "gist": "not an equation of the notation; computed by its formula",
        "equation": equation,
        "terms": terms,
        "partial_sums": (),
        "bias": None,
        "before": total,
        "reduce": reduce,
    }


def _moved(at: Place, axis: int, cell: int) -> Place:
    return tuple(cell if k == axis % len(at) else place for k, place in enumerate(at))


def _branch(before: Sequence[Any], axis: int, at: Place) -> tuple[int, Place]:
    left = at[axis]
    for number, branch in enumerate(before):
        if left < branch.shape[axis]:
            return number, _moved(at, axis, left)
        left -= branch.shape[axis]
    raise AssertionError("the place was checked")


def _activation_behind(graph: Graph, node: Node) -> str | None:
    users = graph.users(node.name)
    if len(users) == 1 and isinstance(users[0].op, Activation) and not isinstance(node.op, Activation):
        return users[0].op.function
    return None


def _place(node: Node, at: Sequence[int], result: Any) -> Place:
    place = (*(0 for _ in range(result.ndim - len(at))), *(int(n) for n in at))
    if len(place) != result.ndim or not all(0 <= p < n for p, n in zip(place, result.shape, strict=True)):
        raise RankError(
            f"{node.name} has no value at {tuple(at)}",
            usual=f"Its result has the shape {tuple(result.shape)}, counted from 0; leading zeros may be left out.",
            advice="Give coordinates inside it.",
        )
    return place


def _numbers(x: Any) -> Any:
    """As a NumPy array, from whatever framework."""
    return x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)
