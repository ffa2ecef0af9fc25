"""What a layer has, reads and costs. Exact integers, or exact formulas when a size is a symbol.

    weights            numbers the filters hold
    biases             numbers added after the sum
    macs               multiply-adds: one per multiplication that the equation asks for, taps in the padding counted, bias not
    macs_inside        the same without the taps that fall into the padding
    backward_macs      multiply-adds of the gradients by all operands, each counted as the equation that it is
    connections        LeCun's count: every value that flows into a unit, its bias included
    inputs_per_output  different input values that one output value reads (at most, where outputs differ)
    fan_in             terms in the sum of one output value
    weight_bytes, activation_bytes

An equation of m operands asks for m - 1 multiplications a term. A transposed convolution is counted on its input positions, because
that is what its equation says. A pooling multiplies nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from slidesum.core.sized import Sized, Slide
from slidesum.core.sizes import Size, ceil_div, is_number, prod, smallest, tidy
from slidesum.laws.edge import source
from slidesum.laws.gradient import gradient_of
from slidesum.laws.inside import combinations_inside
from slidesum.laws.once import once
from slidesum.laws.padding import window_span

Taps = list[tuple[Size, str]]

ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one layer; `+` adds two layers up (their reading per output excepted)."""

    weights: Size = 0
    biases: Size = 0
    macs: Size = 0
    macs_inside: Size = 0
    connections: Size = 0
    outputs: Size = 0

    @property
    def parameters(self) -> Size:
        return tidy(self.weights + self.biases)

    def weight_bytes(self, dtype: str = "float32") -> Size:
        """The bytes of weights and biases."""
        return tidy(self.parameters * ITEM_BYTES[dtype])

    def activation_bytes(self, dtype: str = "float32") -> Size:
        """The bytes of the result."""
        return tidy(self.outputs * ITEM_BYTES[dtype])

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(tidy(getattr(self, f) + getattr(other, f)) for f in self.__slots__))


@once
def count(sized: Sized) -> Counts:
    """All counts of a layer.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> c = count(solve(parse("b c i+u-1 j+v-1, o c u v -> b o i j"), [(1, 3, 224, 224), (64, 3, 3, 3)]))
    >>> c.weights, c.macs, c.macs_inside
    (1728, 86704128, 86188800)
    """
    multiplies = len(sized.equation.operands) - 1
    terms = sized.combinations(sized.equation.indices)
    outputs = prod(sized.result_shape)
    return Counts(
        weights=weights(sized),
        biases=0 if sized.bias_shape is None else prod(sized.bias_shape),
        macs=multiplications(sized),
        macs_inside=tidy(combinations_inside(sized) * multiplies) if multiplies else 0,
        connections=tidy((terms if multiplies else 0) + (outputs if sized.bias_shape is not None else 0)),
        outputs=outputs,
    )


@once
def multiplications(sized: Sized) -> Size:
    """The multiply-adds of one equation: every term has one fewer than it has operands."""
    return tidy(sized.combinations(sized.equation.indices) * (len(sized.equation.operands) - 1))


def backward_macs(sized: Sized) -> Size:
    """Multiply-adds of the gradients by every operand; the bias's gradient only adds.

    Twice those of a layer with a filter, since there are two equations of as many terms:

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> layer = solve(parse("b c 4*i+u 4*j+v, o c u v -> b o i j"), [(1, 3, 227, 227), (96, 3, 11, 11)])
    >>> count(layer).macs, backward_macs(layer)
    (105415200, 210830400)
    """
    return tidy(sum(multiplications(gradient_of(sized, operand.name)) for operand in sized.equation.operands))


def weights(sized: Sized) -> Size:
    """The numbers that the filters hold; the weights of pairs that aren't connected don't exist."""
    wired = set(sized.connections.indices) if sized.connections else None
    return tidy(
        sum(
            sized.combinations(operand.indices) if wired and wired <= set(operand.indices) else prod(shape)
            for operand, shape in zip(sized.filters, sized.shapes[sized.inputs :], strict=True)
        )
    )


def fan_in(sized: Sized) -> Size:
    """Terms in the sum of one output value, at most. What initialisations divide by."""
    return _per_output(sized, sized.equation.summed, distinct=False)


