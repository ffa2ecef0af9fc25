"""Networks of the literature by slidesum's engine and by everybody else's, one after the other: `slidesum bench`, six times twice.

    python bench/engine.py                                    # six networks, batch 1 and 16, 2 threads
    python bench/engine.py --zoo --batch 1                    # all others of the zoo
    python bench/engine.py --net vgg16 --batch 1 --rounds 9 --json bench/engine.json

Each is measured as `slidesum bench MODEL` does (src/slidesum/bench/engines); by slidesum without AVX-512, too.
Peers that aren't installed are left out: `pip install 'slidesum[engines]'`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slidesum.bench.machine import use_threads
from slidesum.zoo.catalogue import ZOO

NETS = ("vgg16", "googlenet", "alexnet", "resnet50", "mobilenet", "r3d18")
TYPE = {"k1": 16, "k2": 16, "n": 32, "m": 32}
OPTIONS: dict[str, dict[str, Any]] = {"mobilenet": {"width": 1, "side": 224}, "type-1": TYPE, "type-2.1": TYPE, "type-2.2": TYPE}
"""Sizes for those that have symbols."""


@contextmanager
def asked(name: str, batch: int, threads: int) -> Iterator[tuple[Any, Any]]:
    """The graph and the question, in a folder for as long as it is needed."""
    import slidesum as ss
    from slidesum.bench.engines.question import Question, ask

    with TemporaryDirectory(prefix="slidesum-") as folder:
        graph = ask(ss.load(name, **OPTIONS.get(name, {})), Path(folder), batch=batch, threads=threads)
        yield graph, Question.of(Path(folder))


def main() -> None:
    """The tables, and all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", action="append", choices=ZOO)
    parser.add_argument("--zoo", action="store_true", help="all but the six")
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--engines", help="slidesum,torch …")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    use_threads(options.threads)  # before NumPy is imported
    from rich.console import Console

    from slidesum.bench.engines.measure import compared
    from slidesum.bench.engines.peers import PEERS, named
    from slidesum.bench.engines.table import ComparisonText

    engines = named(options.engines or ",".join(PEERS))
    found = []
    for name in options.net or ([name for name in ZOO if name not in NETS] if options.zoo else NETS):
        for batch in options.batch or (1, 16):
            with asked(name, batch, options.threads) as (graph, question):
                found.append(compared(graph, question, engines, options.rounds))
            Console(width=100).print(ComparisonText(found[-1]))
            if options.json:
                options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
            if found[-1].stopped:
                raise SystemExit(130)


if __name__ == "__main__":
    main()
