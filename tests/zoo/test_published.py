"""The zoo against the published tables, and exact counts where the print rounds or errs.

The facts are copied from papers as each comment says; what is exact was recomputed by hand from the papers' layer sizes.
"""

import re

import pytest

from slidesum.core.ops import Layer
from slidesum.draft.replay import with_sizes
from slidesum.errors import SizeError, UsageError
from slidesum.laws.graph import node_counts, totals
from slidesum.zoo import ZOO, build
from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.catalogue import DEPTHS
from slidesum.zoo.resnet import resnet
from slidesum.zoo.unet import unet
from slidesum.zoo.vgg import vgg


def counted(graph):
    """Parameters and multiply-adds of a network."""
    total = totals(graph)
    return total.parameters, total.macs


# By hand from the layer sizes that the papers print; VGG, ResNet, MobileNet v2 and R3D agree with torchvision's `num_params`.
EXACT = {
    "lenet5": (60_000, None),
    "alexnet": (60_965_224, 724_406_816),
    "alexnet-one-tower": (62_378_344, 1_135_256_096),
    "nin": (966_986, 222_486_528),
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "googlenet": (6_998_552, 1_582_671_872),
    "googlenet-auxiliary": (6_998_552 + 3_188_840 + 3_190_888, 1_582_671_872 + 4_169_728 + 4_202_496),
    "inception-v3": (23_834_568, 5_713_216_096),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet101": (44_549_160, 7_801_405_440),
    "resnet152": (60_192_808, 11_513_626_624),
    "squeezenet": (1_248_424, 818_924_576),
    "mobilenet-v2": (3_504_872, 300_774_272),
    "maxout": (16_247_830, 732_290_696),
    "r3d18": (33_371_472, 40_696_553_472),
    "unet": (31_030_658, 150_428_424_448),
}


@pytest.mark.parametrize("name", EXACT)
def test_totals(name):
    parameters, macs = counted(build(name))
    assert parameters == EXACT[name][0]
    assert EXACT[name][1] is None or macs == EXACT[name][1]


def test_every_network_is_held_to_numbers():
    assert set(ZOO) == {*EXACT, "mobilenet", "type-1", "type-2.1", "type-2.2"}


# AlexNet. Krizhevsky et al. 2012, sections 3.3 to 3.5: maps, parameters, macs; ungrouped parameters and macs.
ALEXNET = {
    "conv1": ((96, 55, 55), 34944, 105415200, 34944, 105415200),
    "pool1": ((96, 27, 27), 0, 0, 0, 0),
    "conv2": ((256, 27, 27), 307456, 223948800, 614656, 447897600),
    "pool2": ((256, 13, 13), 0, 0, 0, 0),
    "conv3": ((384, 13, 13), 885120, 149520384, 885120, 149520384),
    "conv4": ((384, 13, 13), 663936, 112140288, 1327488, 224280576),
    "conv5": ((256, 13, 13), 442624, 74760192, 884992, 149520384),
    "pool5": ((256, 6, 6), 0, 0, 0, 0),
    "fc6": ((4096,), 37752832, 37748736, 37752832, 37748736),
    "fc7": ((4096,), 16781312, 16777216, 16781312, 16777216),
    "fc8": ((1000,), 4097000, 4096000, 4097000, 4096000),
}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("name", ALEXNET)
def test_alexnet(groups, name):
    node = alexnet(groups)[name]
    shape, *rest = ALEXNET[name]
    assert node.shape == (1, *shape)
    found = node_counts(node)
    assert [found.parameters, found.macs] == (rest[:2] if groups == 2 else rest[2:])


def test_alexnet_neurons_and_kernels():
    net = alexnet()
    neurons = {node.name: node_counts(node).outputs for node in net if node_counts(node).parameters}
    assert sum(neurons.values()) == 659_272  # abstract: 650,000
    # Figure 2 prints 253440 for the first of them, and these for the others
    assert list(neurons.values()) == [290400, 186624, 64896, 64896, 43264, 4096, 4096, 1000]
    # section 3.5: 5×5×48, 3×3×256, 3×3×192, 3×3×192
    kernels = {f"conv{n}": net[f"conv{n}"].sized.shapes[1] for n in range(1, 6)}
    assert kernels == {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
    }


