"""Networks of torchvision: parameters and multiply-adds as published with their weights, outputs as torch computes them."""

import pytest
import torch

from slidesum.api.network import Network
from slidesum.read.torch_model import read_module

SHAPES = {
    **dict.fromkeys(("alexnet", "vgg11_bn", "googlenet", "resnet50", "resnext50_32x4d", "wide_resnet50_2"), (3, 224, 224)),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "densenet121"), (3, 224, 224)),
    **dict.fromkeys(("shufflenet_v2_x1_0", "convnext_tiny", "vit_b_16", "swin_t"), (3, 224, 224)),
    **dict.fromkeys(("r3d_18", "r2plus1d_18"), (3, 16, 112, 112)),
}
SMALL = {
    "googlenet": (3, 64, 64), "mobilenet_v3_large": (3, 64, 64), "densenet121": (3, 64, 64), "shufflenet_v2_x1_0": (3, 64, 64),
    "convnext_tiny": (3, 64, 64), "swin_t": (3, 64, 64), "efficientnet_b0": (3, 64, 64), "r3d_18": (3, 4, 32, 32),
}  # fmt: skip
"""What is run here; bench/reading.py runs all of them in full size."""


def built(torchvision, name, **options):
    """The network without trained weights, and without the towers that only training uses."""
    more = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, **more, **options).eval()


def published(torchvision, name):
    """What stands beside the first weights: numbers of parameters, and 10^9 multiply-adds with three decimals."""
    for weights in torchvision.models.get_model_weights(name):
        if weights.name in ("DEFAULT", "IMAGENET1K_V1", "KINETICS400_V1"):
            return weights.meta["num_params"], weights.meta["_ops"]
    raise AssertionError(name)


@pytest.mark.parametrize("name", SHAPES)
def test_counts_are_those_published(torchvision, name):
    with torch.device("meta"):
        module = built(torchvision, name)
    read = read_module(module.to_empty(device="cpu"), [torch.empty(1, *SHAPES[name])])
    assert (read.reader, read.unsupported, read.notes) == ("recorded run", (), ())
    net = Network.of(read.graph)
    assert (net.parameters, round(net.macs / 1e9, 3)) == published(torchvision, name)


@pytest.mark.parametrize("name", SMALL)
def test_outputs_are_those_of_torch(torchvision, name):
    torch.manual_seed(0)
    module = built(torchvision, name)
    for one in module.modules():
        if isinstance(one, torch.nn.modules.batchnorm._BatchNorm):
            one.running_mean.uniform_(-0.1, 0.1)
            one.running_var.uniform_(0.5, 1.5)
    shape = SMALL[name]
    read = read_module(module, [torch.empty(1, *shape)])
    x = torch.rand(2, *shape)
    with torch.no_grad():
        wanted = module(x)
    found = Network.of(read.graph, read.values).run(x)[read.graph.output.name]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def test_swin_keeps_its_tables_of_positions(torchvision):
    """Biases by relative position are taken from a table that is trained, and counted once."""
    with torch.device("meta"):
        module = built(torchvision, "swin_t")
    read = read_module(module.to_empty(device="cpu"), [torch.empty(1, 3, 224, 224)])
    name = "features/1/0/attn/relative_position_bias_table"
    assert read.graph[name].shape == (169, 3)
    assert read.graph[name].op.trainable


def test_an_exported_swin_is_the_same(torchvision):
    """Its masks are made by the program, and overwritten in part, before anything of the input is met."""
    torch.manual_seed(0)
    module = torchvision.models.SwinTransformer([4, 4], 24, [2, 2], [3, 6], [7, 7]).eval()
    x = torch.rand(1, 3, 112, 112)
    read = read_module(module, [x], reader="torch.export")
    assert (read.reader, read.unsupported) == ("torch.export", ())
    net, recorded = Network.of(read.graph, read.values), read_module(module, [x])
    assert net.parameters == Network.of(recorded.graph).parameters == sum(p.numel() for p in module.parameters())
    assert net.macs == Network.of(recorded.graph).macs
    with torch.no_grad():
        wanted = module(x)
    torch.testing.assert_close(net.run(x)[net.graph.heads[0]], wanted, rtol=1e-4, atol=1e-5)
