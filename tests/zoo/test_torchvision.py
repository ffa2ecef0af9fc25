"""The zoo against torchvision's same architectures: our arrays in their modules, the same outputs, the same published counts."""

import numpy as np
import pytest
import torch
from torchvision_models import models

from slidesum.laws.graph import totals
from slidesum.run.network import initial_values, run
from slidesum.zoo import build
from slidesum.zoo.inception_v3 import inception_v3
from slidesum.zoo.mobilenet_v2 import mobilenet_v2
from slidesum.zoo.r3d import r3d18
from slidesum.zoo.resnet import resnet
from slidesum.zoo.squeezenet import squeezenet
from slidesum.zoo.vgg import vgg

# small images where the network ends in global pooling; VGG's linear layers need the full size
SAME = {
    "resnet18": (lambda: resnet(18, side=64), models.resnet18),
    "resnet34": (lambda: resnet(34, side=64), models.resnet34),
    "resnet50": (lambda: resnet(50, side=64), models.resnet50),
    "resnet101": (lambda: resnet(101, side=64), models.resnet101),
    "resnet152": (lambda: resnet(152, side=64), models.resnet152),
    "mobilenet-v2": (lambda: mobilenet_v2(side=64), models.mobilenet_v2),
    "mobilenet-v2 of width 1.4": (lambda: mobilenet_v2(width=1.4, side=64), lambda: models.mobilenet_v2(width_mult=1.4)),
    "mobilenet-v2 of width 0.35": (lambda: mobilenet_v2(width=0.35, side=64), lambda: models.mobilenet_v2(width_mult=0.35)),
    "r3d18": (lambda: r3d18(frames=8, side=32), models.video.r3d_18),
    "squeezenet": (lambda: squeezenet(side=96), models.squeezenet1_0),
    "inception-v3": (lambda: inception_v3(side=99), lambda: models.inception_v3(aux_logits=False, init_weights=False)),
    "vgg16": (lambda: vgg(16), models.vgg16),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_outputs(name):
    ours, theirs = SAME[name]
    graph = ours()
    values = _values(graph)
    with torch.device("meta"):
        module = theirs()
    assert totals(graph).parameters == sum(p.numel() for p in module.parameters())
    module = _loaded(module, values).eval()
    x = torch.randn(1, *graph.inputs[0].shape[1:], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = module(x)
    found = run(graph, values, x)[graph.output.name]
    assert wanted.std() > 1e-3  # that they agree says something
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def _values(graph):
    """Arrays as at the beginning, filters large enough that signals reach the end, and statistics that do something."""
    random = np.random.default_rng(0)
    values = initial_values(graph)
    for name, array in values.items():
        match name.rpartition(".")[2]:
            case "w":
                array *= 6**0.5  # uniform within ±1/sqrt(fan_in) becomes the variance that keeps a ReLU network's signals alive
            case "mean" | "shift":
                array[:] = random.normal(scale=0.1, size=array.shape)
            case "variance" | "scale":
                array[:] = random.uniform(0.5, 1.5, size=array.shape)
    return values


def _loaded(module, values):
    """The arrays, in order, in a module without memory of its own: torchvision registers layers as they are computed."""
    arrays = iter(values.values())
    state = {}
    for name, held in module.state_dict().items():
        state[name] = torch.tensor(0) if name.endswith("num_batches_tracked") else torch.as_tensor(next(arrays)).reshape(held.shape)
    assert next(arrays, None) is None
    module.load_state_dict(state, assign=True)
    return module


# what torchvision's weights say of themselves: parameters, and billions of operations, which are multiply-adds
PUBLISHED = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vgg11", "vgg13", "vgg16", "vgg19", "mobilenet-v2", "r3d18"
)  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name):
    published = models.get_model_weights({"r3d18": "r3d_18"}.get(name, name.replace("-", "_"))).DEFAULT.meta
    total = totals(build(name))
    assert (total.parameters, round(total.macs / 1e9, 3)) == (published["num_params"], published["_ops"])


def test_published_counts_of_others():
    squeeze = models.get_model_weights("squeezenet1_0").DEFAULT.meta
    total = totals(build("squeezenet"))
    assert (total.parameters, round(total.macs / 1e9, 3)) == (squeeze["num_params"], squeeze["_ops"])
    inception = models.get_model_weights("inception_v3").DEFAULT.meta  # parameters with the auxiliary head, operations without
    assert totals(inception_v3(auxiliary=True)).parameters == inception["num_params"]
    assert round(totals(inception_v3()).macs / 1e9, 3) == inception["_ops"]
