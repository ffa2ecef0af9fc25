"""What torch's functions are called as operators, and the names of their arguments in ATen's schema.

x.__iadd__(y)     add, in place     {"self": x, "other": y}
x.view(2, 3)      view              {"self": x, "size": (2, 3)}

>>> operator("__iadd__"), operator("relu_"), operator("concat")
(('add', True), ('relu', True), ('cat', False))
>>> arguments("leaky_relu", None, (1.0, 0.2), {})
{'argument0': 1.0, 'argument1': 0.2}
>>> arguments("leaky_relu", None, (torch.zeros(1), 0.2), {})
{'self': tensor([0.]), 'negative_slope': 0.2}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from inspect import signature
from types import FunctionType
from typing import Any

import torch

DUNDERS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add", "__sub__": "sub", "__isub__": "sub", "__rsub__": "rsub",
    "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul", "__truediv__": "div", "__itruediv__": "div", "__div__": "div",
    "__matmul__": "matmul", "__neg__": "neg", "__pow__": "pow", "__ipow__": "pow", "__abs__": "abs", "__getitem__": "getitem",
    "__setitem__": "setitem", "concat": "cat", "concatenate": "cat", "true_divide": "div", "subtract": "sub", "multiply": "mul",
    "divide": "div", "swapaxes": "transpose", "swapdims": "transpose", "moveaxis": "movedim", "absolute": "abs", "clip": "clamp",
    "negative": "neg",
}  # fmt: skip
"""Other names of operators."""
IN_PLACE = ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__setitem__")
LEAVES = ("local_response_norm", "batch_norm")
"""Functions that are written in Python, and stand for themselves, with the names of their own arguments."""
SPREAD = ("view", "reshape", "permute", "expand", "repeat", "tile", "flip")
"""Methods that take their last argument spread out: x.view(2, 3)."""


@cache
def operator(name: str) -> tuple[str, bool]:
    """The operator that a function of this name is, and whether it overwrites its first argument."""
    op = DUNDERS.get(name, name)
    in_place = name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))
    return op if op.startswith("__") else op.rstrip("_"), in_place


def arguments(op: str, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the operator's schema; "input" is called "self"."""
    if op in ("getitem", "setitem"):
        return dict(zip(("self", "index", "value"), args, strict=False))
    names = (
        _signature(func)
        if op in LEAVES and isinstance(func, FunctionType)
        else _schema(op, tuple([_sort(a) for a in args]), frozenset(kwargs))
    )
    found = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        found |= {f"argument{k}": args[k] for k in range(len(names), len(args))}
    if kwargs:
        found |= {_called(name): value for name, value in kwargs.items()}
    return found


def _called(name: str) -> str:
    return "self" if name == "input" else name


@cache
def _signature(func: Any) -> tuple[str, ...]:
    return tuple(map(_called, signature(func).parameters))


_SORTS = {bool: "bool", int: "int", float: "float", str: "str", type(None): "None"}
_SORTS |= dict.fromkeys((torch.Tensor, torch.nn.Parameter), "Tensor")
"""The usual types; `_sort` asks for classes of them."""

_TAKEN = {
    "bool": ("bool", "number"),
    "int": ("int", "number", "float", "List[int]"),
    "float": ("float", "number"),
    "other": ("int", "Device", "Generator", "Layout"),
    "List[int]": ("List[int]", "List[float]"),
}
"""The types of a schema that take an argument of this sort; any other takes what it is."""


def _sort(argument: Any) -> str:
    return _SORTS.get(type(argument)) or _sort_of_class(argument)


def _sort_of_class(argument: Any) -> str:
    match argument:
        case torch.Tensor():
            return "Tensor"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case [torch.Tensor(), *_] | (torch.Tensor(), *_):
            return "List[Tensor]"
        case list() | tuple():
            return "List[int]"
        case _:
            return "other"


@cache
def _schema(op: str, sorts: tuple[str, ...], keywords: frozenset[str]) -> tuple[str, ...]:
    """The names of the first overload that takes arguments of these sorts."""
    packet = getattr(torch.ops.aten, op, None)
    for overload in packet.overloads() if packet is not None else ():
        schema = getattr(packet, overload)._schema.arguments
        names = tuple(argument.name for argument in schema)
        kinds = [str(argument.type) for argument in schema if not argument.kwarg_only]
        fits = len(sorts) <= len(kinds) and keywords <= {*names, "out"}
        if fits and all(
            (sort == "None" and kind.startswith("Optional"))
            or kind.removeprefix("Optional[").removesuffix("]" if kind.startswith("Optional") else "") in _TAKEN.get(sort, (sort,))
            for sort, kind in zip(sorts, kinds, strict=False)
        ):
            return tuple(map(_called, names))
    return ()
