"""Networks of torchvision exported to ONNX: the same table as read from torch, totals as published, outputs as onnxruntime's."""

import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from slidesum.api.network import Network
from slidesum.core.ops import Dropout, Input
from slidesum.read.onnx import read_onnx
from slidesum.read.torch_model import read_module

SHAPES = {
    "squeezenet1_1": (3, 64, 64),
    "shufflenet_v2_x1_0": (3, 64, 64),
    "resnet18": (3, 64, 64),
    "mobilenet_v2": (3, 64, 64),
    "mobilenet_v3_large": (3, 64, 64),
    "efficientnet_b0": (3, 64, 64),
    "r3d_18": (3, 4, 32, 32),
}
"""What is exported here; bench/onnx_models.py exports twelve in full size."""
CALLED_BY_TURNS = {"shufflenet_v2_x1_0"}
"""Networks with operations between modules that torch and ONNX don't divide into the same calls."""


def built(torchvision, name):
    """The network with random statistics, so that no array is like another."""
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None).eval()
    for one in module.modules():
        if isinstance(one, torch.nn.modules.batchnorm._BatchNorm):
            one.running_mean.uniform_(-0.1, 0.1)
            one.running_var.uniform_(0.5, 1.5)
    return module


def exported(module, shape, path):
    """The file of the exporter that keeps batch norms, with any batch."""
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter is told to be the older one, and says so
        torch.onnx.export(
            module, (torch.zeros(1, *shape),), path, dynamo=False, dynamic_axes=axes, input_names=["input"],
            output_names=["output"], training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
    return path


def rows(graph, *, named):
    """What a table is made of; dropout, which the exporter leaves out, and names where they aren't asked for, left out."""
    kept = [node for node in graph if not isinstance(node.op, Dropout | Input)]
    return sorted((node.name if named else "", str(node.op), node.shape) for node in kept)


@pytest.mark.parametrize("name", SHAPES)
def test_networks(torchvision, name, tmp_path):
    module = built(torchvision, name)
    shape = SHAPES[name]
    path = exported(module, shape, tmp_path / "net.onnx")
    read = read_onnx(path, strict=True)
    net = Network.of(read.graph, read.values)
    assert net.parameters == torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
    both = read_module(module, [torch.empty(1, *shape)])
    named = name not in CALLED_BY_TURNS
    assert rows(read.graph, named=named) == rows(both.graph, named=named)
    assert net.macs == Network.of(both.graph).macs
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    (wanted,) = session.run(None, {"input": x})
    found = net.run(torch.from_numpy(x))[read.graph.output.name].numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * abs(wanted).max())


def test_the_exporter_through_torch_export(torchvision, tmp_path):
    """It folds batch norms into the convolutions before them."""
    module = built(torchvision, "resnet18")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (torch.zeros(1, 3, 64, 64),), tmp_path / "net.onnx", dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
    read = read_onnx(tmp_path / "net.onnx", strict=True)
    net = Network.of(read.graph, read.values)
    assert net.parameters == 11_689_512 - 4_800  # scale and shift of every map become a bias
    assert [node.name for node in read.graph][1:6] == ["conv1", "relu", "maxpool", "layer1/0/conv1", "layer1/0/relu"]
    x = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(net.run(x)[read.graph.output.name], module(x), rtol=1e-4, atol=1e-5)
