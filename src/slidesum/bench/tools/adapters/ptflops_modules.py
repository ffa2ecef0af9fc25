"""ptflops with its default backend, which hooks modules and patches functions."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import nn

from slidesum.bench.tools.tool import Figures, Refusal, Tool, whole

NO_PRODUCTS = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.ReLU, nn.GELU]


def ask(module: torch.nn.Module, example: torch.Tensor, backend: str, ignored: list[type[nn.Module]]) -> float:
    """Its number of multiply-adds. It prints what went wrong, and returns None: that is raised as a Refusal here."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("torchvision", None)  # optional there, and not loadable beside every torch
    from ptflops import get_model_complexity_info

    said = io.StringIO()
    with redirect_stdout(said):
        macs, _ = get_model_complexity_info(
            module,
            (1,),
            input_constructor=lambda _: example,
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
            ignore_modules=ignored,
        )
    if macs is None:
        raise Refusal(said.getvalue().strip().splitlines()[-1])
    return float(macs)


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """A sample's number; times the batch, and with the modules ignored that are no products."""
    return Figures(whole(ask(module, example, "pytorch", [])), whole(batch * ask(module, example, "pytorch", NO_PRODUCTS)))


TOOL = Tool(
    "ptflops",
    "ptflops",
    "“macs” of one sample: divided by the batch, biases, activations, normalisation and elementwise products counted",
    "times the batch; modules of normalisation and activation ignored (`ignore_modules`)",
    count,
)
