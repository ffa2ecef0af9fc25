"""The zoo by name."""

import re

import pytest

from slidesum.errors import UsageError
from slidesum.zoo import ZOO, build

NAMES = (
    "lenet5, alexnet, alexnet-one-tower, nin, vgg11, vgg13, vgg16, vgg19, googlenet, googlenet-auxiliary, "
    "resnet18, resnet34, resnet50, resnet101, resnet152, mobilenet, mobilenet-v2, maxout, r3d18, unet, type-1, type-2.1, type-2.2"
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
