"""What is said, and where: results on stdout, remarks on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from slidesum.errors import UsageError

if TYPE_CHECKING:
    from slidesum.api.network import Network
    from slidesum.show.formats import Formatted


class Stopped(SystemExit):
    """Ctrl-C ended a training, and it was said where it stands."""

    def __init__(self) -> None:
        super().__init__(130)


def show_thing(thing: Any) -> None:
    """A table or an explanation, in the width of the terminal."""
    from slidesum.show.text import console

    console().print(thing)


def written(table: Formatted, format: str) -> None:
    """A table in one of its formats."""
    if format == "table":
        show_thing(table)
    else:
        sys.stdout.write(table.format(str(format)))


def tell(text: str, style: str = "dim") -> None:
    """A remark beside the result."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(text, style=style))


def tell_untrained(net: Network) -> None:
    """That the numbers of a network mean nothing yet."""
    if not net.has_values:
        tell(f"{net.name} was never trained: its arrays are drawn at random, with seed 0")


@contextmanager
def at_work(text: str) -> Iterator[None]:
    """A sign on the terminal that something is being done, gone when it is; nothing elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


def file_name(name: str, ending: str) -> str:
    """A file in this folder for a network or a layer, whatever its name: what a model file says leads nowhere else.

    >>> file_name("lenet5", ".html"), file_name("../../3a/conv", ".png")
    ('lenet5.html', '3a-conv.png')
    """
    flat = re.sub(r"[^\w.+ -]+", "-", name).strip(".- ")
    return f"{flat[:100] or 'network'}{ending}"


def misspelt(headline: str, advice: str) -> typer.BadParameter:
    """Wrong usage, told with status 2 in the words of every other error."""
    return typer.BadParameter(str(UsageError(headline, advice=advice)))


def drop_output() -> None:
    """What couldn't be written is not tried again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
