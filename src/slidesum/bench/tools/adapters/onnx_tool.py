"""onnx-tool: the module is exported by torch, and the tool profiles the file."""

from __future__ import annotations

import io
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import torch

from slidesum.bench.tools.tool import Figures, Tool, whole

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum")


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its total, and with all operators excluded that are no products."""
    import onnx_tool

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        path = Path(folder) / "module.onnx"
        torch.onnx.export(module, (example,), path, dynamo=True, verbose=False)
        printed = _profiled(path, set(onnx_tool.NoMacsOps))
        others = {node.op_type for node in onnx_tool.loadmodel(str(path)).graph.nodemap.values()} - set(PRODUCTS)
        return Figures(whole(printed), whole(_profiled(path, others)))


def _profiled(path: Path, excluded: set[str]) -> float:
    import onnx_tool

    graph = onnx_tool.loadmodel(str(path), {"verbose": False}).graph
    graph.graph_reorder_nodes()
    graph.shape_infer()
    graph.profile(exclude_ops=excluded)
    return float(graph.macs[0])


TOOL = Tool(
    "onnx-tool",
    "onnx-tool",
    "“macs” of every operator, an exponential counting 32, biases counted",
    "all operators but Conv, ConvTranspose, Gemm, MatMul and Einsum excluded (`exclude_ops`)",
    count,
)
