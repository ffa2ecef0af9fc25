"""What else could stand in the place of a standard layer (type 2.2): other equations that read the same array at the same places.

    separable     depthwise, then 1×1              b c i+u, c u -> b c i          b c i, o c -> b o i
    in g groups   a filter spans its group         b (g c) i+u, (g o) c u -> b (g o) i
    bottleneck    1×1, the window on few maps, 1×1 b c i, r c -> b r i  ->  b r i+u, q r u -> b q i  ->  b q i, o q -> b o i
    type 2.1      a flat filter over the sum       b c i+u, o u -> b o i
    type 1        every filter on every map        b c i+u, o u -> b (c o) i

Strides, dilations, paddings and borders stay those of the layer, and so does its bias, on the last of the equations; those before
it have none. A bottleneck has a `squeeze`-th of the filters in its middle (a quarter in He et al. 2016, section 4.1, Figure 5). All
but type 1 give as many maps as the layer did. Howard et al. 2017 (section 3.1) compare the first with the layer that it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slidesum.core.axis import Address, Axis, Merged, Name
from slidesum.core.equation import Equation, Operand
from slidesum.core.network import Node
from slidesum.core.ops import Layer
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size, floor_div, is_number, largest
from slidesum.laws.count import Counts, count
from slidesum.laws.kind import kind
from slidesum.laws.roles import with_role
from slidesum.laws.shape import solve

STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to do a layer's work: its equations, one behind the other."""

    name: str
    stages: tuple[Sized, ...]

    @property
    def counts(self) -> Counts:
        """The sum over the equations."""
        total = Counts()
        for stage in self.stages:
            total = total + count(stage)
        return total

    @property
    def maps(self) -> Size:
        """How many maps come out."""
        return self.stages[-1].result_shape[1]


def is_standard(node: Node) -> bool:
    """Whether a layer is of type 2.2 with a window: one index of maps that is summed, one of filters, each an axis of its own."""
    if not isinstance(node.op, Layer) or node.sized is None or len(node.inputs) != 1 or node.sized.connections is not None:
        return False
    equation = node.op.equation
    maps, filters = with_role(equation, "summed"), with_role(equation, "filter")
    if kind(equation, node.sized).name != "type 2.2" or len(maps) != 1 or len(filters) != 1 or len(equation.operands) != 2:
        return False
    return Name(maps[0]) in equation.operands[0].axes[1:2] and Name(filters[0]) in equation.result.axes[1:2]


def forms(node: Node, *, groups: int = 2, squeeze: int = 4) -> tuple[Form, ...]:
    """The standard layer and what can stand in its place; groups that don't divide its maps and filters are left out.

    >>> import slidesum as ss
    >>> net = ss.Network("one")
    >>> x = net.input("b c i j", b=1, c=64, i=56, j=56)
    >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=128, u=3, v=3, padding="same", name="conv")
    >>> [(form.name, form.counts.weights, form.maps) for form in forms(net.graph["conv"])]  # doctest: +NORMALIZE_WHITESPACE
    [('standard', 73728, 128), ('separable', 8768, 128), ('2 groups', 36864, 128), ('bottleneck', 15360, 128),
     ('type 2.1', 1152, 128), ('type 1', 1152, 8192)]
    """
    assert isinstance(node.op, Layer)
    assert node.sized is not None
    made = _Forms(node.op, node.sized)
    found = [Form(STANDARD, (node.sized,)), Form("separable", made.separable())]
    if groups > 1 and made.divides(groups):
        found.append(Form(f"{groups} groups", made.grouped(groups)))
    found += [Form("bottleneck", made.bottleneck(squeeze)), Form("type 2.1", made.flat()), Form("type 1", made.apart())]
    return tuple(found)


