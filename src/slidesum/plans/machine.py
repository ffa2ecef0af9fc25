"""What an array library can do, and how fast: all that a plan knows of the machine it is made for.

The numbers are nominal, for two cores of a current server; a plan compares, so their ratios matter and not their sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Method = Literal[
    "library",
    "channels-last",
    "direct",
    "unfolded",
    "taps",
    "fft",
    "transposed",
    "folded",
    "pooling",
    "windows",
    "matmul",
    "sum",
]
"""How one equation is computed:

    library        the array library's own convolution
    channels-last  the same, with the maps as the fastest axis
    direct         a kernel of our own, compiled for the processor (`slidesum.engine`): no window is copied
    unfolded       windows copied piece by piece into a small buffer, each piece one matrix product
    taps           one product or convolution of fewer axes a tap, summed up
    fft            products of spectra: rounds differently, so only where that is allowed
    transposed     the array library's own transposed convolution
    folded         a transposed convolution: products of matrices first, then what falls on one cell is summed, tap by tap
    pooling        the array library's own pooling
    windows        views of overlapping windows and one sum of products, in pieces that fit the memory
    matmul         nothing slides: one matrix product
    sum            one operand, nothing slides: a sum, mean, maximum or minimum over axes
"""
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Machine:
    """One array library on one kind of device.

    macs_per_second, bytes_per_second   what the best kernel and a copy reach
    call_seconds                        what a call costs that does nothing
    slid                                how many slid axes its convolution takes at most; 0 where it has none
    poolings                            the reductions that its pooling knows
    multiplies_by_convolving            whether a 1×1 convolution is no slower than a matrix product: it follows the layout of x
    efficiency                          by method, the share of `macs_per_second` that it reaches where nothing better is known
    """

    name: str
    macs_per_second: float = 115e9
    bytes_per_second: float = 20e9
    call_seconds: float = 5e-6
    slid: int = 0
    poolings: frozenset[str] = frozenset()
    multiplies_by_convolving: bool = False
    methods: frozenset[Method] = frozenset(METHODS)
    efficiency: Mapping[Method, float] = field(default_factory=dict, hash=False)
