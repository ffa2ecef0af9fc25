"""Random equations for property tests.

    equations()         structural equations, without sizes: for parsing and printing
    sized_problems()    small layers with all their sizes: for laws, backends and gradients
    assignments()       all index values of a layer, in plain loops

Everything `sized_problems()` makes is solvable, so a test need not catch errors; all its index combinations together are at most
`LARGEST`, so plain loops run over them in milliseconds.

    >>> from slidesum.notation.parse import parse
    >>> from hypothesis import given
    >>> @given(sized_problems())
    ... def test_something(problem):
    ...     sized = problem.solve()
    ...     assert sized.shapes == problem.shapes
    >>> test_something()
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from slidesum.core.axis import Address, Axis, Merged, Name, One, Rest, Term
from slidesum.core.equation import Equation, Operand, operand_name
from slidesum.core.sized import Sized
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

LARGEST = 3000
"""The most combinations of index values that a problem has."""

# Plain loops


def assignments(sized: Sized) -> Iterator[dict[str, int]]:
    """Every combination of index values, connected or not."""
    names = sized.equation.indices
    for values in itertools.product(*(range(sized.extents[name]) for name in names)):
        yield dict(zip(names, values, strict=True))


def cell(sized: Sized, number: int, at: Mapping[str, int]) -> tuple[int, ...]:
    """The cell of array `number` (-1 is the result) that these values address; it may lie outside."""
    operand = sized.equation.result if number < 0 else sized.equation.operands[number]
    found = []
    for place, axis in enumerate(operand.axes):
        match axis:
            case Name(name):
                found.append(at[name])
            case One():
                found.append(0)
            case Merged(names):
                places = [at[name] * math.prod(sized.extents[later] for later in names[k + 1 :]) for k, name in enumerate(names)]
                found.append(sum(places))
            case Address(terms):
                steps = [(t.number * (sized.extents[t.factor] if t.factor else 1), t.index) for t in terms]
                # the lowest cell is the first one allowed (rule 3)
                lowest = sum(min(0, step * (sized.extents[name] - 1)) for step, name in steps)
                found.append(sum(step * at[name] for step, name in steps) - lowest - sized.slides[number, place].padding[0])
            case _:
                raise AssertionError("no '...' is left in a sized equation")
    return tuple(found)


def inside(place: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a cell lies in an array of this shape."""
    return all(0 <= c < n for c, n in zip(place, shape, strict=True))


# Structural equations

NAMES = ("b", "c", "o", "g", "i", "j", "u", "v", "row", "tap_1", "C", "x2", "max", "avg", "µ")
FACTORS = ("s", "d", "s_row", "step")
ARRAYS = ("x", "w", "w2", "y", "image", "filter_1", "a", "max", "i")


@st.composite
def equations(draw: Any, *, named: bool = False) -> Equation:
    """Any equation that means something: what `parse` may return.

    With `named=True` the arrays have names of their own, an operand may have no axis, and a bias may be added: a pattern can't say
    that.
    """
    reduce = draw(st.sampled_from(["sum", "sum", "max", "mean", "min"]))
    count = 1 if reduce != "sum" else draw(st.integers(1, 4))
    fewest = 0 if named else 1
    operands = [draw(_axes(NAMES, fewest=fewest)) for _ in range(count)]
    known = list(dict.fromkeys(name for axes in operands for axis in axes for name in _names(axis)))
    # an index of the result only is a repeat; a long one could be told from forgotten spaces by its letters alone
    pool = draw(st.permutations([*known, *(name for name in ("q", "r") if draw(st.booleans()))]))
    rest = any(isinstance(axis, Rest) for axes in operands for axis in axes)
    result = draw(_result(tuple(pool), rest=rest, addresses=reduce == "sum"))
    bias = None
    if named and reduce == "sum" and draw(st.booleans()):
        whole = [axis for axis in result if isinstance(axis, Name | Merged)]
        bias = tuple(draw(st.lists(st.sampled_from(whole), unique=True, max_size=2))) if whole else (One(),)
    names = draw(st.permutations(ARRAYS)) if named else [*map(operand_name, range(count)), "y"]
    return Equation(
        tuple(Operand(name, axes) for name, axes in zip(names, operands, strict=False)),
        Operand(names[count], result),
        reduce,
        None if bias is None else Operand(names[count + 1], bias),
    )


def _names(axis: Axis) -> tuple[str, ...]:
    match axis:
        case Name(name):
            return (name,)
        case Merged(names):
            return names
        case Address(terms):
            return tuple(term.index for term in terms)
        case _:
            return ()


@st.composite
def _axes(draw: Any, names: tuple[str, ...], fewest: int) -> tuple[Axis, ...]:
    axes = draw(st.lists(_axis(names), min_size=fewest, max_size=5))
    if draw(st.booleans()):
        axes.insert(draw(st.integers(0, len(axes))), Rest())
    return tuple(axes)


