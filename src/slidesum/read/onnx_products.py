"""Matrix products of ONNX as equations: Gemm, MatMul, Einsum; and reductions, which are equations of one operand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slidesum.core.ops import Activation, Elementwise, Function
from slidesum.draft.place import Tensor
from slidesum.read import patterns
from slidesum.read.onnx_build import Build, Call, Constant, Translator, Unknown


def gemm(build: Build, call: Call) -> Tensor:
    """Gemm: alpha·A·B + beta·C; with constant B and C a linear layer."""
    a, b = build.tensor(call, 0), build.given(call, 1)
    c = build.given(call, 2) if call.has(2) else None
    alpha, beta = float(call.get("alpha", 1.0)), float(call.get("beta", 1.0))
    left = "f b" if call.get("transA", 0) else "b f"
    across = bool(call.get("transB", 0))
    if isinstance(b, Constant) and len(b.shape) == 2 and not isinstance(c, Tensor):
        outputs = b.shape[0 if across else 1]
        if c is None or c.shape in ((outputs,), (1, outputs)):
            filters = b.numbers if alpha == 1 else alpha * b.numbers
            bias = None if c is None else ("o", c.numbers if beta == 1 and len(c.shape) == 1 else np.ravel(beta * c.numbers))
            arranged = None if across else np.transpose
            pattern = f"{left}, o f -> b o"
            return build.layer(call, pattern, [a], [filters], bias=bias, sizes={"o": outputs}, arranged=arranged)
    right = "o f" if across else "f o"
    y = build.layer(call, f"{left}, {right} -> b o", [a, build.as_tensor(b, call)], part="product" if c is not None else "")
    if alpha != 1:
        y = build.put(call, Activation("affine", (alpha, 0.0)), y, part="scaled")
    if c is None or beta == 0:
        return y
    added = build.as_tensor(c, call)
    if beta != 1:
        added = build.put(call, Activation("affine", (beta, 0.0)), added, part="bias")
    return build.put(call, Elementwise("add"), y, added, part="add")


def matmul(build: Build, call: Call) -> Tensor:
    """MatMul: the last axis of A with the last but one of B; leading axes are repeated where they are missing or one."""
    a, b = build.given(call, 0), build.given(call, 1)
    if isinstance(b, Constant) and len(b.shape) == 2 and len(a.shape) >= 2:
        return linear(build, call, build.as_tensor(a, call), b, None)
    x, y = build.as_tensor(a, call), build.as_tensor(b, call)
    left, right, to = (" ".join(names) for names in patterns.multiplied(x.shape, y.shape))
    return build.layer(call, f"{left}, {right} -> {to}", [x, y])


def linear(build: Build, call: Call, x: Tensor, w: Constant, bias: Constant | None) -> Tensor:
    """x (…, f) with w (f, o): every row by itself."""
    lead, last = " ".join(patterns.leading(len(x.shape) - 1)), "f" if len(x.shape) == 2 else "c"
    kept = ("o", bias.numbers) if bias is not None else None
    sizes = {"o": w.shape[1]}
    return build.layer(
        call, f"{lead} {last}, o {last} -> {lead} o", [x], [w.numbers], bias=kept, sizes=sizes, arranged=np.transpose
    )


def einsum(build: Build, call: Call) -> Tensor:
    """Einsum: an equation already, letter by letter."""
    text = str(call.get("equation", "")).replace(" ", "")
    given = [build.given(call, k) for k in range(len(call.inputs))]
    left, arrow, to = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(given) or not terms:
        raise Unknown(f"its equation {text!r} has {len(terms)} operands, and {len(given)} were given")
    dots = [len(one.shape) - len(term.replace("...", "")) if "..." in term else 0 for term, one in zip(terms, given, strict=True)]
    rest = [f"r{k}" for k in range(max(dots))]
    if not arrow:
        letters = [c for c in left if c.isalpha()]
        to = ("..." if rest else "") + "".join(sorted({c for c in letters if letters.count(c) == 1}))
    opened = [_letters(term, rest[len(rest) - n :]) for term, n in zip(terms, dots, strict=True)]
    extents = {c: n for names, one in zip(opened, given, strict=True) for c, n in zip(names, one.shape, strict=True) if n != 1}
    marked = [
        " ".join("1" if n == 1 and extents.get(c, 1) != 1 else c for c, n in zip(names, one.shape, strict=True))
        for names, one in zip(opened, given, strict=True)
    ]
    if any(not one for one in marked):
        raise Unknown("one of its operands is a single number")
    order = sorted(range(len(given)), key=lambda k: isinstance(given[k], Constant))
    pattern = f"{', '.join(marked[k] for k in order)} -> {' '.join(_letters(to, rest))}"
    return build.layer(call, pattern, [build.as_tensor(given[k], call) for k in order])


def _letters(term: str, rest: Sequence[str]) -> list[str]:
    before, dots, after = term.partition("...")
    names = [*before, *(rest if dots else ()), *after]
    if not all(name.isalnum() for name in names):
        raise Unknown(f"its equation has the term {term!r}")
    return names


REDUCED: dict[str, tuple[str, str, Function | None]] = {
    "ReduceMean": ("", "mean", None),
    "ReduceSum": ("", "sum", None),
    "ReduceMax": ("", "max", None),
    "ReduceMin": ("", "min", None),
    "ReduceL1": ("abs", "sum", None),
    "ReduceL2": ("square", "sum", "sqrt"),
    "ReduceSumSquare": ("square", "sum", None),
    "ReduceLogSum": ("", "sum", "log"),
}
"""By operator: what is done to every value before, how it is reduced, what is done to the result."""


def reduce(build: Build, call: Call) -> Tensor:
    """ReduceMean and its kin: a pooling over whole axes."""
    x = build.tensor(call, 0)
    if build.kinds.get(call.inputs[0], 1) == 9:
        raise Unknown("it reduces truth values")
    before, how, after = REDUCED[call.op]
    if before == "abs":
        x = build.put(call, Activation("abs"), x, part="abs")
    elif before == "square":
        x = build.put(call, Activation("power", (2.0,)), x, part="square")
    y = reduced(build, call, x, how, part="sum" if after else "")
    return build.put(call, Activation(after), y, part=after) if after else y


def reduced(build: Build, call: Call, x: Tensor, how: str, part: str = "", kept: bool | None = None) -> Tensor:
    """The axes that a node names, reduced; kept with extent one where it says so."""
    told = build.integers(call, "axes", 1)
    rank = len(x.shape)
    if not told and call.get("noop_with_empty_axes", 0):
        return x
    places = sorted({n % rank for n in told} if told else range(rank))
    kept = bool(call.get("keepdims", 1)) if kept is None else kept
    if not places or rank == 0:
        return x
    if any(x.shape[k] == 0 for k in places):
        raise Unknown("it reduces nothing")
    return build.layer(call, patterns.reduced(how, rank, places, kept=kept), [x], part=part)


def log_sum_exp(build: Build, call: Call) -> Tensor:
    """ReduceLogSumExp, with the largest value taken out first, so that nothing overflows."""
    x = build.tensor(call, 0)
    top = reduced(build, call, x, "max", part="max", kept=True)
    powers = build.put(call, Activation("exp"), build.put(call, Elementwise("subtract"), x, top, part="below"), part="exp")
    total = reduced(build, call, powers, "sum", part="sum", kept=True)
    y = build.put(call, Elementwise("add"), build.put(call, Activation("log"), total, part="log"), top, part="add")
    if call.get("keepdims", 1):
        return y
    told = build.integers(call, "axes", 1)
    gone = {n % len(x.shape) for n in told} if told else set(range(len(x.shape)))
    return build.reshaped(call, y, [int(n) for k, n in enumerate(x.shape) if k not in gone], part="squeeze")


PRODUCTS: dict[str, Translator] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    **dict.fromkeys(REDUCED, reduce),
    "ReduceLogSumExp": log_sum_exp,
}
