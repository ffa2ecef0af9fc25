"""What depends on no input and no parameter is computed at once: masks, index tables, positions.

A recorded run has done so already; an exported program spells it out, with arrays that are made and then overwritten in part. The
arrays here are NumPy's, and views of each other where torch's are, so overwriting a view does what it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slidesum.read.torch_build import OF_OTHERS, Build, Unknown, spend
from slidesum.read.torch_program import Array, Call, Times, Value

Numbers = Any
Rule = Callable[[Call, Callable[[str], Any]], Numbers]
"""From a call, and a way to ask for its arguments as numbers, to the numbers of its result."""

MAKERS = ("zeros", "ones", "full", "new_zeros", "new_ones", "new_full", "arange", "scalar_tensor", "empty", "new_empty")
"""They take no values of the arrays that they are given, at most a type."""


def folded(build: Build, call: Call) -> bool:
    """Compute the call if it is constant; True if its results are known now."""
    rule = RULES.get(call.op)
    if rule is None or len(call.results) != 1 or call.results[0] is None:
        return False
    arrays = build.program.arrays
    read = [] if call.op in MAKERS else call.read
    constant = all(v in arrays and not arrays[v].trainable and v not in build.results for v in read)
    shape = call.result.shape
    if not constant or (not read and call.op not in MAKERS) or any(isinstance(n, Times) for n in shape):
        return False

    def ask(name: str) -> Any:
        argument = call.get(name)
        return arrays[argument].numbers if isinstance(argument, Value) else argument

    try:
        spend(*(n for n in shape if isinstance(n, int)))
        found = rule(call, ask)
    except (Unknown, *OF_OTHERS):
        return False
    if found.shape != tuple(shape):
        return False
    arrays[call.result] = Array(f"{call.place.path}.constant".lstrip("."), found, False)
    return True


def _made(value: float | None) -> Rule:
    def rule(call: Call, ask: Callable[[str], Any]) -> Numbers:
        number = value if value is not None else ask("fill_value")
        return np.full(call.result.shape, number, call.result.dtype)

    return rule


def _arange(call: Call, ask: Callable[[str], Any]) -> Numbers:
    [count] = (n for n in call.result.shape if isinstance(n, int))
    return ((ask("start") or 0) + (ask("step") or 1) * np.arange(count)).astype(call.result.dtype)


def _slice(call: Call, ask: Callable[[str], Any]) -> Numbers:
    x = ask("self")
    axis = (ask("dim") or 0) % x.ndim
    return x[(*(slice(None),) * axis, slice(ask("start"), ask("end"), ask("step") or 1))]


def _select(call: Call, ask: Callable[[str], Any]) -> Numbers:
    x = ask("self")
    return x[(*(slice(None),) * (ask("dim") % x.ndim), ask("index"))]


def _transpose(call: Call, ask: Callable[[str], Any]) -> Numbers:
    return np.swapaxes(ask("self"), ask("dim0"), ask("dim1"))


def _overwritten(name: str) -> Rule:
    def rule(call: Call, ask: Callable[[str], Any]) -> Numbers:
        x = ask("self")
        x[...] = ask(name)
        return x

    return rule


IN_PLACE = ("copy", "fill")
"""The rules that change the memory of what they are given, and so of all its views."""


def _changed(call: Call, ask: Callable[[str], Any]) -> Numbers:
    if call.get("by") not in IN_PLACE:
        raise Unknown("it changed elsewhere")
    return ask("self")


def _met(function: Callable[..., Any], *names: str) -> Rule:
    """Arrays that meet value by value, and no larger a result than they say."""

    def rule(call: Call, ask: Callable[[str], Any]) -> Numbers:
        given = [ask(name) for name in names]
        spend(*np.broadcast_shapes(*(np.shape(one) for one in given)))
        return np.asarray(function(*given)).astype(call.result.dtype)

    return rule


def _reshaped(call: Call, ask: Callable[[str], Any]) -> Numbers:
    return ask("self").reshape(call.result.shape)


def _copied(call: Call, ask: Callable[[str], Any]) -> Numbers:
    return ask("self").astype(call.result.dtype)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("zeros", "new_zeros", "empty", "new_empty"), _made(0)),
    **dict.fromkeys(("ones", "new_ones"), _made(1)),
    **dict.fromkeys(("full", "new_full"), _made(None)),
    "scalar_tensor": lambda call, ask: np.asarray(ask("s"), call.result.dtype),
    "arange": _arange,
    "slice": _slice,
    "select": _select,
    "transpose": _transpose,
    "permute": lambda call, ask: np.transpose(ask("self"), ask("dims")),
    "expand": lambda call, ask: np.broadcast_to(ask("self"), call.result.shape),  # type: ignore[arg-type]
    "copy": _overwritten("src"),
    "fill": _overwritten("value"),
    "setitem": _changed,
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "flatten", "unflatten"), _reshaped),
    **dict.fromkeys(("clone", "contiguous", "to", "_to_copy", "lift_fresh_copy", "detach", "alias"), _copied),
    "add": _met(np.add, "self", "other"),
    "sub": _met(np.subtract, "self", "other"),
    "mul": _met(np.multiply, "self", "other"),
    "div": _met(np.divide, "self", "other"),
    "eq": _met(np.equal, "self", "other"),
    "ne": _met(np.not_equal, "self", "other"),
    "lt": _met(np.less, "self", "other"),
    "le": _met(np.less_equal, "self", "other"),
    "gt": _met(np.greater, "self", "other"),
    "ge": _met(np.greater_equal, "self", "other"),
    "masked_fill": _met(np.where, "mask", "value", "self"),
    "where": _met(np.where, "condition", "self", "other"),
}
