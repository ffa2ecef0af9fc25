"""The zoo by name."""

import re

import pytest

from slidesum.core.sizes import substitute
from slidesum.errors import UsageError
from slidesum.laws.graph import totals
from slidesum.zoo import ZOO, build

NAMES = (
    "lenet5, alexnet, alexnet-one-tower, nin, vgg11, vgg13, vgg16, vgg19, googlenet, googlenet-auxiliary, inception-v3, "
    "resnet18, resnet34, resnet50, resnet101, resnet152, squeezenet, mobilenet, mobilenet-v2, maxout, r3d18, unet, "
    "type-1, type-2.1, type-2.2"
)


def test_names():
    assert list(ZOO) == NAMES.split(", ")
    assert [build(name).name for name in ZOO] == list(ZOO)


def test_an_unknown_name():
    told = f"""the zoo has no network 'lenet-5'
  It has {NAMES}.
  Did you mean 'lenet5'?"""
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        build("lenet-5")
    with pytest.raises(UsageError, match=re.escape("Write one of these names.")):
        build("")


def test_options():
    assert build("resnet18", width="1/2", side=64, classes=10, batch=8)["5-2/add"].shape == (8, 256, 2, 2)
    assert build("mobilenet", width=1, side=224).symbols == ()
    told = "vgg11 has no option 'depth'\n  Its options are width, side, classes, batch.\n  Take it away, or write one of them."
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        build("vgg11", depth=3)
    told = "lenet5 has no option 'width'\n  Its options are none.\n  Take it away, or write one of them."
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        build("lenet5", width=2)


@pytest.mark.parametrize("name", sorted(set(ZOO) - {"lenet5", "type-1", "type-2.1", "type-2.2"}))
def test_in_a_symbolic_width_and_batch(name):
    """The formulas give the published counts back at width one; MobileNet v2 rounds its maps for numbers only."""
    wide = build(name, width="a", batch="n")
    plain = build(name, width=1)
    ones = dict.fromkeys(wide.symbols, 1)
    sizes = dict.fromkeys(plain.symbols, 1)
    assert {"a", "n"} <= set(wide.symbols)
    for count in ("parameters", "macs"):
        assert substitute(getattr(totals(wide), count), ones) == substitute(getattr(totals(plain), count), sizes)