@once
def inputs_per_output(sized: Sized) -> Size:
    """Different values of x that one output value reads, at most.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> inputs_per_output(solve(parse("b c i+u j+v, o u v -> b (c o) i j"), [(1, 7, 9, 9), (4, 5, 5)]))
    25
    """
    x = set(sized.equation.operands[0].indices)
    return _per_output(sized, [name for name in sized.equation.summed if name in x], distinct=True)


def _per_output(sized: Sized, summed: tuple[str, ...] | list[str], *, distinct: bool) -> Size:
    count: Size = 1
    addressed: set[str] = set()
    scattered = [slide for (number, _), slide in sorted(sized.slides.items()) if number == -1]
    for slide in scattered:
        count = count * _taps_on_one_cell(sized, slide, distinct)
        addressed |= {name for name, _ in slide.taps}
    if distinct:
        for group in _sharing_taps(sized, summed):
            count = count * _distinct_cells(sized, group)
            addressed |= {name for taps in group for _, name in taps}
    return tidy(count * _connected(sized, [name for name in summed if name not in addressed]))


def _sharing_taps(sized: Sized, summed: tuple[str, ...] | list[str]) -> list[list[Taps]]:
    """The summed taps of x's addresses; addresses that share one are in one group, since they don't move apart."""
    groups: list[list[Taps]] = []
    for slide in sized.slides_of(0):
        taps = [(step, name) for name, step in slide.taps if name in summed]
        names = {name for _, name in taps}
        met = [group for group in groups if any(name in names for other in group for _, name in other)]
        groups = [group for group in groups if group not in met] + [[taps, *(other for group in met for other in group)]]
    return groups


def _connected(sized: Sized, names: list[str]) -> Size:
    """The product of the extents; of a pair of connected indices, one of which is summed, the most crowded output counts."""
    wired = sized.connections
    if wired is None or len(one := [name for name in wired.indices if name in names]) != 1:
        return sized.combinations(names)
    other = 1 - wired.indices.index(one[0])
    ends = [pair[other] for pair in wired.pairs]
    return prod([max(map(ends.count, ends)), *(sized.extents[name] for name in names if name != one[0])])


def _distinct_cells(sized: Sized, group: list[Taps]) -> Size:
    """How many different cells of x a window of these addresses reads."""
    names = list(dict.fromkeys(name for taps in group for _, name in taps))
    extents = [sized.extents[name] for name in names]
    if len(names) < 2:
        return prod(extents)
    if all(is_number(n) for n in (*extents, *(step for taps in group for step, _ in taps))):
        values = (dict(zip(names, at, strict=True)) for at in itertools.product(*(range(n) for n in extents)))
        return len({tuple(sum(step * at[name] for step, name in taps) for taps in group) for at in values})
    if len(group) == 1 and all(is_number(step) and abs(step) == 1 for step, _ in group[0]):
        return window_span([(1, n) for n in extents])
    return prod(extents)


def _taps_on_one_cell(sized: Sized, slide: Slide, distinct: bool) -> Size:
    """Transposed: how many terms (or different cells of x, if `distinct`) reach one output cell, at most."""
    assert slide.position is not None
    positions, stride = sized.extents[slide.position], slide.stride
    x = sized.equation.operands[0].indices
    taps = [(step, sized.extents[name], not distinct or name in x) for name, step in slide.taps]
    if not all(is_number(n) for n in (positions, stride, slide.extent, *(n for step, extent, _ in taps for n in (step, extent)))):
        return smallest(positions, ceil_div(prod(extent for _, extent, _ in taps), abs(stride)))
    terms = set[tuple[tuple[int, ...], int]]()  # what tells two terms apart, and where in the window they fall
    for values in itertools.product(*(range(extent) for _, extent, _ in taps)):
        apart = tuple(value for value, (_, _, counts) in zip(values, taps, strict=True) if counts)
        terms.add((apart, sum(step * value for value, (step, _, _) in zip(values, taps, strict=True))))
    places = not distinct or slide.position in x
    fallen = {
        (source(slide.start + stride * place + total, slide.extent, slide.border), place if places else 0, apart)
        for apart, total in terms
        for place in range(positions)
    }
    return max(Counter(cell for cell, _, _ in fallen if cell is not None).values(), default=0)
