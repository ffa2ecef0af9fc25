"""A question put to the engines: all are started, compared, and timed by turns.

A round times every engine once, in an order that changes; what is told is the median of the rounds, and their quartiles, which say
how quiet the machine was. The limit is measured before and after, and the better counts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.bench.engines.comparison import AGREES, Comparison, Row
from slidesum.bench.engines.peers import PEERS
from slidesum.bench.engines.processes import Engine
from slidesum.bench.engines.question import Question
from slidesum.bench.machine import machine
from slidesum.bench.peak import Peak
from slidesum.bench.progress import Bar
from slidesum.errors import SlidesumError, UsageError
from slidesum.laws.graph import totals
from slidesum.laws.parameters import kept_parameters

if TYPE_CHECKING:
    from slidesum.core.network import Graph

Array = Any
PACKAGES = ("slidesum", "llvmlite", "numpy", "torch", "onnxruntime", "openvino", "jax")
BYTES = 4
"""Of a number."""


def compared(graph: Graph, question: Question, engines: Sequence[str], rounds: int) -> Comparison:
    """The comparison; Ctrl-C gives what is there by then. No process is left, whatever happens.

    Raises SlidesumError where the network can't be computed at all.
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise UsageError(f"rounds={rounds!r} is no number of rounds", advice="Write 7, say.")
    found = Comparison(
        graph.name,
        next((int(node.shape[0]) for node in graph.inputs if node.shape), 1),
        question.threads,
        rounds,
        datetime.now(UTC).isoformat(timespec="seconds"),
        machine(question.threads, PACKAGES),
        int(totals(graph).macs),
        _bytes(graph),
    )
    with ExitStack() as stack, Bar(len(engines) + rounds + 3) as bar:
        try:
            _walked(found, question, engines, stack, bar)
        except KeyboardInterrupt:
            found.stopped = True
        found.settle()
    return found


def _walked(found: Comparison, question: Question, engines: Sequence[str], stack: ExitStack, bar: Bar) -> None:
    bar.at("the machine")
    found.peak = _limit(question)
    bar.done()
    bar.at("float64")
    expected = _reference(question)
    bar.done()
    running: dict[str, Engine] = {}
    for name in engines:
        bar.at(name)
        row = Row(name)
        found.rows.append(row)
        if PEERS[name].missing:
            row.state, row.why = "not installed", PEERS[name].missing
        else:
            engine = stack.enter_context(Engine(name, question.folder, question.threads))
            told = engine.ready()
            if told["state"] == "ready":
                row.prepared_s = told["seconds"]
                row.error = relative_error(question.results(name), expected)
                row.agrees = row.error <= AGREES
                running[name] = engine
            else:
                row.state, row.why = told["state"], told["why"]
        bar.done()
    _timed(found, running, bar)
    bar.at("the machine")
    again = _limit(question)
    found.peak = Peak(*(max(a, b) for a, b in zip(_pair(found.peak), _pair(again), strict=True)))
    bar.done()


def _timed(found: Comparison, running: Mapping[str, Engine], bar: Bar) -> None:
    """Rounds, after one that warms up. An engine that fails in between is told, and the others go on."""
    rows = {row.engine: row for row in found.rows}
    order, shuffle = list(running), random.Random(0).shuffle
    for number in range(found.rounds + 1):
        bar.at(f"round {number} of {found.rounds}" if number else "warming up")
        for name in order:
            row = rows[name]
            if row.state != "timed":
                continue
            told = running[name].turn()
            if told["state"] != "timed":
                row.state, row.why, row.seconds = "failed", told["why"], []
            elif number:
                row.seconds.append(told["seconds"])
        shuffle(order)
        if number:
            bar.done()


def answered(question: Question, name: str) -> list[Array]:
    """The results of a process that is asked once. Raises SlidesumError where it gives none."""
    with Engine(name, question.folder, question.threads) as engine:
        told = engine.ready()
    if told["state"] != "ready":
        raise SlidesumError(f"{name} couldn't be computed: {told['why']}")
    return question.results(name)


def _reference(question: Question) -> list[Array]:
    return answered(question, "float64")


def _limit(question: Question) -> Peak:
    macs, size = answered(question, "limit")[0]
    return Peak(float(macs), float(size))


def _pair(peak: Peak) -> tuple[float, float]:
    return peak.macs_per_second, peak.bytes_per_second


def relative_error(results: Sequence[Array], expected: Sequence[Array]) -> float:
    """The largest relative L2 error of an output; infinite where shapes differ or something isn't a number.

    >>> relative_error([np.array([3.0, 4.5])], [np.array([3.0, 4.0])])
    0.1
    """
    if len(results) != len(expected) or any(a.shape != b.shape for a, b in zip(results, expected, strict=True)):
        return float("inf")
    worst = 0.0
    for a, b in zip(results, expected, strict=True):
        error = float(np.linalg.norm(a - b) / (np.linalg.norm(b) + 1e-300)) if b.size else 0.0
        worst = max(worst, error if error == error else float("inf"))
    return worst


def _bytes(graph: Graph) -> int:
    """Arrays that are kept, inputs and results: maps in between may stay in the caches."""
    shapes = [p.shape for node in graph for p in kept_parameters(node)]
    shapes += [node.shape for node in (*graph.inputs, *graph.outputs)]
    return BYTES * sum(int(np.prod([int(n) for n in shape], dtype=np.int64)) for shape in shapes)
