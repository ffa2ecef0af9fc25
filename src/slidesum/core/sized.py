"""An equation with sizes: every extent known, every address resolved. What all counting, running and explaining starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from slidesum.core.axis import Address, Axis, Merged, Name, One, Rest
from slidesum.core.equation import Equation, Operand
from slidesum.core.sizes import Size, prod

NamedBorder = Literal["zero", "circular", "reflect", "replicate"]
Border = NamedBorder | int | float | complex
BORDERS: tuple[NamedBorder, ...] = get_args(NamedBorder)

PaddingWord = Literal["valid", "same", "same_lower", "full"]
PADDINGS: tuple[str, ...] = ("valid", "same", "same_lower", "full")
PositionPadding = PaddingWord | Size | tuple[Size, Size]
Padding = PositionPadding | Mapping[str, PositionPadding]
"""One rule for all positions, or a dict by position; positions that the dict doesn't name are "valid"."""


@dataclass(frozen=True, slots=True)
class Slide:
    """An address with its numbers: index values -> cell of the array's axis.

    `cell = start + sum(step * value)`; a cell below 0 or from `extent` on lies in the padding. `start` is chosen so that the
    lowest cell reached is `-padding[0]`, whatever the signs of the steps (rule 3).

    `border` says what the padding means. On an operand: what is read there. On the result: what becomes of terms that fall there; a
    border that repeats cells adds them to the cell that it repeats, any other drops them. The one is the adjoint of the other, so
    the two change places in a gradient.
    """

    steps: tuple[tuple[str, Size], ...]
    start: Size
    extent: Size
    padding: tuple[Size, Size]
    position: str | None
    border: Border = "zero"

    def cell(self, values: Mapping[str, int]) -> int:
        """The cell that these index values address; it may lie in the padding."""
        return self.start + sum(step * values[name] for name, step in self.steps)

    @property
    def taps(self) -> tuple[tuple[str, Size], ...]:
        return tuple((name, step) for name, step in self.steps if name != self.position)

    @property
    def stride(self) -> Size:
        """The step of the position, 0 if there is none; negative when it runs backwards."""
        return next((step for name, step in self.steps if name == self.position), 0)

    @property
    def is_padded(self) -> bool:
        return self.padding != (0, 0)


@dataclass(frozen=True, slots=True)
class Connections:
    """Which pairs of two indices are connected at all, as in the table of LeNet-5's C3; the weights of others don't exist."""

    indices: tuple[str, str]
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sized:
    """An equation whose sizes are solved. Made by `laws.shape.solve`; holds no array.

    `extents` has an entry for every index, `slides` for every address, keyed by (number of the array, number of its axis) with
    number -1 for the result. `border` is the one that was asked for; what stands beyond an edge, the slide there says. `notes` are
    remarks that a user should see, such as rows that no window reads. The first `inputs` operands come from elsewhere, the others
    are filters.
    """

    equation: Equation
    extents: Mapping[str, Size]
    shapes: tuple[tuple[Size, ...], ...]
    result_shape: tuple[Size, ...]
    bias_shape: tuple[Size, ...] | None
    slides: Mapping[tuple[int, int], Slide]
    border: Border = "zero"
    connections: Connections | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)
    inputs: int = 1

    def axis_extent(self, number: int, place: int, axis: Axis) -> Size:
        """The extent of one axis of array `number`."""
        match axis:
            case Name(name):
                return self.extents[name]
            case One():
                return 1
            case Merged(names):
                return prod(self.extents[name] for name in names)
            case Address():
                return self.slides[number, place].extent
            case Rest():
                raise AssertionError("a sized equation has no '...' left")

    def combinations(self, indices: Any) -> Size:
        """How many values these indices take together, pairs that aren't connected left out."""
        names = tuple(dict.fromkeys(indices))
        wired = self.connections
        if wired is None or not set(wired.indices) <= set(names):
            return prod(self.extents[name] for name in names)
        return prod([len(wired.pairs), *(self.extents[name] for name in names if name not in wired.indices)])

    def slides_of(self, number: int) -> tuple[Slide, ...]:
        """The resolved addresses of one array in the order of its axes."""
        return tuple(slide for (owner, _), slide in sorted(self.slides.items()) if owner == number)

    @property
    def filters(self) -> tuple[Operand, ...]:
        """What a layer learns: the operands that don't come from elsewhere."""
        return self.equation.operands[self.inputs :]

    @property
    def numbered_filters(self) -> tuple[tuple[int, Operand], ...]:
        """The filters with their numbers among the operands."""
        return tuple(enumerate(self.equation.operands))[self.inputs :]
