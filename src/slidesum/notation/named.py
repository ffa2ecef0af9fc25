"""The named spelling: `y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[o]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slidesum.core.equation import REDUCTIONS, Equation, Operand, Reduce
from slidesum.errors import MeaningError, NotationError, Span
from slidesum.notation.address import read_axis
from slidesum.notation.pattern import reduction_meant
from slidesum.notation.scan import split, words

_ARRAY = re.compile(r"\s*([^\W\d]\w*)\s*\[")


def read_named(text: str) -> Equation:
    """The equation of a text with brackets."""
    equals = text.find("=")
    arrow = text.find("->")
    if equals < 0 and arrow >= 0:
        raise NotationError(
            "the named spelling has no arrow",
            text,
            (arrow, arrow + 2),
            usual="With brackets the result stands first: y[b,i] = x[b,i+u] * w[u].",
            advice="Write it so, or leave the brackets out: 'b i+u, u -> b i'.",
        )
    if equals < 0:
        raise NotationError(
            "the '=' is missing",
            text,
            (len(text), len(text) + 1),
            usual="The named spelling is 'y[b,i] = x[b,i+u] * w[u]'; patterns have no brackets.",
            advice="Write the result, '=', and the operands.",
        )
    second = text.find("=", equals + 1)
    if second >= 0:
        raise NotationError("a second '='", text, (second, second + 1), advice="Write one equation a layer.")
    results = list(_arrays(text, (0, equals)))
    if len(results) != 1:
        raise NotationError(
            f"{len(results) or 'no'} arrays stand left of the '='",
            text,
            (0, max(1, equals)),
            usual="The result is one array.",
            advice="Write it alone: 'y[b,i] = …'.",
        )
    reduce, right = _reduction_word(text, (equals + 1, len(text)))
    operands, bias = list[Operand](), None
    found = list(_arrays(text, right))
    for operator, operand, here in found:
        if bias is not None:
            raise NotationError(
                f"{operand.name!r} follows the bias",
                text,
                here,
                usual="The bias is one array, added last.",
                advice="Write the product first, then one '+ a[o]'.",
            )
        if operator == "+":
            bias = operand
        else:
            operands.append(operand)
    if not operands:
        raise NotationError(
            "no operand stands right of the '='",
            text,
            (equals, equals + 1),
            advice="Write at least one, as in 'y[b,i] = x[b,i+u] * w[u]'.",
        )
    seen = set[str]()
    for _, operand, here in (*results, *found):
        if operand.name in seen:
            raise MeaningError(f"two arrays are called {operand.name!r}", text, here, advice="Give every array a name of its own.")
        seen.add(operand.name)
    return Equation(tuple(operands), results[0][1], reduce, bias, text)


def _reduction_word(text: str, right: Span) -> tuple[Reduce, Span]:
    word = re.compile(r"\s*([^\W\d]\w*)\s+(?=[^\W\d])").match(text, *right)
    if not word:
        return "sum", right
    name = word.group(1)
    for known in REDUCTIONS:
        if name == known:
            return known, (word.end(), right[1])
    meant = reduction_meant(name)
    raise NotationError(
        f"there is no reduction {name!r}",
        text,
        word.span(1),
        usual=f"The reductions are {', '.join(REDUCTIONS)}.",
        advice=f"Write {meant}." if meant else f"Write one of them, or, if {name!r} is an array, its axes in brackets.",
    )


def _arrays(text: str, span: Span) -> Iterator[tuple[str, Operand, Span]]:
    """`x[b,c] * w[o,c] + a[o]` -> ('', x), ('*', w), ('+', a), each with where its name stands."""
    at, operator = span[0], ""
    while True:
        head = _ARRAY.match(text, at, span[1])
        if not head:
            if not text[at : span[1]].strip() and operator == "":
                return
            found = re.compile(r"\s*(\w+|\S)").match(text, at, span[1])
            raise NotationError(
                "an array is expected here",
                text,
                found.span(1) if found else (at, at + 1),
                usual="An array is a name and its axes in brackets.",
                advice="Write x[b,c,i+u,j+v].",
            )
        close = text.find("]", head.end(), span[1])
        if close < 0:
            raise NotationError(
                "a ']' is missing", text, (head.end() - 1, head.end()), advice="Close the axes of the array with ']'."
            )
        axes = tuple(read_axis(text, piece) for piece in _pieces(text, (head.end(), close), head.group(1)))
        yield operator, Operand(head.group(1), axes), head.span(1)
        at = close + 1
        while at < span[1] and text[at].isspace():
            at += 1
        if at == span[1]:
            return
        operator = text[at]
        if operator not in "*+":
            raise NotationError(
                f"{operator!r} can't stand between arrays",
                text,
                (at, at + 1),
                usual="Arrays are multiplied, and a bias is added.",
                advice="Write '*' between operands and '+' before the bias.",
            )
        at += 1


def _pieces(text: str, span: Span, name: str) -> Iterator[Span]:
    if not text[slice(*span)].strip():
        return
    for piece in split(text, span, ","):
        found = list(words(text, piece))
        if not found:
            raise NotationError(
                f"an axis of {name!r} is empty",
                text,
                (piece[0], piece[1] + 1),
                advice="Write its name, or take the comma away.",
            )
        if len(found) > 1:
            raise NotationError(
                "a comma is missing between two axes",
                text,
                (found[0][0], found[-1][1]),
                usual="Inside brackets axes are separated by commas, and an address holds no spaces.",
                advice="Write x[b,c,i+u,j+v].",
            )
        yield found[0]