class _Forms:
    """The equations, made of those of one layer."""

    def __init__(self, op: Layer, sized: Sized) -> None:
        self.op, self.sized, self.equation = op, sized, op.equation
        self.maps, self.filters = with_role(self.equation, "summed")[0], with_role(self.equation, "filter")[0]
        self.x, self.w = self.equation.operands

    def divides(self, groups: int) -> bool:
        counts = [self.sized.extents[name] for name in (self.maps, self.filters)]
        return all(not is_number(n) or n % groups == 0 for n in counts)

    def separable(self) -> tuple[Sized, ...]:
        flat = self._filter({self.filters: self.maps}, without=self.maps)
        depthwise = Equation((self.x, flat), self._result(Name(self.maps)))
        first = self._solved(depthwise, self.sized.shapes[0], without=(self.filters,))
        return first, self._mixed(first.result_shape, self.sized.extents[self.filters], biased=True)

    def grouped(self, groups: int) -> tuple[Sized, ...]:
        g = self._fresh("g")
        x = _renamed(self.x, Name(self.maps), Merged((g, self.maps)))
        w = _renamed(self.w, Name(self.filters), Merged((g, self.filters)))
        bias = self.equation.bias and _renamed(self.equation.bias, Name(self.filters), Merged((g, self.filters)))
        equation = Equation((x, w), self._result(Merged((g, self.filters))), bias=bias)
        each = {name: floor_div(self.sized.extents[name], groups) for name in (self.maps, self.filters)}
        return (self._solved(equation, self.sized.shapes[0], {g: groups, **each}),)

    def bottleneck(self, squeeze: int) -> tuple[Sized, ...]:
        few = largest(1, floor_div(self.sized.extents[self.filters], squeeze))
        first = self._mixed(self.sized.shapes[0], few)
        window = self._solved(replace(self.equation, bias=None), first.result_shape, {self.filters: few, self.maps: few})
        return first, window, self._mixed(window.result_shape, self.sized.extents[self.filters], biased=True)

    def flat(self) -> tuple[Sized, ...]:
        equation = replace(self.equation, operands=(self.x, self._filter({}, without=self.maps)))
        return (self._solved(equation, self.sized.shapes[0], without=(self.maps,)),)

    def apart(self) -> tuple[Sized, ...]:
        w, y = self._filter({}, without=self.maps), self._result(Merged((self.maps, self.filters)))
        equation = replace(self.equation, operands=(self.x, w), result=y)
        return (self._solved(equation, self.sized.shapes[0], without=(self.maps,)),)

    def _mixed(self, shape: tuple[Size, ...], filters: Size, *, biased: bool = False) -> Sized:
        """A 1×1 layer on an array of this shape."""
        axes = [Name(self.equation.position(0, axis) or "") if isinstance(axis, Address) else axis for axis in self.x.axes]
        operands = (Operand(self.x.name, tuple(axes)), Operand(self.w.name, (Name(self.filters), Name(self.maps))))
        result = tuple(Name(self.filters) if axis == Name(self.maps) else axis for axis in axes)
        equation = Equation(operands, Operand(self.equation.result.name, result), bias=self.equation.bias if biased else None)
        return solve(equation, [shape, None], {self.filters: filters})

    def _solved(
        self, equation: Equation, shape: tuple[Size, ...], sizes: Mapping[str, Size] | None = None, without: tuple[str, ...] = ()
    ) -> Sized:
        op = self.op
        kept = {name: self.sized.extents[name] for name in (*op.sizes, *self.w.bare) if name in self.sized.extents}
        kept = {name: n for name, n in kept.items() if name not in (*without, self.maps)}
        return solve(equation, [shape, None], {**kept, **(sizes or {})}, padding=op.padding, border=op.border, extent=op.extent)

    def _filter(self, renamed: Mapping[str, str], without: str) -> Operand:
        """The filter without one of its axes, others under another name."""
        axes = [axis for axis in self.w.axes if axis != Name(without)]
        return Operand(self.w.name, tuple(Name(renamed.get(a.name, a.name)) if isinstance(a, Name) else a for a in axes))

    def _result(self, axis: Axis) -> Operand:
        return _renamed(self.equation.result, Name(self.filters), axis)

    def _fresh(self, name: str) -> str:
        taken = {*self.equation.indices, *self.equation.factors}
        return name if name not in taken else next(f"{name}{k}" for k in range(2, 10**3) if f"{name}{k}" not in taken)


def _renamed(operand: Operand, old: Any, new: Axis) -> Operand:
    return Operand(operand.name, tuple(new if axis == old else axis for axis in operand.axes))
