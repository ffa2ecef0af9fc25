"""Receptive fields against the table of Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks"
(Distill, 2019): field, stride and padding of the last maps, for chains and through branches.

resnet_v1 there is TF-Slim's, with the stride in the last block of a stage. Three of its networks aren't in the zoo. What a window
reaches doesn't depend on the number of maps, so they are written here with one map a branch, from their papers: Ioffe and Szegedy
2015 (v2), Szegedy et al. 2016 (v4 and Inception-ResNet-v2).
"""

import pytest

from slidesum.draft.verbs import Draft
from slidesum.laws.graph import reaches
from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.googlenet import googlenet
from slidesum.zoo.inception_v3 import inception_v3
from slidesum.zoo.mobilenet import mobilenet
from slidesum.zoo.resnet import resnet
from slidesum.zoo.vgg import vgg

WINDOW = {1: "b c i+u j+v, o c u v -> b o i j", 2: "b c 2*i+u 2*j+v, o c u v -> b o i j"}


class Thin:
    """A network of one map a branch, written as branches of windows: (1, 7) is 1×7, "3/2" halves, "3v" has no padding."""

    def __init__(self, side):
        self.net = Draft("thin")
        self.x = self.net.input("b c i j", b=1, c=1, i=side, j=side)

    def chain(self, x, *windows, maps=1):
        for window in windows:
            rows, columns = window if isinstance(window, tuple) else (int(str(window)[0]),) * 2
            stride = 2 if "/2" in str(window) else 1
            padding = "valid" if str(window).endswith("v") else "same"
            x = self.net.conv(x, WINDOW[stride], o=maps, u=rows, v=columns, padding=padding)
        return x

    def then(self, *windows):
        self.x = self.chain(self.x, *windows)
        return self

    def side_by_side(self, *branches, times=1):
        for _ in range(times):
            self.x = self.net.concat([self.chain(self.x, *branch) for branch in branches])
        return self

    def residual(self, *branches, times):
        for _ in range(times):
            joined = self.net.concat([self.chain(self.x, *branch) for branch in branches])
            self.x = self.net.add(self.x, self.chain(joined, 1, maps=self.x.shape[1]))
        return self


def inception_v2():
    net = Thin(224).then("7/2", "3/2", 1, 3, "3/2")
    plain, halving = ((1,), (1, 3), (1, 3, 3), (3, 1)), ((1, "3/2"), (1, 3, "3/2"), ("3/2",))
    for modules in (2, 4):
        net.side_by_side(*plain, times=modules).side_by_side(*halving)
    return net.side_by_side(*plain, times=2).net.graph


def inception_v4():
    net = Thin(299).then("3/2v", "3v", 3).side_by_side(("3/2v",), ("3/2v",))
    net.side_by_side((1, "3v"), (1, (1, 7), (7, 1), "3v")).side_by_side(("3/2v",), ("3/2v",))
    net.side_by_side((1,), (1, 3), (1, 3, 3), (3, 1), times=4).side_by_side(("3/2v",), (1, 3, "3/2v"), ("3/2v",))
    net.side_by_side((1,), (1, (1, 7), (7, 1)), (1, (7, 1), (1, 7), (7, 1), (1, 7)), (3, 1), times=7)
    net.side_by_side((1, "3/2v"), (1, (1, 7), (7, 1), "3/2v"), ("3/2v",))
    ends = ((1, 3), (3, 1))
    net.side_by_side((1,), *((1, end) for end in ends), *((1, (3, 1), (1, 3), end) for end in ends), (3, 1), times=3)
    return net.net.graph


def inception_resnet_v2():
    net = Thin(299).then("3/2v", "3v", 3, "3/2v", 1, "3v", "3/2v").side_by_side((1,), (1, 5), (1, 3, 3), (3, 1))
    net.residual((1,), (1, 3), (1, 3, 3), times=10).side_by_side(("3/2v",), (1, 3, "3/2v"), ("3/2v",))
    net.residual((1,), (1, (1, 7), (7, 1)), times=20)
    net.side_by_side((1, "3/2v"), (1, "3/2v"), (1, 3, "3/2v"), ("3/2v",))
    return net.residual((1,), (1, (1, 3), (3, 1)), times=10).then(1).net.graph


TABLE = {
    "alexnet_v2": (alexnet, "pool5", 195, 32, 64),
    "vgg_16": (lambda: vgg(16), "pool5", 212, 32, 90),
    "mobilenet_v1": (mobilenet, "pw14", 315, 32, 126),
    "mobilenet_v1_075": (lambda: mobilenet(width="3/4"), "pw14", 315, 32, 126),
    "resnet_v1_50": (lambda: resnet(50, style="last"), "5-3/add", 483, 32, 239),
    "inception_v2": (inception_v2, None, 699, 32, 318),
    "resnet_v1_101": (lambda: resnet(101, style="last"), "5-3/add", 1027, 32, 511),
    "inception_v3": (inception_v3, "7c/concat", 1311, 32, 618),
    "resnet_v1_152": (lambda: resnet(152, style="last"), "5-3/add", 1507, 32, 751),
    "resnet_v1_200": (lambda: resnet(200, style="last"), "5-3/add", 1763, 32, 879),
    "inception_v4": (inception_v4, None, 2071, 32, 998),
    "inception_resnet_v2": (inception_resnet_v2, None, 3039, 32, 1482),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name):
    build, layer, field, stride, padding = TABLE[name]
    graph = build()
    for axis in "ij":
        found = reaches(graph)[layer or graph.output.name][axis]
        assert (found.field, found.stride, found.padding) == (field, stride, padding)


def test_googlenet_by_hand():
    """In a module the 5×5 branch reaches farthest: four more cells at the module's stride. A pooling adds two."""
    found = {name: reach["i"] for name, reach in reaches(googlenet()).items()}
    assert (found["pool1"].field, found["pool2"].field) == (7 + 2 * 2, 11 + 2 * 4 + 2 * 4)
    field = 27 + 2 * 4 * 8 + 2 * 8  # 3a, 3b, pool3
    field += 5 * 4 * 16 + 2 * 16  # 4a to 4e, pool4
    field += 2 * 4 * 32  # 5a, 5b
    assert (found["5b/concat"].field, found["5b/concat"].stride) == (field, 32)


def test_where_a_resnet_has_its_strides():
    fields = {style: reaches(resnet(50, style=style))["5-3/add"]["i"].field for style in ("3x3", "paper", "last")}
    assert fields == {"3x3": 427, "paper": 483, "last": 483}
