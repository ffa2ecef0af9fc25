"""The text of one axis -> Axis: names, `1`, `...`, `(g c)` and addresses such as `2*i+u-3`."""

from __future__ import annotations

import re

from slidesum.core.axis import Address, Axis, Merged, Name, One, Rest, Term
from slidesum.errors import NotationError, Span

_TOKEN = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+])|(?P<star>\*)|(?P<other>.)", re.S)
_LONGEST_NUMBER = 18


def read_axis(text: str, span: Span) -> Axis:
    """The axis that stands in `text[span]`."""
    word = text[span[0] : span[1]]
    if word == "1":
        return One(span)
    if word == "...":
        return Rest(span)
    if set(word) <= {".", "…"}:
        raise NotationError(f"{word!r} is no axis", text, span, advice="Write three dots, '...', for the axes that you don't name.")
    if word.startswith("("):
        return _merged(text, span)
    if "..." in word:
        at = text.index("...", span[0])
        raise NotationError("'...' is an axis of its own", text, (at, at + 3), advice="Write it with spaces around it: b ... i.")
    return _address(text, span)


def _merged(text: str, span: Span) -> Axis:
    found = list(re.compile(r"\S+").finditer(text, span[0] + 1, span[1] - 1))
    words = [word.group() for word in found]
    if not words:
        raise NotationError(
            "nothing stands between the parentheses",
            text,
            span,
            advice="Write the merged indices, (g c), or 1 for an axis of extent one.",
        )
    for word, here in zip(words, (match.span() for match in found), strict=True):
        if word == "...":
            raise NotationError(
                "'...' can't be merged",
                text,
                here,
                usual="How many axes it stands for isn't known, so neither is their product.",
                advice="Name the axes that you want to merge, as in (g c).",
            )
        if any(sign in word for sign in "+-*"):
            raise NotationError(
                "parentheses never hold an address",
                text,
                here,
                usual="They merge whole indices into one axis, (g c); what slides stands outside.",
                advice="Write the address as an axis of its own, without parentheses.",
            )
        if not re.fullmatch(r"[^\W\d]\w*", word):
            raise NotationError(
                f"{word!r} is no name",
                text,
                here,
                usual="Names are letters, digits and '_', and begin with a letter.",
                advice="Write the merged indices with spaces between, as in (g c).",
            )
    if len(set(words)) < len(words):
        raise NotationError("an index is merged with itself", text, span, advice="Merge different indices, as in (g c).")
    return Merged(tuple(words), span)


def _address(text: str, span: Span) -> Axis:
    terms: list[Term] = []
    constant = 0
    for sign, start, stop in _summands(text, span):
        number, names = _product(text, (start, stop))
        if not names:
            constant += sign * number
            continue
        if number == 0:
            raise NotationError(
                f"{names[-1]!r} has the coefficient 0",
                text,
                (start, stop),
                usual="A window that never moves is no address.",
                advice=f"Leave the term out, or write {names[-1]}.",
            )
        if names[-1] in {term.index for term in terms}:
            raise NotationError(
                f"{names[-1]!r} stands twice in one address",
                text,
                span,
                advice=f"Add the coefficients up: 2*{names[-1]} for {names[-1]}+{names[-1]}.",
            )
        terms.append(Term(names[-1], sign * number, names[0] if len(names) == 2 else ""))
    if not terms:
        raise NotationError(
            f"{text[span[0] : span[1]]!r} is a number, not an axis",
            text,
            span,
            usual="The only number that is an axis is 1, an axis of extent one.",
            advice="Write a name, and give its extent beside the pattern: u=3.",
        )
    if len(terms) == 1 and terms[0] == Term(terms[0].index) and constant == 0:
        return Name(terms[0].index, span)
    return Address(tuple(terms), constant, span)


def _summands(text: str, span: Span) -> list[tuple[int, int, int]]:
    """The address cut at its signs: (sign, start, stop) a summand."""
    found: list[tuple[int, int, int]] = []
    sign, start, signed_at = 1, span[0], -1
    for token in _TOKEN.finditer(text, *span):
        if token.lastgroup == "sign":
            at = token.start()
            if at > start or signed_at >= 0:
                if at == start:
                    raise NotationError("two signs follow each other", text, (at - 1, at + 1), advice="Write one: i+u or i-u.")
                found.append((sign, start, at))
            sign, start, signed_at = (1 if token.group() == "+" else -1), token.end(), at
    if start == span[1]:
        raise NotationError(
            f"nothing follows the '{text[signed_at]}'",
            text,
            (signed_at, signed_at + 1),
            usual="An address holds no spaces: its parts stand together.",
            advice="Write i+u, or take the sign away.",
        )
    return [*found, (sign, start, span[1])]


def _product(text: str, span: Span) -> tuple[int, list[str]]:
    """`2*s*i` -> (2, ['s', 'i'])."""
    number, names = 1, list[str]()
    expects_factor = True
    for token in _TOKEN.finditer(text, *span):
        word, here = token.group(), token.span()
        kind = token.lastgroup
        if kind == "other":
            raise _stray(text, here, word)
        if kind == "star":
            if expects_factor:
                raise NotationError(
                    "a '*' lacks what it multiplies",
                    text,
                    here,
                    usual="A stride or dilation multiplies an index.",
                    advice="Write 2*i, or s*i with s=2 given as a size.",
                )
            expects_factor = True
            continue
        if not expects_factor:
            whole = text[span[0] : span[1]]
            raise NotationError(
                f"the '*' is missing in {whole!r}",
                text,
                span,
                usual="A stride or dilation is written with a star.",
                advice=f"Write {text[span[0] : here[0]]}*{text[here[0] : span[1]]}.",
            )
        expects_factor = False
        if kind == "name":
            names.append(word)
        elif "." in word:
            raise NotationError(
                f"{word} is no whole number",
                text,
                here,
                usual="Arrays have whole cells only.",
                advice="Write an integer; to move by half a cell, put the address on the result: 'b c i, c o u -> b o 2*i+u'.",
            )
        elif len(word) > _LONGEST_NUMBER:
            raise NotationError(
                f"a number of {len(word)} digits", text, here, usual="No array has so many cells.", advice="Write a smaller one."
            )
        elif names:
            raise NotationError(
                "the number stands behind its index",
                text,
                span,
                advice=f"Write the coefficient first: {number * int(word)}*{'*'.join(names)}.",
            )
        else:
            number *= int(word)
    if expects_factor:
        raise NotationError(
            "a '*' lacks what it multiplies",
            text,
            (span[1] - 1, span[1]),
            usual="A stride or dilation multiplies an index.",
            advice="Write 2*i, or s*i with s=2 given as a size.",
        )
    if len(names) > 2:
        raise NotationError(
            "three names are multiplied",
            text,
            span,
            usual="An index has one stride or dilation.",
            advice=f"Write {names[0]}*{names[-1]} and give the product as the size of {names[0]}.",
        )
    return number, names


def _stray(text: str, here: Span, word: str) -> NotationError:
    if word == "/":
        return NotationError(
            "an address can't divide",
            text,
            here,
            usual="Reading every half cell is what a transposed convolution does.",
            advice="Put the address on the result: 'b c i, c o u -> b o 2*i+u'.",
        )
    return NotationError(
        f"{word!r} can't stand in an axis",
        text,
        here,
        usual="Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.",
        advice="Take it away, or write a name instead.",
    )
