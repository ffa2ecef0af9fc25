"""Keras' attentions and dot products as equations of two inputs.

    query       b i c, c h d -> b i h d        every head h looks at the words through filters of its own
    scores      b i h d, b j h d -> b h i j    how much word i looks at word j, divided by sqrt(d), softmax over j
    result      b h i j, b j h d -> b i h d
    output      b i h d, h d o -> b i o

Vaswani et al. 2017, "Attention is all you need", section 3.2. With a mask, a second result or more than one axis of words it stays
opaque.
"""

from __future__ import annotations

import math
from typing import Any

from slidesum.core.ops import Activation, Dropout, Softmax
from slidesum.core.sizes import Size
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import is_integer
from slidesum.read.keras_activations import activated
from slidesum.read.keras_call import Beyond, Call
from slidesum.read.keras_file import Array, Weights


def multi_head(call: Call) -> Tensor:
    """MultiHeadAttention of one axis of words."""
    query, value = call.argument(0, "query"), call.argument(1, "value")
    key = call.argument(2, "key")
    key = value if key is None else key
    if not all(isinstance(x, Tensor) and len(x.shape) == 3 for x in (query, key, value)):
        raise Beyond("it looks along more than one axis")
    _refuse_masks(call, first=3)
    fields = call.fields
    heads, depth = fields.integer("num_heads", least=1), fields.integer("key_dim", least=1)
    width = fields.maybe("value_dim", None) or depth
    if not is_integer(width) or fields.maybe("output_shape", None) is not None or fields.maybe("use_gate", False):
        raise Beyond("its output has a shape of its own")
    biased = call.flag("use_bias", True)
    q = _projected(call, query, "query", "i", (heads, depth), biased)
    k = _projected(call, key, "key", "j", (heads, depth), biased)
    v = _projected(call, value, "value", "j", (heads, width), biased)
    q = call.put(Activation("affine", (1 / math.sqrt(depth), 0.0)), q, at="scaled")
    looks = call.equation("b i h d, b j h d -> b h i j", q, k, at="scores")
    looks = _chosen(call, looks, "dropout")
    seen = call.equation("b h i j, b j h d -> b i h d", looks, v, at="seen")
    out = call.weights.inside("output_dense")
    made: Size = query.shape[-1]
    arrays: dict[str, Array] = {"w": out.take(0, (heads, width, made))}
    if biased:
        arrays["bias"] = out.take(1, (made,))
    return call.equation("b i h d, h d o -> b i o", seen, bias="o" if biased else None, arrays=arrays)


def _projected(call: Call, x: Tensor, name: str, letter: str, shape: tuple[int, int], biased: bool) -> Tensor:
    weights: Weights = call.weights.inside(f"{name}_dense")
    arrays: dict[str, Array] = {"w": weights.take(0, (x.shape[-1], *shape))}
    if biased:
        arrays["bias"] = weights.take(1, shape)
    pattern = f"b {letter} c, c h d -> b {letter} h d"
    return call.equation(pattern, x, at=name, bias="h d" if biased else None, arrays=arrays)


def _chosen(call: Call, scores: Tensor, name: str) -> Tensor:
    """Scores as shares that add up to one."""
    shares = call.put(Softmax(-1), scores, at="softmax")
    rate = call.fields.maybe(name, 0.0)
    return call.put(Dropout(float(rate)), shares, at="dropout") if isinstance(rate, float) and 0 < rate < 1 else shares


def _refuse_masks(call: Call, first: int) -> None:
    masks = ("query_mask", "value_mask", "key_mask", "attention_mask", "use_causal_mask", "return_attention_scores")
    later: list[Any] = [*call.args[first:], *(call.named.get(name) for name in masks)]
    if any(one not in (None, False) if not isinstance(one, Tensor) else True for one in later):
        raise Beyond("it is called with a mask, or for its scores")