# VGG. Simonyan and Zisserman 2014, Table 2: millions of parameters.
@pytest.mark.parametrize(("layers", "printed"), [(11, 133), (13, 133), (16, 138), (19, 144)])
def test_vgg(layers, printed):
    net = vgg(layers)
    assert abs(totals(net).parameters / 1e6 - printed) < 0.5
    assert sum(1 for node in net if node_counts(node).parameters) == layers
    assert net["pool5"].shape == (1, 512, 7, 7)


def test_vgg_convolutions_alone():
    # He et al. 2015, section 4.1: "VGG-16/19 nets (15.3/19.6 billion FLOPs)"
    assert sum(node_counts(n).macs for n in vgg(16) if n.name.startswith("conv")) == 15_346_630_656
    assert sum(node_counts(n).macs for n in vgg(19) if n.name.startswith("conv")) == 19_508_428_800
    assert round(totals(vgg(19)).macs / 1e9, 1) == 19.6


# ResNet. He et al. 2015, Table 1: billions of multiply-adds.
@pytest.mark.parametrize(
    ("layers", "printed", "macs"),
    [
        (18, 1.8, 1_814_073_344),
        (34, 3.6, 3_663_761_408),
        (50, 3.8, 3_857_973_248),
        (101, 7.6, 7_570_194_432),
        (152, 11.3, 11_282_415_616),
    ],
)
def test_resnet_as_in_the_paper(layers, printed, macs):
    total = totals(resnet(layers, style="paper"))
    assert total.macs == macs
    assert abs(macs / 1e9 - printed) < 0.1
    assert total.parameters == EXACT[f"resnet{layers}"][0]  # where the stride stands changes no weight


def test_resnet34_without_projections():
    """Table 1's 3.6·10⁹ is with option A, shortcuts without weights."""
    net = resnet(34)
    projections = sum(node_counts(node).macs for node in net if node.name.endswith("/project"))
    assert projections == 3 * 6_422_528
    assert round((totals(net).macs - projections) / 1e9, 2) == 3.64


# U-Net. Ronneberger et al. 2015, Figure 1: the sides of all maps.
UNET = {
    "down1": (572, 570, 568, 64),
    "down2": (284, 282, 280, 128),
    "down3": (140, 138, 136, 256),
    "down4": (68, 66, 64, 512),
    "down5": (32, 30, 28, 1024),
    "up4": (56, 54, 52, 512),
    "up3": (104, 102, 100, 256),
    "up2": (200, 198, 196, 128),
    "up1": (392, 390, 388, 64),
}


@pytest.mark.parametrize("level", UNET)
def test_unet(level):
    net = unet()
    before, first, second, maps = UNET[level]
    assert net[f"{level}/conv1"].sized.shapes[0][2:] == (before, before)
    assert net[f"{level}/relu1"].shape == (1, maps, first, first)
    assert net[f"{level}/relu2"].shape == (1, maps, second, second)
    if level.startswith("up"):
        assert net[f"{level}/concat"].shape == (1, 2 * maps, before, before)


def test_unet_layers_and_sides():
    net = unet()
    assert sum(1 for node in net if node_counts(node).parameters) == 23  # section 2: "in total the network has 23"
    assert net.output.shape == (1, 2, 388, 388)
    grown = unet(side="16*s + 12")
    assert [str(n) for n in grown.output.shape] == ["1", "2", "16*s - 172", "16*s - 172"]
    assert totals(with_sizes(grown, {"s": 35})).macs == totals(net).macs


@pytest.mark.parametrize("side", [573, 172, "n", "8*s + 4"])
def test_unet_refuses_sides_that_cannot_be_halved(side):
    told = f"""a U-Net can't halve an image of {side} four times
  Its sides are even at every pooling when the image has 16·s + 12, and at least 188.
  Write side=572, or side="16*s + 12"."""
    with pytest.raises(SizeError, match=f"^{re.escape(told)}$"):
        unet(side=side)


@pytest.mark.parametrize(("layers", "name"), [(n, name) for family in DEPTHS.values() for n, name in family.items()])
def test_depths(layers, name):
    counted = [node.name for node in build(name) if isinstance(node.op, Layer) and node_counts(node).weights]
    assert len([name for name in counted if not name.endswith("/project")]) == layers  # shortcuts aren't counted in the name


def test_unknown_members():
    told = "there is no VGG with 12 layers\n  There are 11, 13, 16, 19.\n  Write vgg(16)."
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        vgg(12)
    told = (
        "there is no ResNet of 50 layers in style '7x7'\n"
        "  There are 18, 34, 50, 101, 152, 200 layers, and the styles 3x3, paper, last.\n  Write resnet(50)."
    )
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        resnet(50, style="7x7")
