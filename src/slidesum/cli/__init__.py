"""The command `slidesum`. Data goes to stdout, progress and remarks to stderr.

    app       the commands by name, and what becomes of errors
    options   the arguments that several commands take
    words     what is said, and where
    look      show, explain
    weigh     cost, compare-layers
    learn     train, compare, demo
    page      page
    sheet     sheet
    hand      export
    measure   bench

Exit status: 0 done, 1 refused with a message, 2 wrong usage, 130 stopped by Ctrl-C. Everything heavy is imported inside the command
that needs it, so `--help` costs no more than Typer.
"""

from slidesum.cli.app import main

__all__ = ["main"]
