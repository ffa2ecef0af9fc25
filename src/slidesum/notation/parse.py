"""Text -> equation. Both spellings, told apart by their brackets.

    pattern   max b c 2*i+u 2*j+v -> b c i j
    named     y[b,c,i,j] = max x[b,c,2*i+u,2*j+v]

Reading is a function of the text alone and is cached: an equation that was read once costs a dictionary look-up.
"""

from __future__ import annotations

from functools import lru_cache

from slidesum.core.equation import Equation, HasTree
from slidesum.errors import NotationError, UsageError
from slidesum.notation.check import check
from slidesum.notation.named import read_named
from slidesum.notation.pattern import read_pattern


def parse(text: str) -> Equation:
    """The equation that `text` writes, in either spelling.

    >>> parse("b c i j, o c -> b o i j") == parse("y[b,o,i,j] = x[b,c,i,j] * w[o,c]")
    True

    Raises NotationError where the text is no pattern, MeaningError where it says what no layer can mean.
    """
    if not isinstance(text, str):
        raise UsageError(
            f"a pattern is text, not {type(text).__name__}",
            advice="Write for example 'b c i+u j+v, o c u v -> b o i j'.",
        )
    if not text.strip():
        raise NotationError(
            "the pattern is empty", advice="Write operands, an arrow and the result: 'b c i+u j+v, o c u v -> b o i j'."
        )
    return _read(text)


@lru_cache(maxsize=4096)
def _read(text: str) -> Equation:
    equation = read_named(text) if "[" in text or "]" in text else read_pattern(text)
    check(equation)
    return equation


def equation_of(given: object) -> Equation:
    """The equation of whatever a user writes for one: text in either spelling, or an equation.

    Raises UsageError for anything else.
    """
    if isinstance(given, Equation):
        return given
    if isinstance(given, HasTree) and isinstance(given.tree, Equation):
        return given.tree
    if not isinstance(given, str):
        raise UsageError(
            f"an equation is text, not {type(given).__name__}", advice="Write for example 'b c i+u j+v, o c u v -> b o i j'."
        )
    return parse(given)
