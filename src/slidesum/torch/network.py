"""A network as a trainable `nn.Module`: one submodule a layer that keeps arrays or behaves differently in training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from slidesum.core.network import Graph, Node
from slidesum.core.ops import BatchNorm, Dropout, Layer, LocalResponseNorm, Opaque
from slidesum.laws.parameters import kept_parameters, parameters, sizes_needed
from slidesum.run.layers import computed, responded, response_window
from slidesum.run.met import as_numpy
from slidesum.run.network import Values, checked_values, fitted_inputs, refuse_symbols, walk
from slidesum.torch.conv import Conv, Pool, refuse_other
from slidesum.torch.evaluate import BACKEND


class NetworkModule(nn.Module):
    """The network `graph` with the arrays `values` as its parameters.

    The arrays keep their names: `module.layers["conv1"].w` is "conv1.w" of the network, so `values()` gives them back.
    """

    def __init__(self, graph: Graph, values: Values) -> None:
        super().__init__()
        refuse_symbols(graph)
        self.graph = graph
        self.layers = nn.ModuleDict({_key(node): made for node in graph if not node.shares and (made := _module(node)) is not None})
        self._keys = {node.name: _key(graph[node.owner]) for node in graph}
        self._outputs = tuple(node.name for node in graph.outputs)
        self.load_values(values)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The network's output, a tuple where it has several."""
        found = self.activations(*inputs)
        outputs = tuple(found[name] for name in self._outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def activations(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every activation by the name of its layer."""
        refuse_other(inputs)
        return walk(self.graph, fitted_inputs(self.graph, inputs), self._result)

    def _result(self, node: Node, before: list[torch.Tensor]) -> torch.Tensor:
        key = self._keys[node.name]
        result: torch.Tensor = self.layers[key](*before) if key in self.layers else computed(BACKEND, node, {}, before)
        return result

    def values(self) -> dict[str, Any]:
        """The arrays as NumPy arrays by "layer.array"."""
        return {f"{node.name}.{name}": as_numpy(array).copy() for node in self.graph for name, array in self._arrays(node).items()}

    def load_values(self, values: Values) -> None:
        """Take these arrays over; names and shapes must fit."""
        held = checked_values(self.graph, values)
        with torch.no_grad():
            for node in self.graph:
                for name, array in self._arrays(node).items():
                    array.copy_(torch.as_tensor(held[f"{node.name}.{name}"]))

    def _arrays(self, node: Node) -> dict[str, torch.Tensor]:
        if _key(node) not in self.layers:
            return {}
        module = self.layers[_key(node)]
        return {
            p.name: getattr(module, _TORCH_NAMES.get(p.name, p.name) if isinstance(node.op, BatchNorm) else p.name)
            for p in kept_parameters(node)
        }


_TAKEN = frozenset(dir(nn.ModuleDict()))


def _key(node: Node) -> str:
    """What the layer is called among the modules: its name, unless that is one of `nn.ModuleDict`'s own, such as "values"."""
    return f"{node.name}_" if node.name in _TAKEN else node.name


_TORCH_NAMES = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


class _ResponseNorm(nn.Module):
    """Local response normalisation; its window is an equation."""

    def __init__(self, op: LocalResponseNorm, rank: int) -> None:
        super().__init__()
        self.op = op
        window, padding = response_window(op, rank)
        self.window = Pool(window, "sum", padding=padding, t=op.size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Divided by the energy of neighbouring maps."""
        result: torch.Tensor = responded(self.op, x, self.window(x * x))
        return result


class _Kept(nn.Module):
    """A layer that keeps arrays, computed as everywhere; those that are learned are its parameters, the others its buffers."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        for p in parameters(node):
            array = torch.zeros(tuple(map(int, p.shape)))
            if p.trainable:
                self.register_parameter(p.name, nn.Parameter(array))
            else:
                self.register_buffer(p.name, array)

    def forward(self, *before: torch.Tensor) -> torch.Tensor:
        """The result for what the layer reads."""
        arrays = {p.name: getattr(self, p.name) for p in parameters(self.node)}
        result: torch.Tensor = computed(BACKEND, self.node, arrays, before)
        return result


class _MapNorm(nn.Module):
    """Batch normalisation over an axis, whatever the rank; torch's own kernel on an axis moved to its place."""

    def __init__(self, maps: int, axis: int, epsilon: float, affine: bool) -> None:
        super().__init__()
        self.axis, self.epsilon, self.momentum = axis, epsilon, 0.1
        self.weight = nn.Parameter(torch.ones(maps)) if affine else None
        self.bias = nn.Parameter(torch.zeros(maps)) if affine else None
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
        case Layer() if len(node.inputs) > 1:
            return _Kept(node) if parameters(node) else None
        case Layer() as op if not parameters(node):
            sizes: dict[str, Any] = dict(op.sizes)
            return Pool(op.equation, padding=op.padding, border=op.border, extent=op.extent, **sizes)
        case Layer() as op:
            sized = node.sized
            assert sized is not None
            told: dict[str, Any] = {**sizes_needed(sized), **op.sizes}
            return Conv(sized.equation, padding=op.padding, border=op.border, extent=op.extent, connections=op.connections, **told)
        case BatchNorm(axis, epsilon, affine):
            return _MapNorm(int(node.shape[axis]), axis, epsilon, affine)
        case LocalResponseNorm() as op:
            return _ResponseNorm(op, len(node.shape))
        case Dropout(rate):
            return nn.Dropout(rate)
        case Opaque():
            return None
        case _:
            return _Kept(node) if parameters(node) else None