def attention(call: Call) -> Tensor:
    """Attention without filters: Luong's dot product."""
    parts = call.args[0] if call.args and isinstance(call.args[0], list) else call.inputs
    if len(parts) not in (2, 3) or not all(isinstance(x, Tensor) and len(x.shape) == 3 for x in parts):
        raise Beyond("it looks along more than one axis")
    query, value = parts[:2]
    key = parts[2] if len(parts) == 3 else value
    _refuse_masks(call, first=1)
    if call.flag("use_scale", False) or call.fields.maybe("score_mode", "dot") != "dot":
        raise Beyond("its scores are no plain dot products")
    looks = _chosen(call, call.equation("b i c, b j c -> b i j", query, key, at="scores"), "dropout")
    return call.equation("b i j, b j c -> b i c", looks, value)


def dot(call: Call) -> Tensor:
    """The layer Dot: products summed along one axis of each, sample by sample."""
    if len(call.inputs) != 2:
        raise ReadError(f"{call.where} reads {len(call.inputs)} results", advice="Save the model anew.")
    x, y = call.inputs
    if call.flag("normalize", False):
        raise Beyond("it normalises what it multiplies")
    value = call.fields.take("axes")
    first, second = [value, value] if is_integer(value) else call.whole_numbers("axes", value, 2, least=-10)
    along = call.axis(first, x), call.axis(second, y)
    if 0 in along:
        raise Beyond("it sums over the batch")
    left = ["b", *(f"i{k}" for k in range(1, len(x.shape)))]
    right = ["b", *(f"j{k}" for k in range(1, len(y.shape)))]
    left[along[0]] = right[along[1]] = "c"
    kept = [name for name in (*left, *right[1:]) if name != "c"]
    if len(kept) == 1:  # Keras keeps an axis of one
        kept.append("1")
    return call.equation(f"{' '.join(left)}, {' '.join(right)} -> {' '.join(kept)}", x, y)


def einsum_dense(call: Call) -> Tensor:
    """EinsumDense: it is an equation already."""
    x = call.x
    told = call.fields.text("equation", longest=200).replace(" ", "")
    pattern, ellipsis = spaced(told, call.where), "..." in told
    made = call.fields.maybe("full_output_shape", None) or call.fields.maybe("output_shape", None)
    axes = call.fields.maybe("bias_axes", None)
    operands = pattern.split(" -> ")[0].split(", ")
    if len(operands) != 2 or ellipsis:
        raise Beyond("its equation has an ellipsis")
    names, filters, result = operands[0].split(), operands[1].split(), pattern.split(" -> ")[1].split()
    known = dict(zip(names, x.shape, strict=False))
    shape = made if isinstance(made, list) else [made]
    if len(shape) == len(result) - 1:
        shape = [None, *shape]
    for name, extent in zip(result, shape, strict=False):
        if is_integer(extent):
            known.setdefault(name, extent)
    if any(name not in known for name in filters):
        raise Beyond("the sizes of its filters aren't told")
    arrays: dict[str, Array] = {"w": call.weights.take(0, tuple(known[name] for name in filters))}
    bias = None
    if axes is not None:
        if not isinstance(axes, str) or not set(axes) <= set(result):
            raise call.fields.wrong("bias_axes", axes, "letters of the result")
        kept = [name for name in result if name in axes]
        ones = result[result.index(kept[0]) :]
        full = call.weights.take(1, tuple(known[name] if name in kept else 1 for name in ones))
        arrays["bias"] = full.reshape([n for n, name in zip(full.shape, ones, strict=True) if name in kept])
        bias = " ".join(kept)
    return activated(call, call.equation(pattern, x, bias=bias, arrays=arrays))


def spaced(told: str, where: str) -> str:
    """An equation of einsum in our spelling: "ab,bc->ac" is "a b, b c -> a c"."""
    operands, arrow, result = told.replace(" ", "").partition("->")
    parts = [*operands.split(","), result]
    letters = [part.replace("...", "") for part in parts]
    if not arrow or not all(part.isascii() and (part.isalpha() or not part) for part in letters):
        raise ReadError(f"{where}: {told!r} is no equation", advice="Save the model anew.")
    if any(len(set(part)) < len(part) for part in letters):
        raise Beyond("its equation takes a diagonal")
    names = [" ".join(("..." if c == "." else c) for c in part.replace("...", ".")) for part in parts]
    return f"{', '.join(names[:-1])} -> {names[-1]}"
