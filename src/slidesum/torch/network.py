"""A network as a trainable `nn.Module`: one submodule a layer that keeps arrays or behaves differently in training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from slidesum.core.network import BatchNorm, Dropout, Graph, Layer, Node
from slidesum.laws.parameters import parameters
from slidesum.run.execute import torch_backend
from slidesum.run.network import Values, check_values, fitted, plain_result, refuse_symbols, walk
from slidesum.torch.conv import Conv, Pool


class NetworkModule(nn.Module):
    """The network `graph` with the arrays `values` as its parameters.

    The arrays keep their names: `module.layers["conv1"].w` is "conv1.w" of the network, so `values()` gives them back.
    """

    def __init__(self, graph: Graph, values: Values) -> None:
        super().__init__()
        refuse_symbols(graph)
        check_values(graph, values)
        self.graph = graph
        self.layers = nn.ModuleDict({node.name: made for node in graph if (made := _module(node)) is not None})
        self.load_values(values)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The output of the last layer."""
        return self.activations(*inputs)[self.graph.output.name]

    def activations(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every activation by the name of its layer."""
        given = {node.name: fitted(node, x) for node, x in zip(self.graph.inputs, inputs, strict=True)}
        return walk(self.graph, given, self._result)

    def _result(self, node: Node, before: list[torch.Tensor]) -> torch.Tensor:
        if node.name not in self.layers:
            return plain_result(torch_backend(), node, before)  # type: ignore[no-any-return]
        return self.layers[node.name](before[0])  # type: ignore[no-any-return]

    def values(self) -> dict[str, Any]:
        """The arrays as NumPy arrays by "layer.array"."""
        return {
            f"{node.name}.{name}": array.detach().cpu().numpy().copy()
            for node in self.graph
            for name, array in self._arrays(node).items()
        }

    def load_values(self, values: Values) -> None:
        """Take these arrays over; names and shapes must fit."""
        check_values(self.graph, values)
        with torch.no_grad():
            for node in self.graph:
                for name, array in self._arrays(node).items():
                    array.copy_(torch.as_tensor(values[f"{node.name}.{name}"]))

    def _arrays(self, node: Node) -> dict[str, torch.Tensor]:
        if node.name not in self.layers:
            return {}
        module = self.layers[node.name]
        return {
            p.name: getattr(module, _TORCH_NAMES.get(p.name, p.name) if isinstance(node.op, BatchNorm) else p.name)
            for p in parameters(node)
        }


_TORCH_NAMES = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


class _MapNorm(nn.Module):
    """Batch normalisation over an axis, whatever the rank; torch's own kernel on an axis moved to its place."""

    def __init__(self, maps: int, axis: int, epsilon: float) -> None:
        super().__init__()
        self.axis, self.epsilon, self.momentum = axis, epsilon, 0.1
        self.weight = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", torch.zeros(maps))
        self.register_buffer("running_var", torch.ones(maps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised by the batch in training, by the running statistics otherwise."""
        y = nn.functional.batch_norm(
            x.movedim(self.axis, 1),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.epsilon,
        )
        return y.movedim(1, self.axis)


def _module(node: Node) -> nn.Module | None:
    match node.op:
        case Layer() as op if not parameters(node):
            sizes: dict[str, Any] = dict(op.sizes)
            return Pool(op.equation, padding=op.padding, border=op.border, **sizes)
        case Layer() as op:
            sized = node.sized
            assert sized is not None
            told: dict[str, Any] = {n: sized.extents[n] for n in sized.equation.indices if _needed(node, n)}
            told.update(op.sizes)
            return Conv(sized.equation, padding=op.padding, border=op.border, extent=op.extent, connections=op.connections, **told)
        case BatchNorm(axis, epsilon):
            return _MapNorm(int(node.shape[axis]), axis, epsilon)
        case Dropout(rate):
            return nn.Dropout(rate)
        case _:
            return None


def _needed(node: Node, name: str) -> bool:
    """Sizes that the module must be told: all but those of the input that may change from call to call."""
    assert node.sized is not None
    equation = node.sized.equation
    return name not in equation.result.indices or any(name in operand.indices for operand in equation.operands[1:])
