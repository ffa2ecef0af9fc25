"""Networks that no library has as they were published, against the same written with torch's functions, layer by layer."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from slidesum.run.network import initial_values, run
from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.googlenet import MODULES, googlenet
from slidesum.zoo.maxout import maxout
from slidesum.zoo.nin import nin
from slidesum.zoo.unet import unet


class Arrays:
    """The arrays of a network, and the layers that use them, by name."""

    def __init__(self, graph):
        self.arrays = {name: torch.as_tensor(array) for name, array in initial_values(graph, dtype="float64").items()}

    def conv(self, x, name, **options):
        w = self.arrays[f"{name}.w"]
        w = w if w.ndim == 4 else w[:, :, None, None]
        return F.conv2d(x, w, self.arrays[f"{name}.bias"].flatten(), **options)

    def transposed(self, x, name):
        return F.conv_transpose2d(x, self.arrays[f"{name}.w"], self.arrays[f"{name}.bias"], stride=2)

    def linear(self, x, name):
        return F.linear(x.flatten(1), self.arrays[f"{name}.w"].flatten(1), self.arrays[f"{name}.bias"])


def alexnet_by_hand(a, x, groups):
    def normalised(x):  # torch divides alpha by the number of maps
        return F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)

    x = F.max_pool2d(normalised(a.conv(x, "conv1", stride=4).relu()), 3, 2)
    x = F.max_pool2d(normalised(a.conv(x, "conv2", padding=2, groups=groups).relu()), 3, 2)
    x = a.conv(x, "conv3", padding=1).relu()
    x = a.conv(x, "conv4", padding=1, groups=groups).relu()
    x = F.max_pool2d(a.conv(x, "conv5", padding=1, groups=groups).relu(), 3, 2)
    return a.linear(a.linear(a.linear(x, "fc6").relu(), "fc7").relu(), "fc8")


def nin_by_hand(a, x):
    for number, padding in ((1, 2), (2, 2), (3, 1)):
        x = a.conv(x, f"conv{number}", padding=padding).relu()
        x = a.conv(x, f"cccp{2 * number - 1}").relu()
        x = a.conv(x, f"cccp{2 * number}").relu()
        x = F.max_pool2d(x, 3, 2, ceil_mode=True) if number < 3 else x.mean((2, 3))
    return x


def maxout_by_hand(a, x):
    for name, padding, pool in (("h0", 4, 4), ("h1", 3, 4), ("h2", 3, 2)):
        x = a.conv(x, f"{name}/pieces", padding=padding)
        x = F.max_pool2d(torch.maximum(x[:, 0::2], x[:, 1::2]), pool, 2, ceil_mode=True)
    x = a.linear(x, "h3/pieces")
    return a.linear(x.reshape(len(x), -1, 5).amax(2), "y")


def googlenet_by_hand(a, x):
    def normalised(x):
        return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)

    def halved(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def head(x, name):
        x = a.conv(F.avg_pool2d(x, 5, 3), f"{name}/1x1").relu()
        return a.linear(a.linear(x, f"{name}/fc1").relu(), f"{name}/fc2")

    heads = []
    x = normalised(halved(a.conv(x, "conv1", stride=2, padding=3).relu()))
    x = halved(normalised(a.conv(a.conv(x, "conv2-reduce").relu(), "conv2", padding=1).relu()))
    for name in MODULES:
        three = a.conv(a.conv(x, f"{name}/3x3-reduce").relu(), f"{name}/3x3", padding=1)
        five = a.conv(a.conv(x, f"{name}/5x5-reduce").relu(), f"{name}/5x5", padding=2)
        pooled = a.conv(F.max_pool2d(x, 3, 1, 1), f"{name}/project")
        x = torch.cat([a.conv(x, f"{name}/1x1"), three, five, pooled], 1).relu()
        if name in ("4a", "4d"):
            heads.append(head(x, f"aux{len(heads) + 1}"))
        if name in ("3b", "4e"):
            x = halved(x)
    return (a.linear(x.mean((2, 3)), "linear"), *heads)


def unet_by_hand(a, x):
    def twice(x, name):
        return a.conv(a.conv(x, f"{name}/conv1").relu(), f"{name}/conv2").relu()

    skips = []
    for level in range(1, 5):
        x = twice(x, f"down{level}")
        skips.append(x)
        x = F.max_pool2d(x, 2)
    x = twice(x, "down5")
    for level in (4, 3, 2, 1):
        x = a.transposed(x, f"up{level}/transposed")
        edge = (skips[level - 1].shape[2] - x.shape[2]) // 2
        x = twice(torch.cat([skips[level - 1][:, :, edge:-edge, edge:-edge], x], 1), f"up{level}")
    return a.conv(x, "classes")


CASES = {
    "alexnet": (lambda: alexnet(width="1/8", side=99, classes=10), lambda a, x: alexnet_by_hand(a, x, 2)),
    "alexnet-one-tower": (lambda: alexnet(1, width="1/8", side=99, classes=10), lambda a, x: alexnet_by_hand(a, x, 1)),
    "nin": (lambda: nin(width="1/8"), nin_by_hand),
    "maxout": (lambda: maxout(width="1/4"), maxout_by_hand),
    "googlenet": (lambda: googlenet(auxiliary=True, width="1/4", side=96, classes=10), googlenet_by_hand),
    "unet": (lambda: unet(width="1/8", side=204), unet_by_hand),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_by_hand(name):
    build, by_hand = CASES[name]
    graph = build()
    arrays = Arrays(graph)
    x = torch.as_tensor(np.random.default_rng(1).normal(size=(2, *graph.inputs[0].shape[1:])))
    found = run(graph, {k: v.numpy() for k, v in arrays.arrays.items()}, x)
    wanted = by_hand(arrays, x)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(wanted) == len(graph.outputs)
    for node, y in zip(graph.outputs, wanted, strict=True):
        torch.testing.assert_close(found[node.name], y, rtol=1e-9, atol=1e-12)
