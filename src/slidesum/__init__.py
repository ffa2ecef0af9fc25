"""slidesum: einsum for convolutions, and everything that follows from it.

Names are handed on when they are first used, so `import slidesum` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slidesum import errors
    from slidesum import torch as torch
    from slidesum.api.compile import compile
    from slidesum.api.equation import Equation, SizedEquation
    from slidesum.api.functions import conv, equation, gradient, pool
    from slidesum.api.load import load
    from slidesum.api.network import Network
    from slidesum.api.plan import plan
    from slidesum.errors import SlidesumError

_HOMES = {
    "Equation": "slidesum.api.equation",
    "Network": "slidesum.api.network",
    "SizedEquation": "slidesum.api.equation",
    "SlidesumError": "slidesum.errors",
    "compile": "slidesum.api.compile",
    "conv": "slidesum.api.functions",
    "equation": "slidesum.api.functions",
    "gradient": "slidesum.api.functions",
    "load": "slidesum.api.load",
    "plan": "slidesum.api.plan",
    "pool": "slidesum.api.functions",
}
_MODULES = ("errors", "torch")

__all__ = [
    "Equation",
    "Network",
    "SizedEquation",
    "SlidesumError",
    "compile",
    "conv",
    "equation",
    "errors",
    "gradient",
    "load",
    "plan",
    "pool",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        globals()[name] = found = getattr(import_module(_HOMES[name]), name)  # a second use asks no more
        return found
    if name in _MODULES:
        return import_module(f"slidesum.{name}")
    if name == "__version__":
        return import_module("importlib.metadata").version("slidesum")
    raise AttributeError(f"module 'slidesum' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__", "torch"]
