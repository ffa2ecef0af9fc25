"""A compiled network: `fast(x)`. It runs the engine's program where there is one, and the layers' plans where there is none.

Everything is computed in float32, whatever comes in. A batch is fixed when it is compiled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.engine.host import host
from slidesum.engine.mapped import is_mapped
from slidesum.errors import ArrayError, SizeError, UsageError
from slidesum.run.met import as_numpy, library
from slidesum.run.native import NO_ENGINE
from slidesum.run.network import checked_values, fitted_inputs, prepared, refuse_symbols, walk

if TYPE_CHECKING:
    from slidesum.engine.whole.network import NativeNetwork, Row
    from slidesum.engine.whole.widths import Width

Array = Any
Again = tuple[Callable[..., "Compiled"], tuple[Any, ...]]
FLOAT = np.empty(0, np.float32)
"""An array like those that are computed with."""
TUNED = 60.0
"""Seconds for which a network is tuned, if nothing else is said."""
WHY_NOT = f"{NO_ENGINE}; every layer is computed by its plan"


class Compiled:
    """A network as one program, for one batch. Call it with an array an input; it prints itself as a table.

    NumPy arrays and torch tensors on the CPU are read where they are, if they are float32 and lie in order. The result is a tensor
    where the first input is one, and NumPy's otherwise. Several threads may call it; they take turns.
    """

    def __init__(
        self,
        graph: Graph,
        values: Mapping[str, Array],
        *,
        threads: int | None = None,
        exact: bool = False,
        tune: bool | float = False,
        weights: str = "float32",
        again: Again | None = None,
    ) -> None:
        """`again` makes it anew where it is unpickled; with it, `values` is emptied: what kernels have isn't kept too."""
        refuse_symbols(graph)
        self.graph, self.exact, self.tune, self.again = graph, known_exact(exact), known_tune(tune), again
        self.weights = known_weights(weights)
        self.threads = known_threads(threads)
        held = {name: np.asarray(array, np.float32) for name, array in checked_values(graph, values).items()}
        self.values = held if again is None else _taken(held, values)
        self.prepared: dict[str, Callable[[Sequence[Array]], Array]] = {}
        self.native = self._native(dict(held) if again is None else held)
        for name, array in held.items():
            if is_mapped(array):  # what plans need stays here for long, and its file needn't
                held[name] = array.copy()

    def _native(self, values: dict[str, Array]) -> NativeNetwork | None:
        here = host()
        if here is None:
            return None
        from slidesum.engine.whole.network import NativeNetwork

        return NativeNetwork(self.graph, values, here, self.threads, self.exact, self._by_plan, self.tune, self.weights)

    def _by_plan(self, node: Node, before: Sequence[Array]) -> Array:
        """The result of one layer, where there is no kernel for it."""
        if node.name not in self.prepared:
            self.prepared[node.name] = prepared(node, self.values, FLOAT)
        return self.prepared[node.name](before)

    @property
    def is_native(self) -> bool:
        """Whether it runs kernels of the engine."""
        return self.native is not None

    @property
    def peak_bytes(self) -> int:
        """What is held between layers, beside weights and results; 0 where nothing is held in one place."""
        return self.native.arena_bytes if self.native else 0

    @property
    def weight_errors(self) -> Mapping[str, float]:
        """By layers whose weights are stored in half the bytes: what rounding changed, as a part of them, norm over norm."""
        return self.native.weight_errors if self.native else {}

    def __call__(self, *inputs: Array) -> Any:
        """The result, or the results by the names of their layers where the network has several outputs."""
        kind = library(inputs[0]) if inputs else "numpy"
        given = self._given(inputs)
        outputs = [node.name for node in self.graph.outputs]
        if self.native is not None:
            results = self.native.run(given)
        else:
            arrays = dict(zip((node.name for node in self.graph.inputs), given, strict=True))
            found = walk(self.graph, arrays, self._by_plan)
            results = [found[name] for name in outputs]
        if kind == "torch":
            import torch

            results = [torch.from_numpy(result) for result in results]
        return results[0] if len(results) == 1 else dict(zip(outputs, results, strict=True))

    def _given(self, inputs: Sequence[Array]) -> list[Array]:
        """The inputs as float32, in order, of the shapes that the program is for."""
        given = fitted_inputs(self.graph, [_on_the_processor(x) for x in inputs])
        return [self._as_float(node, given[node.name]) for node in self.graph.inputs]

    def _as_float(self, node: Node, array: Array) -> Array:
        if np.iscomplexobj(array):
            raise ArrayError("a compiled network computes in float32, and this array is complex", advice="Use net.run.")
        if array.shape[0] != node.shape[0]:
            raise SizeError(
                f"the input has a batch of {array.shape[0]}, and this program was compiled for {node.shape[0]}",
                advice=f"Compile it for that: net.compile(batch={array.shape[0]}).",
            )
        return np.require(array, np.float32, ["C", "A"])

    def rows(self, *inputs: Array) -> Iterator[Row]:
        """One mapping a kernel: layer, kernel, tile, macs asked and done, bytes, expected ms; then tuned ms and measured ms.

        Tuned is what a layer took all threads when ways were compared, if the network was tuned; measured, for inputs, is each
        kernel by itself in one thread.
        """
        if self.native is None:
            return iter(())
        seconds = self.native.timed(self._given(inputs)) if inputs else None
        return self.native.rows(seconds)

    def table(self, *inputs: Array) -> str:
        """The rows as text, and the totals."""
        title = f"{self.graph.name}, {self.threads} threads, float32"
        if self.native is None:
            return f"{title}\n{WHY_NOT}"
        if self.native.tuner is not None:
            title += f", tuned: {self.native.tuner.known} of {self.native.tuner.all} kinds of layers are measured"
        rows = list(self.rows(*inputs))
        total: Row = {"layer": "in all", "kernel": "", "tile": ""}
        for head in rows[0]:
            if head not in total:
                total[head] = sum(value for row in rows if not isinstance(value := row[head], str))
        title += f", weights of {len(self.weight_errors)} layers in {self.weights}" if self.weights != "float32" else ""
        lines = [{head: _shown(value) for head, value in row.items()} for row in (*rows, total)]
        heads = list(rows[0])
        width = {head: max(len(head), *(len(line[head]) for line in lines)) for head in heads}
        text = ["  ".join(_set(head, line[head], width[head]) for head in heads) for line in ({h: h for h in heads}, *lines)]
        return "\n".join([title, *(line.rstrip() for line in text), f"arena {self.peak_bytes:,} bytes"])

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<compiled {self.graph.name}: {'native' if self.is_native else 'by plans'}, {self.threads} threads>"

    def __reduce__(self) -> tuple[Any, ...]:
        return self.again or (_again, (self.graph, self.values, self.threads, self.exact, self.tune is not None, self.weights))


