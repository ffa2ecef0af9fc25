"""The pattern spelling: `max b c 2*i+u 2*j+v -> b c i j`."""

from __future__ import annotations

import re

from slidesum.core.axis import Axis
from slidesum.core.equation import REDUCTIONS, RESULT_NAME, Equation, Operand, Reduce, operand_name
from slidesum.errors import NotationError, Span
from slidesum.notation.address import read_axis
from slidesum.notation.scan import split, words

_ARROWS = re.compile(r"[<|~]?[-=]*>+|-\s+>|<[-=]+|→|⇒|⟶")
_MISNAMED = {
    "avg": "mean",
    "average": "mean",
    "maximum": "max",
    "minimum": "min",
    "add": "sum",
    "amax": "max",
    "amin": "min",
    "prod": "",
    "median": "",
    "argmax": "",
    "argmin": "",
}
"""What other libraries call the reductions, and reductions that there are none of here."""


def reduction_meant(word: str) -> str | None:
    """What somebody means who writes `word` for a reduction: one of ours, "" for none of ours, None for no reduction at all."""
    lower = word.lower()
    return lower if lower in REDUCTIONS else _MISNAMED.get(lower)


def read_pattern(text: str) -> Equation:
    """The equation of a text with an arrow."""
    left, right = _sides(text)
    reduce, left = _reduction(text, left)
    spans = list(split(text, left, ","))
    operands = tuple(
        Operand(operand_name(number), _operand_axes(text, span, number, len(spans))) for number, span in enumerate(spans)
    )
    if "," in text[slice(*right)]:
        at = text.index(",", right[0])
        raise NotationError(
            "the result holds a comma",
            text,
            (at, at + 1),
            usual="An equation has one result; commas separate operands.",
            advice="Separate the axes of the result by spaces.",
        )
    result = Operand(RESULT_NAME, tuple(read_axis(text, word) for word in words(text, right)))
    return Equation(operands, result, reduce, None, text)


def _sides(text: str) -> tuple[Span, Span]:
    at = text.find("->")
    wrong = next((arrow for arrow in _ARROWS.finditer(text) if arrow.group() != "->"), None)
    if wrong:
        raise NotationError(
            f"{wrong.group()!r} is not the arrow",
            text,
            wrong.span(),
            advice="Write '->' between the operands and the result.",
        )
    if at < 0 and "=" in text:
        here = text.index("=")
        raise NotationError(
            "a pattern has no '='",
            text,
            (here, here + 1),
            usual="The named spelling has brackets: y[b,i] = x[b,i+u] * w[u].",
            advice="Write '->' before the result, or put the axes in brackets.",
        )
    if at < 0:
        raise NotationError(
            "the arrow is missing",
            text,
            (len(text), len(text) + 1),
            usual="The result isn't guessed: its axes say what is kept.",
            advice="End with '-> ' and the axes of the result, as in '-> b o i j'.",
        )
    second = text.find("->", at + 2)
    if second >= 0:
        raise NotationError(
            "a second arrow",
            text,
            (second, second + 2),
            usual="One equation is one layer.",
            advice="Write one equation a layer, or more operands: 'b c i+u, c u, o c -> b o i'.",
        )
    return (0, at), (at + 2, len(text))


def _reduction(text: str, left: Span) -> tuple[Reduce, Span]:
    first = next(iter(words(text, (left[0], _until_comma(text, left)))), None)
    word = text[slice(*first)] if first else ""
    if first and word in REDUCTIONS:
        return word, (first[1], left[1])
    meant = reduction_meant(word)
    if first and meant is not None:
        raise NotationError(
            f"there is no reduction {word!r}",
            text,
            first,
            usual=f"The reductions are {', '.join(REDUCTIONS)}.",
            advice=f"Write {meant}." if meant else f"Write one of them; if {word!r} is an index, begin with 'sum'.",
        )
    return "sum", left


def _until_comma(text: str, span: Span) -> int:
    at = text.find(",", *span)
    return span[1] if at < 0 else at


def _operand_axes(text: str, span: Span, number: int, count: int) -> tuple[Axis, ...]:
    found = list(words(text, span))
    if not found:
        if count == 1:
            raise NotationError(
                "the only operand has no axes",
                text,
                (span[0], max(span[1], span[0] + 1)),
                usual="What is read stands left of the arrow.",
                advice="Write its axes; a plain number is an array with the axis 1.",
            )
        raise NotationError(
            f"operand {number + 1} of {count} has no axes",
            text,
            (span[0], max(span[1], span[0] + 1)),
            usual="A comma too many, or an operand forgotten.",
            advice="Write its axes, or take the comma away; a plain number is an array with the axis 1.",
        )
    return tuple(read_axis(text, word) for word in found)
