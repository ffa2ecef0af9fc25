"""Nothing is read or written outside: every array of a program lies between pages that nobody may touch.

A process that touches one is stopped by the system, so that the networks are computed in one of their own.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from test_whole import error, inputs, spread

import slidesum as ss
from slidesum.engine.whole import network, program
from slidesum.engine.whole.plan import Plan
from slidesum.engine.whole.program import Program

CONVOLUTION = "b c i+u-1 j+v-1, o c u v -> b o i j"
KEPT: list[mmap.mmap] = []


def fenced(size: int, high: bool) -> np.ndarray:
    """So many bytes with forbidden pages before and behind them; they end where the one behind begins, or begin after the first."""
    pages = -(-max(1, size) // mmap.PAGESIZE)
    KEPT.append(mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE))
    whole = np.frombuffer(KEPT[-1], np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    for page in (0, pages + 1):
        assert protect(ctypes.c_void_p(whole.ctypes.data + page * mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
    begin = (pages + 1) * mmap.PAGESIZE - size if high else mmap.PAGESIZE
    return whole[begin : begin + size]


def copied(array: np.ndarray, high: bool) -> np.ndarray:
    made = fenced(array.nbytes, high).view(array.dtype).reshape(array.shape)
    made[...] = array
    return made


def first_layer(net: ss.Network) -> None:
    x = net.input("b c i j", b=2, c=3, i=19, j=23)
    net.conv(x, "b c 2*i+u-3 2*j+v-3, o c u v -> b o i j", o=20, u=7, v=7, bias="o")


def sums_and_poolings(net: ss.Network) -> None:
    x = net.activation(net.input("b c i j", b=1, c=17, i=13, j=11), "relu")
    x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=33, u=3, v=3, bias="o")
    x = net.norm(net.pool(x, "max b c 2*i+u 2*j+v -> b c i j", u=3, v=3), "lrn", size=5)
    net.linear(net.pool(x, "mean b c i+u-1 j+v-1 -> b c i j", u=3, v=3), 10)


def one_wide(net: ss.Network) -> None:
    x = net.activation(net.input("b c i j", b=2, c=18, i=1, j=9), "relu")
    net.conv(net.conv(x, CONVOLUTION, o=5, u=3, v=3), CONVOLUTION, o=40, u=3, v=3)


def winograd(net: ss.Network) -> None:
    x = net.input("b c i j", b=1, c=64, i=29, j=31)
    for _ in range(2):
        y = net.conv(x, CONVOLUTION, o=64, u=3, v=3, bias="o")
        x = net.activation(net.add(net.conv(y, CONVOLUTION, o=64, u=3, v=3), x), "relu")
    net.pool(net.conv(x, CONVOLUTION, o=48, u=3, v=3), "max b c 2*i+u 2*j+v -> b c i j", u=2, v=2)


def separable(net: ss.Network) -> None:
    x = net.activation(net.input("b c i j", b=2, c=40, i=15, j=13), "relu")
    for stride, filters in ((1, 23), (2, 64)):
        x = net.conv(x, f"b c {stride}*i+u-1 {stride}*j+v-1, c u v -> b c i j", u=3, v=3, bias="c")
        x = net.conv(net.activation(x, "relu6"), "b c i j, o c -> b o i j", o=filters, bias="o")
    net.conv(x, "b c i+u j+v, c u v -> b c i j", u=5, v=5)


def joined(net: ss.Network) -> None:
    x = net.activation(net.input("b c i j", b=1, c=16, i=9, j=9), "relu")
    parts = [net.conv(x, "b c i j, o c -> b o i j", o=o) for o in (16, 32, 7)]
    net.conv(net.concat(parts), "b (g c) i+u-1 j+v-1, (g o) c u v -> b (g o) i j", g=5, o=3, u=3, v=3)


NETWORKS = (first_layer, sums_and_poolings, one_wide, winograd, separable, joined)


def compute(name: str, high: bool) -> None:
    """One of them, with its memory, its weights, its tables, its inputs and results behind fences."""

    def made(plan: Plan, *others) -> Program:
        for k, part in enumerate(plan.parts):
            own = {n: copied(a, high) if isinstance(a, np.ndarray) else a for n, a in part.numbers.items()}
            plan.parts[k] = replace(part, numbers=own)
        return Program(plan, *others)

    def memory(size: int) -> tuple[np.ndarray, int]:
        held = fenced(size, high)
        return held, held.ctypes.data

    network.Program, program._aligned = made, memory
    net = ss.Network(name)
    next(grow for grow in NETWORKS if grow.__name__ == name)(net)
    fast = spread(net).compile(threads=2)
    shapes = fast.native.program.outputs
    fast.native.program.results = lambda: [copied(np.empty(shape, np.float32), high) for shape in shapes]
    for _ in range(2):
        assert error(net, fast, [copied(x, high) for x in inputs(net)]) <= 1e-5


def run(*arguments: str) -> int:
    return subprocess.run([sys.executable, __file__, *arguments], timeout=120).returncode


@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is protected otherwise on this system")
class TestFences:
    @pytest.mark.parametrize("side", ["high", "low"])
    def test_nothing_outside(self, side: str):
        assert run(side, *(grow.__name__ for grow in NETWORKS)) == 0

    @pytest.mark.parametrize("side", ["high", "low"])
    def test_they_stop_a_process(self, side: str):
        """One value beyond is one too many."""
        assert run(side) in (-signal.SIGSEGV, -signal.SIGBUS)


def main(side: str, *names: str) -> None:
    for name in names:
        compute(name, side == "high")
    if not names:
        at = fenced(64, side == "high").ctypes.data
        ctypes.memset(at + 64 if side == "high" else at - 1, 0, 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
