"""Calls that were made before: a repeated call costs a look-up in a dictionary and what the library itself costs.

The key is what was typed and what the arrays look like; nothing is parsed, solved or planned again. What can't be compared cheaply
and strictly (1 and True are equal, and only one of them is a padding) takes the long way, which remembers too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from slidesum.run.backend import Array
from slidesum.run.compute import Program

MOST = 4096
Signature = Callable[[Sequence[Array]], Hashable]

_calls: dict[Hashable, Program] = {}
_signatures: dict[type, Signature] = {}


def signed(kinds: Sequence[type], signature: Signature) -> None:
    """From now on, what arrays of these types look like is told by `signature`; None of it means: not to be remembered."""
    _signatures.update(dict.fromkeys(kinds, signature))


def key(
    pattern: Any,
    arrays: Sequence[Array],
    bias: Array | None,
    padding: Any,
    border: Any,
    extent: Any,
    sizes: Mapping[str, Any],
    options: tuple[str | None, bool, int | None],
) -> Hashable | None:
    """What tells this call from others, or None where it must go the long way."""
    kind = padding.__class__
    if extent is not None or border.__class__ is not str or pattern.__class__ is not str or (kind is not str and kind is not int):
        return None
    method, exact, memory = options
    if exact.__class__ is not bool or (method is not None and method.__class__ is not str):
        return None
    if memory is not None and memory.__class__ is not int:
        return None
    signature = _signatures.get(arrays[0].__class__) if arrays else None
    if signature is None:
        return None
    for size in sizes.values():
        if size.__class__ is not int:
            return None
    looks = signature(arrays if bias is None else (*arrays, bias))
    return None if looks is None else (pattern, kind, padding, border, bias is None, looks, options, *sizes.items())


def known(key: Hashable) -> Program | None:
    """The function of a call that was made before."""
    return _calls.get(key)


def remember(key: Hashable, program: Program) -> None:
    """Keep the function of a call; when there are too many, all begin anew."""
    if len(_calls) >= MOST:
        _calls.clear()
    _calls[key] = program
