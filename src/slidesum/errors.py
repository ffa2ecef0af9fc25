"""Every error of slidesum, the packages that may be missing, and the drawing of carets.

All of them are `SlidesumError`, so one `except` catches them. Those that are about a pattern are `PatternError`; they show the
text with carets under the characters at fault and say four things: what is wrong, where, what is usually meant, what to write.

    >>> print(NotationError("the '*' is missing", "b 2i+u -> b i", (2, 4), advice="Write 2*i."))
    the '*' is missing
        b 2i+u -> b i
          ^^
      Write 2*i.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

Span = tuple[int, int]


class SlidesumError(Exception):
    """The root of the family: anything slidesum refuses, it refuses with one of these."""

    def __init__(self, headline: str, *, usual: str = "", advice: str = "") -> None:
        self.headline = headline
        self.usual = usual
        self.advice = advice
        super().__init__("\n".join([headline, *self._picture(), *(f"  {line}" for line in (usual, advice) if line)]))

    def _picture(self) -> list[str]:
        return []


class PatternError(SlidesumError):
    """Something is wrong with a pattern, or with a pattern and the arrays it was given."""

    def __init__(self, headline: str, text: str = "", span: Span | None = None, *, usual: str = "", advice: str = "") -> None:
        self.text = text
        self.span = span
        super().__init__(headline, usual=usual, advice=advice)

    def _picture(self) -> list[str]:
        return carets(self.text, self.span)


class NotationError(PatternError):
    """The text is not a pattern: a syntax error."""


class MeaningError(PatternError):
    """The text parses, but says something that no layer can mean."""


class RankError(PatternError):
    """An array has another number of axes than the pattern names, or there are too many or too few arrays."""


class SizeError(PatternError):
    """Extents contradict each other, don't fit, or are missing."""


class ArrayError(SlidesumError):
    """An array can't be computed with: mixed frameworks, a dtype without the arithmetic, not an array at all."""


class SpaceError(SlidesumError):
    """A result, or what is needed on the way to it, doesn't fit into the memory; nothing was allocated."""


class NetworkError(SlidesumError):
    """A network was built or asked for something it doesn't have: an unknown layer, a second use of a name."""


class FileError(SlidesumError):
    """A file is missing, isn't what it should be, or doesn't fit the network."""


class ReadError(FileError):
    """A foreign model can't be read, or holds operations that aren't supported although all were asked for."""


class UsageError(SlidesumError):
    """A call or a command that can't be carried out as written, or a part that isn't installed."""


class MissingPackage(UsageError, ImportError):
    """A part needs a package that isn't installed."""


def needed(module: str, told: str, extra: str) -> Any:
    """The module, imported now. Raises MissingPackage where it isn't there: `told` says who needs what, `extra` what installs it.

    >>> needed("math", "sums need math", "sums").pi > 3
    True
    >>> needed("no_such_package", "sums need no_such_package", "sums")
    Traceback (most recent call last):
    slidesum.errors.MissingPackage: sums need no_such_package, which isn't installed
      Install it: pip install 'slidesum[sums]'.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingPackage(f"{told}, which isn't installed", advice=f"Install it: pip install 'slidesum[{extra}]'.") from None


def carets(text: str, span: Span | None) -> list[str]:
    """The text, and under it carets from span[0] to span[1] (at least one), both indented by four.

    >>> carets("b c -> b", (2, 3))
    ['    b c -> b', '      ^']
    """
    if not text.strip() or span is None:
        return []
    start, stop = span
    shown = text.expandtabs(1).replace("\n", " ")
    return [f"    {shown}", f"    {' ' * start}{'^' * max(1, stop - start)}"]
