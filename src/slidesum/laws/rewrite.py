"""Equation -> equations that compute the same. Exact laws, no arrays; which of them pays is a plan's question.

    summed       an index that one operand alone has is summed before anything is multiplied (type 2.1 becomes one map)
    summed_late  an index is kept on the result, as a batch, and summed at the end
    contracted   two of three and more operands first; what slides over none of the others' taps passes as it is
    apart        a pooling window over several axes is one over each, one after the other
    turned       a scattering of stride 1 is a gathering: y[i+u] = x[i]·w[u] is y[n] = x[n-u]·w[u]
    at_tap       one tap held fast: the equation is the sum of these over the tap's values

An intermediate array names a whole axis that is slid over later `i_`: its cells, not its positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slidesum.core.axis import Address, Axis, Name, Term, indices
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized, Slide
from slidesum.laws.edge import REPEATING
from slidesum.laws.normal import commutes, fresh_array, made, own_slides, whole_axes, with_slides

Slides = Mapping[tuple[int, int], Slide]


def alone(sized: Sized, number: int) -> tuple[str, ...]:
    """The bare indices that only this operand has, once: they can be summed before anything is multiplied.

    None of them where a constant other than zero stands beyond the edge: of summed maps, it would be the sum of as many.
    """
    equation = sized.equation
    operand = equation.operands[number]
    if equation.reduce == "sum" and not all(commutes(slide) for slide in sized.slides_of(number)):
        return ()
    elsewhere = {n for k, other in equation.arrays() if k != number for n in other.indices}
    flat = [name for axis in operand.axes for name in indices(axis)]
    return tuple(name for name in operand.bare if name not in elsewhere and flat.count(name) == 1)


def summed(sized: Sized, number: int) -> tuple[Sized, Sized]:
    """The sum over the indices that are `alone` on an operand, and the equation that is left.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> first, rest = summed(solve(parse("b c i+u, o u -> b o i"), [(1, 3, 9), (4, 3)]), 0)
    >>> pattern(first.equation), pattern(rest.equation)
    ('b c i_ -> b i_', 'b i+u, o u -> b o i')
    """
    equation = sized.equation
    operand, gone = equation.operands[number], alone(sized, number)
    whole = whole_axes(sized, number)
    raw = [whole.get(place, axis) for place, axis in enumerate(operand.axes)]
    kept = [place for place, axis in enumerate(operand.axes) if not (isinstance(axis, Name) and axis.name in gone)]
    extents = {**sized.extents, **{axis.name: sized.slides[number, place].extent for place, axis in whole.items()}}
    name = fresh_array(equation)
    result = Operand(name, tuple(raw[p] for p in kept))
    first = made(extents, [(Operand(operand.name, tuple(raw)), {})], (result, {}), equation.reduce)
    left = own_slides(sized, number, kept)
    operands = [with_slides(sized, k) for k in range(len(equation.operands))]
    operands[number] = Operand(name, tuple(operand.axes[p] for p in kept)), left
    return first, made(sized.extents, operands, with_slides(sized, -1), equation.reduce)


def summed_late(sized: Sized, names: Sequence[str]) -> tuple[Sized, Sized]:
    """The equation with these summed indices kept on its result, and their sum.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> first, rest = summed_late(solve(parse("b c i+u, b c i -> c u"), [(8, 3, 9), (8, 3, 7)]), ["b"])
    >>> pattern(first.equation), pattern(rest.equation)
    ('b c i+u, b c i -> b c u', 'b c u -> c u')
    """
    equation = sized.equation
    result, slides = with_slides(sized, -1)
    more = tuple(map(Name, names))
    operands = [with_slides(sized, k) for k in range(len(equation.operands))]
    moved = {place + len(more): slide for place, slide in slides.items()}
    kept = Operand(fresh_array(equation), (*more, *result.axes))
    whole = whole_axes(sized, -1)
    cells = tuple(whole.get(place, axis) for place, axis in enumerate(result.axes))
    extents = {**sized.extents, **{name.name: slides[place].extent for place, name in whole.items()}}
    rest = made(extents, [(Operand(kept.name, (*more, *cells)), {})], (Operand(result.name, cells), {}))
    return made(sized.extents, operands, (kept, moved)), rest


def contracted(sized: Sized, a: int, b: int) -> tuple[Sized, Sized]:
    """The product of operands a and b summed over what no other array has, and the equation in which it takes a's place.

    An address of one of them stays unopened where none of its indices stands on the other one.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> factored = solve(parse("b c i+u, r c, r u, o r -> b o i"), [(1, 3, 9), (2, 3), (2, 3), (4, 2)])
    >>> first, rest = contracted(factored, 0, 1)
    >>> pattern(first.equation), pattern(rest.equation)
    ('b c i_, r c -> b r i_', 'b r i+u, r u, o r -> b o i')
    """
    equation = sized.equation
    raw = {**{(a, p): n for p, n in _passing(sized, a, b).items()}, **{(b, p): n for p, n in _passing(sized, b, a).items()}}
    needed = {n for k, other in equation.arrays() if k not in (a, b) for n in other.indices}
    needed |= {n for number, place in raw for n in indices(equation.operands[number].axes[place])}
    axes: list[tuple[Name, Axis, Slide | None]] = []
    slides: list[tuple[Operand, dict[int, Slide]]] = []
    for number in (a, b):
        operand = equation.operands[number]
        own: dict[int, Slide] = {}
        now: list[Axis] = []
        for place, axis in enumerate(operand.axes):
            if (number, place) in raw:
                now.append(raw[number, place])
                axes.append((raw[number, place], axis, sized.slides[number, place]))
                continue
            if isinstance(axis, Address):
                own[place] = sized.slides[number, place]
            now.append(axis)
            axes += [(Name(n), Name(n), None) for n in indices(axis) if n in needed]
        slides.append((Operand(operand.name, tuple(now)), own))
    slid = {*equation.positions, *(name.name for name in raw.values())}
    axes = sorted({entry[0]: entry for entry in axes}.values(), key=lambda entry: entry[0].name in slid)
    extents = {**sized.extents, **{name.name: sized.slides[at].extent for at, name in raw.items()}}
    name = fresh_array(equation)
    first = made(extents, slides, (Operand(name, tuple(before for before, _, _ in axes)), {}))
    merged = Operand(name, tuple(after for _, after, _ in axes)), {k: slide for k, (_, _, slide) in enumerate(axes) if slide}
    others = [merged if k == a else with_slides(sized, k) for k in range(len(equation.operands)) if k != b]
    return first, made(sized.extents, others, with_slides(sized, -1))


def _passing(sized: Sized, number: int, other: int) -> dict[int, Name]:
    """The addresses of an operand that pass a product with another one unopened, by place, with names for their whole axes."""
    operand = sized.equation.operands[number]
    met = set(sized.equation.operands[other].indices)
    whole = whole_axes(sized, number)
    opened = {p for p in whole if met & set(indices(operand.axes[p])) or not commutes(sized.slides[number, p])}
    while True:  # addresses that share an index are opened together
        names = {n for p in opened for n in indices(operand.axes[p])}
        more = {p for p in whole if p not in opened and names & set(indices(operand.axes[p]))}
        if not more:
            return {p: n for p, n in whole.items() if p not in opened}
        opened |= more


def apart(sized: Sized) -> list[Sized]:
    """A pooling over several slid axes as poolings over one each, the last axis first; itself where it can't be taken apart.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> [pattern(s.equation) for s in apart(solve(parse("max c 2*i+u j+v -> c i j"), [(3, 9, 9)], {"u": 3, "v": 3}))]
    ['max c i_ j+v -> c i_ j', 'max c 2*i+u j -> c i j']
    """
    equation = sized.equation
    places = [place for place, axis in enumerate(equation.operands[0].axes) if isinstance(axis, Address)]
    axes = equation.operands[0].axes
    flat = [name for axis in axes for name in indices(axis)]
    kept = set(equation.result.indices)
    separable = (
        len(places) > 1
        and len(set(flat)) == len(flat)
        and all(set(s.steps) and s.position and not {n for n, _ in s.taps} & kept for s in sized.slides_of(0))
        and not any(number < 0 for number, _ in sized.slides)
        and (equation.reduce != "sum" or all(commutes(s) for s in sized.slides_of(0)))
    )
    if not separable:
        return [sized]
    whole = whole_axes(sized, 0)
    steps: list[Sized] = []
    now: list[Axis] = [*axes]
    extents = {**sized.extents, **{n.name: sized.slides[0, p].extent for p, n in whole.items()}}
    source = equation.operands[0].name
    for place in reversed(places):
        last = place == places[0]
        read = [whole[p] if p in places and p < place else axis for p, axis in enumerate(now)]
        left: list[Axis] = [Name(str(sized.slides[0, place].position)) if p == place else axis for p, axis in enumerate(read)]
        own = {place: sized.slides[0, place]}
        if last:
            result, slides = with_slides(sized, -1)
        else:
            result, slides = Operand(f"t{len(steps) + 1}", tuple(left)), {}
        steps.append(made(extents, [(Operand(source, tuple(read)), own)], (result, slides), equation.reduce))
        source = result.name
        now = [axes[p] if p in places and p < place else axis for p, axis in enumerate(left)]
    return steps


def turned(sized: Sized) -> Sized:
    """Addresses of the result whose position moves by one cell become addresses of the operand that has the position.

    Itself where that can't be: a larger stride, a position on several operands or in an address already, a border to return to.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> pattern(turned(solve(parse("b c i, c o u -> b o i+u-1"), [(1, 3, 9), (3, 4, 3)])).equation)
    'b c i-u, c o u -> b o i'
    """
    equation = sized.equation
    scattered = {place: slide for (number, place), slide in sized.slides.items() if number < 0}
    flat = [name for operand in (*equation.operands, equation.result) for axis in operand.axes for name in indices(axis)]
    turning: dict[str, tuple[Address, Slide]] = {}
    for slide in scattered.values():
        position = slide.position
        holders = [k for k, operand in enumerate(equation.operands) if position in operand.indices]
        taps = [name for name, _ in slide.taps]
        if (
            position is None
            or abs(slide.stride) != 1
            or slide.border in REPEATING
            or len(holders) != 1
            or flat.count(position) != 2
            or position not in equation.operands[holders[0]].bare
            or not all(commutes(other) for other in sized.slides_of(holders[0]))  # beside it, there is nothing beyond
            or any(flat.count(name) != 2 for name in taps)
            or any(not any(name in operand.bare for operand in equation.operands) for name in taps)
        ):
            return sized
        turning[position] = _turned(slide, sized)
    if not turning:
        return sized
    extents = {**sized.extents, **{str(s.position): s.extent for s in scattered.values()}}
    operands = []
    for k, operand in enumerate(equation.operands):
        own = own_slides(sized, k, range(len(operand.axes)))
        axes = list(operand.axes)
        for place, axis in enumerate(axes):
            if isinstance(axis, Name) and axis.name in turning:
                axes[place], own[place] = turning[axis.name]
        operands.append((Operand(operand.name, tuple(axes)), own))
    result = tuple(Name(str(scattered[p].position)) if p in scattered else axis for p, axis in enumerate(equation.result.axes))
    return made(extents, operands, (Operand(equation.result.name, result), {}))


def _turned(slide: Slide, sized: Sized) -> tuple[Address, Slide]:
    """cell = start + s·i + Σ step·u, so i = s·(cell - start - Σ step·u)."""
    sign, position = slide.stride, str(slide.position)
    steps = ((position, sign), *((name, -sign * step) for name, step in slide.taps))
    start = -sign * slide.start
    spans = [step * ((slide.extent if name == position else sized.extents[name]) - 1) for name, step in steps]
    lowest, highest = start + sum(min(0, span) for span in spans), start + sum(max(0, span) for span in spans)
    extent = sized.extents[position]
    address = Address(tuple(Term(name, int(step)) for name, step in steps))
    return address, Slide(steps, start, extent, (-lowest, highest - extent + 1), position)


def at_tap(sized: Sized, tap: str) -> Sized:
    """The equation with one tap held fast, read through a strided view: its address keeps the other indices, or becomes bare.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import pattern
    >>> pattern(at_tap(solve(parse("b c 2*i+u j+v, o c u v -> b o i j"), [(1, 3, 9, 9), (4, 3, 3, 3)]), "u").equation)
    'b c i j+v, o c v -> b o i j'
    """
    equation = sized.equation
    operands = []
    for number, operand in enumerate(equation.operands):
        axes: list[Axis] = []
        own: dict[int, Slide] = {}
        for place, axis in enumerate(operand.axes):
            if isinstance(axis, Address) and tap in indices(axis):
                axes.append(Name(next(n for n in indices(axis) if n != tap)))
            elif not (isinstance(axis, Name) and axis.name == tap):
                if isinstance(axis, Address):
                    own[len(axes)] = sized.slides[number, place]
                axes.append(axis)
        operands.append((Operand(operand.name, tuple(axes)), own))
    return made(sized.extents, operands, with_slides(sized, -1), equation.reduce)
