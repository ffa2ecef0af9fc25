"""Networks of the literature, and the one of the question."""

from slidesum.zoo.catalogue import ZOO, build
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.question import TYPES, question

__all__ = ["TYPES", "ZOO", "build", "lenet5", "question"]
