"""Cutting a text into the pieces that the two spellings are made of; every piece is a span of the text."""

from __future__ import annotations

from collections.abc import Iterator

from slidesum.core.axis import Axis
from slidesum.errors import NotationError, Span
from slidesum.notation.address import read_axis


def split(text: str, span: Span, mark: str) -> Iterator[Span]:
    """The parts between the marks, empty ones too; a mark in parentheses separates nothing."""
    start, depth = span[0], 0
    for at in range(*span):
        depth = max(0, depth + (text[at] == "(") - (text[at] == ")"))
        if text[at] == mark and not depth:
            yield start, at
            start = at + 1
    yield start, span[1]


def words(text: str, span: Span) -> Iterator[Span]:
    """The words between spaces; a parenthesis with all it holds is one word."""
    at = span[0]
    while at < span[1]:
        if text[at].isspace():
            at += 1
            continue
        start = at
        if text[at] == "(":
            at = _closing(text, at, span[1]) + 1
            if at < span[1] and not text[at].isspace():
                raise _touching(text, at - 1)
        else:
            while at < span[1] and not text[at].isspace():
                if text[at] == "(":
                    raise _touching(text, at)
                if text[at] == ")":
                    raise NotationError(
                        "a ')' without its '('", text, (at, at + 1), advice="Write (g c), or take the parenthesis away."
                    )
                at += 1
        word = text[start:at]
        cut_off = word[-1] in "+-*" and text[at : span[1]].strip()
        if cut_off or word[0] == "+" or set(word) <= set("+-*"):
            raise NotationError(
                "an address holds no spaces",
                text,
                (start, at),
                usual="A space ends an axis.",
                advice="Write the parts together: 2*i+u.",
            )
        yield start, at


def _touching(text: str, at: int) -> NotationError:
    return NotationError(
        f"a {text[at]!r} touches what stands beside it",
        text,
        (at, at + 1),
        usual="Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.",
        advice="Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.",
    )


def _closing(text: str, start: int, stop: int) -> int:
    for at in range(start + 1, stop):
        if text[at] == "(":
            raise NotationError(
                "a parenthesis inside a parenthesis",
                text,
                (at, at + 1),
                usual="Merging is flat: (g c) is cell g·C + c.",
                advice="Write all merged indices in one parenthesis: (a b c).",
            )
        if text[at] == ")":
            return at
    raise NotationError("a '(' without its ')'", text, (start, start + 1), advice="Close it: (g c).")


def read_axes(text: str) -> tuple[Axis, ...]:
    """The axes that a text such as "b (g o) i" lists."""
    return tuple(read_axis(text, span) for span in words(text, (0, len(text))))
