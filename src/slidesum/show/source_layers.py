"""What each layer that is no equation becomes in torch: a module of torch.nn where there is one, an expression otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from slidesum.core import ops
from slidesum.core.network import Node
from slidesum.errors import NetworkError
from slidesum.laws.parameters import parameters
from slidesum.show.code import number, sequence


@dataclass(frozen=True, slots=True)
class Written:
    """One layer: how it is called ({self} its module, {0} and {1} what it reads, {all} all of it), and how its module is made.

    `arrays` are the entries of the state by their names below the module: the layer's array, and what is done to it.
    """

    call: str
    made: str = ""
    arrays: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    buffer: str = ""


MODULES: Mapping[ops.Function, str] = {
    "relu": "nn.ReLU()",
    "relu6": "nn.ReLU6()",
    "leaky_relu": "nn.LeakyReLU({0})",
    "elu": "nn.ELU({0})",
    "selu": "nn.SELU()",
    "celu": "nn.CELU({0})",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "silu": "nn.SiLU()",
    "hard_swish": "nn.Hardswish()",
    "mish": "nn.Mish()",
    "gelu": "nn.GELU()",
    "gelu_tanh": 'nn.GELU("tanh")',
    "softplus": "nn.Softplus({0})",
    "softsign": "nn.Softsign()",
}
EXPRESSIONS: Mapping[ops.Function, str] = {
    "identity": "{x}",
    "affine": "{x} * {0} + {1}",
    "clip": "torch.clip({x}, {0}, {1})",
    "hard_sigmoid": "torch.clip({x} * {0} + {1}, 0, 1)",
    "scaled_tanh": "1.7159 * torch.tanh({x} * 2 / 3)",
    "exp": "torch.exp({x})",
    "log": "torch.log({x})",
    "sqrt": "torch.sqrt({x})",
    "power": "{x} ** {0}",
    "reciprocal": "1 / {x}",
    "abs": "torch.abs({x})",
    "negative": "-{x}",
    "sign": "torch.sign({x})",
    "floor": "torch.floor({x})",
    "ceil": "torch.ceil({x})",
    "round": "torch.round({x})",
    "erf": "torch.erf({x})",
    "sin": "torch.sin({x})",
    "cos": "torch.cos({x})",
}
COMBINED = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "maximum": "torch.maximum({0}, {1})",
    "minimum": "torch.minimum({0}, {1})",
}
MODES: Mapping[str, Literal["reflect", "edge", "wrap"]] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def layer_written(node: Node) -> Written:
    """What a layer becomes. Raises NetworkError for one that can't be run."""
    match node.op:
        case ops.Activation(function, options):
            return _activation(function, options or tuple(default for _, default in ops.OPTIONS.get(function, ())))
        case ops.Elementwise(function):
            return Written(COMBINED[function])
        case ops.Add():
            return Written(" + ".join(f"{{{k}}}" for k in range(len(node.inputs))))
        case ops.Stored(shape, trainable):
            empty = f"torch.zeros({sequence(shape) if len(shape) != 1 else shape[0]})"
            arrays = {"": ("value", "")}
            return Written("{self}", f"nn.Parameter({empty})", arrays) if trainable else Written("{self}", "", arrays, empty)
        case ops.BatchNorm() | ops.LayerNorm() | ops.GroupNorm() | ops.LocalResponseNorm():
            return _normalised(node)
        case ops.Softmax(axis):
            return Written(f"torch.softmax({{0}}, {axis})")
        case ops.Concat(axis):
            return Written(f"torch.cat(({{all}}{',' if len(node.inputs) == 1 else ''}), {axis})")
        case ops.Slice(axis, start, stop, step):
            cells = f"{start or ''}:{stop}" + (f":{step}" if step > 1 else "")
            return Written(f"{{0}}[{_at(axis, len(node.shape), cells)}]")
        case ops.Take(axis, cells):
            return Written(f"{{0}}[{_at(axis, len(node.shape), str(list(cells)))}]")
        case ops.Pad():
            return _padded(node)
        case ops.Reshape(shape):
            return Written(f"{{0}}.reshape({', '.join(map(str, shape))})")
        case ops.Distance(centres):
            rows = ", ".join(sequence(map(_short, row)) for row in centres)
            return Written("(({0}[:, None] - {self}) ** 2).sum(-1)", "", {}, f"torch.tensor([{rows}], dtype=torch.float32)")
        case _:
            raise NetworkError(
                f"{node.name!r} can't be written as source: it is opaque",
                usual="Of such a layer only its name, its shape and its arrays are known.",
                advice="Replace it in the model that was read.",
            )


