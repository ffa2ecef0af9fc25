"""What kind of layer an equation is, told by its structure alone, whatever the letters.

The table `KINDS` is the law: every kind with a test on the structure and the one thing to know about it. The first that fits is
the answer. The sentence is then composed from the roles, so it holds for any equation, also for one no table foresaw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slidesum.core.axis import Rest
from slidesum.core.equation import Equation, Operand
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size, is_number, prod
from slidesum.laws.once import once
from slidesum.laws.roles import batch, roles
from slidesum.laws.structure import Structure


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a layer: its name, what else there is to it (strides, …), the gist, and what its indices do."""

    name: str
    also: tuple[str, ...]
    gist: str
    sentence: str

    def __str__(self) -> str:
        return ", ".join((self.name, *self.also))


Test = Callable[[Structure], bool]

KINDS: tuple[tuple[str, Test, str], ...] = (
    # one operand
    (
        "unfold",
        lambda s: not s.multiplies and s.slides and not s.equation.summed and s.has("tap"),
        "the windows themselves become axes",
    ),
    (
        "fold",
        lambda s: not s.multiplies and s.scatters and s.taps_on_x,
        "windows are laid back and summed where they overlap",
    ),
    ("upsampling", lambda s: not s.multiplies and s.scatters, "every value is written to a whole window"),
    ("crop", lambda s: not s.multiplies and s.crops and not s.equation.summed, "a part is read, as it stands"),
    ("subsampling", lambda s: not s.multiplies and s.slides and not s.equation.summed, "only some cells are read"),
    ("{reduce} pooling", lambda s: not s.multiplies and s.slides, "every map is pooled by itself, window by window"),
    (
        "{reduce} pooling across maps",
        lambda s: not s.multiplies and s.pools_part_of_an_axis,
        "several maps become one; the maximum of them is known as maxout",
    ),
    (
        "global {reduce} pooling",
        lambda s: not s.multiplies and s.has("pooled") and (s.pools_the_trailing_axes or s.pools_between_first_and_last),
        "a whole map becomes one number",
    ),
    ("{reduce} over maps", lambda s: not s.multiplies and s.has("pooled"), "whole axes are reduced"),
    ("repeat", lambda s: not s.multiplies and s.has("repeated"), "values are copied along a new axis"),
    ("reshape", lambda s: not s.multiplies, "the values stay, their places change"),
    # several operands
    ("sliding filter", lambda s: s.slides_on_filters, "the filters are read through an address of their own"),
    # several operands, no window
    (
        "matrix product",
        lambda s: not s.slides and not s.scatters and s.weighted_batch and s.has("summed"),
        "every sample brings both factors",
    ),
    (
        "linear",
        lambda s: not s.slides and not s.scatters and s.all_but_batch_summed,
        "every output has a weight for every input value",
    ),
    (
        "linear",
        lambda s: not s.slides and not s.scatters and s.last_axis_exchanged,
        "every output has a weight for every value of the last axis",
    ),
    (
        "scale",
        lambda s: not s.slides and not s.scatters and not s.has("summed", "pooled", "filter", "rank"),
        "every value is multiplied by a weight of its own or of its map",
    ),
    (
        "factored 1×1",
        lambda s: not s.slides and not s.scatters and len(s.equation.operands) > 2,
        "maps are mixed at every place by a product of smaller filters",
    ),
    (
        "grouped 1×1",
        lambda s: not s.has("tap") and not s.scatters and s.has("own") and s.has("summed"),
        "maps are mixed within their group, at every place alike",
    ),
    (
        "1×1",
        lambda s: not s.has("tap") and not s.scatters and s.has("summed"),
        "maps are mixed at every place alike, without looking at neighbours",
    ),
    (
        "outer product",
        lambda s: not s.has("tap") and not s.scatters and not s.has("summed", "pooled"),
        "every value meets every weight",
    ),
    ("contraction", lambda s: not s.has("tap") and not s.scatters, "products are summed, nothing slides"),
    # several operands and a window
    ("locally connected", lambda s: s.weighted_positions, "every place has filters of its own: nothing is shared"),
    ("a filter per sample", lambda s: s.weighted_batch, "every sample of the batch brings filters of its own"),
    ("depthwise separable", lambda s: s.separable, "a flat filter for every map, then a 1×1 that mixes the maps"),
    ("factored filter", lambda s: len(s.equation.operands) > 2, "the filter is a product of smaller ones"),
    (
        "trainable subsampling",
        lambda s: not s.taps_on_filters and not s.has("summed"),
        "windows are summed without weights, then every map is scaled",
    ),
    ("type 2.1", lambda s: s.has("pooled"), "one flat filter over the sum of all maps: the maps share its weights"),
    ("grouped", lambda s: s.has("own") and s.has("summed"), "a filter spans the maps of its group"),
    ("depthwise", lambda s: s.has("own") and s.has("filter"), "every map has flat filters of its own, and stays apart"),
    ("depthwise", lambda s: s.has("own"), "every map has a flat filter of its own, and stays apart"),
    ("type 1", lambda s: s.has("kept") and not s.has("summed"), "every filter is applied to every map separately"),
    ("type 2.2", lambda s: s.has("summed"), "a filter spans all maps, with weights of its own for each"),
    ("{n}-D over the stack", lambda s: len(s.names("position")) > 2, "the filter slides over the stack of maps too"),
    ("one map", lambda s: True, "flat filters on a single map"),
)


