"""Convolutions that learn by the engine's kernels: y and both gradients (`engine/training/`), as a function torch differentiates.

There are kernels for square windows of 3 or 5 taps a side in steps of one, over maps and filters that fill a block, in float32 on
the CPU. Whatever else there is, and gradients of gradients, the plan computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from slidesum.core.sized import Sized
from slidesum.engine.host import host

Tensor = torch.Tensor
Plain = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Lesson:
    """The kernels of a layer for one size of everything, and how its filters are laid for them."""

    learning: Any
    shape: tuple[int, ...]
    order: tuple[int, ...]
    squares: tuple[int, int, int, int]
    y: tuple[int, ...]

    def laid(self, w: Tensor) -> Tensor:
        """(filters, maps, taps, taps) of the filters as the equation names them; a step that can be differentiated."""
        return w.reshape(self.shape).permute(self.order).reshape(self.squares)

    def back(self, dw: Any, w: Tensor) -> Tensor:
        """A gradient of filters that are laid so, as one of w."""
        opened = torch.from_numpy(dw).reshape([self.shape[k] for k in self.order])
        return opened.permute([self.order.index(k) for k in range(len(self.order))]).reshape(w.shape)

    def rounds_well(self, w: Tensor) -> bool:
        """Whether these filters stay within the error that is promised."""
        return bool(self.learning.rounds_well(self.laid(w.detach()).contiguous().numpy()))

    def __call__(self, plain: Plain, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        """y, for torch to differentiate; `plain` is the same without a bias, by the plan."""
        result: Tensor = _Learned.apply(self, plain, x, w, bias)  # type: ignore[no-untyped-call]
        return result


def lesson(sized: Sized, threads: int) -> Lesson | None:
    """The kernels for an equation of these sizes, or None where its plan is to compute it."""
    here = host()
    if here is None:
        return None
    from slidesum.engine.training.layer import learning
    from slidesum.engine.whole.meaning import Convolution, is_biased_by_map, meaning
    from slidesum.engine.whole.network import widest

    what = meaning(sized)
    if not isinstance(what, Convolution) or not is_biased_by_map(sized):
        return None
    found = learning(what, int(sized.shapes[0][0]), threads, widest(here))
    if found is None:
        return None
    squares = what.filters, what.channels, *what.window.taps[1:]
    return Lesson(found, what.shape, what.order, squares, tuple(map(int, sized.result_shape)))


class _Learned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Lesson, plain: Plain, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.own, ctx.plain = own, plain
        y = own.learning.forward(_array(x), _array(own.laid(w)), None if bias is None else _array(bias))
        return torch.from_numpy(y).view(own.y)

    @staticmethod
    def backward(ctx: Any, *seeds: Tensor) -> tuple[Tensor | None, ...]:
        (seed,), (x, w), own = seeds, ctx.saved_tensors, ctx.own
        wants_x, wants_w, wants_bias = ctx.needs_input_grad[2:]
        bias = seed.sum([axis for axis in range(seed.ndim) if axis != 1]) if wants_bias else None
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            wanted = [array for array, needed in ((x, wants_x), (w, wants_w)) if needed]
            found = list(torch.autograd.grad(ctx.plain(x, w), wanted, seed, create_graph=True)) if wanted else []
            return None, None, found.pop(0) if wants_x else None, found.pop(0) if wants_w else None, bias
        laid = _array(own.laid(w))
        dx, dw = own.learning.backward(_array(seed), _array(x), laid, wants_x, wants_w)
        return None, None, None if dx is None else torch.from_numpy(dx).view(x.shape), None if dw is None else own.back(dw, w), bias


def _array(x: Tensor) -> Any:
    """The values in order, as NumPy sees them."""
    return x.detach().contiguous().resolve_neg().numpy()
