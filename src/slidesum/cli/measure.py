"""slidesum beside what one would write otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slidesum.cli.words import Stopped, show_thing, tell


def bench(
    case: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A case or a group of cases; repeatable.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures to this file, too.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of each side; without it, what a second or so allows.")] = None,
    list: Annotated[bool, typer.Option("--list", help="Name the cases and stop.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for both sides.")] = 2,
) -> None:
    """Time slidesum beside what one would write otherwise, by turns in one process."""
    from slidesum.bench.machine import use_threads

    use_threads(threads)  # before NumPy is imported
    from slidesum.bench.cases.catalogue import chosen
    from slidesum.bench.run import run
    from slidesum.bench.table import ResultsText, list_text

    cases = chosen(case or ())
    if list:
        show_thing(list_text(cases))
        return
    results = run(cases, runs=runs, threads=threads)
    show_thing(ResultsText(results))
    if json:
        results.save(json)
        tell(f"saved {json}")
    for name, why in results.refused.items():
        tell(f"{name}: {why}", "bold red")
    if results.stopped:
        tell("stopped before everything was measured", "yellow")
        raise Stopped
    if results.refused:
        raise typer.Exit(1)