def _axis(names: tuple[str, ...]) -> st.SearchStrategy[Axis]:
    name = st.sampled_from(names)
    merged = st.lists(name, min_size=1, max_size=3, unique=True).map(lambda found: Merged(tuple(found)))
    addresses = st.lists(name, min_size=1, max_size=3, unique=True).flatmap(addressed)
    return st.one_of(name.map(Name), name.map(Name), merged, addresses, st.just(One()))


@st.composite
def addressed(draw: Any, names: list[str]) -> Axis:
    """An address of these names; `1*i+0` is the name itself, so it never comes out as an address."""
    numbers = st.integers(-3, 3) | st.integers(-(10**12), 10**12)
    terms = tuple(Term(name, draw(numbers.filter(bool)), draw(st.sampled_from(("", "", *FACTORS)))) for name in names)
    constant = draw(numbers)
    if terms == (Term(names[0]),) and not constant:
        constant = 1
    return Address(terms, constant)


@st.composite
def _result(draw: Any, names: tuple[str, ...], *, rest: bool, addresses: bool) -> tuple[Axis, ...]:
    """Axes in which every name stands at most once."""
    left = list(names[: draw(st.integers(0, len(names)))])
    axes: list[Axis] = []
    while left:
        several = [left.pop() for _ in range(min(len(left), draw(st.integers(1, 3))))]
        form = draw(st.sampled_from(["names", "names", "merged", "address"]))
        if form == "address" and addresses:
            axes.append(draw(addressed(several)))
        elif form == "merged":
            axes.append(Merged(tuple(several)))
        else:
            axes += map(Name, several)
    if draw(st.booleans()):
        axes.insert(draw(st.integers(0, len(axes))), One())
    if rest and draw(st.booleans()):
        axes.insert(draw(st.integers(0, len(axes))), Rest())
    return tuple(axes)


# Layers with sizes


