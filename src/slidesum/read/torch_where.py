"""Where in a model an operation stands: the path of the module that runs, and the line of the user's code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

import torch

from slidesum.read.torch_program import Place


class Whereabouts:
    """The path of the module that runs now ("layer1.0.conv1"), known while it is `following`; `names` are paths by a module's id.

    `line` is where a module of torch's own is called: what runs in it is torch's code, and nobody need look for the user's.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = names
        self.path = ""
        self.line: str | None = None

    @contextmanager
    def following(self) -> Iterator[None]:
        """While this holds, every module that is called tells so.

        As torch.fx does, the call itself is wrapped: with a hook on all modules, torch leaves the short way of calling one.
        """
        call = torch.nn.Module.__call__

        def called(one: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            outside = self.path, self.line
            self.path = self.names.get(id(one), self.path)
            self.line = (source_line() if self.line is None else self.line) if _is_inside(type(one).__module__) else None
            try:
                return call(one, *args, **kwargs)
            finally:
                self.path, self.line = outside

        torch.nn.Module.__call__ = called  # type: ignore[method-assign]
        try:
            yield
        finally:
            torch.nn.Module.__call__ = call  # type: ignore[method-assign]

    def place(self) -> Place:
        """The module that runs now, and the line."""
        return Place(self.path, source_line() if self.line is None else self.line)

    def named(self, what: str) -> str:
        """A name for something that the module that runs now makes."""
        return f"{self.path}.{what}" if self.path else what


def source_line() -> str:
    """The line of the user's code that is being run: the innermost frame outside torch and this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not _is_inside(frame.f_globals.get("__name__", "")):
            return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@cache
def _is_inside(home: str) -> bool:
    return home == "torch" or home.startswith(("torch.", "slidesum."))
