"""torchvision's networks exported to ONNX in full size and read: counts beside those published, outputs beside onnxruntime's.

python bench/onnx_models.py [NAME …]

Each is exported once into a temporary folder, by the exporter that keeps batch norms. "rows" says how many layers the tables from
ONNX and from torch have in common; dropout, which the exporter leaves out, isn't counted.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torchvision_models import shaken, torchvision

import slidesum as ss
from slidesum.core.network import Graph
from slidesum.core.ops import Dropout, Input

NAMES = (
    *("alexnet", "squeezenet1_1", "googlenet", "resnet18", "resnext50_32x4d", "densenet121", "mobilenet_v2", "mobilenet_v3_large"),
    *("efficientnet_b0", "regnet_y_400mf", "mnasnet1_0", "r3d_18"),
)


def exported(module: torch.nn.Module, shape: tuple[int, ...], path: Path) -> Path:
    """The file, with any batch."""
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter is told to be the older one, and says so
        torch.onnx.export(
            module, (torch.zeros(1, *shape),), path, dynamo=False, dynamic_axes=axes, input_names=["input"],
            output_names=["output"], training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
    return path


def rows(graph: Graph) -> Counter[tuple[str, str, str]]:
    """What a table is made of: name, what it does, shape."""
    return Counter((node.name, str(node.op), str(node.shape)) for node in graph if not isinstance(node.op, Dropout | Input))


def main() -> None:
    """A line a network."""
    models = torchvision().models
    heads = f"{'parameters':>12} {'published':>12} {'macs':>16} {'/1e9':>8} {'published':>9} {'rows':>11} {'error':>9} {'read':>7}"
    print(f"{'network':20} {heads}")
    for name in sys.argv[1:] or NAMES:
        more = {"init_weights": False} if name == "googlenet" else {}
        module = shaken(models.get_model(name, weights=None, **more))
        meta = next(iter(models.get_model_weights(name))).meta
        if name == "googlenet":  # published without the towers that only training uses
            module.aux1 = module.aux2 = None
        shape = (3, 16, 112, 112) if name == "r3d_18" else (3, 224, 224)
        with tempfile.TemporaryDirectory() as folder:
            path = exported(module, shape, Path(folder) / f"{name}.onnx")
            start = time.perf_counter()
            net = ss.load(path, strict=True)
            took = time.perf_counter() - start
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
            (wanted,) = session.run(None, {"input": x})
        found = net.run(torch.from_numpy(x))[net.graph.output.name].numpy()
        error = abs(found - wanted).max() / abs(wanted).max()
        here, there = rows(net.graph), rows(ss.load(module, input=(1, *shape)).graph)
        alike = f"{(here & there).total()}/{max(here.total(), there.total())}"
        counted = f"{net.parameters:>12,} {meta['num_params']:>12,} {net.macs:>16,} {net.macs / 1e9:>8.3f} {meta['_ops']:>9.3f}"
        print(f"{name:20} {counted} {alike:>11} {error:>9.1e} {took:>6.2f}s", flush=True)


if __name__ == "__main__":
    main()