def _taken(held: dict[str, Array], values: Mapping[str, Array]) -> dict[str, Array]:
    """What is held now; who gave it has it no more, so that it can be freed."""
    if isinstance(values, dict):
        values.clear()
    return held


def _again(graph: Graph, values: Mapping[str, Array], threads: int, exact: bool, tuned: bool, weights: str) -> Compiled:
    """Compiled anew, where it was unpickled: code belongs to one processor. What was tuned takes what is known there by now."""
    return Compiled(graph, values, threads=threads, exact=exact, tune=0.0 if tuned else False, weights=weights)


def known_threads(threads: Any) -> int:
    """How many threads; without a number, one a processor that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise UsageError(f"threads= is a number from 1 to 1024, not {threads!r}", advice="Write threads=2, say.")
    return threads


def known_exact(exact: Any) -> bool:
    """The option as it is, if it is one."""
    if not isinstance(exact, bool):
        raise UsageError(f"exact= is True or False, not {exact!r}", advice="Write exact=True to forbid Winograd's transforms.")
    return exact


def known_tune(tune: Any) -> float | None:
    """For how many seconds it is tuned at most; None where it isn't."""
    if isinstance(tune, bool):
        return TUNED if tune else None
    if not isinstance(tune, int | float) or not 0 <= tune < float("inf"):
        raise UsageError(f"tune= is True, False or a number of seconds, not {tune!r}", advice="Write tune=True.")
    return float(tune)


def known_weights(weights: Any) -> Width:
    """The option as it is, if it is one."""
    if weights not in ("float32", "float16", "bfloat16"):
        raise UsageError(
            f"weights= is 'float32', 'float16' or 'bfloat16', not {weights!r}",
            usual="It is how weights are stored that a layer waits for; they are computed with in float32.",
            advice='Write weights="float16" to halve the time of fully connected layers.',
        )
    return cast("Width", weights)


def _on_the_processor(x: Array) -> Array:
    if library(x) == "torch" and x.device.type != "cpu":
        raise ArrayError(f"a compiled network runs on the processor, and this tensor is on {x.device}", advice="Move it: x.cpu().")
    return as_numpy(x)


def _shown(value: str | int | float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _set(head: str, text: str, width: int) -> str:
    return f"{text:<{width}}" if head in ("layer", "kernel", "tile") else f"{text:>{width}}"