def kind(equation: Equation, sized: Sized | None = None) -> Kind:
    """The kind of an equation; with sizes also its strides, dilations and padding, and what a `...` stands for.

    >>> from slidesum.notation.parse import parse
    >>> str(kind(parse("n a 2*p+r q+s, f r s -> n f p q")))
    'type 2.1, stride 2×1'
    """
    return _kind(equation, None) if sized is None else _kind_of_sized(sized, equation)


@once
def _kind_of_sized(sized: Sized, equation: Equation) -> Kind:
    return _kind(equation, sized)


def _kind(equation: Equation, sized: Sized | None) -> Kind:
    judged = sized.equation if sized else equation
    structure = Structure(judged, roles(judged))
    name, gist = next((name, gist) for name, test, gist in KINDS if test(structure))
    name = name.format(reduce=equation.reduce, n=len(structure.names("position")))
    if structure.scatters and structure.multiplies:
        name = f"transposed {name}" if name != "type 2.2" else "transposed"
        gist = (
            f"{gist}; every input value is spread over a window"
            if name != "transposed"
            else "every input value is spread over a window of every output map"
        )
    written = Structure(equation, roles(equation))  # the sentence keeps to the letters that stand there
    return Kind(name, tuple(_also(judged, sized, structure)), gist, _sentence(written))


def _also(equation: Equation, sized: Sized | None, s: Structure) -> list[str]:
    also = []
    spatial = len(s.names("position"))
    if spatial not in (0, 2) and "over the stack" not in next(name for name, test, _ in KINDS if test(s)):
        also.append(f"{spatial}-D")
    strides, dilations = _steps(equation, sized)
    if any(step != "1" for step in strides):
        also.append(f"stride {_joined(strides)}")
    if any(step != "1" for step in dilations):
        also.append(f"dilation {_joined(dilations)}")
    if sized is not None:
        pads = [slide.padding for slide in sized.slides.values() if slide.position]
        if any(pad != (0, 0) for pad in pads):
            also.append(f"padding {_joined([_sides(*pad) for pad in pads])}")
        if sized.connections is not None:
            pairs = prod(sized.extents[name] for name in sized.connections.indices)
            also.append(f"{len(sized.connections.pairs)} of {pairs} pairs connected")
    return also


def _steps(equation: Equation, sized: Sized | None) -> tuple[list[str], list[str]]:
    strides, dilations = list[str](), list[str]()
    for number, _, address in equation.addresses():
        position = equation.position(number, address)
        for term in address.terms:
            factor = str(sized.extents[term.factor]) if sized and term.factor else term.factor
            step = str(abs(term.number)) if not factor else factor if abs(term.number) == 1 else f"{abs(term.number)}·{factor}"
            if sized and term.factor and is_number(sized.extents[term.factor]):
                step = str(abs(term.number) * sized.extents[term.factor])
            (strides if term.index == position else dilations).append(step)
    return strides, dilations


def _sides(before: Size, after: Size) -> str:
    """The padding of one axis; a side that crops, or is a sum, asks for brackets."""
    if before == after:
        return str(before)
    told = (str(before), str(after))
    return f"({','.join(told)})" if any("-" in side or " " in side for side in told) else "+".join(told)


def _joined(steps: list[str]) -> str:
    return steps[0] if len(set(steps)) == 1 else "×".join(steps)


def _sentence(s: Structure) -> str:
    """Slides over …, sums over …, has weights of its own for …, and shares them over …"""
    equation = s.equation
    slid = [n for n in s.names("position") if s.slides or s.scatters]
    parts = [f"slides over {_listed(slid)}" if slid else "slides over nothing"]
    verbs = {"sum": "sums", "max": "takes the maximum", "min": "takes the minimum", "mean": "takes the mean"}
    summed = [n for n in equation.indices if n in equation.summed]
    parts.append(f"{verbs[equation.reduce]} over {_listed(summed)}" if summed else "sums nothing")
    apart = [n for n in s.names("kept", "own") if n not in slid]
    if apart:
        parts.append(f"keeps {_listed(apart)} apart")
    if s.multiplies:
        parts += _factors(equation)
    else:
        parts.append("has no weights")
    text = ", ".join(parts[:-1]) + f", and {parts[-1]}."
    return text[0].upper() + text[1:]


def _factors(equation: Equation) -> list[str]:
    """What x is multiplied by: numbers that every sample of the batch brings along, weights of the layer, or both."""
    sample, filters = batch(equation), equation.operands[1:]
    brought = [operand for operand in filters if sample in operand.indices]
    kept = [operand for operand in filters if operand not in brought]
    told = []
    if brought:
        names = [n for n in _on(equation, brought) if n != sample]
        told.append(
            f"multiplies by what every {sample} brings along for every {_listed(names)}"
            if names
            else f"multiplies by one number that every {sample} brings along"
        )
    if kept:
        own = _on(equation, kept)
        told.append(f"has weights of its own for every {_listed(own)}" if own else "has one weight")
    carried = _on(equation, kept or brought)
    shared = [n for n in equation.indices if n not in carried]
    if Rest() in equation.operands[0].axes and not any(Rest() in operand.axes for operand in filters):
        shared.append("'...'")
    them = "them" if kept else "it"
    told.append(f"shares {them} over {_listed(shared)}" if shared else f"shares none of {them}")
    return told


def _on(equation: Equation, operands: Sequence[Operand]) -> list[str]:
    return [name for name in equation.indices if any(name in operand.indices for operand in operands)]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
