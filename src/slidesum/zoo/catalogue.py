"""What the zoo has, by name. Nothing is built before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from inspect import signature
from typing import Any

from slidesum.core.network import Graph
from slidesum.errors import UsageError
from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.googlenet import googlenet
from slidesum.zoo.inception_v3 import inception_v3
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.maxout import maxout
from slidesum.zoo.mobilenet import mobilenet
from slidesum.zoo.mobilenet_v2 import mobilenet_v2
from slidesum.zoo.nin import nin
from slidesum.zoo.question import TYPES, question
from slidesum.zoo.r3d import r3d18
from slidesum.zoo.resnet import resnet
from slidesum.zoo.squeezenet import squeezenet
from slidesum.zoo.unet import unet
from slidesum.zoo.vgg import STACKS, vgg

DEPTHS: Mapping[str, Mapping[int, str]] = {
    "vgg": {layers: f"vgg{layers}" for layers in STACKS},
    "resnet": {layers: f"resnet{layers}" for layers in (18, 34, 50, 101, 152)},
}
"""Families whose members differ in depth: layers with weights, and the name."""

ZOO: Mapping[str, Callable[..., Graph]] = {
    "lenet5": lenet5,
    "alexnet": alexnet,
    "alexnet-one-tower": partial(alexnet, groups=1),
    "nin": nin,
    **{name: partial(vgg, layers) for layers, name in DEPTHS["vgg"].items()},
    "googlenet": googlenet,
    "googlenet-auxiliary": partial(googlenet, auxiliary=True),
    "inception-v3": inception_v3,
    **{name: partial(resnet, layers) for layers, name in DEPTHS["resnet"].items()},
    "squeezenet": squeezenet,
    "mobilenet": partial(mobilenet, width="alpha", side="224*rho"),
    "mobilenet-v2": mobilenet_v2,
    "maxout": maxout,
    "r3d18": r3d18,
    "unet": unet,
    **{f"type-{kind}": partial(question, kind) for kind in TYPES},
}


def build(name: str, **options: Any) -> Graph:
    """The network of that name; `options` make another member of its family: width, side, classes, batch and more.

    >>> build("type-2.1")["conv2"].shape
    (1, k2, n, m)
    >>> build("googlenet", width="a", side="224*r")["5b/concat"].shape
    (1, 1024*a, 7*r, 7*r)

    Raises UsageError for an unknown name or option.
    """
    if name not in ZOO:
        near = get_close_matches(name, ZOO, n=1)
        raise UsageError(
            f"the zoo has no network {name!r}",
            usual=f"It has {', '.join(ZOO)}.",
            advice=f"Did you mean {near[0]!r}?" if near else "Write one of these names.",
        )
    known = signature(ZOO[name]).parameters
    unknown = next((option for option in options if option not in known), None)
    if unknown:
        raise UsageError(
            f"{name} has no option {unknown!r}",
            usual=f"Its options are {', '.join(known) or 'none'}.",
            advice="Take it away, or write one of them.",
        )
    return ZOO[name](**options)
