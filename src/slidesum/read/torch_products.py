"""What multiplies: convolutions, transposed convolutions, linear layers, matrix products, einsum, attention.

One rule for every number of dimensions. Positions are i j k, taps u v w, and an address says stride, dilation and padding:

    conv2d, stride 2, padding 3        b c 2*i+u-3 2*j+v-3, o c u v -> b o i j
    depthwise                          b c i+u j+v, c u v -> b c i j
    groups                             b (g c) i+u j+v, (g o) c u v -> b (g o) i j
    transposed, stride 2               b c i j, c o u v -> b o 2*i+u 2*j+v
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from slidesum.core.ops import Activation, Elementwise, Softmax
from slidesum.draft.verbs import Tensor
from slidesum.read.patterns import POSITIONS, TAPS, address, leading, multiplied
from slidesum.read.torch_build import Build, Translator, Unknown, spend
from slidesum.read.torch_program import Call, Value


def numbers(value: Any, rank: int) -> tuple[int, ...]:
    """A setting a dimension: 2, (2,) and (2, 2) mean the same in two dimensions."""
    found = tuple(value) if isinstance(value, list | tuple) else (value,)
    return found * rank if len(found) == 1 else found


def convolution(build: Build, call: Call) -> Tensor:
    """conv1d, conv2d, conv3d, conv_transpose1d … and ATen's `convolution`, which is all of them."""
    x, weight = call.x, call.get("weight")
    rank = weight.rank - 2
    if rank > 3:
        raise Unknown(f"it has {rank} dimensions")
    stride, dilation = numbers(call.get("stride", 1), rank), numbers(call.get("dilation", 1), rank)
    padding, groups = call.get("padding", 0), call.get("groups", 1)
    batch = "b " if x.rank == rank + 2 else ""
    if "transpose" in call.op or call.get("transposed", False):
        return _transposed(build, call, batch, stride, dilation, numbers(padding, rank), groups)
    slid, uneven = _slid(
        build.shape(weight)[2:], stride, dilation, padding if padding in ("same", "valid") else numbers(padding, rank)
    )
    return _filtered(build, call, f"{batch}%s {slid}", f"{batch}%s {' '.join(POSITIONS[:rank])}", False, groups, uneven)


