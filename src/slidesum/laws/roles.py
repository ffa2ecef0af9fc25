"""What each index does in its layer, told by where it stands. The law that kind, counts and wiring start from.

    role       on x      on a filter   on y      example
    batch      first     no            first     b
    position   address   may be        yes       i, j       the layer slides over it
    tap        address   may be        no        u, v       runs over the window
    summed     yes       yes           no        c of type 2.2
    pooled     yes       no            no        c of type 2.1
    kept       yes       no            yes       c of type 1
    own        yes       yes           yes       c of depthwise, g of grouped, b of per-sample filters
    filter     no        yes           yes       o
    rank       no        yes           no        r of a factored filter
    repeated   no        no            yes       a new axis

In a transposed convolution the addresses stand on y; its positions are found on x, its taps on the filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from slidesum.core.axis import Address, Name, indices
from slidesum.core.equation import Equation

Role = Literal["batch", "position", "tap", "summed", "pooled", "kept", "own", "filter", "rank", "repeated"]


@lru_cache(maxsize=1024)
def roles(equation: Equation) -> Mapping[str, Role]:
    """The role of every index.

    >>> from slidesum.notation.parse import parse
    >>> roles(parse("b c i+u j+v, o u v -> b (c o) i j"))["c"]
    'kept'
    """
    return MappingProxyType({name: _role(equation, name) for name in equation.indices})


def with_role(equation: Equation, *wanted: Role) -> tuple[str, ...]:
    """The indices that have one of these roles."""
    return tuple(name for name, role in roles(equation).items() if role in wanted)


def batch(equation: Equation) -> str | None:
    """The index that is the first axis of both x and y, if it is one."""
    first, result = equation.operands[0].axes[:1], equation.result.axes[:1]
    if first and result and isinstance(first[0], Name) and first[0] == result[0]:
        return first[0].name
    return None


def on_filters(equation: Equation) -> frozenset[str]:
    """The indices that have weights of their own."""
    return frozenset(name for operand in equation.operands[1:] for name in operand.indices)


def default_bias(equation: Equation) -> tuple[str, ...]:
    """The result axes along which a bias lies when nothing else is said: those of the filters, written as on the result.

    >>> from slidesum.notation.parse import parse
    >>> default_bias(parse("b (g c) i+u, (g o) c u -> b (g o) i"))
    ('(g o)',)
    """
    role = roles(equation)
    carried = [
        [name for name in indices(axis) if role[name] in ("filter", "own") and name != batch(equation)]
        for axis in equation.result.axes
        if not isinstance(axis, Address)
    ]
    return tuple(names[0] if len(names) == 1 else f"({' '.join(names)})" for names in carried if names)


def _role(equation: Equation, name: str) -> Role:
    if name in equation.positions:
        return "position"
    if name in _taps(equation):
        return "tap"
    x, y = name in equation.operands[0].indices, name in equation.result.indices
    weighted = name in on_filters(equation)
    if x and y:
        if weighted:
            return "own"
        return "batch" if name == batch(equation) else "kept"
    if x:
        return "summed" if weighted else "pooled"
    if y:
        return "filter" if weighted else "repeated"
    return "rank"


def _taps(equation: Equation) -> frozenset[str]:
    return frozenset(name for _, _, address in equation.addresses() for name in indices(address)) - set(equation.positions)
