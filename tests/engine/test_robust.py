"""What else may happen to a compiled network: the smallest numbers there are, interrupts at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest
from test_whole import inputs

import slidesum as ss

LEAST = 2.0**-149
"""The smallest number in float32; its multiples up to 2^-126 are denormal."""


@pytest.mark.parametrize("kind", ["full", "depthwise", "separable", "point", "pool", "add", "linear"])
def test_denormal_numbers_are_kept(kind: str):
    """Whole multiples of the smallest number times whole weights: every sum is exact, if nothing is flushed to zero."""
    net = ss.Network("denormal")
    x = net.activation(net.input("b c i j", b=1, c=18, i=7, j=9), "leaky_relu")
    match kind:
        case "full":
            net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=20, u=3, v=3)
        case "depthwise":
            net.conv(x, "b c i+u-1 j+v-1, c u v -> b c i j", u=3, v=3)
        case "separable":
            y = net.conv(x, "b c i+u-1 j+v-1, c u v -> b c i j", u=3, v=3)
            net.conv(y, "b c i j, o c -> b o i j", o=20)
        case "point":
            net.conv(x, "b c i j, o c -> b o i j", o=20)
        case "pool":
            net.pool(x, "sum b c 2*i+u 2*j+v -> b c i j", u=2, v=2)
        case "add":
            net.add(x, net.pool(x, "max b c i+u-1 j+v-1 -> b c i j", u=3, v=3))
        case _:
            net.linear(x, 10, bias=False)
    random = np.random.default_rng(0)
    net.values = {name: random.integers(-3, 4, array.shape).astype("float32") for name, array in net.values.items()}
    image = (LEAST * random.integers(0, 100, inputs(net)[0].shape)).astype("float32")
    found = net.compile(threads=2, exact=True)(image)
    wanted = list(net.run(image.astype("float64")).values())[-1]
    assert 0 < np.abs(wanted).max() < 2.0**-126
    assert np.array_equal(found.astype("float64"), wanted)


INTERRUPTED = """
import random, signal, time
import numpy as np
import slidesum as ss
from slidesum.zoo.catalogue import build

net = ss.Network.of(build("resnet18", width="1/4", side=64))
fast, x = net.compile(threads=2), np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype("float32")
wanted = fast(x)
begin = time.perf_counter()
fast(x)
once = time.perf_counter() - begin
signal.signal(signal.SIGALRM, signal.default_int_handler)
random.seed(0)
inside = 0
for _ in range(60):
    done = False
    try:
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, random.uniform(0, 1.2) * once))
        y = fast(x)
        done = True
        time.sleep(10)
    except KeyboardInterrupt:
        inside += not done
    assert np.array_equal(fast(x), wanted)
assert inside >= 10, inside
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers on this system")
def test_interrupts_at_any_moment():
    """As Ctrl-C makes them; the next call is right, and none waits for ever."""
    subprocess.run([sys.executable, "-c", INTERRUPTED], check=True, timeout=120)
