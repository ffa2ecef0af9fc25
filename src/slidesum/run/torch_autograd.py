"""How torch watches tensors, and a function of tensors that is differentiated by gradient equations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from slidesum.run.backend import Array, Backward, Run, Watched

ARRAYS = (torch.Tensor, torch.nn.Parameter)
_transforms, _tracing = torch._C._functorch.peek_interpreter_stack, torch._C._get_tracing_state


def watched(tensors: Sequence[Array]) -> Watched:
    """Whether autograd records what is done with these tensors, or a transform, a tracer or a subclass looks on."""
    recorded = torch.is_grad_enabled()
    needed = False
    for x in tensors:
        if x.__class__ not in ARRAYS:
            return "traced"
        needed = needed or x.requires_grad
    if _transforms() is not None or _tracing() is not None or forward_ad._current_level >= 0 or torch.compiler.is_compiling():
        return "traced"
    return "recorded" if recorded and needed else "unwatched"


def signature(tensors: Sequence[Array]) -> Hashable | None:
    """What tells these tensors from others, as far as a plan depends on it; None where one isn't torch's own.

    How they are watched isn't asked: where it matters, the function that is remembered asks.
    """
    looks: list[Any] = []
    for x in tensors:
        if x.__class__ not in ARRAYS:
            return None
        looks += (x.shape, x.dtype, x.layout, x.is_cpu or x.device)
    return tuple(looks)


class Differentiated(torch.autograd.Function):
    """`run(arrays)`, with the gradients of `backward(arrays, seed, wanted)`: equations again, which can be differentiated."""

    @staticmethod
    def forward(ctx: Any, run: Run, backward: Backward, *arrays: Array) -> Array:
        ctx.save_for_backward(*arrays)
        ctx.own_backward = backward
        return run([x.detach() for x in arrays])

    @staticmethod
    def backward(ctx: Any, *seeds: Array) -> tuple[Array | None, ...]:
        arrays = ctx.saved_tensors  # once: a checkpoint computes them anew for each look
        wanted = [k for k, needed in enumerate(ctx.needs_input_grad[2:]) if needed]
        found = dict(zip(wanted, ctx.own_backward(arrays, seeds[0], wanted), strict=True))
        return None, None, *(found.get(k) for k in range(len(arrays)))
