"""What every engine is asked: a network with its arrays, its inputs, and how many threads; in a folder that all processes read.

network.json, network.safetensors    the network, as it is saved everywhere
inputs.npz                           one array an input, float32, of a normal distribution with seed 1
module.pt                            the arrays of a torch model of one's own, if the network was read from one
question.json                        the rest
ENGINE.npz, ENGINE.txt               what an engine answered, and what it said
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.api.network import Network
from slidesum.core.ops import Layer
from slidesum.run.rebatched import rebatched

if TYPE_CHECKING:
    from slidesum.core.network import Graph

Array = Any


@dataclass(frozen=True, slots=True)
class Question:
    """The folder, the threads that are allowed, and where the network came from: "package.module:factory", an ONNX file."""

    folder: Path
    threads: int
    factory: str = ""
    onnx: str = ""

    @classmethod
    def of(cls, folder: Path) -> Question:
        """What `ask` put there."""
        return cls(folder, **json.loads((folder / "question.json").read_text()))

    def network(self) -> Network:
        """The network with its arrays."""
        from slidesum.read.saved import load

        return Network.of(*load(self.network_file))

    @property
    def network_file(self) -> Path:
        """Where it lies."""
        return self.folder / "network.json"

    def inputs(self) -> list[Array]:
        """One array an input."""
        with np.load(self.folder / "inputs.npz") as held:
            return [held[name] for name in held.files]

    def results(self, engine: str) -> list[Array]:
        """What an engine answered: one array an output."""
        with np.load(self.folder / f"{engine}.npz") as held:
            return [held[name] for name in held.files]

    def module(self) -> Any:
        """The torch model of one's own, with the arrays that the network was read with."""
        import torch

        from slidesum.api.foreign import made

        module = made(self.factory)
        module.load_state_dict(torch.load(self.folder / "module.pt", weights_only=True))
        return module.eval()


def ask(net: Network, folder: Path, *, batch: int | None, threads: int, model: str = "", module: Any = None) -> Graph:
    """Put a question into a folder; gives the graph with that batch. `model` says where the network came from.

    A network that was never trained gets arrays that keep what flows through it at one size: otherwise it would fade away, and an
    error could not be told from it.

    Raises SizeError while sizes are symbols, UsageError for a batch that it can't be built with.
    """
    from slidesum.read.saved import save

    trained = net.has_values
    graph = rebatched(net.graph, batch)
    values = dict(net.values)
    if not trained:
        values |= dict(_lively(graph, values))
    save(folder / "network.json", graph, values)
    random = np.random.default_rng(1)
    inputs = [random.standard_normal([int(n) for n in node.shape]).astype("float32") for node in graph.inputs]
    np.savez(folder / "inputs.npz", *inputs)
    if module is not None:
        import torch

        torch.save(module.state_dict(), folder / "module.pt")
    factory = "" if module is None else model
    onnx = str(Path(model).resolve()) if model.endswith(".onnx") else ""
    (folder / "question.json").write_text(json.dumps({"threads": threads, "factory": factory, "onnx": onnx}))
    return graph


def own_module(model: str) -> Any:
    """The torch model that "package.module:factory" makes; None where that is something else."""
    from slidesum.api.foreign import made, names_factory

    if not names_factory(model):
        return None
    module = made(model)
    torch = sys.modules.get("torch")
    return module if torch is not None and isinstance(module, torch.nn.Module) else None


def _lively(graph: Graph, values: dict[str, Array]) -> Iterator[tuple[str, Array]]:
    """Filters of a normal distribution whose variance is 2 over the terms of a sum (He et al. 2015)."""
    random = np.random.default_rng(0)
    for node in graph:
        if not isinstance(node.op, Layer) or node.sized is None or node.shares:
            continue
        for operand in node.sized.filters:
            array = values[f"{node.name}.{operand.name}"]
            if array.ndim > 1:
                scale = (2 * array.shape[0] / array.size) ** 0.5
                yield f"{node.name}.{operand.name}", (scale * random.standard_normal(array.shape)).astype("float32")


def listed(result: Any) -> Sequence[Array]:
    """The outputs of a call in order, whatever the library hands them out in."""
    match result:
        case dict():
            found = list(result.values())
        case list() | tuple():
            found = list(result)
        case _:
            found = [result]
    return [np.asarray(one) for one in found]
