"""What follows from an equation with its sizes is worked out once, however often a network repeats the layer.

A drafted network has one `Sized` for all layers that are alike (`draft.place`), so it is known by identity: its sizes stand in
mappings and may be formulas, and comparing them would take longer than most laws.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from slidesum.core.sized import Sized

P = ParamSpec("P")
T = TypeVar("T")

MOST = 4096
"""So many answers are kept by each law."""


def once(law: Callable[Concatenate[Sized, P], T]) -> Callable[Concatenate[Sized, P], T]:
    """The law, remembering its answers; further arguments are compared as usual."""
    known: dict[tuple[Any, ...], tuple[Sized, T]] = {}

    @wraps(law)
    def remembered(sized: Sized, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (id(sized), *args, *kwargs.items())
        found = known.get(key)
        if found is None:
            if len(known) >= MOST:
                known.clear()
            found = known[key] = (sized, law(sized, *args, **kwargs))  # it is held, so that its id stays its own
        return found[1]

    return remembered
