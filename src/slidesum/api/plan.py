"""`ss.plan`: how an equation will be computed, without computing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slidesum.api.equation import Equation
from slidesum.core import equation as core
from slidesum.core.sized import Border, Padding
from slidesum.core.sizes import SizeLike
from slidesum.errors import UsageError
from slidesum.notation.parse import equation_of
from slidesum.plans.step import Plan
from slidesum.run.compute import plan_for
from slidesum.run.execute import known_options, refuse_symbols, solved
from slidesum.run.met import backend_named, library, met, met_chunked

KINDS = {"float": "f", "bfloat": "f", "complex": "c", "int": "i", "uint": "i"}
BYTES = {"bfloat16": 2, "complex64": 8, "complex128": 16}


def plan(
    pattern: str | Equation | core.Equation,
    /,
    *operands: Any,
    backend: str = "",
    dtype: str = "float32",
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    plan: str | None = None,
    exact: bool = True,
    memory: int | None = None,
    **sizes: SizeLike,
) -> Plan:
    """The steps by which `conv` computes an equation on operands like these: arrays, or just their shapes.

    The plan prints itself as a table: what each step computes, by which method, its multiply-adds, the bytes it reads, writes and
    holds meanwhile. Shapes need a `backend` ("numpy", the default, "torch" or "jax") and a `dtype`; arrays tell both. The other
    options are those of `conv`. Of dask arrays it is the plan for all at once; a block is computed likewise. Raises what `conv`
    raises.

    Type 2.1, one flat filter over the sum of all maps, is summed first:

    >>> print(plan("b c i+u j+v, o u v -> b o i j", (1, 64, 56, 56), (64, 5, 5), padding="same"))
    step  computes                               by           macs  bytes read  bytes written  bytes held
       1  t1[b,i_,j_] = x[b,c,i_,j_]             sum             0     802,816         12,544           0
       2  y[b,o,i,j] = t1[b,i+u,j+v] * w[o,u,v]  direct  5,017,600      18,944        802,816      14,400
          in all                                         5,017,600     821,760        815,360      26,944

    A filter of low rank is never multiplied out:

    >>> ranked = plan("b c i+u j+v, r c, r u v, o r -> b o i j", (1, 64, 56, 56), (8, 64), (8, 3, 3), (64, 8))
    >>> [step.sized.equation.result.name for step in ranked.steps], ranked.macs
    (['t1', 't2', 'y'], 3308576)
    """
    tree = equation_of(pattern)
    given = [x for x in operands if not isinstance(x, tuple | list)]
    if given and len(given) < len(operands):
        raise UsageError("operands are all arrays, or all shapes", advice="Write x.shape for an array, say.")
    options = known_options(plan, exact, memory)
    if given:
        chunked = any(library(x) == "dask" for x in operands)
        held, arrays, _ = met_chunked(operands) if chunked else met(operands)
        held.check(arrays, tree.reduce)
        shapes, (itemsize, kind), watched = [tuple(x.shape) for x in arrays], held.number(arrays), held.watched(arrays)
        near = held.near(arrays)
    else:
        held, shapes, (itemsize, kind), watched = backend_named(backend or "numpy"), list(operands), _number(dtype), "unwatched"
        near = True
    sized = solved(tree, [tuple(shape) for shape in shapes], sizes, padding=padding, border=border, extent=extent)
    refuse_symbols(sized)
    return plan_for(held, sized, itemsize, kind, watched, options, near)


def _number(dtype: str) -> tuple[int, str]:
    name = str(dtype).removeprefix("torch.")
    stem = name.rstrip("0123456789")
    bits = name[len(stem) :]
    if stem not in KINDS or bits not in ("8", "16", "32", "64", "128"):
        raise UsageError(f"{dtype!r} is no dtype to compute with", advice='Write dtype="float32", say.')
    return BYTES.get(name, int(bits) // 8), KINDS[stem]
