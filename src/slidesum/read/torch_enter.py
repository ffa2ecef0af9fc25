"""Functions of torch that are written in Python, such as `F.relu`, entered while a module is recorded.

Such a function first asks whether somebody overrides it, and the recording does. A copy of it that is told no computes on, so that
the operators below it are recorded instead.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from slidesum.read.torch_schema import LEAVES

Operation = tuple[Callable[..., Any], tuple[Any, ...]]

QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
NOT_ENTERED = ("torch._tensor_str", "torch.nn.init", "torch.serialization")


def entered(func: Any) -> Callable[..., Any] | None:
    """The function without its question for overrides, or None where it isn't written in Python or stands for itself."""
    return _without_question(func) if isinstance(func, types.FunctionType) else None


@cache
def _without_question(func: types.FunctionType) -> Callable[..., Any] | None:
    if func.__name__ in LEAVES or func.__name__ in ("__repr__", "__format__"):
        return None
    if "__class__" in func.__code__.co_freevars:  # asks its own super(), which would come back here
        return None
    home = func.__globals__.get("__name__", "")
    if not home.startswith("torch.") or home in NOT_ENTERED:
        return None
    cells = tuple(types.CellType(entered(cell.cell_contents) or cell.cell_contents) for cell in func.__closure__ or ())
    copy = types.FunctionType(func.__code__, _globals(home), func.__name__, func.__defaults__, cells)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


@cache
def _globals(name: str) -> dict[str, Any]:
    """The names that a module's functions see, with the question for overrides answered by no."""
    return {**vars(sys.modules[name]), **dict.fromkeys(QUESTIONS, _no)}


def _no(*_: Any) -> bool:
    return False


def below(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation | None:
    """The operator that such a function comes to, and its arguments, where nobody need enter it to know: networks repeat it."""
    known = _BELOW.get(func) if isinstance(func, types.FunctionType) else None
    return known(*args, **kwargs) if known is not None else None


def _relu(input: torch.Tensor, inplace: bool = False) -> Operation:
    return (torch.relu_ if inplace else torch.relu), (input,)


_BELOW: dict[Callable[..., Any], Callable[..., Operation]] = {functional.relu: _relu}
