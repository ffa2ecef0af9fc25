"""The commands by name, and what becomes of errors: one message, and an exit status."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from slidesum.cli.hand import export
from slidesum.cli.learn import compare, demo, train
from slidesum.cli.look import explain, show
from slidesum.cli.measure import bench
from slidesum.cli.page import page
from slidesum.cli.run import run
from slidesum.cli.sheet import sheet
from slidesum.cli.weigh import compare_layers, cost
from slidesum.cli.words import Stopped, drop_output, tell
from slidesum.errors import SlidesumError

EXTRAS = ("torch", "sklearn", "matplotlib", "PIL")

app = typer.Typer(
    name="slidesum",
    help="einsum for convolutions, and everything that follows from it.",
    epilog="Begin with: slidesum demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (show, cost, compare_layers, run, explain, train, compare, page, sheet, export, demo, bench):
    app.command(command.__name__.replace("_", "-"))(command)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """einsum for convolutions, and everything that follows from it."""
    if version:
        from importlib.metadata import version as installed

        print(f"slidesum {installed('slidesum')}")
        raise typer.Exit


def main() -> None:
    """Run the command; errors of slidesum become one message and status 1."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a full disk can still be told; not when the interpreter ends
    except SlidesumError as error:
        tell(str(error), "bold red")
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        tell(f"this command needs {error.name}, which isn't installed\n  Install it: pip install 'slidesum[train]'.", "bold red")
        raise SystemExit(1) from None
    except Stopped:
        raise
    except SystemExit as end:  # Typer makes one of a Ctrl-C, without a word
        if end.code == 130:
            tell("stopped", "yellow")
        raise
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        drop_output()
        raise SystemExit(0) from None
    except OSError as error:
        drop_output()
        tell(f"{error.filename or 'the output'}: {error.strerror or error}", "bold red")
        raise SystemExit(1) from None