@lru_cache(maxsize=4096)
def _slid(
    kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: str | tuple[int, ...]
) -> tuple[str, Mapping[str, tuple[int, int]]]:
    """The addresses of a window, and its padding where there is more of it behind than before."""
    pads: Sequence[tuple[int, int]]
    if isinstance(padding, str):
        spans = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel, strict=True)]
        pads = [(span // 2, span - span // 2) for span in spans]
    else:
        pads = [(n, n) for n in padding]
    if all(low == high for low, high in pads):
        return " ".join(map(address, POSITIONS, TAPS, stride, dilation, (low for low, _ in pads))), {}
    # torch puts the odd cell behind
    return " ".join(map(address, POSITIONS, TAPS, stride, dilation, (0,) * len(kernel))), dict(zip(POSITIONS, pads, strict=False))


def _filtered(
    build: Build, call: Call, x: str, y: str, transposed: bool, groups: int, padding: Mapping[str, Any], extent: Any = None
) -> Tensor:
    """The equation with its filter, by the number of groups."""
    weight, bias = call.get("weight"), call.get("bias")
    shape = build.shape(weight)
    taps = " ".join(TAPS[: len(shape) - 2])
    flat, first = shape[1] == 1, shape[0]
    sizes: dict[str, int] = {}
    if groups == 1:
        names = "c o" if transposed else "o c"
        pattern, loose, arranged, axes = f"{x % 'c'}, {names} {taps} -> {y % 'o'}", None, None, "o"
    elif flat and first == groups:
        pattern, axes = f"{x % 'c'}, c {taps} -> {y % 'c'}", "c"
        loose, arranged = f"{x % 'c'}, c 1 {taps} -> {y % 'c'}", _without_axis
    else:
        names = "(g c) o" if transposed else "(g o) c"
        pattern, loose, arranged, axes = f"{x % '(g c)'}, {names} {taps} -> {y % '(g o)'}", None, None, "(g o)"
        sizes = {"g": groups}
    sizes |= dict(zip(TAPS, shape[2:], strict=False))
    if axes == "o":
        sizes["o"] = shape[1] if transposed else shape[0]
    elif axes == "(g o)":
        sizes["o"] = shape[1] if transposed else shape[0] // groups
    given = (axes, bias) if bias is not None else None
    return build.layer(
        call, pattern, [call.x], [weight], bias=given, sizes=sizes, padding=padding or "valid", extent=extent,
        arranged=arranged, loose=loose,
    )  # fmt: skip


def _without_axis(array: Any) -> Any:
    return array.reshape(array.shape[0], *array.shape[2:])


def _transposed(
    build: Build, call: Call, batch: str, stride: tuple[int, ...], dilation: tuple[int, ...], pads: tuple[int, ...], groups: int
) -> Tensor:
    """The address stands on the result; `output_padding` makes it a few cells longer than its windows ask for."""
    rank = len(stride)
    slid = " ".join(map(address, POSITIONS, TAPS, stride, dilation, pads))
    wanted = build.shape(call.result)[-rank:]
    more = numbers(call.get("output_padding", 0), rank)
    extent = {POSITIONS[k]: wanted[k] for k in range(rank) if more[k]}
    return _filtered(
        build, call, f"{batch}%s {' '.join(POSITIONS[:rank])}", f"{batch}%s {slid}", True, groups, {}, extent or None
    )  # fmt: skip


def linear(build: Build, call: Call) -> Tensor:
    """y = x·wᵀ + a on the last axis of an array of any rank."""
    x, weight, bias = call.x, call.get("weight"), call.get("bias")
    lead, last = leading(x.rank - 1), "f" if x.rank <= 2 else "c"
    if weight.rank == 1:
        return build.layer(call, f"{' '.join((*lead, last))}, {last} -> {' '.join(lead)}", [x], [weight])
    pattern = f"{' '.join((*lead, last))}, o {last} -> {' '.join((*lead, 'o'))}"
    given = ("o", bias) if bias is not None else None
    return build.layer(call, pattern, [x], [weight], bias=given, sizes={"o": build.shape(weight)[0]})


def product(build: Build, call: Call) -> Tensor:
    """mm, bmm, matmul: the last axis of one with the axis before the last of the other; leading axes of extent one are repeated."""
    other = call.get("other", call.get("mat2"))
    return _matmul(build, call, call.x, other)


def _matmul(build: Build, call: Call, x: Value, y: Value, bias: Value | None = None) -> Tensor:
    a, b = build.shape(x), build.shape(y)
    if len(a) == 1 and len(b) == 1:
        raise Unknown("its result has no axis")
    left, right, result = multiplied(a, b)
    if len(a) == 2 >= len(b):  # samples and their features
        features = {"t": "b", "e": "f", "s": "o"}
        left, right, result = ([features[name] for name in names] for names in (left, right, result))
    pattern = f"{' '.join(left)}, {' '.join(right)} -> {' '.join(result)}"
    array = build.array(y)
    filters = [y] if array is not None and array.trainable and build.array(x) is None else []
    sizes = {name: n for name, n in zip(right, b, strict=True) if name != "1"} if filters else {}
    given = (result[-1], bias) if bias is not None else None
    return build.layer(call, pattern, [x] if filters else [x, y], filters, bias=given, sizes=sizes)


def addmm(build: Build, call: Call) -> Tensor:
    """A matrix product and something added: bias + x·w."""
    if call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise Unknown("it scales its parts")
    x, y = call.get("mat1", call.get("batch1")), call.get("mat2", call.get("batch2"))
    if call.op == "addmm" and call.x.rank == 1 and y in build.program.arrays:
        return _matmul(build, call, x, y, call.x)
    return build.put(call, Elementwise("add"), _matmul(build, call, x, y), build.tensor(call.x), part="add")


def einsum(build: Build, call: Call) -> Tensor:
    """Einstein's sum as an equation: "bhie,bhje->bhij" is `b h i e, b h j e -> b h i j`."""
    text, operands = call.get("equation").replace(" ", ""), call.get("tensors")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if not arrow:
        right = "".join(sorted(n for n in set(left.replace(",", "")) if left.count(n) == 1))
    if "." in text or any(len(set(term)) < len(term) for term in (*terms, right)) or not right:
        raise Unknown(f"the sum {text!r} has a diagonal, an ellipsis or no axes")
    pattern = f"{', '.join(' '.join(term) for term in terms)} -> {' '.join(right)}"
    return build.layer(call, pattern, list(operands))


def attention(build: Build, call: Call) -> Tensor:
    """scaled_dot_product_attention: softmax(q·kᵀ·scale + mask)·v (Vaswani et al. 2017, equation 1)."""
    q, k, v = (call.get(name) for name in ("query", "key", "value"))
    mask, causal = call.get("attn_mask"), call.get("is_causal", False)
    if call.get("enable_gqa", False) or not q.rank == k.rank == v.rank or q.rank < 3:
        raise Unknown("its heads are shared, or its arrays differ in rank")
    lead = " ".join(("b", *"hnklm"[: q.rank - 3]))
    scores = build.layer(call, f"{lead} t e, {lead} s e -> {lead} t s", [q, k], part="scores")
    scale = call.get("scale") or 1 / math.sqrt(build.shape(q)[-1])
    scores = build.put(call, Activation("affine", (float(scale), 0.0)), scores, part="scale")
    if causal:
        rows, columns = (int(n) for n in scores.shape[-2:])
        spend(rows, columns)
        built = np.where(np.tri(rows, columns, dtype=bool), 0.0, -np.inf).astype(q.dtype)
        scores = build.put(call, Elementwise("add"), scores, build.stored(build.named(call, "mask"), built), part="masked")
    elif mask is not None:
        added = build.tensor(mask)
        if mask.dtype == "bool":
            built = np.where(build.constant(mask), 0.0, -np.inf).astype(q.dtype)
            added = build.stored(build.named(call, "mask"), built)
        scores = build.put(call, Elementwise("add"), scores, added, part="masked")
    shares = build.put(call, Softmax(-1), scores, part="softmax")
    return build.layer(call, f"{lead} t s, {lead} s e -> {lead} t e", [shares, v])


OPS: dict[str, Translator] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "_convolution"), convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), convolution),
    "linear": linear,
    **dict.fromkeys(("mm", "bmm", "matmul"), product),
    **dict.fromkeys(("addmm", "baddbmm"), addmm),
    "einsum": einsum,
    "scaled_dot_product_attention": attention,
}
