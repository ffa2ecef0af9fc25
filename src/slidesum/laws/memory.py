"""How much memory the results of a forward pass take at once: activations alone, without parameters and work space.

The layers are computed one after the other in the order of the graph, and every result is an array of its own: nothing is computed
in place, and what only moves values (a reshape, dropout outside training) is counted as a copy. A result is held

    from   the step that computes it; an input of the network from the first step on
    to     the last step that reads it; an output of the network to the end; a result that nobody reads during its own step

so step k holds its own result, everything that it reads, and whatever later steps still need. An array that the network keeps
(`Stored`) is a parameter and no activation. The peak is the largest of the steps.

    >>> from slidesum.core.network import Graph, Node
    >>> from slidesum.core.ops import Activation, Add, Input
    >>> net = Graph("branch", (
    ...     Node("x", Input(("b", "c")), (), (1, 100)),
    ...     Node("relu", Activation("relu"), ("x",), (1, 100)),
    ...     Node("tanh", Activation("tanh"), ("relu",), (1, 100)),
    ...     Node("sum", Add(), ("tanh", "x"), (1, 100)),
    ... ))
    >>> [(step.layer, step.bytes, step.results) for step in steps(net)]
    [('relu', 800, ('x', 'relu')), ('tanh', 1200, ('x', 'relu', 'tanh')), ('sum', 1200, ('x', 'tanh', 'sum'))]
    >>> peak(net)
    Peak(bytes=1200, layer='tanh', results=('x', 'relu', 'tanh'))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input, Stored
from slidesum.core.sizes import Size, is_number, largest, prod, tidy
from slidesum.laws.count import ITEM_BYTES


@dataclass(frozen=True, slots=True)
class Step:
    """What is held while one layer is computed."""

    layer: str
    bytes: Size
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that is held at once, the first layer during which it is, and what is held then.

    Where sizes are symbols and which step is the largest depends on them, `bytes` is a `Max(…)` and no layer is named.
    """

    bytes: Size
    layer: str | None
    results: tuple[str, ...]


def steps(graph: Graph, dtype: str = "float32") -> tuple[Step, ...]:
    """What is held at every step, in order; inputs and stored arrays are no steps."""
    bytes_of = {node.name: tidy(prod(node.shape) * ITEM_BYTES[dtype]) for node in graph if not isinstance(node.op, Stored)}
    ends: dict[int, list[str]] = {}
    for name, number in _last_steps(graph).items():
        ends.setdefault(number, []).append(name)
    held = {node.name: None for node in graph.inputs}
    total = tidy(sum(bytes_of[name] for name in held))
    found = []
    for number, node in enumerate(graph):
        if not isinstance(node.op, Input | Stored):
            held[node.name] = None
            total = tidy(total + bytes_of[node.name])
            found.append(Step(node.name, total, tuple(held)))
        for name in ends.get(number, ()):
            if name in held:
                del held[name]
                total = tidy(total - bytes_of[name])
    return tuple(found)


def peak(graph: Graph, dtype: str = "float32") -> Peak:
    """The largest step; as a formula where it can be decided which one that is."""
    return peak_of(steps(graph, dtype))


def peak_of(found: Sequence[Step]) -> Peak:
    """The largest of these steps."""
    front: list[Step] = []
    for step in found:
        if not any(at_most(step.bytes, other.bytes) for other in front):
            front = [other for other in front if not at_most(other.bytes, step.bytes)] + [step]
    if not front:
        return Peak(0, None, ())
    if len(front) == 1:
        return Peak(front[0].bytes, front[0].layer, front[0].results)
    return Peak(largest(*(step.bytes for step in front)), None, ())


def at_most(a: Size, b: Size) -> bool:
    """True only if a ≤ b whatever positive integers the symbols stand for: the difference is a polynomial that is never negative.

    Every symbol is at least 1; written in what it is above 1, a polynomial whose coefficients are none of them negative is not. A
    floor is between nothing and what it is taken of, since every extent is at least nothing.

    >>> from slidesum.core.sizes import size
    >>> at_most(size("4*n"), size("4*n**2")), at_most(size("2*n"), size("n + m")), at_most(size("n//2*m"), size("n*m"))
    (True, False, True)
    """
    if is_number(a) and is_number(b):
        return bool(a <= b)
    import sympy

    difference: Any = sympy.expand(b - a)
    if difference.has(sympy.floor):
        difference = sympy.expand(sum(_at_least(sympy, term) for term in sympy.Add.make_args(difference)))
    names = sorted(difference.free_symbols, key=str)
    if not names:
        return bool(difference >= 0)
    if not difference.is_polynomial(*names):
        return False
    above = sympy.expand(difference.subs({name: name + 1 for name in names}, simultaneous=True))
    return all(coefficient >= 0 for coefficient in sympy.Poly(above, *names).coeffs())


def _at_least(sympy: Any, term: Any) -> Any:
    """The smallest that a term with floors can be."""
    coefficient, _ = term.as_coeff_Mul()
    if not term.has(sympy.floor):
        return term
    return term.replace(sympy.floor, lambda of: of) if coefficient < 0 else sympy.Integer(0)


def _last_steps(graph: Graph) -> dict[str, int]:
    """The number of the last step that needs each result."""
    last = {node.name: number for number, node in enumerate(graph)}
    for number, node in enumerate(graph):
        last |= dict.fromkeys(node.inputs, number)
    return last | {node.name: len(graph.nodes) for node in (graph.outputs if graph.nodes else ())}