@dataclass(frozen=True)
class Problem:
    """A small layer, as a user would give it.

    pattern    the text, its reduction in front: "max b 2*i+u -> b i"
    shapes     one shape an operand, complete
    sizes      extents that no shape tells, and the values of strides and dilations that are names; now and then one told twice
    padding    any spelling: a word, a number, (before, after), or a dict by position; "valid" where the address has a constant
    border     any border: "zero", "circular", "reflect", "replicate", or a number

    `conv(problem.pattern, *arrays, padding=problem.padding, border=problem.border, **problem.sizes)` is the call it stands for.
    """

    pattern: str
    shapes: tuple[tuple[int, ...], ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    padding: Any = "valid"
    border: Any = "zero"

    def solve(self) -> Sized:
        """The equation with its sizes."""
        return solve(parse(self.pattern), self.shapes, self.sizes, padding=self.padding, border=self.border)

    @property
    def reduce(self) -> str:
        return parse(self.pattern).reduce


@dataclass
class Slid:
    """One axis of x or y that is slid over, in the making."""

    position: str
    taps: list[str]
    text: str
    scatters: bool
    keeps_taps: bool
    cells: int  # of x, where the address stands there


POSITIONS = ("i", "j", "k", "l")
TAPS = (("u", "u2"), ("v", "v2"), ("p", "p2"), ("q", "q2"))
WORDS = ("valid", "same", "same_lower", "full")
BORDERS = ("zero", "zero", "zero", "circular", "reflect", "replicate", 1.5, -2)


class _Making:
    """One problem in the making."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.extents: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.padding: Any = "valid"
        self.slid: list[Slid] = []
        self.rest: tuple[int, ...] = ()

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def left(self) -> int:
        """How large one more index may be."""
        return max(1, LARGEST // (math.prod(self.rest) * math.prod(self.extents.values())))

    def index(self, name: str, largest: int = 4) -> str:
        self.extents[name] = self.draw(st.integers(1, min(largest, self.left())))
        return name

    # The axes that are slid over

    def slide(self, kind: str) -> None:
        count = self.pick(1, 1, 1, 2, 2, 2, 3, 4)
        spelled = self.pick("constants", "constants", "one rule", "one rule", "by position")
        mixed = kind == "mixed"
        scatters = [kind == "transposed" or (mixed and self.chance(50)) for _ in range(count)]
        words = [word for word in WORDS if word != "full" or not any(scatters)]
        if spelled == "one rule":
            self.padding = self._rule(words)
        elif spelled == "by position":
            self.padding = {}
        for number in range(count):
            rule, constant = self.padding, 0
            if spelled == "by position":
                rule = "valid"
                if self.chance(70):
                    rule = self.padding[POSITIONS[number]] = self._rule([w for w in WORDS if w != "full" or not scatters[number]])
            if rule == "valid" and spelled != "one rule":
                constant = self.pick(0, 0, -1, -1, -2, -3, 1)
            self.slid.append(self._axis(number, rule, constant, scatters=scatters[number], small=count > 2))

    def _rule(self, words: list[str]) -> Any:
        number = st.integers(-1, 2)
        return self.draw(st.one_of(st.sampled_from(words), st.integers(0, 2), st.tuples(number, number)))

    def _axis(self, number: int, rule: Any, constant: int, *, scatters: bool, small: bool) -> Slid:
        position, taps = POSITIONS[number], []
        stride = self.pick(1, 1, 2, 3)
        span, summands = 1, []
        for name in TAPS[number][: self.pick(0, 1, 1, 1, 1, 2)]:
            taps.append(self.index(name, 2 if small else 3))
            dilation = self.pick(1, 1, 2)
            span += dilation * (self.extents[name] - 1)
            summands.append(self._summand(name, dilation))
        if not taps and stride == 1:
            stride = 2  # a bare index is no address
        first = self._summand(position, stride)
        keeps = bool(taps) and not scatters and self.chance(8)
        # the position first where a tap is kept too, since the order tells them apart (rule 2)
        ordered = [first, *summands] if keeps or scatters else self.draw(st.permutations([first, *summands]))
        text = "".join(ordered).removeprefix("+") + (f"{constant:+d}" if constant else "")
        wanted = self.draw(st.integers(1, min(2 if small else 4, self.left())))
        low, high = _sides(rule, constant)
        if scatters:
            fewest = -(-(low + high + 1 - span) // stride) + 1 if rule not in ("same", "same_lower") else 1
            self.extents[position] = max(1, wanted, fewest)
            return Slid(position, taps, text, True, False, 0)
        slack = self.draw(st.integers(0, stride - 1))
        if rule in ("same", "same_lower"):
            cells = (wanted - 1) * stride + 1 + slack
            self.extents[position] = wanted
        else:
            low, high = (span - 1, span - 1) if rule == "full" else (low, high)
            cells = max(1, (wanted - 1) * stride + span - low - high + slack)
            self.extents[position] = sum(
                1 for start in range(cells + low + high) if start + span <= cells + low + high and not start % stride
            )
        return Slid(position, taps, text, False, keeps, cells)

    def _summand(self, name: str, step: int) -> str:
        sign = "-" if self.chance(12) else "+"
        if not self.chance(15):
            return f"{sign}{name}" if step == 1 else f"{sign}{step}*{name}"
        factor = f"s_{name}"
        number = "2*" if step == 2 and self.chance(30) else ""
        self.sizes[factor] = step // 2 if number else step
        return f"{sign}{number}{factor}*{name}"

    # The arrays

    def arrays(self, kind: str) -> tuple[list[str], list[list[str]], list[str]]:
        """The axes of x, of every filter, and of the result."""
        batch = self.pick([], ["b"], ["b"], ["b"], ["..."])
        if batch == ["b"]:
            self.index("b", 2)
        elif batch:
            self.rest = tuple(self.draw(st.lists(st.integers(1, 2), max_size=2)))
        sharing = self.pick(*(POOLED if kind == "pooling" else SHARED))
        x_maps, filters, y_maps = self._maps(sharing, batch)
        taps = [name for slid in self.slid for name in slid.taps]
        x = [*batch, *x_maps, *(slid.position if slid.scatters else slid.text for slid in self.slid)]
        y = [*batch, *y_maps, *(slid.text if slid.scatters else slid.position for slid in self.slid)]
        for slid in self.slid:
            y += slid.taps if slid.keeps_taps else []
        if kind == "pooling":
            filters = []
        elif kind == "transposed" and self.chance(12) and {"o", "r"}.isdisjoint(self.extents):
            filters = []  # fold, where the taps are laid on x, else upsampling
            x += taps if self.chance(50) else []
        else:
            filters[-1] += [name for name in taps if not self.chance(6)]
            self._more(filters, batch)
        if self.chance(8) and len(plain := [axis for axis in y if axis in self.extents]) > 1:
            y = [f"({plain[0]} {plain[-1]})" if axis == plain[0] else axis for axis in y if axis != plain[-1]]
        return x, [axes or ["1"] for axes in filters], y

    def _maps(self, sharing: str, batch: list[str]) -> tuple[list[str], list[list[str]], list[str]]:
        """Who shares which weights: the axes beside the positions and taps, on x, on the filters, on the result."""
        if sharing == "none":
            return [], [[]], []
        self.index("c", 3)
        if sharing in ("kept", "depthwise", "over maps"):
            return ["c"], [["c"] if sharing == "depthwise" else []], [] if sharing == "over maps" else ["c"]
        if sharing == "maxout":
            self.index("g", 2)
            return [self.pick("(c g)", "(g c)")], [[]], ["c"]
        self.index("o", 3)
        both = self.pick(["(c o)"], ["(c o)"], ["(o c)"], ["o", "c"])
        match sharing:
            case "type 1":
                return ["c"], [["o"]], both
            case "multiplier":
                return ["c"], [["c", "o"]], both
            case "type 2.1":
                return ["c"], [["o"]], ["o"]
            case "type 2.2":
                return ["c"], [["o", "c"]], ["o"]
            case "per sample":
                return ["c"], [[*batch, "o", "c"]], ["o"]
            case "separable":
                return ["c"], [["o", "c"], ["c"]], ["o"]
            case "rank":
                self.index("r", 2)
                return ["c"], [["o", "r"], ["r", "c"], ["r"]], ["o"]
        self.index("g", 2)  # grouped
        return ["(g c)"], [self.pick(["(g o)", "c"], ["g", "o", "c"])], ["(g o)"]

    def _more(self, filters: list[list[str]], batch: list[str]) -> None:
        """Now and then: weights of its own for every place, and one more factor that runs over anything."""
        # were the position bare somewhere, a tap that stands on the result would be taken for it (rule 2)
        locked = {slid.position for slid in self.slid if slid.keeps_taps}
        if self.chance(12):
            filters[0] += [slid.position for slid in self.slid if slid.position not in locked]
        free = [name for name in self.extents if name not in locked]
        while len(filters) < 3 and self.chance(12):
            filters.append(self.draw(st.lists(st.sampled_from(free), min_size=1, max_size=3)))
            if batch == ["..."] and self.chance(20):
                filters[-1].insert(0, "...")

    def tell(self, operands: list[list[str]], y: list[str]) -> None:
        """Give the sizes that no shape tells, and now and then one that a shape tells too."""
        axes = [axis for operand in operands for axis in operand]
        told = {axis for axis in axes if axis in self.extents}
        told |= {slid.position for slid in self.slid if not slid.scatters}
        for axis in (axis for axis in axes if axis.startswith("(")):
            told |= set(opened) if len(opened := [name for name in axis[1:-1].split() if name not in told]) == 1 else set()
        for name, extent in self.extents.items():
            if name not in told or (name not in POSITIONS and self.chance(5)):
                self.sizes[name] = extent

    def shape(self, axis: str) -> tuple[int, ...]:
        """The extents that an axis of an operand has in the array's shape."""
        if axis == "...":
            return self.rest
        if axis.startswith("("):
            return (math.prod(self.extents[name] for name in axis[1:-1].split()),)
        return (1,) if axis == "1" else (self.extents.get(axis) or next(s.cells for s in self.slid if s.text == axis),)


def _sides(rule: Any, constant: int) -> tuple[int, int]:
    match rule:
        case int():
            return rule, rule
        case (low, high):
            return low, high
        case _:
            return -constant, max(0, -constant)


SHARED = (
    "none",
    "kept",
    "type 1",
    "type 2.1",
    "type 2.2",
    "type 2.2",
    "depthwise",
    "multiplier",
    "grouped",
    "grouped",
    "per sample",
    "separable",
    "rank",
)
POOLED = ("none", "kept", "kept", "over maps", "maxout")


@st.composite
def sized_problems(draw: Any, *, kind: str | None = None, border: bool = True) -> Problem:
    """A random layer.

    `kind` is "convolution" (addresses on x), "transposed" (on the result), "mixed" (both) or "pooling"; None draws one.
    `border=False` leaves the border at zero.
    """
    making = _Making(draw)
    kind = kind or making.pick("convolution", "convolution", "convolution", "transposed", "pooling", "mixed")
    making.slide(kind)
    x, filters, y = making.arrays(kind)
    if making.chance(5):
        y.insert(draw(st.integers(0, len(y))), making.index("n", 2))  # on no operand: repeated
    for axes in (x, y, *filters):
        if making.chance(5):
            axes.insert(draw(st.integers(0, len(axes))), "1")
        if making.chance(25):
            axes[:] = draw(st.permutations(axes))
    operands = [x, *filters]
    if kind == "convolution" and making.chance(8):
        operands.reverse()
    making.tell(operands, y)
    reduce = making.pick("max ", "max ", "mean ", "min ", "sum ", "") if kind == "pooling" else ""
    pattern = f"{reduce}{', '.join(' '.join(axes) for axes in operands)} -> {' '.join(y)}"
    assume(math.prod(making.rest) * math.prod(making.extents.values()) <= LARGEST)
    shapes = tuple(tuple(n for axis in axes for n in making.shape(axis)) for axes in operands)
    return Problem(pattern, shapes, making.sizes, making.padding, making.pick(*BORDERS) if border else "zero")