def _short(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else number(value)


def _activation(function: ops.Function, options: Sequence[float]) -> Written:
    told = [number(float(value)) for value in options]
    if function in MODULES:
        made = MODULES[function]
        for k, value in enumerate(told):
            made = made.replace(f"{{{k}}}", value)
        return Written("{self}({0})", made)
    call = EXPRESSIONS[function]
    for k, value in enumerate(told):
        call = call.replace(f"{{{k}}}", value if not value.startswith("-") else f"({value})")
    return Written(call.replace("{x}", "{0}"))


def _at(axis: int, rank: int, cells: str) -> str:
    return ", ".join([":"] * (axis % rank) + [cells])


# Normalisations


def _normalised(node: Node) -> Written:
    rank = len(node.shape)
    kept = [p.name for p in parameters(node)]
    torch_names = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
    arrays = {torch_names[name]: (name, "") for name in kept}
    match node.op:
        case ops.BatchNorm(axis, epsilon, affine):
            there, back = _moved(axis, rank)
            kind = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}.get(rank)
            if kind is None:
                raise NetworkError(f"{node.name!r} can't be written as source: torch has no batch norm of {rank} axes")
            options = _options(eps=(epsilon, 1e-5), affine=(affine, True))
            return Written(f"{{self}}({{0}}{there}){back}", f"nn.BatchNorm{kind}({node.shape[axis]}{options})", arrays)
        case ops.GroupNorm(groups, epsilon, affine):
            options = _options(eps=(epsilon, 1e-5), affine=(affine, True))
            return Written("{self}({0})", f"nn.GroupNorm({groups}, {node.shape[1]}{options})", arrays)
        case ops.LocalResponseNorm(size, alpha, beta, k, axis):
            there, back = _moved(axis, rank)
            # torch divides alpha by the number of maps in the window
            made = f"nn.LocalResponseNorm({size}, alpha={number(alpha * size)}, beta={number(beta)}, k={number(k)})"
            more, less = ("[..., None]", "[..., 0]") if rank == 2 else ("", "")  # torch wants places beside the maps
            return Written(f"{{self}}({{0}}{there}{more}){less}{back}", made)
        case ops.LayerNorm() as op:
            return _layer_norm(node, op, arrays)
        case _:
            raise AssertionError("no normalisation")


def _layer_norm(node: Node, op: ops.LayerNorm, arrays: Mapping[str, tuple[str, str]]) -> Written:
    rank = len(node.shape)
    axes = [axis % rank for axis in op.axes]
    shape = [node.shape[axis] for axis in axes]
    told = str(shape[0]) if len(shape) == 1 else sequence(shape)
    ends = list(range(-len(axes), 0))
    last = [axis - rank for axis in axes] == ends
    call = (
        "{self}({0})"
        if last
        else f"{{self}}({{0}}.movedim({_places(axes)}, {_places(ends)})).movedim({_places(ends)}, {_places(axes)})"
    )
    if op.centred and (op.scale or not op.shift):
        options = _options(eps=(op.epsilon, 1e-5), elementwise_affine=(op.scale, True), bias=(op.shift or not op.scale, True))
        return Written(call, f"nn.LayerNorm({told}{options})", arrays)
    if not op.centred and not op.shift:
        options = _options(eps=(op.epsilon, None), elementwise_affine=(op.scale, True))
        return Written(call, f"nn.RMSNorm({told}{options})", arrays)
    along = sequence(axes)
    centred = f"({{0}} - {{0}}.mean({along}, keepdim=True))" if op.centred else "{0}"
    energy = f"{{0}}.var({along}, correction=0, keepdim=True)" if op.centred else f"({{0}} ** 2).mean({along}, keepdim=True)"
    call = f"{centred} / torch.sqrt({energy} + {number(op.epsilon)})"
    view = sequence(node.shape[k] if k in axes else 1 for k in range(rank))
    order = sorted(range(len(axes)), key=axes.__getitem__)
    how = (f".transpose({', '.join(map(str, order))})" if order != sorted(order) else "") + f".reshape{view}"
    names = [name for name, there in (("scale", op.scale), ("shift", op.shift)) if there]
    made = "nn.ParameterDict({" + ", ".join(f'"{name}": nn.Parameter(torch.zeros({view}))' for name in names) + "})"
    call = f"({call})" if op.scale else call
    call += ' * {self}["scale"]' if op.scale else ""
    call += ' + {self}["shift"]' if op.shift else ""
    return Written(call, made if names else "", {name: (name, how) for name in names})


def _places(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else sequence(axes)


def _moved(axis: int, rank: int) -> tuple[str, str]:
    """What brings the maps to axis 1, where torch wants them, and back."""
    if axis % rank == 1:
        return "", ""
    return f".movedim({axis}, 1)", f".movedim(1, {axis})"


def _options(**given: tuple[Any, Any]) -> str:
    """Arguments that aren't what torch takes when nothing is said."""
    told = {
        name: number(value) if isinstance(value, float) else repr(value)
        for name, (value, default) in given.items()
        if value != default
    }
    return "".join(f", {name}={value}" for name, value in told.items())


# Padding


def _padded(node: Node) -> Written:
    op = node.op
    assert isinstance(op, ops.Pad)
    cells = [(int(low), int(high)) for low, high in op.cells]
    mode = MODES.get(op.border) if isinstance(op.border, str) else None
    if mode is None:
        first = next((k for k, pair in enumerate(cells) if pair != (0, 0)), len(cells) - 1)
        flat = [n for pair in reversed(cells[first:]) for n in pair]
        value = "" if isinstance(op.border, str) else f", value={number(op.border)}"
        return Written(f"F.pad({{0}}, {sequence(flat)}{value})")
    call = "{0}"
    for axis, ((low, high), after) in enumerate(zip(cells, node.shape, strict=True)):
        if (low, high) != (0, 0):
            read: Any = np.pad(np.arange(int(after) - low - high), (max(0, low), max(0, high)), mode)
            call += f"[{_at(axis, len(cells), str(read[max(0, -low) : len(read) - max(0, -high)].tolist()))}]"
    return Written(call)
