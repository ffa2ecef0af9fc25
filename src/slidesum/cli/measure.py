"""slidesum beside what one would write otherwise, and a whole network beside other engines."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from slidesum.cli.options import Inputs, Sizes, Strict, network, refuse_open_sizes
from slidesum.cli.words import Stopped, misspelt, show_thing, tell


def bench(
    model: Annotated[
        str | None, typer.Argument(help="A network to be timed by every engine that is installed; without it, the cases.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A case or a group of cases; repeatable.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures to this file, too.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of each side; without it, what a second or so allows.")] = None,
    list: Annotated[bool, typer.Option("--list", help="Name the cases and stop.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for both sides.")] = 2,
    engines: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Of a network: slidesum,torch …  [default: all that are installed]")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Of a network: samples.  [default: as it is declared]")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Of a network: turns of each engine.  [default: 7]")] = None,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """Time slidesum beside what one would write otherwise, by turns; or a network, by every engine that is installed."""
    from slidesum.bench.machine import use_threads

    use_threads(threads)  # before NumPy is imported
    if model is not None:
        if case or runs or list:
            raise misspelt("--case, --runs and --list are of the cases, and a network was named", "Take them away, or the network.")
        _network(model, (sizes, input, strict), engines, batch, rounds or 7, threads, json)
        return
    if engines or batch or rounds or sizes or input or strict:
        raise misspelt(
            "--engines, --batch, --rounds, --set, --input and --strict are of a network, and none was named",
            "Name one: slidesum bench googlenet.",
        )
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


def _network(
    model: str, how: tuple[Any, Any, bool], engines: str | None, batch: int | None, rounds: int, threads: int, json: Path | None
) -> None:
    from slidesum.bench.engines.measure import compared
    from slidesum.bench.engines.peers import named
    from slidesum.bench.engines.question import Question, ask, own_module
    from slidesum.bench.engines.table import ComparisonText

    names = named(engines)
    module = own_module(model) if how[1] else None
    net = network(model if module is None else module, *how)
    refuse_open_sizes(net)
    with TemporaryDirectory(prefix="slidesum-") as folder:
        graph = ask(net, Path(folder), batch=batch, threads=threads, model=model, module=module)
        found = compared(graph, Question.of(Path(folder)), names, rounds)
    show_thing(ComparisonText(found))
    if json:
        found.save(json)
        tell(f"saved {json}")
    if found.stopped:
        tell("stopped before everything was measured", "yellow")
        raise Stopped
    if found.is_wrong or not any(row.times for row in found.rows):
        raise typer.Exit(1)
