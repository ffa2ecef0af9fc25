"""Which library arrays belong to. A framework is met, not demanded: only what somebody else has imported can have made an array."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from slidesum.errors import ArrayError, UsageError
from slidesum.run import calls
from slidesum.run.backend import Array, Backend

LIBRARIES = {
    "torch": ("torch", "Tensor", "torch tensor", "torch.as_tensor(a), or t.detach().numpy()"),
    "jax": ("jax", "Array", "JAX array", "jax.numpy.asarray(a), or numpy.asarray(a)"),
    "dask": ("dask.array", "Array", "dask array", "dask.array.from_array(a), or d.compute()"),
}
"""By name: the module that makes its arrays, their class, what they are called, how others become one and it becomes NumPy's."""


def library(x: Any) -> str:
    """ "torch", "jax", "dask", or "numpy" for all that is none of these."""
    if type(x).__module__ == "numpy":
        return "numpy"
    for name, (module, kind, _, _) in LIBRARIES.items():
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(x, getattr(loaded, kind)):
            return name
    return "numpy"


def met(arrays: Sequence[Any], bias: Any = None) -> tuple[Backend, list[Array], Array | None]:
    """The backend of these arrays, and the arrays as it holds them. Raises ArrayError where libraries are mixed."""
    given = [*arrays, *([bias] if bias is not None else [])]
    names = [library(x) for x in given]
    name = next((n for n in names if n != "numpy"), "numpy")
    if name == "numpy":
        backend, held = numpy_backend(), [_array(x) for x in given]
    elif all(n == name for n in names):
        backend, held = backend_named(name), given
    else:
        _, _, called, convert = LIBRARIES[name]
        other = next(type(x).__name__ for x, n in zip(given, names, strict=True) if n != name)
        raise ArrayError(
            f"a {called} meets a {other}",
            usual="All arrays of an equation belong to one library, so that nothing is copied unseen.",
            advice=f"Convert one of them: {convert}.",
        )
    return backend, held[: len(arrays)], held[-1] if bias is not None else None


def met_chunked(arrays: Sequence[Any], bias: Any = None) -> tuple[Backend, list[Array], Array | None]:
    """The same where some are dask arrays: their chunks are NumPy's, and so may the other arrays be."""
    given = [*arrays, *([bias] if bias is not None else [])]
    other = next((x for x in given if library(x) not in ("dask", "numpy")), None)
    if other is not None:
        raise ArrayError(
            f"a dask array meets a {LIBRARIES[library(other)][2]}",
            usual="Chunks are computed with NumPy, so the filters beside them are NumPy arrays, or dask arrays too.",
            advice="Convert it: numpy.asarray(a).",
        )
    held = [x if library(x) == "dask" else _array(x) for x in given]
    if any(n != n for x in held for n in x.shape):  # NaN
        raise ArrayError(
            "a dask array has chunks of unknown size",
            usual="A selection by values was made, and how much it leaves is known only when it is computed.",
            advice="Call x.compute_chunk_sizes() first.",
        )
    return numpy_backend(), held[: len(arrays)], held[-1] if bias is not None else None


def backend_named(name: str) -> Backend:
    """The backend of this name."""
    if name not in BACKENDS:
        raise UsageError(f"there is no backend {name!r}", advice=f"Name one of {', '.join(BACKENDS)}.")
    return BACKENDS[name]()


@lru_cache(maxsize=1)
def numpy_backend() -> Backend:
    """The NumPy backend."""
    from slidesum.run.numpy import ARRAYS, NumPy, signature

    calls.signed(ARRAYS, signature)
    return NumPy()


@lru_cache(maxsize=1)
def torch_backend() -> Backend:
    """The torch backend."""
    from slidesum.run.torch import Torch
    from slidesum.run.torch_autograd import ARRAYS, signature

    calls.signed(ARRAYS, signature)
    return Torch()


@lru_cache(maxsize=1)
def jax_backend() -> Backend:
    """The JAX backend."""
    from slidesum.run.jax import Jax

    return Jax()


BACKENDS: dict[str, Callable[[], Backend]] = {"numpy": numpy_backend, "torch": torch_backend, "jax": jax_backend}


def as_numpy(x: Any) -> Array:
    """An array of any library as NumPy's; what NumPy has no dtype for becomes float32."""
    if library(x) == "torch":
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
        return x.numpy()
    return _array(x)


def _array(x: Any) -> Array:
    import numpy as np

    try:
        array = np.asarray(x)
    except ValueError:  # a list of lists that differ in length
        array = np.empty(0, object)
    if array.dtype == object:
        what = "an array of Python objects" if isinstance(x, np.ndarray) else type(x).__name__
        raise ArrayError(f"{what} is no array of numbers", advice="Give an array of NumPy, torch, JAX or dask.")
    return array
