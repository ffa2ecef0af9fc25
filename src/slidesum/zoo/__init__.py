"""Networks of the literature, and the one of the question. A family is a function, with a width, a side and more as its options."""

from slidesum.zoo.alexnet import alexnet
from slidesum.zoo.catalogue import ZOO, build
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
from slidesum.zoo.vgg import vgg

__all__ = [
    "TYPES",
    "ZOO",
    "alexnet",
    "build",
    "googlenet",
    "inception_v3",
    "lenet5",
    "maxout",
    "mobilenet",
    "mobilenet_v2",
    "nin",
    "question",
    "r3d18",
    "resnet",
    "squeezenet",
    "unet",
    "vgg",
]
