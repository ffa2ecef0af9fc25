"""calflops: the second of the three numbers of `calculate_flops`."""

from __future__ import annotations

import torch

from slidesum.bench.tools.tool import Figures, Tool, whole


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its multiply-adds, which leave biases and what is no product to its flops."""
    from calflops import calculate_flops

    _, macs, _ = calculate_flops(module, args=[example], kwargs={}, print_results=False, output_as_string=False)
    return Figures(whole(macs), whole(macs))


TOOL = Tool(
    "calflops",
    "calflops",
    "“macs”, beside its “flops”; only products",
    "nothing",
    count,
)
