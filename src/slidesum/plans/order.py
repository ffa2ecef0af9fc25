"""In which order three and more operands are multiplied: the cheapest sequence of pairs, sliding axes counted as what they are.

An address that isn't opened yet costs its cells, an opened one its positions and taps. All orders are tried, as opt_einsum does
(Smith and Gray 2018), up to six operands; beyond, the cheapest pair is taken each time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.laws.rewrite import contracted

EXHAUSTIVE = 6
Cost = Callable[[Sized], float]


def ordered(sized: Sized, cost: Cost) -> list[tuple[int, int]]:
    """The pairs to contract, each by the numbers that the operands have by then: the product takes the first one's place."""
    return _best(sized, cost)[1] if len(sized.equation.operands) <= EXHAUSTIVE else _greedy(sized, cost)


def _best(sized: Sized, cost: Cost) -> tuple[float, list[tuple[int, int]]]:
    count = len(sized.equation.operands)
    if count <= 2:
        return cost(sized), []
    found: tuple[float, list[tuple[int, int]]] | None = None
    for a, b in itertools.combinations(range(count), 2):
        first, rest = contracted(sized, a, b)
        price = cost(first)
        if found and price >= found[0]:
            continue
        later, pairs = _best(rest, cost)
        if found is None or price + later < found[0]:
            found = price + later, [(a, b), *pairs]
    assert found is not None
    return found


def _greedy(sized: Sized, cost: Cost) -> list[tuple[int, int]]:
    pairs = []
    while (count := len(sized.equation.operands)) > 2:
        a, b = min(itertools.combinations(range(count), 2), key=lambda pair: cost(contracted(sized, *pair)[0]))
        pairs.append((a, b))
        sized = contracted(sized, a, b)[1]
    return pairs


def values(sized: Sized) -> int:
    """The values of operands and result together."""
    return sum(int(prod(shape)) for shape in (*sized.shapes, sized.result_shape))
