"""Every network of the zoo runs on NumPy and torch alike, and trains: thin and on small inputs, all layers there."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from slidesum.core.ops import Dropout
from slidesum.draft.replay import with_sizes
from slidesum.run.network import initial_values, run
from slidesum.torch import NetworkModule
from slidesum.zoo import ZOO
from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.googlenet import googlenet
from slidesum.zoo.inception_v3 import inception_v3
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.maxout import maxout
from slidesum.zoo.mobilenet import mobilenet
from slidesum.zoo.mobilenet_v2 import mobilenet_v2
from slidesum.zoo.nin import nin
from slidesum.zoo.question import question
from slidesum.zoo.r3d import r3d18
from slidesum.zoo.resnet import resnet
from slidesum.zoo.squeezenet import squeezenet
from slidesum.zoo.unet import unet
from slidesum.zoo.vgg import vgg

SMALL = {
    "lenet5": lenet5,
    "alexnet": lambda: alexnet(width="1/16", side=67, classes=10),
    "alexnet-one-tower": lambda: alexnet(1, width="1/16", side=67, classes=10),
    "nin": lambda: nin(width="1/16", side=16),
    **{f"vgg{n}": lambda n=n: vgg(n, width="1/16", side=32, classes=10) for n in (11, 13, 16, 19)},
    "googlenet": lambda: googlenet(width="1/4", side=64, classes=10),
    "googlenet-auxiliary": lambda: googlenet(auxiliary=True, width="1/8", side=80, classes=10),
    "inception-v3": lambda: inception_v3(width="1/16", side=75, classes=10),
    **{f"resnet{n}": lambda n=n: resnet(n, width="1/16", side=32, classes=10) for n in (18, 34, 50, 101, 152)},
    "squeezenet": lambda: squeezenet(width="1/4", side=64, classes=10),
    "mobilenet": lambda: with_sizes(mobilenet(width="alpha", side="224*rho", classes=10), {"alpha": "1/8", "rho": "1/7"}),
    "mobilenet-v2": lambda: mobilenet_v2(width="1/2", side=32, classes=10),
    "maxout": lambda: maxout(width="1/4", side=16),
    "r3d18": lambda: r3d18(width="1/16", frames=4, side=32, classes=10),
    "unet": lambda: unet(width="1/16", side=188, classes=10),
    **{f"type-{kind}": lambda kind=kind: question(kind, k1=2, k2=3, n=8, m=8) for kind in ("1", "2.1", "2.2")},
}


def test_every_network_is_there():
    assert list(SMALL) == list(ZOO)


@pytest.mark.parametrize("name", SMALL)
def test_numpy_and_torch_agree_and_a_step_of_training_helps(name):
    graph = SMALL[name]()
    assert [node.name for node in graph] == [node.name for node in ZOO[name]()]  # nothing is left out but size
    random = np.random.default_rng(0)
    images = random.normal(size=(4, *graph.inputs[0].shape[1:]))
    values = initial_values(graph, dtype="float64")
    module = NetworkModule(graph, values).double()
    module.load_values(values)

    module.eval()
    with torch.no_grad():
        ours = module.activations(torch.as_tensor(images))
    for node, array in zip(graph, run(graph, values, images).values(), strict=True):
        np.testing.assert_allclose(array, ours[node.name].numpy(), rtol=1e-6, atol=1e-9)

    module.train()
    before = _loss(module, images)
    before.backward()
    for parameter_name, parameter in module.named_parameters():
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name
    slope = sum((p.grad**2).sum() for p in module.parameters())
    step = 1e-3 * before.detach() / slope  # what the tangent promises is a loss smaller by a thousandth
    with torch.no_grad():
        for parameter in module.parameters():
            parameter -= step * parameter.grad
    after = _loss(module, images)
    assert after < before
    torch.testing.assert_close(before - after, 1e-3 * before.detach(), rtol=0.5, atol=0)


def _loss(module, images):
    """The sum over all outputs, as GoogLeNet's heads are trained; the same dropout each time."""
    torch.manual_seed(0)
    found = module.activations(torch.as_tensor(images))
    outputs = [found[node.name] for node in module.graph.outputs]
    sign = -1 if module.graph.name == "lenet5" else 1  # whose outputs are penalties
    labels = torch.arange(len(images))
    return sum(functional.cross_entropy(sign * y.flatten(2).mean(2) if y.ndim > 2 else sign * y, labels) for y in outputs)


def test_the_heads_of_googlenet_are_outputs():
    graph = SMALL["googlenet-auxiliary"]()
    module = NetworkModule(graph, initial_values(graph)).eval()
    x = torch.zeros(2, 3, 80, 80)
    found = module.activations(x)
    wanted = [found[name] for name in ("linear", "aux1/fc2", "aux2/fc2")]
    assert [y.shape for y in wanted] == [(2, 10)] * 3
    assert all(map(torch.equal, module(x), wanted))


def test_dropout_is_where_the_papers_have_it():
    rates = {name: [node.op.rate for node in build() if isinstance(node.op, Dropout)] for name, build in ZOO.items()}
    assert {name: found for name, found in rates.items() if found} == {
        "alexnet": [0.5, 0.5],
        "alexnet-one-tower": [0.5, 0.5],
        "nin": [0.5, 0.5],
        **{f"vgg{n}": [0.5, 0.5] for n in (11, 13, 16, 19)},
        "googlenet": [0.4],
        "googlenet-auxiliary": [0.7, 0.7, 0.4],
        "inception-v3": [0.5],
        "squeezenet": [0.5],
        "mobilenet-v2": [0.2],
        "maxout": [0.2, 0.5, 0.5, 0.5, 0.5],
        "unet": [0.5, 0.5],
    }
